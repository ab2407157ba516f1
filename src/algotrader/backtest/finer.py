"""Finer bars that decide what happens inside a bar (`--path finer`, R17)."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from algotrader.backtest.loading import DataRequest, load_market
from algotrader.backtest.market import Market
from algotrader.backtest.settings import BacktestSettings
from algotrader.core.bars import Bars
from algotrader.core.errors import DataError
from algotrader.core.hashing import array_hash, content_hash
from algotrader.core.timeframes import Timeframe
from algotrader.data.lake import Lake


def market_for(request: DataRequest, settings: BacktestSettings, lake: Path) -> Market:
    """The market of a request, with finer bars where the settings' path needs them."""
    market = load_market(request, lake)
    return with_finer(market, lake) if settings.path == "finer" else market


def with_finer(market: Market, lake: Path) -> Market:
    """The market with the finest bars that the lake has of every instrument.

    DataError if there is no finer time frame that all of them have: nothing is guessed.
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
    parts = [store.read_bars(symbol, frame) for symbol in market.bars.symbols]
    finer = Bars.stack(parts) if len(parts) > 1 else parts[0].as_panel()
    inside = (finer.ts >= market.bars.ts[0]) & (finer.ts < market.bars.ts[-1] + base.ms)
    finer = finer.take(inside)
    named = content_hash(
        [
            market.provenance.data_hash,
            array_hash(finer.ts, finer.open, finer.high, finer.low, finer.close),
        ]
    )
    return replace(market, finer=finer, provenance=replace(market.provenance, data_hash=named))
