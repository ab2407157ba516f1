"""What a failure of the disk means, by the code SQLite or the system gives it."""

from __future__ import annotations

import os
import resource
import sqlite3
from pathlib import Path

import pytest

from algotrader.core.errors import RunError
from algotrader.live.journal.chain import Head
from algotrader.live.journal.errors import (
    JournalDamagedError,
    JournalFailedError,
    JournalFullError,
    JournalLockedError,
    JournalUnwrittenError,
    read_error,
    write_error,
)
from algotrader.live.journal.head_file import HeadFile, read_head
from algotrader.live.journal.segments import require_log


def sqlite_error(code: int) -> sqlite3.Error:
    error = sqlite3.OperationalError("said by SQLite")
    error.sqlite_errorcode = code
    return error


@pytest.mark.parametrize(
    ("code", "meaning"),
    [
        (sqlite3.SQLITE_FULL, JournalFullError),
        (sqlite3.SQLITE_IOERR_WRITE, JournalFullError),
        (sqlite3.SQLITE_BUSY, JournalLockedError),
        (sqlite3.SQLITE_BUSY_SNAPSHOT, JournalLockedError),
        (sqlite3.SQLITE_LOCKED, JournalLockedError),
        (sqlite3.SQLITE_READONLY, JournalUnwrittenError),
        (sqlite3.SQLITE_READONLY_DIRECTORY, JournalUnwrittenError),
        (sqlite3.SQLITE_CANTOPEN, JournalUnwrittenError),
        (sqlite3.SQLITE_PERM, JournalUnwrittenError),
        (sqlite3.SQLITE_IOERR_FSYNC, JournalFailedError),
        (sqlite3.SQLITE_IOERR_DIR_FSYNC, JournalFailedError),
        (sqlite3.SQLITE_IOERR_TRUNCATE, JournalFailedError),
        (sqlite3.SQLITE_IOERR_SHMSIZE, JournalFailedError),  # comes after the commit mark
        (sqlite3.SQLITE_IOERR, JournalFailedError),
        (sqlite3.SQLITE_CORRUPT, JournalFailedError),
        (sqlite3.SQLITE_NOMEM, JournalFailedError),
        (0, JournalFailedError),
    ],
)
def test_only_what_surely_left_nothing_may_be_tried_again(code: int, meaning: type) -> None:
    found = write_error(sqlite_error(code), Path("journal/000001.sqlite"))

    assert type(found) is meaning
    assert "journal/000001.sqlite" in found.message
    assert found.hint
    assert found.exit_code == 3


@pytest.mark.parametrize(
    ("code", "meaning"),
    [
        (sqlite3.SQLITE_CORRUPT, JournalDamagedError),
        (sqlite3.SQLITE_NOTADB, JournalDamagedError),
        (sqlite3.SQLITE_ERROR, JournalDamagedError),  # no such table
        (sqlite3.SQLITE_IOERR_READ, RunError),
        (sqlite3.SQLITE_CANTOPEN, RunError),
        (sqlite3.SQLITE_BUSY, RunError),
    ],
)
def test_a_disk_that_does_not_answer_is_not_called_damage(code: int, meaning: type) -> None:
    found = read_error(sqlite_error(code), Path("x"), 7)

    assert type(found) is meaning
    if isinstance(found, JournalDamagedError):
        assert found.seq == 7


def test_a_database_without_its_log_is_refused() -> None:
    require_log("wal")
    with pytest.raises(sqlite3.OperationalError, match="mode delete"):
        require_log("delete")


def test_the_head_is_written_in_turn_and_the_later_is_read(tmp_path: Path) -> None:
    file = HeadFile(tmp_path)
    for seq in range(1, 6):
        file.write(Head(seq=seq, hash=bytes([seq]) * 32))
        assert read_head(tmp_path) == Head(seq=seq, hash=bytes([seq]) * 32)
    file.close()
    file.close()

    again = HeadFile(tmp_path)
    again.write(Head(seq=9, hash=bytes(32)))
    again.close()
    lines = (tmp_path / "head").read_text().splitlines()
    assert sorted(int(line.split()[0]) for line in lines) == [5, 9]  # the older one went
    assert {len(line) for line in lines} == {511}


def test_a_head_that_cannot_be_kept_is_fatal(tmp_path: Path) -> None:
    file = HeadFile(tmp_path)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, hard))
    try:
        with pytest.raises(JournalFailedError, match="could not be kept"):
            file.write(Head(seq=1, hash=bytes(32)))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    os.close(file._descriptor)
    with pytest.raises(JournalFailedError, match="could not be kept"):
        file.sync()
    with pytest.raises(JournalFailedError, match="could not be kept"):
        HeadFile(tmp_path / "nowhere")
