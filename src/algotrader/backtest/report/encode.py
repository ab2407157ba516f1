"""Series into few bytes: downsampling that keeps extremes, and delta-coded integers in base64.

The page decodes them with `assets/js/decode.js`. A column is scaled to integers, each written as
the difference to the one before: zigzag, plus one (0 is "no value"), as a base-128 varint.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from algotrader.backtest.report.model import Floats, Stamps


def bucket_extremes(columns: Sequence[Floats], limit: int) -> NDArray[np.int64]:
    """Rows to keep so that no column loses an extreme: at most about `limit` of them, in order.

    Rows are cut into equal buckets; each keeps first and last row and the least and greatest of
    every column. All rows where there are no more than `limit`.
    """
    rows = len(columns[0])
    if rows <= limit:
        return np.arange(rows)
    buckets = max(1, limit // (2 * len(columns)))
    edges = np.linspace(0, rows, buckets + 1).astype(np.int64)
    kept = {0, rows - 1}
    for column in columns:
        known = ~np.isnan(column)
        low, high = np.where(known, column, np.inf), np.where(known, column, -np.inf)
        for start, stop in pairwise(edges.tolist()):
            if known[start:stop].any():
                kept.add(start + int(low[start:stop].argmin()))
                kept.add(start + int(high[start:stop].argmax()))
    return np.array(sorted(kept), dtype=np.int64)


_ROUND_FACTORS = (1, 2, 3, 4, 6, 8, 12, 24, 48, 96)


def merge_factor(rows: int, limit: int) -> int:
    """How many bars become one so that at most `limit` are drawn; round ones, as people expect."""
    least = max(1, -(-rows // limit))
    return next((factor for factor in _ROUND_FACTORS if factor >= least), least)


def merge_bars(
    factor: int, ts: Stamps, open_: Floats, high: Floats, low: Floats, close: Floats
) -> tuple[Stamps, Floats, Floats, Floats, Floats]:
    """Candles of `factor` bars each: first open, greatest high, least low, last close."""
    if factor == 1:
        return ts, open_, high, low, close
    starts = np.arange(0, len(ts), factor)
    ends = np.minimum(starts + factor, len(ts)) - 1
    return (
        ts[starts],
        open_[starts],
        np.maximum.reduceat(high, starts),
        np.minimum.reduceat(low, starts),
        close[ends],
    )


def last_of(factor: int, values: Floats) -> Floats:
    """A feature at the close of each merged candle."""
    if factor == 1:
        return values
    ends = np.minimum(np.arange(0, len(values), factor) + factor, len(values)) - 1
    return np.asarray(values[ends], dtype=np.float64)


def column(
    values: Floats | NDArray[np.int64], scale: float = 1.0, *, delta: bool = True
) -> dict[str, object]:
    """`{"n", "k", "d", "b"}`: count, divisor, whether differences, bytes. NaN is "no value"."""
    numbers = np.asarray(values, dtype=np.float64) * scale
    present = ~np.isnan(numbers)
    whole = np.where(present, np.rint(numbers), 0.0).astype(np.int64)
    if delta:
        whole[present] = np.diff(whole[present], prepend=0)
    codes = np.where(present, ((whole << 1) ^ (whole >> 63)) + 1, 0)
    text = base64.b64encode(_varints(codes)).decode("ascii")
    return {"n": len(whole), "k": scale, "d": int(delta), "b": text}


def _varints(codes: NDArray[np.int64]) -> bytes:
    """Little-endian base-128, high bit set on all but the last byte of a number."""
    remaining = codes.astype(np.uint64)
    planes, alive = [], []
    live = np.ones(len(codes), dtype=np.bool_)
    while live.any():
        more = remaining >= 128
        planes.append((remaining & np.uint64(127)).astype(np.uint8) | (more << 7).astype(np.uint8))
        alive.append(live.copy())
        remaining = remaining >> np.uint64(7)
        live &= more
    if not planes:
        return b""
    return np.stack(planes, axis=1)[np.stack(alive, axis=1)].tobytes()


def significant_scale(values: Floats, digits: int) -> float:
    """Power of ten that keeps `digits` significant digits of the largest value."""
    finite = np.abs(values[np.isfinite(values)])
    top = float(finite.max()) if finite.size else 1.0
    if top == 0.0:
        return 1.0
    return float(10.0 ** (digits - 1 - int(np.floor(np.log10(top)))))
