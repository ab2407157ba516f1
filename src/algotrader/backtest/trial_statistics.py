"""What many trials say together: how many there were, how alike, and what luck makes of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from algotrader.backtest.overfitting import expected_max_sharpe

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

SAME_BET = 0.7  # trials whose daily returns correlate at least so much are one bet
_BLOCK = 64
COMMON_DAYS = 60  # fewer days in common say too little about who is alike


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialStatistics:
    """Figures of a set of trials; Sharpe ratios per observation (day), not annualised (R31)."""

    n_trials: int  # all of them, failed and pruned ones too
    sharpes: Floats  # (n_trials,) NaN for a trial without returns or without variance
    sharpe_variance: float  # of the defined ones, ddof 1; 0 with fewer than two
    clusters: Ints  # (n_trials,) number of its bet, -1 for a trial without a Sharpe ratio
    effective_trials: int  # number of bets
    effective_variance: float  # variance of the bets' Sharpe ratios, ddof 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Luck:
    """What luck alone gives the best of the trials. Sharpe ratios per observation."""

    n_trials: int
    variance: float  # of a Sharpe ratio without skill, as used
    best_sharpe: float  # expected maximum


def trial_statistics(
    returns: Sequence[Floats | None], *, first_days: Sequence[int] | None = None
) -> TrialStatistics:
    """Statistics of trials from their daily returns; `None` for a trial that failed.

    `first_days` numbers the day of each first return, when trials cover different times; without
    it all begin together. Bets are found on the days that all trials have; with fewer than 60
    such days every trial counts as a bet of its own.
    """
    offsets = [0] * len(returns) if first_days is None else list(first_days)
    if len(offsets) != len(returns):
        raise ValueError("first_days has one entry per trial")
    sharpes = np.array([_sharpe(series) for series in returns], dtype=np.float64)
    clusters = np.full(len(returns), -1, dtype=np.int64)
    judged = np.flatnonzero(np.isfinite(sharpes))
    series = [
        (start, values)
        for start, values, ratio in zip(offsets, returns, sharpes, strict=True)
        if values is not None and np.isfinite(ratio)
    ]
    common = _common_days(series)
    if common.shape[1] < COMMON_DAYS:
        clusters[judged] = np.arange(judged.size)
        bets = sharpes[judged]
    else:
        clusters[judged] = _bets(common, sharpes[judged])
        bets = _bet_sharpes(common, clusters[judged])
    return TrialStatistics(
        n_trials=len(returns),
        sharpes=sharpes,
        sharpe_variance=_variance(sharpes[judged]),
        clusters=clusters,
        effective_trials=int(clusters.max(initial=-1)) + 1,
        effective_variance=_variance(bets),
    )


def luck(statistics: TrialStatistics, *, observations: int, effective: bool = False) -> Luck:
    """What luck alone gives the best of `n_trials` (or, `effective`, of as many bets).

    Without skill the Sharpe ratio of `observations` days varies by 1 / (observations - 1)
    (Lo, 2002), less where trials are alike. The trials' own variance is used up to that: what
    goes beyond is real difference between them, bad sets as well as good ones, and not luck.
    """
    if observations < 2:
        raise ValueError("a Sharpe ratio has at least two observations")
    count = statistics.effective_trials if effective else statistics.n_trials
    spread = statistics.effective_variance if effective else statistics.sharpe_variance
    variance = min(spread, 1.0 / (observations - 1))
    return Luck(
        n_trials=count,
        variance=variance,
        best_sharpe=expected_max_sharpe(max(count, 1), variance),
    )


def _sharpe(returns: Floats | None) -> float:
    if returns is None or returns.size < 2 or returns.min() == returns.max():
        return float("nan")
    return float(np.mean(returns) / np.std(returns, ddof=1))


def _common_days(series: Sequence[tuple[int, Floats]]) -> Floats:
    """Returns of all trials on the days that all have: shape (trials, days)."""
    if not series:
        return np.empty((0, 0))
    first = max(start for start, _ in series)
    last = min(start + values.size for start, values in series)
    days = max(last - first, 0)
    return np.array([values[first - start :][:days] for start, values in series])


def _bets(returns: Floats, sharpes: Floats) -> Ints:
    """Cluster numbers: from the best trial down, each joins the first bet it is alike to.

    Alike is a correlation of at least SAME_BET with the bet's first (best) trial, so the order
    in which trials were made changes nothing.
    """
    standard = _standardised(returns)
    labels = np.full(sharpes.size, -1, dtype=np.int64)
    count = 0
    for block in _blocks(np.argsort(-sharpes, kind="stable")):
        candidates = block[labels[block] < 0]
        alike = standard @ standard[candidates].T >= SAME_BET
        for column, leader in enumerate(candidates):
            if labels[leader] < 0:
                labels[alike[:, column] & (labels < 0)] = count
                labels[leader] = count
                count += 1
    return labels


def _blocks(order: Ints) -> list[Ints]:
    """Leaders are compared many at a time, so that the work is products of matrices."""
    return [order[start : start + _BLOCK] for start in range(0, order.size, _BLOCK)]


def _standardised(returns: Floats) -> Floats:
    """Rows centred and scaled so that their products are correlations; 0 without variance."""
    centred = returns - returns.mean(axis=1, keepdims=True)
    length = np.sqrt(np.sum(centred * centred, axis=1, keepdims=True))
    constant = returns.min(axis=1, keepdims=True) == returns.max(axis=1, keepdims=True)
    return np.asarray(np.where(constant, 0.0, centred / np.where(constant, 1.0, length)))


def _bet_sharpes(returns: Floats, labels: Ints) -> Floats:
    """Sharpe ratio of the equal-weight mean of each bet's trials."""
    means = [returns[labels == bet].mean(axis=0) for bet in range(int(labels.max()) + 1)]
    sharpes = np.array([_sharpe(mean) for mean in means])
    return np.asarray(sharpes[np.isfinite(sharpes)])


def _variance(sharpes: Floats) -> float:
    return float(np.var(sharpes, ddof=1)) if sharpes.size > 1 else 0.0
