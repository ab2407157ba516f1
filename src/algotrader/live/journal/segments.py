"""The journal's files: one SQLite database per segment, numbered, and the head beside them.

A segment is finished when the next one exists. Readers open it read-only, which SQLite never
lets touch the write-ahead log: what a damaged log still shows stays as it was found.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from algotrader.live.journal.chain import Head, Row
from algotrader.live.journal.errors import JournalDamagedError, JournalVersionError, read_error
from algotrader.live.journal.head_file import read_head
from algotrader.live.journal.journal import SCHEMA, require_schema
from algotrader.live.journal.port import Snapshot
from algotrader.live.journal.snapshots import SnapshotFile

APPLICATION_ID: Final = 0x41544A4C  # "ATJL"
CREATE: Final = """
CREATE TABLE entries (
    seq INTEGER PRIMARY KEY,       -- rising over all segments
    time_ms INTEGER NOT NULL,      -- UTC ms
    remaining INTEGER NOT NULL,    -- rows of the same step that follow
    kind TEXT NOT NULL,
    body BLOB NOT NULL,
    hash BLOB NOT NULL             -- BLAKE2b of the hash before and this row
) STRICT
"""
_NAME: Final = re.compile(r"(\d{6})\.sqlite")
_MOST_NAMED: Final = 500  # numbers in one question
_SELECT: Final = "SELECT seq, time_ms, remaining, kind, body, hash FROM entries"


def segment_path(folder: Path, number: int) -> Path:
    return folder / f"{number:06d}.sqlite"


def segment_numbers(folder: Path) -> list[int]:
    """Numbers of the segments in `folder`, in order; none if it does not exist."""
    if not folder.is_dir():
        return []
    found = (_NAME.fullmatch(path.name) for path in folder.iterdir())
    return sorted(int(match.group(1)) for match in found if match)


class SegmentRows:
    """`port.Rows` over the files of a journal."""

    def __init__(self, folder: Path, snapshots: SnapshotFile) -> None:
        self._folder = folder
        self._snapshot_file = snapshots
        self._readers: dict[int, sqlite3.Connection] = {}
        self._ends: dict[int, int] = {}  # last row of each finished segment

    def head(self) -> Head | None:
        return read_head(self._folder)

    def snapshots(self, kind: str | None = None) -> list[Snapshot]:
        return self._snapshot_file.read(kind)

    def newest(self, *, at_most: int | None = None, kind: str | None = None) -> Row | None:
        conditions = ["seq <= ?", *(["kind = ?"] if kind is not None else [])]
        values: list[int | str] = [2**62 if at_most is None else at_most]
        values += [kind] if kind is not None else []
        query = f"{_SELECT} WHERE {' AND '.join(conditions)} ORDER BY seq DESC LIMIT 1"
        for number in reversed(segment_numbers(self._folder)):
            for row in self._query(number, query, values, seq=at_most or 0):
                return row
        return None

    def page(self, first: int, limit: int, kinds: Sequence[str] = ()) -> list[Row]:
        rows: list[Row] = []
        for number in segment_numbers(self._folder):
            if self._ends.get(number, first) < first:
                continue
            wanted = first if not rows else rows[-1].seq + 1
            try:
                rows += self._page_of(number, wanted, limit - len(rows), kinds)
            except JournalDamagedError:
                if not rows:
                    raise
                return rows
            if len(rows) == limit:
                break
        return rows

    def kinds(self, first: int, limit: int) -> list[tuple[int, str]]:
        """Number and kind of up to `limit` rows from number `first` on, for who keeps an index."""
        found: list[tuple[int, str]] = []
        for number in segment_numbers(self._folder):
            if self._ends.get(number, first) < first or len(found) == limit:
                continue
            query = "SELECT seq, kind FROM entries WHERE seq >= ? ORDER BY seq LIMIT ?"
            found += self._fetched(number, query, [first, limit - len(found)], seq=first)
        return found

    def picked(self, wanted: Sequence[int]) -> list[Row]:
        """The rows of some numbers, in their order; those that there are not are left out."""
        rows: list[Row] = []
        for number in segment_numbers(self._folder) if wanted else ():
            for at in range(0, len(wanted), _MOST_NAMED):
                part = wanted[at : at + _MOST_NAMED]
                query = f"{_SELECT} WHERE seq IN ({', '.join('?' * len(part))})"
                rows += self._query(number, query, part, seq=part[0])
        return sorted(rows, key=lambda row: row.seq)

    def close(self) -> None:
        """Close the files; they are opened again when asked for."""
        for connection in self._readers.values():
            connection.close()
        self._readers.clear()

    def _page_of(self, number: int, first: int, limit: int, kinds: Sequence[str]) -> list[Row]:
        """Rows of one segment. Where a page cannot be read, as many of it as can."""
        wanted = f" AND kind IN ({', '.join('?' * len(kinds))})" if kinds else ""
        query = f"{_SELECT} WHERE seq >= ?{wanted} ORDER BY seq LIMIT ?"
        # Asked before the rows: while we read, the writer may add some and begin the next.
        is_finished = segment_path(self._folder, number + 1).exists()
        try:
            rows = self._query(number, query, [first, *kinds, limit], seq=first)
        except JournalDamagedError:
            if limit == 1:
                raise
            return self._one_by_one(number, first, limit, kinds)
        if len(rows) < limit and is_finished and not kinds:
            self._ends[number] = rows[-1].seq if rows else first - 1
        return rows

    def _one_by_one(self, number: int, first: int, limit: int, kinds: Sequence[str]) -> list[Row]:
        rows: list[Row] = []
        while len(rows) < limit:
            try:
                found = self._page_of(number, rows[-1].seq + 1 if rows else first, 1, kinds)
            except JournalDamagedError:
                if not rows:
                    raise
                return rows
            if not found:
                return rows
            rows += found
        return rows

    def _query(
        self, number: int, query: str, values: Sequence[int | str], *, seq: int
    ) -> list[Row]:
        return [Row(*fields) for fields in self._fetched(number, query, values, seq=seq)]

    def _fetched(
        self, number: int, query: str, values: Sequence[int | str], *, seq: int
    ) -> list[Any]:
        path = segment_path(self._folder, number)
        try:
            return self._reader(number).execute(query, values).fetchall()
        except (sqlite3.Error, UnicodeError) as error:  # SQLite quotes damaged text as it is
            raise read_error(error, path, seq) from error

    def _reader(self, number: int) -> sqlite3.Connection:
        connection = self._readers.get(number)
        if connection is None:
            connection = self._readers[number] = open_reader(segment_path(self._folder, number))
        return connection


def open_reader(path: Path) -> sqlite3.Connection:
    """A read-only connection to a segment. JournalVersionError if another build must read it."""
    connection = sqlite3.connect(
        f"file:{quote(str(path))}?mode=ro", uri=True, isolation_level=None, check_same_thread=False
    )
    try:
        require_ours(connection, path)
    except (sqlite3.Error, JournalVersionError):
        connection.close()
        raise
    return connection


def require_ours(connection: sqlite3.Connection, path: Path) -> None:
    """sqlite3.DatabaseError for a file that is no segment, JournalVersionError for another schema."""
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (schema,) = connection.execute("PRAGMA user_version").fetchone()
    if application != APPLICATION_ID:
        raise sqlite3.DatabaseError("it is not a segment of a journal, or only half of one")
    require_schema(schema, f"the journal {path}")


def require_log(mode: str) -> None:
    """sqlite3.OperationalError unless the mode is WAL: SQLite only tells when it cannot be set."""
    if mode != "wal":
        raise sqlite3.OperationalError(f"the write-ahead log cannot be used (mode {mode})")


def prepare(connection: sqlite3.Connection) -> None:
    """Make an empty database a segment."""
    require_log(connection.execute("PRAGMA journal_mode = WAL").fetchone()[0])
    connection.execute(CREATE)
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    connection.execute(f"PRAGMA user_version = {SCHEMA}")
