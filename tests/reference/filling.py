"""One fill of one order: what it may take, at what price, and how it is booked."""

from __future__ import annotations

import math

from tests.reference import protection
from tests.reference.account import (
    FillRecord,
    State,
    book_closing,
    book_opening,
    fee_for,
    notional,
    profit,
)
from tests.reference.orders import Order
from tests.reference.rounding import whole_lots

from algotrader.execution.simulation import InstrumentKind, OrderState


def closable_lots(state: State, order: Order) -> int:
    """Whole lots of the position that the order would reduce."""
    lots = state.position_lots(order.instrument)
    return abs(lots) if lots * order.side < 0 else 0


def may_open(state: State, order: Order) -> bool:
    """R12: reduce-only orders and spot sells never open."""
    is_spot = state.instruments[order.instrument].kind == InstrumentKind.SPOT
    return not order.reduce_only and not (is_spot and order.side < 0)


def executable_lots(state: State, order: Order) -> int:
    """What the order still wants, cut to the position where it may only reduce (R12)."""
    i = order.instrument
    guard = state.guards.get(order.guard) if order.guard is not None else None
    if guard is not None and (guard.follows_position or not order.is_triggered):
        order.lots = order.filled + protection.guarded_lots(state, guard)
    if order.is_target and not math.isnan(order.fill_weight):
        order.lots = order.filled + closable_lots(state, order)  # R33: what is held goes first
    rest = order.rest
    if order.is_target and math.isnan(order.fill_weight):
        item = state.instruments[i]
        distance = order.wanted - state.positions[i].quantity / item.lot
        rest = max(0, min(rest, whole_lots(distance * order.side)))
        order.lots = order.filled + rest
        if rest == 0:  # reached, whatever moved the position
            protection.end(state, order, OrderState.CANCELLED)
    if may_open(state, order):
        return rest
    cut_beyond_position(state, order)
    return min(rest, closable_lots(state, order))


def cut_beyond_position(state: State, order: Order) -> None:
    """R12: what asks for more than is held is cancelled and counted when nothing is left."""
    if not order.is_live or may_open(state, order) or closable_lots(state, order) > 0:
        return
    if order.guard is None:
        state.counters["reduce_only_cut"] += 1
    protection.end(state, order, OrderState.CANCELLED)


def execute(
    state: State,
    order: Order,
    lots: int,
    price: float,
    maker: bool,
    reference: float,
    inside: bool,
) -> None:
    """Book `lots` of an order: what closes first, then what opens (R12)."""
    item = state.instruments[order.instrument]
    closing = min(lots, closable_lots(state, order))
    if order.guard is not None:
        protection.begin_exit(state, order)
    order.filled += lots
    if closing:
        book(state, order, closing * item.lot, price, maker, reference, False, inside)
        order.closed_row = state.row
    if lots > closing:
        book(state, order, (lots - closing) * item.lot, price, maker, reference, True, inside)
        if order.closed_row == state.row:
            state.counters["flips"] += 1
    settle_state(state, order)


def settle_state(state: State, order: Order) -> None:
    """An order without a rest has ended."""
    if order.is_live and order.rest <= 0 and math.isnan(order.fill_weight):
        protection.end(state, order, OrderState.FILLED)
    cut_beyond_position(state, order)


def book(
    state: State,
    order: Order,
    quantity: float,
    price: float,
    maker: bool,
    reference: float,
    opening: bool,
    inside: bool,
) -> None:
    i = order.instrument
    item = state.instruments[i]
    value = notional(item, quantity, price)
    fee, order.accrued, order.charged = fee_for(
        item, order.side, value, maker, order.accrued, order.charged
    )
    signed = quantity * order.side
    state.fills.append(
        FillRecord(
            row=state.row,
            instrument=i,
            order=order.number,
            quantity=signed,
            price=price,
            fee=fee,
            slippage=abs(profit(item, quantity, reference, price)),
            maker=maker,
            reason=order.reason,
            opening=opening,
        )
    )
    if opening:
        received = book_opening(state, i, signed, price, fee)
        protection.after_opening(state, order, received, price, inside)
    else:
        book_closing(state, i, signed, price, fee)
        protection.after_closing(state, order, quantity)
