"""What stopped an account goes on stopping it, however often the trader dies and starts (F65, P12)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pytest
from tests.integration.test_steps_replay import HOUR, MAIN, T0, at, opened, settings
from tests.unit.live.test_comparing import Desk

from algotrader.core.events import Event, ModeChanged, TradingMode
from algotrader.core.instants import utc_at
from algotrader.core.ports import ManualClock, Notice
from algotrader.core.symbols import Symbol
from algotrader.engine.engine import Engine
from algotrader.live.journal.journal import begin, resume
from algotrader.live.journal.memory import MemoryStorage
from algotrader.live.steps import Steps
from algotrader.live.trader import Trader, modes_before


def changed(mode: TradingMode, by: str) -> ModeChanged:
    return ModeChanged(**at(T0), account=MAIN, mode=mode, reason="x", by=by)


@dataclass
class StoppedMeanwhile(Desk):
    """The venue stops the account while its positions are asked for."""

    stop: TradingMode = TradingMode.HALTED

    async def positions(self, symbols: tuple[Symbol, ...]) -> Mapping[Symbol, Decimal]:
        self.tell(changed(self.stop, "venue"))
        return await super().positions(symbols)


@pytest.mark.parametrize("stop", [TradingMode.HALTED, TradingMode.REDUCE_ONLY])
def test_f65_what_the_venue_stops_while_books_are_compared_stays_stopped(stop: TradingMode) -> None:
    desk = StoppedMeanwhile(["0"], stop=stop)
    desk.tell(changed(TradingMode.STARTING, "recovery"))
    desk.reconcile(TradingMode.TRADING)

    assert desk.mode is stop


@pytest.mark.parametrize("kills", [1, 2, 3])
def test_p12_a_halt_survives_kills_before_the_venue_was_compared(kills: int) -> None:
    desk = Desk(["0"])
    desk.tell(changed(TradingMode.TRADING, "recovery"))
    desk.tell(changed(TradingMode.HALTED, "venue"))
    for _ in range(kills):
        desk = Desk(["0"], storage=desk.storage)
        before = modes_before(desk.steps.engine.state)[MAIN]
        assert before is TradingMode.HALTED
        desk.tell(changed(TradingMode.STARTING, "recovery"))
    desk.reconcile(before)

    assert desk.mode is TradingMode.HALTED


def test_what_was_stopped_once_and_resumed_by_a_person_stops_no_later_start() -> None:
    desk = Desk(["0"])
    for mode, by in (
        (TradingMode.HALTED, "venue"),
        (TradingMode.STARTING, "recovery"),
        (TradingMode.HALTED, "recovery"),
        (TradingMode.TRADING, "owner"),
        (TradingMode.STARTING, "recovery"),
    ):
        before = modes_before(desk.steps.engine.state)[MAIN]
        desk.tell(changed(mode, by))
    desk.reconcile(before)

    assert desk.mode is TradingMode.TRADING


def test_f09_an_equal_comparison_does_not_lift_what_the_venue_reduced() -> None:
    desk = Desk(["0"])
    desk.tell(changed(TradingMode.TRADING, "recovery"))
    desk.shown = ["1"]
    desk.keep(sleeps=7)
    assert desk.mode is TradingMode.REDUCE_ONLY
    desk.tell(changed(TradingMode.REDUCE_ONLY, "venue"))
    desk.shown = ["0"]
    desk.keep(sleeps=3)

    assert desk.mode is TradingMode.REDUCE_ONLY


class Venue:
    """Whose first news is that another instance traded on the account."""

    async def news(self) -> AsyncIterator[Event]:
        yield changed(TradingMode.HALTED, "venue")
        await asyncio.Event().wait()

    async def positions(self, symbols: Sequence[Symbol]) -> Mapping[Symbol, Decimal]:
        return dict.fromkeys(symbols, Decimal(0))


class Quiet:
    async def notify(self, notice: Notice) -> None:
        pass


def test_f65_a_halt_while_it_starts_leaves_a_trader_that_can_be_spoken_to() -> None:
    storage = MemoryStorage()
    opened(Steps(Engine(settings()), begin(storage, entropy=bytes(16), now_ms=T0)))

    async def started() -> TradingMode:
        steps = Steps(Engine(settings()), resume(storage))
        steps.replay()
        anything: Any = Venue()
        trader = Trader(
            steps=steps, brokers={MAIN: anything}, decider=anything, notifier=Quiet(),
            clock=ManualClock(utc_at(T0 + HOUR)), sleep=lambda _: asyncio.sleep(0),
        )  # fmt: skip
        running = asyncio.ensure_future(trader.run())
        try:
            await asyncio.wait_for(trader.ready(), 5.0)
            return steps.engine.state.modes[MAIN]
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)

    assert asyncio.run(started()) is TradingMode.HALTED
