"""A measurement in a process of its own: what it printed, its time and its peak memory.

The parent stays small (no numpy): a child's peak memory begins with that of its parent.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any


class ChildError(Exception):
    """A measurement ended with an error; the text is the last line it wrote."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    output: str
    wall_s: float
    cpu_s: float  # user and system
    peak_mb: float

    @property
    def answer(self) -> dict[str, Any]:
        """The JSON object of the last line printed."""
        found: dict[str, Any] = json.loads(self.output.strip().splitlines()[-1])
        return found


def run(
    command: Sequence[str], *, folder: Path | None = None, more: Mapping[str, str] | None = None
) -> Finished:
    """Run to the end. ChildError if its exit code is not 0."""
    with tempfile.TemporaryFile("w+") as errors:
        begun = time.perf_counter()
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=_environment(more or {}),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        )
        output = process.stdout.read() if process.stdout else ""
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - begun
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.stdout:
            process.stdout.close()
        if process.returncode != 0:
            errors.seek(0)
            said = errors.read().strip().splitlines() or [f"exit code {process.returncode}"]
            raise ChildError(said[-1].strip())
    cpu = usage.ru_utime + usage.ru_stime
    return Finished(output=output, wall_s=wall, cpu_s=cpu, peak_mb=usage.ru_maxrss / 1024)


def resident_mb(pid: int) -> float:
    """Of a process and its children; what they share counts for each."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    pages = [int(Path(f"/proc/{one}/statm").read_text().split()[1]) for one in (pid, *children)]
    return sum(pages) * resource.getpagesize() / (1024 * 1024)


def _environment(more: Mapping[str, str]) -> dict[str, str]:
    """Ours, but compiled modules are kept, as they are for everybody who does not forbid it."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**kept, **more}
