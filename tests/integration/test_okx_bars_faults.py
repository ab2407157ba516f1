"""Faults of data through the real client: gaps, bad prints, forming bars, a dead source, clocks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.builders.okx_venue import simulator
from tests.integration.test_okx_bars import BTC, STREAMS, SWAP, VenueTime, Watched, is_whole

from algotrader.core.events import BarClosed
from algotrader.core.ports import Notice, SteadyClock, SystemClock
from algotrader.core.symbols import Symbol
from algotrader.core.timeframes import MINUTE_MS, Timeframe
from algotrader.data.adapters.okx.bars import FeedSettings, OkxBarFeed
from algotrader.data.adapters.okx.funding import OkxFundingRates
from algotrader.data.adapters.okx.rest import FirstToAnswer, OkxAddress, OkxRest
from algotrader.data.adapters.okx.streams import OkxStreams
from algotrader.data.collecting import Collector
from algotrader.data.feed import FeedEvent
from algotrader.data.lake import Lake
from algotrader.data.layout import Layer, SeriesKey
from algotrader.data.live_store import LiveStore
from algotrader.simulator.okx.faults import FaultKind
from algotrader.simulator.okx.server import Server, serving

pytest.importorskip("ccxt", reason="not run: ccxt is not installed")
MINUTE = Timeframe(MINUTE_MS)


class SetTime(VenueTime):
    """The venue's time on a wall clock that a test may set."""

    ahead = timedelta(0)

    def now(self) -> Any:
        return super().now() + self.ahead


@dataclass
class Collecting(Watched):
    """A feed that a collector keeps, and what the person was told."""

    folder: Path = Path()
    time: Any = None
    collector: Any = None
    notices: list[Notice] = field(default_factory=list)

    async def notify(self, notice: Notice) -> None:
        self.notices.append(notice)

    def kept(self, symbol: Symbol = BTC) -> list[int]:
        lake = Lake(self.folder / "lake")
        key = SeriesKey.bars(symbol, MINUTE)
        return lake.read_table(key)[0].ts.tolist() if lake.files(key) else []


@asynccontextmanager
async def collecting(
    folder: Path, settings: FeedSettings | None = None, second: bool = False
) -> AsyncIterator[Collecting]:
    """A collector of two instruments by the minute; `second`: at the first address nobody is."""
    server = Server(simulator(SystemClock(), speed=0.0), SystemClock())
    async with serving(server, "127.0.0.1", 0) as port:
        time = SetTime(server)
        clock = SteadyClock(time.now, time.monotonic_s)
        alive = OkxAddress(base_url=f"http://127.0.0.1:{port}")
        address = OkxAddress(base_url="http://127.0.0.1:1") if second else alive
        rests = [OkxRest(None, one) for one in dict.fromkeys((address, alive))]
        watched = Collecting(server=server, folder=folder, time=time)
        watched.collector = Collector(
            Lake(folder / "lake"), LiveStore(folder / "live"), MINUTE, clock, watched
        )
        feed = OkxBarFeed(
            FirstToAnswer(*rests), OkxStreams(None, address, STREAMS), clock, [SWAP, BTC], MINUTE,
            settings=settings, watcher=watched.collector, sleep=time.sleep,
        )  # fmt: skip

        async def told() -> AsyncIterator[FeedEvent]:
            async for event in feed.bars():
                watched.told.append(event)
                yield event

        task = asyncio.create_task(watched.collector.run(told()))
        try:
            await watched.until(lambda: len(watched.slices()) == 1)
            yield watched
            assert not task.done()
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            await feed.close()


def on_a_collector(folder: Path, work: Callable[[Collecting], Any], **chosen: Any) -> None:
    async def run() -> None:
        async with collecting(folder, **chosen) as watched:
            await work(watched)

    asyncio.run(run())


def each_once(watched: Collecting, count: int) -> bool:
    return all(is_whole(sorted(watched.bars(one)), count) for one in (BTC, SWAP))


def rows_of(server: Server, symbol: str) -> Any:
    """The bars that a market of the venue is made from, and the one that is under way."""
    market = server.simulator.api.desk.exchange.venue.markets[symbol]
    return market, market.row


def change(server: Server, symbol: str, row: int, ohlc: list[float]) -> list[float]:
    """Other prices for a bar; those before."""
    market, _ = rows_of(server, symbol)
    before: list[float] = market.feed.ohlc[row].tolist()
    market.feed.ohlc[row] = ohlc
    return before


def test_F40_dropped_bars_are_refetched_and_the_lake_is_whole(tmp_path: Path) -> None:
    async def work(watched: Collecting) -> None:
        watched.fault(FaultKind.LOSE_PUSH, where="push candle*", chance=1.0)
        await watched.pass_(6)
        await watched.until(lambda: each_once(watched, 6))

    on_a_collector(tmp_path, work)
    kept = Collecting(server=None, folder=tmp_path).kept()  # type: ignore[arg-type]
    assert is_whole(kept, 6)


def test_F42_a_bad_print_is_kept_aside_nothing_is_decided_on_it_and_the_next_answer_helps(
    tmp_path: Path,
) -> None:
    async def work(watched: Collecting) -> None:
        await watched.pass_(2)
        market, row = rows_of(watched.server, "BTC-USDT")
        level = float(market.feed.ohlc[row, 0])
        before = change(watched.server, "BTC-USDT", row, [level, level * 10, level, level])
        bad_ts = int(market.feed.ts[row])
        await watched.until(lambda: watched.collector.done.quarantined == 1)
        assert bad_ts not in watched.bars(BTC)
        change(watched.server, "BTC-USDT", row, before)
        await watched.until(lambda: bad_ts in watched.bars(BTC))
        await watched.pass_(2)
        (bar,) = [
            e for e in watched.told
            if isinstance(e, BarClosed) and e.instrument == BTC and e.ts == bad_ts
        ]  # fmt: skip
        assert bar.high < level * 2
        assert each_once(watched, 4)

    on_a_collector(tmp_path, work, settings=FeedSettings(streams=False))
    lake = Lake(tmp_path / "lake")
    assert len(lake.files(SeriesKey.bars(BTC, MINUTE), Layer.QUARANTINE)) == 1


def test_F43_only_closed_bars_are_kept_whatever_the_source_returns_last(tmp_path: Path) -> None:
    async def work(watched: Collecting) -> None:
        for _ in range(6):
            await watched.pass_(0.9)  # asked in the middle of bars
            newest = max(watched.bars(BTC))
            assert newest + MINUTE_MS <= watched.time.ms
        await watched.until(lambda: each_once(watched, 5))
        prices = {
            (e.open, e.high, e.low, e.close)
            for e in watched.told if isinstance(e, BarClosed) and e.instrument == BTC
        }  # fmt: skip
        assert prices == {(30_000, 30_030, 29_970, 30_000)}  # whole bars, not half of one

    on_a_collector(tmp_path, work)


def test_F45_a_bar_that_the_venue_restates_is_a_new_version_in_the_lake(tmp_path: Path) -> None:
    async def work(watched: Collecting) -> None:
        await watched.pass_(2)
        market, row = rows_of(watched.server, "BTC-USDT")
        changed = market.feed.ohlc[row - 1].tolist()
        changed[1] += 5.0
        change(watched.server, "BTC-USDT", row - 1, changed)
        await watched.until(lambda: watched.collector.done.revised == 1)

    quick = FeedSettings(recheck_s=2.0)
    on_a_collector(tmp_path, work, settings=quick)
    lake = Lake(tmp_path / "lake")
    table, _ = lake.read_table(SeriesKey.bars(BTC, MINUTE))
    assert np.all(np.diff(table.ts) == MINUTE_MS)
    assert (table.columns["high"] == 30_035.0).sum() == 1


@pytest.mark.parametrize("second", [False, True], ids=["alone", "another_address"])
def test_F47_a_dead_source_is_another_one_or_a_pause_and_each_slot_has_one_bar(
    tmp_path: Path, second: bool
) -> None:
    async def work(watched: Collecting) -> None:
        if not second:
            watched.fault(FaultKind.CLOSE_SOCKET, where="connect *")
            watched.fault(FaultKind.MAINTENANCE, where="GET market/*")
        await watched.pass_(6)
        silent = [one for one in watched.notices if one.cause.startswith("silent:")]
        if second:
            assert not silent  # what one address does not answer the other does
        else:
            assert len(silent) == 2  # one an instrument, not one a bar
        watched.server.simulator.faults.clear()
        await watched.until(lambda: each_once(watched, 7))
        decided = [one.decision_ts for one in watched.slices()]
        assert decided == sorted(set(decided))

    on_a_collector(tmp_path, work, second=second)
    kept = Collecting(server=None, folder=tmp_path).kept()  # type: ignore[arg-type]
    assert is_whole(kept, 7)


@pytest.mark.parametrize("hours", [1, -1], ids=["forward", "back"])
def test_F66_a_clock_that_is_set_skips_no_bar_and_tells_none_twice(
    tmp_path: Path, hours: int
) -> None:
    async def work(watched: Collecting) -> None:
        await watched.pass_(3)
        watched.time.ahead = timedelta(hours=hours)
        await watched.pass_(3)
        await watched.until(lambda: each_once(watched, 6))
        stamps = watched.bars(BTC)
        assert len(stamps) == len(set(stamps))
        decided = [one.decision_ts for one in watched.slices()]
        assert is_whole(decided, 5)

    on_a_collector(tmp_path, work)


def test_settled_funding_is_asked_for_and_an_unknown_one_is_not_nothing(tmp_path: Path) -> None:
    async def work() -> None:
        server = Server(simulator(SystemClock(), speed=0.0), SystemClock())
        async with serving(server, "127.0.0.1", 0) as port:
            rest = OkxRest(None, OkxAddress(base_url=f"http://127.0.0.1:{port}"))
            rates = OkxFundingRates(rest)
            feed = server.simulator.api.desk.exchange.venue.markets["BTC-USDT-SWAP"].feed
            first = int(feed.funding_ts[0])
            assert await rates.settled(SWAP, first) == pytest.approx(0.0001)
            hour_ms = 60 * MINUTE_MS
            quiet = (first // (8 * hour_ms) - 100) * 8 * hour_ms + hour_ms
            assert await rates.settled(SWAP, quiet) == 0.0
            assert await rates.settled(SWAP, quiet - hour_ms) is None
            await rest.close()

    asyncio.run(work())
