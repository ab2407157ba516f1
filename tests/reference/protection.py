"""Stops, targets and trails: R18 and R19."""

from __future__ import annotations

import math

from tests.reference.account import State
from tests.reference.orders import Guard, Order
from tests.reference.rounding import away, passive, whole_lots

from algotrader.execution.simulation import FillReason, OrderKind, OrderState

STOP_REASONS = (FillReason.STOP_LOSS, FillReason.TRAILING)


def end(state: State, order: Order, how: OrderState) -> None:
    """Take an order off the book."""
    order.state = how
    state.orders.pop(order.id, None)
    if order.number >= 0:
        state.ended[order.number] = order


def cancel_all(state: State, i: int, how: OrderState) -> None:
    """Every order of an instrument, its protection included."""
    for order in state.by_age():
        if order.instrument == i:
            end(state, order, how)
    for guard in [g for g in state.guards.values() if g.instrument == i]:
        del state.guards[guard.id]


def remove_guard(state: State, guard: Guard) -> None:
    for leg in guard.legs:
        if leg in state.orders:
            end(state, state.orders[leg], OrderState.CANCELLED)
    state.guards.pop(guard.id, None)


def remove_guards(state: State, i: int) -> None:
    """A position that is gone needs no protection."""
    for guard in [g for g in state.guards.values() if g.instrument == i]:
        remove_guard(state, guard)


def stop_level(state: State, order: Order) -> float:
    """Where a stop, stop-limit or trailing stop is reached; trails by R18."""
    if order.kind != OrderKind.TRAILING_STOP:
        return order.stop
    level = order.best * (1.0 + order.side * order.trail)
    return away(level, order.side, state.instruments[order.instrument].tick)


def improve_trail(order: Order, price: float) -> None:
    """R18: the best price moves with the market in our favour and never loosens."""
    if math.isnan(order.best):
        order.best = price
    elif order.side < 0:
        order.best = max(order.best, price)
    else:
        order.best = min(order.best, price)


def guarded_lots(state: State, guard: Guard) -> int:
    """Size follows the position (R19); whole lots, and never more than is held."""
    held = abs(state.position_lots(guard.instrument))
    if state.side_held(guard.instrument) != guard.side:
        return 0
    if guard.follows_position:
        return held
    return min(held, whole_lots(guard.quantity / state.instruments[guard.instrument].lot))


def guards_nothing(state: State, order: Order) -> bool:
    """R9: a leg of a guard over less than one lot: dust is not protected."""
    guard = state.guards.get(order.guard) if order.guard is not None else None
    return guard is not None and not order.is_triggered and guarded_lots(state, guard) == 0


def new_leg(state: State, guard: Guard, kind: OrderKind, reason: FillReason) -> Order:
    number = state.new_id()
    leg = Order(
        id=number,
        age=number,
        instrument=guard.instrument,
        side=-guard.side,
        kind=kind,
        lots=0,
        reason=reason,
        reduce_only=True,
        has_arrived=True,
        guard=guard.id,
    )
    state.orders[number] = leg
    guard.legs.append(number)
    return leg


def open_guard(
    state: State,
    i: int,
    side: int,
    entry: float,
    quantity: float,
    wishes: tuple[float | None, float | None, float | None],
    best: float,
    inside: bool,
) -> Guard:
    """Put stop, target and trail on the book; they are there from the fill on."""
    stop_loss, take_profit, trailing = wishes
    guard = Guard(
        id=state.new_id(),
        instrument=i,
        side=side,
        entry=entry,
        quantity=quantity,
        stop_loss=stop_loss,
        take_profit=take_profit,
        trailing=trailing,
        legs=[],
        opened_inside=state.row if inside else -1,
    )
    state.guards[guard.id] = guard
    if stop_loss is not None:
        new_leg(state, guard, OrderKind.STOP, FillReason.STOP_LOSS)
    if trailing is not None:
        leg = new_leg(state, guard, OrderKind.TRAILING_STOP, FillReason.TRAILING)
        leg.trail, leg.best = trailing, best
        leg.started_row = state.row if inside else -1
    if take_profit is not None:
        new_leg(state, guard, OrderKind.LIMIT, FillReason.TAKE_PROFIT)
    set_levels(state, guard)
    return guard


def set_levels(state: State, guard: Guard) -> None:
    """R19: fractions of the average entry; stops away from the market, targets passively (R9)."""
    tick = state.instruments[guard.instrument].tick
    for leg in (state.orders[k] for k in guard.legs if k in state.orders):
        if leg.kind == OrderKind.STOP and guard.stop_loss is not None and not leg.is_triggered:
            level = guard.entry * (1.0 - guard.side * guard.stop_loss)
            leg.stop = away(level, leg.side, tick)
        if leg.kind == OrderKind.LIMIT and guard.take_profit is not None:
            level = guard.entry * (1.0 + guard.side * guard.take_profit)
            leg.limit = passive(level, leg.side, tick)


def position_guard(state: State, i: int) -> Guard | None:
    for guard in state.guards.values():
        if guard.instrument == i and guard.follows_position:
            return guard
    return None


def owned_guard(state: State, order: Order) -> Guard | None:
    for guard in state.guards.values():
        if guard.owner == order.id:
            return guard
    return None


def after_opening(state: State, order: Order, received: float, price: float, inside: bool) -> None:
    """R19: protect what was opened, for the position and for the order that asked."""
    i, s = order.instrument, state.settings
    side = 1 if received > 0 else -1
    wishes = (s.stop_loss, s.take_profit, s.trailing)
    if any(w is not None for w in wishes):
        guard = position_guard(state, i)
        entry = state.positions[i].entry
        if guard is None and state.position_lots(i) != 0:
            open_guard(state, i, side, entry, math.nan, wishes, price, inside)
        elif guard is not None and not guard.is_exiting:
            guard.entry = entry  # re-based when adding
            set_levels(state, guard)
    asked = (order.stop_loss, order.take_profit, order.trailing)
    if any(w is not None for w in asked):
        protect_order(state, order, abs(received), price, asked, inside)


def protect_order(
    state: State,
    order: Order,
    received: float,
    price: float,
    asked: tuple[float | None, float | None, float | None],
    inside: bool,
) -> None:
    """R19: the quantity that the order opened, at fractions of its average fill."""
    guard = owned_guard(state, order)
    if guard is None:
        guard = open_guard(
            state, order.instrument, order.side, price, received, asked, price, inside
        )
        guard.owner = order.id
        return
    total = guard.quantity + received
    guard.entry = (guard.entry * guard.quantity + price * received) / total
    guard.quantity = total
    set_levels(state, guard)


def begin_exit(state: State, leg: Order) -> None:
    """R19: a protective exit happens: siblings, the entry's rest and re-entry end."""
    guard = state.guards.get(leg.guard, None)
    if guard is None or guard.is_exiting:
        return
    block_reentry(state, guard.instrument, guard.side)
    owner = state.orders.get(guard.owner) if guard.owner is not None else None
    if owner is not None:
        end(state, owner, OrderState.CANCELLED)
    if leg.reason in STOP_REASONS:
        leg.lots = leg.filled + guarded_lots(state, guard)
        guard.is_exiting = True
        for k in guard.legs:
            if k != leg.id and k in state.orders:
                end(state, state.orders[k], OrderState.CANCELLED)


def block_reentry(state: State, i: int, side: int) -> None:
    """R19: no re-entry on that side; what was still to be bought for it is cancelled."""
    target = state.targets[i]
    target.blocked_side, target.blocked_bars = side, 0
    working = state.orders.get(target.working) if target.working is not None else None
    if working is not None and working.side == side:
        end(state, working, OrderState.CANCELLED)


def after_closing(state: State, order: Order, closed: float) -> None:
    """Shrink what an order's protection covers; drop protection with the position."""
    i = order.instrument
    if state.position_lots(i) == 0:
        remove_guards(state, i)
        return
    guard = state.guards.get(order.guard) if order.guard is not None else None
    if guard is not None and not guard.follows_position:
        guard.quantity -= closed
        if guarded_lots(state, guard) == 0:
            remove_guard(state, guard)


def lift_block(state: State, i: int, last_close: float) -> None:
    """R19: the rest of the exit is cancelled, and what is held is protected anew."""
    state.targets[i].blocked_side = 0
    guard = position_guard(state, i)
    if guard is not None:
        remove_guard(state, guard)
    s = state.settings
    wishes = (s.stop_loss, s.take_profit, s.trailing)
    if state.position_lots(i) != 0 and any(w is not None for w in wishes):
        open_guard(
            state,
            i,
            state.side_held(i),
            state.positions[i].entry,
            math.nan,
            wishes,
            last_close,
            False,
        )


def move_trails_to(state: State, i: int, price: float) -> None:
    """R18: the best price moves by the current open."""
    for order in state.orders.values():
        if order.instrument == i and order.kind == OrderKind.TRAILING_STOP:
            improve_trail(order, price)


def complete_trails(state: State, i: int, high: float, low: float, close: float) -> None:
    """R18: by extremes of completed bars; the bar of an entry inside it counts with its close."""
    for order in state.orders.values():
        if order.instrument != i or order.kind != OrderKind.TRAILING_STOP:
            continue
        if math.isnan(order.best):
            continue
        if order.started_row == state.row:
            improve_trail(order, close)
        else:
            improve_trail(order, high if order.side < 0 else low)
