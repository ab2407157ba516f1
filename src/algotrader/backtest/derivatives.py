"""Funding and mark prices of perpetuals, as the simulator reads them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from algotrader.backtest.market import FundingSeries, MarkSeries
from algotrader.core.bars import Bars
from algotrader.core.instruments import Instrument
from algotrader.core.symbols import InstrumentKind, Symbol
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
    shares = [
        covered_share(series.ts, int(bars.ts[0]), int(bars.ts[-1])) if series else 0.0
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
