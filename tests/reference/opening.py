"""R7 (5): orders that execute at the open. Reductions first, then increases (R11)."""

from __future__ import annotations

import math
from dataclasses import dataclass

from tests.reference import groups, protection
from tests.reference.account import State, free, notional, quote_notional
from tests.reference.cash import Increase, common_factor
from tests.reference.filling import closable_lots, executable_lots, execute
from tests.reference.matching import Execution, at_the_open
from tests.reference.orders import Order
from tests.reference.rounding import adverse, is_below_minimum, passive, whole_lots
from tests.reference.slippage import slipped

from algotrader.execution.simulation import OrderState, TimeInForce


@dataclass(frozen=True, slots=True)
class Wish:
    """An increase that wants to execute at this open."""

    order: Order
    how: Execution
    lots: int  # before participation
    price: float  # NaN until it is known; a flip's is fixed by its closing half


def set_room(state: State, row: int) -> None:
    """R20: trunc(participation * volume / lot) lots for all our orders of one bar."""
    state.room = []
    for i, item in enumerate(state.instruments):
        volume = state.market.volume(row, i)
        if item.participation == 0.0 or state.market.close_only or math.isnan(volume):
            state.room.append(math.inf)
        else:
            state.room.append(whole_lots(item.participation * volume / item.lot))


def execute_open(state: State, row: int) -> None:
    """Everything that happens at one open (or close, R38), after funding and liquidation."""
    market = state.market
    marks = [market.mark_at_open(row, i) for i in range(market.columns)]
    if market.close_only:
        marks = [market.mark_at_close(row, i) for i in range(market.columns)]
    for i in range(market.columns):
        if market.has_bar(row, i):
            protection.move_trails_to(state, i, market.bar(row, i).open)
    wishes = execute_reductions(state, row)
    execute_increases(state, row, wishes, marks)
    end_of_open(state, row)


def what_executes(state: State, row: int) -> list[tuple[Order, Execution]]:
    """The open reaches all stops at once, before anything is filled; in the order of age."""
    found = []
    for order in state.by_age():
        i = order.instrument
        if order.is_live and state.market.trades(row, i):
            how = at_the_open(state, order, state.market.bar(row, i).open)
            if how is not None and order.is_live:
                found.append((order, how))
    return found


def execute_reductions(state: State, row: int) -> list[Wish]:
    """What closes; returns what is left over as increases, in the order of age."""
    wishes: list[Wish] = []
    for order, how in what_executes(state, row):
        if not order.is_live:
            continue
        lots = executable_lots(state, order)
        if not order.is_live:
            continue
        closing = closable_lots(state, order)
        if closing == 0:
            wishes.append(Wish(order, how, lots, math.nan))
            continue
        wish = execute_reduction(state, order, how, lots, closing)
        if wish is not None:
            wishes.append(wish)
    return wishes


def execute_reduction(
    state: State, order: Order, how: Execution, lots: int, closing: int
) -> Wish | None:
    """Close what the room allows; the opening half of a flip waits for the increases (R12)."""
    i = order.instrument
    take = int(min(lots, state.room[i]))
    if order.tif == TimeInForce.FOK and take < lots:
        kill(state, order)
        return None
    if take == 0:  # what is sized at the fill waits until the position is gone
        return None if math.isnan(order.fill_weight) else Wish(order, how, 0, math.nan)
    price = slipped(state, i, order.side, how.price, take) if how.slips else how.price
    now = min(take, closing)
    state.room[i] -= now
    execute(state, order, now, price, how.maker, how.price if how.slips else price, False)
    if order.is_live and (take > now or not math.isnan(order.fill_weight)):
        return Wish(order, how, take - now, price)
    return None


def kill(state: State, order: Order) -> None:
    """R20: fill or kill, judged at its first open."""
    state.counters["fok_killed"] += 1
    protection.end(state, order, OrderState.EXPIRED)


def is_inside_cap(state: State, order: Order, price: float, row: int) -> bool:
    """R13: inside the last close moved by the cap, rounded passively."""
    item = state.instruments[order.instrument]
    reference = state.market.last_close(row - 1, order.instrument)
    cap = reference * (1.0 + order.side * state.settings.cap_bps / 1e4)
    cap = passive(cap, order.side, item.tick)
    return (price - cap) * order.side <= 1e-12 * cap


def size_at_fill(state: State, order: Order, price: float) -> int:
    """R33: trunc(w * cash / (fill price * (1 + fee))), from what the reductions left.

    The price is without impact, which depends on the size; R28 bounds the size.
    """
    item = state.instruments[order.instrument]
    unit = notional(item, item.lot, price) * (1.0 + item.taker_fee)
    cash = state.cash * (1.0 - state.settings.cash_buffer)  # R8
    lots = max(0, whole_lots(abs(order.fill_weight) * cash / unit))
    if math.isinf(state.settings.max_notional):
        return lots
    most = state.settings.max_notional / quote_notional(item, item.lot, price)
    return min(lots, whole_lots(most))


def plan_increase(state: State, wish: Wish, room: list[float], row: int) -> Increase | None:
    """Size, price, cap and room of one increase; None if it does not take part."""
    order, i = wish.order, wish.order.instrument
    item, lots, price = state.instruments[i], wish.lots, wish.price
    is_sized_here = not math.isnan(order.fill_weight)
    if is_sized_here:
        if state.position_lots(i) != 0:
            return None  # from flat only
        fixed = (item.slippage_bps + item.half_spread_bps) / 1e4
        probe = adverse(wish.how.price * (1.0 + order.side * fixed), order.side, item.tick)
        lots = size_at_fill(state, order, probe)
        if is_below_minimum(item, lots, quote_notional(item, lots * item.lot, probe)):
            state.counters["below_minimum"] += 1
            protection.end(state, order, OrderState.REJECTED)
            return None
    take = int(min(lots, room[i]))
    if order.tif == TimeInForce.FOK and take < lots:
        kill(state, order)
        return None
    if take <= 0:
        return None
    if math.isnan(price):
        price = wish.how.price
        if wish.how.slips:
            price = slipped(state, i, order.side, price, take)
    if order.capped and not is_inside_cap(state, order, price, row):
        return None  # waits, taking neither cash nor room
    if is_sized_here:
        order.lots, order.wanted = order.filled + lots, order.side * lots
        order.asked = lots
        order.fill_weight = math.nan
    room[i] -= take
    return Increase(
        order=order.id,
        item=item,
        side=order.side,
        lots=take,
        price=price,
        maker=wish.how.maker,
        accrued=order.accrued,
        charged=order.charged,
    )


def execute_increases(state: State, row: int, wishes: list[Wish], marks: list[float]) -> None:
    room = list(state.room)
    planned: list[Increase] = []
    references: dict[int, float] = {}
    for wish in wishes:
        if wish.order.is_live:
            increase = plan_increase(state, wish, room, row)
            if increase is not None:
                planned.append(increase)
                references[increase.order] = wish.how.price if wish.how.slips else increase.price
    state.room = room  # R11: participation first, then cash
    available = free(state, marks)
    factor = common_factor(planned, available)
    fok = [x for x in planned if state.orders[x.order].tif == TimeInForce.FOK]
    if factor < 1.0 and fok:  # R11: FOK orders of the set are cancelled first
        for x in fok:
            kill(state, state.orders[x.order])
        planned = [x for x in planned if x.order in state.orders]
        factor = common_factor(planned, available)
    if factor < 1.0:
        state.counters["cash_cut"] += 1
    allowed = {x.order: cut_lots(state, x, factor) for x in planned}
    groups.share_smallest_factor(state, allowed, {x.order: x.lots for x in planned})
    for x in planned:
        is_cut = factor < 1.0 or allowed[x.order] < x.lots
        fill_increase(state, x, allowed[x.order], is_cut, references[x.order], False)


def cut_lots(state: State, x: Increase, factor: float) -> int:
    """R11: truncated as in R9, tested against the minimum again."""
    if factor >= 1.0:
        return x.lots
    lots = min(x.lots, whole_lots(factor * x.lots))
    if is_below_minimum(x.item, lots, quote_notional(x.item, lots * x.item.lot, x.price)):
        state.counters["below_minimum"] += 1
        return 0
    return lots


def fill_increase(
    state: State, x: Increase, lots: int, is_cut: bool, reference: float, inside: bool
) -> None:
    """Fill what the cut allowed; a cut ends the order (R11)."""
    order = state.orders.get(x.order)
    if order is None:
        return
    if lots:
        execute(state, order, lots, x.price, x.maker, reference, inside)
    if is_cut and order.is_live:
        protection.end(state, order, OrderState.CANCELLED if order.filled else OrderState.REJECTED)


def end_of_open(state: State, row: int) -> None:
    """IOC and FOK live at one open (R21); what rests has now seen its first bar (R15)."""
    for order in state.by_age():
        if not order.is_live or not state.market.has_bar(row, order.instrument):
            continue
        order.has_arrived = True
        if order.tif == TimeInForce.IOC:
            state.counters["ioc_expired"] += 1
            protection.end(state, order, OrderState.EXPIRED)
        elif order.tif == TimeInForce.FOK:
            kill(state, order)
