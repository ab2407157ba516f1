"""Pages of the journal by kind and by what they concern, the newest first."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Final

from algotrader.api.errors import ApiError
from algotrader.api.view import DeskView
from algotrader.core.events import Event, decode_event
from algotrader.live.journal.chain import Row
from algotrader.live.journal.records import PREFIX

_BLOCK: Final = 100  # rows looked into before other requests get a turn: about a millisecond
_MOST_READ: Final = 20_000
"""Rows of one answer that are looked into for a filter; the cursor goes on from there."""

Numbered = tuple[Row, Event]


async def newest_rows(
    view: DeskView,
    kinds: Sequence[str],
    before: int | None,
    limit: int,
    is_wanted: Callable[[Event], bool] | None = None,
) -> tuple[list[Numbered], int | None]:
    """Up to `limit` events before row `before`, and where the next page begins.

    ApiError if the journal became another one meanwhile.
    """

    def more(before: int | None, count: int) -> list[int]:
        return view.index.newest(kinds, before, count)

    return await picked_rows(view, more, before, limit, is_wanted)


async def picked_rows(
    view: DeskView,
    more: Callable[[int | None, int], list[int]],
    before: int | None,
    limit: int,
    is_wanted: Callable[[Event], bool] | None,
) -> tuple[list[Numbered], int | None]:
    """The same of the rows that `more` names: up to so many below a number, the highest first."""
    index, found, read = view.index, list[Numbered](), 0
    while read < _MOST_READ:
        seqs = more(before, limit - len(found) if is_wanted is None else _BLOCK)
        if not seqs:
            return found, None
        for row in view.picked(seqs):
            before = row.seq
            if row.kind.startswith(PREFIX):
                continue
            event = decode_event(row.body)
            if is_wanted is None or is_wanted(event):
                found.append((row, event))
                if len(found) == limit:
                    return found, before if more(before, 1) else None
        read += len(seqs)
        before = seqs[-1]
        await asyncio.sleep(0)
        if view.index is not index:  # else the page would end here as if there were no more
            raise ApiError(
                503, "api.reading", "the journal is being read anew", hint="ask again in a moment",
                headers={"Retry-After": "1"},
            )  # fmt: skip
    return found, before
