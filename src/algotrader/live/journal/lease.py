"""The hold on a journal's folder that machines share: a file with a holder and a beat.

A lock of the system ends at the machine, and on some shared disks it never begins. So whoever writes
also leaves its name in `lease` and raises a count there every few seconds. Who finds a name of
another machine watches for a while: if the count rises, that one lives, and this one is refused. No
clocks are compared. A holder that finds another name there has been replaced while it slept: it
writes no more. Containers may all be process 1 of one host name: a holder is told by its token, a
machine also by what its kernel was given when it started.
"""

from __future__ import annotations

import os
import secrets
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import msgspec

from algotrader.live.journal.errors import (
    JournalFailedError,
    JournalLockedError,
    JournalUnwrittenError,
)

FILE: Final = "lease"
BEAT_S: Final = 5.0
PATIENCE_S: Final = 15.0  # after so long without a beat a holder is gone


class Holding(msgspec.Struct, frozen=True, kw_only=True):
    """What the file says."""

    machine: str
    process: int
    beat: int
    token: str = ""  # of this one holder; "" of a version that wrote none
    boot: str = ""  # of the machine's kernel; "" where that is not known


class Lease:
    """One per writer. `take` and `release` around the writing, `require` before each commit."""

    def __init__(
        self,
        folder: Path,
        *,
        machine: str | None = None,
        boot: str | None = None,
        beat_s: float = BEAT_S,
        patience_s: float = PATIENCE_S,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._path = folder / FILE
        self._machine = socket.gethostname() if machine is None else machine
        self._boot = _boot() if boot is None else boot
        self._token = secrets.token_hex(16)
        self._beat_s = beat_s
        self._patience_s = patience_s
        self._sleep = sleep
        self._beat = 0
        self._lost_to: Holding | None = None
        self._ends = threading.Event()
        self._beating: threading.Thread | None = None

    def take(self) -> None:
        """JournalLockedError if a trader of another machine lives in the folder.

        On this machine the lock on the folder has said already that there is none.
        """
        other = self._read()
        if other is not None and self._is_elsewhere(other):
            self._sleep(self._patience_s)
            if self._read() != other:
                raise JournalLockedError(
                    "journal.leased",
                    f"the journal {self._path.parent} is in use on {other.machine}, process "
                    f"{other.process}",
                    hint="one program writes a journal: end that one, or use another folder",
                )
        try:
            self._write()
        except OSError as error:
            raise JournalUnwrittenError(
                "journal.read_only",
                f"the journal {self._path.parent} cannot be written: {error.strerror}",
                hint="free space, mend the rights of the folder, or mount its disk for writing",
            ) from error
        self._beating = threading.Thread(target=self._keep_beating, name="lease", daemon=True)
        self._beating.start()

    def require(self) -> None:
        """JournalFailedError once another has taken it: nothing may be written or sent any more."""
        if (other := self._lost_to) is not None:
            raise JournalFailedError(
                "journal.lease_lost",
                f"the journal {self._path.parent} was taken over by {other.machine}, process "
                f"{other.process}, while this one did not beat",
                hint="let one machine alone trade; this one has stopped",
            )

    def release(self) -> None:
        """End beating, and leave no name behind unless it is another's."""
        self._ends.set()
        if self._beating is not None:
            self._beating.join()
        if self._lost_to is None and self._is_ours(self._read()):
            self._path.unlink(missing_ok=True)

    def beat(self) -> None:
        """Say once more that the holder lives, or notice that it has been replaced."""
        found = self._read()
        if found is not None and not self._is_ours(found):
            self._lost_to = found
            return
        self._write()

    def _keep_beating(self) -> None:
        while not self._ends.wait(self._beat_s) and self._lost_to is None:
            try:
                self.beat()
            except OSError:
                continue  # the disk refuses: the journal says so when it is written

    def _is_ours(self, found: Holding | None) -> bool:
        return found is not None and found.token == self._token

    def _is_elsewhere(self, other: Holding) -> bool:
        return other.machine != self._machine or (
            bool(other.boot and self._boot) and other.boot != self._boot
        )

    def _read(self) -> Holding | None:
        try:
            return msgspec.json.decode(self._path.read_bytes(), type=Holding)
        except (FileNotFoundError, msgspec.DecodeError):
            return None

    def _write(self) -> None:
        self._beat += 1
        holding = Holding(
            machine=self._machine, process=os.getpid(), beat=self._beat, token=self._token,
            boot=self._boot,
        )  # fmt: skip
        unfinished = self._path.with_name(f".{FILE}.{self._token}")
        unfinished.write_bytes(msgspec.json.encode(holding))
        unfinished.replace(self._path)


def _boot() -> str:
    """What Linux mints at each start of a machine; containers of one machine share it."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return ""
