"""Weights by convex optimisation, solved by skfolio (extra `portfolio`).

Each takes returns per bar (T, N), as every allocator does, or moments of your own. Use `functools.partial` to set the
rest, for example `partial(max_sharpe, risk_free=0.02 / 252, max_weight=0.25)`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from algotrader.core.errors import ConfigurationError
from algotrader.portfolio.moments import Floats, Moments, moments


def min_variance(history: Floats | Moments, *, max_weight: float = 1.0) -> Floats:
    """The long weights, summing to 1, of least variance."""
    given, _ = _scaled(history)
    return _solve(given, "min_variance", "MINIMIZE_RISK", max_weight=max_weight)


def max_sharpe(
    history: Floats | Moments, *, risk_free: float = 0.0, max_weight: float = 1.0
) -> Floats:
    """The long weights of the largest (mean - risk_free) / volatility, all per bar.

    Zeros, which is cash, if no weights have a mean above `risk_free`. The past mean is a poor
    forecast: expect less of these weights than of any other in this package.
    """
    given, unit = _scaled(history)
    names = len(given.mean)
    fullest = np.clip(1.0 - max_weight * np.arange(names), 0.0, max_weight)  # best names first
    if fullest @ np.sort(given.mean)[::-1] <= risk_free / unit:
        return np.zeros(names)
    return _solve(
        given,
        "max_sharpe",
        "MAXIMIZE_RATIO",
        max_weight=max_weight,
        risk_free_rate=risk_free / unit,
    )


def max_return(history: Floats | Moments, *, volatility: float, max_weight: float = 1.0) -> Floats:
    """The long weights of the largest mean whose volatility per bar is at most `volatility`.

    ConfigurationError if even the least risky weights are above it.
    """
    given, unit = _scaled(history)
    return _solve(
        given,
        "max_return",
        "MAXIMIZE_RETURN",
        max_weight=max_weight,
        max_standard_deviation=volatility / unit,
    )


def max_utility(
    history: Floats | Moments, *, risk_aversion: float, max_weight: float = 1.0
) -> Floats:
    """The long weights of the largest mean - risk_aversion x variance / 2."""
    given, unit = _scaled(history)
    return _solve(
        given,
        "max_utility",
        "MAXIMIZE_UTILITY",
        max_weight=max_weight,
        risk_aversion=risk_aversion * unit / 2.0,  # skfolio's multiplies the whole variance
    )


def _scaled(history: Floats | Moments) -> tuple[Moments, float]:
    """The moments in units of a typical volatility, and that unit.

    A solver stops at an absolute error: variances of a bar, 1e-4 and less, would be all noise.
    """
    given = history if isinstance(history, Moments) else moments(history)
    unit = float(np.sqrt(np.mean(given.covariance.diagonal())))
    if unit == 0.0:
        return given, 1.0
    return Moments(mean=given.mean / unit, covariance=given.covariance / unit**2), unit


def _solve(
    given: Moments, name: str, objective: str, *, max_weight: float, **settings: Any
) -> Floats:
    """The optimum on moments that are given rather than estimated by skfolio."""
    try:
        from skfolio.exceptions import ConvexOptimizationError
        from skfolio.optimization import MeanRisk, ObjectiveFunction
        from skfolio.prior import BasePrior, ReturnDistribution
    except ImportError as error:
        raise ConfigurationError(
            "portfolio.skfolio_missing",
            f"{name} needs skfolio, which is not installed",
            hint="run: pip install 'algotrader[portfolio]'",
        ) from error

    class GivenMoments(BasePrior):  # type: ignore[misc]
        def __init__(self) -> None:
            """Nothing to set: skfolio copies estimators by their arguments."""

        def fit(self, X: Any, y: Any = None, **_: Any) -> GivenMoments:  # noqa: N803, ARG002
            self.return_distribution_ = ReturnDistribution(
                mu=given.mean, covariance=_positive(given.covariance), returns=np.asarray(X)
            )
            return self

    model = MeanRisk(
        objective_function=ObjectiveFunction[objective],
        prior_estimator=GivenMoments(),
        max_weights=max_weight,
        **settings,
    )
    try:
        model.fit(np.vstack((given.mean, given.mean)))  # only its shape is read
    except ConvexOptimizationError as error:
        raise ConfigurationError(
            "portfolio.no_solution",
            f"{name} has no solution: {error}",
            hint="loosen `max_weight` or `volatility`, or use a longer window",
        ) from error
    return np.asarray(model.weights_, dtype=np.float64)


def _positive(covariance: Floats) -> Floats:
    """The covariance without negative eigenvalues, which missing rows can leave behind."""
    values, vectors = np.linalg.eigh(covariance)
    if values[0] >= 0.0:
        return covariance
    return np.asarray((vectors * np.clip(values, 0.0, None)) @ vectors.T)
