"""Longer bars out of shorter ones, by the calendar, complete ones only (R6)."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from algotrader.core.bars import Bars
from algotrader.core.calendars import Calendar, SessionCalendar
from algotrader.core.errors import UsageError
from algotrader.core.timeframes import DAY_MS, Timeframe
from algotrader.data.grids import sessions_of
from algotrader.data.tables import Floats

_WEEK_MS = 7 * DAY_MS
_MONDAY_MS = 4 * DAY_MS
_NIGHT_MS = 12 * DAY_MS


@dataclass(frozen=True, slots=True, kw_only=True)
class Resampled:
    """Longer bars, and of each the share of the base bars that were there, shape (T,)."""

    bars: Bars
    coverage: Floats

    @property
    def is_complete(self) -> NDArray[np.bool_]:
        return self.coverage >= 1.0


def resample(
    bars: Bars, timeframe: Timeframe, calendar: Calendar, *, incomplete: bool = False
) -> Resampled:
    """Bars of `timeframe` from single-instrument `bars`.

    Open is the first, close the last, high and low the extremes, volume the sum; `known_at` is
    the latest of the parts, so a bar is known when its last part was. A bar that still forms at
    the end, or was cut at the start, is left out. One that lacks a part inside has coverage below
    1 and is left out too unless `incomplete`. UsageError if the base does not divide the frame.
    """
    base = bars.timeframe
    if bars.panel or not base.divides(timeframe) or base.ms >= timeframe.ms:
        raise UsageError(
            "data.resample",
            f"{timeframe} bars cannot be made of {'a panel of ' if bars.panel else ''}{base} bars",
            hint=f"use a whole multiple of {base}",
        )
    if not len(bars):
        return Resampled(bars=replace(bars, timeframe=timeframe), coverage=np.zeros(0))
    groups = _opens(bars.ts, base, timeframe, calendar)
    starts = np.flatnonzero(np.concatenate(([True], groups[1:] != groups[:-1])))
    made = _aggregate(bars, groups, starts, timeframe, calendar)
    coverage = _coverage(bars.ts, groups, starts, base, timeframe, calendar)
    keep = np.isfinite(coverage) & (np.ones(len(coverage), bool) if incomplete else coverage >= 1.0)
    return Resampled(bars=_rows(made, keep), coverage=coverage[keep])


def _opens(
    ts: NDArray[np.int64], base: Timeframe, frame: Timeframe, calendar: Calendar
) -> NDArray[np.int64]:
    """The open of the longer bar that each base bar belongs to."""
    if calendar.never_closes:
        anchor = _MONDAY_MS if frame.ms % _WEEK_MS == 0 else 0
        return ts - (ts - anchor) % frame.ms
    if frame.is_intraday:
        grid = calendar.grid(frame, int(ts[0]) - int(ts[0]) % DAY_MS, int(ts[-1]) + base.ms)
        # Judged by its end: a bar counted from the full hour begins before the market opens.
        at = np.searchsorted(grid, ts + base.ms - 1, side="right") - 1
        return np.where(at >= 0, grid[np.maximum(at, 0)], ts) if len(grid) else ts
    dates = calendar.trading_date(ts) if base.is_intraday else ts
    return dates - (dates - _MONDAY_MS) % _WEEK_MS if frame.ms == _WEEK_MS else dates


def _aggregate(
    bars: Bars, groups: NDArray[np.int64], starts: NDArray[np.int64], frame: Timeframe,
    calendar: Calendar,
) -> Bars:  # fmt: skip
    ends = np.append(starts[1:], len(bars)) - 1
    opens = groups[starts]
    return Bars(
        ts=opens,
        open=bars.open[starts],
        high=np.fmax.reduceat(bars.high, starts),
        low=np.fmin.reduceat(bars.low, starts),
        close=bars.close[ends],
        volume=np.add.reduceat(bars.volume, starts),
        known_at=np.maximum.reduceat(bars.known_at, starts),
        timeframe=frame, symbols=bars.symbols, close_only=bars.close_only,
        session=sessions_of(calendar, opens, frame),
    )  # fmt: skip


def _coverage(
    ts: NDArray[np.int64], groups: NDArray[np.int64], starts: NDArray[np.int64], base: Timeframe,
    frame: Timeframe, calendar: Calendar,
) -> Floats:  # fmt: skip
    """Share of each longer bar's parts that are there; NaN for one cut at either end of the data."""
    present = np.diff(np.append(starts, len(ts)))
    grid = _parts(ts, groups, base, frame, calendar)
    owner = _opens(grid, base, frame, calendar)
    opens = groups[starts]
    first = np.searchsorted(owner, opens)
    wanted = np.searchsorted(owner, opens, side="right") - first
    share: Floats = np.minimum(present / np.maximum(wanted, 1), 1.0)
    # Where the data begins or ends inside a bar nobody knows the rest: neither whole nor holed.
    slack = base.ms  # bars counted from the full hour begin up to one bar before the grid's
    if share[0] < 1 and ts[0] > grid[first[0]] and wanted[0]:
        share[0] = np.nan
    if share[-1] < 1 and wanted[-1] and ts[-1] + slack <= grid[first[-1] + wanted[-1] - 1]:
        share[-1] = np.nan
    return share


def _parts(
    ts: NDArray[np.int64], groups: NDArray[np.int64], base: Timeframe, frame: Timeframe,
    calendar: Calendar,
) -> NDArray[np.int64]:  # fmt: skip
    """Base bars that should exist from the first longer bar to the end of the last."""
    start, end = int(min(groups[0], ts[0])), int(groups[-1]) + max(frame.ms, DAY_MS)
    if isinstance(calendar, SessionCalendar):
        first, last = calendar.known_span
        # A night session begins on the evening before its date, after a holiday days before.
        start, end = max(start - _NIGHT_MS, first), min(end, last)
    return calendar.grid(base, start, end)


def _rows(bars: Bars, keep: NDArray[np.bool_]) -> Bars:
    if bool(keep.all()):
        return bars
    return Bars(
        ts=bars.ts[keep], open=bars.open[keep], high=bars.high[keep], low=bars.low[keep],
        close=bars.close[keep], volume=bars.volume[keep], known_at=bars.known_at[keep],
        timeframe=bars.timeframe, symbols=bars.symbols, close_only=bars.close_only,
        session=None if bars.session is None else bars.session[keep],
    )  # fmt: skip
