"""How complete the data of a run is, and when that is too little to trust."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from algotrader.backtest.market import Coverage
from algotrader.core.bars import Bars
from algotrader.core.calendars import Calendar
from algotrader.core.errors import DataError
from algotrader.core.symbols import Symbol
from algotrader.data import coverage
from algotrader.data.lake import Lake
from algotrader.data.layout import SeriesKey

MINIMUM_COVERAGE = 0.995
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
    return Coverage(
        expected=sum(part.expected for _, part in parts),
        present=sum(part.present + part.no_trades for _, part in parts),
        least=least[1].share,
        least_symbol=str(least[0]),
        months=tuple((month, float(np.mean(shares))) for month, shares in sorted(months.items())),
        funding=funding,
    )


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
