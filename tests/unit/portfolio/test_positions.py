"""Positions by average cost, with numbers worked out by hand (R8, R12)."""

from __future__ import annotations

from decimal import Decimal

import pytest
from tests.builders.books import INVERSE, SHARE, SPOT, SWAP

from algotrader.core.instruments import Instrument
from algotrader.portfolio.positions import Booking, Contract, Position


def position(instrument: Instrument, *trades: tuple[str, str]) -> Position:
    held = Position(contract=Contract.of(instrument))
    for quantity, price in trades:
        held = held.trade(Decimal(quantity), Decimal(price))
    return held


def test_each_kind_of_instrument_is_booked_its_own_way() -> None:
    kinds = [Contract.of(instrument).booking for instrument in (SPOT, SHARE, SWAP, INVERSE)]

    assert kinds == [Booking.SPOT, Booking.SPOT, Booking.LINEAR, Booking.INVERSE]


def test_adding_averages_the_cost() -> None:
    held = position(SPOT, ("1", "100"), ("3", "120"))

    assert held.entry == Decimal(115)  # (100 + 360) / 4
    assert held.unrealised(Decimal(125)) == Decimal(40)
    assert held.value(Decimal(125)) == Decimal(500)


def test_selling_part_of_a_long_books_profit_and_keeps_the_entry_price() -> None:
    held = position(SPOT, ("2", "100"), ("-0.5", "120"))

    assert (held.quantity, held.entry, held.realised) == (Decimal("1.5"), 100, 10)


def test_a_flip_closes_then_opens_at_the_same_price() -> None:
    # 2 contracts of 0.01 from 100 to 130: 2 x 0.01 x 30 = 0.60; 3 are opened short at 130.
    held = position(SWAP, ("2", "100"), ("-5", "130"))

    assert (held.quantity, held.entry, held.realised) == (-3, 130, Decimal("0.6"))
    assert held.value(Decimal(120)) == Decimal("0.3")


def test_a_short_earns_when_the_price_falls() -> None:
    held = position(SWAP, ("-10", "100"), ("4", "90"))

    assert (held.quantity, held.entry, held.realised) == (-6, 100, Decimal("0.4"))


def test_inverse_contracts_earn_coins_and_average_harmonically() -> None:
    # 1 contract of 100 USD at 100 and one at 200: 1 + 0.5 coins for 200 USD, entry 133.33.
    held = position(INVERSE, ("1", "100"), ("1", "200"))

    assert held.entry is not None
    assert held.entry == pytest.approx(Decimal(400) / 3)
    assert held.unrealised(Decimal(400)) == 1  # 1.5 coins of cost - 200 / 400
    assert held.trade(Decimal(-2), Decimal(400)).realised == 1


def test_closing_what_was_bought_leaves_nothing_at_all() -> None:
    held = position(SPOT, ("0.3", "0.7"), ("0.7", "0.9"), ("-0.1", "3"), ("-0.9", "0.31"))

    assert (held.quantity, held.cost, held.entry) == (0, 0, None)


def test_nothing_traded_changes_nothing() -> None:
    held = position(SPOT, ("1", "100"))

    assert held.trade(Decimal(0), Decimal(50)) is held
