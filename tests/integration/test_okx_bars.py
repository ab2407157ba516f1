"""Live bars on a simulated exchange: by stream, by asking, and from one to the other.

The feed lives by the venue's own time, so a minute passes when the test says so.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import pytest
from tests.builders.okx_venue import simulator

from algotrader.core.errors import UsageError
from algotrader.core.events import BarClosed, HeartbeatMissed, SliceClosed
from algotrader.core.ports import SystemClock
from algotrader.core.symbols import Symbol
from algotrader.core.timeframes import MINUTE_MS, Timeframe
from algotrader.data.adapters.okx.bars import FeedSettings, OkxBarFeed, read_candle
from algotrader.data.adapters.okx.rest import OkxAddress, OkxRest
from algotrader.data.adapters.okx.streams import (
    Arg,
    Heard,
    Lost,
    OkxStreams,
    StreamSettings,
)
from algotrader.data.feed import FeedEvent
from algotrader.simulator.okx.faults import Fault, FaultKind
from algotrader.simulator.okx.server import Server, serving

pytest.importorskip("ccxt", reason="not run: ccxt is not installed")
BTC, SWAP = Symbol.parse("OKX:BTC/USDT"), Symbol.parse("OKX:BTC/USDT:USDT")
STREAMS = StreamSettings(heartbeat_s=0.3, wait_s=lambda _attempt, _draw: 0.4)


@dataclass
class VenueTime:
    """The venue's time as a clock."""

    server: Server

    @property
    def ms(self) -> float:
        return self.server.simulator.api.desk.exchange.venue.now

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.ms / 1000, tz=UTC)

    def monotonic_s(self) -> float:
        return self.ms / 1000

    async def sleep(self, seconds: float) -> None:
        until = self.ms + seconds * 1000
        while self.ms < until:
            await asyncio.sleep(0.005)


@dataclass
class Watched:
    server: Server
    told: list[FeedEvent] = field(default_factory=list)

    async def pass_(self, minutes: float) -> None:
        """Let time pass in steps of a second, so that everything due in between can happen."""
        for _ in range(round(minutes * 30)):
            self.server.simulator.advance_venue(2_000)
            await self.server.push()
            await asyncio.sleep(0.004)
            for _ in range(10):  # however slow the machine is, what is under way goes on
                await asyncio.sleep(0)

    def fault(self, kind: FaultKind, **more: Any) -> None:
        self.server.simulator.faults.add(Fault(kind=kind, **more), self.server.now_ms())

    async def until(self, is_so: Callable[[], bool]) -> None:
        async with asyncio.timeout(15):
            while not is_so():
                await self.pass_(1 / 30)

    def bars(self, symbol: Symbol = BTC) -> list[int]:
        return [e.ts for e in self.told if isinstance(e, BarClosed) and e.instrument == symbol]

    def slices(self) -> list[SliceClosed]:
        return [event for event in self.told if isinstance(event, SliceClosed)]


@asynccontextmanager
async def watching(
    settings: FeedSettings | None = None,
    back: int | None = None,
    streams: type[OkxStreams] = OkxStreams,
    instruments: Sequence[Symbol] = (SWAP, BTC),
) -> AsyncIterator[Watched]:
    """A feed of two instruments by the minute; `back` bars of the past are wanted as well."""
    server = Server(simulator(SystemClock(), speed=0.0), SystemClock())
    async with serving(server, "127.0.0.1", 0) as port:
        time = VenueTime(server)
        address = OkxAddress(base_url=f"http://127.0.0.1:{port}")
        since = None if back is None else int(time.ms) - back * MINUTE_MS
        feed = OkxBarFeed(
            OkxRest(None, address), streams(None, address, STREAMS), time, instruments,
            Timeframe(MINUTE_MS), since_ms=since, settings=settings, sleep=time.sleep,
        )  # fmt: skip
        watched = Watched(server)
        task = asyncio.create_task(_listen(feed, watched))
        try:
            await watched.until(lambda: len(watched.slices()) == 1)
            yield watched
            assert not task.done()
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            await feed.close()


async def _listen(feed: OkxBarFeed, watched: Watched) -> None:
    async for event in feed.bars():
        watched.told.append(event)


def on_a_feed(work: Callable[[Watched], Awaitable[None]], **chosen: Any) -> None:
    async def run() -> None:
        async with watching(**chosen) as watched:
            await work(watched)

    asyncio.run(run())


def is_whole(stamps: list[int], count: int) -> bool:
    """Each minute once, in their order, none left out."""
    return len(stamps) >= count and all(
        later - earlier == MINUTE_MS for earlier, later in pairwise(stamps)
    )


@pytest.mark.parametrize("streams", [True, False], ids=["stream", "asking"])
def test_bars_come_once_each_and_each_slot_has_a_slice(streams: bool) -> None:
    async def work(watched: Watched) -> None:
        await watched.pass_(6)
        await watched.until(lambda: len(watched.slices()) >= 6)
        await watched.until(lambda: is_whole(sorted(watched.bars(BTC)), 6))
        await watched.until(lambda: is_whole(sorted(watched.bars(SWAP)), 6))
        assert all(one.instruments == (BTC, SWAP) for one in watched.slices())
        bar = next(e for e in watched.told if isinstance(e, BarClosed))
        assert (bar.open, bar.high, bar.low, bar.close) == (30_000, 30_030, 29_970, 30_000)
        assert not any(e.is_late for e in watched.told if isinstance(e, BarClosed))

    on_a_feed(work, settings=FeedSettings(streams=streams))


def test_bars_missed_before_the_start_come_late_and_are_not_decided_on() -> None:
    async def work(watched: Watched) -> None:
        await watched.until(lambda: len(watched.bars(BTC)) >= 150)
        first = watched.slices()[0]
        late = [e.ts for e in watched.told if isinstance(e, BarClosed) and e.is_late]
        assert len(set(late)) >= 149
        assert max(late) < first.decision_ts - MINUTE_MS or len(watched.slices()) > 1
        assert all(one.decision_ts >= first.decision_ts for one in watched.slices())

    on_a_feed(work, back=150)


def test_what_the_stream_loses_is_asked_for_after_the_close() -> None:
    async def work(watched: Watched) -> None:
        watched.fault(FaultKind.LOSE_PUSH, where="push candle*", chance=0.7)
        await watched.pass_(8)
        await watched.until(lambda: is_whole(sorted(watched.bars(BTC)), 8))
        await watched.until(lambda: is_whole(sorted(watched.bars(SWAP)), 8))

    on_a_feed(work)


def test_f19_a_silent_socket_hands_over_to_asking_and_back() -> None:
    async def work(watched: Watched) -> None:
        watched.fault(FaultKind.HALF_OPEN, where="connect business")
        await watched.pass_(4)
        watched.server.simulator.faults.clear()
        await watched.pass_(4)
        await watched.until(lambda: any(s.subscriptions for s in watched.server.simulator.sessions))
        await watched.pass_(3)
        await watched.until(lambda: is_whole(sorted(watched.bars(BTC)), 11))
        await watched.until(lambda: is_whole(sorted(watched.bars(SWAP)), 11))

    on_a_feed(work)


def test_promise_9_a_socket_that_is_silent_for_three_bars_costs_no_bar_and_is_told_once() -> None:
    async def work(watched: Watched) -> None:
        await watched.pass_(2)
        before = set(map(id, watched.server.simulator.sessions))
        told = len(watched.told)
        watched.fault(FaultKind.LOSE_PUSH, where="push *", chance=1.0)  # and pings are answered
        await watched.pass_(3.5)
        since = watched.told[told:]
        slices = [event for event in since if isinstance(event, SliceClosed)]
        assert is_whole([one.decision_ts for one in slices], 3)
        for one in slices:  # decided on with every bar, in time
            assert (one.instruments, one.missing) == ((BTC, SWAP), ())
            assert 0 <= one.ts_known - one.decision_ts <= FeedSettings().grace_ms
        assert not any(event.is_late for event in since if isinstance(event, BarClosed))
        (alert,) = (event for event in since if isinstance(event, HeartbeatMissed))
        assert alert.component == "stream:OKX bars"
        sessions = watched.server.simulator.sessions
        await watched.until(lambda: bool({id(one) for one in sessions} - before))
        watched.server.simulator.faults.clear()
        await watched.pass_(3)
        await watched.until(lambda: is_whole(sorted(watched.bars(BTC)), 9))
        assert len([e for e in watched.told if isinstance(e, HeartbeatMissed)]) == 1

    on_a_feed(work)


def test_f16_f17_pushes_twice_and_out_of_order_change_nothing() -> None:
    async def work(watched: Watched) -> None:
        watched.fault(FaultKind.DUPLICATE_PUSH, where="push candle*", delay_s=(0.0, 0.1))
        watched.fault(FaultKind.REORDER_PUSH, where="push candle*", delay_s=(0.0, 0.1))
        await watched.pass_(6)
        await watched.until(lambda: len(watched.slices()) >= 6)
        stamps = watched.bars(BTC)
        assert len(stamps) == len(set(stamps))
        assert is_whole(sorted(stamps), 6)

    on_a_feed(work)


@pytest.mark.parametrize("kind", [FaultKind.HTML, FaultKind.MAINTENANCE, FaultKind.DROP_BEFORE])
def test_f29_f47_an_outage_is_told_and_made_up_for_when_it_ends(kind: FaultKind) -> None:
    async def work(watched: Watched) -> None:
        watched.fault(FaultKind.CLOSE_SOCKET, where="connect *")
        watched.fault(kind, where="GET market/*")
        await watched.pass_(5)
        silent = [e for e in watched.told if isinstance(e, HeartbeatMissed)]
        assert sorted(one.component for one in silent) == [
            "bars:OKX:BTC/USDT 1m", "bars:OKX:BTC/USDT:USDT 1m",
        ]  # fmt: skip
        watched.server.simulator.faults.clear()
        await watched.until(lambda: is_whole(sorted(watched.bars(BTC)), 6))
        await watched.until(lambda: is_whole(sorted(watched.bars(SWAP)), 6))
        decided = [one.decision_ts for one in watched.slices()]
        assert decided == sorted(set(decided))

    on_a_feed(work)


@pytest.mark.parametrize("streams", [True, False], ids=["stream", "asking"])
def test_f32_an_instrument_that_is_not_listed_takes_the_bars_of_no_other(streams: bool) -> None:
    gone = Symbol.parse("OKX:AAA/USDT")  # first in their order

    async def work(watched: Watched) -> None:
        before = len(watched.slices())
        await watched.until(lambda: len(watched.slices()) >= before + 3)
        assert all(one.instruments == (BTC, SWAP) for one in watched.slices())
        assert all(one.missing == (gone,) for one in watched.slices())
        # As fast as without it: by stream at once, by asking within two seconds of the close.
        assert is_whole(watched.bars(BTC), 3)
        assert is_whole(watched.bars(SWAP), 3)
        silent = {e.component for e in watched.told if isinstance(e, HeartbeatMissed)}
        assert silent == {f"bars:{gone} 1m"}
        late = [e.ts_known - e.ts_event for e in watched.told if isinstance(e, BarClosed)][4:]
        assert max(late) < 8_000

    on_a_feed(work, settings=FeedSettings(streams=streams), instruments=(gone, SWAP, BTC))


def test_a_feed_without_grace_does_not_look_for_silence_all_the_time() -> None:
    pauses: list[float] = []

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 3:
            raise asyncio.CancelledError

    feed = OkxBarFeed(
        OkxRest(None, OkxAddress()), OkxStreams(None, OkxAddress()), SystemClock(), [BTC],
        Timeframe(MINUTE_MS), settings=FeedSettings(grace_ms=0), sleep=sleep,
    )  # fmt: skip
    with pytest.raises(asyncio.CancelledError):
        asyncio.run(feed._until_silent())

    assert min(pauses) >= 1


class FailingStreams(OkxStreams):
    """Whoever reads them dies of it."""

    async def follow(self, access: str, args: Sequence[Arg]) -> AsyncGenerator[Heard, None]:
        raise RuntimeError(f"planted: {access}")
        yield Lost(reason="never")


def test_f09_a_reader_that_dies_is_started_again_and_three_times_freeze_what_it_reads() -> None:
    async def work(watched: Watched) -> None:
        def silent() -> list[str]:
            return [e.component for e in watched.told if isinstance(e, HeartbeatMissed)]

        await watched.until(lambda: len(set(silent())) == 2)
        await watched.pass_(3)
        assert set(silent()) == {f"bars:{BTC} 1m", f"bars:{SWAP} 1m"}
        assert is_whole(watched.bars(), 3)  # by asking

    on_a_feed(work, streams=FailingStreams)


def test_a_bar_that_closed_while_the_stream_was_opening_is_asked_for_by_the_venues_time() -> None:
    """Its push went to nobody, and the clock that was measured before knows of no close."""

    async def work() -> None:
        server = Server(simulator(SystemClock(), speed=0.0), SystemClock())

        class SlowToOpen(OkxStreams):
            async def follow(self, access: str, args: Sequence[Arg]) -> AsyncGenerator[Heard, None]:
                server.simulator.advance_venue(MINUTE_MS)
                await server.push()
                async for heard in super().follow(access, args):
                    yield heard

        async with serving(server, "127.0.0.1", 0) as port:
            address = OkxAddress(base_url=f"http://127.0.0.1:{port}")
            newest = server.simulator.api.desk.exchange.venue.now // MINUTE_MS * MINUTE_MS
            feed = OkxBarFeed(
                OkxRest(None, address), SlowToOpen(None, address, STREAMS), SystemClock(), [BTC],
                Timeframe(MINUTE_MS), settings=FeedSettings(recheck_s=3_600),
            )  # fmt: skip
            watched = Watched(server)
            task = asyncio.create_task(_listen(feed, watched))
            try:
                async with asyncio.timeout(10):
                    while newest not in watched.bars():
                        await asyncio.sleep(0.01)
            finally:
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
                await feed.close()

    asyncio.run(work())


def test_f37_rows_that_are_no_candles_are_left_alone() -> None:
    good = ["1000", "1", "2", "0.5", "1.5", "7", "0", "0", "1"]
    bar = read_candle(good, BTC)
    assert bar is not None
    assert (bar.ts, bar.values) == (1000, (1, 2, 0.5, 1.5, 7))
    for bad in ({}, [], good[:8], [*good[:8], "0"], ["x", *good[1:]], [None, *good[1:]]):
        assert read_candle(bad, BTC) is None


def test_a_time_frame_the_venue_lacks_is_a_wrong_use() -> None:
    with pytest.raises(UsageError, match="OKX has no 7m bars"):
        OkxBarFeed(
            OkxRest(None, OkxAddress()), OkxStreams(None, OkxAddress()), SystemClock(), [BTC],
            Timeframe.parse("7m"),
        )  # fmt: skip
