"""How far the funding that was charged is from our model of it, by day (F39).

A fold of events, a part of the engine's state. What was charged is what is booked.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from algotrader.core.events import FundingPaid
from algotrader.core.ids import AccountId
from algotrader.core.symbols import Symbol
from algotrader.core.timeframes import DAY_MS
from algotrader.portfolio.positions import ZERO, exact

MOST_BPS: Final = Decimal(5)
"""Of notional in a day; more is told to a person."""


class FundingDrift:
    """Changed by `paid` alone."""

    def __init__(self) -> None:
        self._days: dict[tuple[AccountId, Symbol], tuple[int, Decimal]] = {}

    def paid(self, event: FundingPaid, multiplier: Decimal) -> Decimal:
        """The day's drift so far, bps of notional; 0 where rate or mark of it are not known."""
        key, day = (event.account, event.instrument), event.ts_event // DAY_MS
        before_day, drift = self._days.get(key, (day, ZERO))
        if before_day != day:
            drift = ZERO
        if event.mark and event.rate and event.quantity:
            with exact():
                worth = event.quantity * event.mark * multiplier
                drift += (event.amount + worth * event.rate) / abs(worth) * 10_000
        self._days[key] = (day, drift)
        return drift

    def of_day(self, event: FundingPaid) -> Decimal:
        """What `paid` said last of the event's instrument."""
        return self._days.get((event.account, event.instrument), (0, ZERO))[1]
