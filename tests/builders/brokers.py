"""Brokers for the contract suite: each with a market that moves when it is told to."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Protocol

from tests.builders.okx_orders import BTC, MAIN, Desk, a_desk
from tests.builders.small_market import START, market, still

from algotrader.core.events import BarClosed, Event
from algotrader.core.instants import utc_at, utc_ms
from algotrader.core.instruments import FeeCurrency, FeeSchedule, Instrument
from algotrader.core.money import Currency
from algotrader.core.ports import Clock, ManualClock, SystemClock
from algotrader.core.symbols import InstrumentKind, Symbol
from algotrader.execution.broker import Broker
from algotrader.execution.paper import PaperVenue
from algotrader.execution.paper_broker import PaperBroker
from algotrader.execution.paper_terms import paper_terms
from algotrader.execution.simulation import SimulatedInstrument, SimulationSettings
from algotrader.simulator.okx.faults import FaultKind

PRICE = 30_000.0


class Stage(Protocol):
    """What the suite may do with a broker and its market: one pair, around 30,000, quiet."""

    broker: Broker
    clock: Clock
    told: list[Event]  # by `news`, or by the bars of a paper venue

    @property
    def pair(self) -> Symbol: ...

    async def pass_(self) -> None:
        """Let enough time pass for a market order to fill and to be told."""
        ...

    def be_silent(self) -> bool:
        """Answer nothing from now on; False for a venue that cannot be silent."""
        ...


@dataclass
class PaperStage:
    """A paper venue with bars of one hour."""

    broker: PaperBroker
    venue: PaperVenue
    clock: ManualClock
    told: list[Event] = field(default_factory=list)
    _row: int = 0

    pair = Symbol.parse("OKX:BTC/USDT")

    async def pass_(self) -> None:
        ts = START + self._row * 3_600_000
        self._row += 1
        self.clock.advance(3_600)
        now_ms = utc_ms(self.clock.now())
        bar = BarClosed(
            ts_event=now_ms, ts_known=now_ms, instrument=self.pair, timeframe="1h", ts=ts,
            open=PRICE, high=PRICE, low=PRICE, close=PRICE, volume=1e6, source="test",
        )  # fmt: skip
        self.told += self.broker.advance([bar], now_ms)

    def be_silent(self) -> bool:
        return False


@asynccontextmanager
async def on_paper() -> AsyncIterator[Stage]:
    clock = ManualClock(utc_at(START))
    fees = FeeSchedule(maker=Decimal("0.0008"), taker=Decimal("0.001"), fee_in=FeeCurrency.RECEIVED)
    instrument = Instrument(
        symbol=BTC, kind=InstrumentKind.SPOT, base="BTC", quote="USDT", settle="USDT",
        tick=Decimal("0.1"), lot=Decimal("0.00000001"), min_quantity=Decimal("0.00001"),
        min_notional=Decimal(0), multiplier=Decimal(1), fees=fees,
    )  # fmt: skip
    simulated = SimulatedInstrument(
        symbol=str(BTC), tick=0.1, lot=1e-8, min_quantity=1e-5, maker_fee=0.0008,
        taker_fee=0.001, fee_in_received=True,
    )  # fmt: skip
    terms = paper_terms(
        MAIN, Currency("USDT"), [instrument], [simulated], SimulationSettings(cash=1_000_000.0),
        market(still(PRICE, 50)),
    )  # fmt: skip
    venue = PaperVenue(terms)
    stage = PaperStage(PaperBroker(venue, clock), venue, clock)
    await stage.pass_()
    yield stage


@dataclass
class OkxStage:
    """The adapter of OKX on a simulated exchange."""

    desk: Desk
    clock: SystemClock = field(default_factory=SystemClock)

    pair = BTC

    @property
    def broker(self) -> Broker:
        return self.desk.broker

    @property
    def told(self) -> list[Event]:
        return self.desk.told

    async def pass_(self) -> None:
        before = len(self.told)
        await self.desk.move(2_000)
        for _ in range(40):  # pushes come soon, if any do
            await asyncio.sleep(0.01)
            if len(self.told) > before:
                break
        await asyncio.sleep(0.05)

    def be_silent(self) -> bool:
        self.desk.fault(FaultKind.HTML, where="*")
        return True


@asynccontextmanager
async def on_okx() -> AsyncIterator[Stage]:
    async with a_desk() as desk:
        yield OkxStage(desk)


BROKERS: dict[str, Callable[[], AbstractAsyncContextManager[Stage]]] = {
    "paper": on_paper,
    "okx": on_okx,
}
"""Whatever is added here has to pass the whole suite."""
