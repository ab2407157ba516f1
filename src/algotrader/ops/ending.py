"""How a trader's parts end together: what feeds it first, then what it leaves open, then itself."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Sequence
from contextlib import suppress
from typing import Final

from algotrader.core.events import EndRequested
from algotrader.core.instants import utc_ms
from algotrader.core.ports import Clock
from algotrader.live.steps import Steps
from algotrader.live.trader import Trader
from algotrader.live.workers import WorkerDecider
from algotrader.ops.config import Configuration

log = logging.getLogger(__name__)
_ANSWERED_WITHIN_S: Final = 2.5  # twice, of the ten that a signal leaves (F07)


async def run_together(
    trader: Trader,
    beside: Sequence[Awaitable[None]],
    *,
    configuration: Configuration,
    steps: Steps,
    decider: WorkerDecider,
    clock: Clock,
    for_s: float | None = None,
) -> None:
    """Until a part ends, `for_s` seconds are over, or the task is cancelled, which it passes on.

    What a part raises is raised. Only a trader that was ended, and did not fail, asks its venue for
    a last thing.
    """
    trading = asyncio.ensure_future(trader.run())
    others = [asyncio.ensure_future(each) for each in beside]
    was_ended = False
    try:
        done, _ = await asyncio.wait(
            [trading, *others], timeout=for_s, return_when=asyncio.FIRST_COMPLETED
        )
        for task in done:
            task.result()
        was_ended = not done
    except asyncio.CancelledError:
        was_ended = True
        raise
    finally:
        await _ended(others)
        if was_ended and configuration.settings.trading.at_exit == "cancel":
            await _withdraw(trader, clock)
        await _ended([trading])
        steps.rest(1)
        with suppress(ProcessLookupError):
            await decider.close()


async def _withdraw(trader: Trader, clock: Clock) -> None:
    """Cancel what would add to positions; what the venue does not answer is asked at the start."""
    if not trader.is_ready():
        return
    await _idle(trader)  # what is being decided and sent is part of what is cancelled
    now_ms = utc_ms(clock.now())
    trader.tell(EndRequested(ts_event=now_ms, ts_known=now_ms, reason="trading.at_exit is cancel"))
    if not await _idle(trader):
        log.warning("the venue did not answer every cancel: the next start asks what became of it")


async def _idle(trader: Trader) -> bool:
    """Whether all that was asked for was done in time."""
    try:
        await asyncio.wait_for(trader.idle(), _ANSWERED_WITHIN_S)
    except TimeoutError:
        return False
    return True


async def _ended(tasks: Sequence[asyncio.Future[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
