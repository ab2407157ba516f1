"""Prices to replay: from a lake's folder, or from one file of bars."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from algotrader.core.errors import DataError
from algotrader.core.instruments import Instrument
from algotrader.core.symbols import InstrumentKind, Symbol
from algotrader.core.timeframes import Timeframe
from algotrader.data.files import read_bars
from algotrader.data.instruments import load_instrument
from algotrader.data.lake import Lake
from algotrader.data.layout import SeriesKey
from algotrader.simulator.okx.build import Listed
from algotrader.simulator.okx.feeds import Feed
from algotrader.simulator.okx.listings import Listing, usual_instrument

_TRADED = (InstrumentKind.SPOT, InstrumentKind.PERPETUAL)


def replayed(path: Path, symbols: Sequence[str] = (), timeframe: str | None = None) -> Listed:
    """Markets whose prices come from `path`: a lake, or a CSV, Parquet or Feather file.

    Of a lake every pair with bars is listed, or those named; a file is one instrument, named by
    the first symbol. Rules kept in the lake are used. DataError if nothing there can be listed.
    """
    if path.is_dir():
        return _of_lake(Lake(path), symbols, timeframe)
    symbol = Symbol.parse(symbols[0]) if symbols else Symbol.parse("OKX:BTC/USDT")
    bars = read_bars(path, symbol, timeframe)
    return [(Listing(instrument=usual_instrument(symbol), number=10_001), Feed.of(bars))]


def _of_lake(lake: Lake, symbols: Sequence[str], timeframe: str | None) -> Listed:
    named = [Symbol.parse(text) for text in symbols]
    known = sorted({key.symbol for key in lake.series()})
    chosen = named or [s for s in known if s.quote is not None and s.kind in _TRADED]
    listed = []
    for number, symbol in enumerate(chosen, start=10_001):
        frames = lake.timeframes(symbol)
        if not frames:
            continue
        frame = Timeframe.parse(timeframe) if timeframe else frames[0]
        instrument = _instrument(lake, symbol)
        listed.append((Listing(instrument=instrument, number=number), _feed(lake, symbol, frame)))
    names = [listing.inst_id for listing, _ in listed]
    if len(set(names)) != len(names):
        raise DataError(
            "simulator.listed_twice", f"the lake {lake.root} has one pair from several venues",
            hint="say which with --symbol: " + " ".join(str(symbol) for symbol in chosen),
        )  # fmt: skip
    if not listed:
        raise DataError(
            "simulator.no_bars", f"the lake {lake.root} has no bars of a pair to replay",
            hint="algotrader data ls shows what is there; name one with --symbol",
        )  # fmt: skip
    return listed


def _instrument(lake: Lake, symbol: Symbol) -> Instrument:
    """The rules kept with the data; margin tiers of the usual ones where they state none."""
    usual = usual_instrument(symbol)
    kept = load_instrument(lake.root, symbol)
    if kept is None:
        return usual
    return kept if kept.margin.tiers else replace(kept, margin=usual.margin)


def _feed(lake: Lake, symbol: Symbol, frame: Timeframe) -> Feed:
    held = set(lake.series())
    bars = lake.read_bars(symbol, frame)
    if symbol.kind is InstrumentKind.SPOT:
        return Feed.of(bars)
    mark = lake.read_mark(symbol, frame) if SeriesKey.mark(symbol, frame) in held else None
    funding = lake.read_funding(symbol) if SeriesKey.funding(symbol) in held else None
    return Feed.of(bars, mark, funding)
