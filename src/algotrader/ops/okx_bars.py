"""Live bars of OKX for a desk: a feed for each length of bars, told as one stream."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from algotrader.backtest.market import Market
from algotrader.core.events import SliceClosed
from algotrader.core.ports import Clock
from algotrader.core.symbols import Symbol
from algotrader.core.timeframes import Timeframe
from algotrader.data.adapters.okx.bars import OkxBarFeed
from algotrader.data.adapters.okx.rest import OkxAddress, OkxRest
from algotrader.data.adapters.okx.streams import OkxStreams, StreamSettings
from algotrader.data.feed import FeedEvent
from algotrader.data.live_bars import last_closes
from algotrader.engine.state import EngineState
from algotrader.live.joining import Together, joined
from algotrader.ops.beside import Beside
from algotrader.ops.desk import Desk


@dataclass(slots=True)
class _Series:
    """One length of bars of every account that decides on it."""

    markets: list[Market] = field(default_factory=list)

    @property
    def symbols(self) -> tuple[Symbol, ...]:
        return tuple(sorted({one for market in self.markets for one in market.bars.symbols}))

    @property
    def closes(self) -> dict[Symbol, float]:
        found: dict[Symbol, float] = {}
        for market in self.markets:
            found |= last_closes(market.bars)
        return found

    @property
    def lake_ends_ms(self) -> int:
        """Open of the first bar that some market of the lake lacks, UTC ms."""
        return min(int(market.bars.ts[-1]) + market.bars.timeframe.ms for market in self.markets)


class OkxDeskBars:
    """What all accounts decide on. It is asked for without a key: prices are everybody's."""

    def __init__(
        self,
        desk: Desk,
        rest: OkxRest,
        address: OkxAddress,
        streams: StreamSettings,
        clock: Clock,
        state: EngineState,
        companion: Beside | None,
    ) -> None:
        """`rest` is let go of by `close`; `companion` hears every bar."""
        self._clock = clock
        self._state = state
        self._companion = companion
        series: dict[Timeframe, _Series] = {}
        for market in (market for account in desk.accounts for market in account.markets):
            series.setdefault(market.bars.timeframe, _Series()).markets.append(market)
        self._feeds: dict[Timeframe, OkxBarFeed] = {}
        for frame in sorted(series):
            one, newest = series[frame], state.slices.get(str(frame))
            since_ms = one.lake_ends_ms
            self._feeds[frame] = OkxBarFeed(
                rest, OkxStreams(None, address, streams), clock, one.symbols, frame,
                since_ms=since_ms if newest is None else max(since_ms, newest.decision_ts),
                watcher=None if companion is None else companion.watcher(frame),
                closes=one.closes, forming=None if companion is None else companion.forming,
            )  # fmt: skip

    @property
    def offset_ms(self) -> int:
        """The venue's clock less ours."""
        return next(iter(self._feeds.values())).offset_ms

    async def steps(self) -> AsyncIterator[Together]:
        """For ever; slices of one moment together, and none that was decided on before a restart."""
        told = {frame: self._heard(frame, feed) for frame, feed in self._feeds.items()}
        async for together in joined(told, self._clock.monotonic_s):
            if new := tuple(one for one in together if not self._was_decided(one)):
                yield new

    async def close(self) -> None:
        for feed in self._feeds.values():
            await feed.close()

    async def _heard(self, frame: Timeframe, feed: OkxBarFeed) -> AsyncIterator[FeedEvent]:
        async for event in feed.bars():
            if self._companion is not None:
                self._companion.hear(frame, event)
            yield event

    def _was_decided(self, event: FeedEvent) -> bool:
        """A bar is decided on once (R1)."""
        if not isinstance(event, SliceClosed):
            return False
        newest = self._state.slices.get(event.timeframe)
        return newest is not None and event.decision_ts <= newest.decision_ts
