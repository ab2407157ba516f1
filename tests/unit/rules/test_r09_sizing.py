"""R9: lots, ticks and minimums. R10: when a target trades. R28: limits."""

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
    sell,
    settings,
    spot,
    still,
)

from algotrader.execution.simulation import (
    ExecutionRule,
    InstrumentKind,
    OrderState,
    RebalanceRule,
    TargetRequest,
)

MARKET = ExecutionRule.MARKET
LINEAR = InstrumentKind.LINEAR


@pytest.mark.parametrize(
    ("weight", "item", "bought"),
    [
        (1.0, spot(lot=1.0), 33.0),  # R9: 10,000 / 300 = 33.33 lots, truncated
        (-1.0, spot(lot=1.0, kind=LINEAR), -33.0),  # toward zero for shorts too
        (0.3, spot(lot=0.1), 10.0),  # 3,000 / 300 = 10 exactly: floating point loses no lot
        (1.0, spot(lot=1.0, multiplier=10.0, kind=LINEAR), 3.0),  # 10,000 / 3,000 = 3.33
    ],
)
def test_r9_lots_are_truncated_toward_zero(
    simulate: Simulate, weight: float, item: object, bought: float
) -> None:
    result = simulate(
        market(still(300, 2)), [item], settings(execution=MARKET), targets=column(weight, weight)
    )

    assert fills(result) == near([(1, bought, 300.0)])


def test_r9_a_sell_uses_its_whole_lots_and_dust_counts_as_flat(simulate: Simulate) -> None:
    # R9, R14: 50 lots of 1 bought, fee 0.5 % in the coin: 49.75 held. Target 0 sells 49 lots;
    # 0.75 is dust. The next target of 1 is an entry: equity 10,000 - 50*100 + 49*100 + 75 = 9,975,
    # 99 lots wanted, held 0.75: 98 are bought (98.25 truncated).
    result = simulate(
        market(still(100, 5)),
        [spot(lot=1.0, taker_fee=0.005, fee_in_received=True)],
        settings(execution=MARKET),
        targets=column(0.5, 0.0, 1.0, 1.0, 1.0),
    )

    assert fills(result)[:2] == near([(1, 50.0, 100.0), (2, -49.0, 100.0)])
    # the sale pays 49 * 100 * 0.5 % = 24.5 in quote: equity 9,950.5, 99 lots, less 0.75: 98
    assert fills(result)[2] == pytest.approx((3, 98.0, 100.0))


@pytest.mark.parametrize(
    ("order", "level"),
    [
        (buy(1, limit=95.996), 95.99),  # R9: a limit passively, a buy down
        (sell(1, limit=104.004), 104.01),  # a sell up
        (buy(1, stop=104.004), 104.01),  # a stop away from the market, a buy up
        (sell(1, stop=95.996), 95.99),  # a sell down
    ],
)
def test_r9_our_prices_are_rounded_to_the_tick(
    simulate: Simulate, order: object, level: float
) -> None:
    bars = [(100, 100, 100, 100), (100, 100, 100, 100), (100, 110, 90, 100)]
    result = simulate(market(bars), [spot(kind=LINEAR)], settings(), script={0: [order]})

    assert fills(result)[0][2] == pytest.approx(level)


def test_r9_simulated_fills_are_rounded_against_us(simulate: Simulate) -> None:
    # R9: tick 0.5, slippage 10 bps: 100.1 becomes 100.5 for a buy, 99.9 becomes 99.5 for a sell
    item = spot(tick=0.5, slippage_bps=10.0, kind=LINEAR)
    result = simulate(market(still(100, 2)), [item], settings(), script={0: [buy(1), sell(3)]})

    assert fills(result)[0] == pytest.approx((1, 1.0, 100.5))
    assert fills(result)[-1][2] == pytest.approx(99.5)


def test_r9_under_the_minimum_there_is_no_order_and_it_is_counted(simulate: Simulate) -> None:
    # R9: minimum notional 50: 0.4 * 100 = 40 is too small for an order and for a target
    item = spot(min_notional=50.0)
    explicit = simulate(market(still(100, 2)), [item], settings(), script={0: [buy(0.4)]})
    target = simulate(
        market(still(100, 2)), [item], settings(execution=MARKET), targets=column(0.004, 0.004)
    )

    assert fills(explicit) == []
    assert explicit.order_state[0] == OrderState.DENIED
    assert explicit.counters["below_minimum"] == 1
    assert fills(target) == []
    assert target.counters["below_minimum"] == 1


def test_r10_on_change_trades_only_when_the_number_changes(simulate: Simulate) -> None:
    # R10: 0.5, 0.5, 0.5: 50 are bought once, though the price moves
    bars = [(100,) * 4, (100, 200, 100, 200), (200,) * 4, (200,) * 4]
    result = simulate(
        market(bars), [spot()], settings(execution=MARKET), targets=column(0.5, 0.5, 0.5, 0.5)
    )

    assert fills(result) == near([(1, 50.0, 100.0)])


def test_r10_every_bar_resizes_to_the_weight(simulate: Simulate) -> None:
    # R10: row 1 closes at 200: equity 5,000 + 50 * 200 = 15,000; half of it is 37.5 at 200
    bars = [(100,) * 4, (100, 200, 100, 200), (200,) * 4]
    result = simulate(
        market(bars),
        [spot()],
        settings(execution=MARKET, rebalance=RebalanceRule.EVERY_BAR),
        targets=column(0.5, 0.5, 0.5),
    )

    assert fills(result) == near([(1, 50.0, 100.0), (2, -12.5, 200.0)])


def test_r10_a_schedule_looks_at_its_own_decisions_only(simulate: Simulate) -> None:
    # R10: scheduled at rows 0 and 2; the changed number of row 1 is acted on at row 2
    result = simulate(
        market(still(100, 4), schedule=np.array([True, False, True, False])),
        [spot()],
        settings(execution=MARKET, rebalance=RebalanceRule.SCHEDULE),
        targets=column(0.5, 0.8, 0.8, 0.0),
    )

    assert fills(result) == near([(1, 50.0, 100.0), (3, 30.0, 100.0)])


def test_r10_a_scheduled_look_without_a_bar_happens_on_the_next_bar(simulate: Simulate) -> None:
    bars = [(100,) * 4, None, (100,) * 4, (100,) * 4]
    result = simulate(
        market(bars, schedule=np.array([False, True, False, False])),
        [spot()],
        settings(execution=MARKET, rebalance=RebalanceRule.SCHEDULE),
        targets=column(0.5, 0.5, 0.5, 0.5),
    )

    assert fills(result) == near([(3, 50.0, 100.0)])


@pytest.mark.parametrize(
    ("weight", "traded"),
    [
        # R10 band(0.1): held 50 of 10,000 at 100
        (0.54, []),  # |54 - 50| = 4 < 5.4: skipped
        (0.56, [(3, 6.0, 100.0)]),  # |56 - 50| = 6 > 5.6
        (0.46, []),  # |46 - 50| = 4 < 4.6
        (0.0, [(3, -50.0, 100.0)]),  # leaving always trades
        (-0.5, [(3, -50.0, 100.0), (3, -50.0, 100.0)]),  # and changing sign
    ],
)
def test_r10_a_band_skips_small_differences(
    simulate: Simulate, weight: float, traded: list[tuple[int, float, float]]
) -> None:
    result = simulate(
        market(still(100, 4)),
        [spot(kind=LINEAR)],
        settings(execution=MARKET, rebalance=RebalanceRule.BAND, band=0.1),
        targets=column(0.5, 0.5, weight, weight),
    )

    assert fills(result) == near([(1, 50.0, 100.0), *traded])


def test_r10_the_rest_of_a_partial_fill_stays_until_the_quantity_is_reached(
    simulate: Simulate,
) -> None:
    # R10, R20: 50 wanted, room 10 % of 200 = 20 a bar: 20, 20, 10
    result = simulate(
        market(still(100, 5), volume=200.0),
        [spot(participation=0.1)],
        settings(execution=MARKET),
        targets=column(0.5, 0.5, 0.5, 0.5, 0.5),
    )

    assert fills(result) == near([(1, 20.0, 100.0), (2, 20.0, 100.0), (3, 10.0, 100.0)])


def test_r10_a_new_target_cancels_the_rest_and_starts_from_the_position(
    simulate: Simulate,
) -> None:
    # R10: 50 wanted, 20 filled in row 1; at row 1 the target becomes 0.1: 10 wanted, sell 10
    result = simulate(
        market(still(100, 4), volume=200.0),
        [spot(participation=0.1)],
        settings(execution=MARKET),
        targets=column(0.5, 0.1, 0.1, 0.1),
    )

    assert fills(result) == near([(1, 20.0, 100.0), (2, -10.0, 100.0)])
    assert result.counters["partial_carried"] == 1


def test_r10_a_target_of_the_script_is_acted_on_at_once(simulate: Simulate) -> None:
    # R10, R36: target(0.5) twice: the second sees 25 % more equity and buys the difference:
    # equity 5,000 + 50 * 150 = 12,500; half is 41.66 at 150: sells 8.34
    bars = [(100,) * 4, (100, 150, 100, 150), (150,) * 4]
    half = TargetRequest(instrument=0, weight=0.5)
    result = simulate(
        market(bars), [spot()], settings(execution=MARKET), script={0: [half], 1: [half]}
    )

    assert fills(result) == near([(1, 50.0, 100.0), (2, -8.34, 150.0)])


def test_r28_a_target_over_a_limit_is_cut_to_it_and_an_order_denied(simulate: Simulate) -> None:
    # R28: at most 30 % of 10,000 in one instrument: 30 at 100; an order of 40 is denied
    target = simulate(
        market(still(100, 2)),
        [spot()],
        settings(execution=MARKET, max_weight=0.3),
        targets=column(0.8, 0.8),
    )
    order = simulate(
        market(still(100, 2)), [spot()], settings(max_weight=0.3), script={0: [buy(40), buy(30)]}
    )

    assert fills(target) == near([(1, 30.0, 100.0)])
    assert list(order.order_state) == [OrderState.DENIED, OrderState.FILLED]
    assert order.counters["denied_limit"] == 1


def test_r28_a_limit_on_notional_cuts_targets_and_lets_reductions_pass(simulate: Simulate) -> None:
    # R28: 2,500 at most: 25 at 100. The price doubles: 25 are worth 5,000, yet selling 5 passes.
    bars = [(100,) * 4, (100, 200, 100, 200), (200,) * 4]
    result = simulate(
        market(bars),
        [spot()],
        settings(execution=MARKET, max_notional=2_500.0),
        targets=column(0.8, 0.8, 0.8),
        script={1: [sell(5), buy(1)]},
    )

    assert fills(result) == near([(1, 25.0, 100.0), (2, -5.0, 200.0)])
    assert list(result.order_state) == [OrderState.FILLED, OrderState.DENIED]
