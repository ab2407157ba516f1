"""The writer of a journal's files: one commit per step, fully synced, and its own checkpoints."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Final

from msgspec.structs import astuple

from algotrader.core.errors import RunError
from algotrader.live.journal.chain import Head, Row
from algotrader.live.journal.errors import (
    JournalFailedError,
    JournalLockedError,
    JournalUnwrittenError,
    write_error,
)
from algotrader.live.journal.head_file import HeadFile
from algotrader.live.journal.port import Snapshot
from algotrader.live.journal.segments import (
    SegmentRows,
    prepare,
    require_log,
    require_ours,
    segment_numbers,
    segment_path,
)
from algotrader.live.journal.snapshots import SnapshotFile

ASIDE: Final = ".aside"  # suffix of a segment that is not finished; readers never look at it
WAIT_S: Final = 2.0
_CHECKPOINT_BYTES: Final = 4 * 1024 * 1024
_ROW_BYTES: Final = 100  # of a row beside its body
_INSERT: Final = (
    "INSERT INTO entries (seq, time_ms, remaining, kind, body, hash) VALUES (?, ?, ?, ?, ?, ?)"
)


class Sync(StrEnum):
    """What a commit waits for."""

    FULL = "full"  # the disk
    NORMAL = "normal"  # the system; a power cut may take the last steps: replays only


class SegmentStorage(SegmentRows):
    """`port.Storage` over the files of a journal. The caller holds the lock on the folder."""

    def __init__(
        self,
        folder: Path,
        snapshots: SnapshotFile,
        *,
        sync: Sync = Sync.FULL,
        wait_s: float = WAIT_S,
    ) -> None:
        super().__init__(folder, snapshots)
        self._sync = sync
        self._wait_s = wait_s
        self._writer: sqlite3.Connection | None = None
        self._active = folder  # path of the segment that is written, once the writer is open
        self._head_file: HeadFile | None = None
        self._unchecked_bytes = 0  # written since the last checkpoint
        self._has_failed = False

    def append(self, rows: Sequence[Row]) -> None:
        writer = self._writer or self._open_writer()
        self._insert(writer, rows, self._active)
        self._unchecked_bytes += sum(len(row.body) + _ROW_BYTES for row in rows)
        if self._unchecked_bytes > _CHECKPOINT_BYTES:
            self._checkpoint(writer, "PASSIVE")

    def begin_segment(self, rows: Sequence[Row]) -> None:
        self._seal()
        path = segment_path(self._folder, max(segment_numbers(self._folder), default=0) + 1)
        aside = path.with_name(path.name + ASIDE)
        try:
            _remove(aside)
            connection = sqlite3.connect(aside, isolation_level=None)
            try:
                self._set_up(connection)
                prepare(connection)
                self._insert(connection, rows, aside)
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            finally:
                connection.close()
        except sqlite3.Error as error:
            raise self._failed(error, aside) from error
        except OSError as error:
            raise JournalUnwrittenError(
                "journal.read_only",
                f"the journal {aside} cannot be written: {error.strerror}",
                hint="mend the rights of the folder, or mount its disk for writing",
            ) from error
        with self._noting_failure():
            _publish(aside, path)

    def keep_head(self, head: Head) -> None:
        with self._noting_failure():
            self._head_file = self._head_file or HeadFile(self._folder)
            self._head_file.write(head)

    def keep_snapshot(self, snapshot: Snapshot) -> None:
        self._snapshot_file.keep(snapshot)

    def close(self) -> None:
        try:
            self._seal()
        finally:
            self._close_head()
            super().close()

    def _close_head(self) -> None:
        head_file, self._head_file = self._head_file, None
        if head_file is None:
            return
        try:
            if not self._has_failed:
                with self._noting_failure():
                    head_file.sync()
        finally:
            head_file.close()

    def _open_writer(self) -> sqlite3.Connection:
        path = segment_path(self._folder, segment_numbers(self._folder)[-1])
        # A reader stays open beside the writer, so that SQLite never checkpoints by itself when
        # the writer is closed: after a failed sync nothing may be synced again.
        self._reader(int(path.stem))
        try:
            writer = sqlite3.connect(
                path, timeout=self._wait_s, isolation_level=None, check_same_thread=False
            )
            self._set_up(writer)
            require_ours(writer, path)
            require_log(writer.execute("PRAGMA journal_mode").fetchone()[0])
            # What is read here may stand in the memory of the system alone, if a sync failed
            # before the last end: written once more to the main file, it is durable.
            (is_busy, _, _) = writer.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        except sqlite3.Error as error:
            raise self._failed(error, path) from error
        if is_busy:
            writer.close()
            raise JournalLockedError(
                "journal.locked",
                f"the journal {path} is held by readers that do not end",
                hint="end the programs that read it, then start again",
            )
        with self._noting_failure():
            _sync_names(self._folder)  # of the log; SQLite would ignore that this failed
        self._writer, self._active = writer, path
        return writer

    def _set_up(self, connection: sqlite3.Connection) -> None:
        connection.execute(f"PRAGMA synchronous = {self._sync.value}")
        # SQLite ignores the errors of its own checkpoints; ours are looked at.
        connection.execute("PRAGMA wal_autocheckpoint = 0")

    def _insert(self, writer: sqlite3.Connection, rows: Sequence[Row], path: Path) -> None:
        try:
            writer.execute("BEGIN IMMEDIATE")
            writer.executemany(_INSERT, map(astuple, rows))
            writer.execute("COMMIT")
        except sqlite3.Error as error:
            self._roll_back(writer, path)
            raise self._failed(error, path) from error

    def _roll_back(self, writer: sqlite3.Connection, path: Path) -> None:
        if not writer.in_transaction:
            return
        try:
            writer.execute("ROLLBACK")
        except sqlite3.Error as error:
            self._has_failed = True
            raise JournalFailedError(
                "journal.failed",
                f"the journal {path} failed, and its last step could not be undone: {error}",
                hint="look at the disk, then start again: the journal is read anew and checked",
            ) from error

    def _checkpoint(self, writer: sqlite3.Connection, mode: str) -> None:
        """Move rows from the log to the main file, and sync the head."""
        try:
            writer.execute(f"PRAGMA wal_checkpoint({mode})").fetchone()
        except sqlite3.Error as error:
            failed = self._failed(error, self._active)
            if not isinstance(failed, JournalUnwrittenError):
                raise failed from error
            return  # no room in the main file: the log has the rows, and it is tried again later
        self._unchecked_bytes = 0
        if self._head_file is not None:
            with self._noting_failure():
                self._head_file.sync()

    def _seal(self) -> None:
        """End writing into the active segment, with all rows in its main file."""
        writer, self._writer = self._writer, None
        if writer is None:
            return
        try:
            if not self._has_failed:
                self._checkpoint(writer, "TRUNCATE")
        finally:
            writer.close()

    @contextmanager
    def _noting_failure(self) -> Iterator[None]:
        try:
            yield
        except JournalFailedError:
            self._has_failed = True
            raise

    def _failed(self, error: sqlite3.Error, path: Path) -> RunError:
        failed = write_error(error, path)
        self._has_failed = self._has_failed or isinstance(failed, JournalFailedError)
        return failed


def sync_folder(folder: Path) -> None:
    """Make names in a folder durable. OSError if the disk says no."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _publish(aside: Path, path: Path) -> None:
    try:
        aside.replace(path)
    except OSError as error:
        raise _names_failed(path.parent, error) from error
    _sync_names(path.parent)


def _sync_names(folder: Path) -> None:
    try:
        sync_folder(folder)
    except OSError as error:
        raise _names_failed(folder, error) from error


def _names_failed(folder: Path, error: OSError) -> JournalFailedError:
    return JournalFailedError(
        "journal.failed",
        f"the names of files in {folder} could not be made durable: {error}",
        hint="look at the disk, then start again: the journal is read anew and checked",
    )


def _remove(path: Path) -> None:
    for suffix in ("", "-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
