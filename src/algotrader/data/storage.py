"""Files that are whole or not there: written aside, synced, renamed; and locks between processes."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from threading import get_ident

from algotrader.core.errors import RunError

ASIDE = ".tmp"  # suffix of what is not finished; readers never look at it


def write_all(files: Mapping[Path, bytes]) -> None:
    """Write every file or none: all are written aside and synced before the first is renamed.

    A crash between two renames leaves whole files, old or new. RunError if the disk is full; what
    was there before is then unchanged.
    """
    aside: dict[Path, Path] = {}
    try:
        _write_aside(files, aside)
        for path, temporary in aside.items():
            temporary.replace(path)
    finally:  # also at Ctrl-C: what was not finished is gone
        for temporary in aside.values():
            temporary.unlink(missing_ok=True)
    for folder in {path.parent for path in files}:
        _sync_folder(folder)


def _write_aside(files: Mapping[Path, bytes], aside: dict[Path, Path]) -> None:
    """Write each file under a name that nobody reads, told in `aside` before it is there."""
    try:
        for path, content in files.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            # Of this thread alone: two may write one file, as collectors do rules of an instrument.
            own = f"{os.getpid()}-{get_ident()}"
            aside[path] = path.with_name(f".{path.name}.{own}{ASIDE}")
            _write_synced(aside[path], content)
    except OSError as error:
        raise RunError(
            "data.write_failed",
            f"nothing was written: {error.strerror or error} at {error.filename or path}",
            hint="free space on the disk (or mend its rights) and run the same command again",
        ) from error


def _write_synced(path: Path, content: bytes) -> None:
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def remove_leftovers(folder: Path) -> int:
    """Delete what killed writers left aside; call it with the folder's lock held."""
    leftovers = list(folder.rglob(f".*{ASIDE}"))
    for path in leftovers:
        path.unlink(missing_ok=True)
    return len(leftovers)


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """One writer at a time in `folder`, also among processes; waits for the other to end.

    The system drops the lock of a process that dies.
    """
    folder.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(folder / ".lock", os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
