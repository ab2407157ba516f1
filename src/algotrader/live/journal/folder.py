"""A journal on this machine: its folder, the lock on it, and its making, opening, repair, copy.

    journal/lock            held by the one program that writes
    journal/lease           who that is, for other machines that share the folder
    journal/chain/          000001.sqlite, 000002.sqlite, …, head: the truth
    journal/cache.sqlite    snapshots: rebuildable
    journal/damaged-…/      what a recovery set aside

`chain` is made, repaired and copied under another name and renamed when it is whole.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from algotrader.core.errors import UsageError
from algotrader.live.journal import journal as journals
from algotrader.live.journal.errors import (
    JournalLockedError,
    JournalMissingError,
    JournalUnwrittenError,
)
from algotrader.live.journal.journal import Journal
from algotrader.live.journal.lease import Lease
from algotrader.live.journal.segments import SegmentRows
from algotrader.live.journal.snapshots import SnapshotFile
from algotrader.live.journal.storage import ASIDE, WAIT_S, SegmentStorage, Sync, sync_folder

DAMAGED: Final = "damaged-"
_CHAIN: Final = "chain"
_NEW: Final = "chain.new"
_CACHE: Final = "cache.sqlite"
_LOCK: Final = "lock"
_LOOKED_S: Final = 1.0
"""Who looks whether a trader runs shares the lock for an instant: that is no other writer."""


@dataclass(slots=True)
class JournalLock:
    """The hold of one program on a journal's folder; the system drops it when the program dies."""

    folder: Path
    _descriptor: int = field(init=False, default=-1)

    def take(self) -> None:
        """JournalLockedError if another program has it, JournalUnwrittenError if the folder is closed."""
        try:
            self._take()
        except OSError as error:
            raise JournalUnwrittenError(
                "journal.read_only",
                f"the journal {self.folder} cannot be written: {error.strerror}",
                hint="free space, mend the rights of the folder, or mount its disk for writing",
            ) from error

    def _take(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self._descriptor = os.open(self.folder / _LOCK, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            self._lock()
            os.ftruncate(self._descriptor, 0)
            os.pwrite(self._descriptor, f"{os.getpid()}\n".encode(), 0)
        except BlockingIOError as error:
            holder = os.pread(self._descriptor, 32, 0).decode(errors="replace").strip()
            self.release()
            raise JournalLockedError(
                "journal.in_use",
                f"the journal {self.folder} is in use by process {holder or 'unknown'}",
                hint="one program writes a journal: end that one, or use another folder",
            ) from error
        except OSError:
            self.release()
            raise

    def _lock(self) -> None:
        ends = time.monotonic() + _LOOKED_S
        while True:
            try:
                return fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() > ends:
                    raise
            time.sleep(0.02)

    def release(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


class JournalFolder:
    """Where a journal lives. Reading needs no lock; writing takes it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.chain = path / _CHAIN
        self.unpublished = path / _NEW
        self._snapshots = SnapshotFile(path / _CACHE)
        self._lease: Lease | None = None  # while this object holds the folder

    @contextmanager
    def create(self, *, entropy: bytes, now_ms: int, sync: Sync = Sync.FULL) -> Iterator[Journal]:
        """Make a journal and hold it. UsageError if there is one; `entropy` is 16 random bytes."""
        with self.locked():
            self.require_none()
            storage = self.storage(self.fresh(), sync=sync)
            try:
                journals.begin(storage, entropy=entropy, now_ms=now_ms)
            finally:
                storage.close()
            self.publish()
            with self._resumed(sync=sync, wait_s=WAIT_S, from_start=True) as journal:
                yield journal

    @contextmanager
    def open(
        self, *, sync: Sync = Sync.FULL, wait_s: float = WAIT_S, from_start: bool = False
    ) -> Iterator[Journal]:
        """Hold the journal for writing, checked from its newest snapshot on, or from the start.

        JournalMissingError, JournalLockedError, JournalDamagedError, JournalVersionError: nothing was changed then.
        """
        self.require()
        with self.locked(), self._resumed(sync=sync, wait_s=wait_s, from_start=from_start) as it:
            yield it

    @contextmanager
    def reading(self) -> Iterator[SegmentRows]:
        """The rows, read-only, also while another program writes. JournalMissingError if none."""
        self.require()
        rows = self.rows(self.chain)
        try:
            yield rows
        finally:
            rows.close()

    def require(self) -> None:
        """JournalMissingError unless there is a journal."""
        if self.chain.is_dir():
            return
        interrupted = self.unpublished.is_dir() and any(self.path.glob(f"{DAMAGED}*"))
        raise JournalMissingError(
            "journal.missing",
            f"there is no journal in {self.path}",
            hint="a recovery was interrupted: run algotrader journal recover again"
            if interrupted
            else "it is made by the first start of the trader; or name its folder",
        )

    def require_none(self) -> None:
        """UsageError if there is a journal."""
        if self.chain.exists():
            raise UsageError(
                "journal.exists",
                f"there is a journal in {self.path} already",
                hint="open it, or name another folder; no journal is ever overwritten",
            )

    def fresh(self) -> Path:
        """An empty folder in which a chain is made before it is published."""
        shutil.rmtree(self.unpublished, ignore_errors=True)
        self.unpublished.mkdir(parents=True)
        return self.unpublished

    def publish(self) -> None:
        """Make the finished chain of `fresh` the journal's."""
        sync_folder(self.unpublished)
        self.unpublished.replace(self.chain)
        sync_folder(self.path)

    def rows(self, chain: Path) -> SegmentRows:
        """The rows of one of the folder's chains. Close it after use."""
        return SegmentRows(chain, self._snapshots)

    def storage(self, chain: Path, *, sync: Sync) -> SegmentStorage:
        """A writer for one of the folder's chains, for who holds the lock."""
        return SegmentStorage(chain, self._snapshots, sync=sync)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """The one writer's hold on the folder."""
        lock, lease = JournalLock(self.path), Lease(self.path)
        lock.take()
        try:
            lease.take()
            self._lease = lease
            yield
        finally:
            lease.release()
            lock.release()

    @contextmanager
    def _resumed(self, *, sync: Sync, wait_s: float, from_start: bool) -> Iterator[Journal]:
        for leftover in self.chain.glob(f"*{ASIDE}*"):
            leftover.unlink()
        storage = SegmentStorage(self.chain, self._snapshots, sync=sync, wait_s=wait_s)
        try:
            guard = self._lease.require if self._lease is not None else journals.no_guard
            yield journals.resume(storage, from_start=from_start, guard=guard)
        finally:
            storage.close()
