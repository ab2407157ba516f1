"""R15: limits. R16, R17: paths. R18: trails. R19: stops and targets."""

from __future__ import annotations

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
)

from algotrader.execution.simulation import (
    ExecutionRule,
    FillReason,
    GapFill,
    InstrumentKind,
    OrderState,
    PathRule,
    RebalanceRule,
)

MARKET = ExecutionRule.MARKET
PERP = {"kind": InstrumentKind.LINEAR, "leverage": 10.0}
FLAT: Ohlc = (100, 100, 100, 100)


def reasons(result: object) -> list[FillReason]:
    return [FillReason(r) for r in result.fills.reason]  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("low", "tick", "is_filled"),
    [
        # R15: a buy at 95 fills when the price trades through it: low <= 95 - tick
        (94.99, 0.01, True),
        (95.0, 0.01, False),
        (94.999, 0.0, True),  # without a tick: low < limit
        (95.0, 0.0, False),
    ],
)
def test_r15_a_limit_fills_when_the_price_trades_through_it(
    simulate: Simulate, low: float, tick: float, is_filled: bool
) -> None:
    bars = [FLAT, FLAT, (100, 100, low, 99)]
    result = simulate(market(bars), [spot(tick=tick)], settings(), script={0: [buy(1, limit=95.0)]})

    assert fills(result) == near([(2, 1.0, 95.0)] if is_filled else [])


def test_r15_on_its_first_bar_a_better_open_fills_as_taker(simulate: Simulate) -> None:
    # R15: limit 95, the first open is 93: filled at 93, taker fee 1 %
    bars = [FLAT, (93, 93, 93, 93)]
    item = spot(taker_fee=0.01, maker_fee=0.001)
    result = simulate(market(bars), [item], settings(), script={0: [buy(1, limit=95.0)]})

    assert fills(result) == near([(1, 1.0, 93.0)])
    assert not result.fills.maker[0]
    assert result.fills.fee[0] == pytest.approx(0.93)


def test_r15_post_only_is_rejected_where_it_would_take(simulate: Simulate) -> None:
    bars = [FLAT, (93, 93, 93, 93), (96, 96, 90, 91)]
    result = simulate(
        market(bars), [spot()], settings(), script={0: [buy(1, limit=95.0, post_only=True)]}
    )

    assert fills(result) == []
    assert result.order_state[0] == OrderState.REJECTED
    assert result.counters["post_only_rejected"] == 1


@pytest.mark.parametrize(
    ("never_closes", "rule", "price"),
    [
        # R15: limit 95 rests in row 1; row 2 opens at 90, gapping past it
        (True, GapFill.BY_VENUE, 95.0),
        (False, GapFill.BY_VENUE, 90.0),
        (True, GapFill.OPEN, 90.0),
        (False, GapFill.LIMIT, 95.0),
    ],
)
def test_r15_a_later_gap_fills_at_the_open_or_at_the_limit(
    simulate: Simulate, never_closes: bool, rule: GapFill, price: float
) -> None:
    bars = [FLAT, FLAT, (90, 92, 90, 91)]
    result = simulate(
        market(bars),
        [spot(never_closes=never_closes)],
        settings(gap_fill=rule),
        script={0: [buy(1, limit=95.0)]},
    )

    assert fills(result) == near([(2, 1.0, price)])
    assert result.fills.maker[0]


def test_r15_a_stop_fills_at_its_level_or_at_the_open_beyond_it(simulate: Simulate) -> None:
    # stop 105 with 1 % slippage: inside the bar 106.05; with an open at 108: 109.08
    item = spot(slippage_bps=100.0)
    inside = simulate(
        market([FLAT, (100, 106, 100, 106)]), [item], settings(), script={0: [buy(1, stop=105.0)]}
    )
    gapped = simulate(
        market([FLAT, (108,) * 4]), [item], settings(), script={0: [buy(1, stop=105.0)]}
    )

    assert fills(inside) == near([(1, 1.0, 106.05)])
    assert fills(gapped) == near([(1, 1.0, 109.08)])


def test_r16_a_position_of_the_open_may_meet_its_target_in_that_bar(simulate: Simulate) -> None:
    # R16: bought at the open of row 1 at 100, target 4 %: sold at 104 in the same bar
    bars = [FLAT, (100, 105, 99, 104)]
    result = simulate(market(bars), [spot()], settings(), script={0: [buy(1, take_profit=0.04)]})

    assert fills(result) == near([(1, 1.0, 100.0), (1, -1.0, 104.0)])
    assert reasons(result)[1] == FillReason.TAKE_PROFIT


def test_r16_an_entry_inside_the_bar_may_be_stopped_but_takes_no_profit(
    simulate: Simulate,
) -> None:
    # R16: limit 98 fills on the way to the low of 97; the high of 105 passes the target of 102
    # (98 * 1.04 = 101.92), which may not act in this bar. Next bar it may.
    bars = [FLAT, (100, 105, 97, 101), (101, 103, 101, 102)]
    entry = buy(1, limit=98.0, stop_loss=0.05, take_profit=0.04)
    result = simulate(market(bars), [spot()], settings(), script={0: [entry]})
    assert fills(result) == near([(1, 1.0, 98.0), (2, -1.0, 101.92)])

    # the low of 90 passes the stop at 98 * 0.95 = 93.10 after the entry
    stopped = simulate(
        market([FLAT, (100, 105, 90, 101)]), [spot()], settings(), script={0: [entry]}
    )
    assert fills(stopped) == near([(1, 1.0, 98.0), (1, -1.0, 93.1)])


WIDE: list[Ohlc] = [FLAT, (100, 108, 95, 101)]  # the low is nearer to the open


@pytest.mark.parametrize(
    ("path", "exit_price"),
    [
        # R17: long at 100 from the open, stop 96, target 104
        (PathRule.WORST, 96.0),  # the extreme against the position first
        (PathRule.BEST, 104.0),
        (PathRule.NEAR_FAR, 96.0),  # 5 below is nearer than 8 above
    ],
)
def test_promise_4_r17_the_path_decides_between_stop_and_target(
    simulate: Simulate, path: PathRule, exit_price: float
) -> None:
    entry = buy(1, stop_loss=0.04, take_profit=0.04)
    result = simulate(market(WIDE), [spot()], settings(path=path), script={0: [entry]})

    assert fills(result) == near([(1, 1.0, 100.0), (1, -1.0, exit_price)])
    assert list(result.fills.ambiguous) == [True, True]
    assert result.counters["ambiguous_bars"] == 1


def test_r17_for_a_short_the_high_is_against_it(simulate: Simulate) -> None:
    entry = sell(1, stop_loss=0.04, take_profit=0.04)
    result = simulate(market(WIDE), [spot(**PERP)], settings(), script={0: [entry]})

    assert fills(result) == near([(1, -1.0, 100.0), (1, 1.0, 104.0)])
    assert reasons(result)[1] == FillReason.STOP_LOSS


@pytest.mark.parametrize(
    ("orders", "first"),
    [
        # R17 worst, flat at 100: the side of the nearest resting entry first
        ([buy(1, limit=97.0), buy(1, stop=104.0)], 97.0),  # 3 below, 4 above: low first
        ([buy(1, limit=96.0), buy(1, stop=103.0)], 103.0),  # 3 above: high first
        ([buy(1, limit=97.0), buy(1, stop=103.0)], 97.0),  # equal: low first
        ([sell(1, limit=103.0), sell(1, stop=96.0)], 103.0),
    ],
)
def test_r17_without_a_position_the_nearest_entry_is_met_first(
    simulate: Simulate, orders: list[object], first: float
) -> None:
    bars = [FLAT, (100, 106, 94, 100)]
    result = simulate(market(bars), [spot(**PERP)], settings(), script={0: orders})

    assert fills(result)[0][2] == pytest.approx(first)


def test_r17_a_bar_is_not_ambiguous_when_both_orders_of_extremes_agree(
    simulate: Simulate,
) -> None:
    # only the stop at 96 is inside the bar
    bars = [FLAT, (100, 103, 95, 101)]
    entry = buy(1, stop_loss=0.04, take_profit=0.04)
    result = simulate(market(bars), [spot()], settings(), script={0: [entry]})

    assert fills(result)[1] == pytest.approx((1, -1.0, 96.0))
    assert not result.fills.ambiguous.any()


def finer(*quarters: Ohlc) -> dict[str, np.ndarray]:
    """Finer bars of row 1, four to the hour; row 0 has four still ones."""
    rows = [FLAT] * 4 + list(quarters)
    return {
        "finer_ts": START + np.arange(len(rows), dtype=np.int64) * (HOUR // 4),
        "finer_ohlc": np.array(rows, dtype=np.float64)[:, :, None],
    }


def test_r17_finer_bars_decide_what_came_first(simulate: Simulate) -> None:
    # R17 finer: the first quarter reaches 105 before the third falls to 95: the target at 104
    quarters = [(100, 105, 99, 103), (103, 103, 99, 99), (99, 99, 95, 96), (96, 101, 96, 101)]
    entry = buy(1, stop_loss=0.04, take_profit=0.04)
    result = simulate(
        market([FLAT, (100, 105, 95, 101)], **finer(*quarters)),
        [spot()],
        settings(path=PathRule.FINER),
        script={0: [entry]},
    )

    assert fills(result) == near([(1, 1.0, 100.0), (1, -1.0, 104.0)])


def test_r17_between_finer_bars_the_price_jumps(simulate: Simulate) -> None:
    # R17 finer: the second quarter opens at 94, beyond the stop at 96: filled at 94
    quarters = [(100, 101, 99, 99), (94, 96, 94, 96), (96, 97, 96, 96), (96, 101, 96, 101)]
    result = simulate(
        market([FLAT, (100, 101, 94, 101)], **finer(*quarters)),
        [spot()],
        settings(path=PathRule.FINER),
        script={0: [buy(1, stop_loss=0.04)]},
    )

    assert fills(result) == near([(1, 1.0, 100.0), (1, -1.0, 94.0)])


def test_r16_under_finer_an_entry_inside_the_bar_may_take_profit(simulate: Simulate) -> None:
    # the first quarter falls to 97 (limit 98), the second rises to 103: target 98 * 1.04 = 101.92
    quarters = [(100, 100, 97, 98), (98, 103, 98, 103), (103,) * 4, (103,) * 4]
    result = simulate(
        market([FLAT, (100, 103, 97, 103)], **finer(*quarters)),
        [spot()],
        settings(path=PathRule.FINER),
        script={0: [buy(1, limit=98.0, take_profit=0.04)]},
    )

    assert fills(result) == near([(1, 1.0, 98.0), (1, -1.0, 101.92)])


def test_r17_a_bar_without_all_its_finer_bars_falls_back_to_worst(simulate: Simulate) -> None:
    # three of four quarters: worst, so the stop at 96 comes first; row 0 is whole
    quarters = [(100, 105, 99, 103), (103, 103, 99, 99), (99, 99, 95, 96)]
    entry = buy(1, stop_loss=0.04, take_profit=0.04)
    result = simulate(
        market([FLAT, (100, 105, 95, 101)], **finer(*quarters)),
        [spot()],
        settings(path=PathRule.FINER),
        script={0: [entry]},
    )

    assert fills(result) == near([(1, 1.0, 100.0), (1, -1.0, 96.0)])
    assert result.counters["finer_fallback"] == 1


TRAIL_BARS: list[Ohlc] = [
    FLAT,
    (100, 110, 100, 108),  # entry at 100; the high of 110 counts when the bar is complete
    (108, 120, 103, 119),  # level 110 * 0.95 = 104.50
]


def test_r18_a_trail_moves_by_completed_bars_under_worst(simulate: Simulate) -> None:
    # R18: in row 2 the level stays at 104.50 though the bar reaches 120: sold at 104.50
    result = simulate(market(TRAIL_BARS), [spot()], settings(), script={0: [buy(1, trailing=0.05)]})

    assert fills(result) == near([(1, 1.0, 100.0), (2, -1.0, 104.5)])
    assert reasons(result)[1] == FillReason.TRAILING


def test_r18_a_trail_moves_along_the_path_under_near_far(simulate: Simulate) -> None:
    # R18, R17: row 1 rises only: 110. Row 2 opens at 108; the low (5 away) is nearer than the
    # high (12 away): falls to 103 first: 104.50 is met. With a low of 95 the high comes first:
    # 120 * 0.95 = 114 is met on the way down.
    near_low = simulate(
        market(TRAIL_BARS),
        [spot()],
        settings(path=PathRule.NEAR_FAR),
        script={0: [buy(1, trailing=0.05)]},
    )
    far_low = simulate(
        market([*TRAIL_BARS[:2], (108, 120, 95, 119)]),
        [spot()],
        settings(path=PathRule.NEAR_FAR),
        script={0: [buy(1, trailing=0.05)]},
    )

    assert fills(near_low)[1] == pytest.approx((2, -1.0, 104.5))
    assert fills(far_low)[1] == pytest.approx((2, -1.0, 114.0))


def test_r18_the_bar_of_an_entry_inside_it_counts_with_its_close_only(simulate: Simulate) -> None:
    # R18: limit 98 met in row 1 (low 97, high 110, close 104): best 104, level 98.80.
    # Row 2 falls to 98: sold at 98.80 (with the high of 110 it would have been 104.50).
    bars = [FLAT, (100, 110, 97, 104), (104, 104, 98, 99)]
    result = simulate(
        market(bars), [spot()], settings(), script={0: [buy(1, limit=98.0, trailing=0.05)]}
    )

    assert fills(result) == near([(1, 1.0, 98.0), (2, -1.0, 98.8)])


def test_r18_a_trailing_order_starts_from_its_first_open(simulate: Simulate) -> None:
    # R18, R36: a buy trailing 5 % from the open of 100: 105. Row 1 falls to 90: 94.50.
    # Row 2 opens at 92 and rises to 96: bought at 94.50.
    bars = [FLAT, (100, 100, 90, 92), (92, 96, 92, 95)]
    result = simulate(market(bars), [spot()], settings(), script={0: [buy(1, trail=0.05)]})

    assert fills(result) == near([(2, 1.0, 94.5)])


def targets_run(simulate: Simulate, bars: list[Ohlc], targets: list[float], **changes: object):
    return simulate(
        market(bars),
        [spot(**PERP)],
        settings(execution=MARKET, **changes),
        targets=column(*targets),
    )


def test_r19_the_stop_of_a_targets_strategy_follows_the_average_entry(simulate: Simulate) -> None:
    # R19: 50 at 100, then at row 1 (close 110) every_bar 0.5: equity 10,500 / 2 / 110 = 47.72:
    # sells 2.28, which leaves the stop at 100 * 0.96 = 96. At row 2 target 0.9 with close 110 (equity 10,500): 85.90 wanted,
    # 38.18 bought at 110: average (47.72 * 100 + 38.18 * 110) / 85.90 = 104.4447...: stop
    # 100.266.. -> 100.26 (sell down). Row 4 falls to 99.
    bars = [FLAT, (100, 110, 100, 110), (110,) * 4, (110,) * 4, (110, 110, 99, 99)]
    result = targets_run(
        simulate,
        bars,
        [0.5, 0.5, 0.9, 0.9, 0.9],
        stop_loss=0.04,
        rebalance=RebalanceRule.EVERY_BAR,
    )

    assert fills(result)[:3] == near([(1, 50.0, 100.0), (2, -2.28, 110.0), (3, 38.18, 110.0)])
    assert fills(result)[3] == pytest.approx((4, -85.9, 100.26))
    assert reasons(result)[3] == FillReason.STOP_LOSS


def test_r19_one_of_stop_and_target_cancels_the_other(simulate: Simulate) -> None:
    # R19: the target at 104 in row 2; the fall to 90 in row 3 meets no stop any more
    bars = [FLAT, FLAT, (100, 105, 100, 104), (104, 104, 90, 90)]
    entry = buy(1, stop_loss=0.04, take_profit=0.04)
    result = simulate(market(bars), [spot()], settings(), script={0: [entry]})

    assert fills(result) == near([(1, 1.0, 100.0), (2, -1.0, 104.0)])


def test_r19_an_order_protects_what_it_opened_at_its_average_fill(simulate: Simulate) -> None:
    # R19: 10 at 100 without protection, then 10 at 110 with a stop of 5 %: 104.50 sells only 10
    bars = [FLAT, FLAT, (110,) * 4, (110, 110, 103, 103)]
    script = {0: [buy(10)], 1: [buy(10, stop_loss=0.05)]}
    result = simulate(market(bars), [spot()], settings(), script=script)

    assert fills(result)[2:] == near([(3, -10.0, 104.5)])
    assert result.position[3, 0] == pytest.approx(10.0)


STOPPED: list[Ohlc] = [FLAT, (100, 100, 94, 95), (95,) * 4, (95,) * 4, (95,) * 4, (95,) * 4]


@pytest.mark.parametrize(
    ("targets", "reenter_after", "reentry"),
    [
        # R19: bought and stopped at 96 in row 1
        ([0.5, 0.5, 0.5, 0.5, 0.5, 0.5], None, None),  # no re-entry at the same sign
        ([0.5, 0.6, 0.7, 0.8, 0.9, 0.9], None, None),  # a changed number of the same sign neither
        ([0.5, 0.0, 0.5, 0.5, 0.5, 0.5], None, 3),  # 0 at a later decision (row 1) lifts
        ([0.5, np.nan, 0.6, 0.6, 0.6, 0.6], None, None),  # NaN does not
        ([0.5, 0.5, 0.5, 0.5, 0.5, 0.5], 2, 4),  # two bars after row 1: decided at row 3
    ],
)
def test_r19_after_a_protective_exit_there_is_no_reentry(
    simulate: Simulate, targets: list[float], reenter_after: int | None, reentry: int | None
) -> None:
    result = targets_run(simulate, STOPPED, targets, stop_loss=0.04, reenter_after=reenter_after)

    assert fills(result)[:2] == near([(1, 50.0, 100.0), (1, -50.0, 96.0)])
    assert [row for row, _, _ in fills(result)[2:3]] == ([] if reentry is None else [reentry])


def test_r19_the_other_sign_lifts_the_block_at_once(simulate: Simulate) -> None:
    # equity 10,000 - 200 = 9,800; -0.5 * 9,800 / 95 = -51.57
    result = targets_run(simulate, STOPPED, [0.5, -0.5, -0.5, -0.5, -0.5, -0.5], stop_loss=0.04)

    assert fills(result)[2] == pytest.approx((2, -51.57, 95.0))


def test_r19_a_liquidation_is_a_protective_exit(simulate: Simulate) -> None:
    # 10x on all equity: liquidated when the price falls by 10 %; a target of 10 is then ignored
    bars = [FLAT, FLAT, (100, 100, 85, 95), (95,) * 4, (95,) * 4]
    result = targets_run(simulate, bars, [5.0, 5.0, 5.0, 4.0, 4.0], max_leverage=10.0)
    one = simulate(
        market(bars),
        [spot(**PERP, liquidation_fee=0.0)],
        settings(execution=MARKET, max_leverage=10.0),
        targets=column(9.9, 9.9, 9.9, 9.0, 9.0),
    )

    assert reasons(result).count(FillReason.LIQUIDATION) == 0  # 5x survives a fall of 15 %
    # 990 at 100: 10,000 is lost at 100 - 10.1010 = 89.8990, before the low of 85
    assert fills(one) == near([(1, 990.0, 100.0), (2, -990.0, 100 - 10_000 / 990)])
    assert one.equity[4] == pytest.approx(0.0, abs=1e-6)


def test_r19_a_partly_filled_exit_goes_on_as_the_working_order(simulate: Simulate) -> None:
    # R19, R20: 20 held in fills of 10 (rows 1, 2); the stop at 96 is reached in row 3, where the
    # room of 10 sells half; the other half goes at the next open.
    bars = [FLAT, FLAT, FLAT, (100, 100, 90, 92), (92,) * 4]
    result = simulate(
        market(bars, volume=100.0),
        [spot(participation=0.1)],
        settings(),
        script={0: [buy(20, stop_loss=0.04)]},
    )

    assert fills(result)[2:] == near([(3, -10.0, 96.0), (4, -10.0, 92.0)])
    assert reasons(result)[2:] == [FillReason.STOP_LOSS, FillReason.STOP_LOSS]


def test_r19_a_protective_exit_cancels_the_rest_of_its_entry(simulate: Simulate) -> None:
    # R19: 10 of 30 filled in row 1, stopped there at 96: room is used, so the exit is sold in
    # row 2; nothing more is bought
    bars = [FLAT, (100, 100, 95, 96), (96,) * 4, (96,) * 4]
    result = simulate(
        market(bars, volume=100.0),
        [spot(participation=0.1)],
        settings(),
        script={0: [buy(30, stop_loss=0.04)]},
    )

    assert fills(result) == near([(1, 10.0, 100.0), (2, -10.0, 96.0)])
    assert result.order_state[0] == OrderState.CANCELLED
