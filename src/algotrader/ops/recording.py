"""Record a venue's public streams into the lake, beside the bars."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

from algotrader.core.errors import RunError
from algotrader.core.instants import utc_ms
from algotrader.core.ports import Clock
from algotrader.core.symbols import Symbol
from algotrader.data.quotes import BookView, Interrupted, MarketFeed, PublicTrade, Quote
from algotrader.data.recording import Recorded, Recorder, write
from algotrader.ops.collect_settings import RecordSettings

log = logging.getLogger(__name__)
_Told = Quote | PublicTrade | BookView | Interrupted


class StreamRecorder:
    """What `collect.record` asks for, of some instruments of one venue."""

    def __init__(
        self,
        feed: MarketFeed,
        symbols: Sequence[Symbol],
        lake: Path,
        settings: RecordSettings,
        clock: Clock,
    ) -> None:
        self._feed = feed
        self._symbols = tuple(symbols)
        self._settings = settings
        self._clock = clock
        self._full = asyncio.Event()
        self._lake = lake
        self._recorder = Recorder(self._full.set)
        self._booked: dict[Symbol, int] = {}  # UTC ms, when a book was kept last

    async def run(self) -> None:
        """Until cancelled. What was heard by then is written."""
        chosen, parts = self._settings, []
        if chosen.trades:
            parts.append(self._follow(self._feed.trades(self._symbols), Recorded.TRADES))
        if chosen.quotes:
            parts.append(self._follow(self._feed.quotes(self._symbols), Recorded.QUOTES))
        if chosen.books_every_s is not None:
            books = self._feed.books(self._symbols, depth=chosen.depth)
            parts.append(self._follow(books, Recorded.BOOKS))
        try:
            async with asyncio.TaskGroup() as group:
                for part in (*parts, self._write()):
                    group.create_task(part)
        finally:
            try:
                write(self._lake, self._recorder.drain())
            except RunError as error:  # it must not stand in for what ended this
                log.error("the last that was heard could not be written: %s", error.message)

    async def _follow(self, told: AsyncIterator[_Told], kind: Recorded) -> None:
        async for one in told:
            if isinstance(one, Interrupted):
                for symbol in self._symbols:
                    self._recorder.interrupted(symbol, kind, utc_ms(self._clock.now()), one.reason)
            elif not isinstance(one, BookView) or self._is_due(one):
                self._recorder.take(one)

    def _is_due(self, book: BookView) -> bool:
        every_ms = (self._settings.books_every_s or 0.0) * 1000
        if book.known_ms - self._booked.get(book.instrument, 0) < every_ms:
            return False
        self._booked[book.instrument] = book.known_ms
        return True

    async def _write(self) -> None:
        """For ever. What a full disk refuses waits in memory, within bounds, and is tried again."""
        while True:
            try:
                async with asyncio.timeout(self._settings.write_s):
                    await self._full.wait()
            except TimeoutError:
                pass
            self._full.clear()
            batch = self._recorder.drain()
            try:
                await asyncio.to_thread(write, self._lake, batch)
            except RunError as error:
                self._recorder.put_back(batch)
                log.warning("what was heard could not be written: %s", error.message)
                await asyncio.sleep(self._settings.write_s)
