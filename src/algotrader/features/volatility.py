"""Volatility of a window, per row unless `bars_per_year` annualises it."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from algotrader._kernel import indicators as kernel
from algotrader.features.arrays import Floats, complete, counts, one, positive, shifted
from algotrader.features.changes import log_returns
from algotrader.features.registry import feature


def _root(variance: Floats, bars_per_year: float) -> Floats:
    positive(bars_per_year=bars_per_year)
    return np.sqrt(np.maximum(variance, 0.0) * bars_per_year)


def _logs(*prices: ArrayLike) -> list[Floats]:
    """Logarithms of the prices; NaN in a row where one is missing or not above 0."""
    arrays = complete(*prices)
    return complete(*(np.log(np.where(array > 0.0, array, np.nan)) for array in arrays))


@feature
def realised_volatility(close: ArrayLike, window: int, bars_per_year: float = 1.0) -> Floats:
    """Standard deviation of the last `window` log returns.

    Shape: (T,) or (T, N). Unit: per row, or per year. First row: window. Gaps: restart.
    Formula: rolling_std(log_returns(close), window, ddof=1) sqrt(bars_per_year). At least 2 rows.
    Source: Hull (2017), Options, Futures, and Other Derivatives, 15.4.

    >>> realised_volatility(np.exp([0.0, 1.0, 0.0]), 2).round(4)
    array([   nan,    nan, 1.4142])
    """
    counts(2, window=window)
    return _root(one(kernel.rolling_var, (log_returns(close),), window, 1), bars_per_year)


@feature
def parkinson_volatility(
    high: ArrayLike, low: ArrayLike, window: int, bars_per_year: float = 1.0
) -> Floats:
    """Volatility from the ranges of the bars, for a price without gaps or drift.

    Shape: (T,) or (T, N). Unit: per row, or per year. First row: window - 1. Gaps: restart.
    Formula: sqrt(mean(log(high / low)^2) / (4 log 2)) sqrt(bars_per_year).
    Source: Parkinson (1980), Journal of Business 53:1.

    >>> parkinson_volatility(np.array([np.e]), np.array([1.0]), 1).round(4)
    array([0.6006])
    """
    counts(window=window)
    top, bottom = _logs(high, low)
    spread = top - bottom
    mean = one(kernel.sma, (spread * spread,), window)
    return _root(mean / (4.0 * np.log(2.0)), bars_per_year)


@feature
def garman_klass_volatility(
    open_: ArrayLike,
    high: ArrayLike,
    low: ArrayLike,
    close: ArrayLike,
    window: int,
    bars_per_year: float = 1.0,
) -> Floats:
    """Volatility from range and body of the bars, for a price without gaps or drift.

    Shape: (T,) or (T, N). Unit: per row, or per year. First row: window - 1. Gaps: restart.
    Formula: sqrt(mean(log(high/low)^2 / 2 - (2 log 2 - 1) log(close/open)^2)) sqrt(bars_per_year).
    Source: Garman and Klass (1980), Journal of Business 53:1.

    >>> o, h, l = np.array([1.0]), np.array([np.e]), np.array([1.0])
    >>> garman_klass_volatility(o, h, l, o, 1).round(4)
    array([0.7071])
    """
    counts(window=window)
    start, top, bottom, end = _logs(open_, high, low, close)
    spread = top - bottom
    body = end - start
    terms = 0.5 * spread * spread - (2.0 * np.log(2.0) - 1.0) * body * body
    return _root(one(kernel.sma, (terms,), window), bars_per_year)


def _rogers_satchell_terms(start: Floats, top: Floats, bottom: Floats, end: Floats) -> Floats:
    return (top - end) * (top - start) + (bottom - end) * (bottom - start)


@feature
def rogers_satchell_volatility(
    open_: ArrayLike,
    high: ArrayLike,
    low: ArrayLike,
    close: ArrayLike,
    window: int,
    bars_per_year: float = 1.0,
) -> Floats:
    """Volatility from the bars whatever their drift, for a price without gaps.

    Shape: (T,) or (T, N). Unit: per row, or per year. First row: window - 1. Gaps: restart.
    Formula: sqrt(mean(log(h/c) log(h/o) + log(l/c) log(l/o))) sqrt(bars_per_year).
    Source: Rogers and Satchell (1991), Annals of Applied Probability 1:4.

    >>> o, h, l = np.array([1.0]), np.array([np.e]), np.array([1.0])
    >>> rogers_satchell_volatility(o, h, l, o, 1)
    array([1.])
    """
    counts(window=window)
    terms = _rogers_satchell_terms(*_logs(open_, high, low, close))
    return _root(one(kernel.sma, (terms,), window), bars_per_year)


@feature
def yang_zhang_volatility(
    open_: ArrayLike,
    high: ArrayLike,
    low: ArrayLike,
    close: ArrayLike,
    window: int,
    bars_per_year: float = 1.0,
) -> Floats:
    """Volatility from gaps, bodies and ranges, whatever the drift.

    Shape: (T,) or (T, N). Unit: per row, or per year. First row: window. Gaps: restart.
    Formula: sqrt(var(log(open / close[-1])) + k var(log(close / open)) + (1 - k) RS),
    k = 0.34 / (1.34 + (n + 1) / (n - 1)), n = window >= 2, RS as in Rogers and Satchell.
    Source: Yang and Zhang (2000), Journal of Business 73:3.

    >>> x = np.exp([0.0, 1.0, 0.0])
    >>> yang_zhang_volatility(x, x, x, x, 2).round(4)
    array([   nan,    nan, 1.4142])
    """
    counts(2, window=window)
    start, top, bottom, end = _logs(open_, high, low, close)
    over_night = start - shifted(end, 1)
    body = np.where(np.isnan(over_night), np.nan, end - start)
    ranges = np.where(np.isnan(over_night), np.nan, _rogers_satchell_terms(start, top, bottom, end))
    k = 0.34 / (1.34 + (window + 1) / (window - 1))
    variance = (
        one(kernel.rolling_var, (over_night,), window, 1)
        + k * one(kernel.rolling_var, (body,), window, 1)
        + (1.0 - k) * one(kernel.sma, (ranges,), window)
    )
    return _root(variance, bars_per_year)
