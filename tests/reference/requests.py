"""Explicit orders, cancels and amendments (R3, R9, R12, R21, R28, R36)."""

from __future__ import annotations

import math
from collections.abc import Sequence

from tests.reference import protection
from tests.reference.account import State, equity, quote_notional
from tests.reference.filling import may_open
from tests.reference.orders import Order
from tests.reference.rounding import away, is_below_minimum, passive, whole_lots
from tests.reference.targets import weighted_lots

from algotrader.execution.simulation import (
    AmendRequest,
    CancelRequest,
    InstrumentKind,
    OrderKind,
    OrderRequest,
    OrderState,
    Request,
    SizeAt,
    TargetRequest,
    TimeInForce,
)


def handle(
    state: State, row: int, requests: Sequence[Request], first_number: int
) -> dict[int, TargetRequest]:
    """Everything asked for at one decision; targets are handed on to be sized together."""
    targets: dict[int, TargetRequest] = {}
    number = first_number
    for request in requests:
        if isinstance(request, OrderRequest):
            submit(state, row, request, number)
            number += 1
        elif isinstance(request, CancelRequest):
            cancel(state, request)
        elif isinstance(request, AmendRequest):
            amend(state, row, request)
        else:
            targets[request.instrument] = request
    return targets


def find(state: State, number: int) -> Order | None:
    for order in state.orders.values():
        if order.number == number:
            return order
    return None


def cancel(state: State, request: CancelRequest) -> None:
    order = find(state, request.order)
    if order is not None:
        protection.end(state, order, OrderState.CANCELLED)


def amend(state: State, row: int, request: AmendRequest) -> None:
    """R7: amending renews the age; the order arrives at the book anew (R15)."""
    order = find(state, request.order)
    if order is None:
        return
    item = state.instruments[order.instrument]
    if request.quantity is not None:
        lots = whole_lots(request.quantity / item.lot)
        close = state.market.last_close(row, order.instrument)
        if lots and is_below_minimum(item, lots, quote_notional(item, lots * item.lot, close)):
            state.counters["below_minimum"] += 1
            return
        order.lots = order.asked = lots
    if request.limit is not None and not math.isnan(order.limit):
        order.limit = passive(request.limit, order.side, item.tick)
    if request.stop is not None and not math.isnan(order.stop):
        order.stop = away(request.stop, order.side, item.tick)
    order.age = state.new_id()
    order.has_arrived = False
    if request.quantity is not None and order.rest <= 0:
        protection.end(state, order, OrderState.FILLED if order.filled else OrderState.CANCELLED)


def kind_of(request: OrderRequest) -> OrderKind:
    if request.trail is not None:
        return OrderKind.TRAILING_STOP
    if request.limit is not None and request.stop is not None:
        return OrderKind.STOP_LIMIT
    if request.stop is not None:
        return OrderKind.STOP
    return OrderKind.LIMIT if request.limit is not None else OrderKind.MARKET


def asked_lots(state: State, row: int, request: OrderRequest) -> int:
    """R9: whole lots of a quantity, or of a weight or value at the decision's close."""
    i = request.instrument
    item, close = state.instruments[i], state.market.last_close(row, i)
    if request.quantity is not None:
        return whole_lots(request.quantity / item.lot)
    if request.weight is not None:
        money = max(0.0, equity(state, row)) * item.size_share
        return weighted_lots(state, i, request.weight, money, close)
    assert request.value is not None
    unit = close * item.multiplier * item.lot
    if item.kind == InstrumentKind.INVERSE:
        unit = item.multiplier * item.lot / close
    return whole_lots(request.value / unit)


def submit(state: State, row: int, request: OrderRequest, number: int) -> None:
    i = request.instrument
    order = new_order(state, row, request, number)
    state.orders[order.id] = order
    if not state.market.has_bar(row, i) or not state.market.is_listed(
        i, state.market.closes_at(row)
    ):
        deny(state, order, "no_bar")  # R3, R29
        return
    if is_sized_at_fill(state, row, request, order):
        submit_for_the_fill(state, request, order)
        return
    order.lots = order.asked = asked_lots(state, row, request)
    price = order_price(state, row, order)
    item = state.instruments[i]
    if is_below_minimum(item, order.lots, quote_notional(item, order.lots * item.lot, price)):
        deny(state, order, "below_minimum")
    elif is_over_limit(state, row, order):
        deny(state, order, "denied_limit")


def is_sized_at_fill(state: State, row: int, request: OrderRequest, order: Order) -> bool:
    """R33: a weight asked for from flat, at the market."""
    return (
        state.settings.size_at == SizeAt.FILL
        and request.weight is not None
        and order.kind == OrderKind.MARKET
        and state.position_lots(order.instrument) == 0
        and may_open(state, order)
        and equity(state, row) > 0.0
    )


def submit_for_the_fill(state: State, request: OrderRequest, order: Order) -> None:
    assert request.weight is not None
    order.fill_weight = request.weight * state.instruments[order.instrument].size_share
    if order.fill_weight > state.settings.max_weight:
        deny(state, order, "denied_limit")


def deny(state: State, order: Order, counter: str) -> None:
    state.counters[counter] += 1
    protection.end(state, order, OrderState.DENIED)


def order_price(state: State, row: int, order: Order) -> float:
    """What the minimum notional is judged at: the order's own price, else the close."""
    if not math.isnan(order.limit):
        return order.limit
    if not math.isnan(order.stop):
        return order.stop
    return state.market.last_close(row, order.instrument)


def new_order(state: State, row: int, request: OrderRequest, number: int) -> Order:
    i, item = request.instrument, state.instruments[request.instrument]
    identity = state.new_id()
    limit = math.nan if request.limit is None else passive(request.limit, request.side, item.tick)
    stop = math.nan if request.stop is None else away(request.stop, request.side, item.tick)
    return Order(
        id=identity,
        age=identity,
        instrument=i,
        side=request.side,
        kind=kind_of(request),
        lots=0,
        number=number,
        limit=limit,
        stop=stop,
        trail=math.nan if request.trail is None else request.trail,
        tif=request.tif,
        expires_at=request.expires_at,
        day=next_day(state, row, i) if request.tif == TimeInForce.DAY else None,
        post_only=request.post_only,
        reduce_only=request.reduce_only,
        group=request.group,
        decided_row=row,
        stop_loss=request.stop_loss,
        take_profit=request.take_profit,
        trailing=request.trailing,
    )


def next_day(state: State, row: int, i: int) -> int:
    """R21: the session of the next row of the calendar, whether or not it has prices."""
    return state.market.day(min(row + 1, state.market.rows - 1), i)


def is_over_limit(state: State, row: int, order: Order) -> bool:
    """R28: an explicit order over a limit is denied; reductions pass. R8: none without equity."""
    i, settings = order.instrument, state.settings
    item = state.instruments[i]
    held = state.position_lots(i) * item.lot  # dust is flat
    after = held + order.side * order.lots * item.lot
    is_reduction = abs(after) <= abs(held) and after * held >= 0.0
    if order.reduce_only or is_reduction or (not state.is_derivative(i) and order.side < 0):
        return False
    money = equity(state, row)
    if money <= 0.0:
        return True
    value = quote_notional(item, after, state.market.last_close(row, i))
    if value > settings.max_notional * (1.0 + 1e-9):
        return True
    if item.kind == InstrumentKind.INVERSE:
        value /= state.market.last_close(row, i)
    return value > settings.max_weight * money * (1.0 + 1e-9)


def expire(state: State, row: int) -> None:
    """R7 (3), R21: DAY ends with its session, GTD before the first open at or after its time."""
    for order in state.by_age():
        if order.tif == TimeInForce.DAY:
            over = state.market.day(row, order.instrument) != order.day
        elif order.tif == TimeInForce.GTD and order.expires_at is not None:
            over = state.market.opens_at(row) >= order.expires_at
        else:
            over = False
        if over:
            protection.end(state, order, OrderState.EXPIRED)
