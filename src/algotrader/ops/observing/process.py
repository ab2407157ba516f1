"""What a process of this machine uses: memory and processor time."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

_PAGE_BYTES: Final = os.sysconf("SC_PAGE_SIZE")


def memory_bytes(pid: int | None = None) -> int | None:
    """Resident memory of a process, this one if none is named; None where it cannot be read."""
    try:
        fields = Path(f"/proc/{'self' if pid is None else pid}/statm").read_text().split()
        return int(fields[1]) * _PAGE_BYTES
    except (OSError, ValueError, IndexError):
        return None


def cpu_seconds() -> float:
    """Of this process, since it began."""
    times = os.times()
    return times.user + times.system
