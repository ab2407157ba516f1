"""Across the instruments of one row: ranks, scores, neutral and scaled values of (T, N) panels.

Each row stands alone. An instrument that is NaN in a row takes no part in it and stays NaN.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from algotrader.features.arrays import Flags, Floats, counts, fraction, positive
from algotrader.features.registry import feature


def _panel(x: ArrayLike) -> Floats:
    """`x` as (T, N) with infinities as NaN; ValueError for another shape."""
    panel = np.asarray(x, dtype=np.float64)
    if panel.ndim != 2:
        raise ValueError(f"a panel has the shape (T, N), not {panel.shape}")
    return np.where(np.isfinite(panel), panel, np.nan)


def _count(x: Floats) -> Floats:
    count: Floats = np.isfinite(x).sum(axis=1, keepdims=True).astype(np.float64)
    return count


def _mean(x: Floats) -> Floats:
    """Mean of each row's known values, shape (T, 1); NaN when there are none."""
    count = _count(x)
    total: Floats = np.nansum(x, axis=1, keepdims=True)
    return total / np.where(count > 0.0, count, np.nan)


@feature
def cross_rank(x: ArrayLike) -> Floats:
    """Rank of each instrument in its row as a fraction; equal values share their mean rank.

    Shape: (T, N). Unit: 1 / n (lowest) to 1 (highest), n known values. First row: 0. Gaps: row.
    Formula: mean rank / n.
    Source: elementary.

    >>> cross_rank(np.array([[10.0, 30.0, 20.0, np.nan]])).round(4)
    array([[0.3333, 1.    , 0.6667,    nan]])
    """
    panel = _panel(x)
    order = np.argsort(panel, axis=1, kind="stable")  # NaN last
    ordered = np.take_along_axis(panel, order, axis=1)
    places = np.broadcast_to(np.arange(panel.shape[1]), panel.shape)
    edge = np.ones(panel.shape, dtype=np.bool_)
    edge[:, 1:] = ordered[:, 1:] != ordered[:, :-1]
    last = np.ones(panel.shape, dtype=np.bool_)
    last[:, :-1] = edge[:, 1:]
    first_equal = np.maximum.accumulate(np.where(edge, places, 0), axis=1)
    backwards = np.where(last, places, panel.shape[1])[:, ::-1]
    last_equal = np.minimum.accumulate(backwards, axis=1)[:, ::-1]
    ranks = np.empty_like(panel)
    np.put_along_axis(ranks, order, (first_equal + last_equal) / 2.0 + 1.0, axis=1)
    return np.where(np.isnan(panel), np.nan, ranks / np.maximum(_count(panel), 1.0))


@feature
def cross_demean(x: ArrayLike) -> Floats:
    """Each value less its row's mean.

    Shape: (T, N). Unit: that of `x`. First row: 0. Gaps: row.
    Formula: x - mean(x).
    Source: elementary.

    >>> cross_demean(np.array([[1.0, 3.0, np.nan]]))
    array([[-1.,  1., nan]])
    """
    panel = _panel(x)
    return panel - _mean(panel)


@feature
def cross_zscore(x: ArrayLike) -> Floats:
    """Standard deviations from the row's mean; 0 where all known values are equal.

    Shape: (T, N). Unit: standard deviations (of the sample, ddof 1). First row: 0. Gaps: row.
    Formula: (x - mean(x)) / std(x).
    Source: elementary.

    >>> cross_zscore(np.array([[1.0, 2.0, 3.0, np.nan]]))
    array([[-1.,  0.,  1., nan]])
    """
    panel = _panel(x)
    away = panel - _mean(panel)
    freedom = np.maximum(_count(panel) - 1.0, 1.0)
    spread = np.sqrt(np.nansum(away * away, axis=1, keepdims=True) / freedom)
    flat = _span(panel) == 0.0
    return np.where(flat, away * 0.0, away / np.where(spread > 0.0, spread, 1.0))


def _span(x: Floats) -> Floats:
    """Highest less lowest known value of each row, shape (T, 1); 0 when there are none."""
    known = np.isfinite(x)
    highest = np.max(np.where(known, x, -np.inf), axis=1, keepdims=True, initial=-np.inf)
    lowest = np.min(np.where(known, x, np.inf), axis=1, keepdims=True, initial=np.inf)
    span: Floats = np.maximum(highest - lowest, 0.0)
    return span


@feature
def cross_neutralise(x: ArrayLike, groups: ArrayLike) -> Floats:
    """Each value less the mean of its group (sector, size bucket) in its row.

    `groups` labels the instruments with whole numbers: shape (N,), or (T, N) when they change;
    a negative label is no group and gives NaN.
    Shape: (T, N). Unit: that of `x`. First row: 0. Gaps: row.
    Formula: x - mean of x over the group.
    Source: Grinold and Kahn (1999), Active Portfolio Management.

    >>> cross_neutralise(np.array([[1.0, 3.0, 8.0]]), np.array([0, 0, 1]))
    array([[-1.,  1.,  0.]])
    """
    panel = _panel(x)
    labels = np.asarray(groups)
    if labels.shape not in (panel.shape, panel.shape[1:]):
        raise ValueError(f"groups {labels.shape} do not fit the shape {panel.shape}")
    labels = np.broadcast_to(labels, panel.shape)
    result = np.full(panel.shape, np.nan)
    for label in np.unique(labels[labels >= 0]):
        members = labels == label
        result = np.where(members, panel - _mean(np.where(members, panel, np.nan)), result)
    return result


@feature
def cross_residual(x: ArrayLike, factors: ArrayLike) -> Floats:
    """What a least-squares fit on `factors` and a constant leaves of each row.

    `factors` has the shape (T, N, K); an instrument with an unknown factor is NaN. A factor that
    the ones before it explain to 1e-10 of its size adds nothing.
    Shape: (T, N). Unit: that of `x`. First row: 0. Gaps: row.
    Formula: x - B (B'B)^-1 B'x per row, B = [1, factors], by orthogonalising B column by column.
    Source: Grinold and Kahn (1999), Active Portfolio Management.

    >>> cross_residual(np.array([[1.0, 2.0, 6.0]]), np.array([[[0.0], [1.0], [2.0]]])).round(4)
    array([[ 0.5, -1. ,  0.5]])
    """
    panel = _panel(x)
    loadings = np.asarray(factors, dtype=np.float64)
    if loadings.ndim != 3 or loadings.shape[:2] != panel.shape:
        raise ValueError(f"factors {loadings.shape} do not fit the shape {panel.shape}")
    known = np.isfinite(panel) & np.isfinite(loadings).all(axis=2)
    rest = np.where(known, panel, 0.0)
    basis: list[Floats] = []
    constant = known.astype(np.float64)
    for column in (constant, *np.moveaxis(np.where(known[..., np.newaxis], loadings, 0.0), 2, 0)):
        basis.append(_unit(column, basis))
        rest = _without(rest, basis)
    return np.where(known, rest, np.nan)


def _without(column: Floats, basis: list[Floats]) -> Floats:
    """`column` less its parts along `basis`, row by row; twice, for what rounding left."""
    for direction in (*basis, *basis):
        column = column - direction * (direction * column).sum(axis=1, keepdims=True)
    return column


def _unit(column: Floats, basis: list[Floats]) -> Floats:
    """The part of `column` at right angles to `basis`, of length 1; 0 when there is none."""
    apart = _without(column, basis)
    size = np.sqrt((column * column).sum(axis=1, keepdims=True))
    left = np.sqrt((apart * apart).sum(axis=1, keepdims=True))
    new = left > 1e-10 * size
    return np.where(new, apart / np.where(new, left, 1.0), 0.0)


@feature
def cross_winsorise(x: ArrayLike, lower: float = 0.01, upper: float = 0.99) -> Floats:
    """Values outside the row's quantiles `lower` and `upper` pulled in to them.

    Shape: (T, N). Unit: that of `x`. First row: 0. Gaps: row.
    Formula: clip(x, quantile(x, lower), quantile(x, upper)), quantiles of Hyndman and Fan's type 7.
    Source: Tukey (1962), Annals of Mathematical Statistics 33:1.

    >>> cross_winsorise(np.array([[0.0, 1.0, 2.0, 3.0, 100.0]]), lower=0.25, upper=0.75)
    array([[1., 1., 2., 3., 3.]])
    """
    fraction(lower=lower, upper=upper)
    if lower > upper:
        raise ValueError(f"lower ({lower}) must not be above upper ({upper})")
    panel = _panel(x)
    if panel.shape[1] == 0:
        return panel
    ordered = np.sort(panel, axis=1)  # NaN last
    count = np.isfinite(panel).sum(axis=1, keepdims=True)
    return np.clip(panel, _quantile(ordered, count, lower), _quantile(ordered, count, upper))


def _quantile(ordered: Floats, count: NDArray[np.int64], quantile: float) -> Floats:
    place = quantile * np.maximum(count - 1, 0)
    below = place.astype(np.int64)
    above = np.minimum(below + 1, np.maximum(count - 1, 0))
    under = np.take_along_axis(ordered, below, axis=1)
    return under + (place - below) * (np.take_along_axis(ordered, above, axis=1) - under)


@feature
def cross_scale(x: ArrayLike, gross: float = 1.0) -> Floats:
    """Values scaled so that their sizes sum to `gross` in each row; a row of zeros stays.

    Shape: (T, N). Unit: fraction of equity when used as weights. First row: 0. Gaps: row.
    Formula: gross x / sum(abs(x)).
    Source: elementary.

    >>> cross_scale(np.array([[1.0, -3.0, np.nan]]))
    array([[ 0.25, -0.75,   nan]])
    """
    positive(gross=gross)
    panel = _panel(x)
    size = np.nansum(np.abs(panel), axis=1, keepdims=True)
    return panel * (gross / np.where(size > 0.0, size, 1.0))


@feature
def cross_top(x: ArrayLike, count: int) -> Flags:
    """True for the `count` largest known values of each row; of equals the first column's.

    Shape: (T, N). Unit: true or false. First row: 0. Gaps: row.
    Formula: position in the row, sorted downwards, is below `count`.
    Source: elementary.

    >>> cross_top(np.array([[1.0, 3.0, np.nan, 2.0]]), 2)
    array([[False,  True, False,  True]])
    """
    counts(count=count)
    panel = _panel(x)
    order = np.argsort(-panel, axis=1, kind="stable")  # NaN last
    chosen = np.zeros(panel.shape, dtype=np.bool_)
    np.put_along_axis(chosen, order[:, :count], True, axis=1)
    return chosen & ~np.isnan(panel)
