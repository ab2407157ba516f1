"""The head, kept in a small file of its own: the witness of a cut tail.

SQLite drops a damaged end of its log without a word. This file says how far the rows once went.
It holds two lines, each with its own checksum, written in turn: a write that is cut short leaves
the line before. It is written after each commit and synced with each checkpoint, not with each
commit: the rows are what must be durable. After the death of the process it is exact, because the
system still writes it out; after a power cut it may name an earlier row, which is no damage.
"""

from __future__ import annotations

import os
from hashlib import blake2b
from pathlib import Path
from typing import Final

from algotrader.live.journal.chain import Head
from algotrader.live.journal.errors import JournalFailedError

NAME: Final = "head"
_SLOT_BYTES: Final = 512  # a sector: a torn write spoils one line only
_SLOTS: Final = 2


def read_head(folder: Path) -> Head | None:
    """The later of the two lines; None if neither can be read."""
    heads = [head for head in _read_slots(folder) if head is not None]
    return max(heads, key=lambda head: head.seq, default=None)


class HeadFile:
    """The writer's hold on the file. OSError is turned into JournalFailedError: rows are ahead of it."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / NAME
        slots = _read_slots(folder)
        newest = max(range(_SLOTS), key=lambda slot: _seq(slots[slot]))
        self._slot = newest
        try:
            self._descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o644)
        except OSError as error:
            raise self._failed(error) from error

    def write(self, head: Head) -> None:
        self._slot = (self._slot + 1) % _SLOTS
        line = _line(head)
        try:
            written = os.pwrite(self._descriptor, line, self._slot * _SLOT_BYTES)
        except OSError as error:
            raise self._failed(error) from error
        if written != len(line):
            raise self._failed(OSError(f"{written} of {len(line)} bytes written"))

    def sync(self) -> None:
        try:
            os.fsync(self._descriptor)
        except OSError as error:
            raise self._failed(error) from error

    def close(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def _failed(self, error: OSError) -> JournalFailedError:
        return JournalFailedError(
            "journal.head_failed",
            f"the head of the journal could not be kept in {self._path}: {error}",
            hint="look at the disk, then start again: the rows before it are durable",
        )


def _read_slots(folder: Path) -> list[Head | None]:
    try:
        content = (folder / NAME).read_bytes()
    except OSError:
        content = b""
    slots = range(0, _SLOTS * _SLOT_BYTES, _SLOT_BYTES)
    return [_parse(content[start : start + _SLOT_BYTES]) for start in slots]


def _line(head: Head) -> bytes:
    """`00000000000000000042 <hash> <checksum>`, filled up with blanks."""
    said = f"{head.seq:020d} {head.hash.hex()}".encode()
    return (said + b" " + _checksum(said)).ljust(_SLOT_BYTES - 1) + b"\n"


def _parse(line: bytes) -> Head | None:
    said, _, checksum = line.strip().rpartition(b" ")
    if not said or checksum != _checksum(said):
        return None
    seq, _, digest = said.partition(b" ")
    return Head(seq=int(seq), hash=bytes.fromhex(digest.decode()))


def _checksum(said: bytes) -> bytes:
    return blake2b(said, digest_size=8).hexdigest().encode()


def _seq(head: Head | None) -> int:
    return -1 if head is None else head.seq
