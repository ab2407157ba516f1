"""OKX's order book from a snapshot and its changes. Pure.

Each change names the one before it (`prevSeqId`), and a checksum says what the best 25 levels must
be: a book that missed a change is found out at once, and is asked for anew.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any, Final
from zlib import crc32

_CHECKED: Final = 25
_SNAPSHOT: Final = "snapshot"
Level = tuple[Decimal, Decimal]


class BookBrokenError(Exception):
    """A change was missed, or what came is no book. The book holds no more."""


@dataclass(slots=True)
class OkxBook:
    """One instrument's book, as its stream tells it."""

    _sides: dict[str, dict[Decimal, tuple[str, str]]] = field(
        default_factory=lambda: {"bids": {}, "asks": {}}
    )
    _sequence: int | None = None
    _is_whole: bool = False
    ts: int = 0

    def apply(self, action: str, row: Mapping[str, Any]) -> None:
        """Take a push. BookBrokenError if it does not follow the last one, or does not add up."""
        if action == _SNAPSHOT:
            self._sides = {"bids": {}, "asks": {}}
            self._is_whole = True
        elif not self._is_whole:
            raise BookBrokenError("a change came before the book")
        else:
            self._check_sequence(row)
        try:
            for side, levels in self._sides.items():
                _change(levels, row[side])
            self.ts = int(row["ts"])
            self._sequence = int(row["seqId"]) if row.get("seqId") is not None else None
        except (KeyError, TypeError, ValueError, InvalidOperation) as error:
            raise BookBrokenError(f"a push that is no book: {error!r}") from error
        self._check_sum(row)

    def best(self, side: str, depth: int) -> tuple[Level, ...]:
        """Price and quantity of `bids` or `asks`, the best first."""
        return tuple(
            (price, Decimal(self._sides[side][price][1])) for price in self._prices(side)[:depth]
        )

    def _check_sequence(self, row: Mapping[str, Any]) -> None:
        before = row.get("prevSeqId")
        if before is not None and self._sequence is not None and int(before) != self._sequence:
            raise BookBrokenError(f"change {before} was expected to follow {self._sequence}")

    def _check_sum(self, row: Mapping[str, Any]) -> None:
        bids, asks = self._prices("bids"), self._prices("asks")
        if bids and asks and bids[0] >= asks[0]:
            raise BookBrokenError(f"bid {bids[0]} is not below ask {asks[0]}")
        told = row.get("checksum")
        if told and int(told) != self.checksum():  # 0 where the venue no longer makes one
            raise BookBrokenError("the checksum differs")

    def checksum(self) -> int:
        """CRC32, signed, of the best 25 bids and asks in turn: `price:size` joined by colons."""
        bids, asks = self._texts("bids"), self._texts("asks")
        parts = [
            text
            for number in range(_CHECKED)
            for side in (bids, asks)
            if number < len(side)
            for text in side[number]
        ]
        value = crc32(":".join(parts).encode())
        return value - (1 << 32) if value >= 1 << 31 else value

    def _texts(self, side: str) -> Sequence[tuple[str, str]]:
        return [self._sides[side][price] for price in self._prices(side)[:_CHECKED]]

    def _prices(self, side: str) -> list[Decimal]:
        return sorted(self._sides[side], reverse=side == "bids")


def _change(levels: dict[Decimal, tuple[str, str]], rows: Iterable[Sequence[str]]) -> None:
    """Set, or with size 0 remove, each level."""
    for price, size, *_ in rows:
        if Decimal(size) == 0:
            levels.pop(Decimal(price), None)
        else:
            levels[Decimal(price)] = (price, size)
