"""What can go wrong with a journal, by what may be done next.

JournalUnwrittenError   nothing of the batch was written; the same batch may be tried again
├── JournalFullError    no room, or the disk refuses to write
└── JournalLockedError  another writer holds it
JournalFailedError      the outcome is not known: stop sending, end the process, start again
JournalDamagedError     rows are missing or altered: recover, or restore a backup
JournalMissingError     there is no journal there
JournalVersionError     written by another version of the program
"""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Final

from algotrader.core.errors import DataError, RunError, VersionError


class JournalUnwrittenError(RunError):
    """Nothing of the step was written, and the journal is as before: it may be tried again."""


class JournalFullError(JournalUnwrittenError):
    """The disk has no room, or refuses to write. Rows written before can still be read."""


class JournalLockedError(JournalUnwrittenError):
    """Another writer holds the journal."""


class JournalFailedError(RunError):
    """A sync failed, or the outcome is unknown otherwise: nothing may be sent on its account.

    It is never tried again: after a failed sync the system may have dropped what it could not
    write, and a second sync would report success. Restart; the journal then says what is there.
    """


class JournalMissingError(DataError):
    """There is no journal at that place."""


class JournalVersionError(VersionError):
    """The files were written by another version of the program."""


class JournalDamagedError(DataError):
    """Rows are missing or altered. `seq` is the first that cannot be used, `lost` how many."""

    def __init__(
        self, code: str, message: str, *, hint: str | None = None, seq: int = 0, lost: int = 0
    ) -> None:
        super().__init__(code, message, hint=hint)
        self.seq = seq
        self.lost = lost


_IOERR: Final = 10  # SQLITE_IOERR
_UNREADABLE: Final = (11, 26)  # SQLITE_CORRUPT, SQLITE_NOTADB
_BUSY: Final = (5, 6)  # SQLITE_BUSY, SQLITE_LOCKED
_READ_ONLY: Final = (3, 8, 14)  # SQLITE_PERM, SQLITE_READONLY, SQLITE_CANTOPEN
_FULL: Final = 13  # SQLITE_FULL
_IOERR_WRITE: Final = 778  # SQLITE_IOERR_WRITE: a page could not be written, so no commit mark was


def write_error(error: sqlite3.Error, path: Path) -> RunError:
    """What a failed write means. Whatever is not known to have left nothing behind is fatal."""
    extended = getattr(error, "sqlite_errorcode", 0)
    primary = extended & 0xFF
    if primary == _FULL or extended == _IOERR_WRITE:
        return JournalFullError(
            "journal.full",
            f"the journal {path} cannot grow: {error}; nothing of this step was written",
            hint="free space on the disk; trading goes on by itself when rows can be written again",
        )
    if primary in _BUSY:
        return JournalLockedError(
            "journal.locked",
            f"the journal {path} is held by another writer: {error}",
            hint="end the program that writes into it; readers never hold it",
        )
    if primary in _READ_ONLY:
        return JournalUnwrittenError(
            "journal.read_only",
            f"the journal {path} cannot be written: {error}",
            hint="mend the rights of the folder, or mount its disk for writing",
        )
    return JournalFailedError(
        "journal.failed",
        f"the journal {path} failed: {error}; whether the last step was kept is not known",
        hint="look at the disk (dmesg), then start again: the journal is read anew and checked",
    )


def read_error(error: Exception, path: Path, seq: int) -> JournalDamagedError | RunError:
    """What a failed read of row `seq` means."""
    if getattr(error, "sqlite_errorcode", 0) & 0xFF in (_IOERR, *_BUSY, *_READ_ONLY):
        return RunError(
            "journal.unreadable",
            f"the journal {path} cannot be read: {error}",
            hint="look at the disk and at the rights of the folder",
        )
    return JournalDamagedError(
        "journal.row_unreadable",
        f"row {seq} of the journal {path} cannot be read: {error}",
        hint=HOW_TO_RECOVER,
        seq=seq,
    )


HOW_TO_RECOVER: Final = (
    "restore a backup, or keep the rows before it: algotrader journal recover; then the venue is"
    " asked for what is missing"
)
