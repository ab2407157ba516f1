"""The lock of the one program that writes a journal."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from threading import Timer

import pytest

from algotrader.live.journal.errors import JournalLockedError
from algotrader.live.journal.folder import JournalLock


def test_a_start_waits_for_who_only_looks_whether_a_trader_runs(tmp_path: Path) -> None:
    """`algotrader status` and the console share the lock for an instant."""
    lock = JournalLock(tmp_path)
    lock.take()
    lock.release()
    looks = os.open(tmp_path / "lock", os.O_RDONLY)
    fcntl.flock(looks, fcntl.LOCK_SH | fcntl.LOCK_NB)
    Timer(0.05, os.close, [looks]).start()

    lock.take()
    with pytest.raises(JournalLockedError, match=f"in use by process {os.getpid()}"):
        JournalLock(tmp_path).take()
    lock.release()
