"""Watched beside trading on OKX: rules of instruments, its clock, its prices of liquidation."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from algotrader.core.instants import utc_ms
from algotrader.core.ports import Clock, Notifier
from algotrader.data.adapters.okx.clock import ClockReading, measure_clock
from algotrader.engine.engine import Engine
from algotrader.execution.adapters.okx.account import OkxAccount
from algotrader.execution.adapters.okx.client import OkxClient
from algotrader.execution.adapters.okx.liquidation import OkxLiquidationWatch
from algotrader.execution.adapters.okx.watching import OkxClockWatch, OkxRulesWatch
from algotrader.live.bus import Bus
from algotrader.live.trader import Trader
from algotrader.ops.okx_accounts import AccountOnOkx


async def watch_okx(
    accounts: Sequence[AccountOnOkx],
    *,
    trader: Trader,
    engine: Engine,
    bus: Bus,
    clock: Clock,
    notifier: Notifier,
    is_look_alike: bool,
) -> None:
    """For ever, once the trader is ready. A look-alike lives in the time of the bars it replays."""
    instruments = engine.state.settings.instruments
    public = OkxClient(None, accounts[0].client.address)  # rules are the same for every account
    rules = OkxRulesWatch(
        OkxAccount(public), [instruments[symbol] for symbol in sorted(instruments)], clock,
        trader.tell,
    )  # fmt: skip
    bus.subscribe("rules", lambda message: rules.hear(message.body), topics=("order.rejected",),
                  quick=True)  # fmt: skip
    try:
        await trader.ready()
        async with asyncio.TaskGroup() as group:
            group.create_task(rules.run())
            for one in accounts:
                watch = OkxLiquidationWatch(OkxAccount(one.client), instruments, notifier)
                group.create_task(watch.run())
            for one in () if is_look_alike else accounts:
                group.create_task(_clock_watch(one, trader, clock, notifier).run())
    finally:
        await public.close()


def _clock_watch(
    one: AccountOnOkx, trader: Trader, clock: Clock, notifier: Notifier
) -> OkxClockWatch:
    async def measure() -> ClockReading:
        return await measure_clock(one.client.rest, lambda: utc_ms(clock.now()))

    return OkxClockWatch(one.name, measure, one.broker, clock, trader.tell, notifier)
