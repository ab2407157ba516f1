"""A journal as the steps it was written in: what came in, and every row that followed from it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from algotrader.live.journal.chain import Row
from algotrader.live.journal.port import Rows
from algotrader.live.journal.records import PREFIX, Started, decode_record
from algotrader.live.journal.verifying import read


@dataclass(frozen=True, slots=True)
class Step:
    """One commit: its first row is what the engine was told, the others what it made of it."""

    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """The trader was started here, with this build and configuration."""

    seq: int
    time_ms: int  # UTC ms
    after_ms: int | None  # when the row before it was written; None for the first start
    configuration_hash: str
    software: str


def steps_of(source: Rows) -> Iterator[Step | Start]:
    """Every step and start in order, each row checked against the one before it.

    JournalDamagedError where the chain breaks.
    """
    held: list[Row] = []
    before: int | None = None
    for row in read(source):
        if row.kind.startswith(PREFIX):
            record = decode_record(row.kind, row.body)
            if isinstance(record, Started):
                yield Start(
                    seq=row.seq, time_ms=row.time_ms, after_ms=before,
                    configuration_hash=record.config_hash, software=record.algotrader,
                )  # fmt: skip
            continue
        held.append(row)
        before = row.time_ms
        if row.remaining == 0:
            yield Step(tuple(held))
            held = []
