"""Where a feature is defined: what warm-up (R5) and the rule for NaN (R4) ask of every feature.

Both are remembered inside `memo.memoised`, so a sweep asks once per array.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from algotrader.features.arrays import Flags, floats
from algotrader.features.memo import remembered


@remembered
def finite_mask(x: ArrayLike) -> Flags:
    """True where `x` is neither NaN nor infinite; the shape of `x`.

    >>> finite_mask(np.array([np.nan, 1.0]))
    array([False,  True])
    """
    return np.isfinite(floats(x))


@remembered
def first_finite_row(x: ArrayLike) -> int:
    """The first row of which every column is finite; the number of rows when there is none.

    `x` has the shape (T,) or (T, N).

    >>> first_finite_row(np.array([np.nan, 1.0, np.nan]))
    1
    """
    mask = finite_mask(x)
    rows: Flags = mask if mask.ndim == 1 else np.all(mask, axis=1, keepdims=False)
    return int(rows.argmax()) if rows.any() else len(rows)
