"""Universes: which instruments belong, as a function of time.

Backtests on today's members alone are flattered by the ones that vanished. A universe therefore
keeps spans: an instrument is a member over `[start, end)`, and nothing after `start` is needed to
know that it is one (R29).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from algotrader.core.symbols import Symbol

_ALWAYS: Final = np.iinfo(np.int64).min


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Membership:
    """`symbol` belongs over `[start_ms, end_ms)`, UTC ms; an open end is None.

    `start_ms` is when the membership was both in force and known; an index change announced on
    Monday for Friday starts on Friday, one published late starts when it was published.
    """

    symbol: Symbol
    start_ms: int
    end_ms: int | None = None

    def __post_init__(self) -> None:
        if self.end_ms is not None and self.end_ms <= self.start_ms:
            raise ValueError(f"{self.symbol}: membership ends before it begins")


@dataclass(frozen=True, slots=True)
class Universe:
    """Membership as a function of time. Make one with `fixed` or `from_spans`."""

    spans: tuple[Membership, ...]  # by symbol, then start; spans of a symbol do not overlap

    def __post_init__(self) -> None:
        ordered = sorted(self.spans, key=lambda span: (span.symbol, span.start_ms))
        for earlier, later in pairwise(ordered):
            if earlier.symbol != later.symbol:
                continue
            if earlier.end_ms is None or earlier.end_ms > later.start_ms:
                raise ValueError(f"{later.symbol}: two spans of membership overlap")
        object.__setattr__(self, "spans", tuple(ordered))

    @classmethod
    def fixed(cls, symbols: Iterable[Symbol]) -> Self:
        """The same members at all times; a symbol given twice is refused."""
        return cls(tuple(Membership(symbol=symbol, start_ms=_ALWAYS) for symbol in symbols))

    @classmethod
    def from_spans(cls, spans: Iterable[Membership]) -> Self:
        """From a table of memberships in any order; ValueError if spans of a symbol overlap."""
        return cls(tuple(spans))

    @property
    def symbols(self) -> tuple[Symbol, ...]:
        """Everything that was ever a member, in the order of the text (R1)."""
        return tuple(sorted({span.symbol for span in self.spans}))

    def members(self, at_ms: int) -> tuple[Symbol, ...]:
        """The members at one instant, in the order of the text."""
        return tuple(
            span.symbol
            for span in self.spans
            if span.start_ms <= at_ms and (span.end_ms is None or at_ms < span.end_ms)
        )

    def mask(
        self, ts: NDArray[np.int64], symbols: Sequence[Symbol] | None = None
    ) -> NDArray[np.bool_]:
        """True where a column's symbol is a member: shape (T, N) for `ts` (T,) ascending.

        `symbols` are the columns, default `self.symbols`; one that never belongs is never True.
        """
        columns = self.symbols if symbols is None else tuple(symbols)
        place = {symbol: column for column, symbol in enumerate(columns)}
        mask = np.zeros((len(ts), len(columns)), dtype=np.bool_)
        for span in self.spans:
            if span.symbol in place:
                first = int(np.searchsorted(ts, span.start_ms))
                last = len(ts) if span.end_ms is None else int(np.searchsorted(ts, span.end_ms))
                mask[first:last, place[span.symbol]] = True
        return mask
