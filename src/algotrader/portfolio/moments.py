"""Mean and covariance of returns, where some are missing."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Moments:
    """Expected return (N,) and covariance (N, N), both per bar."""

    mean: Floats
    covariance: Floats


def moments(returns: Floats) -> Moments:
    """Arithmetic mean and sample covariance (ddof 1) of `returns` (T, N).

    NaN is left out: the mean of a name is over its own rows, a covariance over the rows that both
    names have, less the means of those rows. ValueError if two names share fewer than two rows.
    """
    present = np.isfinite(returns)
    shared = present.T.astype(np.float64) @ present
    if np.any(shared < 2):
        raise ValueError("two names share fewer than two rows: no covariance between them")
    mean = np.sum(returns, axis=0, where=present) / shared.diagonal()
    centred = np.where(present, returns - mean, 0.0)
    sums = centred.T @ present  # [i, j]: of name i over the rows that j has too
    covariance = (centred.T @ centred - sums * sums.T / shared) / (shared - 1.0)
    return Moments(mean=mean, covariance=(covariance + covariance.T) / 2.0)


def pairwise_correlation(returns: Floats) -> Floats:
    """Correlations (N, N) of `returns` (T, N), each wholly over the rows that both names have.

    Where rows are missing this is not the covariance over the volatilities, whose own rows are
    more. Names that did not move together count as uncorrelated.
    """
    present = np.isfinite(returns)
    shared = present.T.astype(np.float64) @ present
    mean = np.sum(returns, axis=0, where=present) / shared.diagonal()
    centred = np.where(present, returns - mean, 0.0)
    sums = centred.T @ present
    products = centred.T @ centred - sums * sums.T / shared
    squares = (centred * centred).T @ present - sums * sums / shared  # [i, j]: of i, where j is
    scale = np.sqrt(squares * squares.T)
    correlation = np.divide(products, scale, out=np.zeros_like(products), where=scale > 0.0)
    return np.asarray(np.clip((correlation + correlation.T) / 2.0, -1.0, 1.0))
