"""A book around the price: depth, its changes, and the checksum that guards them."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import NamedTuple
from zlib import crc32

from algotrader.simulator.okx.market import Market
from algotrader.simulator.okx.numerals import plain

LEVELS = 40
CHECKED_LEVELS = 25
Level = list[str]  # price, size, "0", number of orders


class Book(NamedTuple):
    """Best first on both sides."""

    asks: list[Level]
    bids: list[Level]


def book(market: Market, levels: int = LEVELS) -> Book:
    """The book now. Sizes follow from price and row alone: the same state gives the same book."""
    tick, lot = market.listing.instrument.tick, market.listing.instrument.lot
    step = tick or Decimal("0.01")
    asks = [_level(market.ask + step * i * i, lot, market.row) for i in range(levels)]
    bids = [_level(market.bid - step * i * i, lot, market.row) for i in range(levels)]
    return Book(asks, [level for level in bids if Decimal(level[0]) > 0])


def _level(price: Decimal, lot: Decimal, row: int) -> Level:
    chance = crc32(f"{price} {row}".encode())
    lots = max(int(Decimal(10) / lot), 1) if lot < 1 else 100
    return [plain(price), plain(lot * (1 + chance % lots)), "0", str(1 + chance % 7)]


def changes(old: Sequence[Level], new: Sequence[Level]) -> list[Level]:
    """What turns one side into another: new and changed levels, gone ones with size 0."""
    before = {level[0]: level for level in old}
    now = {level[0]: level for level in new}
    gone = [[price, "0", "0", "0"] for price in before if price not in now]
    return [level for price, level in now.items() if before.get(price) != level] + gone


def checksum(asks: Sequence[Level], bids: Sequence[Level]) -> int:
    """CRC32, signed, of the best 25 bids and asks in turn: `price:size` joined by colons."""
    parts = []
    for i in range(CHECKED_LEVELS):
        for side in (bids, asks):
            if i < len(side):
                parts += side[i][:2]
    value = crc32(":".join(parts).encode())
    return value - (1 << 32) if value >= 1 << 31 else value
