"""R23: golden margin cases, each worked out by hand.

Names: q quantity, e entry, M margin or wallet, r maintenance rate, l liquidation fee rate.
Isolated long, linear: liquidated where M + q (p - e) = q p (r + l), and closed where nothing of M
is left after the fee on the notional at the mark.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from tests.builders.small_market import (
    HOUR,
    START,
    Ohlc,
    Simulate,
    buy,
    fills,
    market,
    near,
    sell,
    settings,
    spot,
    still,
)

from algotrader.execution.simulation import FillReason, InstrumentKind, MarginMode, OrderState

LINEAR = InstrumentKind.LINEAR
INVERSE = InstrumentKind.INVERSE
ISOLATED = MarginMode.ISOLATED
CROSS = MarginMode.CROSS


def perp(rate: float = 0.0, fee: float = 0.0, **changes: object):
    """A perpetual with one maintenance rate for every size, without a tick."""
    values = {"kind": LINEAR, "leverage": 10.0, "tick": 0.0, "tiers": ((1e12, rate),)}
    return spot(**{**values, "liquidation_fee": fee, **changes})


def falls_to(low: float, at: float = 100.0) -> list[Ohlc]:
    """Two still bars, then one that falls to `low` and comes back."""
    return [(at,) * 4, (at,) * 4, (at, at, low, at)]


def rises_to(high: float, at: float = 100.0) -> list[Ohlc]:
    return [(at,) * 4, (at,) * 4, (at, high, at, at)]


def is_liquidated(result) -> bool:
    return FillReason.LIQUIDATION in list(result.fills.reason)


# Each: (name, item, mode, cash, signed quantity, the mark at which it is liquidated, close price)
POINTS = [
    # 1. isolated long 10x, no rates: M = 10, 10 + (p - 100) = 0: 90; nothing left at 90
    ("long 10x", perp(), ISOLATED, 10_000.0, 1, 90.0, 90.0),
    # 2. isolated short 10x: 10 + (100 - p) = 0: 110
    ("short 10x", perp(), ISOLATED, 10_000.0, -1, 110.0, 110.0),
    # 3. r = 0.4 %: 10 + p - 100 = 0.004 p: 90 / 0.996 = 90.361446; closed at 90
    ("long 10x r", perp(0.004), ISOLATED, 10_000.0, 1, 90 / 0.996, 90.0),
    # 4. short, r = 0.4 %: 110 - p = 0.004 p: 110 / 1.004 = 109.561753; closed at 110
    ("short 10x r", perp(0.004), ISOLATED, 10_000.0, -1, 110 / 1.004, 110.0),
    # 5. r = 0.4 %, l = 1 %: p = 90 / 0.986 = 91.277890, fee 0.912779: closed at 90.912779
    ("long fee", perp(0.004, 0.01), ISOLATED, 10_000.0, 1, 90 / 0.986, 90 + 0.9 / 0.986),
    # 6. short with both: p = 110 / 1.014 = 108.481262; fee 1.084813: closed at 108.915187
    ("short fee", perp(0.004, 0.01), ISOLATED, 10_000.0, -1, 110 / 1.014, 110 - 1.1 / 1.014),
    # 7. isolated long 5x, r = 1 %: M = 20: p = 80 / 0.99 = 80.808081; closed at 80
    ("long 5x", perp(0.01, leverage=5.0), ISOLATED, 10_000.0, 1, 80 / 0.99, 80.0),
    # 8. multiplier 0.01, 100 contracts are 1 unit: as case 3
    ("multiplier", perp(0.004, multiplier=0.01), ISOLATED, 10_000.0, 100, 90 / 0.996, 90.0),
    # 9. cross long: wallet 1,000, 50 at 100: 1,000 + 50 (p - 100) = 0.01 * 50 p:
    #    4,000 / 49.5 = 80.808081; left there 404.040404 = 10 % of the notional... of 4,040.40404:
    #    fraction 0.01: closed at 80.808081 * 0.99 = 80
    ("cross long", perp(0.01), CROSS, 1_000.0, 50, 4_000 / 49.5, 80.0),
    # 10. cross short: 1,000 + 50 (100 - p) = 0.5 p: 6,000 / 50.5 = 118.811881; closed at 120
    ("cross short", perp(0.01), CROSS, 1_000.0, -50, 6_000 / 50.5, 120.0),
    # 11. cross long with l = 2 %: 4,000 / (50 * 0.97) = 82.474227; the fee 82.474227 is paid:
    #     50 (p - 100) + 1,000 = 82.474227: closed at 81.649485
    ("cross fee", perp(0.01, 0.02), CROSS, 1_000.0, 50, 4_000 / 48.5, 80 + 4_000 / 48.5 * 0.02),
    # 12. isolated inverse long: 100 of 100 USD at 40,000: notional 0.25, M = 0.025 (10x), r = 1 %:
    #     0.025 + 10,000 (1/40,000 - 1/p) = 100 / p: 0.275 = 10,100 / p: 36,727.2727;
    #     closed where 10,000 (1/40,000 - 1/x) = -0.025: x = 10,000 / 0.275 = 36,363.6364
    (
        "inverse long",
        perp(0.01, kind=INVERSE, multiplier=100.0, lot=1.0),
        ISOLATED,
        1.0,
        100,
        10_100 / 0.275,
        10_000 / 0.275,
    ),
    # 13. isolated inverse short: 0.025 + 10,000 (1/p - 1/40,000) = 100 / p: 9,900 / p = 0.225:
    #     44,000; closed where 10,000 (1/x - 1/40,000) = -0.025: x = 10,000 / 0.225 = 44,444.4444
    (
        "inverse short",
        perp(0.01, kind=INVERSE, multiplier=100.0, lot=1.0),
        ISOLATED,
        1.0,
        -100,
        9_900 / 0.225,
        10_000 / 0.225,
    ),
    # 14. cross inverse long: wallet 0.05 coins: 0.05 + 0.25 - 10,000 / p = 100 / p:
    #     10,100 / 0.3 = 33,666.6667; closed at 10,000 / 0.3 = 33,333.3333
    (
        "inverse cross",
        perp(0.01, kind=INVERSE, multiplier=100.0, lot=1.0),
        CROSS,
        0.05,
        100,
        10_100 / 0.3,
        10_000 / 0.3,
    ),
    # 15. tiers: 1 % up to 9,500, 5 % above. Long 100 at 100 (10,000), M = 1,000 (10x).
    #     At 5 %: 1,000 + 100 p - 10,000 = 5 p: p = 94.736842 = notional 9,473.68, which is in the
    #     first tier. At 95 (9,500, the bound is included) the rate is 1 %: 1,000 - 500 > 95. So:
    #     9,000 / 99 = 90.909091; closed at 90
    (
        "tier below",
        perp(tiers=((9_500.0, 0.01), (1e12, 0.05))),
        ISOLATED,
        10_000.0,
        100,
        9_000 / 99,
        90.0,
    ),
    # 16. tiers: a short grows into the next one: 1 % up to 10,500, 6 % above. 100 at 100:
    #     above 105: 1,000 + 10,000 - 100 p = 6 p: p = 103.77 < 105: liquidated just above 105
    #     (at 105 itself 1,000 - 500 = 500 > 105); closed at 110
    (
        "tier jump",
        perp(tiers=((10_500.0, 0.01), (1e12, 0.06))),
        ISOLATED,
        10_000.0,
        -100,
        105.0,
        110.0,
    ),
    # 17. the last rate holds above the last bound: only (5,000, 2 %): 9,000 / 98 = 91.836735
    ("above", perp(tiers=((5_000.0, 0.02),)), ISOLATED, 10_000.0, 100, 9_000 / 98, 90.0),
]


@pytest.mark.parametrize(
    ("item", "mode", "cash", "quantity", "point", "price"),
    [p[1:] for p in POINTS],
    ids=[p[0] for p in POINTS],
)
def test_promise_18_r23_a_position_is_liquidated_at_its_point_and_not_before(
    simulate: Simulate,
    item: object,
    mode: MarginMode,
    cash: float,
    quantity: float,
    point: float,
    price: float,
) -> None:
    entry = 40_000.0 if item.kind == INVERSE else 100.0  # type: ignore[attr-defined]
    order = buy(quantity) if quantity > 0 else sell(-quantity)
    side = 1 if quantity > 0 else -1
    bars = falls_to if side > 0 else rises_to

    def run(extreme: float):
        return simulate(
            market(bars(extreme, entry)),
            [item],
            settings(margin_mode=mode, cash=cash),
            script={0: [order]},
        )

    before = run(point * (1 + side * 1e-7))
    beyond = run(point * (1 - side * 1e-7))

    assert not is_liquidated(before)
    assert fills(beyond)[1] == pytest.approx((2, -quantity, price), rel=1e-6)
    assert beyond.counters["liquidations"] == 1


def test_r23_the_published_isolated_price_is_met(simulate: Simulate, shared_data: Path) -> None:
    # 18. entry 30,000, 10x, r = 0.4 %: 27,000 / 0.996 = 27,108.433735
    cases = json.loads((shared_data / "golden" / "golden.json").read_text())["cases"]
    case = next(c for c in cases if c["id"] == "liq_isolated_long")
    point = case["expected"]
    item = perp(case["input"]["mmr"], leverage=float(case["input"]["lev"]))

    def run(low: float):
        return simulate(
            market(falls_to(low, float(case["input"]["entry"]))),
            [item],
            settings(margin_mode=ISOLATED, cash=100_000.0),
            script={0: [buy(1)]},
        )

    assert point == pytest.approx(27_000 / 0.996)
    assert not is_liquidated(run(point + 0.001))
    assert is_liquidated(run(point - 0.001))


def test_r23_isolated_loses_its_margin_and_no_more(simulate: Simulate) -> None:
    # 19. 1 at 100, 10x, opening fee 1 (1 %): wallet 9,999; liquidated: loses 10, whatever the low
    item = perp(0.004, 0.01, taker_fee=0.01)
    result = simulate(
        market(falls_to(40.0)),
        [item],
        settings(margin_mode=ISOLATED),
        script={0: [buy(1)]},
    )

    assert result.cash[2] == pytest.approx(10_000 - 1 - 10)


def test_r23_a_gap_beyond_is_the_venues_loss(simulate: Simulate) -> None:
    # 20. cross, wallet 1,000, 50 at 100; the open at 60 owes 2,000: closed at 80, nothing is left
    bars: list[Ohlc] = [(100,) * 4, (100,) * 4, (60,) * 4]
    result = simulate(market(bars), [perp()], settings(cash=1_000.0), script={0: [buy(50)]})

    assert fills(result)[1] == pytest.approx((2, -50.0, 80.0))
    assert result.cash[2] == pytest.approx(0.0, abs=1e-9)


def test_promise_18_r23_cross_positions_are_liquidated_together_at_one_fraction(
    simulate: Simulate,
) -> None:
    # 21. wallet 1,000; A long 30 at 100, B short 20 at 100 (r = 1 %). A falls to 50, B stays:
    #     1,000 + 30 (p - 100) = 0.3 p + 20: 2,020 / 29.7 = 68.013468. Margin equity there
    #     40.404040, notional 2,040.404040 + 2,000: fraction 0.01: A at 67.333333, B at 101
    bars_a, bars_b = falls_to(50.0), still(100, 3)
    items = [perp(0.01, symbol="A"), perp(0.01, symbol="B")]
    result = simulate(
        market(bars_a, bars_b),
        items,
        settings(cash=1_000.0),
        script={0: [buy(30, instrument=0), sell(20, instrument=1)]},
    )

    assert fills(result)[2:] == [
        pytest.approx((2, -30.0, 2_020 / 29.7 * 0.99)),
        pytest.approx((2, 20.0, 101.0)),
    ]
    assert result.cash[2] == pytest.approx(0.0, abs=1e-9)
    assert result.counters["liquidations"] == 2


def test_r17_a_liquidation_that_an_entry_makes_possible_makes_the_bar_ambiguous(
    simulate: Simulate,
) -> None:
    # R17, R23: wallet 1,000 (r = 1 %). Long 10 A at 100, whose bar 90 to 110 alone could take 100.
    # B's limit buys 50 at 95; on the first leg A is 100 - 10 s, B 100 - 50 s. Liquidated where
    # 1,000 - 100 s + 50 (5 - 50 s) = 0.01 (1,000 - 100 s + 5,000 - 2,500 s): s = 1,190 / 2,574.
    # What is left is 1 % of the notional: A at 0.99 (100 - 10 s). With its high first A would be
    # sold where it rises, so its one fill is ambiguous too.
    bars_a = [(100, 100, 100, 100), (100, 100, 100, 100), (100, 110, 90, 100)]
    bars_b = [(100, 100, 100, 100), (100, 100, 100, 100), (100, 100, 50, 100)]
    result = simulate(
        market(bars_a, bars_b),
        [perp(0.01, symbol="A"), perp(0.01, symbol="B")],
        settings(cash=1_000.0),
        script={0: [buy(10, instrument=0), buy(50, instrument=1, limit=95.0)]},
    )

    s = 1_190 / 2_574
    assert fills(result) == near(
        [
            (1, 10.0, 100.0),
            (2, 50.0, 95.0),
            (2, -10.0, 0.99 * (100 - 10 * s)),
            (2, -50.0, 0.99 * (100 - 50 * s)),
        ]
    )
    assert list(result.fills.ambiguous) == [False, True, True, True]
    assert result.counters["ambiguous_bars"] == 2


def test_r23_an_isolated_liquidation_leaves_the_others_alone(simulate: Simulate) -> None:
    # 22. as case 21 but isolated: A is liquidated at 90.909091 (10 + p - 100 = 0.01 p), B stays
    items = [perp(0.01, symbol="A"), perp(0.01, symbol="B")]
    result = simulate(
        market(falls_to(50.0), still(100, 3)),
        items,
        settings(cash=1_000.0, margin_mode=ISOLATED),
        script={0: [buy(30, instrument=0), sell(20, instrument=1)]},
    )

    assert fills(result)[2:] == [pytest.approx((2, -30.0, 90.0))]
    assert result.position[2, 1] == pytest.approx(-20.0)


def test_r23_funding_moves_the_isolated_margin(simulate: Simulate) -> None:
    # 23. long 1 at 100, 10x, M = 10; funding of 5 % paid inside row 1: M = 5: liquidated at 95
    #     (without it at 90); the wallet has paid 5 and 5
    panel = market(
        falls_to(94.0),
        funding_ts=np.array([START + HOUR + 1]),
        funding_instrument=np.array([0]),
        funding_rate=np.array([0.05]),
    )
    result = simulate(panel, [perp()], settings(margin_mode=ISOLATED), script={0: [buy(1)]})

    assert fills(result)[1] == pytest.approx((2, -1.0, 95.0))
    assert result.cash[2] == pytest.approx(9_990.0)


def test_r23_a_reduction_releases_margin_pro_rata(simulate: Simulate) -> None:
    # 24. long 2 at 100 (M = 20), 1 sold at 100: M = 10 for 1: still liquidated at 90
    bars: list[Ohlc] = [(100,) * 4, (100,) * 4, (100,) * 4, (100, 100, 89.9, 95)]
    result = simulate(
        market(bars),
        [perp()],
        settings(margin_mode=ISOLATED),
        script={0: [buy(2)], 1: [sell(1)]},
    )

    assert fills(result)[2] == pytest.approx((3, -1.0, 90.0))


def test_r23_marks_decide_not_prices(simulate: Simulate) -> None:
    # 25. the price falls to 80, the mark only to 91: no liquidation at 90
    marks = {
        "mark_open": np.full((3, 1), 100.0),
        "mark_high": np.full((3, 1), 100.0),
        "mark_low": np.array([[100.0], [100.0], [91.0]]),
        "mark_close": np.full((3, 1), 100.0),
    }
    safe = simulate(
        market(falls_to(80.0), **marks),
        [perp()],
        settings(margin_mode=ISOLATED),
        script={0: [buy(1)]},
    )
    marks["mark_low"] = np.array([[100.0], [100.0], [89.0]])
    hit = simulate(
        market(falls_to(95.0), **marks),
        [perp()],
        settings(margin_mode=ISOLATED),
        script={0: [buy(1)]},
    )

    assert not is_liquidated(safe)
    assert fills(hit)[1] == pytest.approx((2, -1.0, 90.0))


@pytest.mark.parametrize(
    ("stop", "reason", "price"),
    [
        (92.0, FillReason.STOP_LOSS, 92.0),  # reached before 90
        (90.0, FillReason.STOP_LOSS, 90.0),  # at the same point the stop acts first
        (88.0, FillReason.LIQUIDATION, 90.0),  # the liquidation comes first
    ],
)
def test_r23_inside_the_bar_a_stop_at_the_same_or_an_earlier_point_acts_first(
    simulate: Simulate, stop: float, reason: FillReason, price: float
) -> None:
    # 26. long 1 at 100, 10x isolated, liquidated at 90
    result = simulate(
        market(falls_to(80.0)),
        [perp(tick=0.01)],
        settings(margin_mode=ISOLATED),
        script={0: [buy(1, stop_loss=1 - stop / 100)]},
    )

    assert fills(result)[1] == pytest.approx((2, -1.0, price))
    assert result.fills.reason[1] == reason


def test_r23_a_liquidation_cancels_the_orders(simulate: Simulate) -> None:
    # 27. the limit at 85 would be met after the liquidation at 90
    script = {0: [buy(1), buy(1, limit=85.0)]}
    result = simulate(
        market(falls_to(80.0)), [perp()], settings(margin_mode=ISOLATED), script=script
    )

    assert len(fills(result)) == 2
    assert result.order_state[1] == OrderState.CANCELLED


def test_r23_spot_is_no_collateral(simulate: Simulate) -> None:
    # 28. 9,000 in spot A, wallet 1,000: B long 50 at 100 is liquidated as if A were not there
    #     (at 80), and A is kept
    items = [spot(symbol="A"), perp(symbol="B")]
    result = simulate(
        market(still(100, 3), falls_to(70.0)),
        items,
        settings(),
        script={0: [buy(90, instrument=0), buy(50, instrument=1)]},
    )

    assert fills(result)[2] == pytest.approx((2, -50.0, 80.0))
    assert result.position[2, 0] == pytest.approx(90.0)
    assert result.equity[2] == pytest.approx(9_000.0)
