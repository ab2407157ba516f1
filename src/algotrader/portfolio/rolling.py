"""Allocators over time: at the rows of a schedule, on trailing windows only."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from algotrader.portfolio.allocators import Allocator
from algotrader.portfolio.moments import Floats


def simple_returns(close: Floats) -> Floats:
    """close[t] / close[t - 1] - 1 over (T, N); NaN in the first row and beside missing closes."""
    returns = np.full_like(close, np.nan)
    returns[1:] = close[1:] / close[:-1] - 1.0
    return returns


def rolling_weights(
    returns: Floats,
    rows: NDArray[np.bool_],
    window: int,
    allocator: Allocator,
    *,
    min_coverage: float = 0.95,
) -> Floats:
    """Weights (T, N) at the True rows of `rows` (T,), each from the window (t - window, t].

    NaN (no opinion, R4) at the other rows and until a window is full, so that the result can be
    returned from `Strategy.targets` as it is. A name with fewer finite returns than `min_coverage`
    of the window, one not listed yet for example, is left out: its weight is 0 (R29). Nothing after
    row t is looked at.
    """
    weights = np.full(returns.shape, np.nan)
    for row in np.flatnonzero(rows):
        if row + 1 < window:
            continue
        seen = returns[row + 1 - window : row + 1]
        known = np.isfinite(seen).sum(axis=0) >= min_coverage * window
        weights[row] = 0.0
        if known.any():
            weights[row, known] = allocator(seen[:, known])
    return weights
