"""Rules on the rows themselves: stamps, order, missing and impossible numbers."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from algotrader.core.timeframes import DAY_MS, HOUR_MS
from algotrader.data.columns import PRICES
from algotrader.data.grids import in_sorted
from algotrader.data.quality.findings import Hits, Level, Series
from algotrader.data.rows import faults_of
from algotrader.data.tables import BarTable

_ROW_RULES = {
    "data.unsorted": ("disorder", "rows are earlier than the row before them"),
    "data.duplicate": ("duplicate", "a stamp occurs again"),
    "data.price_not_positive": ("price_not_positive", "a price is 0 or below"),
    "data.volume_negative": ("volume_negative", "volume is below 0"),
}


def wrong_rows(series: Series) -> Iterator[Hits]:
    """Rows that can be no bars, by reason."""
    table = series.received
    seen: dict[str, list[NDArray[np.int64]]] = {}
    for fault in faults_of(table):
        if fault.code in _ROW_RULES:
            seen.setdefault(fault.code, []).append(fault.rows)
    for code, rows in seen.items():
        rule, message = _ROW_RULES[code]
        yield _error(table, rule, np.unique(np.concatenate(rows)), message)
    yield from _missing_numbers(table)
    yield from _impossible_ranges(table)


def _error(table: BarTable, rule: str, rows: NDArray[np.int64], message: str) -> Hits:
    return Hits(rule=rule, level=Level.ERROR, ts=table.ts[rows], message=message)


def _missing_numbers(table: BarTable) -> Iterator[Hits]:
    bad = np.zeros(len(table), dtype=np.bool_)
    for name in PRICES:
        if name in table.columns:
            bad |= ~np.isfinite(table.columns[name])
    if bool(bad.any()):
        yield _error(table, "price_missing", np.flatnonzero(bad), "a price is missing or infinite")
    volume = table.columns.get("volume")
    if volume is not None and bool(np.isnan(volume).any()):
        rows = np.flatnonzero(np.isnan(volume))
        if len(rows) == len(volume):
            yield Hits(rule="volume_absent", level=Level.NOTE, ts=table.ts[rows],
                       message="there is no volume: participation is off")  # fmt: skip
        else:
            yield Hits(rule="volume_missing", level=Level.WARNING, ts=table.ts[rows],
                       message="volume is missing")  # fmt: skip


def _impossible_ranges(table: BarTable) -> Iterator[Hits]:
    """High below low, high below the body, low above it; exact, as `import` is with 1e-9."""
    if table.is_close_only:
        return
    opened, high, low, close = (table.columns[name] for name in PRICES)
    checks = (
        ("high_below_low", high < low, "the high is below the low"),
        ("high_below_body", high < np.maximum(opened, close), "the high is below open or close"),
        ("low_above_body", low > np.minimum(opened, close), "the low is above open or close"),
    )
    for rule, bad, message in checks:
        if bool(bad.any()):
            yield _error(table, rule, np.flatnonzero(bad), message)


def off_grid(series: Series) -> Iterator[Hits]:
    """Steps that are no whole number of bars: a clock change, a shifted zone, foreign rows (F44).

    Only markets that never close have steps of whole bars; the others are held to their sessions.
    """
    ts, frame = series.ordered.ts, series.timeframe.ms
    if not series.never_closes or len(ts) < 2:
        return
    phase = ts % frame
    if frame <= DAY_MS and phase[0] and bool(np.all(phase == phase[0])):
        yield Hits(
            rule="wrong_time_zone", level=Level.ERROR, ts=ts,
            message=f"every bar opens {int(phase[0]) / HOUR_MS:g} h into the {series.timeframe} of "
            "UTC: stamps of another zone, or bars named by their end",
        )  # fmt: skip
    off = np.diff(ts) % frame
    rows = np.flatnonzero(off) + 1
    if len(rows):
        hours = np.minimum(off, frame - off)[rows - 1]
        clock = bool(np.all(hours == HOUR_MS))
        yield Hits(
            rule="clock_change" if clock else "off_grid", level=Level.ERROR, ts=ts[rows],
            message="the clock changes by an hour: stamps are local time, not UTC" if clock
            else f"the step to the row before is no whole number of {series.timeframe} bars",
        )  # fmt: skip


def gaps_around_the_clock(series: Series) -> Hits:
    """Missing bars of a market that never closes: one place a gap, its bars as the weight."""
    ts, frame = series.ordered.ts, series.timeframe.ms
    steps = np.diff(ts)
    rows = np.flatnonzero(steps > frame)
    return Hits(
        rule="gap", level=Level.WARNING, ts=ts[rows] + frame, message="bars are missing",
        weights=steps[rows] // frame - 1,
    )  # fmt: skip


def gaps_in_sessions(series: Series, expected: NDArray[np.int64]) -> Iterator[Hits]:
    """Bars of the calendar that are missing, and rows where the market is closed."""
    ts = series.ordered.ts
    missing = ~in_sorted(expected, ts)
    starts = np.flatnonzero(missing & ~np.concatenate(([False], missing[:-1])))
    if len(starts):
        ends = np.flatnonzero(missing & ~np.concatenate((missing[1:], [False]))) + 1
        yield Hits(rule="gap", level=Level.WARNING, ts=expected[starts], weights=ends - starts,
                   message="bars of the calendar are missing")  # fmt: skip
    foreign = ts[~in_sorted(ts, expected)]
    if len(foreign):
        many = len(foreign) > len(ts) // 2
        yield Hits(
            rule="wrong_time_zone" if many else "outside_session",
            level=Level.ERROR if many else Level.NOTE, ts=foreign,
            message="most rows are not where the calendar has bars: another time zone, or bars "
            "named by their end" if many else "rows where the calendar has no bar",
        )  # fmt: skip
