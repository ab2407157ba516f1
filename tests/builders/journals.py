"""Journals for tests: in memory or in files, with steps that are recognised again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from algotrader.live.journal.chain import Entry, Row
from algotrader.live.journal.folder import JournalFolder
from algotrader.live.journal.journal import Journal
from algotrader.live.journal.records import PREFIX
from algotrader.live.journal.storage import Sync

ENTROPY = bytes(range(16))
NOW_MS = 1_700_000_000_000


def a_step(number: int, rows: int = 1) -> list[Entry]:
    return [
        Entry(time_ms=NOW_MS + number, kind="Decided", body=f"{number}.{row}".encode())
        for row in range(rows)
    ]


def bodies(rows: Iterator[Row] | list[Row]) -> list[str]:
    """What callers wrote, without the journal's own rows."""
    return [row.body.decode() for row in rows if not row.kind.startswith(PREFIX)]


@contextmanager
def a_journal(folder: Path, steps: int = 0, *, sync: Sync = Sync.NORMAL) -> Iterator[Journal]:
    """A new journal in files, with that many steps of two rows: rows 2 to 2 x steps + 1."""
    with JournalFolder(folder).create(entropy=ENTROPY, now_ms=NOW_MS, sync=sync) as journal:
        for number in range(steps):
            journal.append(a_step(number, 2))
        yield journal


def a_closed_journal(folder: Path, steps: int = 50) -> JournalFolder:
    """The same, ended in order."""
    with a_journal(folder, steps):
        pass
    return JournalFolder(folder)


def steps_text(count: int) -> list[str]:
    """What `bodies` gives of a journal with that many steps of two rows."""
    return [f"{number}.{row}" for number in range(count) for row in range(2)]
