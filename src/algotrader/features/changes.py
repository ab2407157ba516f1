"""Changes of a series over some rows, and how one series moves against another."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from algotrader._kernel import indicators as kernel
from algotrader.features.arrays import Flags, Floats, counts, floats, one, shifted, unbroken
from algotrader.features.registry import feature


@feature
def lag(x: ArrayLike, rows: int = 1) -> Floats:
    """The value of `rows` rows ago.

    Shape: (T,) or (T, N). Unit: that of `x`. First row: rows. Gaps: endpoints.
    Formula: x[t - rows].
    Source: elementary.

    >>> lag(np.array([1.0, 2.0, 3.0]))
    array([nan,  1.,  2.])
    """
    counts(rows=rows)
    return shifted(floats(x), rows)


@feature
def momentum(close: ArrayLike, window: int = 10) -> Floats:
    """Change of the price over `window` rows.

    Shape: (T,) or (T, N). Unit: that of `close`. First row: window. Gaps: endpoints.
    Formula: close[t] - close[t - window].
    Source: Murphy (1999), Technical Analysis of the Financial Markets; TA-Lib MOM.

    >>> momentum(np.array([1.0, 2.0, 4.0]), 2)
    array([nan, nan,  3.])
    """
    counts(window=window)
    return one(kernel.change, (close,), window)


@feature
def roc(close: ArrayLike, window: int = 10) -> Floats:
    """Rate of change over `window` rows; NaN where the earlier price is 0.

    Shape: (T,) or (T, N). Unit: percent. First row: window. Gaps: endpoints.
    Formula: 100 (close[t] / close[t - window] - 1).
    Source: Murphy (1999), Technical Analysis of the Financial Markets; TA-Lib ROC.

    >>> roc(np.array([2.0, 3.0, 4.0]), 2)
    array([ nan,  nan, 100.])
    """
    counts(window=window)
    return one(kernel.rate_of_change, (close,), window, 100.0)


@feature
def returns(close: ArrayLike, rows: int = 1) -> Floats:
    """Simple return over `rows` rows; NaN where the earlier price is 0.

    Shape: (T,) or (T, N). Unit: fraction. First row: rows. Gaps: endpoints.
    Formula: close[t] / close[t - rows] - 1.
    Source: Campbell, Lo and MacKinlay (1997), The Econometrics of Financial Markets, 1.4.

    >>> returns(np.array([2.0, 3.0, 1.5]))
    array([ nan,  0.5, -0.5])
    """
    counts(rows=rows)
    return one(kernel.rate_of_change, (close,), rows, 1.0)


@feature
def log_returns(close: ArrayLike, rows: int = 1) -> Floats:
    """Logarithmic return over `rows` rows; NaN unless both prices are above 0.

    Shape: (T,) or (T, N). Unit: natural logarithm. First row: rows. Gaps: endpoints.
    Formula: log(close[t]) - log(close[t - rows]).
    Source: Campbell, Lo and MacKinlay (1997), The Econometrics of Financial Markets, 1.4.

    >>> log_returns(np.array([1.0, np.e, 1.0]))
    array([nan,  1., -1.])
    """
    counts(rows=rows)
    prices = floats(close)
    known = np.log(np.where(prices > 0.0, prices, np.nan))
    return one(kernel.change, (known,), rows)


@feature
def drawdown(x: ArrayLike) -> Floats:
    """How far the series is below its highest value so far; 0 at a new high.

    Shape: (T,) or (T, N). Unit: fraction, 0 or negative. First row: 0. Gaps: carry.
    Formula: x[t] / max(x[0..t]) - 1. The series must be positive.
    Source: Magdon-Ismail and Atiya (2004), Risk 17:10.

    >>> drawdown(np.array([2.0, 4.0, 3.0]))
    array([ 0.  ,  0.  , -0.25])
    """
    values = floats(x)
    values = np.where(np.isfinite(values), values, np.nan)
    return values / np.fmax.accumulate(values, axis=0) - 1.0


@feature
def efficiency_ratio(close: ArrayLike, window: int = 10) -> Floats:
    """How straight the price went: 1 in a line, near 0 in a thicket; 0 if it did not move.

    Shape: (T,) or (T, N). Unit: 0 to 1. First row: window. Gaps: restart.
    Formula: abs(close[t] - close[t - window]) / sum(abs(close[i] - close[i-1])).
    Source: Kaufman (1995), Smarter Trading.

    >>> efficiency_ratio(np.array([1.0, 3.0, 2.0]), 2).round(4)
    array([   nan,    nan, 0.3333])
    """
    counts(window=window)
    path = one(kernel.rolling_sum, (np.abs(one(kernel.change, (close,), 1)),), window)
    moved = np.abs(one(kernel.change, (close,), window))
    ratio = moved / np.where(path == 0.0, 1.0, path)
    return np.minimum(ratio, 1.0)  # rounding of the sum may leave it a hair above


@feature
def autocorrelation(x: ArrayLike, window: int, lag: int = 1) -> Floats:
    """Correlation of a series with itself `lag` rows earlier, over `window` pairs.

    Shape: (T,) or (T, N). Unit: -1 to 1. First row: window + lag - 1. Gaps: restart.
    Formula: `rolling_corr` of x[t] and x[t - lag]. At least 2 pairs.
    Source: Box and Jenkins (1970), Time Series Analysis.

    >>> autocorrelation(np.array([1.0, 2.0, 1.0, 2.0]), 2)
    array([nan, nan, -1., -1.])
    """
    counts(2, window=window)
    counts(lag=lag)
    values = floats(x)
    earlier = np.where(unbroken(values, lag + 1), shifted(values, lag), np.nan)
    return one(kernel.rolling_corr, (values, earlier), window)


@feature
def variance_ratio(close: ArrayLike, window: int, lag: int = 2) -> Floats:
    """Variance of `lag`-row returns over `lag` times that of one-row returns.

    Above 1 the price trends, below 1 it reverts, 1 is a random walk. NaN where the price stood
    still. ValueError unless window > lag >= 2.
    Shape: (T,) or (T, N). Unit: none. First row: window. Gaps: restart.
    Formula: of n = window log returns r with mean m, q = lag: [sum((r_q - q m)^2) /
    (q (n-q+1) (1 - q/n))] / [sum((r - m)^2) / (n-1)], r_q the overlapping sums of q returns.
    Source: Lo and MacKinlay (1988), Review of Financial Studies 1:1.

    >>> variance_ratio(np.exp([0.0, 1.0, 0.0, 1.0, 0.0]), 4).round(4)
    array([nan, nan, nan, nan,  0.])
    """
    counts(2, lag=lag)
    counts(lag + 1, window=window)
    single = log_returns(close)
    pairs = window - lag + 1
    mean = one(kernel.sma, (single,), window)
    several = one(kernel.rolling_sum, (single,), lag)
    squares = one(kernel.rolling_sum, (several * several,), pairs)
    total = one(kernel.rolling_sum, (several,), pairs)
    shift = lag * mean
    spread = squares - 2.0 * shift * total + pairs * shift * shift
    wide = np.maximum(spread, 0.0) / (lag * pairs * (1.0 - lag / window))
    narrow = one(kernel.rolling_var, (single,), window, 1)
    return np.where(narrow > 0.0, wide / np.where(narrow > 0.0, narrow, 1.0), np.nan)


@feature
def hurst(close: ArrayLike, window: int, lag: int = 8) -> Floats:
    """Hurst exponent from the variance ratio: 0.5 a random walk, above trending, below reverting.

    ValueError unless window > lag >= 2; NaN where the variance ratio is 0 or undefined.
    Shape: (T,) or (T, N). Unit: none. First row: window. Gaps: restart.
    Formula: 0.5 + log(variance_ratio(close, window, lag)) / (2 log(lag)).
    Source: Mandelbrot and Van Ness (1968), SIAM Review 10:4: Var(q) = q^(2H) Var(1).

    >>> hurst(np.exp([0.0, 1.0, 1.5, 4.0, 4.5]), 4, lag=2).round(4)
    array([   nan,    nan,    nan,    nan, 0.1643])
    """
    ratio = variance_ratio(close, window, lag)
    known = np.log(np.where(ratio > 0.0, ratio, np.nan))
    exponent: Floats = 0.5 + known / (2.0 * np.log(lag))
    return exponent


@feature
def crossed_above(x: ArrayLike, y: ArrayLike) -> Flags:
    """True on the row where `x` came to be above `y`, a series or a number; NaN is False.

    Shape: (T,) or (T, N). Unit: true or false. First row: 1. Gaps: endpoints.
    Formula: x[t-1] <= y[t-1] and x[t] > y[t] (R35).
    Source: rule R35 of the rule book.

    >>> crossed_above(np.array([1.0, 3.0, 4.0]), 2.0)
    array([False,  True, False])
    """
    upper, level = _pair(x, y)
    return _turned(upper <= level, upper > level)


@feature
def crossed_below(x: ArrayLike, y: ArrayLike) -> Flags:
    """True on the row where `x` came to be below `y`, a series or a number; NaN is False.

    Shape: (T,) or (T, N). Unit: true or false. First row: 1. Gaps: endpoints.
    Formula: x[t-1] >= y[t-1] and x[t] < y[t] (R35).
    Source: rule R35 of the rule book.

    >>> crossed_below(np.array([3.0, 1.0, 0.0]), 2.0)
    array([False,  True, False])
    """
    lower, level = _pair(x, y)
    return _turned(lower >= level, lower < level)


def _pair(x: ArrayLike, y: ArrayLike) -> tuple[Floats, Floats]:
    left = floats(x)
    right = np.asarray(y, dtype=np.float64)
    if right.ndim and right.shape != left.shape:
        raise ValueError(f"the series differ in shape: {left.shape}, {right.shape}")
    return left, np.broadcast_to(right, left.shape)


def _turned(before: Flags, now: Flags) -> Flags:
    result = np.zeros(now.shape, dtype=np.bool_)
    result[1:] = before[:-1] & now[1:]
    return result


@feature
def bars_since(condition: ArrayLike) -> Floats:
    """Rows since `condition` was last true (not 0, not NaN): 0 on such a row, NaN before one.

    Shape: (T,) or (T, N). Unit: rows. First row: 0. Gaps: endpoints.
    Formula: t - max(i <= t where condition[i]).
    Source: elementary.

    >>> bars_since(np.array([False, True, False]))
    array([nan,  0.,  1.])
    """
    flags = floats(condition)
    rows = np.arange(len(flags), dtype=np.float64).reshape((-1,) + (1,) * (flags.ndim - 1))
    seen = np.where((flags != 0.0) & ~np.isnan(flags), rows, np.nan)
    last: Floats = np.fmax.accumulate(seen, axis=0)
    return rows - last
