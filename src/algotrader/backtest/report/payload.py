"""What scripts of the page draw from: `const D`, few bytes for many bars.

Equity keeps at most `EQUITY_ROWS` rows with every extreme; candles are merged until all instruments
together stay within a budget of cells, which long trade lists share. The page says what it drew.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np

from algotrader.backtest.report import encode, figures
from algotrader.backtest.report.model import (
    EquitySeries,
    Floats,
    Identity,
    Metrics,
    PriceSeries,
    Stamps,
)
from algotrader.backtest.trades import TradeTable
from algotrader.execution.simulation import FillReason

Json: TypeAlias = dict[str, Any]

EQUITY_ROWS = 6_000  # four columns, two extremes each, on a plot of about a thousand pixels
PRICE_CELLS = 84_000  # columns times candles of all instruments
MOST_TRADES = 4_000  # rows of the trades table
CELLS_PER_TRADE = 10  # a listed trade costs about as much as so many price cells


def identity(i: Identity) -> Json:
    return {
        "strategy": i.strategy,
        "symbols": list(i.symbols),
        "timeframe": i.timeframe,
        "start": i.start,
        "end": i.end,
        "currency": i.currency,
        "capital": i.capital,
        "parameters": dict(i.parameters),
        "run": i.run,
        "generated": i.generated,
        "driver": i.driver,
    }


def metrics(values: Metrics) -> Json:
    return dict(values)


def stamps(ts: Stamps) -> Json:
    """`{"t0", "dt", "i"}`: stamp = t0 + dt × i, in UTC ms; without `i`, i counts from zero."""
    if len(ts) == 0:
        return {"t0": 0, "dt": 1, "n": 0}
    steps = np.diff(ts)
    unit = int(np.gcd.reduce(steps)) if len(steps) else 1
    unit = unit or 1
    index = (ts - ts[0]) // unit
    coded: Json = {"t0": int(ts[0]), "dt": unit, "n": len(ts)}
    if not np.array_equal(index, np.arange(len(ts))):
        coded["i"] = encode.column(index.astype(np.float64))
    return coded


def equity(series: EquitySeries, extra: Floats | None = None) -> Json:
    """Rows that keep every extreme of equity, benchmark, drawdown, exposure (and `extra`)."""
    columns = {
        "equity": series.equity,
        "benchmark": series.benchmark,
        "drawdown": series.drawdown,
        "exposure": series.exposure,
        "in_sample": extra,
    }
    given = {name: values for name, values in columns.items() if values is not None}
    rows = encode.bucket_extremes(list(given.values()), EQUITY_ROWS)
    scales = {"drawdown": 1e4, "exposure": 1e3}
    coded: Json = {"ts": stamps(series.ts[rows]), "rows": len(series.ts)}
    for name, values in given.items():
        scale = scales.get(name) or encode.significant_scale(values, 6)
        coded[name] = encode.column(values[rows], scale)
    return coded


def curve(ts: Stamps, values: Floats) -> Json:
    """One line, for comparisons."""
    rows = encode.bucket_extremes([values], EQUITY_ROWS // 4)
    scale = encode.significant_scale(values, 6)
    return {"ts": stamps(ts[rows]), "equity": encode.column(values[rows], scale)}


def prices(series: Sequence[PriceSeries], listed_trades: int) -> list[Json]:
    """Every instrument's candles (or closes) with its features, merged to fit the budget."""
    cells = PRICE_CELLS - CELLS_PER_TRADE * min(listed_trades, MOST_TRADES)
    columns = sum((4 if p.open is not None else 1) + len(p.features) for p in series)
    limit = max(200, cells // max(1, columns))
    return [_price(p, limit) for p in series]


def _price(p: PriceSeries, limit: int) -> Json:
    factor = encode.merge_factor(len(p.ts), limit)
    scale = _price_scale(p)
    coded: Json = {"symbol": p.symbol, "merged": factor, "bars": len(p.ts), "k": scale}
    if p.tick is not None:
        kept = max(0, round(math.log10(scale)))  # a scale of six digits may drop some of the tick's
        coded["digits"] = min(figures.decimals_of(p.tick), kept)
    if p.open is None or p.high is None or p.low is None:
        rows = np.minimum(np.arange(0, len(p.ts), factor) + factor, len(p.ts)) - 1
        coded["ts"] = stamps(p.ts[rows] if factor > 1 else p.ts)
        coded["c"] = encode.column(encode.last_of(factor, p.close), scale)
    else:
        ts, o, h, low, c = encode.merge_bars(factor, p.ts, p.open, p.high, p.low, p.close)
        coded["ts"] = stamps(ts)
        coded |= _candles(*(np.rint(values * scale) for values in (o, h, low, c)))
    coded["features"] = [
        {
            "name": f.name,
            "on_price": f.on_price,
            "v": encode.column(
                encode.last_of(factor, f.values), encode.significant_scale(f.values, 5)
            ),
        }
        for f in p.features
    ]
    return coded


def _candles(o: Floats, h: Floats, low: Floats, c: Floats) -> Json:
    """Small differences: open to the close before, high and low beyond the body. Whole ticks."""
    before = np.concatenate([[0.0], c[:-1]])
    return {
        "c": encode.column(c),
        "o": encode.column(o - before, delta=False),
        "h": encode.column(h - np.maximum(o, c), delta=False),
        "l": encode.column(np.minimum(o, c) - low, delta=False),
    }


def _price_scale(p: PriceSeries) -> float:
    """Whole ticks where six digits hold them, else six significant digits."""
    six = encode.significant_scale(p.close, 6)
    if p.tick is None:
        return six
    return float(min(10.0 ** figures.decimals_of(p.tick), max(six, 1.0)))


def listed(trades: TradeTable) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Rows of the table: all, or those with the largest profits and losses, in time order."""
    if len(trades) <= MOST_TRADES:
        return np.arange(len(trades))
    largest = np.argsort(-np.abs(trades.profit), kind="stable")[:MOST_TRADES]
    return np.sort(largest)


_TRADE_SCALES = {"fees": 100.0, "funding": 100.0, "slippage": 100.0, "profit": 100.0}
_SHARE_SCALES = {"return_": 1e5, "mae": 1e4, "mfe": 1e4}


def trade_columns(trades: TradeTable, series: Sequence[PriceSeries]) -> Json:
    """The trades as columns; instruments and exit reasons are lists of words and indices."""
    rows = listed(trades)
    steps = {p.symbol: p for p in series}
    own = [steps[name] for name in trades.symbols if name in steps]
    price_digits = _digits([p.tick for p in own if p.tick is not None], trades.entry_price)
    lot_digits = _digits([p.lot for p in own if p.lot is not None], trades.quantity)
    coded: Json = {
        "n": len(rows),
        "of": len(trades),
        "symbols": list(trades.symbols),
        "reasons": [reason.name.lower() for reason in FillReason],
        "price_digits": price_digits,
        "quantity_digits": lot_digits,
        "entry_s": encode.column(trades.entry_ts[rows] // 1000),
        "held_s": encode.column((trades.exit_ts - trades.entry_ts)[rows] // 1000, delta=False),
    }
    for name in ("instrument", "exit_reason", "side", "bars", "ambiguous", "is_open"):
        coded[name] = encode.column(getattr(trades, name)[rows].astype(np.int64), delta=False)
    for name, scale in (_TRADE_SCALES | _SHARE_SCALES).items():
        coded[name] = encode.column(getattr(trades, name)[rows], scale, delta=False)
    coded["quantity"] = encode.column(trades.quantity[rows], 10.0**lot_digits, delta=False)
    for name in ("entry_price", "exit_price"):
        coded[name] = encode.column(getattr(trades, name)[rows], 10.0**price_digits)
    return coded


def _digits(steps: Sequence[float], values: Floats) -> int:
    """One precision for a column: that of the finest step, else six significant digits."""
    if steps:
        return max(figures.decimals_of(step) for step in steps)
    typical = float(np.median(np.abs(values))) if len(values) else 1.0
    return max(0, min(8, 5 - math.floor(math.log10(typical)))) if typical > 0 else 2
