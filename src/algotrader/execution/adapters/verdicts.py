"""What a venue's answer to an order means. Pure.

Accepted if it names the order, refused if its code is on the list of refusals, unknown otherwise: a
page, an empty answer and a code nobody knows say nothing about the order.
"""

from __future__ import annotations

from dataclasses import dataclass

from algotrader.core.ids import VenueOrderId
from algotrader.execution.adapters.treatments import REFUSALS, Treatment


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    venue_order_id: VenueOrderId


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """The order is definitely not at the venue."""

    code: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Again:
    """Refused for now: the same request once more, after a wait or with our clock set right."""

    code: str
    reason: str
    with_clock: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Unknown:
    """Nothing is known: look the order up."""

    reason: str


Verdict = Accepted | Refused | Again | Unknown


def verdict_on_code(
    code: str, reason: str, meaning: Treatment, *, clock_was_set: bool
) -> Refused | Again | Unknown:
    """What a code that is not success means for the order it answers."""
    if meaning is Treatment.RETRY:
        return Again(code=code, reason=reason, with_clock=False)
    if meaning is Treatment.CLOCK and not clock_was_set:
        return Again(code=code, reason=reason, with_clock=True)
    if meaning in REFUSALS:
        return Refused(code=code, reason=reason)
    return Unknown(reason=f"{code} {reason}".strip())
