"""Targets: R4, R9, R10, R12, R19's re-entry, R28, R29."""

from __future__ import annotations

import math
from dataclasses import dataclass

from tests.reference import protection
from tests.reference.account import State, equity, notional, quote_notional
from tests.reference.orders import Order
from tests.reference.rounding import is_below_minimum, whole_lots

from algotrader.execution.simulation import (
    ExecutionRule,
    FillReason,
    OrderKind,
    OrderState,
    RebalanceRule,
    SizeAt,
    TargetRequest,
)


@dataclass(slots=True)
class Asked:
    """The target of one instrument at one decision."""

    instrument: int
    number: float  # weight as given, NaN: no opinion
    quantity: float = math.nan  # of `target(quantity=)`
    at_once: bool = False  # of `ctx.target`


def decide_targets(
    state: State, row: int, numbers: list[float] | None, requests: dict[int, TargetRequest]
) -> None:
    """Look at the targets of one decision, all instruments together (R1)."""
    asked = []
    for i in range(state.market.columns):
        if i in requests:
            asked.append(from_request(state, requests[i]))
        elif numbers is not None:
            asked.append(Asked(i, checked(state, i, numbers[i])))
    if not asked:
        return
    for one in asked:
        remember(state, row, one)
    weights = weights_in_force(state, row)
    for one in asked:
        look(state, row, one, weights)


def checked(state: State, i: int, number: float) -> float:
    """R4: NaN is no opinion; infinite or absurd is refused. R12: spot is never negative."""
    if math.isnan(number):
        state.counters["nan_targets"] += 1
        return math.nan
    if math.isinf(number) or abs(number) > state.settings.max_weight_abs:
        state.counters["refused_targets"] += 1
        return math.nan
    if number < 0.0 and not state.is_derivative(i):
        state.counters["negative_spot_targets"] += 1
        return 0.0
    return number


def from_request(state: State, request: TargetRequest) -> Asked:
    i = request.instrument
    if request.quantity is None:
        assert request.weight is not None
        return Asked(i, checked(state, i, request.weight), at_once=True)
    quantity = request.quantity
    if quantity < 0.0 and not state.is_derivative(i):
        state.counters["negative_spot_targets"] += 1
        quantity = 0.0
    return Asked(i, math.nan, quantity, at_once=True)


def remember(state: State, row: int, one: Asked) -> None:
    """Keep the last valid number; note what a missing bar keeps from being acted on (R3)."""
    target = state.targets[one.instrument]
    if not math.isnan(one.number):
        target.standing = one.number
    if not math.isnan(one.quantity):
        target.standing = math.nan
        target.standing_quantity = one.quantity
    elif not math.isnan(one.number):
        target.standing_quantity = math.nan
    has_opinion = not (math.isnan(one.number) and math.isnan(one.quantity))
    is_looked_at = has_opinion and (one.at_once or is_due_by_rule(state, row))
    if is_looked_at and not state.market.has_bar(row, one.instrument):
        target.pending = True
        target.pending_at_once = target.pending_at_once or one.at_once


def is_due_by_rule(state: State, row: int) -> bool:
    """R10: does the rule look at targets at this decision?"""
    if state.settings.rebalance != RebalanceRule.SCHEDULE:
        return True
    schedule = state.market.panel.schedule
    return schedule is not None and bool(schedule[row])


def weights_in_force(state: State, row: int) -> dict[int, float]:
    """R11, R12, R28: of equity, cut to the limit of one instrument, then scaled together."""
    settings, weights = state.settings, {}
    for i, item in enumerate(state.instruments):
        standing = state.targets[i].standing
        if math.isnan(standing) or not state.market.is_listed(i, state.market.closes_at(row)):
            continue  # R29: not part of the sums
        weight = standing * item.size_share  # R2
        weights[i] = max(-settings.max_weight, min(settings.max_weight, weight))
    spot = [i for i in weights if not state.is_derivative(i)]
    others = [i for i in weights if state.is_derivative(i)]
    scale_to(state, weights, spot, 1.0, "weight_scaled")
    scale_to(state, weights, others, settings.max_leverage, "leverage_scaled")
    return weights


def scale_to(
    state: State, weights: dict[int, float], group: list[int], limit: float, counter: str
) -> None:
    total = sum(abs(weights[i]) for i in group)
    if total <= limit * (1.0 + 1e-9):
        return
    state.counters[counter] += 1
    for i in group:
        weights[i] *= limit / total


def look(state: State, row: int, one: Asked, weights: dict[int, float]) -> None:
    """R10: is this target acted on now?"""
    i = one.instrument
    target = state.targets[i]
    if not state.market.has_bar(row, i) or not state.market.is_listed(
        i, state.market.closes_at(row)
    ):
        return
    has_opinion = not (math.isnan(one.number) and math.isnan(one.quantity))
    may_lift_block(state, row, i, one, has_opinion)
    at_once = one.at_once or target.pending_at_once
    due = (has_opinion and (at_once or is_due_by_rule(state, row))) or target.pending
    target.pending = target.pending_at_once = False
    number, quantity = target.standing, target.standing_quantity
    if not due or (math.isnan(number) and math.isnan(quantity)):
        return
    is_unchanged = number == target.acted
    if state.settings.rebalance == RebalanceRule.ON_CHANGE and not at_once and is_unchanged:
        return
    side = sign(quantity) if math.isnan(number) else sign(number)
    if target.blocked_side != 0 and side == target.blocked_side:
        state.counters["denied_reentry"] += 1
        return
    act(state, row, i, weights.get(i, math.nan), number, quantity)


def may_lift_block(state: State, row: int, i: int, one: Asked, has_opinion: bool) -> None:
    """R19: a 0, the other sign, or `reenter_after` bars; NaN does not."""
    target = state.targets[i]
    if target.blocked_side == 0:
        return
    side = sign(one.quantity) if math.isnan(one.number) else sign(one.number)
    other = has_opinion and side != target.blocked_side
    after = state.settings.reenter_after
    if other or (after is not None and target.blocked_bars >= after):
        protection.lift_block(state, i, state.market.last_close(row, i))


def sign(x: float) -> int:
    return (x > 0) - (x < 0)


def wanted_lots(state: State, row: int, i: int, weight: float, quantity: float) -> int:
    """R9: lots of the position that is wanted; R28: cut to the limits; R8: 0 without equity."""
    item, settings = state.instruments[i], state.settings
    close = state.market.last_close(row, i)
    money = equity(state, row)
    if money <= 0.0:
        return 0
    if math.isnan(quantity):
        lots = weighted_lots(state, i, weight, money, close)
    else:
        lots = whole_lots(quantity / item.lot)
        most = weighted_lots(state, i, settings.max_weight, money, close)
        lots = max(-most, min(most, lots)) if math.isfinite(settings.max_weight) else lots
    if math.isfinite(settings.max_notional):
        most = whole_lots(settings.max_notional / quote_notional(item, item.lot, close))
        lots = max(-most, min(most, lots))
    return lots


def weighted_lots(state: State, i: int, weight: float, money: float, close: float) -> int:
    """R9: trunc(w * equity / (close * multiplier * lot) + sign(w) * 1e-9)."""
    if math.isinf(weight):
        return 0
    item = state.instruments[i]
    sized = money * (1.0 - state.settings.cash_buffer)  # R8
    return whole_lots(weight * sized / notional(item, item.lot, close))


def act(state: State, row: int, i: int, weight: float, number: float, quantity: float) -> None:
    """R10: latch the wanted quantity, cancel the rest, start from the position."""
    target = state.targets[i]
    wanted = wanted_lots(state, row, i, weight, quantity)
    if state.settings.rebalance == RebalanceRule.BAND and is_within_band(state, i, wanted):
        return
    cancel_working(state, i)
    target.acted = number
    item, close = state.instruments[i], state.market.last_close(row, i)
    delta = whole_lots(wanted - state.positions[i].quantity / item.lot)
    at_fill = state.settings.size_at == SizeAt.FILL and state.position_lots(i) == 0
    if at_fill and weight != 0.0 and not math.isnan(weight) and equity(state, row) > 0.0:
        place(state, i, max(1, abs(wanted)) * sign(weight), 0, weight)
        return
    if delta == 0:
        if wanted == 0 and (weight != 0.0 or quantity != 0.0) and state.position_lots(i) == 0:
            count_too_small(state, weight, quantity)
        return
    if is_below_minimum(item, delta, quote_notional(item, delta * item.lot, close)):
        state.counters["below_minimum"] += 1
        return
    place(state, i, delta, wanted, math.nan)


def count_too_small(state: State, weight: float, quantity: float) -> None:
    """R9: wanted, but less than one lot."""
    if (not math.isnan(quantity) and quantity != 0.0) or (
        math.isnan(quantity) and not math.isnan(weight) and weight != 0.0
    ):
        state.counters["below_minimum"] += 1


def is_within_band(state: State, i: int, wanted: int) -> bool:
    """R10: skipped while |wanted - held| < x * |wanted|; entering and leaving always trade."""
    side = state.side_held(i)
    if side == 0 or wanted == 0 or sign(wanted) != side:
        return False
    held = state.positions[i].quantity / state.instruments[i].lot
    return abs(wanted - held) < state.settings.band * abs(wanted)


def cancel_working(state: State, i: int) -> None:
    """R10: acting on a target cancels the rest of the one working order."""
    target = state.targets[i]
    working = state.orders.get(target.working) if target.working is not None else None
    target.working = None
    if working is None:
        return
    if working.filled > 0 and working.rest > 0:
        state.counters["partial_carried"] += 1
    protection.end(state, working, OrderState.CANCELLED)


def place(state: State, i: int, delta: int, wanted: int, fill_weight: float) -> None:
    """R13: a market order at the open, or one that waits outside its cap."""
    number = state.new_id()
    state.orders[number] = Order(
        id=number,
        age=number,
        instrument=i,
        side=sign(delta),
        kind=OrderKind.MARKET,
        lots=abs(delta),
        reason=FillReason.TARGET,
        is_target=True,
        wanted=wanted if math.isnan(fill_weight) else delta,
        fill_weight=fill_weight,
        capped=is_capped(state, i),
    )
    state.targets[i].working = number


def is_capped(state: State, i: int) -> bool:
    """R13: the default on venues that never close; never on close-only data (R38)."""
    rule = state.settings.execution
    if state.settings.close_only:
        return False
    if rule is None:
        return state.instruments[i].never_closes
    return rule == ExecutionRule.CAPPED
