"""What is quoted and traded by others: records, and the port they come through.

They feed views and live-only rules, never a decision by themselves: what a rule used stands in the
decision's row of the journal.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol

from algotrader.core.orders import Side
from algotrader.core.symbols import Symbol


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """Best bid and ask."""

    instrument: Symbol
    bid: Decimal  # quote currency per unit
    bid_quantity: Decimal  # in the unit of orders
    ask: Decimal
    ask_quantity: Decimal
    ts: int  # UTC ms, the venue's clock
    known_ms: int  # UTC ms, ours

    @property
    def mid(self) -> Decimal:
        return (self.bid + self.ask) / 2


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicTrade:
    """An execution of others. `side` is the taker's."""

    instrument: Symbol
    trade_id: str
    side: Side
    price: Decimal
    quantity: Decimal
    ts: int
    known_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BookView:
    """Depth on both sides, (price, quantity) each, the best first."""

    instrument: Symbol
    bids: tuple[tuple[Decimal, Decimal], ...]
    asks: tuple[tuple[Decimal, Decimal], ...]
    ts: int
    known_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Interrupted:
    """Nothing told so far holds any more; what follows begins anew."""

    reason: str


class MarketFeed(Protocol):
    """Streams of one venue, for ever through every outage. Trades are told once each."""

    def quotes(self, instruments: Sequence[Symbol]) -> AsyncIterator[Quote | Interrupted]: ...

    def trades(self, instruments: Sequence[Symbol]) -> AsyncIterator[PublicTrade | Interrupted]: ...

    def books(
        self, instruments: Sequence[Symbol], *, depth: int = 25
    ) -> AsyncIterator[BookView | Interrupted]:
        """Whole books after each change; a book that lost a change is never told."""
        ...
