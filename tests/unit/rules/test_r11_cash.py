"""R11: cash and margin. R12: spot and short. R13: how a target is executed. R14: fees."""

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
    MarginMode,
    OrderState,
    SizeAt,
    TimeInForce,
)

MARKET = ExecutionRule.MARKET
CAPPED = ExecutionRule.CAPPED
PERP = {"kind": InstrumentKind.LINEAR, "leverage": 10.0}


def test_r11_increases_that_cost_too_much_get_one_factor(simulate: Simulate) -> None:
    # R11: A for 8,000 and B for 4,000 with fee 1 %: cost 12,120, free 10,000.
    # factor 10,000 / 12,120 = 0.825082...: A 80 -> 66.00660 -> 66.00, B 40 -> 33.00330 -> 33.00
    item = {"taker_fee": 0.01, "lot": 0.01}
    result = simulate(
        market(still(100, 3), still(100, 3)),
        [spot(symbol="A", **item), spot(symbol="B", **item)],
        settings(),
        script={0: [buy(80, instrument=0), buy(40, instrument=1)]},
    )

    assert fills(result) == near([(1, 66.0, 100.0), (1, 33.0, 100.0)])
    assert result.counters["cash_cut"] == 1
    # a cut ends the order: nothing more in row 2
    assert list(result.order_state) == [OrderState.CANCELLED, OrderState.CANCELLED]


def test_r11_the_factor_pays_minimum_fees_too(simulate: Simulate) -> None:
    # R11, R14: minimum fee 100 each, rate 0.1 %: at the factor f the costs are
    # 8,000 f + 100 + 4,000 f + 100 = 10,000, f = 9,800 / 12,000 = 0.81666: A 65.33, B 32.66
    item = {"taker_fee": 0.001, "min_fee": 100.0}
    result = simulate(
        market(still(100, 2), still(100, 2)),
        [spot(symbol="A", **item), spot(symbol="B", **item)],
        settings(),
        script={0: [buy(80, instrument=0), buy(40, instrument=1)]},
    )

    assert fills(result) == near([(1, 65.33, 100.0), (1, 32.66, 100.0)])
    assert result.cash[1] == pytest.approx(10_000 - 6_533 - 3_266 - 200)


def test_r11_the_factor_bends_where_a_fee_leaves_its_minimum(simulate: Simulate) -> None:
    # R11, R14: A 90 at 1 % with minimum 50 (bends at f = 50 / 90), B 60 without fee.
    # Beyond the bend: 9,000 f * 1.01 + 6,000 f = 15,090 f = 10,000: f = 0.662690
    # A 59.64 (59.6421), B 39.76 (39.7614)
    result = simulate(
        market(still(100, 2), still(100, 2)),
        [spot(symbol="A", taker_fee=0.01, min_fee=50.0), spot(symbol="B")],
        settings(),
        script={0: [buy(90, instrument=0), buy(60, instrument=1)]},
    )

    assert fills(result) == near([(1, 59.64, 100.0), (1, 39.76, 100.0)])


def test_r11_after_the_cut_the_minimum_is_tested_again(simulate: Simulate) -> None:
    # R11: 15,000 + 1,000 for 10,000: factor 0.625; B's 6.25 * 100 = 625 is under its minimum 800
    result = simulate(
        market(still(100, 2), still(100, 2)),
        [spot(symbol="A"), spot(symbol="B", min_notional=800.0)],
        settings(),
        script={0: [buy(150, instrument=0), buy(10, instrument=1)]},
    )

    assert fills(result) == near([(1, 93.75, 100.0)])
    assert list(result.order_state) == [OrderState.CANCELLED, OrderState.REJECTED]
    assert result.counters["below_minimum"] == 1


def test_r11_fok_orders_of_the_set_are_cancelled_first(simulate: Simulate) -> None:
    # R11: 8,000 + 4,000 (FOK) do not fit; without the FOK order 8,000 do: no cut is left
    script = {0: [buy(80, instrument=0), buy(40, instrument=1, tif=TimeInForce.FOK)]}
    result = simulate(
        market(still(100, 2), still(100, 2)),
        [spot(symbol="A"), spot(symbol="B")],
        settings(),
        script=script,
    )

    assert fills(result) == near([(1, 80.0, 100.0)])
    assert list(result.order_state) == [OrderState.FILLED, OrderState.EXPIRED]
    assert result.counters["fok_killed"] == 1


def test_r11_a_fok_order_cancelled_for_cash_has_taken_its_participation(
    simulate: Simulate,
) -> None:
    # R7 (5), R11: participation first, then cash: trunc(0.1 * 1,000) = 100 for the bar. FOK 80 at
    # 100 cost 8,000 > 5,000: cancelled, its 80 are gone. The limit of 50 at 99 gets 20 of 100
    result = simulate(
        market([(100, 100, 100, 100), (100, 100, 98, 99)], volume=1_000.0),
        [spot(participation=0.1)],
        settings(cash=5_000.0),
        script={0: [buy(80, tif=TimeInForce.FOK), buy(50, limit=99.0)]},
    )

    assert fills(result) == near([(1, 20.0, 99.0)])
    assert list(result.order_state) == [OrderState.EXPIRED, OrderState.WORKING]


def test_r11_a_fee_in_the_coin_costs_no_cash(simulate: Simulate) -> None:
    # R11, R14: 100 * 100 = all the cash, the fee of 1 % is taken from the coins: 99 are held
    item = spot(taker_fee=0.01, fee_in_received=True)
    result = simulate(market(still(100, 2)), [item], settings(), script={0: [buy(100)]})

    assert fills(result) == near([(1, 100.0, 100.0)])
    assert result.cash[1] == pytest.approx(0.0)
    assert result.position[1, 0] == pytest.approx(99.0)
    assert result.fills.fee[0] == pytest.approx(100.0)  # told in quote at the fill's price


def test_r11_a_derivative_costs_notional_by_leverage_and_fee(simulate: Simulate) -> None:
    # R11: 10x: 2,000 at 100 cost 20,000 margin + 200 fee (0.1 %) > 10,000:
    # f = 10,000 / 20,200 = 0.4950495: 990.09 contracts (990.0990)
    item = spot(**PERP, taker_fee=0.001)
    result = simulate(market(still(100, 2)), [item], settings(), script={0: [buy(2_000)]})

    assert fills(result) == near([(1, 990.09, 100.0)])


def test_r11_cross_spends_unrealised_profit_and_isolated_does_not(simulate: Simulate) -> None:
    # R11: long 500 at 100, 10x (margin 5,000). The price opens at 110 in row 2.
    # cross: free = 10,000 + 5,000 - 55,000 / 10 = 9,500: 863.63 more at 11 each
    # isolated: free = 10,000 - 5,000 = 5,000: 454.54 more
    bars = [(100,) * 4, (100,) * 4, (110,) * 4]
    script = {0: [buy(500)], 1: [buy(1_000)]}
    cross = simulate(market(bars), [spot(**PERP)], settings(), script=script)
    isolated = simulate(
        market(bars), [spot(**PERP)], settings(margin_mode=MarginMode.ISOLATED), script=script
    )

    assert fills(cross)[1] == pytest.approx((2, 863.63, 110.0))
    assert fills(isolated)[1] == pytest.approx((2, 454.54, 110.0))


def test_r11_increases_inside_the_bar_share_what_was_free_after_the_open(
    simulate: Simulate,
) -> None:
    # R11: limits at 95 (A, 80) and 90 (B, 60) are met in row 2: 7,600 + 5,400 = 13,000 > 10,000:
    # f = 0.769230: A 61.53, B 46.15
    a = [(100,) * 4, (100,) * 4, (100, 100, 90, 95)]
    b = [(100,) * 4, (100,) * 4, (100, 100, 85, 95)]
    script = {0: [buy(80, instrument=0, limit=95.0), buy(60, instrument=1, limit=90.0)]}
    result = simulate(market(a, b), [spot(symbol="A"), spot(symbol="B")], settings(), script=script)

    assert sorted(fills(result)) == near([(2, 46.15, 90.0), (2, 61.53, 95.0)])
    assert list(result.order_state) == [OrderState.CANCELLED, OrderState.CANCELLED]


def test_r11_resting_orders_reserve_nothing(simulate: Simulate) -> None:
    # R11: a limit for 9,500 rests at 95 (met in row 2); a market order for 6,000 is not disturbed
    bars = [(100,) * 4, (100,) * 4, (100, 100, 90, 95)]
    script = {0: [buy(100, limit=95.0), buy(60)]}
    result = simulate(market(bars), [spot()], settings(), script=script)

    # 4,000 are left for the limit: 42.10 at 95
    assert fills(result) == near([(1, 60.0, 100.0), (2, 42.1, 95.0)])


def test_r11_spot_weights_above_one_are_scaled_to_one(simulate: Simulate) -> None:
    # R11: 0.8 + 0.8: each 0.5
    result = simulate(
        market(still(100, 2), still(100, 2)),
        [spot(symbol="A"), spot(symbol="B")],
        settings(execution=MARKET),
        targets=np.full((2, 2), 0.8),
    )

    assert fills(result) == near([(1, 50.0, 100.0), (1, 50.0, 100.0)])
    assert result.counters["weight_scaled"] >= 1


def test_r11_the_last_valid_weight_of_the_others_counts_in_the_sum(simulate: Simulate) -> None:
    # R11: A stays at 0.8 (NaN is no opinion); B's 0.8 is scaled with it: 0.8 / 1.6 = 0.5, for
    # which only 2,000 of cash are left: 20
    targets = np.array([[0.8, 0.0], [np.nan, 0.8], [np.nan, 0.8]])
    result = simulate(
        market(still(100, 3), still(100, 3)),
        [spot(symbol="A"), spot(symbol="B")],
        settings(execution=MARKET),
        targets=targets,
    )

    assert fills(result) == near([(1, 80.0, 100.0), (2, 20.0, 100.0)])


def test_r11_a_sale_worth_less_than_its_minimum_fee_takes_cash_below_zero(
    simulate: Simulate,
) -> None:
    # R11, R14: 99 bought for 9,900 + minimum fee 100: cash 0. Selling 0.5 gives 50 - 100 = -50.
    item = spot(taker_fee=0.001, min_fee=100.0)
    script = {0: [buy(99)], 1: [sell(0.5)]}
    result = simulate(market(still(100, 3)), [item], settings(), script=script)

    assert fills(result) == near([(1, 99.0, 100.0), (2, -0.5, 100.0)])
    assert result.cash[2] == pytest.approx(-50.0)


def test_r12_a_negative_target_on_spot_is_zero_and_counted(simulate: Simulate) -> None:
    result = simulate(
        market(still(100, 3)), [spot()], settings(execution=MARKET), targets=column(0.5, -0.5, -0.5)
    )

    assert fills(result) == near([(1, 50.0, 100.0), (2, -50.0, 100.0)])
    assert result.counters["negative_spot_targets"] == 2


def test_r12_derivative_weights_above_the_leverage_limit_are_scaled(simulate: Simulate) -> None:
    # R12: |1.5| + |-1.5| = 3 > 2: each is 1: 100 long, 100 short
    result = simulate(
        market(still(100, 2), still(100, 2)),
        [spot(symbol="A", **PERP), spot(symbol="B", **PERP)],
        settings(execution=MARKET, max_leverage=2.0),
        targets=np.array([[1.5, -1.5], [1.5, -1.5]]),
    )

    assert fills(result) == near([(1, 100.0, 100.0), (1, -100.0, 100.0)])
    assert result.counters["leverage_scaled"] >= 1


def test_r12_a_flip_is_one_order_with_one_minimum_fee(simulate: Simulate) -> None:
    # R12: long 10, sell 30: close 10 then open 20 at one price; the minimum fee of 5 is paid once
    item = spot(**PERP, taker_fee=0.0001, min_fee=5.0)
    script = {0: [buy(10)], 1: [sell(30)]}
    result = simulate(market(still(100, 3)), [item], settings(), script=script)

    assert fills(result) == near([(1, 10.0, 100.0), (2, -10.0, 100.0), (2, -20.0, 100.0)])
    assert list(result.fills.opening) == [True, False, True]
    assert result.fills.fee[1:].sum() == pytest.approx(5.0)
    assert result.counters["flips"] == 1


@pytest.mark.parametrize(
    ("item", "order"), [(spot(), sell(15)), (spot(**PERP), sell(15, reduce_only=True))]
)
def test_r12_what_may_only_reduce_is_cut_to_the_position(
    simulate: Simulate, item: object, order: object
) -> None:
    # R12: 10 held, 15 to sell: 10 are sold, the rest is cancelled and counted
    result = simulate(market(still(100, 3)), [item], settings(), script={0: [buy(10)], 1: [order]})

    assert fills(result) == near([(1, 10.0, 100.0), (2, -10.0, 100.0)])
    assert result.order_state[1] == OrderState.CANCELLED
    assert result.counters["reduce_only_cut"] == 1


def test_r12_buy_by_weight_adds(simulate: Simulate) -> None:
    # R12: 0.5 then 0.3 of 10,000: 50 + 30
    script = {0: [buy(weight=0.5)], 1: [buy(weight=0.3)]}
    result = simulate(market(still(100, 3)), [spot()], settings(), script=script)

    assert fills(result) == near([(1, 50.0, 100.0), (2, 30.0, 100.0)])


@pytest.mark.parametrize(
    ("opens", "filled"),
    [
        # R13: the cap is the last close * 1.005 rounded down to the tick: 100.50
        ([100.5, 100.0], [(1, 50.0, 100.5)]),
        ([100.51, 100.0], [(2, 50.0, 100.0)]),  # row 1 closes at 100: the cap is 100.50 again
        ([101.0, 100.6], []),  # beyond the cap twice
    ],
)
def test_r13_a_capped_increase_waits_outside_its_cap(
    simulate: Simulate, opens: list[float], filled: list[tuple[int, float, float]]
) -> None:
    bars = [(100,) * 4, *[(o, max(o, 100), min(o, 100), 100) for o in opens]]
    result = simulate(
        market(bars), [spot()], settings(execution=CAPPED), targets=column(0.5, 0.5, 0.5)
    )

    assert fills(result) == near(filled)


def test_r13_the_cap_is_judged_after_slippage(simulate: Simulate) -> None:
    # R13: 100.4 * 1.002 = 100.6008 > 100.50: waits; row 2 opens at 100: 100.20
    bars = [(100,) * 4, (100.4, 100.4, 100, 100), (100,) * 4]
    result = simulate(
        market(bars),
        [spot(slippage_bps=20.0)],
        settings(execution=CAPPED),
        targets=column(0.5, 0.5, 0.5),
    )

    assert fills(result) == near([(2, 50.0, 100.2)])


def test_r13_a_reduction_has_no_cap_and_a_flip_closes_at_once(simulate: Simulate) -> None:
    # R13: long 50, target -0.5; row 2 opens at 90, beyond the sell cap of 99.50: the 50 are closed
    # there; the opening half waits for row 3, which opens at 90 within 0.5 % of row 2's close.
    # Wanted is latched at the decision: -0.5 * 10,000 / 100 = -50.
    bars = [(100,) * 4, (100,) * 4, (90,) * 4, (90,) * 4]
    result = simulate(
        market(bars),
        [spot(**PERP)],
        settings(execution=CAPPED),
        targets=column(0.5, -0.5, -0.5, -0.5),
    )

    assert fills(result) == near([(1, 50.0, 100.0), (2, -50.0, 90.0), (3, -50.0, 90.0)])


def test_r13_the_default_is_capped_where_the_venue_never_closes(simulate: Simulate) -> None:
    bars = [(100,) * 4, (102,) * 4]
    never_closes = simulate(market(bars), [spot()], settings(), targets=column(0.5, 0.5))
    auction = simulate(
        market(bars), [spot(never_closes=False)], settings(), targets=column(0.5, 0.5)
    )

    assert fills(never_closes) == []
    assert fills(auction) == near([(1, 50.0, 102.0)])


def test_r14_the_minimum_fee_is_paid_once_per_order(simulate: Simulate) -> None:
    # R14: 30 at 100 in fills of 10 (room 10): rate 0.1 % earns 1 each, the minimum is 2.5:
    # 2.5, then max(2.5, 2) - 2.5 = 0, then 3 - 2.5 = 0.5
    item = spot(participation=0.1, taker_fee=0.001, min_fee=2.5)
    result = simulate(
        market(still(100, 4), volume=100.0), [item], settings(), script={0: [buy(30)]}
    )

    assert list(result.fills.fee) == pytest.approx([2.5, 0.0, 0.5])


def test_r14_a_rebate_has_no_minimum(simulate: Simulate) -> None:
    # R14: a maker fill of 10 at 95 with -0.02 %: -0.19, though the minimum is 2.5
    bars = [(100,) * 4, (100,) * 4, (100, 100, 90, 95)]
    item = spot(maker_fee=-0.0002, taker_fee=0.001, min_fee=2.5)
    result = simulate(market(bars), [item], settings(), script={0: [buy(10, limit=95.0)]})

    assert list(result.fills.fee) == pytest.approx([-0.19])
    assert result.fills.maker[0]


@pytest.mark.parametrize(
    ("limit", "price", "maker", "fee"),
    [
        # R14: stop 105 is reached at 105 inside the bar; taker 1 %, maker 0.1 %
        (106.0, 105.0, False, 10.5),  # at or better than the limit: fills there, no slippage
        (104.0, 104.0, True, 1.04),  # rests from there, met when the price comes back through it
    ],
)
def test_r14_a_stop_limit_arrives_at_its_stop(
    simulate: Simulate, limit: float, price: float, maker: bool, fee: float
) -> None:
    bars = [(100,) * 4, (100, 110, 100, 101)]
    item = spot(taker_fee=0.01, maker_fee=0.001, slippage_bps=50.0)
    result = simulate(
        market(bars), [item], settings(), script={0: [buy(10, stop=105.0, limit=limit)]}
    )

    assert fills(result) == near([(1, 10.0, price)])
    assert result.fills.maker[0] == maker
    assert result.fills.fee[0] == pytest.approx(fee)


def test_r33_size_at_fill_spends_the_cash_at_the_fill_price(simulate: Simulate) -> None:
    # R33: 10,000 / (125 * 1.002) = 79.8403 -> 79.84 though the decision's close was 100
    bars = [(100,) * 4, (125,) * 4]
    result = simulate(
        market(bars),
        [spot(taker_fee=0.002)],
        settings(execution=MARKET, size_at=SizeAt.FILL),
        targets=column(1.0, 1.0),
    )

    assert fills(result) == near([(1, 79.84, 125.0)])
