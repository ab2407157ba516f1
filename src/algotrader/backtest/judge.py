"""From the daily returns of a sweep to a verdict: all overfitting statistics, put together."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from algotrader.backtest import metrics
from algotrader.backtest.bootstrap import SharpeInterval, sharpe_interval
from algotrader.backtest.cscv import Cscv, probability_of_overfitting
from algotrader.backtest.metrics import UndefinedMetric
from algotrader.backtest.overfitting import (
    min_backtest_length,
    min_track_record_length,
    probabilistic_sharpe,
)
from algotrader.backtest.surface import NeighbourStability, Setting, neighbour_stability
from algotrader.backtest.trial_statistics import TrialStatistics, luck, trial_statistics
from algotrader.backtest.verdict import Findings, Unseen, Verdict, verdict

Floats = NDArray[np.float64]
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Overfitting:
    """What a sweep (or a run among earlier trials) says about luck. Sharpe ratios annualised."""

    trials: TrialStatistics
    chosen: int | None  # row of the judged set in this sweep
    sharpe: float | None
    interval: SharpeInterval | None  # of `sharpe`; None also when no generator was given
    probabilistic_sharpe: float | None  # probability that the true ratio is above 0
    luck_sharpe: float | None  # best of `trials.n_trials` by luck alone
    deflated_sharpe: float | None
    effective_luck_sharpe: float | None  # the same for `trials.effective_trials`
    effective_deflated_sharpe: float | None
    min_track_record_days: float | None  # returns needed to say at 95 % that the ratio is above 0
    min_backtest_years: float  # below it luck alone gives an annual Sharpe ratio of 1
    cscv: Cscv | None
    neighbours: NeighbourStability | None
    verdict: Verdict


def judge(
    returns: Floats,
    *,
    periods_per_year: float,
    parameters: Sequence[Mapping[str, Setting]] | None = None,
    trials: TrialStatistics | None = None,
    chosen: int | None = None,
    walk_forward: Unseen | None = None,
    blocks: int = 16,
    rng: np.random.Generator | None = None,
    ran: NDArray[np.bool_] | None = None,
) -> Overfitting:
    """Judge one set of a sweep of daily returns of shape (sets, days); default: the best Sharpe.

    `trials` are the statistics of all comparable trials of the workspace, these included (R31);
    without them, of this sweep alone. A single run is a sweep of one set: what takes several is
    then `None`, and the verdict says that it was not measured. With `rng` the interval of the
    Sharpe ratio is drawn as well.
    `ran` says of each set whether it ran at all: one that failed has no half to be best on, and a
    row of zeros among the ranks would lift, or sink, every set that ran.
    """
    if returns.ndim != 2 or not returns.shape[0]:
        raise ValueError(f"returns has the shape (sets, days), not {returns.shape}")
    known = trials or trial_statistics(list(returns))
    best = _best(returns) if chosen is None else chosen
    series = returns[best] if best is not None else np.empty(0)
    scale = float(np.sqrt(periods_per_year))
    plain = luck(known, observations=max(series.size, 2))
    fewer = luck(known, observations=max(series.size, 2), effective=True)
    sharpe = _maybe(lambda: metrics.sharpe(series, periods_per_year))
    able = returns if ran is None else returns[ran]
    cscv = _maybe(lambda: probability_of_overfitting(able, blocks=blocks))
    beside = _beside(parameters, returns, best)
    deflated = _maybe(lambda: probabilistic_sharpe(series, plain.best_sharpe))
    findings = Findings(
        n_trials=known.n_trials,
        sharpe=sharpe,
        luck_sharpe=plain.best_sharpe * scale,
        deflated_sharpe=deflated,
        pbo=cscv.pbo if cscv else None,
        loss_probability=cscv.probability_of_loss if cscv else None,
        neighbour_ratio=beside.ratio if beside else None,
        walk_forward=walk_forward,
    )
    return Overfitting(
        trials=known,
        chosen=best,
        sharpe=sharpe,
        interval=_maybe(lambda: sharpe_interval(series, periods_per_year, rng=rng))
        if rng
        else None,
        probabilistic_sharpe=_maybe(lambda: probabilistic_sharpe(series)),
        luck_sharpe=plain.best_sharpe * scale,
        deflated_sharpe=deflated,
        effective_luck_sharpe=fewer.best_sharpe * scale,
        effective_deflated_sharpe=_maybe(lambda: probabilistic_sharpe(series, fewer.best_sharpe)),
        min_track_record_days=_maybe(lambda: _track_record(series)),
        min_backtest_years=min_backtest_length(max(known.n_trials, 1)),
        cscv=cscv,
        neighbours=beside,
        verdict=verdict(findings),
    )


def _maybe(function: Callable[[], T]) -> T | None:
    try:
        return function()
    except UndefinedMetric:
        return None


def _sharpes(returns: Floats) -> Floats:
    constant = returns.min(axis=1) == returns.max(axis=1)
    deviation = np.where(constant, 1.0, returns.std(axis=1, ddof=1))
    return np.where(constant, np.nan, returns.mean(axis=1) / deviation)


def _best(returns: Floats) -> int | None:
    if returns.shape[1] < 2:
        return None
    sharpes = _sharpes(returns)
    return int(np.nanargmax(sharpes)) if np.any(np.isfinite(sharpes)) else None


def _beside(
    parameters: Sequence[Mapping[str, Setting]] | None, returns: Floats, best: int | None
) -> NeighbourStability | None:
    if parameters is None or best is None:
        return None
    return _maybe(lambda: neighbour_stability(parameters, _sharpes(returns), index=best))


def _track_record(returns: Floats) -> float:
    return min_track_record_length(
        metrics.sharpe(returns, 1.0),
        skew=metrics.skewness(returns),
        kurtosis=metrics.kurtosis(returns),
    )
