"""Rows for people and programs: chosen, decoded as far as they can be, and exported."""

from __future__ import annotations

from base64 import b64encode
from collections import deque
from collections.abc import Collection, Iterable, Iterator
from typing import Any

import msgspec

from algotrader.live.journal.chain import Row, head_of
from algotrader.live.journal.port import Rows
from algotrader.live.journal.verifying import read


def chosen(
    source: Rows,
    *,
    from_seq: int = 1,
    to_seq: int | None = None,
    kinds: Collection[str] = (),
    last: int | None = None,
) -> Iterator[Row]:
    """Checked rows between two numbers (both included), of some kinds, the last so many of them.

    JournalDamagedError at the first that does not hold.
    """
    if last is not None and not kinds:
        # Numbers left out after a recovery may make these fewer, which costs nothing.
        end = head_of(source.newest(at_most=to_seq)).seq
        from_seq = max(from_seq, end - last + 1)
    rows = (row for row in _until(read(source, from_seq), to_seq) if not kinds or row.kind in kinds)
    return rows if last is None else iter(deque(rows, maxlen=last))


def plain(row: Row) -> dict[str, Any]:
    """A row as JSON shows it. A body that is no JSON stands as `{"base64": ...}`."""
    return {
        "seq": row.seq,
        "time_ms": row.time_ms,
        "kind": row.kind,
        "body": plain_body(row.body),
        "hash": row.hash.hex(),
    }


def plain_body(body: bytes) -> Any:
    try:
        return msgspec.json.decode(body)
    except msgspec.DecodeError:
        return {"base64": b64encode(body).decode()}


def exported(rows: Iterable[Row]) -> Iterator[bytes]:
    """One line of JSON for each row, decimals as the text they were written in."""
    for row in rows:
        yield msgspec.json.encode(plain(row)) + b"\n"


def _until(rows: Iterator[Row], to_seq: int | None) -> Iterator[Row]:
    for row in rows:
        if to_seq is not None and row.seq > to_seq:
            return
        yield row
