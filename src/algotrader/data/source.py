"""The port that history comes through: instruments, bars, marks and funding of one venue."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from algotrader.core.instruments import Instrument
from algotrader.core.symbols import Symbol
from algotrader.core.timeframes import Timeframe
from algotrader.data.tables import BarTable


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One answer: all that the venue has of `[start_ms, end_ms)`, which may be nothing."""

    start_ms: int
    end_ms: int
    table: BarTable


class HistorySource(Protocol):
    """Asks one venue. Answers come in pages, oldest first, closed bars only (F43).

    What no page spans the venue did not answer for. RunError if the venue cannot be reached
    after retries; DataError if it does not know the symbol or time frame.
    """

    @property
    def name(self) -> str: ...

    def instrument(self, symbol: Symbol) -> Instrument:
        """Rules as the venue states them now."""
        ...

    def now_ms(self) -> int:
        """The venue's clock, UTC ms."""
        ...

    def bars(
        self,
        symbol: Symbol,
        timeframe: Timeframe,
        start_ms: int,
        end_ms: int,
        *,
        mark: bool = False,
    ) -> Iterator[Page]:
        """Pages of bars opened in `[start_ms, end_ms)`."""
        ...

    def funding(self, symbol: Symbol, start_ms: int, end_ms: int) -> Iterator[Page]:
        """Pages of settlements in `[start_ms, end_ms)`."""
        ...
