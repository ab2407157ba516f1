"""Whole lots and whole ticks (R9)."""

from __future__ import annotations

import math

from algotrader.execution.simulation import SimulatedInstrument

LARGEST_LOTS = 2**53
HAIR = 1e-9  # of a lot or a tick: what floating point may lose


def whole_lots(lots: float) -> int:
    """R9: trunc(x + sign(x) * 1e-9), toward zero for shorts too."""
    if math.isnan(lots):
        return 0
    if abs(lots) > LARGEST_LOTS:
        raise ValueError("more than 2^53 lots")
    return math.trunc(lots + math.copysign(HAIR, lots))


def ticks(price: float, tick: float) -> int:
    """R9: prices are compared in whole ticks; the nearest one, the even one of two."""
    return round(price / tick)


def compare(a: float, b: float, tick: float) -> int:
    """-1, 0 or +1 as price a is below, at or above price b, in whole ticks if there are ticks."""
    if tick > 0:
        a, b = ticks(a, tick), ticks(b, tick)
    return (a > b) - (a < b)


def round_down(price: float, tick: float) -> float:
    return math.floor(price / tick + HAIR) * tick if tick > 0 else price


def round_up(price: float, tick: float) -> float:
    return math.ceil(price / tick - HAIR) * tick if tick > 0 else price


def passive(price: float, side: int, tick: float) -> float:
    """R9: limit prices passively: a buy down, a sell up."""
    return round_down(price, tick) if side > 0 else round_up(price, tick)


def away(price: float, side: int, tick: float) -> float:
    """R9: stops away from the market: a sell down, a buy up."""
    return round_up(price, tick) if side > 0 else round_down(price, tick)


def adverse(price: float, side: int, tick: float) -> float:
    """R9: simulated fills adversely: a buy up, a sell down."""
    return round_up(price, tick) if side > 0 else round_down(price, tick)


def is_better_or_equal(price: float, limit: float, side: int, tick: float) -> bool:
    """A buyer is content at or below the limit, a seller at or above it."""
    return compare(price, limit, tick) * side <= 0


def trades_through(price: float, limit: float, side: int, tick: float) -> bool:
    """R15: low <= limit - tick for a buy (without a tick: low < limit)."""
    return compare(price, limit, tick) * side < 0


def has_reached_stop(price: float, stop: float, side: int, tick: float) -> bool:
    """A buy stop is reached from below, a sell stop from above."""
    return compare(price, stop, tick) * side >= 0


def is_below_minimum(item: SimulatedInstrument, lots: int, notional: float) -> bool:
    """R9: under the minimum quantity or notional there is no order."""
    quantity = abs(lots) * item.lot
    return (
        lots == 0
        or quantity < item.min_quantity * (1 - 1e-12)
        or abs(notional) < item.min_notional * (1 - 1e-12)
    )
