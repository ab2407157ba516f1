"""Cursors: where the next page begins, so that what is added meanwhile moves nothing."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error
from typing import Annotated, Any

from fastapi import Query

from algotrader.api.errors import ApiError

MOST = 1_000
Limit = Annotated[int, Query(ge=1, le=MOST, description="items of a page")]
Cursor = Annotated[
    str | None, Query(max_length=64, description="`next` of the page before", examples=["MTIzNA"])
]


def place_of(cursor: str | None) -> int | None:
    """The number that a cursor stands for. ApiError 400 for what is none."""
    if cursor is None:
        return None
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        return int(urlsafe_b64decode(padded.encode()).decode("ascii"))
    except (ValueError, Error) as error:
        raise ApiError(
            400, "api.cursor", f"{cursor!r} is no cursor", hint="take `next` of the page before"
        ) from error


def cursor_at(place: int | None) -> str | None:
    """Text for a number; None stays None."""
    return None if place is None else urlsafe_b64encode(str(place).encode()).decode().rstrip("=")


def page_of(items: list[Any], following: int | None, total: int | None = None) -> dict[str, Any]:
    return {"items": items, "next": cursor_at(following), "total": total}
