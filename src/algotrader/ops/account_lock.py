"""One trader an account: a lock of this machine, whatever folder a trader runs in (F65)."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from hashlib import blake2b
from pathlib import Path
from typing import Final

from algotrader.core.errors import RunError

VARIABLE: Final = "ALGOTRADER_STATE_DIR"


def state_folder(environment: Mapping[str, str]) -> Path:
    """What this user's traders share: `ALGOTRADER_STATE_DIR`, or as the XDG directories say."""
    if given := environment.get(VARIABLE):
        return Path(given)
    shared = environment.get("XDG_STATE_HOME")
    return (Path(shared) if shared else Path.home() / ".local" / "state") / "algotrader"


@contextmanager
def account_locked(folder: Path, venue: str, uid: str, journal: Path) -> Iterator[None]:
    """Hold the account `uid` at `venue` (a name or an address) as long as the block lasts.

    The system drops the lock of a process that dies. RunError if another trader holds it, naming
    its journal, or if the folder cannot be written.
    """
    name = blake2b(f"{venue} {uid}".encode(), digest_size=10).hexdigest()
    file = folder / "accounts" / f"{name}.lock"
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(file, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise RunError(
            "trading.state_folder",
            f"{file}: {(error.strerror or str(error)).lower()}",
            hint=f"traders of this machine keep apart there; name a folder by {VARIABLE}",
        ) from error
    try:
        _take(descriptor, journal)
        yield
    finally:
        os.close(descriptor)


def _take(descriptor: int, journal: Path) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        holder = os.pread(descriptor, 4_096, 0).decode(errors="replace").strip()
        raise RunError(
            "trading.account_in_use",
            f"another trader trades this account: {holder or 'its process is unknown'}",
            hint="end that one, or give this one an account (or a sub-account) of its own",
        ) from error
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, f"process {os.getpid()}, journal {journal}\n".encode(), 0)
