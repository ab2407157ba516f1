"""Paper trading on live bars as a process: caught up, fed, collected and scheduled beside it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

from algotrader.core.errors import ConfigurationError
from algotrader.core.events import SliceClosed
from algotrader.core.ports import Clock, Notifier
from algotrader.core.symbols import Symbol
from algotrader.core.timeframes import Timeframe
from algotrader.data.adapters.okx.bars import OkxBarFeed
from algotrader.data.adapters.okx.funding import OkxFundingRates
from algotrader.data.adapters.okx.rest import OkxAddress, OkxRest
from algotrader.data.feed import FeedEvent
from algotrader.data.live_bars import last_closes
from algotrader.live.joining import LONGER_S, joined
from algotrader.live.journal.journal import Journal
from algotrader.ops.beside import Beside
from algotrader.ops.collecting import okx_feed
from algotrader.ops.config import Configuration
from algotrader.ops.desk import Desk
from algotrader.ops.paper_live import trade_paper_live
from algotrader.ops.starting import Accept, accept_none
from algotrader.ops.trading import Traded


class PaperProcess:
    """`algotrader trade` with `trading: {mode: paper, data: live}`."""

    def __init__(
        self,
        configuration: Configuration,
        clock: Clock,
        notifier: Notifier,
        *,
        says: Callable[[str], None] = lambda _: None,
    ) -> None:
        """ConfigurationError if what is traded has no live bars."""
        _require_live_bars(configuration)
        settings = configuration.settings
        self._collect = settings.collect
        self._url = settings.collect.url or settings.trading.url
        self._clock = clock
        self._notifier = notifier
        self._beside = Beside(configuration, clock, notifier, says=says)
        self.traded: Traded | None = None

    async def catch_up(self) -> None:
        """Bring the lake up to now, for the desk that is built from it (R24)."""
        await self._beside.catch_up()

    async def trade(
        self,
        desk: Desk,
        journal: Journal,
        *,
        on_ready: Callable[[], None] = lambda: None,
        on_slice: Callable[[SliceClosed], None] = lambda _: None,
        accept: Accept = accept_none,
    ) -> None:
        """Until cancelled; `traded` says then what was done."""
        feeds = {frame: self._feed(desk, frame) for frame in _frames(desk)}
        rest = OkxRest(None, OkxAddress(base_url=self._url))
        try:
            self.traded = await trade_paper_live(
                desk, journal,
                joined(
                    {frame: self._shared(frame, feed) for frame, feed in feeds.items()},
                    self._clock.monotonic_s, patience_s=self._collect.grace_s + LONGER_S,
                ),
                OkxFundingRates(rest), self._clock, self._notifier,
                on_ready=on_ready, on_slice=on_slice, companion=self._beside, accept=accept,
                offsets={"OKX": lambda: next(iter(feeds.values())).offset_ms},
            )  # fmt: skip
        finally:
            for feed in feeds.values():
                await feed.close()
            await rest.close()

    def _feed(self, desk: Desk, timeframe: Timeframe) -> OkxBarFeed:
        """From the newest bar of the lake on: its slice may still be to come (R24)."""
        closes: dict[Symbol, float] = {}
        symbols: set[Symbol] = set()
        since_ms = 0
        for bars in (market.bars for account in desk.accounts for market in account.markets):
            if bars.timeframe == timeframe:
                closes |= last_closes(bars.rows(0, len(bars) - 1)) if len(bars) > 1 else {}
                symbols |= set(bars.symbols)
                since_ms = max(since_ms, int(bars.ts[-1]))
        # Of what is gone no bar comes: each slice would wait for it as long as it may.
        listed = symbols - (self._beside.delisted or frozenset())
        return okx_feed(
            self._collect, self._url, self._clock, sorted(listed or symbols), timeframe,
            self._beside.watcher(timeframe), since_ms=since_ms, closes=closes,
            forming=self._beside.forming,
        )  # fmt: skip

    async def _shared(self, timeframe: Timeframe, feed: OkxBarFeed) -> AsyncIterator[FeedEvent]:
        async for event in feed.bars():
            self._beside.hear(timeframe, event)
            yield event


def _require_live_bars(configuration: Configuration) -> None:
    """Before anything is asked of OKX: of another venue's instrument it would be asked for ever."""
    for one in configuration.settings.strategies.values():
        account, venues = one.account, {Symbol.parse(str(each)).venue for each in one.symbols}
        for venue in sorted(venues - {"OKX"}):
            raise ConfigurationError(
                "trading.venue",
                f"account {account} trades on {venue}, which has no live bars here",
                hint="use symbols such as OKX:BTC/USDT, or trading: {data: replay}",
            )


def _frames(desk: Desk) -> list[Timeframe]:
    return sorted({market.bars.timeframe for one in desk.accounts for market in one.markets})
