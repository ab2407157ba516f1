"""All figures of one run, in the order and under the names of `metric_names.METRICS`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

import numpy as np
from numpy.typing import NDArray

from algotrader.backtest import metrics, relative
from algotrader.backtest import trade_metrics as per_trade
from algotrader.backtest import waterfall as cost_metrics
from algotrader.backtest.metric_names import METRICS
from algotrader.backtest.metrics import Reason, UndefinedMetric
from algotrader.backtest.returns import (
    DAY_MS,
    DailyReturns,
    EquityCurve,
    daily_returns,
    monthly_returns,
)
from algotrader.backtest.trades import TradeTable
from algotrader.backtest.waterfall import Costs

Floats = NDArray[np.float64]
Value = float | int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Activity:
    """What was held and traded."""

    gross: Floats  # (T,) sum of |position value| after each bar, account currency
    held: NDArray[np.bool_]  # (T,) after the bar a position of a lot or more was held
    traded_notional: float  # sum of |price x quantity x multiplier| over all fills


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """`values` has every name of METRICS; `None` is undefined and `undefined` says why."""

    values: Mapping[str, Value]
    undefined: Mapping[str, Reason] = field(default_factory=dict)

    def __getitem__(self, name: str) -> Value:
        return self.values[name]


def buy_and_hold(curve: EquityCurve, close: Floats, *, inverse: Sequence[bool] = ()) -> EquityCurve:
    """The starting cash in equal parts in every instrument at its first close, then held.

    `close` is (T, N), NaN where a bar is missing; the last known close marks. Without costs;
    before its first close an instrument's part is cash. An `inverse` contract earns in its coin,
    as the account counts: 1 - entry / price of the part (R8), and no more than the part is lost.
    """
    rows = np.where(np.isfinite(close), np.arange(close.shape[0])[:, None], 0)
    known = np.take_along_axis(close, np.maximum.accumulate(rows, axis=0), axis=0)
    present = np.isfinite(close)
    first = np.take_along_axis(close, np.argmax(present, axis=0)[None, :], axis=0)
    growth = np.where(np.isfinite(known), known / first, 1.0)
    if any(inverse):
        in_coin = np.where(np.isfinite(known), 2.0 - first / known, 1.0)
        alive = np.minimum.accumulate(in_coin, axis=0) > 0.0
        growth = np.where(np.asarray(inverse), np.where(alive, in_coin, 0.0), growth)
    return EquityCurve(
        ts=curve.ts,
        equity=curve.initial * np.mean(growth, axis=1),
        initial=curve.initial,
        timeframe_ms=curve.timeframe_ms,
        session=curve.session,
    )


def summary(
    curve: EquityCurve,
    trades: TradeTable,
    *,
    periods_per_year: float,
    costs: Costs,
    activity: Activity | None = None,
    benchmark: EquityCurve | None = None,
) -> Summary:
    """Every metric of a run; what has no value is `None`, with its reason."""
    collected = _Collected()
    daily = daily_returns(curve)
    _result(collected, curve, daily, periods_per_year)
    _drawdown(collected, curve, daily)
    _trades(collected, trades)
    _activity(collected, curve, costs, activity)
    _benchmark(collected, curve, daily, benchmark, periods_per_year)
    return Summary(
        values={name: collected.values[name] for name in METRICS},
        undefined=collected.undefined,
    )


class _Collected:
    def __init__(self) -> None:
        self.values: dict[str, Value] = {}
        self.undefined: dict[str, Reason] = {}

    def add(self, name: str, function: Callable[[], float | int]) -> None:
        try:
            self.values[name] = function()
        except UndefinedMetric as error:
            self.values[name] = None
            self.undefined[name] = error.reason

    def add_yearly(self, name: str, curve: EquityCurve, function: Callable[[], float]) -> None:
        """What a year would make of it; none of a run too short to say, unless all is lost."""

        def told() -> float:
            value = function()
            if not curve.tells_a_year and value != -1.0:
                raise UndefinedMetric(Reason.TOO_SHORT_FOR_A_YEAR)
            return value

        self.add(name, told)


def _result(to: _Collected, curve: EquityCurve, daily: DailyReturns, periods: float) -> None:
    r, years = daily.returns, curve.years
    final = float(curve.equity[-1])
    to.add("initial_equity", lambda: curve.initial)
    to.add("final_equity", lambda: final)
    to.add("net_profit", lambda: final - curve.initial)
    to.add("total_return", lambda: final / curve.initial - 1.0)
    to.add_yearly("annual_return", curve, lambda: metrics.annual_return(r, periods, years=years))
    to.add("volatility", lambda: metrics.volatility(r, periods))
    to.add("sharpe", lambda: metrics.sharpe(r, periods))
    to.add("sortino", lambda: metrics.sortino(r, periods))
    to.add_yearly("calmar", curve, lambda: metrics.calmar(r, periods, years=years))
    to.add("omega", lambda: metrics.omega(r))
    to.add("stability", lambda: metrics.stability(r))
    to.add("tail_ratio", lambda: metrics.tail_ratio(r))
    to.add("skew", lambda: metrics.skewness(r))
    to.add("kurtosis", lambda: metrics.kurtosis(r))
    for name, level in (("95", 0.95), ("99", 0.99)):
        to.add(f"var_{name}", partial(metrics.value_at_risk, r, level))
        to.add(f"es_{name}", partial(metrics.expected_shortfall, r, level))
    to.add("days", lambda: int(r.size))
    to.add("best_day", lambda: metrics.best_day(r))
    to.add("worst_day", lambda: metrics.worst_day(r))
    to.add("average_daily_profit", lambda: (float(daily.equity[-1]) - daily.initial) / r.size)
    to.add("win_days", lambda: int(np.sum(r > 0.0)))
    to.add("draw_days", lambda: int(np.sum(r == 0.0)))
    to.add("lose_days", lambda: int(np.sum(r < 0.0)))
    months = monthly_returns(daily).returns
    to.add("best_month", lambda: float(months.max()))
    to.add("worst_month", lambda: float(months.min()))


def _drawdown(to: _Collected, curve: EquityCurve, daily: DailyReturns) -> None:
    r = daily.returns
    to.add("min_equity", lambda: float(min(curve.equity.min(), curve.initial)))
    to.add("max_equity", lambda: float(max(curve.equity.max(), curve.initial)))
    to.add("max_drawdown", lambda: metrics.max_drawdown(r))
    to.add("max_drawdown_amount", lambda: _largest_loss(daily))
    to.add("max_drawdown_days", lambda: _calendar_days_underwater(daily))
    to.add("max_drawdown_bars", lambda: _drawdown_on_bars(curve))
    to.add("ulcer_index", lambda: metrics.ulcer_index(r))
    to.add("recovery_factor", lambda: metrics.recovery_factor(r))


def _largest_loss(daily: DailyReturns) -> float:
    return metrics.largest_loss_from_peak(daily.equity, initial=daily.initial).amount


def _calendar_days_underwater(daily: DailyReturns) -> int:
    """Calendar days of `metrics.longest_underwater`; the start is the day before the first."""
    day = daily.ts // DAY_MS
    peak, end = metrics.longest_underwater(daily.returns)
    if peak == end:
        return 0
    return int(day[end] - (day[peak] if peak >= 0 else day[0] - 1))


def _drawdown_on_bars(curve: EquityCurve) -> float:
    peak = np.maximum.accumulate(np.maximum(curve.equity, curve.initial))
    return float(np.min(curve.equity / peak) - 1.0)


def _trades(to: _Collected, trades: TradeTable) -> None:
    closed = trades.closed()
    long, short = closed.where(closed.side > 0), closed.where(closed.side < 0)
    to.add("trades", lambda: len(closed))
    to.add("open_trades", lambda: len(trades) - len(closed))
    to.add("ambiguous_trades", lambda: int(np.sum(trades.ambiguous)))
    to.add("wins", lambda: int(np.sum(closed.profit > 0.0)))
    to.add("draws", lambda: int(np.sum(closed.profit == 0.0)))
    to.add("losses", lambda: int(np.sum(closed.profit < 0.0)))
    to.add("long_trades", lambda: len(long))
    to.add("short_trades", lambda: len(short))
    to.add("long_profit", lambda: float(np.sum(long.profit)))
    to.add("short_profit", lambda: float(np.sum(short.profit)))
    to.add("long_win_rate", lambda: per_trade.win_rate(long))
    to.add("short_win_rate", lambda: per_trade.win_rate(short))
    to.add("max_consecutive_wins", lambda: per_trade.longest_streak(closed, won=True))
    to.add("max_consecutive_losses", lambda: per_trade.longest_streak(closed, won=False))
    to.add("average_trade_hours", lambda: float(np.mean(per_trade.hours(closed))))
    to.add("median_trade_hours", lambda: float(np.median(per_trade.hours(closed))))
    to.add("longest_trade_hours", lambda: float(np.max(per_trade.hours(closed))))
    for name, function in _OF_TRADES.items():
        to.add(name, partial(function, closed))


_OF_TRADES: dict[str, Callable[[TradeTable], float]] = {
    "win_rate": per_trade.win_rate,
    "profit_factor": per_trade.profit_factor,
    "expectancy": per_trade.expectancy,
    "expectancy_ratio": per_trade.expectancy_ratio,
    "payoff_ratio": per_trade.payoff_ratio,
    "sqn": per_trade.sqn,
    "kelly": per_trade.kelly,
    "gross_profit": per_trade.gross_profit,
    "gross_loss": per_trade.gross_loss,
    "average_trade": per_trade.mean_return,
    "median_trade": per_trade.median_return,
    "best_trade": per_trade.best_trade,
    "worst_trade": per_trade.worst_trade,
    "winner_hours": per_trade.winner_hours,
    "loser_hours": per_trade.loser_hours,
    "mae": per_trade.mean_adverse_excursion,
    "mfe": per_trade.mean_favourable_excursion,
}


def _activity(to: _Collected, curve: EquityCurve, costs: Costs, activity: Activity | None) -> None:
    net = float(curve.equity[-1]) - curve.initial
    to.add("gross", lambda: net + costs.total)
    to.add("fees", lambda: costs.fees)
    to.add("slippage", lambda: costs.slippage)
    to.add("funding", lambda: costs.funding)
    to.add("borrow", lambda: costs.borrow)

    def known() -> Activity:
        if activity is None:
            raise UndefinedMetric(Reason.NO_EXPOSURE_DATA)
        return activity

    def leverage() -> Floats:
        gross = known().gross
        if np.any(curve.equity <= 0.0):
            raise UndefinedMetric(Reason.RUINED)
        return gross / curve.equity

    def traded() -> float:
        return known().traded_notional

    def turnover() -> float:
        mean = float(np.mean(curve.equity))
        if mean <= 0.0:
            raise UndefinedMetric(Reason.RUINED)
        return traded() / mean / curve.years

    to.add("traded_notional", traded)
    to.add_yearly("turnover", curve, turnover)
    to.add("cost_bps", lambda: cost_metrics.paid_bps(costs, traded()))
    to.add("break_even_bps", lambda: cost_metrics.break_even_bps(net, costs, traded()))
    to.add("exposure", lambda: float(np.mean(known().held)))
    to.add("average_leverage", lambda: float(np.mean(leverage())))
    to.add("max_leverage", lambda: float(np.max(leverage())))


def _benchmark(
    to: _Collected,
    curve: EquityCurve,
    daily: DailyReturns,
    benchmark: EquityCurve | None,
    periods: float,
) -> None:
    if benchmark is not None and not np.array_equal(benchmark.ts, curve.ts):
        raise ValueError("the benchmark has the bars of the run")

    def held() -> Floats:
        if benchmark is None:
            raise UndefinedMetric(Reason.NO_BENCHMARK)
        return daily_returns(benchmark).returns

    # A ruined run ends early: compared are the days that both have.
    def both() -> tuple[Floats, Floats]:
        days = min(daily.returns.size, held().size)
        return daily.returns[:days], held()[:days]

    years = curve.years
    to.add("benchmark_return", lambda: metrics.total_return(held()))
    to.add_yearly(
        "benchmark_annual_return",
        curve,
        lambda: metrics.annual_return(held(), periods, years=years),
    )
    to.add("benchmark_sharpe", lambda: metrics.sharpe(held(), periods))
    to.add("benchmark_max_drawdown", lambda: metrics.max_drawdown(held()))
    to.add_yearly("alpha", curve, lambda: relative.alpha(*both(), periods))
    to.add("beta", lambda: relative.beta(*both()))
    to.add("correlation", lambda: relative.correlation(*both()))
    to.add("information_ratio", lambda: relative.information_ratio(*both(), periods))
