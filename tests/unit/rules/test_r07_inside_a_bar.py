"""R7: the order of work inside a bar. R8: equity."""

from __future__ import annotations

import numpy as np
import pytest
from tests.builders.small_market import (
    HOUR,
    START,
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

from algotrader.execution.simulation import (
    ExecutionRule,
    FillReason,
    InstrumentKind,
    MarginMode,
    OrderState,
)

PERP = {"kind": InstrumentKind.LINEAR, "leverage": 10.0}


def funding(*stamps: int, rate: float = 0.01) -> dict[str, np.ndarray]:
    return {
        "funding_ts": np.array(stamps, dtype=np.int64),
        "funding_instrument": np.zeros(len(stamps), dtype=np.int64),
        "funding_rate": np.full(len(stamps), rate),
    }


@pytest.mark.parametrize(
    ("stamp", "paid"),
    [
        # R7 (2): bought 2 at row 1's open; price 100 then 110 from row 2 on; rate 1 %
        (START + HOUR, [0.0, 0.0, 0.0]),  # equals the open: before the fill, nothing is held
        (START + HOUR + 1, [0.0, -2.0, 0.0]),  # inside: after the open's fills, 2 * 100 * 0.01
        (START + 2 * HOUR, [0.0, 0.0, -2.2]),  # at the next open, 2 * 110 * 0.01
        (START + 3 * HOUR, [0.0, 0.0, 0.0]),  # equals the end of the data: not in the run
    ],
)
def test_r7_a_funding_stamp_settles_before_or_after_the_opens_fills(
    simulate: Simulate, stamp: int, paid: list[float]
) -> None:
    bars = [(100, 100, 100, 100), (100, 100, 100, 100), (110, 110, 110, 110)]
    result = simulate(
        market(bars, **funding(stamp)), [spot(**PERP)], settings(), script={0: [buy(2)]}
    )

    assert result.funding[:, 0] == pytest.approx(paid)
    assert result.cash[-1] == pytest.approx(10_000.0 + sum(paid))


def test_r7_a_stamp_in_a_missing_row_settles_in_that_row_at_the_last_close(
    simulate: Simulate,
) -> None:
    # R7 (2): short 3 at 100; the stamp falls inside missing row 2: +3 * 105 * 1 % = 3.15
    bars = [(100, 100, 100, 100), (100, 105, 100, 105), None, (120, 120, 120, 120)]
    result = simulate(
        market(bars, **funding(START + 2 * HOUR + 5)),
        [spot(**PERP)],
        settings(),
        script={0: [sell(3)]},
    )

    assert result.funding[:, 0] == pytest.approx([0, 0, 3.15, 0])
    assert result.counters["funding_without_mark"] == 1


def test_r7_funding_uses_the_mark_where_there_is_one(simulate: Simulate) -> None:
    # R7 (2): long 2, mark opens at 104 while the price opens at 100: -2 * 104 * 1 % = -2.08
    marks = np.array([[100.0], [100.0], [104.0]])
    result = simulate(
        market(
            still(100, 3),
            **funding(START + 2 * HOUR),
            mark_open=marks,
            mark_high=marks,
            mark_low=marks,
            mark_close=marks,
        ),
        [spot(**PERP)],
        settings(),
        script={0: [buy(2)]},
    )

    assert result.funding[2, 0] == pytest.approx(-2.08)
    assert result.counters.get("funding_without_mark", 0) == 0


def test_r7_liquidation_at_the_open_comes_before_a_stop_at_the_open(simulate: Simulate) -> None:
    # R7 (4) before (5): isolated, entry 100, 10x, margin 10. The open at 80 is below both the
    # stop at 95 and the liquidation price (margin 10 - loss 20 <= 0): liquidated at 90,
    # where nothing is left of the margin, not stopped at 80.
    bars = [(100, 100, 100, 100), (100, 100, 100, 100), (80, 80, 80, 80)]
    result = simulate(
        market(bars),
        [spot(**PERP)],
        settings(margin_mode=MarginMode.ISOLATED),
        script={0: [buy(1, stop_loss=0.05)]},
    )

    assert fills(result) == near([(1, 1.0, 100.0), (2, -1.0, 90.0)])
    assert result.fills.reason[1] == FillReason.LIQUIDATION


def test_r7_reductions_of_all_instruments_come_first_then_increases(simulate: Simulate) -> None:
    # R7 (5): all 10,000 are in B. The decision sells B and buys A; A comes first by its name, but
    # the sale pays for it at the same open.
    script = {0: [buy(100, instrument=1)], 1: [buy(100, instrument=0), sell(100, instrument=1)]}
    result = simulate(
        market(still(100, 3), still(100, 3)),
        [spot(symbol="A"), spot(symbol="B")],
        settings(),
        script=script,
    )

    assert fills(result) == near([(1, 100.0, 100.0), (2, -100.0, 100.0), (2, 100.0, 100.0)])
    assert list(result.fills.instrument) == [1, 1, 0]


def test_r7_older_orders_take_participation_first_and_amending_renews_the_age(
    simulate: Simulate,
) -> None:
    # R7 (5), R20: room is 10 % of 100 = 10 a bar. Two orders of 8: the older gets 8, the newer 2.
    from algotrader.execution.simulation import AmendRequest

    plain = simulate(
        market(still(100, 2), volume=100.0),
        [spot(participation=0.1)],
        settings(),
        script={0: [buy(8), buy(8)]},
    )
    assert [(o, q) for o, q in zip(plain.fills.order, plain.fills.quantity, strict=True)] == [
        (0, pytest.approx(8.0)),
        (1, pytest.approx(2.0)),
    ]

    amended = simulate(
        market(still(100, 2), volume=100.0),
        [spot(participation=0.1)],
        settings(),
        script={0: [buy(7), buy(8), AmendRequest(order=0, quantity=8.0)]},
    )
    assert [(o, q) for o, q in zip(amended.fills.order, amended.fills.quantity, strict=True)] == [
        (1, pytest.approx(8.0)),
        (0, pytest.approx(2.0)),
    ]


def test_r7_cash_freed_inside_the_bar_can_be_spent_from_the_next_bar_on(
    simulate: Simulate,
) -> None:
    # R7: 100 A hold all the money. Row 2: the target at 110 sells A inside the bar; the limit
    # for B at 95 is met in the same bar, finds 0 free (the sale does not count) and is dropped.
    a = [(100, 100, 100, 100), (100, 100, 100, 100), (100, 112, 100, 110)]
    b = [(100, 100, 100, 100), (100, 100, 100, 100), (100, 100, 90, 92)]
    script = {0: [buy(100)], 1: [sell(100, limit=110.0), buy(10, instrument=1, limit=95.0)]}
    result = simulate(market(a, b), [spot(symbol="A"), spot(symbol="B")], settings(), script=script)

    assert fills(result) == near([(1, 100.0, 100.0), (2, -100.0, 110.0)])
    assert result.counters["cash_cut"] == 1


def test_r8_equity_of_spot_is_cash_and_the_last_close(simulate: Simulate) -> None:
    # R8: 10 bought at 100 with fee 0.1 % = 1: cash 8,999; close 103: 8,999 + 1,030 = 10,029
    bars = [(100, 100, 100, 100), (100, 103, 100, 103)]
    result = simulate(market(bars), [spot(taker_fee=0.001)], settings(), script={0: [buy(10)]})

    assert result.cash[1] == pytest.approx(8_999.0)
    assert result.equity[1] == pytest.approx(10_029.0)


def test_r8_a_derivative_moves_cash_by_realised_profit_at_average_cost(simulate: Simulate) -> None:
    # R8: short 2 at 100 and 2 at 110: average 105. 1 bought back at 90: realised 15.
    # Then 3 short remain at 105, close 80: unrealised 75. Multiplier 0.1 scales all by 0.1.
    bars = [
        (100, 100, 100, 100),
        (100, 100, 100, 100),
        (110, 110, 110, 110),
        (90, 90, 80, 80),
    ]
    script = {0: [sell(2)], 1: [sell(2)], 2: [buy(1)]}
    result = simulate(market(bars), [spot(**PERP, multiplier=0.1)], settings(), script=script)

    assert result.cash[3] == pytest.approx(10_001.5)
    assert result.equity[3] == pytest.approx(10_001.5 + 7.5)


def test_r8_inverse_contracts_earn_the_coin(simulate: Simulate) -> None:
    # R8: 100 contracts of 100 USD from 40,000 to 44,000: 100 * 100 * (1/40,000 - 1/44,000) coins
    bars = [(40_000,) * 4, (40_000, 44_000, 40_000, 44_000)]
    item = spot(kind=InstrumentKind.INVERSE, multiplier=100.0, lot=1.0, leverage=10.0)
    result = simulate(market(bars), [item], settings(cash=1.0), script={0: [buy(100)]})

    assert result.equity[1] == pytest.approx(1.0 + 0.022727272727272752, abs=1e-12)
    assert result.cash[1] == pytest.approx(1.0)


def test_r8_an_inverse_position_added_to_keeps_its_profit(simulate: Simulate) -> None:
    # R8: 100 at 40,000 and 100 at 50,000, multiplier 100; both closed at 50,000:
    # only the first earned: 10,000 * (1/40,000 - 1/50,000) = 0.25 - 0.2 = 0.05
    bars = [(40_000,) * 4, (40_000,) * 4, (50_000,) * 4, (50_000,) * 4]
    item = spot(kind=InstrumentKind.INVERSE, multiplier=100.0, lot=1.0, leverage=10.0)
    script = {0: [buy(100)], 1: [buy(100)], 2: [sell(200)]}
    result = simulate(market(bars), [item], settings(cash=1.0), script=script)

    assert result.cash[3] == pytest.approx(1.05, abs=1e-12)


def test_r8_the_cash_buffer_is_left_out_of_sizing_but_explicit_orders_may_spend_it(
    simulate: Simulate,
) -> None:
    # R8: 10,000 * (1 - 0.1) / 100 = 90 by target; an order of 100 spends the buffer too
    by_target = simulate(
        market(still(100, 2)),
        [spot()],
        settings(cash_buffer=0.1, execution=ExecutionRule.MARKET),
        targets=np.ones((2, 1)),
    )
    explicit = simulate(
        market(still(100, 2)), [spot()], settings(cash_buffer=0.1), script={0: [buy(100)]}
    )

    assert fills(by_target) == near([(1, 90.0, 100.0)])
    assert fills(explicit) == near([(1, 100.0, 100.0)])


def test_r8_without_equity_nothing_is_opened(simulate: Simulate) -> None:
    # R8: 0.5 bought for 50 + minimum fee 50: cash 0. Sold at 10 for 5 - 50: equity -45. Then a
    # target of 1 has size 0 and is no order, and an explicit buy is denied.
    bars = [(100,) * 4, (100, 100, 10, 10), (10,) * 4, (10,) * 4]
    result = simulate(
        market(bars),
        [spot(taker_fee=0.001, min_fee=50.0)],
        settings(cash=100.0, execution=ExecutionRule.MARKET),
        targets=np.array([[np.nan], [np.nan], [1.0], [1.0]]),
        script={0: [buy(0.5)], 1: [sell(0.5)], 2: [buy(1)]},
    )

    assert fills(result) == near([(1, 0.5, 100.0), (2, -0.5, 10.0)])
    assert result.equity[2] == pytest.approx(-45.0)
    assert result.order_state[2] == OrderState.DENIED
