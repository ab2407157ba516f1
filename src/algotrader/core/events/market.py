"""Events of the market: bars as they were known when they were used."""

from __future__ import annotations

import math
from decimal import Decimal
from typing import Final

from algotrader.core.events.base import EventBase, require_finite
from algotrader.core.symbols import Symbol

_NUMBERS: Final = ("open", "high", "low", "close", "volume", "coverage")


class BarClosed(EventBase, frozen=True, kw_only=True):
    """A bar as it was known when it was used. `ts_known` is its `known_at`."""

    instrument: Symbol
    timeframe: str
    ts: int  # open of the bar, UTC ms
    open: float
    high: float
    low: float
    close: float
    volume: float
    source: str  # which feed delivered it
    revision: int = 0  # rises when the venue corrects a bar (R25)
    is_late: bool = False  # came after its step (R25)
    coverage: float = 1.0  # share of the base bars that were there (R6)

    def __post_init__(self) -> None:
        EventBase.__post_init__(self)
        numbers = (self.open, self.high, self.low, self.close, self.volume, self.coverage)
        if not all(map(math.isfinite, numbers)):  # the most frequent event: one look at most bars
            for name, value in zip(_NUMBERS, numbers, strict=True):
                require_finite(self.instrument, name, value)


class SliceClosed(EventBase, frozen=True, kw_only=True):
    """All bars of a decision time are known, or were waited for long enough (R1, R3)."""

    timeframe: str
    decision_ts: int  # UTC ms, the close of these bars
    instruments: tuple[Symbol, ...]  # with a bar, in the order of their text
    missing: tuple[Symbol, ...] = ()  # gone on without


class QuoteSeen(EventBase, frozen=True, kw_only=True):
    """The best prices of a venue, told before what is decided on them; `ts_known` is their age's."""

    instrument: Symbol
    bid: Decimal  # quote currency per unit
    ask: Decimal


class InstrumentChanged(EventBase, frozen=True, kw_only=True):
    """What the venue trades an instrument by, told when it is not what we knew (F31, F32)."""

    instrument: Symbol
    tick: Decimal  # quote currency per unit
    lot: Decimal
    min_quantity: Decimal
    multiplier: Decimal  # of one contract; 1 for spot
    expires_ms: int | None = None  # UTC ms
    frozen: str | None = None  # why the venue takes no order of it; None: it does
    changes: tuple[str, ...] = ()  # names of what changed
