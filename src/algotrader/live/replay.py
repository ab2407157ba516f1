"""A replay: recorded slices handed to a trader as if they closed now, on a clock that they move."""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count, groupby
from operator import attrgetter

import msgspec

from algotrader.core.events import BarClosed, Event, SliceClosed
from algotrader.core.ids import AccountId
from algotrader.core.instants import utc_at, utc_ms
from algotrader.core.ports import ManualClock
from algotrader.core.timeframes import length_ms
from algotrader.engine.slices import Slice
from algotrader.execution.paper_broker import PaperBroker
from algotrader.live.trader import Trader


class ReplayTime:
    """A manual clock whose sleepers wake when it is moved past them, the earliest first."""

    def __init__(self, start_ms: int) -> None:
        self.clock = ManualClock(utc_at(start_ms))
        self._sleepers: list[tuple[int, int, asyncio.Future[None]]] = []
        self._numbers = count()

    async def sleep(self, seconds: float) -> None:
        """Until the clock has moved that far; at once for no time at all."""
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        wake = asyncio.get_running_loop().create_future()
        until = utc_ms(self.clock.now()) + round(seconds * 1000)
        heapq.heappush(self._sleepers, (until, next(self._numbers), wake))
        await wake

    def next_wake(self) -> int | None:
        """When the next sleeper wakes, UTC ms; None if nobody sleeps."""
        while self._sleepers and self._sleepers[0][2].done():  # cancelled meanwhile
            heapq.heappop(self._sleepers)
        return self._sleepers[0][0] if self._sleepers else None

    def move(self, to_ms: int) -> None:
        """Set the clock forward and wake whoever slept until then."""
        now_ms = utc_ms(self.clock.now())
        if to_ms > now_ms:
            self.clock.advance((to_ms - now_ms) / 1000)
        while (wake := self.next_wake()) is not None and wake <= to_ms:
            heapq.heappop(self._sleepers)[2].set_result(None)


@dataclass(slots=True, kw_only=True)
class Replay:
    """Hands slices to a trader, one after the other, each when all of the one before is done."""

    trader: Trader
    time: ReplayTime
    papers: Mapping[AccountId, PaperBroker]
    requests: Callable[[int], Awaitable[Iterable[Event]]]
    """Of a person, taken at the start and before slices, until there are none."""
    on_slice: Callable[[Slice], None]  # before it is told: the strategies' histories grow
    pause: Callable[[], Awaitable[None]]  # after each slice, for a speed that people can follow
    obeyed: Callable[[], None] = lambda: None  # what was asked for is in the journal

    async def run(self, slices: Iterable[Slice]) -> None:
        """Until the slices end. The trader must be running."""
        await self._settle_until(self.trader.is_ready)
        await self._obey()
        for together in at_once(slices):
            now_ms = together[0].closed.ts_known
            await self._reach(now_ms)
            await self._obey()
            bars = [bar for one in together for bar in one.bars]
            for account in sorted(self.papers):
                for event in self.papers[account].advance(bars, now_ms):
                    self.trader.tell(event)
            for one in together:
                self.on_slice(one)
            for closed in events_of(together):
                self.trader.tell(closed)
            await self.trader.idle()
            await self.pause()

    async def _obey(self) -> None:
        is_asked = True
        while is_asked:
            events = list(await self.requests(utc_ms(self.time.clock.now())))
            for event in events:
                self.trader.tell(event)
            await self.trader.idle()
            is_asked = bool(events)
        if await self.trader.handled():
            self.obeyed()

    async def _reach(self, to_ms: int) -> None:
        """Move the clock, stopping at each timer on the way."""
        while (wake := self.time.next_wake()) is not None and wake < to_ms:
            self.time.move(wake)
            await self.trader.idle()
        self.time.move(to_ms)
        await self.trader.idle()

    async def _settle_until(self, done: Callable[[], bool]) -> None:
        """Let time pass until a restart is settled: its questions are asked by timers."""
        while not done():
            await self.trader.idle()
            wake = self.time.next_wake()
            if not done() and wake is not None:
                self.time.move(wake)
            await asyncio.sleep(0)


def in_order(sources: Iterable[Iterable[Slice]]) -> Iterator[Slice]:
    """Slices of several time frames and calendars in the order of their decisions (R1).

    Those of one time frame that close at one moment are one slice; of several, the shortest is first.
    """
    waiting: Slice | None = None
    for slice_ in heapq.merge(*sources, key=_place):
        if waiting is not None and _place(waiting) == _place(slice_):
            waiting = _joined(waiting, slice_)
            continue
        if waiting is not None:
            yield waiting
        waiting = slice_
    if waiting is not None:
        yield waiting


def at_once(slices: Iterable[Slice]) -> Iterator[tuple[Slice, ...]]:
    """Slices that close at one moment, together: all of them are decided on in one step (R1)."""
    for _, together in groupby(slices, key=attrgetter("closed.ts_known")):
        yield tuple(together)


def events_of(together: Sequence[Slice]) -> Iterator[BarClosed | SliceClosed]:
    """All bars of a moment, then what closed with them, as an engine takes them."""
    for one in together:
        yield from one.bars
    for one in together:
        yield one.closed


def _place(slice_: Slice) -> tuple[int, int]:
    closed = slice_.closed
    return closed.ts_known, length_ms(closed.timeframe)


def _joined(a: Slice, b: Slice) -> Slice:
    closed = msgspec.structs.replace(
        a.closed,
        instruments=tuple(sorted({*a.closed.instruments, *b.closed.instruments})),
        missing=tuple(sorted({*a.closed.missing, *b.closed.missing})),
    )
    bars = {bar.instrument: bar for bar in (*a.bars, *b.bars)}
    return Slice(bars=tuple(bars[symbol] for symbol in sorted(bars)), closed=closed)
