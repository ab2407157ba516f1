"""Brokers for the contract suite: each with a market that moves when it is told to."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Protocol

from tests.builders.okx_orders import BTC, MAIN, Desk, a_desk
from tests.builders.small_market import START, market, still
from tests.builders.unified_venues import FEE, KEY, SECRET, Binance, Book, Bybit, LookAlike
from tests.builders.unified_venues import served as serving_unified

from algotrader.core.events import BarClosed, Event
from algotrader.core.instants import utc_at, utc_ms
from algotrader.core.instruments import FeeCurrency, FeeSchedule, Instrument
from algotrader.core.money import Currency
from algotrader.core.ports import Clock, ManualClock, SystemClock
from algotrader.core.symbols import InstrumentKind, Symbol
from algotrader.execution.adapters.unified.binance import BINANCE
from algotrader.execution.adapters.unified.broker import UnifiedBroker, UnifiedBrokerSettings
from algotrader.execution.adapters.unified.bybit import BYBIT
from algotrader.execution.adapters.unified.client import ApiKeys, UnifiedClient
from algotrader.execution.adapters.unified.venue import UnifiedVenue
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

    unable: frozenset[str]  # what is refused before it is sent: amend, stop
    tells_terms: bool  # whether a look-up says what an order was changed to
    fee_rate: Decimal
    buys_pay_in_coin: bool

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
    unable: frozenset[str] = frozenset()
    tells_terms: bool = False
    fee_rate: Decimal = Decimal("0.001")
    buys_pay_in_coin: bool = True

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
    unable: frozenset[str] = frozenset()
    tells_terms: bool = True
    fee_rate: Decimal = Decimal("0.001")
    buys_pay_in_coin: bool = True

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


@dataclass
class UnifiedStage:
    """A venue by ccxt's unified calls, on answers in the forms that it documents."""

    broker: UnifiedBroker
    venue: LookAlike
    pair: Symbol
    unable: frozenset[str]
    tells_terms: bool = field(default=True, init=False)
    clock: SystemClock = field(default_factory=SystemClock)
    told: list[Event] = field(default_factory=list)

    @property
    def fee_rate(self) -> Decimal:
        return FEE[self.venue.book.kind]

    @property
    def buys_pay_in_coin(self) -> bool:
        return self.venue.book.kind == "spot"

    async def pass_(self) -> None:
        """Two looks at what is open."""
        await asyncio.sleep(0.05)

    def be_silent(self) -> bool:
        self.venue.is_silent = True
        return True


@asynccontextmanager
async def on_unified(
    table: UnifiedVenue, look_alike: type[LookAlike], kind: str, unable: frozenset[str]
) -> AsyncIterator[Stage]:
    venue = look_alike(Book(kind))
    async with a_unified_broker(table, venue) as (broker, pair):
        stage = UnifiedStage(broker, venue, pair, unable)
        task = asyncio.create_task(_listen_to(stage))
        try:
            yield stage
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
    assert venue.problems == []  # every request was one that the venue documents


@asynccontextmanager
async def a_unified_broker(
    table: UnifiedVenue, venue: LookAlike, **settings: Any
) -> AsyncIterator[tuple[UnifiedBroker, Symbol]]:
    """A broker that is ready, and the pair it trades."""
    settle = "" if venue.book.kind == "spot" else ":USDT"
    async with serving_unified(venue) as base:
        client = UnifiedClient(table, ApiKeys(key=KEY, secret=SECRET), base_url=base)
        broker = UnifiedBroker(
            MAIN, client, SystemClock(), UnifiedBrokerSettings(**{"check_s": 0.01} | settings)
        )
        try:
            problem = await broker.ready()
            assert problem is None, problem
            yield broker, Symbol.parse(f"{table.name}:BTC/USDT{settle}")
        finally:
            await broker.close()


async def _listen_to(stage: UnifiedStage) -> None:
    async for event in stage.broker.news():
        stage.told.append(event)


BROKERS: dict[str, Callable[[], AbstractAsyncContextManager[Stage]]] = {
    "paper": on_paper,
    "okx": on_okx,
    "binance-spot": lambda: on_unified(BINANCE, Binance, "spot", frozenset({"stop", "amend"})),
    "binance-perpetual": lambda: on_unified(BINANCE, Binance, "perpetual", frozenset({"stop"})),
    "bybit-spot": lambda: on_unified(BYBIT, Bybit, "spot", frozenset({"stop"})),
    "bybit-perpetual": lambda: on_unified(BYBIT, Bybit, "perpetual", frozenset({"stop"})),
}
"""Whatever is added here has to pass the whole suite."""
