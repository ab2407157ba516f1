"""What an answer of OKX to an order means, by its content. Pure functions.

Accepted if it names the order with code 0, refused if its code is on the list of refusals, unknown
otherwise: an HTML page, an empty list and a code nobody knows say nothing about the order.
"""

from __future__ import annotations

from dataclasses import dataclass

from algotrader.core.ids import VenueOrderId
from algotrader.data.adapters.okx.rest import Answer
from algotrader.execution.adapters.okx.codes import OVER, REFUSALS, Treatment, treatment


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


def verdict_on(answer: Answer, id_field: str, *, clock_was_set: bool = False) -> Verdict:
    """What an answer to one order means. `id_field` is what it is named in."""
    code, reason = answer.row_code, answer.row_message
    if code == "0":
        named = str(answer.row.get(id_field) or "")
        if named and named != "0":
            return Accepted(venue_order_id=VenueOrderId(named))
        return Unknown(reason="code 0 without an order")
    meaning = treatment(code)
    if meaning is Treatment.RETRY:
        return Again(code=code, reason=reason, with_clock=False)
    if meaning is Treatment.CLOCK and not clock_was_set:
        return Again(code=code, reason=reason, with_clock=True)
    if meaning in REFUSALS:
        return Refused(code=code, reason=reason)
    return Unknown(reason=f"{code} {reason}".strip())


def is_definite(answer: Answer) -> bool:
    """Whether an answer to a cancel or a change says what became of it; else look the order up."""
    code = answer.row_code
    return code == "0" or code in OVER or treatment(code) in REFUSALS
