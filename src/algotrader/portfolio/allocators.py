"""Weights from a window of returns: allocators that need nothing but numpy.

An allocator takes simple returns per bar, shape (T, N), NaN where a name has none, and gives long
weights (N,) that sum to 1, or zeros where there is nothing to hold. A name that never moved has no
risk to measure and gets nothing. `optimised` holds those that need a solver.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from algotrader.portfolio.moments import Floats, moments, pairwise_correlation

Allocator = Callable[[Floats], Floats]

_SWEEPS: Final = 10_000
_CONVERGED: Final = 1e-12  # relative change of a weight in a sweep


def equal_weight(returns: Floats) -> Floats:
    """1 / N each."""
    names = returns.shape[1]
    return np.full(names, 1.0 / names)


def inverse_volatility(returns: Floats) -> Floats:
    """Proportional to 1 / volatility: risk parity where nothing is correlated."""
    return _proportional_to_inverse(np.sqrt(moments(returns).covariance.diagonal()))


def inverse_variance(returns: Floats) -> Floats:
    """Proportional to 1 / variance: minimum variance where nothing is correlated."""
    return _proportional_to_inverse(moments(returns).covariance.diagonal())


def risk_parity(returns: Floats) -> Floats:
    """Every name contributes the same to the portfolio's variance: w_i (Sigma w)_i equal.

    The minimum of w' Sigma w / 2 - sum(log w) / N, by cyclical coordinate descent: Spinu (2013),
    An Algorithm for Computing Risk Parity Weights; Griveau-Billion, Richard and Roncalli (2013),
    A Fast Algorithm for Computing High-dimensional Risk Parity Portfolios.
    """
    covariance = moments(returns).covariance
    moves = covariance.diagonal() > 0.0
    weights = np.zeros(len(covariance))
    if moves.any():
        found = _equal_contributions(covariance[np.ix_(moves, moves)])
        weights[moves] = found / found.sum()
    return weights


def _equal_contributions(covariance: Floats) -> Floats:
    volatility = np.sqrt(covariance.diagonal())
    correlation = covariance / np.outer(volatility, volatility)  # the scale of prices drops out
    budget = 1.0 / len(correlation)
    scaled = np.full(len(correlation), 1.0 / np.sqrt(max(correlation.sum(), 1.0)))
    for _ in range(_SWEEPS):
        before = scaled.copy()
        for name, row in enumerate(correlation):
            others = row @ scaled - scaled[name]
            scaled[name] = (np.sqrt(others * others + 4.0 * budget) - others) / 2.0
        if np.max(np.abs(scaled / before - 1.0)) < _CONVERGED:
            return np.asarray(scaled / volatility)
    raise ValueError(
        f"risk parity did not settle in {_SWEEPS} sweeps: the covariance is degenerate"
    )


def hierarchical_risk_parity(returns: Floats) -> Floats:
    """Variance split down a tree of similar names (HRP), which inverts no matrix.

    Single linkage on sqrt((1 - correlation) / 2), leaves in the tree's order, each half of the
    list weighed by the inverse of the other's variance. López de Prado (2016), Building
    Diversified Portfolios that Outperform Out of Sample.
    """
    covariance = moments(returns).covariance
    moves = np.flatnonzero(covariance.diagonal() > 0.0)
    weights = np.zeros(len(covariance))
    if moves.size:
        order = _leaves(pairwise_correlation(returns[:, moves]))
        _bisect(covariance, moves[order], 1.0, weights)
    return weights


def _leaves(correlation: Floats) -> NDArray[np.intp]:
    """Names in the order of the single-linkage tree: in each pair the older cluster first."""
    distance = np.sqrt((1.0 - correlation) / 2.0)
    np.fill_diagonal(distance, np.inf)
    count = len(distance)
    clusters = {name: (name, [name]) for name in range(count)}  # row -> (age, leaves)
    for age in range(count, 2 * count - 1):
        row, other = np.unravel_index(np.argmin(distance), distance.shape)
        first, second = sorted((clusters.pop(int(row)), clusters.pop(int(other))))
        clusters[int(row)] = (age, first[1] + second[1])
        joined = np.minimum(distance[row], distance[other])
        distance[row], distance[:, row] = joined, joined
        distance[other], distance[:, other] = np.inf, np.inf
        distance[row, row] = np.inf
    ((_, leaves),) = clusters.values()
    return np.array(leaves, dtype=np.intp)


def _bisect(covariance: Floats, names: NDArray[np.intp], share: float, weights: Floats) -> None:
    """Splits `share` over `names` and writes the weights."""
    if names.size == 1:
        weights[names[0]] = share
        return
    left, right = names[: names.size // 2], names[names.size // 2 :]
    risk = _cluster_variance(covariance, left)
    part = 1.0 - risk / (risk + _cluster_variance(covariance, right))
    _bisect(covariance, left, share * part, weights)
    _bisect(covariance, right, share * (1.0 - part), weights)


def _cluster_variance(covariance: Floats, names: NDArray[np.intp]) -> float:
    block = covariance[np.ix_(names, names)]
    weights = _proportional_to_inverse(block.diagonal())
    return float(weights @ block @ weights)


def _proportional_to_inverse(risk: Floats) -> Floats:
    inverse = np.divide(1.0, risk, out=np.zeros(len(risk)), where=risk > 0.0)
    total = inverse.sum()
    return np.asarray(inverse / total) if total > 0.0 else inverse
