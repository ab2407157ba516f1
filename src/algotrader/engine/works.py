"""A target's increase while it is worked over time: its bounds, and what of it has traded."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from algotrader.core.events import WorkStarted
from algotrader.core.orders import Intent


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """Begun by an event, and changed by the fills of its slices alone."""

    intent: Intent  # all of it, its limit the bound in price
    started_ms: int  # UTC ms
    until_ms: int  # UTC ms, the bound in time
    filled: Decimal = Decimal(0)

    @classmethod
    def of(cls, event: WorkStarted) -> Work:
        return cls(intent=event.intent, started_ms=event.ts_known, until_ms=event.until_ms)

    @property
    def quantity(self) -> Decimal:
        return self.intent.terms.quantity

    @property
    def left(self) -> Decimal:
        return max(self.quantity - self.filled, Decimal(0))

    def is_old(self, now_ms: int, frame_ms: int) -> bool:
        """Whether its bar is over, and so nothing of it is sent (R24).

        What is worked for longer than a bar is old a bar after its time.
        """
        outlasts = self.until_ms > self.started_ms + frame_ms
        return now_ms > (self.until_ms if outlasts else self.started_ms) + frame_ms

    @property
    def bound(self) -> Decimal:
        """The worst price. ValueError for a work without one."""
        if self.intent.terms.limit is None:
            raise ValueError("what is worked over time has a bound in price")
        return self.intent.terms.limit
