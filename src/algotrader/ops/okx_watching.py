"""What is watched beside trading on OKX: the rules of its instruments, and its clock."""

from __future__ import annotations

import asyncio

from algotrader.core.ids import AccountId
from algotrader.core.instants import utc_ms
from algotrader.core.ports import Clock, Notifier
from algotrader.data.adapters.okx.clock import ClockReading, measure_clock
from algotrader.engine.engine import Engine
from algotrader.execution.adapters.okx.account import OkxAccount
from algotrader.execution.adapters.okx.broker import OkxBroker
from algotrader.execution.adapters.okx.client import OkxClient
from algotrader.execution.adapters.okx.watching import OkxClockWatch, OkxRulesWatch
from algotrader.live.bus import Bus
from algotrader.live.trader import Trader


async def watch_okx(
    account: AccountId,
    *,
    trader: Trader,
    engine: Engine,
    client: OkxClient,
    broker: OkxBroker,
    bus: Bus,
    clock: Clock,
    notifier: Notifier,
    is_look_alike: bool,
) -> None:
    """For ever, once the trader is ready. A look-alike lives in the time of the bars it replays."""
    instruments = engine.state.settings.instruments
    rules = OkxRulesWatch(
        OkxAccount(client), [instruments[symbol] for symbol in sorted(instruments)], clock,
        trader.tell,
    )  # fmt: skip

    async def measure() -> ClockReading:
        return await measure_clock(client.rest, lambda: utc_ms(clock.now()))

    clocks = OkxClockWatch(account, measure, broker, clock, trader.tell, notifier)
    bus.subscribe("rules", lambda message: rules.hear(message.body), topics=("order.rejected",),
                  quick=True)  # fmt: skip
    await trader.ready()
    async with asyncio.TaskGroup() as both:
        both.create_task(rules.run())
        if not is_look_alike:
            both.create_task(clocks.run())
