"""What may be done about a venue's error codes: the treatments, and a table of them.

A code that is in no table says nothing about an order: it is looked up. A person is told of `HALT`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final


class Treatment(StrEnum):
    """What to do about a code."""

    RETRY = "retry"  # refused for now: the same request again after a wait
    LOOK_UP = "look_up"  # nothing is known of the order
    REJECT = "reject"  # definitely refused
    FREEZE = "freeze"  # refused, and so will be everything on this instrument
    CLOCK = "clock"  # our clock is off: set it, and once more
    HALT = "halt"  # keys, rights or account settings: a person has to see to it


REFUSALS: Final = frozenset({Treatment.REJECT, Treatment.FREEZE, Treatment.HALT, Treatment.CLOCK})
"""Treatments of codes after which an order is definitely not at the venue."""


def treated(treatment: Treatment, *codes: int | range) -> dict[str, Treatment]:
    """Entries of a table: numbers and ranges of numbers under one treatment."""
    numbers = [n for code in codes for n in (code if isinstance(code, range) else (code,))]
    return {str(number): treatment for number in numbers}


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeTable:
    """The codes of one venue. `source` is where they are documented."""

    treatments: Mapping[str, Treatment]
    absent: frozenset[str]  # answers of a look-up that mean: no such order
    over: frozenset[str]  # answers to a cancel or a change: it is over, or is not there
    look_up_texts: tuple[str, ...] = ()  # in a message, whatever its code: the id is taken
    source: str = ""
    mending: Mapping[str, str] = field(default_factory=dict)  # what a person can do about a code

    def treatment(self, code: str, message: str = "") -> Treatment:
        """What to do; one that is not known says nothing about the order."""
        if any(text in message for text in self.look_up_texts):
            return Treatment.LOOK_UP
        return self.treatments.get(code, Treatment.LOOK_UP)
