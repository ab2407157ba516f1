"""Rules and clock of OKX, watched: what differs is told, once."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from algotrader.core.events import Event, InstrumentChanged, ModeChanged, OrderRejected, TradingMode
from algotrader.core.ids import AccountId, OrderId
from algotrader.core.ports import Notice
from algotrader.core.symbols import InstrumentKind, Symbol
from algotrader.data.adapters.okx.clock import ClockReading
from algotrader.execution.adapters.okx.account import InstrumentRules
from algotrader.execution.adapters.okx.watching import OkxClockWatch, OkxRulesWatch
from algotrader.execution.broker import BrokerUnavailableError
from algotrader.simulator.okx.listings import usual_instrument

SWAP = usual_instrument(Symbol.parse("OKX:BTC/USDT:USDT"))
MAIN = AccountId("main")
AS_KNOWN = InstrumentRules(
    instrument=SWAP.symbol, tick=SWAP.tick, lot=SWAP.lot, min_quantity=SWAP.min_quantity,
    max_limit_quantity=Decimal(1_000), max_market_quantity=Decimal(1_000),
    contract_value=SWAP.multiplier, state="live", expires_ms=None,
)  # fmt: skip


class Clock:
    def now(self) -> datetime:
        return datetime(2026, 1, 1, tzinfo=UTC)

    def monotonic_s(self) -> float:
        return 0.0


class Venue:
    def __init__(self) -> None:
        self.rows: tuple[InstrumentRules, ...] = (AS_KNOWN,)
        self.is_down = False
        self.asked = 0

    async def rules(self, kind: InstrumentKind) -> tuple[InstrumentRules, ...]:
        assert kind is InstrumentKind.PERPETUAL
        self.asked += 1
        if self.is_down:
            raise BrokerUnavailableError("no answer")
        return self.rows


def a_watch() -> tuple[OkxRulesWatch, Venue, list[Event]]:
    venue, told = Venue(), list[Event]()
    return OkxRulesWatch(venue, [SWAP], Clock(), told.append), venue, told


def refusal(code: str) -> OrderRejected:
    return OrderRejected(
        ts_event=0, ts_known=0, account=MAIN, order_id=OrderId("o"), instrument=SWAP.symbol,
        code=code, reason="",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "named", "frozen"),
    [
        ({}, None, None),
        ({"tick": Decimal("0.5")}, ("tick",), None),
        ({"lot": Decimal(1), "min_quantity": Decimal(1)}, ("lot", "min_quantity"), None),
        ({"contract_value": Decimal(1)}, ("multiplier",), None),
        ({"state": "suspend"}, ("frozen",), "the venue has it in state suspend"),
        ({"expires_ms": 1_800_000_000_000}, ("expires_ms",), None),
        ({"max_limit_quantity": Decimal(1)}, None, None),
    ],
)
def test_f31_f32_what_differs_is_told_once(changes: Any, named: Any, frozen: str | None) -> None:
    async def run() -> None:
        watch, venue, told = a_watch()
        venue.rows = (replace(AS_KNOWN, **changes),)
        await watch.look()
        await watch.look()
        assert [one.changes for one in told if isinstance(one, InstrumentChanged)] == (
            [] if named is None else [named]
        )
        assert [one.frozen for one in told if isinstance(one, InstrumentChanged)] == (
            [] if named is None else [frozen]
        )

    asyncio.run(run())


def test_f32_what_is_no_longer_listed_is_frozen_and_thaws_when_it_is_back() -> None:
    async def run() -> None:
        watch, venue, told = a_watch()
        venue.rows = ()
        await watch.look()
        venue.rows = (AS_KNOWN,)
        await watch.look()
        assert [one.frozen for one in told if isinstance(one, InstrumentChanged)] == [
            "the venue no longer lists it", None,
        ]  # fmt: skip

    asyncio.run(run())


@pytest.mark.parametrize(("code", "looks"), [("51121", True), ("51027", True), ("51008", False)])
def test_f31_a_refusal_of_a_size_or_of_the_instrument_reads_the_rules_at_once(
    code: str, looks: bool
) -> None:
    async def run() -> None:
        watch, venue, told = a_watch()
        task = asyncio.ensure_future(watch.run())
        for _ in range(3):
            await asyncio.sleep(0)
        watch.hear(refusal(code))
        for _ in range(5):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert venue.asked == (2 if looks else 1)
        frozen = [one.frozen for one in told if isinstance(one, InstrumentChanged)]
        assert frozen == (["the venue refuses its orders with 51027"] if code == "51027" else [])

    asyncio.run(run())


def test_no_answer_says_nothing_about_the_rules() -> None:
    async def run() -> None:
        watch, venue, told = a_watch()
        venue.is_down = True
        with pytest.raises(BrokerUnavailableError):
            await watch.look()
        assert told == []

    asyncio.run(run())


@pytest.mark.parametrize("name", ["tick", "lot", "min_quantity"])
def test_f37_rules_that_leave_out_a_size_are_no_answer(name: str) -> None:
    async def run() -> None:
        watch, venue, told = a_watch()
        left_out: Any = {name: Decimal(0)}
        venue.rows = (replace(AS_KNOWN, **left_out),)
        with pytest.raises(BrokerUnavailableError, match="are not told"):
            await watch.look()
        assert told == []
        venue.rows = (replace(AS_KNOWN, state="suspend", **left_out),)  # as before, and frozen
        await watch.look()
        (changed,) = told
        assert isinstance(changed, InstrumentChanged)
        assert changed.changes == ("frozen",)
        assert (changed.tick, changed.lot) == (SWAP.tick, SWAP.lot)

    asyncio.run(run())


class Stamped:
    def __init__(self) -> None:
        self.offset_ms = 0
        self.set: list[int] = []

    def set_offset(self, offset_ms: int) -> None:
        self.offset_ms = offset_ms
        self.set.append(offset_ms)


class Told:
    def __init__(self) -> None:
        self.notices: list[Notice] = []

    async def notify(self, notice: Notice) -> None:
        self.notices.append(notice)


@pytest.mark.parametrize(
    ("readings", "offsets", "halts", "shown"),
    [
        ([100], [], False, False),
        ([40_000, 40_010], [40_000], False, True),  # set once, and trading goes on
        ([-2_100, -2_100], [-2_100], False, True),
        ([1_900, 1_900], [1_900], False, False),
        ([40_000, 75_000], [40_000], True, True),  # it runs away
    ],
)
def test_f30_a_clock_that_is_off_is_set_once_shown_and_halts_what_stays_wrong(
    readings: list[int], offsets: list[int], halts: bool, shown: bool
) -> None:
    async def run() -> None:
        left, stamps, told, person = list(readings), Stamped(), list[Event](), Told()

        async def measure() -> ClockReading:
            return ClockReading(offset_ms=left.pop(0), uncertainty_ms=5)

        watch = OkxClockWatch(MAIN, measure, stamps, Clock(), told.append, person)
        await watch.look()
        assert (stamps.set, left) == (offsets, [])
        assert [one.mode for one in told if isinstance(one, ModeChanged)] == (
            [TradingMode.HALTED] if halts else []
        )
        assert bool(person.notices) is shown

    asyncio.run(run())
