"""Snapshots, in a file of their own: rebuildable, so a power cut may take the last of them."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import blake2b
from pathlib import Path
from typing import Final

from algotrader.core.hashing import canonical_json
from algotrader.live.journal.errors import write_error
from algotrader.live.journal.port import Snapshot

_KEPT: Final = 2  # of each kind: the newest, and one to fall back on
_UNREADABLE: Final = (11, 26)  # SQLITE_CORRUPT, SQLITE_NOTADB
_CREATE: Final = """
CREATE TABLE IF NOT EXISTS snapshots (
    kind TEXT NOT NULL,            -- whose state
    seq INTEGER NOT NULL,          -- state after this row
    row_hash BLOB NOT NULL,
    body BLOB NOT NULL,
    checksum BLOB NOT NULL,
    PRIMARY KEY (kind, seq)
) STRICT, WITHOUT ROWID
"""


class SnapshotFile:
    """The newest snapshots of each kind. The file is made when the first is kept."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self, kind: str | None = None) -> list[Snapshot]:
        """Newest first. What does not match its checksum, or cannot be read, is left out."""
        if not self._path.exists():
            return []
        try:
            with self._open() as connection:
                found = connection.execute(
                    "SELECT seq, kind, row_hash, body, checksum FROM snapshots"
                    " WHERE :kind IS NULL OR kind = :kind ORDER BY seq DESC",
                    {"kind": kind},
                ).fetchall()
        except sqlite3.Error:
            return []  # a start without a snapshot is slower, and right
        return [
            Snapshot(seq=row[0], kind=row[1], row_hash=row[2], body=row[3])
            for row in found
            if isinstance(row[2], bytes) and row[4] == _checksum(*row[:4])
        ]

    def keep(self, snapshot: Snapshot) -> None:
        """Add one, and forget all but the last of its kind. JournalUnwrittenError if it cannot be."""
        try:
            try:
                self._write(snapshot)
            except sqlite3.DatabaseError as error:
                if getattr(error, "sqlite_errorcode", 0) & 0xFF not in _UNREADABLE:
                    raise
                self._discard()  # a damaged cache is made anew
                self._write(snapshot)
        except sqlite3.Error as error:
            raise write_error(error, self._path) from error

    def _write(self, snapshot: Snapshot) -> None:
        fields = (snapshot.seq, snapshot.kind, snapshot.row_hash, snapshot.body)
        with self._open() as connection, connection:
            connection.execute(_CREATE)
            connection.execute(
                "INSERT OR REPLACE INTO snapshots (seq, kind, row_hash, body, checksum)"
                " VALUES (?, ?, ?, ?, ?)",
                (*fields, _checksum(*fields)),
            )
            connection.execute(
                "DELETE FROM snapshots WHERE kind = :kind AND seq NOT IN"
                " (SELECT seq FROM snapshots WHERE kind = :kind ORDER BY seq DESC LIMIT :kept)",
                {"kind": snapshot.kind, "kept": _KEPT},
            )

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        connection = sqlite3.connect(self._path, timeout=2.0)
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = NORMAL")
            yield connection
        finally:
            connection.close()

    def _discard(self) -> None:
        for suffix in ("", "-wal", "-shm"):
            self._path.with_name(self._path.name + suffix).unlink(missing_ok=True)


def _checksum(seq: int, kind: str, row_hash: bytes, body: bytes) -> bytes:
    named = canonical_json([seq, kind, row_hash.hex()])
    return blake2b(named + body, digest_size=16).digest()
