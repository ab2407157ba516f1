"""Numbers in rows of a venue: texts, exactly."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from algotrader.execution.broker import BrokerUnavailableError

Row = Mapping[str, Any]


def decimal(row: Row, name: str) -> Decimal:
    """A number of the venue; an empty text is 0. BrokerUnavailableError for what is none."""
    text = str(row.get(name) or "0")
    try:
        value = Decimal(text)
    except InvalidOperation as error:
        raise BrokerUnavailableError(f"{name} {text!r} is no number") from error
    if not value.is_finite():
        raise BrokerUnavailableError(f"{name} {text!r} is no number")
    return value


def integer(row: Row, name: str) -> int:
    return int(decimal(row, name))
