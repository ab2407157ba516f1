"""Intents of a decision: legs, caps, order, groups (R9, R11, R13, R37)."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

from tests.builders.books import ACCOUNT, NOON, SPOT, SWAP

from algotrader.core.ids import StrategyId
from algotrader.core.instruments import Instrument
from algotrader.core.orders import Intent, OrderKind, Purpose, TimeInForce
from algotrader.core.symbols import Symbol
from algotrader.portfolio.intents import BelowMinimum, Execution, Origin, targets_to_intents
from algotrader.portfolio.sizing import SizingBasis, SizingRules

ETH = replace(SPOT, symbol=Symbol.parse("OKX:ETH/USDT"), base="ETH")


def intents(
    weights: dict[Instrument, float],
    held: dict[Instrument, str] | None = None,
    *,
    execution: Execution = Execution.MARKET,
    groups: dict[Symbol, str] | None = None,
    **rules: Any,
) -> list[Intent | BelowMinimum]:
    basis = SizingBasis(
        equity=Decimal(1000),
        prices={instrument.symbol: 100.0 for instrument in weights},
        positions={i.symbol: Decimal(quantity) for i, quantity in (held or {}).items()},
        instruments={instrument.symbol: instrument for instrument in weights},
    )
    origin = Origin(
        account=ACCOUNT, strategy=StrategyId("trend"), decided_at=NOON, execution=execution
    )
    acted = {instrument.symbol: weight for instrument, weight in weights.items()}
    return list(targets_to_intents(acted, basis, SizingRules(**rules), origin, groups=groups))


def told(orders: list[Intent | BelowMinimum]) -> list[tuple[str, str]]:
    return [
        (str(order.terms.instrument), str(order.terms.signed_quantity))
        for order in orders
        if isinstance(order, Intent)
    ]


def test_reductions_come_before_increases_and_each_half_in_the_order_of_symbols() -> None:
    orders = intents({SPOT: 0.5, ETH: 0.2, SWAP: -0.5}, {ETH: "5"})

    assert told(orders) == [
        ("OKX:ETH/USDT", "-3.00"),
        ("OKX:BTC/USDT", "5.00"),
        ("OKX:BTC/USDT:USDT", "-500"),
    ]


def test_an_intent_says_whose_decision_it_was() -> None:
    (order,) = intents({SPOT: 0.5})

    assert isinstance(order, Intent)
    assert (order.account, order.strategy, order.decided_at) == (ACCOUNT, "trend", NOON)
    assert (order.purpose, order.terms.kind) == (Purpose.TARGET, OrderKind.MARKET)
    assert not order.terms.reduce_only


def test_what_is_below_the_minimum_is_returned_and_not_dropped() -> None:
    (small,) = intents({SPOT: 0.004})

    assert isinstance(small, BelowMinimum)
    assert small.symbol == SPOT.symbol


def test_a_capped_increase_is_a_limit_half_a_percent_from_the_close() -> None:
    bought, sold = intents({SPOT: 0.5, SWAP: -0.5}, execution=Execution.CAPPED)

    assert isinstance(bought, Intent)
    assert isinstance(sold, Intent)
    assert (bought.terms.limit, sold.terms.limit) == (Decimal("100.5"), Decimal("99.5"))
    assert bought.terms.tif is TimeInForce.IOC


def test_a_capped_reduction_has_no_cap() -> None:
    (order,) = intents({SPOT: 0.2}, {SPOT: "5"}, execution=Execution.CAPPED)

    assert isinstance(order, Intent)
    assert (order.terms.limit, order.terms.reduce_only) == (None, True)


def test_a_capped_flip_closes_at_once_and_opens_with_the_cap() -> None:
    close, reopen = intents({SWAP: -0.5}, {SWAP: "500"}, execution=Execution.CAPPED)

    assert isinstance(close, Intent)
    assert isinstance(reopen, Intent)
    assert (close.terms.signed_quantity, close.terms.limit, close.leg) == (-500, None, 0)
    assert (reopen.terms.signed_quantity, reopen.terms.limit) == (-500, Decimal("99.5"))
    assert (close.terms.reduce_only, reopen.terms.reduce_only, reopen.leg) == (True, False, 1)


def test_a_market_flip_is_one_order() -> None:
    (order,) = intents({SWAP: -0.5}, {SWAP: "500"})

    assert isinstance(order, Intent)
    assert (order.terms.signed_quantity, order.terms.reduce_only) == (-1000, False)


def test_legs_of_a_group_share_the_smallest_factor() -> None:
    # The spot leg is cut from 8 to 4 units by its limit; the swap follows to half of its 800.
    pair = dict.fromkeys((SPOT.symbol, SWAP.symbol), "carry")

    orders = intents({SPOT: 0.8, SWAP: -0.8, ETH: 0.1}, groups=pair, max_notional=400.0)
    cut = intents({SPOT: 0.8, SWAP: -0.3, ETH: 0.1}, groups=pair, max_notional=400.0)

    assert told(orders) == [
        ("OKX:BTC/USDT", "4.00"),
        ("OKX:BTC/USDT:USDT", "-400"),
        ("OKX:ETH/USDT", "1.00"),
    ]
    assert told(cut)[1] == ("OKX:BTC/USDT:USDT", "-150")


def test_a_leg_below_the_minimum_keeps_its_fellow_from_entering_alone() -> None:
    pair = dict.fromkeys((SPOT.symbol, SWAP.symbol), "carry")

    orders = intents({SPOT: 0.004, SWAP: -0.5}, groups=pair)

    assert told(orders) == []
    assert [order.symbol for order in orders if isinstance(order, BelowMinimum)] == [
        SPOT.symbol,
        SWAP.symbol,
    ]


def test_a_leg_that_falls_under_its_minimum_by_the_factor_takes_the_other_along() -> None:
    # The swap may be 100 of 1000; a tenth of the spot leg's 0.4 is 4 USDT, under the minimum.
    pair = dict.fromkeys((SPOT.symbol, SWAP.symbol), "carry")

    orders = intents({SPOT: 0.04, SWAP: -1.0}, groups=pair, max_notional=100.0)

    assert told(orders) == []


def test_legs_that_leave_are_never_held_back_by_a_group() -> None:
    pair = dict.fromkeys((SPOT.symbol, SWAP.symbol), "carry")

    orders = intents({SPOT: 0.0, SWAP: -0.002}, {SPOT: "5"}, groups=pair)

    assert told(orders) == [("OKX:BTC/USDT", "-5.00"), ("OKX:BTC/USDT:USDT", "-2")]


def test_a_flip_in_a_group_whose_fellow_may_not_enter_still_closes() -> None:
    pair = dict.fromkeys((SPOT.symbol, SWAP.symbol), "carry")

    orders = intents({SPOT: 0.004, SWAP: -0.5}, {SWAP: "500"}, groups=pair)

    assert told(orders) == [("OKX:BTC/USDT:USDT", "-500")]
