"""Several strategies on one account: what each gets of a fill, to the last unit (R27)."""

from __future__ import annotations

from decimal import Decimal

import pytest
from tests.builders.books import BTC, SPOT, SWAP, USDT, a_fill, cash, funding, liquidation

from algotrader.core.ids import StrategyId
from algotrader.portfolio.sub_ledgers import AccountLedger, split

TREND, PAIR, CARRY = StrategyId("trend"), StrategyId("pair"), StrategyId("carry")
ONE = Decimal(1)


def shares(**weights: str) -> dict[StrategyId, Decimal]:
    return {StrategyId(name): Decimal(weight) for name, weight in weights.items()}


def account(cash_each: str = "1000") -> AccountLedger:
    books = AccountLedger.open(USDT, [SPOT, SWAP], [TREND, PAIR])
    return books.apply_cash(cash(str(2 * Decimal(cash_each))), shares(trend="1", pair="1"))


@pytest.mark.parametrize(
    ("amount", "weights", "expected"),
    [
        ("10", {"trend": "1", "pair": "1"}, {"trend": "5", "pair": "5"}),
        # 10/3 each: 3 + 3 + 3, the unit left goes to the first name of equal remainders.
        (
            "10",
            {"trend": "1", "pair": "1", "carry": "1"},
            {"trend": "3", "pair": "3", "carry": "4"},
        ),
        ("5", {"trend": "2", "pair": "1"}, {"trend": "3", "pair": "2"}),  # 3.33 and 1.67
        ("2", {"trend": "3", "pair": "-1"}, {"trend": "3", "pair": "-1"}),
        ("1", {"trend": "3", "pair": "-1"}, {"trend": "1", "pair": "0"}),  # 1.5 and -0.5
        ("-3", {"trend": "-1", "pair": "-1"}, {"trend": "-2", "pair": "-1"}),
        ("2.5", {"trend": "1", "pair": "1"}, {"trend": "1", "pair": "1.5"}),
    ],
)
def test_a_quantity_is_split_pro_rata_and_sums_exactly(
    amount: str, weights: dict[str, str], expected: dict[str, str]
) -> None:
    parts = split(Decimal(amount), shares(**weights), ONE)

    assert parts == shares(**expected)


def test_weights_that_sum_to_zero_share_nothing() -> None:
    with pytest.raises(ValueError, match="sum to zero"):
        split(ONE, shares(trend="1", pair="-1"), ONE)


def test_a_fill_and_its_fee_are_shared_by_what_each_wanted() -> None:
    books = account().apply_fill(a_fill(SPOT, "0.03", "100", "0.003"), shares(trend="2", pair="1"))

    trend, pair = books.parts[TREND], books.parts[PAIR]
    assert trend.position(SPOT.symbol).quantity == Decimal("0.02")
    assert (trend.cash(), pair.cash()) == (Decimal("997.998"), Decimal("998.999"))
    assert books.whole.cash() == trend.cash() + pair.cash()


def test_who_wanted_the_other_side_traded_with_its_fellow_at_the_fills_price() -> None:
    books = account().apply_fill(a_fill(SWAP, "2", "100"), shares(trend="3", pair="-1"))

    assert books.parts[TREND].position(SWAP.symbol).quantity == 3
    assert books.parts[PAIR].position(SWAP.symbol).quantity == -1
    assert books.whole.position(SWAP.symbol).quantity == 2


def test_a_fee_in_the_coin_is_borne_by_those_who_received_it() -> None:
    held = account().apply_fill(a_fill(SPOT, "1", "100"), shares(pair="1"))
    fill = a_fill(SPOT, "2", "100", "0.002", fee_currency=BTC)

    books = held.apply_fill(fill, shares(trend="3", pair="-1"))

    assert books.parts[TREND].position(SPOT.symbol).quantity == Decimal("2.998")
    assert books.parts[PAIR].position(SPOT.symbol).quantity == 0


def test_strategies_that_want_opposite_things_trade_with_each_other_alone() -> None:
    books = account().cross(SPOT.symbol, Decimal(100), shares(trend="2", pair="-2"))

    assert books.parts[TREND].cash() == 800
    assert books.parts[PAIR].cash() == 1200
    assert books.whole.cash() == 2000
    with pytest.raises(ValueError, match="must sum to zero"):
        books.cross(SPOT.symbol, Decimal(100), shares(trend="2", pair="-1"))


def test_funding_goes_to_the_positions_it_was_settled_on() -> None:
    held = account().apply_fill(a_fill(SWAP, "2", "100"), shares(trend="3", pair="-1"))

    books = held.apply_funding(funding(SWAP, "-4"))

    assert (books.parts[TREND].cash(), books.parts[PAIR].cash()) == (994, 1002)
    assert books.whole.cash() == 1996


def test_a_bill_that_comes_when_its_position_is_gone_is_its_owners() -> None:
    books = account().apply_funding(funding(SWAP, "-4"), PAIR)

    assert (books.parts[TREND].cash(), books.parts[PAIR].cash()) == (1000, 996)
    with pytest.raises(ValueError, match="sum to zero"):
        account().apply_funding(funding(SWAP, "-4"))


def test_parts_sum_to_the_account_though_the_net_position_was_closed() -> None:
    # One buys 1 at 100, the other sells it at 150: the account realised 0.5 and holds nothing.
    books = account().apply_fill(a_fill(SWAP, "1", "100"), shares(trend="1"))
    books = books.apply_fill(a_fill(SWAP, "-1", "150"), shares(pair="1"))
    marks = {SWAP.symbol: Decimal(130)}

    whole = books.whole.statement(marks)
    together = books.parts[TREND].statement(marks) + books.parts[PAIR].statement(marks)

    assert (whole.realised, whole.unrealised) == (Decimal("0.5"), 0)
    assert (together.realised, together.unrealised) == (0, Decimal("0.5"))
    assert together.equity == whole.equity
    assert together.gap == 0


def test_a_strategy_of_another_account_owns_nothing_here() -> None:
    with pytest.raises(ValueError, match="carry does not trade on this account"):
        account().apply_fill(a_fill(SWAP, "1", "100"), {CARRY: ONE})


def test_a_liquidation_is_borne_by_what_each_held() -> None:
    # Held 4 and 2 contracts, 6 in all, closed at 90; a fee of 3 is shared as 2 and 1.
    held = account().apply_fill(a_fill(SWAP, "6", "100", "0"), shares(trend="4", pair="2"))

    books = held.apply_liquidation(liquidation(SWAP, "-6", "90", "3"))

    trend, pair = books.parts[TREND], books.parts[PAIR]
    assert trend.position(SWAP.symbol).quantity == pair.position(SWAP.symbol).quantity == 0
    assert books.whole.position(SWAP.symbol).quantity == 0
    lost = SWAP.multiplier * 10
    assert trend.cash() == Decimal("1000") - 4 * lost - 2
    assert pair.cash() == Decimal("1000") - 2 * lost - 1


def test_a_liquidation_of_what_nobody_holds_asks_for_reconciliation() -> None:
    with pytest.raises(ValueError, match="sum to zero"):
        account().apply_liquidation(liquidation(SWAP, "-6", "90", "3"))
