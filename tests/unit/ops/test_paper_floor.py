"""Paper on live bars: fills before the bar is decided on, each bar decided on once, late ones not."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import msgspec

from algotrader.core.events import BarClosed, SliceClosed
from algotrader.core.instants import utc_at
from algotrader.core.ports import ManualClock, Notice
from algotrader.core.symbols import Symbol
from algotrader.core.timeframes import HOUR_MS
from algotrader.live.rows import LiveRows
from algotrader.ops.paper_live import PaperFloor

SWAP = Symbol.parse("OKX:BTC/USDT:USDT")
MIDNIGHT = 1_704_067_200_000  # 2024-01-01: funding is settled


def bar(hour: int, *, is_late: bool = False) -> BarClosed:
    ts = MIDNIGHT + hour * HOUR_MS
    return BarClosed(
        ts_event=ts + HOUR_MS, ts_known=ts + HOUR_MS, instrument=SWAP, timeframe="1h", ts=ts,
        open=1, high=1, low=1, close=1, volume=1, source="OKX", is_late=is_late,
    )  # fmt: skip


def slice_of(hour: int) -> SliceClosed:
    at = MIDNIGHT + (hour + 1) * HOUR_MS
    return SliceClosed(
        ts_event=at, ts_known=at, timeframe="1h", decision_ts=at, instruments=(SWAP,)
    )


@dataclass
class Floor:
    """A floor with one paper account that fills once a bar, and a trader that listens."""

    rate: float | None = 0.0001
    frame: str = "1h"  # of the bars that fill
    decided: dict[str, SliceClosed] = field(default_factory=dict)
    told: list[Any] = field(default_factory=list)
    paid: list[tuple[int, float]] = field(default_factory=list)  # hour and rate
    notices: list[Notice] = field(default_factory=list)
    passed: tuple[int, int] | None = None  # opens of bars that closed while nobody was here
    is_open: bool = True  # an order waits

    def __post_init__(self) -> None:
        bars = SimpleNamespace(timeframe=self.frame, symbols=(SWAP,))
        paper: Any = SimpleNamespace(
            advance=self.advance, broker=SimpleNamespace(settle=self.settle, takes=self.takes),
            account=SimpleNamespace(name="main", market=SimpleNamespace(bars=bars)),
            passed_over=lambda _: self.passed,
        )  # fmt: skip
        self.floor = PaperFloor(
            papers=[paper], rows=LiveRows([]),
            trader=SimpleNamespace(tell=self.told.append), funding=self, notifier=self,
            clock=ManualClock(utc_at(MIDNIGHT)), on_slice=lambda _: None,
            state=self.state,
        )  # fmt: skip

    def state(self) -> Any:
        orders = SimpleNamespace(open=lambda _: ["an order"] if self.is_open else [])
        return SimpleNamespace(slices=self.decided, books={}, orders=orders)

    def advance(self, bars: Any, _: int) -> list[Any]:
        return [f"filled on {(one.ts - MIDNIGHT) // HOUR_MS}" for one in bars if self.takes(one)]

    def takes(self, one: BarClosed) -> bool:
        return one.timeframe == self.frame

    def settle(self, _: Symbol, ts: int, rate: float) -> None:
        self.paid.append(((ts - MIDNIGHT) // HOUR_MS, rate))

    async def notify(self, notice: Notice) -> None:
        self.notices.append(notice)

    async def settled(self, _: Symbol, ts: int) -> float | None:
        return self.rate if ts % (8 * HOUR_MS) == 0 else 0.0

    def hear(self, *events: Any) -> list[Any]:
        async def run() -> None:
            for event in events:
                await self.floor.hear(event if isinstance(event, tuple) else (event,))

        asyncio.run(run())
        return self.told


def test_what_a_bar_filled_is_told_before_the_bar_is_decided_on() -> None:
    assert Floor().hear(bar(1), slice_of(1)) == ["filled on 1", bar(1), slice_of(1)]


def test_R25_a_late_bar_is_told_and_fills_nothing() -> None:
    late = bar(1, is_late=True)

    assert Floor().hear(late, bar(2), slice_of(2)) == [late, "filled on 2", bar(2), slice_of(2)]


def test_a_late_bar_that_a_feed_brings_again_is_told_once() -> None:
    late = bar(1, is_late=True)

    assert Floor().hear(late, late) == [late]


def test_R24_a_bar_that_was_decided_on_before_a_restart_is_not_decided_on_again() -> None:
    assert Floor(decided={"1h": slice_of(2)}).hear(bar(2), slice_of(2)) == []
    assert Floor(decided={"1h": slice_of(2)}).hear(bar(3), slice_of(3))[-1] == slice_of(3)


def test_funding_is_settled_in_the_bar_that_it_falls_due_in() -> None:
    floor = Floor()
    floor.hear(bar(7), slice_of(7), bar(8), slice_of(8), bar(9), slice_of(9))

    assert floor.paid == [(8, 0.0001)]


def test_funding_that_is_not_known_is_said() -> None:
    floor = Floor(rate=None)
    floor.hear(bar(8), slice_of(8))

    assert floor.paid == []
    assert [one.cause for one in floor.notices] == [f"funding:{SWAP}"]


def test_funding_in_a_bar_that_never_came_is_said() -> None:
    floor = Floor()
    gone_on = [
        msgspec.structs.replace(slice_of(hour), instruments=(), missing=(SWAP,)) for hour in (8, 9)
    ]
    floor.hear(bar(7), slice_of(7), *gone_on, bar(10), slice_of(10))

    assert floor.paid == []
    (notice,) = floor.notices
    assert "funding was settled at 2024-01-01 08:00, in a bar that never came" in notice.text


def test_bars_that_passed_while_nobody_was_here_are_told_where_something_was_at_stake() -> None:
    passed = (bar(3).ts, bar(8).ts)
    floor, flat = Floor(passed=passed), Floor(passed=passed, is_open=False)
    for one in (floor, flat):
        one.hear(bar(9), slice_of(9))

    (notice,) = floor.notices
    assert "bars of 2024-01-01 03:00 to 2024-01-01 08:00 UTC passed without it" in notice.text
    assert flat.notices == []


def hour_of_quarters(hour: int) -> tuple[list[BarClosed], list[SliceClosed]]:
    """An hourly bar that the account does not fill on, and the quarter of it that closes with it."""
    whole, closed = bar(hour), slice_of(hour)
    quarter = msgspec.structs.replace(
        whole, timeframe="15m", ts=whole.ts_event - HOUR_MS // 4, instrument=SWAP
    )
    return [quarter, whole], [msgspec.structs.replace(closed, timeframe="15m"), closed]


def test_bars_of_several_lengths_fill_once_and_are_decided_on_together() -> None:
    floor = Floor(frame="15m")
    bars, slices = hour_of_quarters(7)
    told = floor.hear(*bars, tuple(slices))

    assert told == [f"filled on {7}", *bars, *slices]


def test_funding_is_settled_by_the_bars_that_fill_alone() -> None:
    floor = Floor(frame="15m")
    for hour in (7, 8):
        bars, slices = hour_of_quarters(hour)
        floor.hear(*bars, tuple(slices))

    assert floor.paid == []  # at 08:00 it falls due in the quarter that opens there
    quarter = msgspec.structs.replace(bar(8), timeframe="15m", ts_event=MIDNIGHT + 8 * HOUR_MS + 1)
    closed = msgspec.structs.replace(slice_of(8), timeframe="15m", decision_ts=quarter.ts_event)
    floor.hear(quarter, (closed,))
    assert floor.paid == [(8, 0.0001)]
