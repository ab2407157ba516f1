"""A journal's disk in memory, for simulations: what is not synced can be lost, on command."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from enum import StrEnum
from operator import attrgetter

from algotrader.live.journal.chain import Head, Row
from algotrader.live.journal.port import Snapshot


class Point(StrEnum):
    """Where a disk may fail, or the process may die, while a step is written."""

    WRITE = "write"  # before anything is there; raise JournalUnwrittenError, or die
    SYNC = "sync"  # written, not yet durable; raise JournalFailedError, or die
    HEAD = "head"  # durable, the head not yet kept; raise JournalFailedError, or die
    KEPT = "kept"  # all done


def no_faults(_: Point) -> None:
    """A disk that works."""


class MemoryStorage:
    """The contract of `port.Storage`, in lists.

    `at` is called at every point and raises what is to happen there. `crash` is what a dying
    machine does to the disk; the same object then serves the next start.
    """

    def __init__(
        self, at: Callable[[Point], None] = no_faults, *, sync_each_step: bool = True
    ) -> None:
        self.at = at
        self._sync_each_step = sync_each_step
        self._rows: list[Row] = []
        self._synced = 0  # of `_rows`
        self._in_doubt: list[Row] = []  # written, and the sync failed
        self._head: Head | None = None
        self._synced_head: Head | None = None
        self._sync_head = False
        self._snapshots: list[Snapshot] = []

    def head(self) -> Head | None:
        return self._head

    def newest(self, *, at_most: int | None = None, kind: str | None = None) -> Row | None:
        end = len(self._rows) if at_most is None else bisect_right(self._rows, at_most, key=_SEQ)
        for index in range(end - 1, -1, -1):
            if kind is None or self._rows[index].kind == kind:
                return self._rows[index]
        return None

    def page(self, first: int, limit: int, kinds: Sequence[str] = ()) -> list[Row]:
        start = bisect_left(self._rows, first, key=_SEQ)
        if not kinds:
            return self._rows[start : start + limit]
        return [row for row in self._rows[start:] if row.kind in kinds][:limit]

    def snapshots(self, kind: str | None = None) -> list[Snapshot]:
        kept = [one for one in self._snapshots if kind is None or one.kind == kind]
        return sorted(kept, key=lambda one: one.seq, reverse=True)

    def append(self, rows: Sequence[Row]) -> None:
        self.at(Point.WRITE)
        self._in_doubt = list(rows)
        if self._sync_each_step:
            self.at(Point.SYNC)
        self._rows += self._in_doubt
        self._in_doubt = []
        if self._sync_each_step:
            self._synced = len(self._rows)

    def begin_segment(self, rows: Sequence[Row]) -> None:
        self.append(rows)
        self._synced, self._sync_head = len(self._rows), True

    def keep_head(self, head: Head) -> None:
        self.at(Point.HEAD)
        self._head = head
        if self._sync_head:
            self._synced_head, self._sync_head = head, False
        self.at(Point.KEPT)

    def keep_snapshot(self, snapshot: Snapshot) -> None:
        place = (snapshot.kind, snapshot.seq)
        others = (one for one in self.snapshots() if (one.kind, one.seq) != place)
        self._snapshots = [*others, snapshot]

    def close(self) -> None:
        self._synced = len(self._rows)
        self._synced_head = self._head

    @property
    def unsynced_steps(self) -> int:
        """Steps a power cut now may take, the one in doubt included: `crash` keeps 0 to these."""
        steps = sum(row.remaining == 0 for row in self._rows[self._synced :])
        return steps + bool(self._in_doubt)

    def crash(
        self, *, kept_steps: int = 0, head_survives: bool = True, snapshots_survive: bool = True
    ) -> None:
        """Cut the power: of the unsynced steps the first `kept_steps` are on the disk.

        The head is in a small file that is synced now and then only. When it does not survive,
        the one last synced is read again. Snapshots are in a file that can be made again.
        """
        unsynced = [*self._rows[self._synced :], *self._in_doubt]
        ends = [index + 1 for index, row in enumerate(unsynced) if row.remaining == 0]
        if not 0 <= kept_steps <= len(ends):
            raise ValueError(f"{len(ends)} steps are unsynced, {kept_steps} cannot be kept")
        kept = unsynced[: ends[kept_steps - 1]] if kept_steps else []
        self._rows = [*self._rows[: self._synced], *kept]
        self._synced, self._in_doubt = len(self._rows), []
        if not head_survives:
            self._head = self._synced_head
        self._synced_head = self._head
        if not snapshots_survive:
            self._snapshots = []


_SEQ = attrgetter("seq")
