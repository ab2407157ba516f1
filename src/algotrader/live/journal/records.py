"""The rows the journal writes about itself; whoever folds it passes over kinds with this prefix."""

from __future__ import annotations

from typing import Final

import msgspec

PREFIX: Final = "journal."


class SegmentBegan(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """First row of each file. `run_id` was minted with the first and never changes."""

    kind = PREFIX + "segment_began"

    run_id: str
    segment: int
    schema: int  # of the tables
    algotrader: str  # version of the program


class Started(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The program began to trade with this build and configuration."""

    kind = PREFIX + "started"

    run_id: str
    schema: int
    algotrader: str
    config_hash: str


class Recovered(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A person let the journal go on without rows that were damaged."""

    kind = PREFIX + "recovered"

    problem: str  # its code
    kept: int  # last row that could be used
    resumed: int  # this row; numbers between are never used again, as orders may carry them
    lost: int  # rows that are known to have been there
    aside: str  # folder beside the journal that keeps the damaged files


Record = SegmentBegan | Started | Recovered
_TYPES: Final[dict[str, type[Record]]] = {t.kind: t for t in (SegmentBegan, Started, Recovered)}


def encode_record(record: Record) -> bytes:
    return msgspec.json.encode(record)


def decode_record(kind: str, body: bytes) -> Record | None:
    """The record in a row; None for rows of others, and for one that cannot be read."""
    wanted = _TYPES.get(kind)
    if wanted is None:
        return None
    try:
        return msgspec.json.decode(body, type=wanted)
    except msgspec.MsgspecError:
        return None
