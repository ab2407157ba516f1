"""Looking for a few rows among many: other requests get their turn, and a page does not lie."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, cast

import pytest
from tests.builders import events as examples

from algotrader.api import journal_pages
from algotrader.api.errors import ApiError
from algotrader.api.index import JournalIndex
from algotrader.api.journal_pages import Numbered, newest_rows
from algotrader.api.view import DeskView
from algotrader.core.events import Event, encode_event
from algotrader.live.journal.chain import Row

CLEARED = next(one for one in examples.EXAMPLES if one.kind == "RiskCleared")


class ManyRows:
    """A view of a journal of rows of one kind; `reads` has how many were read in each turn."""

    def __init__(self, rows: int) -> None:
        self.body = encode_event(CLEARED)
        self.reads = [0]
        self.index = self.again(rows)

    @staticmethod
    def again(rows: int) -> JournalIndex:
        index = JournalIndex()
        for seq in range(1, rows + 1):
            index.add(seq, CLEARED.kind)
        return index

    def picked(self, seqs: list[int]) -> list[Row]:
        self.reads[-1] += len(seqs)
        return [Row(seq, 0, 0, CLEARED.kind, self.body, b"") for seq in seqs]


def pages(
    view: ManyRows,
    is_wanted: Callable[[Event], bool] | None,
    meanwhile: Callable[[int], None] = lambda _: None,
    before: int | None = None,
) -> tuple[list[Numbered], int | None]:
    """A page of two, while other requests wait for their turns."""

    async def other() -> None:
        for turn in range(10_000):
            meanwhile(turn)
            view.reads.append(0)
            await asyncio.sleep(0)

    async def both() -> tuple[list[Numbered], int | None]:
        waiting = asyncio.ensure_future(other())
        try:
            return await newest_rows(cast(DeskView, view), (CLEARED.kind,), before, 2, is_wanted)
        finally:
            waiting.cancel()

    return asyncio.run(both())


def test_a_search_that_finds_nothing_reads_little_between_two_turns_of_others() -> None:
    view = ManyRows(30_000)

    assert pages(view, lambda _: False) == ([], 10_001)
    assert max(view.reads) <= 100
    assert sum(view.reads) == 20_000


def test_a_page_ends_with_the_row_to_go_on_from() -> None:
    found, following = pages(ManyRows(5), None)
    last, end = pages(ManyRows(5), lambda _: True, before=3)

    assert ([row.seq for row, _ in found], following) == ([5, 4], 4)
    assert ([row.seq for row, _ in last], end) == ([2, 1], None)


def test_a_journal_that_became_another_one_is_no_end_of_the_list() -> None:
    view = ManyRows(1_000)

    def replaced(turn: int) -> None:
        if turn == 3:
            view.index = view.again(0)

    with pytest.raises(ApiError, match="read anew"):
        pages(view, lambda _: False, replaced)


def test_no_more_is_looked_into_than_one_answer_may(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal_pages, "_MOST_READ", 300)
    wanted: Any = iter([True, *[False] * 1_000])

    found, following = pages(ManyRows(1_000), lambda _: next(wanted))

    assert ([row.seq for row, _ in found], following) == ([1000], 701)
