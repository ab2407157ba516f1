"""Metrics against a benchmark: two series of daily returns of one length, day by day."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from algotrader.backtest.metrics import Reason, UndefinedMetric, annual_return

Floats = NDArray[np.float64]


def beta(returns: Floats, benchmark: Floats) -> float:
    """Covariance with the benchmark over its variance (ordinary least squares)."""
    _same_days(returns, benchmark)
    centred = benchmark - np.mean(benchmark)
    return float(np.sum(centred * (returns - np.mean(returns))) / np.sum(centred * centred))


def alpha(returns: Floats, benchmark: Floats, periods_per_year: float) -> float:
    """Daily intercept of the regression on the benchmark, compounded over a year.

    Jensen (1968), with a risk-free rate of 0: (1 + mean(r - beta b)) ** periods_per_year - 1.
    """
    daily = float(np.mean(returns - beta(returns, benchmark) * benchmark))
    if daily <= -1.0:
        return -1.0
    with np.errstate(over="ignore"):
        yearly = np.float64(1.0 + daily) ** periods_per_year - 1.0
    if not np.isfinite(yearly):
        raise UndefinedMetric(Reason.TOO_LARGE)
    return float(yearly)


def correlation(returns: Floats, benchmark: Floats) -> float:
    """Pearson's correlation of the daily returns."""
    _same_days(returns, benchmark)
    if returns.min() == returns.max():
        raise UndefinedMetric(Reason.ZERO_VARIANCE)
    return float(np.corrcoef(returns, benchmark)[0, 1])


def information_ratio(returns: Floats, benchmark: Floats, periods_per_year: float) -> float:
    """Mean over standard deviation (ddof 1) of the return above the benchmark, annualised."""
    if returns.size < 2:
        raise UndefinedMetric(Reason.TOO_FEW_DAYS)
    active = returns - benchmark
    if active.min() == active.max():
        raise UndefinedMetric(Reason.ZERO_VARIANCE)
    return float(np.mean(active) / np.std(active, ddof=1) * np.sqrt(periods_per_year))


def capture(returns: Floats, benchmark: Floats, periods_per_year: float) -> float:
    """Annual return over the benchmark's annual return."""
    market = annual_return(benchmark, periods_per_year)
    if market == 0.0:
        raise UndefinedMetric(Reason.ZERO_VARIANCE)
    return annual_return(returns, periods_per_year) / market


def down_capture(returns: Floats, benchmark: Floats, periods_per_year: float) -> float:
    """`capture` over the days on which the benchmark fell."""
    fell = benchmark < 0.0
    return capture(returns[fell], benchmark[fell], periods_per_year)


def _same_days(returns: Floats, benchmark: Floats) -> None:
    if returns.shape != benchmark.shape:
        raise ValueError("returns and benchmark have the same days")
    if returns.size < 2:
        raise UndefinedMetric(Reason.TOO_FEW_DAYS)
    if benchmark.min() == benchmark.max():
        raise UndefinedMetric(Reason.ZERO_VARIANCE)
