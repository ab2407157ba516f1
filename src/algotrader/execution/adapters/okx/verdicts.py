"""What an answer of OKX to an order means, by its content. Pure functions."""

from __future__ import annotations

from algotrader.core.ids import VenueOrderId
from algotrader.data.adapters.okx.rest import Answer
from algotrader.execution.adapters.okx.codes import OVER, REFUSALS, treatment
from algotrader.execution.adapters.verdicts import (
    Accepted,
    Again,
    Refused,
    Unknown,
    Verdict,
    verdict_on_code,
)

__all__ = ["Accepted", "Again", "Refused", "Unknown", "Verdict", "is_definite", "verdict_on"]


def verdict_on(answer: Answer, id_field: str, *, clock_was_set: bool = False) -> Verdict:
    """What an answer to one order means. `id_field` is what it is named in."""
    code, reason = answer.row_code, answer.row_message
    if code == "0":
        named = str(answer.row.get(id_field) or "")
        if named and named != "0":
            return Accepted(venue_order_id=VenueOrderId(named))
        return Unknown(reason="code 0 without an order")
    return verdict_on_code(code, reason, treatment(code), clock_was_set=clock_was_set)


def is_definite(answer: Answer) -> bool:
    """Whether an answer to a cancel or a change says what became of it; else look the order up."""
    code = answer.row_code
    return code == "0" or code in OVER or treatment(code) in REFUSALS
