"""Finer bars that decide what happens inside a bar (`--path finer`, R17)."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from algotrader.backtest.loading import DataRequest, load_market
from algotrader.backtest.market import Market
from algotrader.backtest.settings import BacktestSettings
from algotrader.core.bars import Bars
from algotrader.core.errors import DataError
from algotrader.core.hashing import array_hash, content_hash
from algotrader.core.instants import utc_at
from algotrader.core.timeframes import Timeframe
from algotrader.data.adjustment import Adjust
from algotrader.data.lake import Lake

_APART = 0.05  # of a close: further than two sources of one price are
_OFTEN = 0.01  # of the bars: a bad print alone is no other series


def market_for(request: DataRequest, settings: BacktestSettings, lake: Path) -> Market:
    """The market of a request, with finer bars where the settings' path needs them."""
    market = load_market(request, lake)
    return with_finer(market, lake, request.adjust) if settings.path == "finer" else market


def with_finer(market: Market, lake: Path, adjust: Adjust = "auto") -> Market:
    """The market with the finest bars that the lake has of every instrument.

    DataError if there is no finer time frame that all of them have, or if its prices are others
    than those of the bars: nothing is guessed.
    """
    store = Lake(lake)
    base = market.bars.timeframe
    common: set[Timeframe] | None = None
    for symbol in market.bars.symbols:
        own = {t for t in store.timeframes(symbol) if t < base and t.divides(base)}
        common = own if common is None else common & own
    if not common:
        raise DataError(
            "data.finer_missing",
            f"--path finer needs bars finer than {base} of {market.bars.symbols[0]}, the lake has none",
            hint=f"algotrader data download {market.bars.symbols[0]} --timeframe 1m, or use --path worst",
        )
    frame = min(common)
    parts = [store.read_bars(symbol, frame, adjust=adjust) for symbol in market.bars.symbols]
    finer = Bars.stack(parts) if len(parts) > 1 else parts[0].as_panel()
    inside = (finer.ts >= market.bars.ts[0]) & (finer.ts < market.bars.ts[-1] + base.ms)
    finer = finer.take(inside)
    _refuse_other_prices(market.bars.as_panel(), finer)
    named = content_hash(
        [
            market.provenance.data_hash,
            array_hash(finer.ts, finer.open, finer.high, finer.low, finer.close),
        ]
    )
    return replace(market, finer=finer, provenance=replace(market.provenance, data_hash=named))


def _refuse_other_prices(bars: Bars, finer: Bars) -> None:
    """DataError where finer bars close elsewhere: raw ones beside adjusted ones sell a split.

    A stop or a target would be met at prices that the bars never had.
    """
    last = np.searchsorted(finer.ts, bars.ts + bars.timeframe.ms) - 1
    has = (last >= 0) & (finer.ts[last] >= bars.ts)
    for column, symbol in enumerate(bars.symbols):
        ratio = np.where(has, finer.close[last, column] / bars.close[:, column], np.nan)
        apart = np.flatnonzero(np.abs(ratio - 1.0) > _APART)
        if len(apart) <= _OFTEN * np.count_nonzero(np.isfinite(ratio)):
            continue
        row = int(apart[0])
        theirs, ours = float(finer.close[last[row], column]), float(bars.close[row, column])
        raise DataError(
            "data.finer_differs",
            f"the {finer.timeframe} bars of {symbol} are of other prices than its {bars.timeframe} "
            f"bars: on {utc_at(int(bars.ts[row])):%Y-%m-%d} they close at {theirs:g} and {ours:g}",
            hint="import both with the same adjustment for splits, or use --path worst",
        )
