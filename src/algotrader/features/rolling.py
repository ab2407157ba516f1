"""Statistics of a window that slides over a series: moments, order, fit, joint moments."""

from __future__ import annotations

from numpy.typing import ArrayLike

from algotrader._kernel import indicators as kernel
from algotrader.features.arrays import Floats, counts, fraction, one
from algotrader.features.registry import feature


@feature
def rolling_sum(x: ArrayLike, window: int) -> Floats:
    """Sum of the last `window` values.

    Shape: (T,) or (T, N). Unit: that of `x`. First row: window - 1. Gaps: restart.
    Formula: sum of x over (t - window, t].
    Source: elementary.

    >>> rolling_sum(np.array([1.0, 2.0, 3.0]), 2)
    array([nan,  3.,  5.])
    """
    counts(window=window)
    return one(kernel.rolling_sum, (x,), window)


@feature
def rolling_product(x: ArrayLike, window: int) -> Floats:
    """Product of the last `window` values.

    Shape: (T,) or (T, N). Unit: that of `x` to the power of `window`. First row: window - 1.
    Gaps: restart.
    Formula: product of x over (t - window, t].
    Source: elementary.

    >>> rolling_product(np.array([2.0, 3.0, 4.0]), 2)
    array([nan,  6., 12.])
    """
    counts(window=window)
    return one(kernel.rolling_product, (x,), window)


def _degrees(window: int, ddof: int) -> None:
    counts(window=window)
    counts(0, ddof=ddof)
    if window <= ddof:
        raise ValueError(f"window must be above ddof ({ddof}), not {window}")


@feature
def rolling_var(x: ArrayLike, window: int, ddof: int = 1) -> Floats:
    """Variance of the last `window` values; `ddof=0` is the population's (TA-Lib VAR).

    Shape: (T,) or (T, N). Unit: that of `x`, squared. First row: window - 1. Gaps: restart.
    Formula: sum((x - mean)^2) / (window - ddof). ValueError unless window > ddof.
    Source: elementary; sums about a value of the window as in Chan, Golub and LeVeque (1983).

    >>> rolling_var(np.array([1.0, 3.0, 7.0]), 2)
    array([nan,  2.,  8.])
    """
    _degrees(window, ddof)
    return one(kernel.rolling_var, (x,), window, ddof)


@feature
def rolling_std(x: ArrayLike, window: int, ddof: int = 1) -> Floats:
    """Standard deviation of the last `window` values; `ddof=0` is TA-Lib's STDDEV.

    Shape: (T,) or (T, N). Unit: that of `x`. First row: window - 1. Gaps: restart.
    Formula: sqrt(`rolling_var`). ValueError unless window > ddof.
    Source: elementary.

    >>> rolling_std(np.array([1.0, 3.0, 7.0]), 2, ddof=0)
    array([nan,  1.,  2.])
    """
    _degrees(window, ddof)
    return one(kernel.rolling_std, (x,), window, ddof)


@feature
def zscore(x: ArrayLike, window: int, ddof: int = 1) -> Floats:
    """How many standard deviations the value is from its window's mean; NaN if all are equal.

    Shape: (T,) or (T, N). Unit: standard deviations. First row: window - 1. Gaps: restart.
    Formula: (x[t] - mean) / std over (t - window, t]. ValueError unless window > ddof.
    Source: elementary.

    >>> zscore(np.array([1.0, 3.0, 2.0]), 2, ddof=0)
    array([nan,  1., -1.])
    """
    _degrees(window, ddof)
    return one(kernel.rolling_zscore, (x,), window, ddof)


@feature
def rolling_skew(x: ArrayLike, window: int) -> Floats:
    """Skewness, corrected for bias; NaN where all values are equal. At least 3 rows.

    Shape: (T,) or (T, N). Unit: none. First row: window - 1. Gaps: restart.
    Formula: sqrt(n (n-1)) / (n-2) m3 / m2^1.5, with m the central moments, n = window.
    Source: Joanes and Gill (1998), The Statistician 47:1, G1.

    >>> rolling_skew(np.array([1.0, 1.0, 4.0]), 3).round(4)
    array([   nan,    nan, 1.7321])
    """
    counts(3, window=window)
    return one(kernel.rolling_skew, (x,), window)


@feature
def rolling_kurt(x: ArrayLike, window: int) -> Floats:
    """Excess kurtosis, corrected for bias; NaN where all values are equal. At least 4 rows.

    Shape: (T,) or (T, N). Unit: none. First row: window - 1. Gaps: restart.
    Formula: (n-1) / ((n-2)(n-3)) ((n+1) m4 / m2^2 - 3 (n-1)), m central moments, n = window.
    Source: Joanes and Gill (1998), The Statistician 47:1, G2.

    >>> rolling_kurt(np.array([1.0, 2.0, 3.0, 4.0]), 4).round(4)
    array([ nan,  nan,  nan, -1.2])
    """
    counts(4, window=window)
    return one(kernel.rolling_kurt, (x,), window)


@feature
def rolling_min(x: ArrayLike, window: int) -> Floats:
    """Smallest of the last `window` values.

    Shape: (T,) or (T, N). Unit: that of `x`. First row: window - 1. Gaps: restart.
    Formula: min of x over (t - window, t].
    Source: van Herk (1992), Pattern Recognition Letters 13:7; TA-Lib MIN.

    >>> rolling_min(np.array([3.0, 1.0, 2.0]), 2)
    array([nan,  1.,  1.])
    """
    counts(window=window)
    return one(kernel.rolling_min, (x,), window)


@feature
def rolling_max(x: ArrayLike, window: int) -> Floats:
    """Largest of the last `window` values.

    Shape: (T,) or (T, N). Unit: that of `x`. First row: window - 1. Gaps: restart.
    Formula: max of x over (t - window, t].
    Source: van Herk (1992), Pattern Recognition Letters 13:7; TA-Lib MAX.

    >>> rolling_max(np.array([3.0, 1.0, 2.0]), 2)
    array([nan,  3.,  2.])
    """
    counts(window=window)
    return one(kernel.rolling_max, (x,), window)


@feature
def rolling_argmin(x: ArrayLike, window: int) -> Floats:
    """How many rows ago the window's smallest value was; the newest of equals counts.

    Shape: (T,) or (T, N). Unit: rows, 0 to window - 1. First row: window - 1. Gaps: restart.
    Formula: t - argmin of x over (t - window, t].
    Source: elementary; TA-Lib MININDEX gives t less this.

    >>> rolling_argmin(np.array([3.0, 1.0, 2.0]), 2)
    array([nan,  0.,  1.])
    """
    counts(window=window)
    return one(kernel.rolling_argmin, (x,), window)


@feature
def rolling_argmax(x: ArrayLike, window: int) -> Floats:
    """How many rows ago the window's largest value was; the newest of equals counts.

    Shape: (T,) or (T, N). Unit: rows, 0 to window - 1. First row: window - 1. Gaps: restart.
    Formula: t - argmax of x over (t - window, t].
    Source: elementary; TA-Lib MAXINDEX gives t less this.

    >>> rolling_argmax(np.array([3.0, 1.0, 2.0]), 2)
    array([nan,  1.,  0.])
    """
    counts(window=window)
    return one(kernel.rolling_argmax, (x,), window)


@feature
def rolling_quantile(x: ArrayLike, window: int, quantile: float) -> Floats:
    """Quantile (0 to 1) of the last `window` values, between the two nearest in proportion.

    Shape: (T,) or (T, N). Unit: that of `x`. First row: window - 1. Gaps: restart.
    Formula: value at place quantile (window - 1) of the sorted window.
    Source: Hyndman and Fan (1996), The American Statistician 50:4, type 7.

    >>> rolling_quantile(np.array([1.0, 5.0, 3.0]), 3, 0.25)
    array([nan, nan,  2.])
    """
    counts(window=window)
    fraction(quantile=quantile)
    return one(kernel.rolling_quantile, (x,), window, quantile)


@feature
def rolling_median(x: ArrayLike, window: int) -> Floats:
    """Median of the last `window` values.

    Shape: (T,) or (T, N). Unit: that of `x`. First row: window - 1. Gaps: restart.
    Formula: `rolling_quantile` at 0.5.
    Source: elementary.

    >>> rolling_median(np.array([1.0, 5.0, 3.0]), 3)
    array([nan, nan,  3.])
    """
    counts(window=window)
    return one(kernel.rolling_quantile, (x,), window, 0.5)


@feature
def rolling_rank(x: ArrayLike, window: int) -> Floats:
    """Rank of the newest value in its window as a fraction; equal values share their mean rank.

    Shape: (T,) or (T, N). Unit: 1 / window (lowest) to 1 (highest). First row: window - 1.
    Gaps: restart.
    Formula: (values below + (values equal + 1) / 2) / window.
    Source: elementary.

    >>> rolling_rank(np.array([1.0, 5.0, 3.0, 9.0]), 3).round(4)
    array([   nan,    nan, 0.6667, 1.    ])
    """
    counts(window=window)
    return one(kernel.rolling_rank, (x,), window)


@feature
def rolling_cov(x: ArrayLike, y: ArrayLike, window: int, ddof: int = 1) -> Floats:
    """Covariance of two series over the last `window` rows.

    Shape: (T,) or (T, N). Unit: that of `x` times that of `y`. First row: window - 1.
    Gaps: restart.
    Formula: sum((x - mean x) (y - mean y)) / (window - ddof). ValueError unless window > ddof.
    Source: elementary.

    >>> rolling_cov(np.array([1.0, 2.0]), np.array([1.0, 3.0]), 2)
    array([nan,  1.])
    """
    _degrees(window, ddof)
    return one(kernel.rolling_cov, (x, y), window, ddof)


@feature
def rolling_corr(x: ArrayLike, y: ArrayLike, window: int) -> Floats:
    """Pearson's correlation over the last `window` rows; NaN where either stood still.

    Shape: (T,) or (T, N). Unit: -1 to 1. First row: window - 1. Gaps: restart.
    Formula: cov(x, y) / (std x std y). At least 2 rows.
    Source: Pearson (1895); TA-Lib CORREL, which gives 0 where this is NaN.

    >>> rolling_corr(np.array([1.0, 2.0, 3.0]), np.array([1.0, 3.0, 2.0]), 2)
    array([nan,  1., -1.])
    """
    counts(2, window=window)
    return one(kernel.rolling_corr, (x, y), window)


@feature
def rolling_beta(x: ArrayLike, y: ArrayLike, window: int) -> Floats:
    """Slope of `x` on `y` over the last `window` rows; NaN where `y` stood still.

    Give returns for the beta of an asset `x` to a market `y`.
    Shape: (T,) or (T, N). Unit: that of `x` per that of `y`. First row: window - 1. Gaps: restart.
    Formula: cov(x, y) / var(y). At least 2 rows.
    Source: Sharpe (1964); TA-Lib BETA is this on simple returns, with the arguments swapped.

    >>> rolling_beta(np.array([1.0, 3.0]), np.array([2.0, 3.0]), 2)
    array([nan,  2.])
    """
    counts(2, window=window)
    return one(kernel.rolling_beta, (x, y), window)


@feature
def rolling_slope(x: ArrayLike, window: int) -> Floats:
    """Slope of the least-squares line through the last `window` values.

    Shape: (T,) or (T, N). Unit: that of `x` per row. First row: window - 1. Gaps: restart.
    Formula: cov(x, row) / var(row). At least 2 rows.
    Source: elementary; TA-Lib LINEARREG_SLOPE.

    >>> rolling_slope(np.array([1.0, 3.0, 5.0, 5.0]), 3)
    array([nan, nan,  2.,  1.])
    """
    counts(2, window=window)
    return one(kernel.linear_slope, (x,), window)


@feature
def linear_regression(x: ArrayLike, window: int, ahead: int = 0) -> Floats:
    """End of the least-squares line through the last `window` values, or `ahead` rows beyond it.

    Shape: (T,) or (T, N). Unit: that of `x`. First row: window - 1. Gaps: restart.
    Formula: mean + slope ((window - 1) / 2 + ahead). At least 2 rows; `ahead` >= 0 extrapolates.
    Source: elementary; TA-Lib LINEARREG, and TSF for ahead = 1.

    >>> linear_regression(np.array([1.0, 3.0, 5.0]), 3, ahead=1)
    array([nan, nan,  7.])
    """
    counts(2, window=window)
    counts(0, ahead=ahead)
    return one(kernel.linear_fit, (x,), window, float(ahead))
