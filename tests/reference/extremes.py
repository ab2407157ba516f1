"""R17: in which order the extremes of a bar are met, and the lines that are travelled."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from tests.reference import protection
from tests.reference.account import State
from tests.reference.cash import Increase
from tests.reference.filling import may_open
from tests.reference.margin import Leg
from tests.reference.market import Bar, Market
from tests.reference.rounding import ticks

from algotrader.execution.simulation import PathRule


@dataclass(slots=True)
class Track:
    """The straight pieces that one instrument's price and mark travel in a bar."""

    prices: list[Leg | None] = field(default_factory=list)
    marks: list[Leg] = field(default_factory=list)


@dataclass(slots=True)
class Journey:
    """One travel of a bar."""

    factor: float  # R11: of increases inside the bar
    swapped: frozenset[int]  # instruments whose extremes are swapped (R17)
    increases: list[Increase] = field(default_factory=list)  # before the cut
    filled: list[Increase] = field(default_factory=list)  # after it


def resting_entries(state: State, i: int) -> list[tuple[float, int]]:
    """(level, -1 for the low side or +1 for the high side) of what would open a position."""
    entries = []
    for order in state.by_age():
        if order.instrument != i or not may_open(state, order) or order.executes_as_market:
            continue
        if order.waits_for_stop:
            entries.append((protection.stop_level(state, order), order.side))
        elif order.rests_as_limit:
            entries.append((order.limit, -order.side))
    return entries


def distance(state: State, i: int, a: float, b: float) -> float:
    tick = state.instruments[i].tick
    return abs(ticks(a, tick) - ticks(b, tick)) if tick > 0 else abs(a - b)


def is_low_first_by_worst(state: State, i: int, at: float) -> bool:
    """R17 `worst`: the extreme against the position, else the side of the nearest entry."""
    side = state.side_held(i)
    if side != 0:
        return side > 0
    entries = resting_entries(state, i)
    if not entries:
        return True
    nearest = min(distance(state, i, level, at) for level, _ in entries)
    return any(where < 0 for level, where in entries if distance(state, i, level, at) == nearest)


def is_low_first(state: State, i: int, bar: Bar, journey: Journey, finer: bool) -> bool:
    """Which extreme is met first, by the rule of the run; the other one if swapped."""
    rule = state.settings.path
    low_first = is_low_first_by_worst(state, i, bar.open)
    if rule == PathRule.BEST and not finer:
        low_first = not low_first
    elif rule == PathRule.NEAR_FAR and not finer:
        to_low = distance(state, i, bar.open, bar.low)
        to_high = distance(state, i, bar.high, bar.open)
        if to_low != to_high:
            low_first = to_low < to_high
    return low_first != (i in journey.swapped)


def three_legs(bar: Bar, low_first: bool) -> list[Leg]:
    first, second = (bar.low, bar.high) if low_first else (bar.high, bar.low)
    return [Leg(bar.open, first), Leg(first, second), Leg(second, bar.close)]


def split(legs: list[Leg], pieces: int) -> list[Leg]:
    """Each leg in equal pieces, so that instruments of different grain travel together."""
    return [
        Leg(leg.at(k / pieces), leg.at((k + 1) / pieces)) for leg in legs for k in range(pieces)
    ]


def filled_up(mark: Bar, price: Bar) -> Bar:
    """R23: without a whole mark bar, the price."""
    parts = (mark.open, mark.high, mark.low, mark.close)
    return price if any(math.isnan(part) for part in parts) else mark


def finer_of(state: State, row: int, i: int) -> list[int]:
    """The finer bars of an instrument if they are all there; counts the fallback (R17)."""
    market = state.market
    if state.settings.path != PathRule.FINER or not market.has_bar(row, i):
        return []
    rows = market.finer_rows(row)
    whole = len(rows) == market.finer_per_bar() and bool(rows)
    if whole and all(is_whole(market, m, i) for m in rows):
        return rows
    return []


def is_whole(market: Market, m: int, i: int) -> bool:
    bar = market.finer_bar(m, i)
    return not any(math.isnan(v) for v in (bar.open, bar.high, bar.low, bar.close))


def base_track(state: State, row: int, i: int, journey: Journey, pieces: int) -> Track:
    """The three legs of a base bar, each in `pieces`."""
    bar, mark = state.market.bar(row, i), state.market.mark_bar(row, i)
    if not bar.is_present:
        return resting_track(state, row, i, 3 * pieces)
    low_first = is_low_first(state, i, bar, journey, finer=False)
    prices = split(three_legs(bar, low_first), pieces)
    marks = split(three_legs(filled_up(mark, bar), low_first), pieces)
    return Track(list(prices), marks)


def resting_track(state: State, row: int, i: int, pieces: int) -> Track:
    """Without a bar the mark stands still where it opened."""
    mark = state.market.mark_at_open(row, i)
    return Track([None] * pieces, [Leg(mark, mark)] * pieces)


def extend(state: State, track: Track, m: int, i: int, journey: Journey) -> None:
    """Add the three legs of one finer bar, in the order of `worst` for the position there."""
    bar = state.market.finer_bar(m, i)
    low_first = is_low_first(state, i, bar, journey, finer=True)
    track.prices.extend(three_legs(bar, low_first))
    track.marks.extend(three_legs(filled_up(state.market.finer_mark(m, i), bar), low_first))
