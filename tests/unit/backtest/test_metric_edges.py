"""Where a metric has no value, and the ones whose numbers are easiest to see alone."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from algotrader.backtest import metrics as m
from algotrader.backtest import overfitting, relative
from algotrader.backtest import trade_metrics as per_trade
from algotrader.backtest.bootstrap import sharpe_interval
from algotrader.backtest.judge import judge
from algotrader.backtest.main_metrics import main_metrics
from algotrader.backtest.metrics import Reason, UndefinedMetric
from algotrader.backtest.trades import TradeTable, no_trades
from algotrader.backtest.trial_statistics import luck, trial_statistics
from algotrader.backtest.waterfall import Costs, paid_bps

FLAT = np.full(5, 0.01)
RISING = np.array([0.01, 0.02, 0.03])
MIXED = np.array([0.1, -0.05, 0.02, -0.01])


def trades_with(profits: list[float]) -> TradeTable:
    empty = no_trades(("A:B",))
    columns = {
        name: np.zeros(len(profits), dtype=getattr(empty, name).dtype)
        for name in TradeTable.__slots__
        if name != "symbols"
    }
    columns["profit"] = np.array(profits)
    columns["return_"] = np.array(profits) / 100.0
    return TradeTable(symbols=("A:B",), **columns)  # type: ignore[arg-type]


WON, LOST = trades_with([1.0, 2.0]), trades_with([-1.0, -1.0])


@pytest.mark.parametrize(
    ("metric", "reason"),
    [
        (lambda: m.annual_return(np.array([1e6, 1e6]), 1e6), Reason.TOO_LARGE),
        (lambda: m.sortino(RISING, 252.0), Reason.NO_LOSING_DAYS),
        (lambda: m.omega(RISING), Reason.NO_LOSING_DAYS),
        (lambda: m.tail_ratio(np.array([0.0, 0.0, 0.0])), Reason.NO_LOSING_DAYS),
        (lambda: m.deepest_drawdown(RISING), Reason.NO_DRAWDOWN),
        (lambda: m.recovery_factor(RISING), Reason.NO_DRAWDOWN),
        (lambda: m.largest_loss_from_peak(np.array([2.0]), initial=1.0), Reason.NO_DRAWDOWN),
        (lambda: m.stability(np.array([0.1, -1.0, 0.1])), Reason.RUINED),
        (lambda: m.stability(np.zeros(4)), Reason.ZERO_VARIANCE),
        (lambda: m.skewness(FLAT), Reason.ZERO_VARIANCE),
        (lambda: relative.beta(MIXED, np.full(4, 0.01)), Reason.ZERO_VARIANCE),
        (lambda: relative.beta(MIXED[:1], MIXED[:1]), Reason.TOO_FEW_DAYS),
        (lambda: relative.correlation(np.full(4, 0.01), MIXED), Reason.ZERO_VARIANCE),
        (lambda: relative.information_ratio(MIXED[:1], MIXED[:1], 252.0), Reason.TOO_FEW_DAYS),
        (lambda: relative.capture(MIXED, np.zeros(4), 252.0), Reason.ZERO_VARIANCE),
        (lambda: relative.alpha(MIXED + 1e3, MIXED, 252.0), Reason.TOO_LARGE),
        (lambda: per_trade.profit_factor(WON), Reason.NO_LOSERS),
        (lambda: per_trade.payoff_ratio(WON), Reason.NO_LOSERS),
        (lambda: per_trade.payoff_ratio(LOST), Reason.NO_WINNERS),
        (lambda: per_trade.expectancy_ratio(WON), Reason.NO_LOSERS),
        (lambda: per_trade.kelly(WON), Reason.NO_LOSERS),
        (lambda: per_trade.kelly(LOST), Reason.NO_WINNERS),
        (lambda: per_trade.winner_hours(LOST), Reason.NO_WINNERS),
        (lambda: per_trade.loser_hours(WON), Reason.NO_LOSERS),
        (lambda: per_trade.sqn(trades_with([1.0])), Reason.TOO_FEW_TRADES),
        (lambda: per_trade.sqn(LOST), Reason.ZERO_VARIANCE),
        (lambda: per_trade.expectancy(no_trades()), Reason.NO_TRADES),
        (lambda: paid_bps(Costs(fees=1.0), 0.0), Reason.NOTHING_TRADED),
        (
            lambda: sharpe_interval(MIXED, 1.0, rng=np.random.default_rng(1), block_days=9),
            Reason.TOO_FEW_DAYS,
        ),
        (
            lambda: overfitting.min_track_record_length(1e-200, skew=0.0, kurtosis=3.0),
            Reason.TOO_LARGE,
        ),
    ],
)
def test_a_metric_without_a_value_says_why(metric: Callable[[], object], reason: Reason) -> None:
    with pytest.raises(UndefinedMetric) as caught:
        metric()
    assert caught.value.reason is reason


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: m.growth_rate(0.0, 1.0, days=1.0, year_days=365.0),
        lambda: relative.beta(MIXED, MIXED[:3]),
        lambda: main_metrics(MIXED, 365.0),
        lambda: main_metrics(MIXED[None, :], 365.0, years=0.0),
        lambda: main_metrics(MIXED[None, :], 0.0),
        lambda: overfitting.expected_max_sharpe(0, 1.0),
        lambda: overfitting.expected_max_sharpe(5, float("nan")),
        lambda: overfitting.min_backtest_length(5, 0.0),
        lambda: trial_statistics([MIXED], first_days=[1, 2]),
        lambda: luck(trial_statistics([MIXED]), observations=1),
        lambda: judge(MIXED, periods_per_year=365.0),
        lambda: sharpe_interval(MIXED, 1.0, rng=np.random.default_rng(1), confidence=1.0),
    ],
)
def test_a_wrong_call_is_refused(wrong: Callable[[], object]) -> None:
    with pytest.raises(ValueError, match=r"\w") as caught:
        wrong()
    assert not isinstance(caught.value, UndefinedMetric)


def test_the_deepest_drawdown_is_known_by_its_days() -> None:
    # equity 1.1, 0.99, 1.1, 0.88, 0.968: the second fall is the deeper one and does not recover
    returns = np.array([0.1, -0.1, 1.1 / 0.99 - 1.0, -0.2, 0.1])

    found = m.deepest_drawdown(returns)

    assert found.depth == pytest.approx(-0.2)
    assert (found.peak, found.trough, found.recovered) == (2, 3, None)
    first = m.deepest_drawdown(returns[:3])
    assert (first.peak, first.trough, first.recovered) in ((0, 1, 2), (0, 1, None))


def test_a_loss_of_more_than_everything_is_capped_where_it_must_be() -> None:
    assert m.annual_return(np.array([0.1, -1.5]), 365.0) == -1.0
    assert relative.alpha(MIXED - 2.0, MIXED, 252.0) == -1.0


def test_against_a_benchmark_twice_as_wild_beta_is_a_half() -> None:
    assert relative.beta(MIXED, 2.0 * MIXED) == pytest.approx(0.5)
    assert relative.beta(MIXED + 0.001, 2.0 * MIXED) == pytest.approx(0.5)
    assert relative.alpha(MIXED + 0.001, 2.0 * MIXED, 250.0) == pytest.approx(1.001**250 - 1.0)
    assert relative.correlation(MIXED, -3.0 * MIXED) == pytest.approx(-1.0)


def test_a_column_of_another_length_or_an_unknown_instrument_is_refused() -> None:
    columns = {name: getattr(WON, name) for name in TradeTable.__slots__ if name != "symbols"}
    with pytest.raises(ValueError, match="profit"):
        TradeTable(symbols=("A:B",), **(columns | {"profit": np.zeros(3)}))
    with pytest.raises(ValueError, match="symbols"):
        TradeTable(symbols=(), **columns)
    assert [trade.profit for trade in WON] == [1.0, 2.0]


def test_a_draw_ends_a_streak_of_either_kind() -> None:
    trades = trades_with([0.0, 1.0, 2.0, 0.0, -1.0, -1.0, -2.0, 0.0, 3.0])

    assert per_trade.longest_streak(trades, won=True) == 2
    assert per_trade.longest_streak(trades, won=False) == 3
    assert per_trade.longest_streak(no_trades(), won=True) == 0
