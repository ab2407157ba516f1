"""How good the best of many trials looks by luck alone, and what is left after that.

Sharpe ratios here are per observation (day), not annualised; `kurtosis` is 3 for a normal law.
docs/concepts/overfitting.md explains these figures in plain words.
"""

from __future__ import annotations

from math import ceil, e, isfinite, sqrt
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from algotrader.backtest.metrics import Reason, UndefinedMetric, kurtosis, sharpe, skewness

Floats = NDArray[np.float64]

EULER_GAMMA = 0.5772156649015329
_NORMAL = NormalDist()


def expected_max_sharpe(n_trials: float, sharpe_variance: float) -> float:
    """Mean of the best Sharpe ratio among independent trials that have no skill at all.

    `sharpe_variance` is the variance of their Sharpe ratios; 0 for a single trial.
    Bailey and López de Prado (2014), The Deflated Sharpe Ratio, equation 1:
    sqrt(V) * ((1 - g) * Z(1 - 1/N) + g * Z(1 - 1/(N e))), g being Euler's constant.
    """
    if n_trials < 1 or not sharpe_variance >= 0.0:
        raise ValueError("at least one trial, and a variance that is not negative")
    if n_trials == 1:
        return 0.0
    # For fewer than two (effective) trials the first quantile is far below zero; luck is not.
    best = (1.0 - EULER_GAMMA) * _NORMAL.inv_cdf(1.0 - 1.0 / n_trials)
    best += EULER_GAMMA * _NORMAL.inv_cdf(1.0 - 1.0 / (n_trials * e))
    return max(best, 0.0) * sqrt(sharpe_variance)


def sharpe_standard_error(ratio: float, count: int, *, skew: float, kurtosis: float) -> float:
    """Standard error of a Sharpe ratio estimated from `count` observations.

    sqrt((1 - skew SR + (kurtosis - 1) / 4 SR^2) / (count - 1)): Mertens (2002).
    """
    if count < 2:
        raise UndefinedMetric(Reason.TOO_FEW_DAYS)
    return sqrt(_spread(ratio, skew, kurtosis) / (count - 1))


def probabilistic_sharpe_ratio(
    ratio: float, count: int, *, skew: float, kurtosis: float, benchmark: float = 0.0
) -> float:
    """Probability that the true Sharpe ratio exceeds `benchmark`, both per observation.

    Bailey and López de Prado (2012), The Sharpe Ratio Efficient Frontier.
    """
    error = sharpe_standard_error(ratio, count, skew=skew, kurtosis=kurtosis)
    return _NORMAL.cdf((ratio - benchmark) / error)


def probabilistic_sharpe(returns: Floats, benchmark: float = 0.0) -> float:
    """`probabilistic_sharpe_ratio` of daily returns of shape (D,); `benchmark` per day."""
    ratio = sharpe(returns, 1.0)
    return probabilistic_sharpe_ratio(
        ratio,
        returns.size,
        skew=skewness(returns),
        kurtosis=kurtosis(returns),
        benchmark=benchmark,
    )


def deflated_sharpe(returns: Floats, *, n_trials: float, sharpe_variance: float) -> float:
    """Probability that the true Sharpe ratio exceeds what luck gives the best of `n_trials`.

    `sharpe_variance` is per observation (R31). Bailey and López de Prado (2014).
    """
    return probabilistic_sharpe(returns, expected_max_sharpe(n_trials, sharpe_variance))


def min_track_record_length(
    ratio: float,
    *,
    skew: float,
    kurtosis: float,
    benchmark: float = 0.0,
    confidence: float = 0.95,
) -> float:
    """Observations needed to say with `confidence` that the true ratio exceeds `benchmark`.

    1 + spread * (Z(confidence) / (SR - benchmark))^2: Bailey and López de Prado (2012).
    UndefinedMetric when the ratio is not above the benchmark: no length would do.
    """
    if ratio <= benchmark:
        raise UndefinedMetric(Reason.NOT_ABOVE_BENCHMARK)
    quantile = _NORMAL.inv_cdf(confidence) / (ratio - benchmark)
    length = 1.0 + _spread(ratio, skew, kurtosis) * quantile * quantile
    if not isfinite(length):
        raise UndefinedMetric(Reason.TOO_LARGE)
    return length


def min_backtest_length(n_trials: float, target: float = 1.0) -> float:
    """Years below which luck alone gives the best of `n_trials` an annual Sharpe of `target`.

    (E[max of N standard normals] / target)^2: Bailey, Borwein, López de Prado and Zhu (2014),
    Pseudo-Mathematics and Financial Charlatanism.
    """
    if target <= 0.0:
        raise ValueError("the target Sharpe ratio is positive")
    return (expected_max_sharpe(n_trials, 1.0) / target) ** 2


def trials_for_length(years: float, target: float = 1.0) -> int:
    """Most trials for which `years` of data are at least `min_backtest_length`."""
    count = 1
    while min_backtest_length(count * 2, target) <= years and count < 2**40:
        count *= 2
    low, high = count, count * 2
    while high - low > 1:
        middle = ceil((low + high) / 2)
        if min_backtest_length(middle, target) <= years:
            low = middle
        else:
            high = middle
    return low


def _spread(ratio: float, skew: float, kurtosis: float) -> float:
    spread = 1.0 - skew * ratio + (kurtosis - 1.0) / 4.0 * ratio * ratio
    if spread <= 0.0:  # cannot be for moments of one sample; given ones may contradict each other
        raise UndefinedMetric(Reason.ZERO_VARIANCE)
    return spread
