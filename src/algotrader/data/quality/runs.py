"""Runs of equal flags, and a scale that bad prints cannot move."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from algotrader.data.tables import Floats

_BLOCK = 256
_FLOOR = 1e-6  # of a log return: a dead market has no scale of its own
_TO_SIGMA = 1.4826  # median absolute deviation → standard deviation of a normal


def runs(
    flags: NDArray[np.bool_], shortest: int = 1
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Starts and lengths of the runs of True that are at least `shortest` long."""
    edges = np.diff(np.concatenate(([0], flags.astype(np.int8), [0])))
    starts, ends = np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)
    long = ends - starts >= shortest
    return starts[long], (ends - starts)[long]


def local_scale(returns: Floats) -> Floats:
    """Robust standard deviation around each return, shape (n,).

    The median of |return| over its block of 256 and the block on either side, × 1.4826.
    """
    n = len(returns)
    if n == 0:
        return np.zeros(0)
    blocks = max(1, n // _BLOCK)
    size = np.abs(returns)
    bounds = [min(i * _BLOCK, n) for i in range(blocks)] + [n]
    scale = np.empty(n)
    for i in range(blocks):
        window = size[max(0, bounds[i] - _BLOCK) : min(n, bounds[i + 1] + _BLOCK)]
        moving = window[window > 0]
        scale[bounds[i] : bounds[i + 1]] = _upper_median(moving)
    return np.maximum(scale * _TO_SIGMA, _FLOOR)


def _upper_median(values: Floats) -> float:
    middle = len(values) // 2
    return float(np.partition(values, middle)[middle]) if len(values) else 0.0
