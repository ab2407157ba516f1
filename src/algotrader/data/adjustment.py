"""Splits and dividends: prices are stored raw and adjusted when they are read (F46)."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from algotrader.core.errors import DataError, UsageError
from algotrader.data.columns import PRICES
from algotrader.data.tables import BarTable, Floats

Adjust = Literal["auto", "none", "splits", "total"]

# A step of the factor this large is a split or a bonus issue, not a dividend.
SPLIT_STEP = float(np.log(1.2))


def factor_of(table: BarTable, adjust: Adjust = "auto") -> Floats | None:
    """Adjusted price / raw price of each row, shape (n,); `None` where the table has no factor.

    `auto` and `total` take splits and dividends, `splits` splits alone. The factor is backward:
    the last row of a total adjustment by `adj_close` is the vendor's last adjusted close.
    """
    if adjust not in ("auto", "none", "splits", "total"):
        raise UsageError("data.adjust_unknown", f"adjustment {adjust!r} does not exist",
                         hint="use auto, none, splits or total")  # fmt: skip
    if adjust == "none":
        return None
    columns = table.columns
    if "split_factor" in columns:
        splits = columns["split_factor"]
        return (
            splits
            if adjust == "splits"
            else splits * columns.get("price_factor", np.ones_like(splits))
        )
    if "adj_close" in columns:
        total = _finite_factor(table)
        return _splits_of(total) if adjust == "splits" else total
    if adjust == "auto":
        return None
    raise DataError(
        "data.adjustment_missing",
        f"{table.source} has no adjusted closes and no factors, so --adjust {adjust} is impossible",
        hint="read it with --adjust none, or add a column adj_close",
    )


def _finite_factor(table: BarTable) -> Floats:
    adjusted, close = table.columns["adj_close"], table.columns["close"]
    with np.errstate(all="ignore"):
        factor = adjusted / close
    bad = ~(np.isfinite(factor) & (factor > 0)) & np.isfinite(close)
    if bool(np.any(bad)):
        row = int(np.flatnonzero(bad)[0])
        raise DataError(
            "data.adjustment_damaged",
            f"{table.source}: row {row + 1} has adjusted close {adjusted[row]} for close {close[row]}",
            hint="correct the row, or read raw prices with --adjust none",
        )
    return factor


def _splits_of(total: Floats) -> Floats:
    """The part of a backward factor that comes in steps of a split, 1 on the last row."""
    steps = np.diff(np.log(total))
    splits = np.where(np.abs(steps) > SPLIT_STEP, steps, 0.0)
    return np.exp(-np.concatenate((np.cumsum(splits[::-1])[::-1], [0.0])))


def adjusted(table: BarTable, adjust: Adjust = "auto") -> BarTable:
    """Prices × factor and volume ÷ factor, so that the notional of each bar is kept."""
    factor = factor_of(table, adjust)
    if factor is None:
        return table
    columns = dict(table.columns)
    for name in PRICES:
        if name in columns:
            columns[name] = columns[name] * factor
    if "volume" in columns:
        columns["volume"] = columns["volume"] / factor
    return BarTable(ts=table.ts, columns=columns, source=table.source,
                    symbol_text=table.symbol_text, metadata=table.metadata)  # fmt: skip


def explained_jumps(table: BarTable) -> NDArray[np.int64]:
    """Stamps of the rows whose raw jump is a split that the factor explains (F46).

    A backtest on raw prices across one of them books a loss or a profit that nobody had.
    """
    factor = factor_of(table, "auto")
    if factor is None or len(table) < 2:
        return np.zeros(0, dtype=np.int64)
    with np.errstate(all="ignore"):
        steps = np.abs(np.diff(np.log(factor)))
    return table.ts[1:][steps > SPLIT_STEP]
