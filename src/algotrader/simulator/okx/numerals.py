"""Numbers as the venue writes them: plain decimals, times in milliseconds, all as text."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation

from algotrader.simulator.okx.refusals import Refusal

ZERO = Decimal(0)


def plain(value: Decimal) -> str:
    """`Decimal` without exponent, trailing zeros or a negative zero."""
    if value == 0:
        return "0"
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def amount(value: Decimal) -> str:
    """Money as the venue shows it, cut to sixteen places."""
    return plain(round(value, 16))


def optional(value: Decimal | None) -> str:
    return "" if value is None else plain(value)


def number(value: object, name: str) -> Decimal:
    """A finite decimal from a request; Refusal 51000 names the parameter otherwise."""
    try:
        parsed = Decimal(str(value)) if isinstance(value, str | int | float) else None
    except InvalidOperation:
        parsed = None
    if parsed is None or isinstance(value, bool) or not parsed.is_finite():
        raise Refusal("51000", name)
    return parsed


def positive(value: object, name: str) -> Decimal:
    parsed = number(value, name)
    if parsed <= 0:
        raise Refusal("51000", name)
    return parsed


def whole(value: object, name: str) -> int:
    """A whole number from a request, for times, ids and limits."""
    if isinstance(value, bool) or not str(value).isdecimal():
        raise Refusal("51000", name)
    return int(str(value))
