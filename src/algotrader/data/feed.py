"""The port that live bars come through."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Protocol

from algotrader.core.events import BarClosed, HeartbeatMissed, SliceClosed

FeedEvent = BarClosed | SliceClosed | HeartbeatMissed


class BarFeed(Protocol):
    """Closed bars of one venue and time frame, and when a step's bars are complete.

    Each bar is told once, with its slice after it; a bar that came after its slice is marked late,
    a corrected one has a higher `revision` (R25). Bars from before the feed was opened are late as
    well, but for the newest one, whose slice is still to come (R24). Nothing is told of a bar that
    still forms (F43). Silence is told as `HeartbeatMissed`, not with every bar that is missing.
    """

    def bars(self) -> AsyncIterator[FeedEvent]:
        """For ever, through every outage."""
        ...

    async def close(self) -> None:
        """Let go of connections."""
        ...
