"""Targets: R4, R9, R10, R12, R19's re-entry, R28, R29."""

from __future__ import annotations

import math
from dataclasses import dataclass

from tests.reference import protection
from tests.reference.account import State, equity, notional, quote_notional
from tests.reference.orders import Order
from tests.reference.rounding import HAIR, is_below_minimum, whole_lots

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
            asked.append(Asked(i, numbers[i]))
        else:
            asked.append(Asked(i, math.nan))
    acted_on = [one for one in asked if look(state, row, one, numbers is not None)]
    if not acted_on:
        return
    weights = weights_in_force(state, row, {one.instrument for one in acted_on})
    for one in acted_on:
        act(state, row, one, weights.get(one.instrument, math.nan))


def is_valid(state: State, number: float) -> bool:
    """R4: infinite or absurd is refused."""
    return abs(number) <= state.settings.max_weight_abs


def checked(state: State, i: int, number: float) -> float:
    """R4: NaN is no opinion; infinite or absurd is refused. R12: negative on spot is counted."""
    if math.isnan(number):
        return math.nan
    if not is_valid(state, number):
        state.counters["refused_targets"] += 1
        return math.nan
    if number < 0.0 and not state.is_derivative(i):
        state.counters["negative_spot_targets"] += 1
    return number


def from_request(state: State, request: TargetRequest) -> Asked:
    i = request.instrument
    if request.quantity is not None:
        return Asked(i, math.nan, request.quantity, at_once=True)
    assert request.weight is not None
    if not is_valid(state, request.weight):
        state.counters["refused_targets"] += 1
        return Asked(i, math.nan, at_once=True)
    return Asked(i, request.weight, at_once=True)


def is_due_by_rule(state: State, row: int) -> bool:
    """R10: does the rule look at targets at this decision?"""
    if state.settings.rebalance != RebalanceRule.SCHEDULE:
        return True
    schedule = state.market.panel.schedule
    return schedule is not None and bool(schedule[row])


def weights_in_force(state: State, row: int, acted_on: set[int]) -> dict[int, float]:
    """R11, R12, R28: of equity, cut to the limit of one instrument, then scaled together."""
    settings, weights = state.settings, {}
    for i, item in enumerate(state.instruments):
        standing = state.targets[i].standing
        if math.isnan(standing) or not state.market.is_listed(i, state.market.closes_at(row)):
            continue  # R29: not part of the sums
        allowed = standing if state.is_derivative(i) else max(0.0, standing)  # R12
        weight = allowed * item.size_share  # R2
        if i in acted_on and abs(standing * item.size_share) > settings.max_weight:
            state.counters["denied_limit"] += 1
        weights[i] = max(-settings.max_weight, min(settings.max_weight, weight))
    spot = [i for i in weights if not state.is_derivative(i)]
    others = [i for i in weights if state.is_derivative(i)]
    scale_to(state, weights, spot, 1.0, "weight_scaled", acted_on)
    scale_to(state, weights, others, settings.max_leverage, "leverage_scaled", acted_on)
    return weights


def scale_to(
    state: State,
    weights: dict[int, float],
    group: list[int],
    limit: float,
    counter: str,
    acted_on: set[int],
) -> None:
    total = sum(abs(weights[i]) for i in group)
    if total <= limit * (1.0 + 1e-9):
        return
    if any(weights[i] != 0.0 for i in group if i in acted_on):
        state.counters[counter] += 1
    for i in group:
        weights[i] *= limit / total


def look(state: State, row: int, one: Asked, has_numbers: bool) -> bool:
    """R10: is this target acted on now? Keeps the last valid number of those looked at."""
    i = one.instrument
    target = state.targets[i]
    if one.at_once:
        return look_at_once(state, row, one)
    may_lift_block(state, row, i, one.number if is_valid(state, one.number) else math.nan)
    if not is_due_by_rule(state, row) and not target.pending:
        return False
    if has_numbers and math.isnan(one.number):
        state.counters["nan_targets"] += 1
    number = checked(state, i, one.number)
    has_opinion = not math.isnan(number)
    if has_opinion:
        target.standing, target.standing_quantity = number, math.nan
    elif not (target.pending and target.pending_opinion):
        keep_pending_look(state, row, i)
        return False
    is_unchanged = target.standing == target.acted and math.isnan(target.standing_quantity)
    if state.settings.rebalance == RebalanceRule.ON_CHANGE and is_unchanged:
        return False
    return may_act(state, row, i)


def look_at_once(state: State, row: int, one: Asked) -> bool:
    """`ctx.target`: acted on whatever the rule says."""
    i, target = one.instrument, state.targets[one.instrument]
    if math.isnan(one.number) and math.isnan(one.quantity):
        return False  # refused
    may_lift_block(state, row, i, one.quantity if math.isnan(one.number) else one.number)
    target.standing, target.standing_quantity = one.number, one.quantity
    target.acted = math.nan
    return may_act(state, row, i)


def keep_pending_look(state: State, row: int, i: int) -> None:
    """R10: a scheduled look without a bar happens on the next one, whatever number it finds."""
    target = state.targets[i]
    if state.market.has_bar(row, i):
        target.pending = False
    elif state.settings.rebalance == RebalanceRule.SCHEDULE:
        target.pending, target.pending_opinion = True, False


def may_act(state: State, row: int, i: int) -> bool:
    """R29, R3, R19: is the instrument there, has it a bar, and may it be entered?"""
    target, market = state.targets[i], state.market
    if not market.is_listed(i, market.closes_at(row)):
        return False
    if not market.has_bar(row, i):
        target.pending = target.pending_opinion = True
        return False
    target.pending = target.pending_opinion = False
    number = target.standing if math.isnan(target.standing_quantity) else target.standing_quantity
    if target.blocked_side != 0 and sign(number) == target.blocked_side:
        state.counters["denied_reentry"] += 1
        return False
    return True


def may_lift_block(state: State, row: int, i: int, number: float) -> None:
    """R19: a 0, the other sign, or `reenter_after` bars; NaN and a missing bar do not."""
    target = state.targets[i]
    if target.blocked_side == 0 or not state.market.has_bar(row, i):
        return
    other = not math.isnan(number) and sign(number) != target.blocked_side
    after = state.settings.reenter_after
    waited = after is not None and target.blocked_bars >= after
    if not (other or waited):
        return
    if not other:
        target.acted = math.nan  # the standing number may be acted on again
    protection.lift_block(state, i, state.market.last_close(row, i))


def sign(x: float) -> int:
    return (x > 0) - (x < 0)


def wanted_lots(state: State, row: int, i: int, weight: float, quantity: float) -> int:
    """R9: lots of the position that is wanted; R28: cut to the limits; R8: 0 without equity."""
    item, settings = state.instruments[i], state.settings
    close = state.market.last_close(row, i)
    money = equity(state, row)
    if not math.isnan(quantity) and quantity < 0.0 and not state.is_derivative(i):  # R12
        state.counters["negative_spot_targets"] += 1
        quantity = 0.0
    if money <= 0.0:
        return 0
    if math.isnan(quantity):
        lots = weighted_lots(state, i, weight, money, close)
    else:
        lots = whole_lots(quantity / item.lot)
        if math.isfinite(settings.max_weight):
            lots = limited(state, lots, weighted_lots(state, i, settings.max_weight, money, close))
    if math.isfinite(settings.max_notional):
        most = whole_lots(settings.max_notional / quote_notional(item, item.lot, close))
        lots = limited(state, lots, most)
    return lots


def limited(state: State, lots: int, most: int) -> int:
    """R28: a target over a limit is cut to the largest size allowed."""
    if abs(lots) <= most:
        return lots
    state.counters["denied_limit"] += 1
    return most * sign(lots)


def weighted_lots(state: State, i: int, weight: float, money: float, close: float) -> int:
    """R9: trunc(w * equity / (close * multiplier * lot) + sign(w) * 1e-9)."""
    if math.isinf(weight):
        return 0
    item = state.instruments[i]
    sized = money * (1.0 - state.settings.cash_buffer)  # R8
    return whole_lots(weight * sized / notional(item, item.lot, close))


def act(state: State, row: int, one: Asked, weight: float) -> None:
    """R10: latch the wanted quantity, cancel the rest, start from the position."""
    i, target = one.instrument, state.targets[one.instrument]
    number, quantity = target.standing, target.standing_quantity
    if one.at_once and number < 0.0 and not state.is_derivative(i):
        state.counters["negative_spot_targets"] += 1
    at_fill = state.settings.size_at == SizeAt.FILL and not math.isnan(weight) and weight != 0.0
    is_banded = state.settings.rebalance == RebalanceRule.BAND and not one.at_once
    wanted = wanted_lots(state, row, i, weight, quantity)
    if is_banded and is_within_band(state, i, wanted):
        return
    cancel_working(state, i)
    target.acted = number
    held = state.position_lots(i)
    if at_fill and held * weight <= 0.0 and equity(state, row) > 0.0:
        place(state, i, sign(weight), abs(held), 0, weight)  # R33: what is held goes first
        return
    if wanted == 0 and held == 0 and not math.isnan(weight) and weight != 0.0:
        state.counters["below_minimum"] += 1
    item, close = state.instruments[i], state.market.last_close(row, i)
    delta = whole_lots(wanted - state.positions[i].quantity / item.lot)
    if delta == 0:
        return
    if is_below_minimum(item, delta, quote_notional(item, delta * item.lot, close)):
        state.counters["below_minimum"] += 1
        return
    place(state, i, sign(delta), abs(delta), wanted, math.nan)


def is_within_band(state: State, i: int, wanted: int) -> bool:
    """R10: skipped while |wanted - held| < x * |wanted|; entering and leaving always trade."""
    side = state.side_held(i)
    if side == 0 or wanted == 0 or sign(wanted) != side:
        return False
    held = state.positions[i].quantity / state.instruments[i].lot
    return abs(wanted - held) < state.settings.band * abs(wanted) - HAIR


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


def place(state: State, i: int, side: int, lots: int, wanted: int, fill_weight: float) -> None:
    """R13: a market order at the open, or one that waits outside its cap."""
    number = state.new_id()
    state.orders[number] = Order(
        id=number,
        age=number,
        instrument=i,
        side=side,
        kind=OrderKind.MARKET,
        lots=lots,
        reason=FillReason.TARGET,
        is_target=True,
        wanted=wanted,
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
