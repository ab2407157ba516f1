"""How complete the data of a run is, and when that is too little to trust."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from algotrader.backtest.market import Coverage
from algotrader.core.bars import Bars
from algotrader.core.calendars import Calendar, calendar_of
from algotrader.core.errors import DataError
from algotrader.core.symbols import Symbol
from algotrader.data import coverage
from algotrader.data.lake import Lake
from algotrader.data.layout import SeriesKey

MINIMUM_COVERAGE = 0.995
# Share of bars outside the calendar's sessions that is merely warned of: of an instrument whose
# market is known, and of a bare file, whose calendar is a guess from these very stamps.
MAXIMUM_OUTSIDE = 0.005
MAXIMUM_OUTSIDE_GUESSED = 0.05
Spans = Sequence[tuple[int, int]]  # UTC ms, half open


def refuse_gaps(measured: Coverage, source: str) -> None:
    """DataError if an instrument has too few of its bars."""
    if measured.least >= MINIMUM_COVERAGE:
        return
    raise DataError(
        "data.coverage",
        f"{source}: {measured.least_symbol} has {measured.least:.2%} of the bars its calendar expects, "
        f"a backtest needs {MINIMUM_COVERAGE:.1%}",
        hint="see `algotrader data check`, mend it with `algotrader data repair`, "
        "or go on with --allow-gaps",
    )


def refuse_foreign_bars(measured: Coverage, calendar: Calendar, source: str) -> None:
    """DataError if bars lie where the market is closed: wrong zone, wrong labels, wrong market."""
    guessed = calendar_of(Symbol.parse(measured.worst_symbol)) is None
    if measured.worst_outside <= (MAXIMUM_OUTSIDE_GUESSED if guessed else MAXIMUM_OUTSIDE):
        return
    raise DataError(
        "data.outside_sessions",
        f"{source}: {measured.worst_outside:.1%} of the bars of {measured.worst_symbol} lie where "
        f"its calendar {calendar.name} has none: stamps of another time zone, bars named by their "
        "end, or another market's bars",
        hint="`algotrader data check` lists them; import them again with UTC opens, sessions alone",
    )


def coverage_of(
    bars: Bars,
    calendar: Calendar,
    funding: float | None = None,
    absent: Mapping[Symbol, Spans] | None = None,
) -> Coverage:
    """Bars there of those expected, each instrument between its own first and last bar.

    What the venue itself does not have (`absent`, from the manifest) counts as there: nothing
    can be repaired. Months are the mean of the instruments that are listed in them.
    """
    parts = [
        (symbol, coverage.coverage_of(ts, bars.timeframe, calendar, (absent or {}).get(symbol, ())))
        for symbol, ts in _stamps(bars)
    ]
    months: dict[str, list[float]] = {}
    for _, part in parts:
        for month, share in part.months:
            months.setdefault(month, []).append(share)
    least = min(parts, key=lambda part: part[1].share)
    foreign = max(parts, key=lambda part: _foreign_share(part[1]))
    return Coverage(
        expected=sum(part.expected for _, part in parts),
        present=sum(part.present + part.no_trades for _, part in parts),
        least=least[1].share,
        least_symbol=str(least[0]),
        outside=sum(part.outside for _, part in parts),
        worst_outside=_foreign_share(foreign[1]),
        worst_symbol=str(foreign[0]),
        months=tuple((month, float(np.mean(shares))) for month, shares in sorted(months.items())),
        funding=funding,
    )


def of_the_run(
    whole: Coverage,
    bars: Bars,
    calendar: Calendar,
    first: int,
    absent: Mapping[Symbol, Spans],
) -> Coverage:
    """How complete the rows from `first` on are, which a run's figures rest on.

    Years of whole warm-up hide no hole in the weeks that were traded, nor the other way round: the
    fewest bars of either count. The row before is taken along, for a hole may begin with the run.
    """
    part = coverage_of(bars.rows(max(first - 1, 0), len(bars)), calendar, None, absent)
    weaker = min(whole, part, key=lambda one: one.least)
    return replace(
        whole,
        expected=part.expected,
        present=part.present,
        least=weaker.least,
        least_symbol=weaker.least_symbol,
    )


def _foreign_share(part: coverage.Coverage) -> float:
    return part.outside / max(part.present + part.outside, 1)


def _stamps(bars: Bars) -> Iterator[tuple[Symbol, NDArray[np.int64]]]:
    """Of each instrument the opens of the bars that it has."""
    if not bars.panel:
        yield bars.symbol, bars.ts
        return
    for column, symbol in enumerate(bars.symbols):
        yield symbol, bars.ts[np.isfinite(bars.close[:, column])]


def absent_at_venues(store: Lake | None, bars: Bars) -> dict[Symbol, Spans]:
    """Spans that were asked for and that the venue has no bars of, as the manifests say."""
    if store is None:
        return {}
    keys = [SeriesKey.bars(symbol, bars.timeframe) for symbol in bars.symbols]
    return {key.symbol: store.manifest(key).absent_at_venue for key in keys if store.files(key)}
