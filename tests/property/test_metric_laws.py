"""Laws of the metrics: identities, the native kernel against plain twins, bits (R34)."""

from __future__ import annotations

from itertools import combinations
from math import fsum

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats

from algotrader import _kernel
from algotrader.backtest import metrics as m
from algotrader.backtest.attribution import attribution
from algotrader.backtest.cscv import probability_of_overfitting
from algotrader.backtest.main_metrics import COLUMNS, main_metrics
from algotrader.backtest.overfitting import expected_max_sharpe, probabilistic_sharpe
from algotrader.backtest.trades import TradeTable, no_trades
from algotrader.backtest.waterfall import Costs, waterfall

Floats = NDArray[np.float64]

# Rounded values make ties, zeros and equal days common; a few are large.
day = st.one_of(
    st.floats(-0.875, 1.5, width=32),
    st.integers(-3, 3).map(lambda k: k / 100),
    st.just(0.0),
)
series = st.lists(day, min_size=2, max_size=260).map(lambda x: np.array(x, dtype=np.float64))
shapes = st.tuples(st.integers(1, 5), st.integers(0, 300), st.integers(0, 2**31))


def walk(shape: tuple[int, int, int]) -> Floats:
    rows, days, seed = shape
    return np.random.default_rng(seed).standard_t(3, (rows, days)).clip(-20, 20) * 0.01


def equity_by_hand(returns: Floats) -> list[float]:
    equity = [1.0]
    for r in returns.tolist():
        equity.append(equity[-1] * (1.0 + r))
    return equity


def drawdown_by_hand(returns: Floats) -> tuple[float, int]:
    """Depth, and periods of the longest time from a peak back to it or to the end."""
    equity = equity_by_hand(returns)
    top, since, depth, longest, under = equity[0], 0, 0.0, 0, False
    for i, value in enumerate(equity[1:], start=1):
        depth = min(depth, value / top - 1.0)
        if value >= top:
            longest = max(longest, i - since if under else 0)
            top, since, under = value, i, False
        else:
            under = True
    return depth, max(longest, len(equity) - 1 - since if under else 0)


def value(function: object, *args: object, **named: object) -> float:
    try:
        return float(function(*args, **named))  # type: ignore[operator]
    except m.UndefinedMetric:
        return float("nan")


@given(series, st.sampled_from([252.0, 365.0]))
def test_the_kernel_agrees_with_the_plain_definitions(returns: Floats, periods: float) -> None:
    native = {n: float(v[0]) for n, v in main_metrics(returns[None, :], periods).items()}
    plain = {
        "total_return": m.total_return(returns),
        "annual_return": value(m.annual_return, returns, periods),
        "volatility": m.volatility(returns, periods),
        "sharpe": value(m.sharpe, returns, periods),
        "sortino": value(m.sortino, returns, periods),
        "calmar": value(m.calmar, returns, periods),
        "max_drawdown": m.max_drawdown(returns),
        "var_95": m.value_at_risk(returns, 0.95),
        "es_95": m.expected_shortfall(returns, 0.95),
        "var_99": m.value_at_risk(returns, 0.99),
        "es_99": m.expected_shortfall(returns, 0.99),
        "skew": value(m.skewness, returns),
        "kurtosis": value(m.kurtosis, returns),
        "best_day": m.best_day(returns),
        "worst_day": m.worst_day(returns),
    }
    for name, expected in plain.items():
        scale = abs(expected) if np.isfinite(expected) else 1.0
        assert native[name] == pytest.approx(
            expected, rel=1e-8, abs=1e-9 * max(1.0, scale), nan_ok=True
        ), name


@given(series)
def test_drawdown_and_its_length_agree_with_a_walk_by_hand(returns: Floats) -> None:
    native = main_metrics(returns[None, :], 365.0)
    depth, _ = drawdown_by_hand(returns)
    peak, end = int(native["underwater_peak"][0]), int(native["underwater_end"][0])

    assert native["max_drawdown"][0] == pytest.approx(depth, abs=1e-12)
    assert m.max_drawdown(returns) == pytest.approx(depth, abs=1e-12)
    assert native["underwater_days"][0] == end - peak


@given(st.lists(st.sampled_from([-0.5, 0.0, 1.0]), min_size=1, max_size=200))
def test_time_under_water_is_exact_where_equity_is(moves: list[float]) -> None:
    returns = np.array(moves)  # halving and doubling round nothing

    _, longest = drawdown_by_hand(returns)
    native = main_metrics(returns[None, :], 365.0)

    assert native["underwater_days"][0] == longest
    peak, end = m.longest_underwater(returns)
    assert end - peak == longest
    if longest:
        assert (native["underwater_peak"][0], native["underwater_end"][0]) == (peak, end)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(shape=shapes)
def test_every_instruction_set_gives_the_same_bits(
    every_level: list[str], shape: tuple[int, int, int]
) -> None:
    returns = walk(shape)
    rows = set()
    for level in every_level:
        _kernel.set_simd_level(level)
        rows |= {_kernel.metrics.main(returns, 365.0, 0.0, n).tobytes() for n in (0, 1)}
    assert len(rows) == 1


def test_bits_do_not_depend_on_threads_or_on_the_series_beside() -> None:
    returns = walk((300, 700, 5))

    alone = [_kernel.metrics.main(row[None, :], 252.0, 0.0, 1) for row in returns]
    together = _kernel.metrics.main(returns, 252.0, 0.0, 2)

    assert together.tobytes() == np.hstack(alone).tobytes()


def test_a_long_series_agrees_with_its_plain_twins() -> None:
    returns = walk((1, 200_003, 1))[0]
    native = {n: float(v[0]) for n, v in main_metrics(returns[None, :], 365.0).items()}

    assert native["es_99"] == pytest.approx(m.expected_shortfall(returns, 0.99), rel=1e-12)
    assert native["var_95"] == np.quantile(returns, 0.05)
    assert native["skew"] == pytest.approx(stats.skew(returns), rel=1e-9)
    assert native["kurtosis"] == pytest.approx(stats.kurtosis(returns, fisher=False), rel=1e-9)
    assert native["max_drawdown"] == pytest.approx(drawdown_by_hand(returns)[0], rel=1e-9)
    assert native["underwater_days"] == drawdown_by_hand(returns)[1]


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_returns_that_are_not_finite_are_refused(bad: float) -> None:
    returns = np.array([[0.01, bad, 0.02]])
    with pytest.raises(ValueError, match="finite"):
        main_metrics(returns, 365.0)


def test_names_and_columns_of_the_kernel_are_one() -> None:
    assert len(COLUMNS) == _kernel.metrics.COLUMNS


@given(series, st.floats(0.1, 50.0))
def test_drawdown_does_not_depend_on_the_size_of_the_account(returns: Floats, size: float) -> None:
    equity = np.array(equity_by_hand(returns)) * size
    again = equity[1:] / equity[:-1] - 1.0
    if np.all(equity > 0.0):
        assert m.max_drawdown(again) == pytest.approx(m.max_drawdown(returns), abs=1e-9)


@given(series, st.floats(0.01, 100.0))
def test_the_sharpe_ratio_does_not_depend_on_leverage(returns: Floats, leverage: float) -> None:
    plain = value(m.sharpe, returns, 252.0)
    assert value(m.sharpe, returns * leverage, 252.0) == pytest.approx(
        plain, rel=1e-6, abs=1e-9, nan_ok=True
    )
    assert value(m.sharpe, -returns, 252.0) == pytest.approx(-plain, rel=1e-9, nan_ok=True)


@given(series)
def test_a_tail_is_never_milder_than_a_thinner_one(returns: Floats) -> None:
    assert m.value_at_risk(returns, 0.99) <= m.value_at_risk(returns, 0.95)
    assert m.expected_shortfall(returns, 0.95) <= m.value_at_risk(returns, 0.95) + 1e-12
    assert m.worst_day(returns) <= m.expected_shortfall(returns, 0.99) + 1e-12


money = st.floats(-1e6, 1e6)


@given(money, money, st.floats(0, 1e6), money, st.floats(0, 1e6))
def test_the_waterfall_sums_to_the_net_profit(
    net: float, fees: float, slippage: float, funding: float, borrow: float
) -> None:
    costs = Costs(fees=fees, slippage=slippage, funding=funding, borrow=borrow)
    *parts, last = waterfall(net, costs)

    assert last.amount == net
    assert fsum(part.amount for part in parts) == pytest.approx(net, abs=1e-9, rel=1e-12)


@given(st.integers(0, 40), st.integers(0, 2**31), money)
def test_every_view_of_the_attribution_sums_to_the_net_profit(
    count: int, seed: int, net: float
) -> None:
    rng = np.random.default_rng(seed)
    empty = no_trades()
    columns = {
        name: np.zeros(count, dtype=getattr(empty, name).dtype)
        for name in TradeTable.__slots__
        if name != "symbols"
    }
    columns |= {
        "instrument": rng.integers(0, 3, count),
        "exit_ts": rng.integers(0, 10**11, count),
        "side": rng.choice(np.array([-1, 1], dtype=np.int8), count),
        "profit": rng.normal(0.0, 100.0, count),
        "exit_reason": rng.integers(0, 8, count).astype(np.int8),
        "is_open": rng.random(count) < 0.2,
    }
    trades = TradeTable(symbols=("A:B", "C:D", "E:F"), **columns)  # type: ignore[arg-type]

    found = attribution(trades, net_profit=net, costs=Costs())

    for view in (found.by_instrument, found.by_side, found.by_month, found.by_exit_reason):
        total = fsum(part.profit for part in view)
        assert total == pytest.approx(net, abs=1e-6 + 1e-9 * abs(net))
        assert sum(part.trades for part in view) == count


def overfitting_by_hand(returns: Floats, blocks: int) -> list[float]:
    """Logits of CSCV straight from the paper, with whole columns and no sums kept."""
    trials, days = returns.shape
    parts = np.split(returns[:, days % blocks :], blocks, axis=1)
    logits = []
    for chosen in combinations(range(blocks), blocks // 2):
        inside = np.hstack([parts[b] for b in chosen])
        outside = np.hstack([parts[b] for b in range(blocks) if b not in chosen])
        ratio_in = inside.mean(axis=1) / inside.std(axis=1, ddof=1)
        ratio_out = outside.mean(axis=1) / outside.std(axis=1, ddof=1)
        rank = stats.rankdata(ratio_out)[int(np.argmax(ratio_in))] / (trials + 1)
        logits.append(float(np.log(rank / (1 - rank))))
    return logits


@settings(max_examples=20)
@given(st.integers(2, 9), st.sampled_from([2, 4, 6, 8]), st.integers(0, 30), st.integers(0, 2**31))
def test_cscv_agrees_with_the_paper_done_by_hand(
    trials: int, blocks: int, extra: int, seed: int
) -> None:
    returns = np.random.default_rng(seed).normal(0.0, 0.01, (trials, 3 * blocks + extra))

    found = probability_of_overfitting(returns, blocks=blocks, threads=2)

    assert found.logits == pytest.approx(overfitting_by_hand(returns, blocks), abs=1e-12)
    assert found.pbo == np.mean(np.array(overfitting_by_hand(returns, blocks)) <= 0.0)


@given(series)
def test_skill_against_a_higher_bar_is_less_likely(returns: Floats) -> None:
    low, high = value(probabilistic_sharpe, returns), value(probabilistic_sharpe, returns, 0.1)
    assert np.isnan(low) == np.isnan(high)
    assert np.isnan(low) or 0.0 <= high <= low <= 1.0


@given(st.integers(1, 10**6), st.integers(1, 10**6), st.floats(0.0, 1.0))
def test_more_trials_are_luckier(few: int, more: int, variance: float) -> None:
    low, high = sorted((few, more))
    assert 0.0 <= expected_max_sharpe(low, variance) <= expected_max_sharpe(high, variance)
