"""Does an order execute at a price, and how: R15 at the open, stops, stop-limits."""

from __future__ import annotations

from dataclasses import dataclass

from tests.reference import protection
from tests.reference.account import State
from tests.reference.orders import Order
from tests.reference.rounding import (
    adverse,
    has_reached_stop,
    is_better_or_equal,
    trades_through,
)

from algotrader.execution.simulation import GapFill, OrderKind, OrderState


@dataclass(frozen=True, slots=True)
class Execution:
    """A price to fill at, before slippage."""

    price: float
    maker: bool
    slips: bool


def limit_price(state: State, order: Order, price: float) -> float:
    """A fill of a limit at a market price: adverse to the tick, never beyond the limit (R9)."""
    rounded = adverse(price, order.side, state.instruments[order.instrument].tick)
    return min(rounded, order.limit) if order.side > 0 else max(rounded, order.limit)


def trigger(state: State, order: Order) -> None:
    """A stop was reached. Its protection begins to exit."""
    order.is_triggered = True
    if order.guard is not None:
        protection.begin_exit(state, order)


def arrive(state: State, order: Order, price: float) -> Execution | None:
    """R14, R15: a limit that comes to the book while the price is there."""
    tick = state.instruments[order.instrument].tick
    if not is_better_or_equal(price, order.limit, order.side, tick):
        return None
    if order.post_only:
        state.counters["post_only_rejected"] += 1
        protection.end(state, order, OrderState.REJECTED)
        return None
    return Execution(limit_price(state, order, price), maker=False, slips=False)


def reach_stop(state: State, order: Order, price: float) -> Execution | None:
    """A stop is reached at a price: it becomes a market order, or arrives as a limit (R14)."""
    trigger(state, order)
    if order.kind == OrderKind.STOP_LIMIT:
        order.has_arrived = True
        return arrive(state, order, price)
    return Execution(price, maker=False, slips=True)


def fills_gaps_at_open(state: State, order: Order) -> bool:
    """R15: at the open on venues with an auction, at the limit on venues that never close."""
    rule = state.settings.gap_fill
    if rule == GapFill.BY_VENUE:
        return not state.instruments[order.instrument].never_closes
    return rule == GapFill.OPEN


def at_the_open(state: State, order: Order, price: float) -> Execution | None:
    """R7 (5): what executes at the open, and how; None if the order stays on the book."""
    tick = state.instruments[order.instrument].tick
    if protection.guards_nothing(state, order):
        return None
    if order.executes_as_market:
        return Execution(price, maker=False, slips=True)
    if order.waits_for_stop:
        level = protection.stop_level(state, order)
        if has_reached_stop(price, level, order.side, tick):
            return reach_stop(state, order, price)
        return None
    if not order.has_arrived:
        return arrive(state, order, price)
    if not trades_through(price, order.limit, order.side, tick):
        return None
    if fills_gaps_at_open(state, order):
        return Execution(limit_price(state, order, price), maker=True, slips=False)
    return Execution(order.limit, maker=True, slips=False)
