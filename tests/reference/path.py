"""R7 (6), R11, R16: what happens while a bar is travelled."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from tests.reference import protection
from tests.reference.account import State, free
from tests.reference.cash import Increase, common_factor, total_cost
from tests.reference.extremes import Journey, Track, base_track, extend, finer_of
from tests.reference.filling import closable_lots, executable_lots, execute
from tests.reference.margin import Leg, first_point, liquidate, pools
from tests.reference.matching import Execution, reach_stop
from tests.reference.opening import cut_lots
from tests.reference.orders import Order
from tests.reference.rounding import compare, has_reached_stop, trades_through
from tests.reference.slippage import slipped

from algotrader.execution.simulation import OrderState, PathRule

MOST_TRAVELS = 16  # of one bar, before its increases are dropped
SAME = 1e-12  # of a leg: two points that are one
NEAR = 1e-9  # relative: two prices on a straight line that are the same price


@dataclass(frozen=True, slots=True)
class Event:
    """An order is met at a fraction of a leg, at a price."""

    at: float
    order: Order
    price: float


def play_path(state: State, row: int, swapped: frozenset[int] = frozenset()) -> State:
    """R11: travelled as if cash were free, and again with one factor while it is not enough.

    A second travel may meet other increases than the first (a smaller position leaves more room,
    or is not liquidated), so the factor is taken again until what was filled is paid for.
    """
    marks = [state.market.mark_at_open(row, i) for i in range(state.market.columns)]
    available = free(state, marks)
    factor = 1.0
    for _ in range(MOST_TRAVELS):
        after, journey = state.clone(), Journey(factor, swapped)
        travel(after, row, journey)
        spent = total_cost(journey.filled, 1.0)
        if not journey.filled or spent <= available + 1e-9 * max(1.0, abs(available)):
            break
        factor = common_factor(journey.increases, available)
    else:
        after, journey = state.clone(), Journey(0.0, swapped)
        travel(after, row, journey)
    after.counters["cash_cut"] += journey.factor < 1.0
    return after


def is_ambiguous(before: State, after: State, row: int, i: int) -> bool:
    """R17: travelled with the extremes swapped, from the same state, it gives other fills."""
    other = play_path(before, row, frozenset({i}))
    ours, theirs = path_fills(before, after, i), path_fills(before, other, i)
    return len(ours) != len(theirs) or any(
        a[:2] != b[:2] or a[4] != b[4] or not near(a[2], b[2]) or not near(a[3], b[3])
        for a, b in zip(ours, theirs, strict=True)
    )


def near(a: float, b: float) -> bool:
    """The same but for rounding: the point of a liquidation is found on another leg."""
    return abs(a - b) <= NEAR * max(abs(a), abs(b))


def path_fills(before: State, after: State, i: int) -> list[tuple[int, int, float, float, bool]]:
    """The fills of an instrument inside the bar, in any order."""
    new = after.fills[len(before.fills) :]
    return sorted(
        (f.order, int(f.reason), f.quantity, f.price, f.opening) for f in new if f.instrument == i
    )


def count_fallbacks(state: State, row: int) -> None:
    """R17: a base bar without all its finer bars falls back to `worst`."""
    if state.settings.path != PathRule.FINER:
        return
    for i in range(state.market.columns):
        if state.market.has_bar(row, i) and not finer_of(state, row, i):
            state.counters["finer_fallback"] += 1


def travel(state: State, row: int, journey: Journey) -> None:
    """Instruments travel their legs together in equal fractions."""
    columns = range(state.market.columns)
    finer = {i: rows for i in columns if (rows := finer_of(state, row, i))}
    pieces = max([len(rows) for rows in finer.values()] + [1])
    tracks = {
        i: Track() if i in finer else base_track(state, row, i, journey, pieces) for i in columns
    }
    for piece in range(3 * pieces):
        if finer and piece % 3 == 0:
            if piece > 0:
                jump(state, row, tracks, finer, piece, journey)
            for i in finer:
                extend(state, tracks[i], finer[i][piece // 3], i, journey)
        prices = {i: tracks[i].prices[piece] for i in columns}
        walk(state, row, prices, {i: tracks[i].marks[piece] for i in columns}, journey, set(finer))
        for i, leg in prices.items():
            if leg is not None and (i in finer or state.settings.path == PathRule.NEAR_FAR):
                protection.move_trails_to(state, i, leg.end)


def jump(
    state: State,
    row: int,
    tracks: dict[int, Track],
    finer: dict[int, list[int]],
    piece: int,
    journey: Journey,
) -> None:
    """R17: between finer bars the price jumps; what it jumped over acts at the new open."""
    prices: dict[int, Leg | None] = {}
    marks: dict[int, Leg] = {}
    for i, track in tracks.items():
        if i in finer:
            m = finer[i][piece // 3]
            price = state.market.finer_bar(m, i).open
            mark = state.market.finer_mark(m, i).open
            mark = price if math.isnan(mark) else mark
            protection.move_trails_to(state, i, price)
            prices[i], marks[i] = Leg(price, price), Leg(mark, mark)
        else:
            leg, mark = track.prices[piece], track.marks[piece].start
            prices[i] = None if leg is None else Leg(leg.start, leg.start)
            marks[i] = Leg(mark, mark)
    walk(state, row, prices, marks, journey, set(finer))


def walk(
    state: State,
    row: int,
    prices: dict[int, Leg | None],
    marks: dict[int, Leg],
    journey: Journey,
    finer: set[int],
) -> None:
    """Meet everything on one leg in order; a stop at the point of a liquidation acts first."""
    s = 0.0
    while True:
        event = next_event(state, row, prices, s, finer)
        until = 1.0 if event is None else event.at
        found = next_liquidation(state, marks, s, until)
        if found is not None and (event is None or found[0] < event.at - SAME):
            s, pool = found
            liquidate(state, pool, {i: marks[i].at(s) for i in pool})
        elif event is not None:
            s = event.at
            fire(state, event, journey)
        else:
            return


def next_liquidation(
    state: State, marks: dict[int, Leg], start: float, end: float
) -> tuple[float, list[int]] | None:
    found = None
    for pool in pools(state):
        s = first_point(state, pool, marks, start, end)
        if s is not None and (found is None or s < found[0]):
            found = (s, pool)
    return found


def next_event(
    state: State, row: int, prices: dict[int, Leg | None], start: float, finer: set[int]
) -> Event | None:
    """The first order met from a fraction on; older orders first at one point."""
    found: Event | None = None
    for order in state.by_age():
        leg = prices[order.instrument]
        if leg is None or not state.market.trades(row, order.instrument):
            continue
        event = meet(state, order, leg, start, order.instrument in finer)
        if event is not None and (found is None or event.at < found.at):
            found = event
    return found


def meet(state: State, order: Order, leg: Leg, start: float, finer: bool) -> Event | None:
    if protection.guards_nothing(state, order):
        return None
    if order.waits_for_stop:
        return meet_stop(state, order, leg, start)
    if order.rests_as_limit and state.room[order.instrument] > 0:
        guard = state.guards.get(order.guard) if order.guard is not None else None
        if guard is not None and guard.opened_inside == state.row and not finer:
            return None  # R16: no profit is taken in the bar of an entry inside it
        return meet_limit(state, order, leg, start)
    return None


def meet_stop(state: State, order: Order, leg: Leg, start: float) -> Event | None:
    """Reached: at its level, or where the price is if that is already beyond it."""
    level, tick = protection.stop_level(state, order), state.instruments[order.instrument].tick
    if math.isnan(level):
        return None
    now = leg.at(start)
    is_here = (now - level) * order.side >= -NEAR * level
    if is_here or (start == 0.0 and has_reached_stop(now, level, order.side, tick)):
        same = abs(now - level) <= NEAR * level or (tick > 0 and compare(now, level, tick) == 0)
        return Event(start, order, level if same else now)
    if not has_reached_stop(leg.end, level, order.side, tick):
        return None
    return Event(fraction(leg, level, start), order, level)


def meet_limit(state: State, order: Order, leg: Leg, start: float) -> Event | None:
    """R15: traded through, so met one tick beyond the limit; filled at the limit."""
    tick = state.instruments[order.instrument].tick
    beyond = order.limit - order.side * tick
    hair = NEAR * order.limit if tick > 0 else -NEAR * order.limit
    now = leg.at(start)
    is_here = (now - beyond) * order.side <= hair
    if is_here or (start == 0.0 and trades_through(now, order.limit, order.side, tick)):
        return Event(start, order, order.limit)
    if not trades_through(leg.end, order.limit, order.side, tick):
        return None
    return Event(fraction(leg, beyond, start), order, order.limit)


def fraction(leg: Leg, price: float, start: float) -> float:
    if leg.end == leg.start:
        return start
    return min(1.0, max(start, (price - leg.start) / (leg.end - leg.start)))


def fire(state: State, event: Event, journey: Journey) -> None:
    order = event.order
    if order.waits_for_stop:
        how = reach_stop(state, order, event.price)
    else:
        how = Execution(order.limit, maker=True, slips=False)
    if how is not None and order.is_live:
        fill_inside(state, order, how, journey)


def fill_inside(state: State, order: Order, how: Execution, journey: Journey) -> None:
    """Participation, price, what closes, then what opens; increases get the journey's factor."""
    i = order.instrument
    lots = executable_lots(state, order)
    take = int(min(lots, state.room[i])) if order.is_live else 0
    if take == 0:
        return
    price = slipped(state, i, order.side, how.price, take) if how.slips else how.price
    reference = how.price if how.slips else price
    closing = min(take, closable_lots(state, order))
    if closing:
        state.room[i] -= closing
        execute(state, order, closing, price, how.maker, reference, True)
    if take > closing and order.is_live:
        open_inside(state, order, take - closing, price, how.maker, reference, journey)


def open_inside(
    state: State,
    order: Order,
    lots: int,
    price: float,
    maker: bool,
    reference: float,
    journey: Journey,
) -> None:
    """R11: as if cash were free, or with the factor that the first travel asked for."""
    increase = Increase(
        order=order.id,
        item=state.instruments[order.instrument],
        side=order.side,
        lots=lots,
        price=price,
        maker=maker,
        accrued=order.accrued,
        charged=order.charged,
    )
    journey.increases.append(increase)
    allowed = cut_lots(state, increase, journey.factor)
    state.room[order.instrument] -= lots  # R11: participation first, then cash
    if allowed:
        journey.filled.append(replace(increase, lots=allowed))
        execute(state, order, allowed, price, maker, reference, True)
    if journey.factor < 1.0 and order.is_live:
        how = OrderState.CANCELLED if order.filled else OrderState.REJECTED
        protection.end(state, order, how)
