"""How complete a series is: the bars its calendar expects, those that are there, those missing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from algotrader.core.bars import Bars
from algotrader.core.calendars import Calendar
from algotrader.core.timeframes import Timeframe
from algotrader.data.grids import expected_bars, in_sorted

ENOUGH = 0.995  # under this a backtest needs --allow-gaps (promise 16)

# `no_trades`: the venue was asked and has no bar there. `not_downloaded`: nobody asked it yet.
Reason = Literal["no_trades", "not_downloaded"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """Bars that the calendar expects over `[start_ms, end_ms)` and that are not there."""

    start_ms: int
    end_ms: int
    bars: int
    reason: Reason = "not_downloaded"


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """Counts of bars from the first to the last one of a series."""

    expected: int
    present: int  # expected ones that are there
    outside: int = 0  # bars where the calendar has none
    missing: tuple[Missing, ...] = ()
    months: tuple[tuple[str, float], ...] = ()  # ("2024-05", 0.998): share of the month

    @property
    def no_trades(self) -> int:
        return sum(gap.bars for gap in self.missing if gap.reason == "no_trades")

    @property
    def share(self) -> float:
        """Bars there, and bars that the venue itself does not have, of those expected: 0 to 1."""
        return 1.0 if not self.expected else (self.present + self.no_trades) / self.expected


def coverage_of(
    ts: NDArray[np.int64],
    timeframe: Timeframe,
    calendar: Calendar,
    absent_at_venue: Sequence[tuple[int, int]] = (),
) -> Coverage:
    """Coverage of ascending bars `ts`; `absent_at_venue` are spans that the venue has no bars of."""
    expected = expected_bars(calendar, timeframe, ts)
    there = in_sorted(expected, ts)
    return Coverage(
        expected=len(expected), present=int(there.sum()), outside=len(ts) - int(there.sum()),
        missing=tuple(_missing(expected, there, timeframe, absent_at_venue)),
        months=tuple(_by_month(expected, there)),
    )  # fmt: skip


def coverage(bars: Bars, calendar: Calendar) -> Coverage:
    """Coverage of bars as read; see `coverage_of`."""
    return coverage_of(bars.ts, bars.timeframe, calendar)


def _missing(
    expected: NDArray[np.int64], there: NDArray[np.bool_], timeframe: Timeframe,
    absent: Sequence[tuple[int, int]],
) -> list[Missing]:  # fmt: skip
    gone = expected[~there]
    if not len(gone):
        return []
    excused = np.zeros(len(gone), dtype=np.bool_)
    for first, last in absent:
        excused |= (gone >= first) & (gone < last)
    places = np.searchsorted(expected, gone)
    breaks = np.flatnonzero((np.diff(places) > 1) | (np.diff(excused.astype(np.int8)) != 0)) + 1
    return [
        Missing(
            start_ms=int(gone[rows[0]]), end_ms=int(gone[rows[-1]]) + timeframe.ms,
            bars=len(rows), reason="no_trades" if excused[rows[0]] else "not_downloaded",
        )
        for rows in np.split(np.arange(len(gone)), breaks)
    ]  # fmt: skip


def _by_month(expected: NDArray[np.int64], there: NDArray[np.bool_]) -> list[tuple[str, float]]:
    return [(month, have / count) for month, count, have in _counted(expected, there, "M")]


def days_of_month(
    ts: NDArray[np.int64], timeframe: Timeframe, calendar: Calendar, month: str
) -> list[tuple[str, int, int]]:
    """Of each day of a month (`2024-05`, UTC) on which bars are due: how many, and how many are there.

    Within the series' own first and last bar.
    """
    expected = expected_bars(calendar, timeframe, ts)
    inside = expected.astype("datetime64[ms]").astype("datetime64[M]") == np.datetime64(month, "M")
    return _counted(expected[inside], in_sorted(expected, ts)[inside], "D")


def _counted(
    expected: NDArray[np.int64], there: NDArray[np.bool_], unit: Literal["M", "D"]
) -> list[tuple[str, int, int]]:
    """Bars due and bars there, by month or day."""
    if not len(expected):
        return []
    spans = expected.astype("datetime64[ms]").astype(f"datetime64[{unit}]")
    starts = np.flatnonzero(np.concatenate(([True], spans[1:] != spans[:-1])))
    counts = np.diff(np.append(starts, len(spans)))
    present = np.add.reduceat(there.astype(np.int64), starts)
    return [
        (str(spans[at]), int(count), int(have))
        for at, have, count in zip(starts, present, counts, strict=True)
    ]
