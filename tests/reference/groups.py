"""R37: orders with the same group are legs of one decision."""

from __future__ import annotations

import math

from tests.reference import protection
from tests.reference.account import State
from tests.reference.orders import Order
from tests.reference.rounding import HAIR, whole_lots

from algotrader.execution.simulation import FillReason, OrderKind, OrderState

GroupKey = tuple[int, int]  # the number of the group, the row of the decision


def key_of(order: Order) -> GroupKey | None:
    return None if order.group is None else (order.group, order.decided_row)


def share_smallest_factor(state: State, allowed: dict[int, int], wanted: dict[int, int]) -> None:
    """After all cuts of an open, the legs share the smallest factor of their legs."""
    factors: dict[GroupKey, float] = {}
    for number, lots in allowed.items():
        key = key_of(state.orders[number])
        if key is not None:
            factors[key] = min(factors.get(key, 1.0), lots / wanted[number])
    for number in allowed:
        key = key_of(state.orders[number])
        if key is not None:
            share = whole_lots(factors[key] * wanted[number])
            allowed[number] = min(allowed[number], share)


def match_legs(state: State) -> None:
    """If one leg ends unfilled, the others are reduced to match within one step.

    A leg that is stopped before it was sized (R33) has ended unfilled: then once more.
    """
    before = -1
    while before != (still_open := sum(o.group is not None for o in state.orders.values())):
        before = still_open
        match_once(state)


def match_once(state: State) -> None:
    """Less than a lot too much is a match: rounding down would make that leg the smaller one."""
    factors = {
        key: min([kept(o) / o.asked if o.asked else 0.0 for o in legs if not o.is_live] + [1.0])
        for key, legs in all_groups(state).items()
    }
    legs = [o for o in [*state.ended.values(), *state.orders.values()] if key_of(o) in factors]
    for order in sorted(legs, key=lambda o: o.number):  # in the order in which they were raised
        factor = factors[key_of(order)]
        if factor < 1.0:
            reduce_leg(state, order, math.ceil(factor * order.asked - HAIR))


def kept(order: Order) -> int:
    return order.filled - order.given_back


def all_groups(state: State) -> dict[GroupKey, list[Order]]:
    groups: dict[GroupKey, list[Order]] = {}
    for order in [*state.ended.values(), *state.by_age()]:
        key = key_of(order)
        if key is not None:
            groups.setdefault(key, []).append(order)
    return groups


def reduce_leg(state: State, order: Order, allowed: int) -> None:
    """Stop a leg at what it is allowed, and give back at the next open what it has too much."""
    if order.is_live:
        order.lots = min(order.lots, max(allowed, order.filled))
        if order.rest == 0:
            protection.end(state, order, OrderState.CANCELLED)
    excess = kept(order) - allowed
    if excess <= 0:
        return
    order.given_back += excess
    state.counters["group_reduced"] += 1
    number = state.new_id()
    state.orders[number] = Order(
        id=number,
        age=number,
        instrument=order.instrument,
        side=-order.side,
        kind=OrderKind.MARKET,
        lots=excess,
        reason=FillReason.GROUP,
        reduce_only=True,
    )
