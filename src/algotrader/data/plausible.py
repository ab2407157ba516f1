"""Whether one live bar can be: what it says of itself, and beside the bar before it."""

from __future__ import annotations

import math
from typing import Final

Values = tuple[float, float, float, float, float]
"""Open, high, low, close, volume."""

LEAP: Final = 5.0
"""A price that is this many times the last close, or this part of it, is not believed at once."""


def fault_of(values: Values) -> str | None:
    """Why a bar is none, in the words of the lake's quarantine (F42); None if it can be one."""
    opened, high, low, close, volume = values
    if not all(map(math.isfinite, values)):
        return "nan"
    if min(opened, high, low, close) <= 0:
        return "price_not_positive"
    if volume < 0:
        return "volume_negative"
    if high < low:
        return "high_below_low"
    if low > min(opened, close) or high < max(opened, close):
        return "outside_range"
    return None


def leaps(values: Values, reference: float) -> bool:
    """Whether a price of the bar is `LEAP` times away from a close before it, or further (F42)."""
    return max(values[:4]) >= reference * LEAP or min(values[:4]) <= reference / LEAP
