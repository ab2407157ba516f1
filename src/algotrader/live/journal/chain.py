"""Rows and the chain that holds them: each row's hash covers the row and the hash before it."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Final

import msgspec

from algotrader.live.journal.errors import HOW_TO_RECOVER, JournalDamagedError
from algotrader.live.journal.records import Recovered, decode_record

HASH_BYTES: Final = 32
MAX_KIND_LENGTH: Final = 64
_FIXED: Final = struct.Struct("<qqIII")  # seq, time, remaining, lengths of kind and body


class Entry(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What a caller appends. The journal does not look into `body`.

    A struct, as a row is: a decision makes dozens before its orders may be sent.
    """

    time_ms: int  # UTC ms
    kind: str  # names what `body` is, for the caller to decode it by
    body: bytes

    def __post_init__(self) -> None:
        if not 0 < len(self.kind) <= MAX_KIND_LENGTH:
            raise ValueError(f"a kind has 1 to {MAX_KIND_LENGTH} characters, got {self.kind!r}")


class Row(msgspec.Struct, frozen=True, gc=False):
    """An entry in its place. Fields stand in the order in which they are stored.

    A struct rather than a dataclass because a start makes a hundred thousand of them.
    """

    seq: int  # from 1, rising; never used twice, also not after rows were lost
    time_ms: int
    remaining: int  # rows of the same step that follow: 0 marks its end
    kind: str
    body: bytes
    hash: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """The last row's place and hash: what is kept aside to see a cut tail."""

    seq: int
    hash: bytes


GENESIS: Final = Head(seq=0, hash=bytes(HASH_BYTES))


def link(previous: bytes, seq: int, time_ms: int, remaining: int, kind: str, body: bytes) -> bytes:
    """The hash of a row that follows the row with hash `previous`."""
    name = kind.encode()
    fixed = _FIXED.pack(seq, time_ms, remaining, len(name), len(body))
    return blake2b(previous + fixed + name + body, digest_size=HASH_BYTES).digest()


def chained(entries: Sequence[Entry], head: Head, *, first: int | None = None) -> list[Row]:
    """`entries` as the rows of one commit after `head`; `first` leaves a gap after lost rows."""
    rows: list[Row] = []
    seq, previous = head.seq + 1 if first is None else first, head.hash
    remaining = len(entries)
    for entry in entries:
        remaining -= 1
        time_ms, kind, body = entry.time_ms, entry.kind, entry.body
        previous = link(previous, seq, time_ms, remaining, kind, body)
        rows.append(Row(seq, time_ms, remaining, kind, body, previous))
        seq += 1
    return rows


def head_of(row: Row | None) -> Head:
    """The head after `row`; that of an empty journal after none."""
    return GENESIS if row is None else Head(seq=row.seq, hash=row.hash)


def followed(rows: Iterable[Row], after: Row | None) -> Iterator[Row]:
    """`rows` as they are read, each checked against the one before; `after` is taken on trust.

    JournalDamagedError at the first row that does not follow.
    """
    previous, due = head_of(after), 0 if after is None else after.remaining
    for row in rows:
        _require_place(row, previous, due)
        _require_hash(row, previous)
        previous, due = Head(seq=row.seq, hash=row.hash), row.remaining
        yield row


def _require_place(row: Row, previous: Head, due: int) -> None:
    expected = previous.seq + 1
    if row.seq != expected and not _resumes(row, previous):
        raise damaged("row_missing", expected, f"row {expected} is missing, row {row.seq} is next")
    if due and row.remaining != due - 1:
        raise damaged("step_torn", row.seq, f"row {row.seq} is not of the step begun before it")


def _require_hash(row: Row, previous: Head) -> None:
    try:
        expected = link(previous.hash, row.seq, row.time_ms, row.remaining, row.kind, row.body)
    except (TypeError, AttributeError, struct.error) as error:  # a field of the wrong type
        raise damaged("row_altered", row.seq, f"row {row.seq} is no longer a row") from error
    if expected != row.hash:
        raise damaged("row_altered", row.seq, f"row {row.seq} is not what was written")


def _resumes(row: Row, previous: Head) -> bool:
    """Whether `row` says itself that the rows between were lost, and that a person knew."""
    record = decode_record(row.kind, row.body)
    return (
        isinstance(record, Recovered)
        and record.kept == previous.seq
        and record.resumed == row.seq
        and row.seq > previous.seq
    )


def damaged(what: str, seq: int, text: str, *, lost: int = 0) -> JournalDamagedError:
    """The error for damage that begins at row `seq`."""
    return JournalDamagedError(
        f"journal.{what}",
        f"the journal is damaged: {text}",
        hint=HOW_TO_RECOVER,
        seq=seq,
        lost=lost,
    )
