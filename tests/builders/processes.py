"""What becomes of processes that a test began through others."""

from __future__ import annotations

from pathlib import Path


def is_over(number: int) -> bool:
    """Whether a process has ended; nobody may have asked yet how."""
    try:
        return Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True
