"""Sizing, costs and margin as functions: what the full driver and portfolio.sizing call."""

from __future__ import annotations

import math

import pytest

from algotrader._kernel import sizing
from algotrader.execution.simulation import InstrumentKind, SimulatedInstrument

SPOT = SimulatedInstrument(symbol="X", lot=0.01, min_quantity=0.05, min_notional=10.0)
LINEAR = SimulatedInstrument(
    symbol="X",
    kind=InstrumentKind.LINEAR,
    lot=1.0,
    tiers=((50_000.0, 0.004), (250_000.0, 0.01)),
    liquidation_fee=0.002,
)
INVERSE = SimulatedInstrument(symbol="X", kind=InstrumentKind.INVERSE, lot=1.0, multiplier=100.0)


def test_lots_of_a_weight_are_truncated_toward_zero_with_a_billionth_of_slack() -> None:
    # R9: 0.5 * 1000 / (30 * 0.01) = 1666.67 lots; 0.29 / 0.01 = 28.999999999999996 is 29
    assert sizing.lots_from_weight(SPOT, 0.5, 1000.0, 30.0) == 1666
    assert sizing.lots_from_weight(SPOT, -0.5, 1000.0, 30.0) == -1666
    assert sizing.whole_lots(0.29 / 0.01) == 29
    assert sizing.lots_from_weight(SPOT, 1.0, -5.0, 30.0) == 0
    assert math.isnan(sizing.whole_lots(2.0**54))


def test_inverse_lots_are_contracts_of_quote_value() -> None:
    # 0.5 * 2 coins at 40,000 buy 400 contracts of 100
    assert sizing.lots_from_weight(INVERSE, 0.5, 2.0, 40_000.0) == 400


@pytest.mark.parametrize(
    ("side", "limit", "stop"),
    [(1, 100.0, 100.5), (-1, 100.5, 100.0)],
)
def test_limits_are_rounded_passively_and_stops_away(side: int, limit: float, stop: float) -> None:
    assert sizing.round_limit(100.3, 0.5, side) == limit
    assert sizing.round_stop(100.3, 0.5, side) == stop
    assert sizing.round_fill(100.3, 0.5, side) == stop
    assert sizing.round_limit(100.5, 0.5, side) == 100.5
    assert sizing.round_limit(100.3, 0.0, side) == 100.3


def test_minimum_is_of_quantity_and_of_notional() -> None:
    assert sizing.below_minimum(SPOT, 0.04, 1000.0)
    assert sizing.below_minimum(SPOT, 0.05, 199.0)
    assert not sizing.below_minimum(SPOT, 0.05, 200.0)


def test_the_minimum_fee_is_of_the_whole_order_and_not_of_rebates() -> None:
    assert sizing.order_fee(0.4, 0.001, 1.0) == 1.0
    assert sizing.order_fee(1.4, 0.001, 1.0) == 1.4
    assert sizing.order_fee(-0.4, -0.001, 1.0) == -0.4


def test_slippage_adds_its_parts() -> None:
    # R22: (5 + 3) / 1e4 + 0.5 * 0.02 * sqrt(100 / 10,000) = 0.0008 + 0.001
    item = SimulatedInstrument(symbol="X", slippage_bps=5, half_spread_bps=3, impact=0.5)
    assert sizing.slippage_fraction(item, 100.0, 0.02, 10_000.0) == pytest.approx(0.0018)
    assert sizing.slippage_fraction(item, 100.0, math.nan, 10_000.0) == pytest.approx(0.0008)


def test_longs_pay_a_positive_rate() -> None:
    assert sizing.funding_amount(LINEAR, 3.0, 100.0, 0.01) == pytest.approx(-3.0)
    assert sizing.funding_amount(LINEAR, -3.0, 100.0, 0.01) == pytest.approx(3.0)
    assert sizing.funding_amount(INVERSE, 40.0, 40_000.0, 0.01) == pytest.approx(-0.001)


def test_the_tier_of_a_notional_includes_its_upper_bound() -> None:
    assert sizing.maintenance_rate(LINEAR, 50_000.0) == 0.004
    assert sizing.maintenance_rate(LINEAR, 50_000.01) == 0.01
    assert sizing.maintenance_rate(LINEAR, 1e9) == 0.01


def test_liquidation_price_of_a_long_and_of_a_short() -> None:
    # long 10 at 1000 with margin 1000, rate 0.4 % + 0.2 %: (10,000 - 1000) / (10 * 0.994)
    assert sizing.liquidation_price(LINEAR, 10.0, 1000.0, 1000.0) == pytest.approx(9000 / 9.94)
    # short: (10,000 + 1000) / (10 * 1.006)
    assert sizing.liquidation_price(LINEAR, -10.0, 1000.0, 1000.0) == pytest.approx(11000 / 10.06)


def test_crossing_a_bound_may_itself_be_the_point_of_liquidation() -> None:
    # short 50 at 990: above 50,000 (1000 each) the rate is 1 % + 0.2 %: need 600 there.
    # margin 1000 - 50 * 10 = 500 at 1000: below 600, though above the first tier's 300.
    assert sizing.liquidation_price(LINEAR, -50.0, 990.0, 1000.0) == pytest.approx(1000.0)


def test_the_closing_price_of_a_liquidation_leaves_nothing() -> None:
    # long 10 at 1000, margin 1000, mark 905: equity 50, fee 18.1: share 31.9 / 9050
    price = sizing.bankruptcy_price(LINEAR, 10.0, 905.0, 31.9 / 9050)
    assert 1000 + 10 * (price - 1000) - 18.1 == pytest.approx(0.0, abs=1e-9)
    coin = sizing.bankruptcy_price(INVERSE, 100.0, 36_000.0, 0.05)
    before = sizing.profit(INVERSE, 100.0, 40_000.0, 36_000.0)
    after = sizing.profit(INVERSE, 100.0, 40_000.0, coin)
    assert before - after == pytest.approx(0.05 * 100 * 100 / 36_000)


def test_the_common_factor_pays_minimum_fees_too() -> None:
    # two of 600 with 1 % and at least 5: at f both pay the minimum: 1200 f + 10 = 500
    assert sizing.cash_factor([(600, 600, 0.01, 5), (600, 600, 0.01, 5)], 500.0) == pytest.approx(
        490 / 1200
    )
    assert sizing.cash_factor([(600, 600, 0.01, 5)], 606.0) == 1.0
    assert sizing.cash_factor([(600, 600, 0.01, 5)], 4.0) == 0.0
