"""What watches a running trader: the bus with all that listens to it."""

from __future__ import annotations

from algotrader.live.bus import Bus
from algotrader.ops.observing.event_lines import TOPICS, EventLines
from algotrader.ops.observing.logs import event_log


class Observation:
    """Made before the first step, closed after the last one, inside the trader's event loop."""

    def __init__(self) -> None:
        self.bus = Bus()
        self.bus.subscribe("log", EventLines(event_log()).hear, topics=TOPICS)

    async def close(self) -> None:
        """Tell the listeners what waits for them, and end."""
        await self.bus.close()
