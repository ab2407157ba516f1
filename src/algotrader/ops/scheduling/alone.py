"""One run of a job at a time, also among processes: a lock that the system drops with its holders."""

from __future__ import annotations

import asyncio
import fcntl
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from algotrader.ops.tether import ENDS_WITHIN_S

_LOOK_S: Final = 0.05
_LOOKS: Final = 3  # `is_running` holds the lock for a moment, too


class BusyError(Exception):
    """The job runs already, perhaps in another process."""


@asynccontextmanager
async def alone(folder: Path, name: str) -> AsyncIterator[int]:
    """Hold the job as long as the block lasts, and its processes that are given the descriptor.

    BusyError if it runs already. What a killed scheduler began is waited for: it ends by itself.
    """
    folder.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(_file(folder, name), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        if not await _taken(descriptor):
            raise BusyError(f"{name} runs already")
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, str(os.getpid()).encode(), 0)
        yield descriptor
    finally:
        os.close(descriptor)


def is_running(folder: Path, name: str) -> bool:
    """Whether somebody holds the job, or what a killed one began is not over yet."""
    try:
        descriptor = os.open(_file(folder, name), os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    except OSError:
        return True  # it cannot be asked: what is written is believed
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    else:
        return False
    finally:
        os.close(descriptor)


async def _taken(descriptor: int) -> bool:
    loop = asyncio.get_running_loop()
    until_s, looks = loop.time() + ENDS_WITHIN_S, 0
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            looks += 1
            if loop.time() > until_s or (looks > _LOOKS and _has_owner(descriptor)):
                return False
            await asyncio.sleep(_LOOK_S)
        else:
            return True


def _has_owner(descriptor: int) -> bool:
    """Whether who took the lock still lives, rather than only what it began."""
    try:
        os.kill(int(os.pread(descriptor, 32, 0)), 0)
    except (ProcessLookupError, ValueError):
        return False
    except OSError:
        return True
    return True


def _file(folder: Path, name: str) -> Path:
    return folder / f"{name}.lock"
