"""What the journal asks of a disk, so that files, memory and faults can stand behind it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from algotrader.live.journal.chain import Head, Row


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """State after row `seq`, as its owner encoded it. It only shortens a start."""

    seq: int
    kind: str  # whose state
    row_hash: bytes  # of row `seq`: a snapshot of another history does not fit
    body: bytes


class Rows(Protocol):
    """The reading side. Any number of readers, in any process, while one writes."""

    def head(self) -> Head | None:
        """What was kept aside; None if there is none that can be read.

        Ask for it before the rows: a writer adds rows first.
        """
        ...

    def newest(self, *, at_most: int | None = None, kind: str | None = None) -> Row | None:
        """The last row, of those up to a number, or of one kind."""
        ...

    def page(self, first: int, limit: int, kinds: Sequence[str] = ()) -> list[Row]:
        """Up to `limit` rows from number `first` on, in order; empty at the end.

        Of some kinds alone if any is named: such rows cannot be checked against one another.
        JournalDamagedError if row `first`, or the next there is, cannot be read.
        """
        ...

    def snapshots(self, kind: str | None = None) -> list[Snapshot]:
        """Those kept, newest first. Damaged ones are left out."""
        ...


class Storage(Rows, Protocol):
    """The writing side. One at a time."""

    def append(self, rows: Sequence[Row]) -> None:
        """Durable when this returns, all of them.

        JournalUnwrittenError: none is there, nor will be. JournalFailedError: not known, now or later.
        """
        ...

    def begin_segment(self, rows: Sequence[Row]) -> None:
        """The same, as the first rows of a new file. The files before are not written again."""
        ...

    def keep_head(self, head: Head) -> None:
        """Keep the head aside. JournalFailedError if it cannot be."""
        ...

    def keep_snapshot(self, snapshot: Snapshot) -> None:
        """Keep it, not necessarily synced. JournalUnwrittenError if it cannot be."""
        ...

    def close(self) -> None:
        """Sync what is left and let go. Closing twice is fine."""
        ...
