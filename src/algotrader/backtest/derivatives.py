"""Funding and mark prices of perpetuals, as the simulator reads them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from algotrader.backtest.market import FundingSeries, MarkSeries
from algotrader.core.bars import Bars
from algotrader.core.instruments import Instrument
from algotrader.core.symbols import InstrumentKind, Symbol
from algotrader.core.timeframes import DAY_MS
from algotrader.data.funding import covered_share, on_rows
from algotrader.data.lake import Lake
from algotrader.data.layout import SeriesKey


def funding_of(lake: Lake, instrument: Instrument, bars: Bars) -> FundingSeries | None:
    """Settlements over the bars; `None` where nothing is known, never zeros."""
    key = SeriesKey.funding(instrument.symbol)
    if instrument.kind is not InstrumentKind.PERPETUAL or not lake.files(key):
        return None
    ts, rate = lake.read_funding(instrument.symbol)
    inside = on_rows(ts, rate, int(bars.ts[0]), int(bars.ts[-1]) + bars.timeframe.ms)
    return FundingSeries(ts=inside[0], rate=inside[1])


def funding_coverage(
    instruments: tuple[Instrument, ...], funding: dict[Symbol, FundingSeries], bars: Bars
) -> float | None:
    """Least share of the run's time with known settlements; `None` without perpetuals."""
    return _least_covered(instruments, funding, int(bars.ts[0]), int(bars.ts[-1]))


def funding_months(
    instruments: tuple[Instrument, ...], funding: dict[Symbol, FundingSeries], bars: Bars
) -> tuple[tuple[str, float], ...]:
    """The same by calendar month, `("2024-05", 0.99)`: of each the part within the run."""
    first, last = int(bars.ts[0]), int(bars.ts[-1])
    months = np.arange(
        np.datetime64(first, "ms").astype("datetime64[M]"),
        np.datetime64(last, "ms").astype("datetime64[M]") + 1,
    )
    found = []
    for month in months:
        begin, end = ((month + k).astype("datetime64[ms]").astype(np.int64) for k in (0, 1))
        share = _least_covered(instruments, funding, max(first, int(begin)), min(last, int(end)))
        if share is not None:
            found.append((str(month), share))
    return tuple(found)


def _least_covered(
    instruments: tuple[Instrument, ...],
    funding: dict[Symbol, FundingSeries],
    start_ms: int,
    end_ms: int,
) -> float | None:
    shares = [
        covered_share(series.ts, start_ms, end_ms) if series else 0.0
        for instrument in instruments
        if instrument.kind is InstrumentKind.PERPETUAL
        for series in (funding.get(instrument.symbol),)
    ]
    return min(shares) if shares else None


def marks_of(lake: Lake, instrument: Instrument, bars: Bars) -> MarkSeries | None:
    """Mark bars on the rows of the prices, NaN where there is none; `None` without any."""
    key = SeriesKey.mark(instrument.symbol, bars.timeframe)
    if instrument.kind is not InstrumentKind.PERPETUAL or not lake.files(key):
        return None
    mark = lake.read_mark(instrument.symbol, bars.timeframe)
    rows = np.searchsorted(mark.ts, bars.ts)
    rows = np.minimum(rows, len(mark) - 1)
    known = mark.ts[rows] == bars.ts

    def aligned(values: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.where(known, values[rows], np.nan)

    return MarkSeries(
        open=aligned(mark.open),
        high=aligned(mark.high),
        low=aligned(mark.low),
        close=aligned(mark.close),
    )


def settled_rates(bars: Bars, funding: dict[Symbol, FundingSeries]) -> NDArray[np.float64] | None:
    """Rate last settled by each bar's close, shaped like `bars.close`; NaN where none is known.

    A rate is forgotten after a day without a settlement: it says nothing of today.
    """
    if not funding:
        return None
    columns = [
        _last_settled(bars, funding[symbol]) if symbol in funding else np.full(len(bars), np.nan)
        for symbol in bars.symbols
    ]
    return np.column_stack(columns) if bars.panel else columns[0]


def _last_settled(bars: Bars, series: FundingSeries) -> NDArray[np.float64]:
    if not len(series.ts):
        return np.full(len(bars), np.nan)
    place = np.searchsorted(series.ts, bars.known_at, side="right") - 1
    fresh = (place >= 0) & (bars.known_at - series.ts[np.maximum(place, 0)] <= DAY_MS)
    return np.where(fresh, series.rate[np.maximum(place, 0)], np.nan)
