"""R1 to R4: one decision for all, shares of equity, missing bars, NaN."""

from __future__ import annotations

import numpy as np
import pytest
from tests.builders.small_market import (
    Simulate,
    buy,
    column,
    fills,
    market,
    near,
    settings,
    spot,
    still,
)

from algotrader.execution.simulation import ExecutionRule, OrderState, RebalanceRule

MARKET = ExecutionRule.MARKET
UP = [(100, 100, 100, 100), (100, 110, 100, 110), (110, 110, 110, 110)]


def test_r1_targets_of_one_decision_are_sized_from_the_same_equity(simulate: Simulate) -> None:
    # R1: equity 10,000 for both: 0.5 * 10,000 / 100 = 50 and 0.5 * 10,000 / 50 = 100
    result = simulate(
        market(still(100, 2), still(50, 2)),
        [spot(symbol="A"), spot(symbol="B")],
        settings(execution=MARKET),
        targets=np.array([[0.5, 0.5], [0.5, 0.5]]),
    )

    assert fills(result) == near([(1, 50.0, 100.0), (1, 100.0, 50.0)])


def test_r2_one_of_k_instruments_sizes_with_its_share_of_equity(simulate: Simulate) -> None:
    # R2: two instruments, weight 1 each, share 1/2: 1 * 10,000 / 2 / 100 = 50
    result = simulate(
        market(still(100, 2), still(100, 2)),
        [spot(symbol="A", size_share=0.5), spot(symbol="B", size_share=0.5)],
        settings(execution=MARKET),
        targets=np.ones((2, 2)),
    )

    assert fills(result) == near([(1, 50.0, 100.0), (1, 50.0, 100.0)])
    assert result.counters.get("weight_scaled", 0) == 0  # 0.5 + 0.5 is not above 1


def test_r3_without_a_bar_nothing_fills_and_the_last_close_marks(simulate: Simulate) -> None:
    # R3: bought 10 at 100 (row 1), row 2 is missing: equity stays 9,000 + 10 * 105 = 10,050
    bars = [(100, 100, 100, 100), (100, 105, 100, 105), None, (90, 90, 90, 90)]
    script = {0: [buy(10)], 1: [buy(1, limit=200.0)]}
    result = simulate(market(bars), [spot()], settings(), script=script)

    # the limit arrives at its first bar with prices, row 3, whose open is better: 90 as taker
    assert fills(result) == near([(1, 10.0, 100.0), (3, 1.0, 90.0)])
    assert result.equity[2] == pytest.approx(10_050.0)


def test_r3_an_explicit_order_without_a_bar_is_denied(simulate: Simulate) -> None:
    bars = [(100, 100, 100, 100), None, (100, 100, 100, 100)]
    result = simulate(market(bars), [spot()], settings(), script={1: [buy(1)]})

    assert fills(result) == []
    assert result.order_state[0] == OrderState.DENIED
    assert result.counters["no_bar"] == 1


@pytest.mark.parametrize("at_the_bar", [1.0, np.nan])
def test_r3_a_changed_target_is_acted_on_at_the_next_bar(
    simulate: Simulate, at_the_bar: float
) -> None:
    # R3: 0 becomes 1 while row 1 is missing; row 2 closes at 50: 10,000 / 50 = 200 at row 3's open
    bars = [(100, 100, 100, 100), None, (50, 50, 50, 50), (40, 40, 40, 40)]
    result = simulate(
        market(bars),
        [spot()],
        settings(execution=MARKET),
        targets=column(0, 1, at_the_bar, at_the_bar),
    )

    assert fills(result) == near([(3, 200.0, 40.0)])


def test_r4_nan_keeps_the_position_and_the_orders(simulate: Simulate) -> None:
    # R4: 1, then no opinion: 100 are bought and kept
    result = simulate(
        market(still(100, 4)),
        [spot()],
        settings(execution=MARKET, rebalance=RebalanceRule.EVERY_BAR),
        targets=column(1, np.nan, np.nan, np.nan),
    )

    assert fills(result) == near([(1, 100.0, 100.0)])
    assert result.counters["nan_targets"] == 3


@pytest.mark.parametrize("absurd", [np.inf, -np.inf, 10.5, -11.0])
def test_r4_an_absurd_weight_is_refused_and_the_last_valid_target_stands(
    simulate: Simulate, absurd: float
) -> None:
    # R4: max_weight_abs is 10; the 50 bought for 0.5 stay
    result = simulate(
        market(still(100, 3)),
        [spot()],
        settings(execution=MARKET),
        targets=column(0.5, absurd, 0.5),
    )

    assert fills(result) == near([(1, 50.0, 100.0)])
    assert result.counters["refused_targets"] == 1


def test_r4_the_limit_is_looked_at_before_spot_is_made_long_only(simulate: Simulate) -> None:
    # R4 before R12: -11 on spot is refused (the 50 stay), not taken as 0 (which would sell them)
    result = simulate(
        market(still(100, 3)), [spot()], settings(execution=MARKET), targets=column(0.5, -11, -11)
    )

    assert fills(result) == near([(1, 50.0, 100.0)])
    assert result.counters.get("negative_spot_targets", 0) == 0
