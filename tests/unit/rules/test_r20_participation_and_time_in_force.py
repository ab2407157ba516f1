"""R20: participation. R21: times in force. R22: slippage. R29: listing. R37: groups. R38."""

from __future__ import annotations

import math
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
    OrderState,
    TimeInForce,
)

FLAT: Ohlc = (100, 100, 100, 100)
PERP = {"kind": InstrumentKind.LINEAR, "leverage": 10.0}


def test_r20_all_our_orders_of_a_bar_share_a_part_of_its_volume(simulate: Simulate) -> None:
    # R20: trunc(0.1 * 109 / 1) = 10 lots: 4, then 6 of 8; the last 2 at the next open
    result = simulate(
        market(still(100, 3), volume=109.0),
        [spot(lot=1.0, participation=0.1)],
        settings(),
        script={0: [buy(4), buy(8)]},
    )

    assert fills(result) == near([(1, 4.0, 100.0), (1, 6.0, 100.0), (2, 2.0, 100.0)])


def test_r20_a_limit_that_is_partly_filled_keeps_its_price(simulate: Simulate) -> None:
    # R20: limit 95, room 10: 10 in row 1, 5 in row 2, both at 95
    bars = [FLAT, (100, 100, 94, 96), (96, 96, 94, 96)]
    result = simulate(
        market(bars, volume=100.0),
        [spot(participation=0.1)],
        settings(),
        script={0: [buy(15, limit=95.0)]},
    )

    assert fills(result) == near([(1, 10.0, 95.0), (2, 5.0, 95.0)])


@pytest.mark.parametrize(
    ("tif", "filled", "counter"),
    [
        (TimeInForce.IOC, [(1, 10.0, 100.0)], "ioc_expired"),  # what the room gives, then ends
        (TimeInForce.FOK, [], "fok_killed"),  # all 15 or none
    ],
)
def test_r20_ioc_and_fok_are_judged_at_their_first_open(
    simulate: Simulate, tif: TimeInForce, filled: list[tuple[int, float, float]], counter: str
) -> None:
    result = simulate(
        market(still(100, 3), volume=100.0),
        [spot(participation=0.1)],
        settings(),
        script={0: [buy(15, tif=tif)]},
    )

    assert fills(result) == near(filled)
    assert result.order_state[0] == OrderState.EXPIRED
    assert result.counters[counter] == 1


def test_r20_with_volume_0_nothing_fills_or_triggers_but_funding_happens(
    simulate: Simulate,
) -> None:
    # R20: row 2 has prices and no volume: the stop at 96 is not triggered by its low of 90;
    # funding of 1 % on 10 * 100 is paid. Row 3 opens at 97, above the stop.
    bars = [FLAT, FLAT, (100, 100, 90, 97), (97,) * 4]
    panel = market(
        bars,
        volume=[1e9, 1e9, 0.0, 1e9],
        funding_ts=np.array([START + 2 * HOUR]),
        funding_instrument=np.array([0]),
        funding_rate=np.array([0.01]),
    )
    script = {0: [buy(10)], 1: [sell(10, stop=96.0), buy(1)]}
    result = simulate(panel, [spot(**PERP)], settings(), script=script)

    assert fills(result) == near([(1, 10.0, 100.0), (3, 1.0, 97.0)])
    assert result.funding[2, 0] == pytest.approx(-10.0)


def test_r20_liquidation_takes_no_participation(simulate: Simulate) -> None:
    # R20, R23: volume 0 in row 2, yet 900 at 10x are liquidated at 100 - 10,000 / 900
    bars = [FLAT, FLAT, (100, 100, 80, 85)]
    result = simulate(
        market(bars, volume=[1e9, 1e9, 0.0]),
        [spot(**PERP, participation=0.1)],
        settings(),
        script={0: [buy(900)]},
    )

    assert fills(result)[1] == pytest.approx((2, -900.0, 100 - 10_000 / 900))


def test_r21_day_orders_end_with_the_day_of_the_next_row(simulate: Simulate) -> None:
    # R21: bars of 8 hours. Decided at row 1, the next row (2) is the last of the day: the limit
    # lives in row 2 and has ended when row 3 would have filled it.
    bars = [FLAT, FLAT, FLAT, (100, 100, 90, 95)]
    result = simulate(
        market(bars, hours=8),
        [spot()],
        settings(),
        script={1: [buy(1, limit=95.5, tif=TimeInForce.DAY)]},
    )
    # decided at row 2, the next row begins a day: it lives in row 3
    next_day = simulate(
        market(bars, hours=8),
        [spot()],
        settings(),
        script={2: [buy(1, limit=95.5, tif=TimeInForce.DAY)]},
    )

    assert fills(result) == []
    assert result.order_state[0] == OrderState.EXPIRED
    assert fills(next_day) == near([(3, 1.0, 95.5)])


def test_r21_a_day_order_belongs_to_the_session_where_the_venue_closes(simulate: Simulate) -> None:
    # R21: sessions 7, 7, 8: decided at row 0 it lives in row 1 and ends before row 2
    bars = [FLAT, FLAT, (100, 100, 90, 95)]
    sessions = np.array([7, 7, 8])
    order = buy(1, limit=95.5, tif=TimeInForce.DAY)
    ended = simulate(
        market(bars, session=sessions), [spot(never_closes=False)], settings(), script={0: [order]}
    )
    lives = simulate(
        market(bars, session=sessions), [spot(never_closes=False)], settings(), script={1: [order]}
    )

    assert fills(ended) == []
    assert fills(lives) == near([(2, 1.0, 95.5)])


@pytest.mark.parametrize(("hours", "is_filled"), [(2, False), (3, True)])
def test_r21_gtd_is_cancelled_before_the_first_open_at_its_time(
    simulate: Simulate, hours: int, is_filled: bool
) -> None:
    # R21: the limit would fill in row 2, which opens two hours after the start
    bars = [FLAT, FLAT, (100, 100, 90, 95)]
    order = buy(1, limit=95.0, tif=TimeInForce.GTD, expires_at=START + hours * HOUR)
    result = simulate(market(bars), [spot()], settings(), script={0: [order]})

    assert fills(result) == near([(2, 1.0, 95.0)] if is_filled else [])
    assert result.order_state[0] == (OrderState.FILLED if is_filled else OrderState.EXPIRED)


def test_r21_ioc_waits_over_a_missing_bar(simulate: Simulate) -> None:
    bars = [FLAT, None, (101,) * 4]
    result = simulate(market(bars), [spot()], settings(), script={0: [buy(1, tif=TimeInForce.IOC)]})

    assert fills(result) == near([(2, 1.0, 101.0)])


def test_r22_slippage_is_the_sum_of_its_parts(simulate: Simulate) -> None:
    # R22: daily closes 100, 110, 99, 108.9: log returns +0.0953102, -0.1053605, +0.0953102
    # mean 0.0284200, deviations 0.0668902, -0.1337804, 0.0668902; ddof 1:
    # sigma = sqrt((2 * 0.0668902^2 + 0.1337804^2) / 2) = 0.1158572. Volume of each day 400.
    # 4 bought at the open of day 5: 0.5 * 0.1158572 * sqrt(4 / 400) = 0.00579286
    # plus (10 + 5) bps = 0.0015: 108.9 * 1.00729286 = 109.69419
    closes = [100.0, 110.0, 99.0, 108.9, 108.9]
    bars: list[Ohlc] = [(c, c, c, c) for c in closes]
    item = spot(tick=0.0, slippage_bps=10.0, half_spread_bps=5.0, impact=0.5)
    result = simulate(
        market(bars, hours=24, volume=400.0), [item], settings(), script={3: [buy(4)]}
    )
    returns = [math.log(1.1), math.log(0.9), math.log(1.1)]
    sigma = math.sqrt(sum((r - sum(returns) / 3) ** 2 for r in returns) / 2)

    assert sigma == pytest.approx(0.1158572, abs=1e-6)
    assert fills(result) == near([(4, 4.0, 108.9 * (1.0015 + 0.5 * sigma * 0.1))])
    assert result.fills.slippage[0] == pytest.approx(4 * 108.9 * (0.0015 + 0.05 * sigma))


def test_r22_the_average_volume_is_of_the_days_of_the_returns(simulate: Simulate) -> None:
    # R22: closes 100, 110, 99, 108.9 as above: sigma = 0.1158572. The first day has no return, so
    # its 9,000 do not count: (200 + 300 + 400) / 3 = 300; 3 bought: sqrt(3 / 300) = 0.1
    closes = [100.0, 110.0, 99.0, 108.9, 108.9]
    panel = market([(c, c, c, c) for c in closes], hours=24)
    panel = replace(panel, volume=np.array([[9_000.0], [200.0], [300.0], [400.0], [400.0]]))
    item = spot(tick=0.0, impact=0.5)
    result = simulate(panel, [item], settings(), script={3: [buy(3)]})

    returns = [math.log(1.1), math.log(0.9), math.log(1.1)]
    sigma = math.sqrt(sum((r - sum(returns) / 3) ** 2 for r in returns) / 2)
    assert fills(result) == near([(4, 3.0, 108.9 * (1 + 0.5 * sigma * 0.1))])


def test_r22_the_last_twenty_days_count(simulate: Simulate) -> None:
    # R22: a wild day with a volume of 9,000, then 20 returns of +-1 %, volume 400 each: 21 days
    # after it the wild one is forgotten. sigma = sqrt(20 / 19) * 0.01 (mean 0); 4 bought: sqrt 0.01
    closes = [50.0, 100.0] + [100.0 if k % 2 else 100.0 * math.exp(0.01) for k in range(20)]
    bars: list[Ohlc] = [(c, c, c, c) for c in [*closes, 100.0]]
    volume = np.full((23, 1), 400.0)
    volume[:2] = 9_000.0
    item = spot(tick=0.0, impact=0.5)
    panel = replace(market(bars, hours=24), volume=volume)
    result = simulate(panel, [item], settings(), script={21: [buy(4)]})

    sigma = 0.01 * math.sqrt(20 / 19)
    assert fills(result) == near([(22, 4.0, 100.0 * (1 + 0.5 * sigma * 0.1))])


def test_r22_with_fewer_than_two_returns_there_is_no_impact(simulate: Simulate) -> None:
    # R22: two completed days, one return: only the 10 bps: 100.10, and it is counted
    item = spot(slippage_bps=10.0, impact=0.5)
    result = simulate(market(still(100, 3), hours=24), [item], settings(), script={1: [buy(1)]})

    assert fills(result) == near([(2, 1.0, 100.1)])
    assert result.counters["impact_skipped"] == 1


def test_r22_the_quantity_is_that_before_the_cash_cut(simulate: Simulate) -> None:
    # R22, R11: 400 asked of a day's 400: sqrt(1) * 0.5 * sigma, though cash pays for fewer
    closes = [100.0, 110.0, 99.0, 110.0, 110.0]
    bars: list[Ohlc] = [(c, c, c, c) for c in closes]
    returns = [math.log(1.1), math.log(0.9), math.log(110 / 99)]
    sigma = math.sqrt(sum((r - sum(returns) / 3) ** 2 for r in returns) / 2)
    item = spot(tick=0.0, impact=0.5)
    result = simulate(
        market(bars, hours=24, volume=400.0), [item], settings(), script={3: [buy(400)]}
    )

    price = 110 * (1 + 0.5 * sigma)
    assert fills(result) == near([(4, math.floor(10_000 / price * 100) / 100, price)])


def test_r29_a_weight_on_what_is_not_listed_is_cash(simulate: Simulate) -> None:
    # R29: B is listed from row 2 on. A's 0.8 is not scaled for B's 0.8 at row 0. At row 1, whose
    # close is B's listing, both count: 0.5 each; A is unchanged, B gets the 2,000 that are left.
    items = [spot(symbol="A"), spot(symbol="B", listed_at=START + 2 * HOUR)]
    result = simulate(
        market(still(100, 3), still(100, 3)),
        items,
        settings(execution=ExecutionRule.MARKET),
        targets=np.full((3, 2), 0.8),
    )

    assert fills(result) == near([(1, 80.0, 100.0), (2, 20.0, 100.0)])


@pytest.mark.parametrize(("side", "price"), [(1, 70.0), (-1, 130.0)])
def test_r29_what_is_held_at_the_delisting_is_closed_with_a_haircut(
    simulate: Simulate, side: int, price: float
) -> None:
    # R29: last close 100, haircut 30 %: a long gets 70, a short pays 130; no fee
    item = spot(**PERP, taker_fee=0.01, delisted_at=START + 2 * HOUR, delist_haircut=0.3)
    order = buy(10) if side > 0 else sell(10)
    result = simulate(market(still(100, 4)), [item], settings(), script={0: [order]})

    assert fills(result)[1] == pytest.approx((2, -10.0 * side, price))
    assert result.fills.fee[1] == 0.0
    assert result.fills.reason[1] == FillReason.DELISTED
    assert result.counters["delisted"] == 1


def test_r37_if_a_leg_is_denied_the_other_is_not_opened(simulate: Simulate) -> None:
    # R37: the second leg is below its minimum: the first is cancelled before it fills
    items = [spot(symbol="A"), spot(symbol="B", min_notional=500.0)]
    legs = [buy(10, instrument=0, group=1), buy(1, instrument=1, group=1)]
    result = simulate(market(still(100, 3), still(100, 3)), items, settings(), script={0: legs})

    assert fills(result) == []
    assert list(result.order_state) == [OrderState.CANCELLED, OrderState.DENIED]


def test_r37_if_a_leg_ends_unfilled_the_others_are_reduced_to_match(simulate: Simulate) -> None:
    # R37: A's room is 4 of 10 (IOC), B fills 10 in full: B gives back 6 at the next open
    items = [spot(symbol="A", participation=0.1), spot(symbol="B")]
    panel = market(still(100, 4), still(100, 4), volume=1e9)
    panel = replace(panel, volume=np.array([[40.0, 1e9]] * 4))
    legs = [
        buy(10, instrument=0, group=1, tif=TimeInForce.IOC),
        buy(10, instrument=1, group=1),
    ]
    result = simulate(panel, items, settings(), script={0: legs})

    assert fills(result) == near([(1, 4.0, 100.0), (1, 10.0, 100.0), (2, -6.0, 100.0)])
    assert result.fills.reason[2] == FillReason.GROUP


def test_r38_orders_fill_at_the_close_of_the_next_bar(simulate: Simulate) -> None:
    # R38: decided at row 0, filled at row 1's close of 110; the volume of 0 does not matter
    bars: list[Ohlc] = [FLAT, (110,) * 4, (120,) * 4]
    result = simulate(
        market(bars, volume=0.0),
        [spot(participation=0.1)],
        settings(close_only=True),
        targets=column(0.5, 0.5, 0.5),
    )

    assert fills(result) == near([(1, 50.0, 110.0)])
    assert result.equity[2] == pytest.approx(10_000 + 50 * 10)


def test_r38_funding_inside_the_bar_settles_before_the_fills(simulate: Simulate) -> None:
    # R38: bought at row 1's close; the stamp inside row 1 pays nothing, that inside row 2 pays
    # on the last close before the bar: 10 * 110 * 1 % = 11
    bars: list[Ohlc] = [FLAT, (110,) * 4, (120,) * 4]
    panel = market(
        bars,
        funding_ts=np.array([START + HOUR + 1, START + 2 * HOUR + 1]),
        funding_instrument=np.array([0, 0]),
        funding_rate=np.array([0.01, 0.01]),
    )
    result = simulate(panel, [spot(**PERP)], settings(close_only=True), script={0: [buy(10)]})

    assert result.funding[:, 0] == pytest.approx([0.0, 0.0, -11.0])


def test_r38_liquidation_is_tested_at_the_close(simulate: Simulate) -> None:
    # R38, R23: 900 at 100, 10x on 10,000: the close of 85 is too low: closed where nothing is left
    bars: list[Ohlc] = [FLAT, FLAT, (85,) * 4]
    result = simulate(
        market(bars), [spot(**PERP)], settings(close_only=True), script={0: [buy(900)]}
    )

    assert fills(result)[1] == pytest.approx((2, -900.0, 100 - 10_000 / 900))
    assert result.cash[2] == pytest.approx(0.0, abs=1e-9)


@pytest.mark.parametrize("order", [buy(1, limit=90.0), buy(1, stop_loss=0.1), buy(1, stop=110.0)])
def test_r38_orders_that_need_bars_are_refused(simulate: Simulate, order: object) -> None:
    with pytest.raises(ValueError, match="close-only"):
        simulate(market(still(100, 2)), [spot()], settings(close_only=True), script={0: [order]})


def test_r38_protective_exits_are_refused(simulate: Simulate) -> None:
    with pytest.raises(ValueError, match="close-only"):
        simulate(
            market(still(100, 2)),
            [spot()],
            settings(close_only=True, stop_loss=0.1),
            targets=column(1, 1),
        )


def test_r34_the_same_inputs_give_the_same_bits(simulate: Simulate) -> None:
    bars: list[Ohlc] = [FLAT, (101.37, 107.11, 93.93, 99.01), (99.01, 103.3, 90.1, 95.7)]
    runs = [
        simulate(
            market(bars),
            [spot(taker_fee=0.00073, slippage_bps=3.0)],
            settings(stop_loss=0.03, execution=ExecutionRule.MARKET),
            targets=column(1 / 3, 1 / 3, 1 / 3),
        )
        for _ in range(2)
    ]

    assert runs[0].equity.tobytes() == runs[1].equity.tobytes()
