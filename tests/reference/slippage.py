"""R22: how far the price moves against an order."""

from __future__ import annotations

import itertools
import math

from tests.reference.account import State
from tests.reference.rounding import adverse


def impact(state: State, i: int, quantity: float) -> float:
    """y * sigma * sqrt(quantity / average daily volume), 0 (and counted) without two returns."""
    item = state.instruments[i]
    if item.impact == 0.0:
        return 0.0
    days = state.market.completed_days(state.row, i)
    closes = [close for close, _ in days]
    returns = [math.log(b / a) for a, b in itertools.pairwise(closes)][-20:]
    volumes = [volume for _, volume in days][1:][-20:]  # of the days that have a return
    average = sum(volumes) / len(volumes) if volumes else 0.0
    if len(returns) < 2 or not average > 0.0:
        state.counters["impact_skipped"] += 1
        return 0.0
    mean = sum(returns) / len(returns)
    sigma = math.sqrt(sum((r - mean) ** 2 for r in returns) / (len(returns) - 1))
    return item.impact * sigma * math.sqrt(quantity / average)


def slipped(state: State, i: int, side: int, price: float, lots: int) -> float:
    """The price of a market or stop fill, rounded adversely to the tick (R9)."""
    item = state.instruments[i]
    fixed = (item.slippage_bps + item.half_spread_bps) / 1e4
    fraction = fixed + impact(state, i, lots * item.lot)
    return adverse(price * (1.0 + side * fraction), side, item.tick)
