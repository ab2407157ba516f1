"""What OKX's error codes mean for an order: the treatment of each that is known."""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class Treatment(StrEnum):
    """What to do about a code."""

    RETRY = "retry"  # refused for now: the same request again after a wait
    LOOK_UP = "look_up"  # nothing is known of the order
    REJECT = "reject"  # definitely refused
    FREEZE = "freeze"  # refused, and so will be everything on this instrument
    CLOCK = "clock"  # our clock is off
    HALT = "halt"  # keys, rights or account settings: a person has to see to it


def _each(treatment: Treatment, *codes: int | range) -> dict[str, Treatment]:
    numbers = [n for code in codes for n in (code if isinstance(code, range) else (code,))]
    return {str(number): treatment for number in numbers}


TREATMENTS: Final[dict[str, Treatment]] = {
    **_each(Treatment.HALT, range(50100, 50115), 50007, 50009, 50022, 50027, 51009, 51010),
    **_each(Treatment.RETRY, 50011, 50061, 51029, 51030),
    **_each(Treatment.LOOK_UP, 50001, 50004, 50005, 50013, 50026, 51016, range(51400, 51403)),
    **_each(Treatment.LOOK_UP, 51410, 51503, 51509, 51510, 51603),
    **_each(Treatment.REJECT, 51000, range(51004, 51007), 51008, 51020, range(51100, 51122)),
    **_each(Treatment.REJECT, 51131, 51137, 51138),
    **_each(Treatment.FREEZE, 51001, 51021, 51022, 51027, 51028, 54072),
    **_each(Treatment.CLOCK, 50102, 60006),
}

REFUSALS: Final = frozenset({Treatment.REJECT, Treatment.FREEZE, Treatment.HALT, Treatment.CLOCK})
"""Treatments of codes after which an order is definitely not at the venue."""

ABSENT: Final = frozenset({"51603", "51001"})
"""Answers of a look-up that mean: no such order."""


def treatment(code: str) -> Treatment:
    """What to do about a code; one that is not known says nothing about the order."""
    if code.startswith("59"):
        return Treatment.HALT
    return TREATMENTS.get(code, Treatment.LOOK_UP)
