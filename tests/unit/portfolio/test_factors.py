"""Common factors, worked out by hand (R11, R37)."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

from tests.builders.books import SPOT, SWAP

from algotrader.core.instruments import FeeSchedule, Instrument, MarginSchedule
from algotrader.portfolio.factors import Increase, fit_to_cash, keep_in_step, smallest_factor

CHEAP = replace(SPOT, fees=FeeSchedule(taker=Decimal("0.01"), maker=Decimal(0)))


def increase(instrument: Instrument, quantity: str, price: float = 100.0, **rest: Any) -> Increase:
    return Increase(instrument=instrument, quantity=Decimal(quantity), price=price, **rest)


def test_what_can_be_paid_is_left_whole() -> None:
    assert fit_to_cash([increase(CHEAP, "2"), increase(CHEAP, "3")], 505.0) == (2, 3)


def test_all_increases_are_cut_by_one_factor_fees_included() -> None:
    # 2 and 3 units at 100 cost 505 with 1% of fee; 252.5 pay for half: 1 and 1.5.
    assert fit_to_cash([increase(CHEAP, "2"), increase(CHEAP, "3")], 252.5) == (1, Decimal("1.5"))


def test_a_maker_pays_the_makers_fee_and_a_fee_in_the_coin_costs_no_cash() -> None:
    assert fit_to_cash([increase(CHEAP, "2", is_maker=True)], 200.0) == (2,)
    assert fit_to_cash([increase(SPOT, "2")], 200.0) == (2,)
    assert fit_to_cash([increase(SPOT, "2", is_buy=False)], 200.0) == (Decimal("1.99"),)


def test_derivatives_cost_their_margin() -> None:
    # 1000 contracts of 0.01 at 100 are 1000 of notional, 100 of margin at 10x, 0.5 of fee.
    swap = replace(SWAP, margin=MarginSchedule(leverage=Decimal(10)))

    assert fit_to_cash([increase(swap, "1000")], 100.5) == (1000,)
    assert fit_to_cash([increase(swap, "1000")], 50.25) == (500,)


def test_a_minimum_fee_is_paid_before_anything_is_bought() -> None:
    dear = replace(SPOT, fees=FeeSchedule(taker=Decimal("0.001"), minimum=Decimal(5)))

    assert fit_to_cash([increase(dear, "2")], 105.0) == (1,)
    assert fit_to_cash([increase(dear, "2")], 4.0) == (0,)


def test_what_is_cut_below_the_minimum_is_dropped() -> None:
    assert fit_to_cash([increase(CHEAP, "2")], 4.0) == (0,)


def test_legs_of_a_group_fall_to_the_smallest_of_them() -> None:
    # Half is affordable: 0.5 of 1, and 3 of 7 contracts (3.5 truncated) -> 3/7 of 1 is 0.42.
    swap = replace(SWAP, multiplier=Decimal(1))
    legs = [increase(CHEAP, "1", group="pair"), increase(swap, "7", group="pair")]
    cost = 101.0 + 700.0 + 0.35

    assert fit_to_cash(legs, cost / 2) == (Decimal("0.42"), 3)


def test_only_legs_of_a_group_keep_step() -> None:
    kept = keep_in_step(
        [Decimal(10), Decimal(10), Decimal(10)],
        [Decimal(10), Decimal(5), Decimal(10)],
        [Decimal(1)] * 3,
        ["a", "a", None],
    )

    assert kept == (5, 5, 10)


def test_a_factor_is_between_nothing_and_all() -> None:
    assert smallest_factor([]) == 1
    assert smallest_factor([(Decimal(0), Decimal(0)), (Decimal(4), Decimal(6))]) == 1
    assert smallest_factor([(Decimal(4), Decimal(1)), (Decimal(4), Decimal(-1))]) == 0
