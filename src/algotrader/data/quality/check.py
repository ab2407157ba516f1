"""Run every rule over one series."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from algotrader.core.calendars import Calendar
from algotrader.core.errors import DataError
from algotrader.core.timeframes import Timeframe
from algotrader.data.adjustment import factor_of
from algotrader.data.grids import expected_bars
from algotrader.data.quality import structure, values
from algotrader.data.quality.findings import Finding, Hits, Level, Series, by_month
from algotrader.data.quality.runs import local_scale
from algotrader.data.tables import BarTable, Floats

_ORDER = {Level.ERROR: 0, Level.WARNING: 1, Level.NOTE: 2}


def check_table(
    table: BarTable, timeframe: Timeframe, calendar: Calendar, name: str
) -> list[Finding]:
    """Findings of every rule, one a rule and month; errors first, then by time.

    `table` is as received: disorder, duplicates and impossible numbers are findings too.
    """
    series = _series(table, timeframe, calendar, name)
    found = [finding for hits in _hits(series, calendar) for finding in by_month(hits, name)]
    return sorted(found, key=lambda f: (_ORDER[f.level], f.first_ts, f.rule))


def _series(table: BarTable, timeframe: Timeframe, calendar: Calendar, name: str) -> Series:
    ordered = _ordered(table)
    factor = _factor(ordered)
    moves = _moves(ordered.columns["close"], factor)
    return Series(
        name=name, timeframe=timeframe, received=table, ordered=ordered, moves=moves,
        scale=local_scale(moves),
        factor=factor, never_closes=calendar.never_closes,
    )  # fmt: skip


def _ordered(table: BarTable) -> BarTable:
    if bool(np.all(np.diff(table.ts) > 0)):
        return table
    _, first = np.unique(table.ts, return_index=True)
    return table.take(first.astype(np.int64))


def _factor(table: BarTable) -> Floats | None:
    try:
        return factor_of(table, "auto")
    except DataError:
        return None  # damaged factors: prices are judged raw, and their jumps show


def _moves(close: Floats, factor: Floats | None) -> Floats:
    with np.errstate(all="ignore"):
        steps = np.diff(np.log(close if factor is None else close * factor))
    return np.where(np.isfinite(steps), steps, 0.0)


def _hits(series: Series, calendar: Calendar) -> Iterable[Hits]:
    yield from structure.wrong_rows(series)
    yield from structure.off_grid(series)
    if len(series.ordered) > 1:
        if series.never_closes:
            yield structure.gaps_around_the_clock(series)
        else:
            yield from structure.gaps_in_sessions(
                series, expected_bars(calendar, series.timeframe, series.ordered.ts)
            )
    for rule in (
        values.bad_prints, values.stale_rows, values.drawn_lines, values.zero_volume,
        values.unit_switches, values.oversized_prices, values.large_moves, values.unexplained_jumps,
    ):  # fmt: skip
        yield from rule(series)
