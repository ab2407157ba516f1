"""Lists that a venue gives page by page."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from algotrader.execution.broker import BrokerUnavailableError

T = TypeVar("T")
C = TypeVar("C")
MOST_PAGES: Final = 50


async def all_pages(
    ask: Callable[[C | None], Awaitable[list[T]]],
    after: Callable[[list[T]], C | None],
    what: str,
) -> list[T]:
    """Page after page, each asked for behind the one before; `after` is None of the last one.

    BrokerUnavailableError for more pages than anybody needs: a list that is cut is no answer.
    """
    found: list[T] = []
    cursor: C | None = None
    for _ in range(MOST_PAGES):
        page = await ask(cursor)
        found += page
        cursor = after(page)
        if cursor is None:
            return found
    raise BrokerUnavailableError(f"{what}: more than {MOST_PAGES} pages")
