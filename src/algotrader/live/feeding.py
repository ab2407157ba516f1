"""Live bars into the trader, once it is reconciled."""

from __future__ import annotations

from algotrader.data.feed import BarFeed
from algotrader.live.trader import Trader


async def feed_bars(trader: Trader, feed: BarFeed) -> None:
    """Hand in what a feed tells, for ever. Bars come after the books are known to be right (R24)."""
    await trader.ready()
    async for event in feed.bars():
        trader.tell(event)
