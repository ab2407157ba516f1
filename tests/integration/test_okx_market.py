"""Quotes, trades and books by stream from a simulated exchange."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

import pytest
from tests.builders.okx_orders import BTC, SWAP
from tests.builders.okx_venue import simulator

from algotrader.core.ports import SystemClock
from algotrader.data.adapters.okx.market import OkxMarketFeed
from algotrader.data.adapters.okx.rest import OkxAddress, OkxRest
from algotrader.data.adapters.okx.streams import OkxStreams, StreamSettings
from algotrader.data.quotes import BookView, Interrupted, PublicTrade, Quote
from algotrader.simulator.okx.faults import Fault, FaultKind
from algotrader.simulator.okx.server import Server, serving

pytest.importorskip("ccxt", reason="not run: ccxt is not installed")
STREAMS = StreamSettings(heartbeat_s=0.3, wait_s=lambda _attempt, _draw: 0.4)


@dataclass
class Stall:
    """A feed, and the exchange that it listens to."""

    feed: OkxMarketFeed
    server: Server
    again: list[str]  # streams that were lost and opened again

    @asynccontextmanager
    async def listening(self, stream: AsyncIterator[Any]) -> AsyncIterator[list[Any]]:
        told: list[Any] = []

        async def listen() -> None:
            async for one in stream:
                told.append(one)  # noqa: PERF401  it is read while it grows

        task = asyncio.create_task(listen())
        await self.until(lambda: any(s.subscriptions for s in self.server.simulator.sessions))
        try:
            yield told
            assert not task.done()
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def move(self, ms: float) -> None:
        self.server.simulator.advance_venue(ms)
        await self.server.push()
        await asyncio.sleep(0.01)

    async def until(self, is_so: Callable[[], bool]) -> None:
        async with asyncio.timeout(15):
            while not is_so():
                await asyncio.sleep(0.01)

    def fault(self, kind: FaultKind, **more: Any) -> None:
        self.server.simulator.faults.add(Fault(kind=kind, **more), self.server.now_ms())

    def book_of(self, name: str) -> tuple[Decimal, Decimal]:
        market = self.server.simulator.api.desk.market(name)
        return market.bid, market.ask


def at_a_stall(work: Callable[[Stall], Awaitable[None]]) -> None:
    async def run() -> None:
        clock = SystemClock()
        server = Server(simulator(clock, speed=0.0), clock)
        async with serving(server, "127.0.0.1", 0) as port:
            address = OkxAddress(base_url=f"http://127.0.0.1:{port}")
            rest = OkxRest(None, address)
            again: list[str] = []
            streams = OkxStreams(None, address, replace(STREAMS, opened_again=again.append))
            await work(Stall(OkxMarketFeed(rest, streams, clock), server, again))
            await rest.close()

    asyncio.run(run())


def test_quotes_follow_the_venues_best_prices() -> None:
    async def work(stall: Stall) -> None:
        async with stall.listening(stall.feed.quotes([BTC, SWAP])) as told:
            for _ in range(5):
                await stall.move(7_000)
            for symbol, name in ((BTC, "BTC-USDT"), (SWAP, "BTC-USDT-SWAP")):
                await stall.until(
                    lambda symbol=symbol, name=name: [
                        (q.bid, q.ask) for q in told if q.instrument == symbol
                    ][-1:] == [stall.book_of(name)]
                )  # fmt: skip
        assert all(isinstance(one, Quote) and one.bid < one.ask for one in told)

    at_a_stall(work)


def test_each_trade_is_told_once_also_over_a_gap() -> None:
    async def work(stall: Stall) -> None:
        async with stall.listening(stall.feed.trades([BTC])) as told:
            stall.fault(FaultKind.DUPLICATE_PUSH, where="push trades", delay_s=(0.0, 0.05))
            for _ in range(3):
                await stall.move(10_000)
            stall.fault(FaultKind.CLOSE_SOCKET, where="connect public", times=1)
            await stall.until(lambda: any(isinstance(one, Interrupted) for one in told))
            for _ in range(3):
                await stall.move(10_000)
            market = stall.server.simulator.api.desk.market("BTC-USDT")
            await stall.until(lambda: any(s.subscriptions for s in stall.server.simulator.sessions))
            await stall.until(lambda: stall.again == ["public"])
            await stall.move(10_000)

            def ids() -> list[str]:
                return [one.trade_id for one in told if isinstance(one, PublicTrade)]

            await stall.until(lambda: len(ids()) >= 7)
            listed = [row["tradeId"] for row in market.trades]
            assert len(ids()) == len(set(ids()))
            assert sorted(ids(), key=int) == listed[-len(ids()) :]

    at_a_stall(work)


def test_books_are_whole_after_each_change() -> None:
    async def work(stall: Stall) -> None:
        async with stall.listening(stall.feed.books([BTC], depth=5)) as told:
            for _ in range(5):
                await stall.move(7_000)
            await stall.until(lambda: len(told) >= 4)
            view = told[-1]
            assert isinstance(view, BookView)
            await stall.until(
                lambda: (told[-1].bids[0][0], told[-1].asks[0][0]) == stall.book_of("BTC-USDT")
            )
            assert len(view.bids) == len(view.asks) == 5

    at_a_stall(work)


def test_a_book_that_lost_a_change_is_told_and_begun_anew() -> None:
    async def work(stall: Stall) -> None:
        async with stall.listening(stall.feed.books([BTC])) as told:
            await stall.until(lambda: len(told) == 1)
            stall.fault(FaultKind.LOSE_PUSH, where="push books", times=1)
            for _ in range(3):
                await stall.move(7_000)
            await stall.until(lambda: any(isinstance(one, Interrupted) for one in told))
            broken = next(one for one in told if isinstance(one, Interrupted))
            assert "expected to follow" in broken.reason
            await stall.until(lambda: isinstance(told[-1], BookView))
            for _ in range(2):
                await stall.move(7_000)
            await stall.until(
                lambda: (told[-1].bids[0][0], told[-1].asks[0][0]) == stall.book_of("BTC-USDT")
            )

    at_a_stall(work)
