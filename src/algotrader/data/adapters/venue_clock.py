"""How far a venue's clock is from ours."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

SAMPLES: Final = 5
SHOWN_MS: Final = 500
REFUSED_MS: Final = 1_000
HALTED_MS: Final = 30_000  # beyond it no venue takes a signature


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockReading:
    """The venue's clock less ours, at most `uncertainty_ms` wrong."""

    offset_ms: int
    uncertainty_ms: int


class ClockVerdict(StrEnum):
    """What an offset that remains means."""

    FINE = "fine"
    SHOWN = "shown"
    NO_NEW_ORDERS = "no_new_orders"
    HALT = "halt"


def clock_verdict(offset_ms: int) -> ClockVerdict:
    """What to do about an offset that is not corrected for: promises of the handbook."""
    off = abs(offset_ms)
    if off > HALTED_MS:
        return ClockVerdict.HALT
    if off > REFUSED_MS:
        return ClockVerdict.NO_NEW_ORDERS
    return ClockVerdict.SHOWN if off > SHOWN_MS else ClockVerdict.FINE


def reading_of(asked_ms: int, told_ms: int, answered_ms: int) -> ClockReading:
    """The offset if the answer was stamped halfway; at worst it is half the way wrong."""
    return ClockReading(
        offset_ms=told_ms - (asked_ms + answered_ms) // 2,
        uncertainty_ms=(answered_ms - asked_ms + 1) // 2,
    )


async def surest_reading(
    ask_ms: Callable[[], Awaitable[int]], now_ms: Callable[[], int], samples: int = SAMPLES
) -> ClockReading:
    """The surest of some readings. `ask_ms` gives the venue's time; its errors are passed on."""
    found: list[ClockReading] = []
    for _ in range(samples):
        asked_ms = now_ms()
        told_ms = await ask_ms()
        found.append(reading_of(asked_ms, told_ms, now_ms()))
    return min(found, key=lambda one: one.uncertainty_ms)
