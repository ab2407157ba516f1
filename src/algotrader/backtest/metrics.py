"""One function per metric of daily returns; definitions and sources in docs/concepts/metrics.md.

`returns` are simple returns per day, net of costs, of shape (D,), finite. Rates are fractions. A
metric that has no value raises `UndefinedMetric` with the reason; it is never NaN, inf or 0.
`periods_per_year` is 365 for markets that never close, else the calendar's own count.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


class Reason(StrEnum):
    """Why a metric has no value."""

    TOO_FEW_DAYS = "too_few_days"
    TOO_SHORT_FOR_A_YEAR = "too_short_for_a_year"
    ZERO_VARIANCE = "zero_variance"
    NO_LOSING_DAYS = "no_losing_days"
    NO_DRAWDOWN = "no_drawdown"
    NO_TRADES = "no_trades"
    NO_WINNERS = "no_winners"
    NO_LOSERS = "no_losers"
    NO_BENCHMARK = "no_benchmark"
    NO_EXPOSURE_DATA = "no_exposure_data"
    NOTHING_TRADED = "nothing_traded"
    TOO_LARGE = "too_large"
    RUINED = "ruined"
    TOO_FEW_TRADES = "too_few_trades"
    TOO_FEW_TRIALS = "too_few_trials"
    NOT_ABOVE_BENCHMARK = "not_above_benchmark"


class UndefinedMetric(ValueError):  # noqa: N818 - an answer, not a fault
    """The metric has no value on these data; `reason` says why."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason.value)
        self.reason = reason


def total_return(returns: Floats) -> float:
    """Growth over the whole run minus one: the product of (1 + r), minus one."""
    return float(np.prod(1.0 + returns)) - 1.0


def annual_return(returns: Floats, periods_per_year: float, *, years: float | None = None) -> float:
    """Geometric rate per year: (1 + total return) ** (1 / years) - 1.

    `years` is elapsed calendar time (`EquityCurve.years`); without it, days / periods_per_year.
    A ruined run lost all of it: -1.
    """
    _at_least(returns, 2)
    growth = 1.0 + total_return(returns)
    if growth <= 0.0:
        return -1.0
    return _compound(growth, 1.0 / (years or returns.size / periods_per_year))


def growth_rate(start: float, end: float, *, days: float, year_days: float) -> float:
    """Compound annual growth rate between two balances `days` apart."""
    if start <= 0.0 or days <= 0.0:
        raise ValueError("start and days are positive")
    return _compound(max(end, 0.0) / start, year_days / days)


def volatility(returns: Floats, periods_per_year: float) -> float:
    """Standard deviation per year: std with ddof 1, times sqrt(periods_per_year)."""
    _at_least(returns, 2)
    return float(np.std(returns, ddof=1) * np.sqrt(periods_per_year))


def sharpe(returns: Floats, periods_per_year: float, *, risk_free: float | Floats = 0.0) -> float:
    """Mean over standard deviation (ddof 1) of returns above `risk_free` (per day), annualised.

    Sharpe (1994), The Sharpe Ratio.
    """
    _at_least(returns, 2)
    excess = returns - risk_free
    deviation = _deviation(excess)
    return float(np.mean(excess) / deviation * np.sqrt(periods_per_year))


def downside_risk(
    returns: Floats, periods_per_year: float, *, required: float | Floats = 0.0
) -> float:
    """Root mean square of what falls short of `required` (per day) over all days, annualised."""
    _at_least(returns, 2)
    short = np.minimum(returns - required, 0.0)
    return float(np.sqrt(np.mean(short * short)) * np.sqrt(periods_per_year))


def sortino(returns: Floats, periods_per_year: float, *, required: float | Floats = 0.0) -> float:
    """Annual mean above `required` over the downside risk. Sortino and Price (1994)."""
    risk = downside_risk(returns, periods_per_year, required=required)
    if risk == 0.0:
        raise UndefinedMetric(Reason.NO_LOSING_DAYS)
    return float(np.mean(returns - required) * periods_per_year / risk)


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawdown:
    """The deepest fall from a peak of equity. Indices count days; -1 is the starting cash."""

    depth: float  # <= 0, fraction of the peak
    peak: int
    trough: int
    recovered: int | None  # first day back at the peak; None: not within the data


def drawdowns(returns: Floats) -> Floats:
    """Equity over its running peak, minus one, per day; the starting cash is the first peak."""
    equity = np.cumprod(1.0 + returns)
    peak = np.maximum.accumulate(np.maximum(equity, 1.0))
    return np.asarray(equity / peak - 1.0)


def max_drawdown(returns: Floats) -> float:
    """Deepest fall from a peak: the smallest of `drawdowns`, at most 0; below -1 in debt."""
    return float(min(drawdowns(returns).min(initial=0.0), 0.0))


def deepest_drawdown(returns: Floats) -> Drawdown:
    """The deepest drawdown with its days; of equal ones the first."""
    fall = drawdowns(returns)
    if not fall.size or fall.min() >= 0.0:
        raise UndefinedMetric(Reason.NO_DRAWDOWN)
    trough = int(np.argmin(fall))
    before = np.flatnonzero(fall[:trough] >= 0.0)
    after = np.flatnonzero(fall[trough:] >= 0.0)
    return Drawdown(
        depth=float(fall[trough]),
        peak=int(before[-1]) if before.size else -1,
        trough=trough,
        recovered=trough + int(after[0]) if after.size else None,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class LossFromPeak:
    """The largest fall from a peak in money; it need not be the deepest as a fraction."""

    amount: float  # >= 0, account currency
    share: float  # of the peak
    peak: int
    trough: int


def largest_loss_from_peak(equity: Floats, *, initial: float) -> LossFromPeak:
    """Largest peak minus equity, in money; of equal ones the first. Indices as in `Drawdown`."""
    path = np.concatenate(([initial], equity))
    tops = np.maximum.accumulate(path)
    trough = int(np.argmax(tops - path))
    if tops[trough] == path[trough]:
        raise UndefinedMetric(Reason.NO_DRAWDOWN)
    amount = float(tops[trough] - path[trough])
    return LossFromPeak(
        amount=amount,
        share=amount / float(tops[trough]),
        peak=int(np.flatnonzero(path[: trough + 1] == tops[trough])[-1]) - 1,
        trough=trough - 1,
    )


def longest_underwater(returns: Floats) -> tuple[int, int]:
    """(peak, end) of the longest time from a peak until equity is back there, or the data end.

    Days as in `Drawdown`; the length is end - peak. Without a drawdown: (-1, -1).
    """
    _at_least(returns, 1)
    fall = drawdowns(returns)
    tops = np.concatenate(([-1], np.flatnonzero(fall >= 0.0)))
    ends = np.append(tops[1:], fall.size - 1)
    length = ends - tops
    dipped = (length > 1) | ((ends == fall.size - 1) & (fall[-1:] < 0.0) & (length > 0))
    if not np.any(dipped):
        return -1, -1
    best = int(np.argmax(np.where(dipped, length, 0)))
    return int(tops[best]), int(ends[best])


def calmar(returns: Floats, periods_per_year: float, *, years: float | None = None) -> float:
    """Annual return over the size of the maximum drawdown. Young (1991)."""
    annual = annual_return(returns, periods_per_year, years=years)
    depth = max_drawdown(returns)
    if depth == 0.0:
        raise UndefinedMetric(Reason.NO_DRAWDOWN)
    return annual / -depth


def value_at_risk(returns: Floats, level: float = 0.95) -> float:
    """Return of a day that only a share 1 - level falls below; a loss is negative.

    Historical: the order statistic at (D - 1) * (1 - level), interpolated linearly
    (type 7 of Hyndman and Fan, 1996).
    """
    _at_least(returns, 2)
    # 1 - 0.95 is not 0.05; a rank that misses a whole number by rounding would move the shortfall.
    return float(np.quantile(returns, round(1.0 - level, 12)))


def expected_shortfall(returns: Floats, level: float = 0.95) -> float:
    """Mean of the days at or below the value at risk; a loss is negative."""
    limit = value_at_risk(returns, level)
    return float(np.mean(returns[returns <= limit]))


def skewness(returns: Floats) -> float:
    """Third central moment over the second to the power 3/2, both over n (biased, g1)."""
    _at_least(returns, 2)
    _deviation(returns)
    centred = returns - np.mean(returns)
    return float(np.mean(centred**3) / np.mean(centred**2) ** 1.5)


def kurtosis(returns: Floats) -> float:
    """Fourth central moment over the square of the second, both over n: 3 for a normal law."""
    _at_least(returns, 2)
    _deviation(returns)
    centred = returns - np.mean(returns)
    return float(np.mean(centred**4) / np.mean(centred**2) ** 2)


def best_day(returns: Floats) -> float:
    _at_least(returns, 1)
    return float(returns.max())


def worst_day(returns: Floats) -> float:
    _at_least(returns, 1)
    return float(returns.min())


def omega(returns: Floats, *, threshold: float | Floats = 0.0) -> float:
    """Sum of what exceeds `threshold` (per day) over the sum of what falls short of it.

    Keating and Shadwick (2002).
    """
    _at_least(returns, 2)
    excess = returns - threshold
    short = -float(np.sum(np.minimum(excess, 0.0)))
    if short == 0.0:
        raise UndefinedMetric(Reason.NO_LOSING_DAYS)
    return float(np.sum(np.maximum(excess, 0.0))) / short


def tail_ratio(returns: Floats) -> float:
    """Size of the 95 % quantile over the size of the 5 % quantile (linear interpolation)."""
    _at_least(returns, 2)
    low, high = np.quantile(returns, [0.05, 0.95])
    if low == 0.0:
        raise UndefinedMetric(Reason.NO_LOSING_DAYS)
    return float(abs(high) / abs(low))


def ulcer_index(returns: Floats) -> float:
    """Root mean square of the drawdowns of all days. Martin and McCann (1989)."""
    _at_least(returns, 1)
    return float(np.sqrt(np.mean(drawdowns(returns) ** 2)))


def recovery_factor(returns: Floats) -> float:
    """Total return over the size of the maximum drawdown."""
    depth = max_drawdown(returns)
    if depth == 0.0:
        raise UndefinedMetric(Reason.NO_DRAWDOWN)
    return total_return(returns) / -depth


def stability(returns: Floats) -> float:
    """R squared of a straight line through the cumulative log returns (the start not a point)."""
    _at_least(returns, 3)
    if np.any(returns <= -1.0):
        raise UndefinedMetric(Reason.RUINED)
    path = np.cumsum(np.log1p(returns))
    if path.min() == path.max():
        raise UndefinedMetric(Reason.ZERO_VARIANCE)
    return float(np.corrcoef(np.arange(path.size, dtype=np.float64), path)[0, 1] ** 2)


def _at_least(returns: Floats, count: int) -> None:
    if returns.size < count:
        raise UndefinedMetric(Reason.TOO_FEW_DAYS)


def _deviation(returns: Floats) -> float:
    # Equal numbers have a rounding error for a deviation; they are told by their range.
    if returns.min() == returns.max():
        raise UndefinedMetric(Reason.ZERO_VARIANCE)
    return float(np.std(returns, ddof=1))


def _compound(growth: float, power: float) -> float:
    with np.errstate(over="ignore"):
        value = np.float64(growth) ** power - 1.0
    if not np.isfinite(value):
        raise UndefinedMetric(Reason.TOO_LARGE)
    return float(value)
