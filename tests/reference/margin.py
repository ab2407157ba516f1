"""R23: maintenance, the point of liquidation and its price."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

from tests.reference import protection
from tests.reference.account import FillRecord, State, book_closing, notional, profit

from algotrader.execution.simulation import (
    FillReason,
    InstrumentKind,
    MarginMode,
    OrderState,
    SimulatedInstrument,
)


@dataclass(frozen=True, slots=True)
class Leg:
    """A straight line that the mark of an instrument travels, from fraction 0 to 1."""

    start: float
    end: float

    def at(self, s: float) -> float:
        return self.start + (self.end - self.start) * s


def maintenance_rate(item: SimulatedInstrument, value: float) -> float:
    """The rate of the tier of the notional: upper bounds included, the last one above all."""
    for bound, rate in item.tiers:
        if value <= bound:
            return rate
    return item.tiers[-1][1] if item.tiers else 0.0


def pools(state: State) -> list[list[int]]:
    """The positions that are liquidated together: all of them, or each alone."""
    held = [
        i
        for i in range(len(state.instruments))
        if state.is_derivative(i) and state.positions[i].quantity != 0.0
    ]
    if state.settings.margin_mode == MarginMode.ISOLATED:
        return [[i] for i in held]
    return [held] if held else []


def collateral(state: State, pool: list[int]) -> float:
    """What the pool's losses are paid from: the wallet, or the position's own margin."""
    if state.settings.margin_mode == MarginMode.ISOLATED:
        return state.positions[pool[0]].margin
    return state.cash


def excess(
    state: State, pool: list[int], marks: dict[int, float], rates: dict[int, float]
) -> float:
    """Margin equity minus what must be kept; liquidated where it is not above 0."""
    total = collateral(state, pool)
    for i in pool:
        item, held = state.instruments[i], state.positions[i]
        total += profit(item, held.quantity, held.entry, marks[i])
        total -= notional(item, held.quantity, marks[i]) * (rates[i] + item.liquidation_fee)
    return total


def rates_at(state: State, pool: list[int], marks: dict[int, float]) -> dict[int, float]:
    """The maintenance rate of each position at its notional there."""
    return {
        i: maintenance_rate(
            state.instruments[i],
            notional(state.instruments[i], state.positions[i].quantity, marks[i]),
        )
        for i in pool
    }


def is_liquidated_at(state: State, pool: list[int], marks: dict[int, float]) -> bool:
    return excess(state, pool, marks, rates_at(state, pool, marks)) <= 0.0


def tier_crossings(state: State, i: int, leg: Leg, start: float, end: float) -> list[float]:
    """The fractions at which the notional passes a bound of a tier."""
    item, quantity = state.instruments[i], abs(state.positions[i].quantity)
    crossings = []
    for bound, _ in item.tiers:
        if item.kind == InstrumentKind.INVERSE:
            mark = quantity * item.multiplier / bound
        else:
            mark = bound / (quantity * item.multiplier)
        if leg.end != leg.start:
            s = (mark - leg.start) / (leg.end - leg.start)
            if start < s < end:
                crossings.append(s)
    return crossings


def first_point(
    state: State, pool: list[int], legs: dict[int, Leg], start: float, end: float
) -> float | None:
    """The first fraction in [start, end] at which the pool is liquidated."""
    stops = {start, end}
    for i in pool:
        stops.update(tier_crossings(state, i, legs[i], start, end))
    points = sorted(stops)
    pieces = 64 if any(is_curved(state, i) for i in pool) else 1

    def marks(s: float) -> dict[int, float]:
        return {i: legs[i].at(s) for i in pool}

    for u, v in itertools.pairwise(points):
        if is_liquidated_at(state, pool, marks(u)):
            return u
        rates = rates_at(state, pool, marks((u + v) / 2))
        found = first_root(lambda s, r=rates: excess(state, pool, marks(s), r), u, v, pieces)
        if found is not None:
            return found
    return end if is_liquidated_at(state, pool, marks(end)) else None


def is_curved(state: State, i: int) -> bool:
    """The profit of inverse contracts bends with the mark; that of linear ones is straight."""
    return state.instruments[i].kind == InstrumentKind.INVERSE


def first_root(function, start: float, end: float, pieces: int) -> float | None:
    """Where the function first falls to 0. Straight lines need one cut, curves get 64."""
    low, value = start, function(start)
    if value <= 0.0:
        return start
    for k in range(1, pieces + 1):
        high = start + (end - start) * k / pieces
        if function(high) <= 0.0:
            return bisect(function, low, high)
        low = high
    return None


def bisect(function, low: float, high: float) -> float:
    """The end of the last bracket whose left is above 0 and whose right is not."""
    for _ in range(200):
        middle = (low + high) / 2
        if middle in (low, high):
            break
        if function(middle) <= 0.0:
            high = middle
        else:
            low = middle
    return high


def liquidation_price(item: SimulatedInstrument, side: int, mark: float, fraction: float) -> float:
    """R23: mark * (1 - sign * fraction); for inverse contracts the same in 1 / price."""
    if item.kind == InstrumentKind.INVERSE:
        return mark / (1.0 + side * fraction)
    return mark * (1.0 - side * fraction)


def liquidate(state: State, pool: list[int], marks: dict[int, float]) -> None:
    """R23: everything is closed where, after the fee, nothing is left of the collateral."""
    values, fees, left = {}, {}, collateral(state, pool)
    for i in pool:
        item, held = state.instruments[i], state.positions[i]
        values[i] = notional(item, held.quantity, marks[i])
        fees[i] = values[i] * item.liquidation_fee
        left += profit(item, held.quantity, held.entry, marks[i]) - fees[i]
    fraction = left / sum(values.values())
    for i in pool:
        item, quantity = state.instruments[i], state.positions[i].quantity
        side = 1 if quantity > 0 else -1
        price = liquidation_price(item, side, marks[i], fraction)
        book_closing(state, i, -quantity, price, fees[i])
        state.fills.append(
            FillRecord(
                row=state.row,
                instrument=i,
                order=-1,
                quantity=-quantity,
                price=price,
                fee=fees[i],
                slippage=0.0,
                maker=False,
                reason=FillReason.LIQUIDATION,
                opening=False,
            )
        )
        state.counters["liquidations"] += 1
        protection.block_reentry(state, i, side)  # R19: a liquidation is a protective exit
    if state.settings.margin_mode == MarginMode.CROSS:
        state.cash = 0.0  # but for rounding it is
        pool = [i for i in range(len(state.instruments)) if state.is_derivative(i)]
    for i in pool:
        protection.cancel_all(state, i, OrderState.CANCELLED)


def check_at_marks(state: State, marks: list[float]) -> None:
    """R7 (4): liquidation tested on one set of marks."""
    for pool in pools(state):
        at = {i: marks[i] for i in pool}
        if is_liquidated_at(state, pool, at):
            liquidate(state, pool, at)
