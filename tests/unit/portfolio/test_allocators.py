"""Allocators, caps and rolling windows, against closed forms and brute force (promise 31)."""

from __future__ import annotations

import builtins
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from algotrader.core.errors import ConfigurationError
from algotrader.portfolio.allocators import (
    Allocator,
    equal_weight,
    hierarchical_risk_parity,
    inverse_variance,
    inverse_volatility,
    risk_parity,
)
from algotrader.portfolio.constraints import (
    cap_gross,
    cap_weights,
    no_trade_band,
    target_volatility,
)
from algotrader.portfolio.moments import Floats, Moments, moments, pairwise_correlation
from algotrader.portfolio.optimised import max_return, max_sharpe, max_utility, min_variance
from algotrader.portfolio.rolling import rolling_weights, simple_returns


def history(seed: int = 1, rows: int = 80, names: int = 4) -> Floats:
    generator = np.random.default_rng(seed)
    common = generator.normal(0.0, 0.01, (rows, 1))
    own = generator.normal(0.002, 0.01, (rows, names)) * np.linspace(0.5, 2.0, names)
    return np.asarray(common + own)


ALL = [
    equal_weight,
    inverse_volatility,
    inverse_variance,
    risk_parity,
    hierarchical_risk_parity,
    min_variance,
    partial(max_sharpe, max_weight=0.6),
    partial(max_utility, risk_aversion=3.0),
    partial(max_return, volatility=0.02),
]


@pytest.mark.parametrize("allocator", ALL)
def test_every_allocator_gives_long_weights_that_sum_to_one(allocator: Allocator) -> None:
    weights = allocator(history())

    assert weights.shape == (4,)
    assert weights.min() >= -1e-8
    assert weights.sum() == pytest.approx(1.0)


def test_moments_leave_missing_returns_out_pairwise() -> None:
    # Names share rows 0, 1, 3: means 2 and 4 there, products (-1)(-2) + 0 + (1)(2) over 2.
    returns = np.array([[1.0, 2.0], [2.0, 4.0], [9.0, np.nan], [3.0, 6.0]])

    found = moments(returns)

    assert found.mean == pytest.approx([3.75, 4.0])
    assert found.covariance[0, 1] == pytest.approx(2.0)
    assert found.covariance[1, 1] == pytest.approx(4.0)


def test_a_correlation_is_of_the_rows_that_both_names_have() -> None:
    returns = np.array([[1.0, 2.0], [2.0, 4.0], [9.0, np.nan], [3.0, 6.0], [-4.0, np.nan]])

    assert pairwise_correlation(returns)[0, 1] == pytest.approx(1.0)
    assert pairwise_correlation(history()) == pytest.approx(np.corrcoef(history().T))


def test_names_that_never_met_have_no_covariance() -> None:
    with pytest.raises(ValueError, match="share fewer than two rows"):
        moments(np.array([[1.0, np.nan], [np.nan, 1.0], [1.0, np.nan]]))


def test_inverse_volatility_and_variance_by_hand() -> None:
    # Volatilities 1 and 2: weights 2/3 and 1/3; variances 1 and 4: 4/5 and 1/5.
    returns = np.array([[1.0, 2.0], [-1.0, -2.0], [1.0, -2.0], [-1.0, 2.0]])

    assert inverse_volatility(returns) == pytest.approx([2 / 3, 1 / 3])
    assert inverse_variance(returns) == pytest.approx([0.8, 0.2])


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 10_000), st.integers(2, 8))
def test_under_risk_parity_every_name_contributes_the_same_risk(seed: int, names: int) -> None:
    returns = history(seed, names=names)
    weights = risk_parity(returns)

    contributions = weights * (moments(returns).covariance @ weights)

    assert contributions == pytest.approx(contributions.mean(), rel=1e-8)


def test_minimum_variance_of_two_names_is_its_closed_form() -> None:
    returns = history(names=2)
    a, b = moments(returns).covariance
    closed = (b[1] - a[1]) / (a[0] + b[1] - 2.0 * a[1])

    assert min_variance(returns)[0] == pytest.approx(np.clip(closed, 0.0, 1.0), abs=1e-5)


@pytest.mark.parametrize(
    ("allocator", "score"),
    [
        (min_variance, lambda w, m: -(w @ m.covariance @ w)),
        (max_sharpe, lambda w, m: w @ m.mean / np.sqrt(w @ m.covariance @ w)),
        (
            partial(max_utility, risk_aversion=3.0),
            lambda w, m: w @ m.mean - 1.5 * (w @ m.covariance @ w),
        ),
    ],
)
def test_no_random_portfolio_beats_the_optimum(
    allocator: Allocator, score: Callable[[Floats, Moments], float]
) -> None:
    returns = history(3)
    given_moments = moments(returns)
    others = np.random.default_rng(2).dirichlet(np.ones(4), 2_000)

    best = score(allocator(returns), given_moments)

    assert max(score(weights, given_moments) for weights in others) <= best + 1e-7


def test_a_weight_limit_binds_the_optimum() -> None:
    assert min_variance(history(), max_weight=0.3).max() == pytest.approx(0.3, abs=1e-6)


def test_cash_is_held_where_no_name_beats_the_risk_free_rate() -> None:
    assert max_sharpe(history(), risk_free=1.0).tolist() == [0.0] * 4
    # The best name alone would: it earns 2 and the other loses 4, but may be no more than half.
    two = Moments(mean=np.array([0.02, -0.04]), covariance=np.eye(2))
    assert max_sharpe(two, max_weight=0.5).tolist() == [0.0, 0.0]


@pytest.mark.parametrize(
    "impossible",
    [
        partial(max_return, volatility=1e-6),
        partial(min_variance, max_weight=0.2),  # four names of a fifth do not make a whole
    ],
)
def test_what_cannot_be_had_is_said_in_one_sentence(impossible: Allocator) -> None:
    with pytest.raises(ConfigurationError, match="has no solution"):
        impossible(history())


def test_without_skfolio_the_error_names_the_command_to_run(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    real = builtins.__import__

    def without(name: str, *arguments: Any, **rest: Any) -> Any:
        if name.startswith("skfolio"):
            raise ImportError(name)
        return real(name, *arguments, **rest)

    monkeypatch.setattr(builtins, "__import__", without)

    with pytest.raises(ConfigurationError, match="needs skfolio") as caught:
        min_variance(history())
    assert caught.value.hint == "run: pip install 'algotrader[portfolio]'"


def test_a_covariance_that_missing_rows_broke_is_mended() -> None:
    broken = Moments(
        mean=np.zeros(3),
        covariance=np.array([[1.0, 0.9, -0.9], [0.9, 1.0, 0.9], [-0.9, 0.9, 1.0]]),
    )

    assert min_variance(broken).sum() == pytest.approx(1.0)


@pytest.mark.parametrize("allocator", [inverse_volatility, risk_parity, hierarchical_risk_parity])
def test_a_name_that_never_moved_gets_nothing(allocator: Allocator) -> None:
    returns = history(names=3)
    returns[:, 1] = 0.0

    assert allocator(returns)[1] == 0.0
    assert allocator(returns).sum() == pytest.approx(1.0)
    assert allocator(np.zeros((9, 2))).tolist() == [0.0, 0.0]


def test_names_that_all_stand_still_have_no_riskier_choice() -> None:
    assert min_variance(np.zeros((9, 2))).sum() == pytest.approx(1.0)


def test_risk_parity_refuses_a_covariance_it_cannot_settle_on() -> None:
    mirrored = np.array([[0.01, -0.01], [-0.02, 0.02], [0.015, -0.015]])

    with pytest.raises(ValueError, match="degenerate"):
        risk_parity(mirrored)


@pytest.mark.parametrize(
    ("weights", "cap", "expected"),
    [
        ([0.5, 0.3, 0.2], 0.4, [0.4, 0.36, 0.24]),  # 0.1 goes 3 : 2
        ([0.7, 0.2, 0.1], 0.4, [0.4, 0.4, 0.2]),  # 0.2 + 0.2 reaches the cap, 0.1 + 0.1
        ([0.6, 0.3, 0.05, 0.05], 0.35, [0.35, 0.35, 0.15, 0.15]),  # twice redistributed
        ([0.5, 0.5, 0.0], 0.4, [0.4, 0.4, 0.0]),  # nobody left to take it: cash
        ([0.2, 0.2], 0.4, [0.2, 0.2]),
    ],
)
def test_what_a_cap_cuts_goes_to_the_others(
    weights: list[float], cap: float, expected: list[float]
) -> None:
    assert cap_weights(np.array(weights), cap) == pytest.approx(expected)


def test_a_cap_on_shorts_is_refused() -> None:
    with pytest.raises(ValueError, match="long weights only"):
        cap_weights(np.array([0.5, -0.5]), 0.4)


def test_gross_is_the_sum_of_absolute_weights() -> None:
    assert cap_gross(np.array([1.0, -1.0]), 1.0) == pytest.approx([0.5, -0.5])
    assert cap_gross(np.array([0.2, -0.2]), 1.0).tolist() == [0.2, -0.2]


def test_a_volatility_target_scales_to_the_wanted_risk_and_no_further_than_its_cap() -> None:
    returns = history()
    weights = equal_weight(returns)
    target = partial(target_volatility, periods_per_year=252.0)

    scaled = target(weights, returns, volatility=0.05)

    annual = np.sqrt(scaled @ moments(returns).covariance @ scaled * 252.0)
    assert annual == pytest.approx(0.05)
    assert target(weights, returns, volatility=9.0, max_gross=1.5).sum() == pytest.approx(1.5)
    assert target(np.zeros(4), returns, volatility=0.05).tolist() == [0.0] * 4


def test_a_band_keeps_what_is_near_and_lets_entries_and_exits_trade() -> None:
    wanted = np.array([0.50, 0.50, 0.00, 0.01, -0.2])
    held = np.array([0.46, 0.44, 0.01, 0.00, 0.2])

    assert no_trade_band(wanted, held, 0.1).tolist() == [0.46, 0.5, 0.0, 0.01, -0.2]


def test_rolling_weights_stand_at_the_rows_asked_for_once_a_window_is_full() -> None:
    close = np.cumprod(1.0 + history(rows=60), axis=0)
    rows = np.zeros(60, dtype=np.bool_)
    rows[[5, 30, 50]] = True

    weights = rolling_weights(simple_returns(close), rows, 20, inverse_volatility)

    assert np.flatnonzero(np.isfinite(weights).all(axis=1)).tolist() == [30, 50]
    window = close[31] / close[30]  # the day after is not in it
    assert weights[30] == pytest.approx(inverse_volatility(simple_returns(close)[11:31]))
    assert window.shape == (4,)


def test_a_name_not_listed_yet_is_left_out_and_joins_when_its_window_is_full() -> None:
    returns = history(rows=60)
    returns[:30, 2] = np.nan
    rows = np.ones(60, dtype=np.bool_)

    weights = rolling_weights(returns, rows, 20, equal_weight, min_coverage=1.0)

    assert weights[40] == pytest.approx([1 / 3, 1 / 3, 0.0, 1 / 3])
    assert weights[49] == pytest.approx([0.25] * 4)
    assert not np.isfinite(weights[:19]).any()
    returns[:] = np.nan
    assert rolling_weights(returns, rows, 20, equal_weight)[40].tolist() == [0.0] * 4


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.integers(25, 59), st.sampled_from(ALL[:5]))
def test_no_weight_changes_when_the_future_arrives(
    seed: int, cut: int, allocator: Allocator
) -> None:
    returns = history(seed, rows=60)
    rows = np.arange(60) % 7 == 0

    whole = rolling_weights(returns, rows, 20, allocator)
    prefix = rolling_weights(returns[:cut], rows[:cut], 20, allocator)

    np.testing.assert_array_equal(whole[:cut], prefix)
