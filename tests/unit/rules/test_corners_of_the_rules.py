"""Corners where the two simulators once differed, each decided by a rule with its numbers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from tests.builders.small_market import (
    HOUR,
    START,
    Ohlc,
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
    FillReason,
    InstrumentKind,
    MarginMode,
    OrderState,
    PathRule,
    RebalanceRule,
    SizeAt,
    TimeInForce,
)

PERP = {"kind": InstrumentKind.LINEAR, "leverage": 10.0}
FLAT = (100.0, 100.0, 100.0, 100.0)


def at(price: float) -> Ohlc:
    return (price, price, price, price)


def test_r33_what_is_found_of_the_other_sign_is_closed_before_the_size_is_found(
    simulate: Simulate,
) -> None:
    # R33, R13: decided flat at 100; the open of 99 is below the cap of 99.50 for a sale, so the
    # target waits while the explicit order buys 10. At the next open, again 99 and inside the
    # cap of 98.51, the 10 are sold first and 0.5 * 10,000 / 99 = 50.50 sold short from flat.
    result = simulate(
        market([FLAT, at(99), at(99), at(99)]),
        [spot(**PERP)],
        settings(execution=ExecutionRule.CAPPED, size_at=SizeAt.FILL),
        targets=column(-0.5, -0.5, -0.5, -0.5),
        script={0: [buy(10)]},
    )

    assert fills(result) == near([(1, 10.0, 99.0), (2, -10.0, 99.0), (2, -50.5, 99.0)])


def test_r33_without_cash_nothing_is_bought_at_the_fill(simulate: Simulate) -> None:
    # R33, R8: short 9 * 1,000 / (100 * 1.01) = 89.10 at 100, fee 89.10: cash 910.90. Closed at
    # 110 for 891 + fee 98.01: cash -78.11. The long wanted next has nothing to be sized with.
    result = simulate(
        market([FLAT, FLAT, at(110), at(110)]),
        [spot(**PERP, taker_fee=0.01)],
        settings(
            cash=1_000.0, max_leverage=10.0, execution=ExecutionRule.MARKET, size_at=SizeAt.FILL
        ),
        targets=column(-9.0, 1.0, 1.0, 1.0),
    )

    assert fills(result) == near([(1, -89.1, 100.0), (2, 89.1, 110.0)])
    assert result.cash[2] == pytest.approx(-78.11)
    assert result.counters["below_minimum"] == 1


def test_r7_funding_inside_a_missing_row_is_not_yet_paid_at_its_open(simulate: Simulate) -> None:
    # R7 (2), R11: long 5 B at 100, 1x: 500 of 1,000 are free. Row 2 has no bar of B; its stamp
    # inside the row costs 5 * 100 * 40 % = 200, but A is bought at the open, before that: all 5.
    items = [spot(symbol="A"), spot(symbol="B", kind=InstrumentKind.LINEAR, leverage=1.0)]
    panel = market(
        still(100, 4),
        [FLAT, FLAT, None, FLAT],
        funding_ts=np.array([START + 2 * HOUR + 1]),
        funding_instrument=np.array([1]),
        funding_rate=np.array([0.4]),
    )
    script = {0: [buy(5, instrument=1)], 1: [buy(5, instrument=0)]}
    result = simulate(panel, items, settings(cash=1_000.0), script=script)

    assert fills(result) == near([(1, 5.0, 100.0), (2, 5.0, 100.0)])
    assert result.funding[:, 1] == pytest.approx([0.0, 0.0, -200.0, 0.0])
    assert result.cash[2] == pytest.approx(1_000.0 - 500.0 - 200.0)


def test_r37_legs_give_back_in_the_order_in_which_they_were_raised(simulate: Simulate) -> None:
    # R37, R7: A's FOK leg of 10 finds room for 4 and is killed. B's legs: a limit of 5 at 99, met
    # inside the bar (low 98), and 3 at the open, which end first. Given back: 5, then 3.
    panel = market(still(100, 3), [FLAT, (100, 100, 98, 100), FLAT])
    panel = replace(panel, volume=np.array([[40.0, 1e9]] * 3))
    legs = [
        buy(10, instrument=0, group=1, tif=TimeInForce.FOK),
        buy(5, instrument=1, group=1, limit=99.0),
        buy(3, instrument=1, group=1),
    ]
    items = [spot(symbol="A", participation=0.1), spot(symbol="B")]
    result = simulate(panel, items, settings(), script={0: legs})

    expected = [(1, 3.0, 100.0), (1, 5.0, 99.0), (2, -5.0, 100.0), (2, -3.0, 100.0)]
    assert fills(result) == near(expected)
    assert result.counters["group_reduced"] == 2


BESIDE: list[Ohlc] = [FLAT, FLAT, (100.0, 100.0, 90.0, 90.0)]


def test_r17_between_the_corners_of_the_path_a_level_is_met_exactly(simulate: Simulate) -> None:
    # R17, R23: tick 0.5. A falls 100 -> 98: margin 0.9 is gone at 99.1 (s = 0.45), the stop at
    # 99.0 would be met at s = 0.50. B's limit of 96.01 fills at s = 0.40, where A is at 99.2,
    # which is nearest to the tick of 99.0 and yet no price of 99.0: A is liquidated.
    items = [
        spot(symbol="A", kind=InstrumentKind.LINEAR, leverage=100 / 0.9, tick=0.5),
        spot(symbol="B"),
    ]
    result = simulate(
        market([FLAT, FLAT, (100, 100, 98, 98)], BESIDE),
        items,
        settings(margin_mode=MarginMode.ISOLATED),
        script={0: [buy(1, instrument=0, stop_loss=0.01), buy(1, instrument=1, limit=96.01)]},
    )

    assert fills(result) == near([(1, 1.0, 100.0), (2, 1.0, 96.01), (2, -1.0, 99.1)])
    assert result.fills.reason[2] == FillReason.LIQUIDATION


def test_r15_another_instruments_fill_does_not_change_what_is_met_first(
    simulate: Simulate,
) -> None:
    # R15, R17: tick 0.5. The buy limit of 99.5 is met one tick through it, at 99.0, with the sell
    # stop of 99.0: the older one first. B's fill at s = 0.40, where A is at 99.2, is no reason
    # for A's stop to act before its limit.
    items = [spot(symbol="A", tick=0.5), spot(symbol="B")]
    orders = [
        buy(1, instrument=0, limit=99.5),
        sell(2, instrument=0, stop=99.0),
        buy(1, instrument=1, limit=96.01),
    ]
    result = simulate(
        market([FLAT, FLAT, (100, 100, 98, 98)], BESIDE),
        items,
        settings(),
        script={0: [buy(1, instrument=0), *orders]},
    )

    a = [fill for fill, i in zip(fills(result), result.fills.instrument, strict=True) if i == 0]
    assert a == near([(1, 1.0, 100.0), (2, 1.0, 99.5), (2, -2.0, 99.0)])


def test_r19_bars_until_reentry_are_those_after_the_exit_even_where_it_had_none(
    simulate: Simulate,
) -> None:
    # R19, R23: 10 at 100, 10x isolated. Row 2 has no price but a mark of 80: liquidated at 90,
    # where the margin of 100 is gone. Row 3 is the first bar after that, which `reenter_after`
    # 1 waits for: 900 / 80 = 11.25 at the open of row 4.
    marks = np.array([[100.0], [100.0], [80.0], [80.0], [80.0]])
    result = simulate(
        market(
            [FLAT, FLAT, None, at(80), at(80)],
            mark_open=marks,
            mark_high=marks,
            mark_low=marks,
            mark_close=marks,
        ),
        [spot(**PERP)],
        settings(
            cash=1_000.0,
            margin_mode=MarginMode.ISOLATED,
            execution=ExecutionRule.MARKET,
            rebalance=RebalanceRule.EVERY_BAR,
            reenter_after=1,
        ),
        targets=column(1, 1, 1, 1, 1),
    )

    assert fills(result) == near([(1, 10.0, 100.0), (2, -10.0, 90.0), (4, 11.25, 80.0)])


def test_r10_a_difference_of_exactly_the_band_trades(simulate: Simulate) -> None:
    # R10, R9: 11,500 / 10,000 = 1.15 held; wanted 1 / 1.15 of 11,500 = 1.00. The difference 0.15 is
    # not below 0.15 * 1.00, though 1.15 / 0.01 is a hair under 115 lots in floating point.
    result = simulate(
        market(still(10_000, 3)),
        [spot()],
        settings(
            cash=11_500.0,
            execution=ExecutionRule.MARKET,
            rebalance=RebalanceRule.BAND,
            band=0.15,
        ),
        targets=column(1.0, 1 / 1.15, 1 / 1.15),
    )

    assert fills(result) == near([(1, 1.15, 10_000.0), (2, -0.15, 10_000.0)])


def test_r19_less_than_a_lot_is_not_protected(simulate: Simulate) -> None:
    # R19, R9, R14: 1.00 is held. The order of one lot of 0.01 pays 1 % of it as its fee: 0.0099 is
    # dust, and its stop at 99 and target at 101 have nothing to sell, however often they are met.
    bars: list[Ohlc] = [FLAT, FLAT, FLAT, (100, 102, 98, 100)]
    result = simulate(
        market(bars),
        [spot(taker_fee=0.01, fee_in_received=True)],
        settings(),
        script={0: [buy(1.02)], 1: [buy(0.01, stop_loss=0.01, take_profit=0.01)]},
    )

    assert fills(result) == near([(1, 1.02, 100.0), (2, 0.01, 100.0)])
    assert result.position[3, 0] == pytest.approx(1.02 * 0.99 + 0.0099)


def test_r10_dust_counts_where_a_band_is_measured(simulate: Simulate) -> None:
    # R10, R9, R14: 10 lots of 1 bought, 5 % taken: 9.5 held, 1,000 + 950 in all. 0.57 of that wants
    # 11: 11 - 9.5 = 1.5 is below 0.15 * 11 = 1.65, so nothing is traded (11 - 9 = 2 would be).
    result = simulate(
        market(still(100, 3)),
        [spot(lot=1.0, taker_fee=0.05, fee_in_received=True)],
        settings(
            cash=2_000.0, execution=ExecutionRule.MARKET, rebalance=RebalanceRule.BAND, band=0.15
        ),
        targets=column(0.5, 0.57, 0.57),
    )

    assert fills(result) == near([(1, 10.0, 100.0)])


def test_r13_the_cap_is_rounded_passively_to_the_tick(simulate: Simulate) -> None:
    # R13, R9: 99.50 * 1.005 = 99.9975, rounded down to the tick of 0.50: 99.50. An open of 100 is
    # above it and waits; the next, against the close of 100, is inside 100.50: 0.5 * 10,000 / 99.5
    result = simulate(
        market([at(99.5), at(100), at(100)]),
        [spot(tick=0.5)],
        settings(execution=ExecutionRule.CAPPED),
        targets=column(0.5, 0.5, 0.5),
    )

    assert fills(result) == near([(2, 50.25, 100.0)])


def test_r14_a_rebate_gives_no_minimum_fee_back(simulate: Simulate) -> None:
    # R14, R20: room is 4 a bar. 4 of 10 fill at the open as taker: 400 * 0.1 % = 0.40, at least 5.
    # 4 and 2 more rest and fill at 100 as maker at -0.02 %: -0.08 and -0.04, whatever was paid.
    down = (100.0, 100.0, 99.0, 100.0)
    result = simulate(
        market([FLAT, FLAT, down, down], volume=40.0),
        [spot(taker_fee=0.001, maker_fee=-0.0002, min_fee=5.0, participation=0.1)],
        settings(),
        script={0: [buy(10, limit=100.0)]},
    )

    assert fills(result) == near([(1, 4.0, 100.0), (2, 4.0, 100.0), (3, 2.0, 100.0)])
    assert result.fills.fee == pytest.approx([5.0, -0.08, -0.04])


def test_r37_less_than_a_lot_too_much_is_a_match(simulate: Simulate) -> None:
    # R37: 1 of A's 3 fills (room 1, IOC): B may keep a third of 4 lots, 1.33, rounded up: 2
    panel = market(still(100, 3), still(100, 3))
    panel = replace(panel, volume=np.array([[10.0, 1e9]] * 3))
    legs = [
        buy(3, instrument=0, group=1, tif=TimeInForce.IOC),
        buy(4, instrument=1, group=1),
    ]
    items = [spot(symbol="A", lot=1.0, participation=0.1), spot(symbol="B", lot=1.0)]
    result = simulate(panel, items, settings(), script={0: legs})

    assert fills(result) == near([(1, 1.0, 100.0), (1, 4.0, 100.0), (2, -2.0, 100.0)])


def test_r23_a_liquidation_after_quiet_bars_is_met_to_the_tick(simulate: Simulate) -> None:
    # R23: 10 at 100, 10x isolated, liquidated at 90. Nothing happens in rows 2 to 4; the low of
    # 90.01 in row 5 does not reach it, that of 89.99 in row 6 does.
    bars = [*still(100, 5), (100, 100, 90.01, 100), (100, 100, 89.99, 100), FLAT]
    result = simulate(
        market(bars),
        [spot(**PERP)],
        settings(cash=1_000.0, margin_mode=MarginMode.ISOLATED, execution=ExecutionRule.MARKET),
        targets=np.ones((8, 1)),
    )

    assert fills(result) == near([(1, 10.0, 100.0), (6, -10.0, 90.0)])


def test_r37_a_leg_that_is_stopped_before_it_was_sized_is_unfilled(simulate: Simulate) -> None:
    # R37, R33: 4 of A's 10 find room at row 1 (IOC). B is to be sized at its fill and has no bar
    # there, so its leg is stopped with nothing filled, and A gives its 4 back.
    panel = market(still(100, 4), [FLAT, None, FLAT, FLAT])
    panel = replace(panel, volume=np.array([[40.0, 1e9]] * 4))
    legs = [
        buy(10, instrument=0, group=1, tif=TimeInForce.IOC),
        buy(instrument=1, weight=0.3, group=1),
    ]
    items = [spot(symbol="A", participation=0.1), spot(symbol="B")]
    result = simulate(panel, items, settings(size_at=SizeAt.FILL), script={0: legs})

    assert fills(result) == near([(1, 4.0, 100.0), (2, -4.0, 100.0)])
    assert list(result.order_state) == [OrderState.EXPIRED, OrderState.CANCELLED]


def test_r23_under_finer_the_marks_of_the_finer_bars_decide(simulate: Simulate) -> None:
    # R23, R17: 1 at 100, 10x isolated, liquidated at a mark of 90. The price of row 2 falls to 95
    # only, and there is no mark of the base bar; the mark of its second half falls to 89.
    half = HOUR // 2
    flat, falls = [100.0] * 4, [100.0, 100.0, 95.0, 100.0]
    prices = [flat, flat, flat, flat, flat, falls]
    marks = [flat, flat, flat, flat, flat, [100.0, 100.0, 89.0, 100.0]]
    panel = market(
        [FLAT, FLAT, (100, 100, 95, 100)],
        finer_ts=START + np.arange(6, dtype=np.int64) * half,
        finer_ohlc=np.array(prices)[:, :, None],
        finer_mark_ohlc=np.array(marks)[:, :, None],
    )
    result = simulate(
        panel,
        [spot(**PERP)],
        settings(margin_mode=MarginMode.ISOLATED, path=PathRule.FINER),
        script={0: [buy(1)]},
    )

    assert fills(result) == near([(1, 1.0, 100.0), (2, -1.0, 90.0)])
    assert result.fills.reason[1] == FillReason.LIQUIDATION


def test_r9_dust_has_no_part_in_the_average_entry(simulate: Simulate) -> None:
    # R9, R14, R19: 10 at 100, 1 % taken: 9.9; 9 are sold, 0.9 is dust. Of 9,891 + 0.9 * 200 the
    # target of 0.2 wants 10 at 200; 9 are bought. The entry is 200, so the stop lies at 180 (with
    # the dust's 100 it would be 191.67 and 172.50): 9 of 9.81 are sold there.
    bars: list[Ohlc] = [FLAT, FLAT, (100, 200, 100, 200), at(200), (200, 200, 175, 190)]
    result = simulate(
        market(bars),
        [spot(lot=1.0, taker_fee=0.01, fee_in_received=True)],
        settings(execution=ExecutionRule.MARKET, stop_loss=0.1),
        targets=column(0.1, 0.0, 0.2, 0.2, 0.2),
    )

    expected = [(1, 10.0, 100.0), (2, -9.0, 100.0), (3, 9.0, 200.0), (4, -9.0, 180.0)]
    assert fills(result) == near(expected)


def test_r22_a_flip_is_priced_on_its_whole_quantity(simulate: Simulate) -> None:
    # R22, R13, R12: sigma of the log returns of closes 100, 110, 99, 108.9 is 0.1158572. Long 1; 4
    # sold at day 5 of a day's 400: 108.9 * (1 - 0.5 * 0.1158572 * sqrt(4 / 400)) = 108.26916, on
    # the tick 108.26, for the 1 that closes and the 3 that open (1 alone: 108.58).
    bars: list[Ohlc] = [at(close) for close in (100.0, 110.0, 99.0, 108.9, 108.9)]
    result = simulate(
        market(bars, hours=24, volume=400.0),
        [spot(**PERP, impact=0.5)],
        settings(),
        script={0: [buy(1)], 3: [sell(4)]},
    )

    assert fills(result) == near([(1, 1.0, 110.0), (4, -1.0, 108.26), (4, -3.0, 108.26)])
    assert result.counters["flips"] == 1
