"""Price factors of the cross-section of stocks: each larger where a higher return is expected.

Compare them across instruments with `cross_section.cross_zscore` or `cross_rank`.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from algotrader._kernel import indicators as kernel
from algotrader.features.arrays import Floats, complete, counts, floats, one, shifted
from algotrader.features.changes import log_returns, returns
from algotrader.features.registry import feature


@feature
def momentum_skip(close: ArrayLike, window: int = 252, skip: int = 21) -> Floats:
    """Momentum 12-1: the return of the last year without its last month, in daily rows.

    Shape: (T,) or (T, N). Unit: fraction. First row: window. Gaps: endpoints.
    Formula: close[t - skip] / close[t - window] - 1. ValueError unless 0 <= skip < window.
    Source: Jegadeesh and Titman (1993), Journal of Finance 48:1.

    >>> momentum_skip(np.array([2.0, 3.0, 9.0]), window=2, skip=1)
    array([nan, nan, 0.5])
    """
    counts(window=window)
    counts(0, skip=skip)
    if skip >= window:
        raise ValueError(f"skip ({skip}) must be below window ({window})")
    change = one(kernel.rate_of_change, (close,), window - skip, 1.0)
    return shifted(change, skip) if skip else change


@feature
def reversal_factor(close: ArrayLike, window: int = 21) -> Floats:
    """Short reversal: last month's return with the sign turned.

    Shape: (T,) or (T, N). Unit: fraction. First row: window. Gaps: endpoints.
    Formula: 1 - close[t] / close[t - window].
    Source: Jegadeesh (1990), Journal of Finance 45:3.

    >>> reversal_factor(np.array([2.0, 3.0]), 1)
    array([ nan, -0.5])
    """
    counts(window=window)
    return -one(kernel.rate_of_change, (close,), window, 1.0)


@feature
def low_volatility_factor(close: ArrayLike, window: int = 252) -> Floats:
    """Low volatility: the standard deviation of log returns with the sign turned.

    Shape: (T,) or (T, N). Unit: per row. First row: window. Gaps: restart.
    Formula: -rolling_std(log_returns(close), window). At least 2 rows.
    Source: Ang, Hodrick, Xing and Zhang (2006), Journal of Finance 61:1.

    >>> low_volatility_factor(np.exp([0.0, 1.0, 0.0]), 2).round(4)
    array([    nan,     nan, -1.4142])
    """
    counts(2, window=window)
    return -one(kernel.rolling_std, (log_returns(close),), window, 1)


@feature
def distance_from_high(close: ArrayLike, window: int = 252) -> Floats:
    """Nearness to the window's high, a year's by default: 0 at the high, -0.2 a fifth below.

    Shape: (T,) or (T, N). Unit: fraction, 0 or negative. First row: window - 1. Gaps: restart.
    Formula: close[t] / rolling_max(close, window) - 1.
    Source: George and Hwang (2004), Journal of Finance 59:5.

    >>> distance_from_high(np.array([4.0, 3.0]), 2)
    array([  nan, -0.25])
    """
    counts(window=window)
    return floats(close) / one(kernel.rolling_max, (close,), window) - 1.0


@feature
def amihud_illiquidity(close: ArrayLike, volume: ArrayLike, window: int = 21) -> Floats:
    """How far the price moves per unit of money traded; a row without volume is a gap.

    Shape: (T,) or (T, N). Unit: fraction per unit of quote currency. First row: window.
    Gaps: restart.
    Formula: mean of abs(return) / (close volume) over `window` rows.
    Source: Amihud (2002), Journal of Financial Markets 5:1.

    >>> amihud_illiquidity(np.array([1.0, 2.0]), np.array([1.0, 5.0]), 1)
    array([nan, 0.1])
    """
    counts(window=window)
    closes, traded = complete(close, volume)
    money = closes * traded
    impact = np.abs(returns(closes)) / np.where(money > 0.0, money, np.nan)
    return one(kernel.sma, (impact,), window)
