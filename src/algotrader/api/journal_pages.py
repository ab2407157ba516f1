"""Pages of the journal by kind and by what they concern, the newest first."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from algotrader.api.view import DeskView
from algotrader.core.events import Event, decode_event
from algotrader.live.journal.chain import Row
from algotrader.live.journal.records import PREFIX

_BLOCK = 500
_MOST_READ = 20_000
"""Rows of one answer that are looked into for a filter; the cursor goes on from there."""

Numbered = tuple[Row, Event]


def newest_rows(
    view: DeskView,
    kinds: Sequence[str],
    before: int | None,
    limit: int,
    is_wanted: Callable[[Event], bool] | None = None,
) -> tuple[list[Numbered], int | None]:
    """Up to `limit` events before row `before`, and where the next page begins."""
    found: list[Numbered] = []
    read = 0
    while read < _MOST_READ:
        block = limit - len(found) if is_wanted is None else _BLOCK
        seqs = view.index.newest(kinds, before, block)
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
                    return found, before if view.index.newest(kinds, before, 1) else None
        read += len(seqs)
        before = seqs[-1]
    return found, before
