"""Where in the journal each kind of event stands: eight bytes a row, so pages are found at once."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence
from heapq import merge
from itertools import islice


class JournalIndex:
    """Numbers of rows by kind, rising."""

    def __init__(self) -> None:
        self._rows: dict[str, array[int]] = {}
        self.last = 0  # number of the last row that was taken in

    def add(self, seq: int, kind: str) -> None:
        """Take the next row in."""
        self._rows.setdefault(kind, array("q")).append(seq)
        self.last = seq

    def count(self, kinds: Sequence[str]) -> int:
        return sum(len(self._rows.get(kind, ())) for kind in kinds)

    def kinds(self) -> dict[str, int]:
        """How many rows there are of each kind."""
        return {kind: len(rows) for kind, rows in sorted(self._rows.items())}

    def newest(self, kinds: Sequence[str], before: int | None, limit: int) -> list[int]:
        """Up to `limit` numbers below `before`, the highest first; of all kinds if none is named."""
        wanted: Iterable[str] = kinds or self._rows
        lists = [self._below(self._rows[kind], before) for kind in wanted if kind in self._rows]
        return list(islice(merge(*lists, reverse=True), limit))

    @staticmethod
    def _below(rows: array[int], before: int | None) -> Iterable[int]:
        from bisect import bisect_left

        end = len(rows) if before is None else bisect_left(rows, before)
        return (rows[at] for at in range(end - 1, -1, -1))
