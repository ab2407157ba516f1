"""Numbers and names in rows of a venue: texts, exactly. What cannot be read is no answer (F37)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from algotrader.execution.broker import BrokerUnavailableError

Row = Mapping[str, Any]
UNREADABLE: Final = (
    BrokerUnavailableError, LookupError, TypeError, ValueError, AttributeError, ArithmeticError,
)  # fmt: skip
"""What reading a row of the wrong shape may raise."""
_MOST_DIGITS: Final = 40  # before the point: far above any amount or time


@contextmanager
def reading(what: str) -> Iterator[None]:
    """BrokerUnavailableError for what cannot be read, whatever is wrong with it (F37)."""
    try:
        yield
    except UNREADABLE as error:
        raise BrokerUnavailableError(f"{what} cannot be read: {error!r}") from error


def decimal(row: Row, name: str) -> Decimal:
    """A number of the venue; an empty text is 0. BrokerUnavailableError for what is none."""
    told = str(row.get(name) or "0")
    try:
        value = Decimal(told)
    except InvalidOperation as error:
        raise BrokerUnavailableError(f"{name} {told!r} is no number") from error
    if not value.is_finite() or value.adjusted() > _MOST_DIGITS:
        raise BrokerUnavailableError(f"{name} {told!r} is no number")
    return value


def needed(row: Row, name: str) -> Decimal:
    """A number that has to be there: what is missing is not known, it is not 0."""
    told = row.get(name)
    if told == "" or isinstance(told, bool) or not isinstance(told, str | int | float):
        raise BrokerUnavailableError(f"{name} is not told")
    return decimal(row, name)


def integer(row: Row, name: str) -> int:
    return int(decimal(row, name))


def text(row: Row, name: str) -> str:
    """A name that has to be there."""
    told = row.get(name)
    if not told or isinstance(told, bool) or not isinstance(told, str | int):
        raise BrokerUnavailableError(f"{name} is not told")
    return str(told)
