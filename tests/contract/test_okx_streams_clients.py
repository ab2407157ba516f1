"""The streams of ccxt.pro against the simulated exchange: what is watched arrives, and once."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from tests.builders.okx_venue import simulator, with_client

from algotrader.core.ports import SystemClock
from algotrader.simulator.okx.server import Server

ccxt = pytest.importorskip("ccxt", reason="not run: ccxt is not installed")
SWAP = "BTC/USDT:USDT"


def by_hand(work: Any) -> None:
    """A venue that moves only when it is told to."""
    clock = SystemClock()
    with_client(work, Server(simulator(clock, speed=0.0), clock))


async def until_subscribed(server: Server, *channels: str) -> None:
    """Wait until the venue has each subscription."""
    while True:
        held = {str(a["channel"]) for s in server.simulator.sessions for a in s.subscriptions}
        if held >= set(channels):
            return
        await asyncio.sleep(0.01)


async def move(server: Server, ms: float) -> None:
    server.simulator.advance_venue(ms)
    await server.push()


def test_trades_quotes_marks_and_funding_are_watched() -> None:
    async def work(client: Any, server: Server) -> None:
        quotes = await client.watch_bids_asks(["BTC/USDT"])
        assert quotes["BTC/USDT"]["bid"] == 30_000
        assert (await client.watch_funding_rate(SWAP))["fundingRate"] == 0.0001
        assert (await client.watch_mark_price(SWAP))["markPrice"] == 30_000
        watched = asyncio.create_task(client.watch_trades("BTC/USDT"))
        await until_subscribed(server, "trades")
        await move(server, 20_000)
        assert (await watched)[-1]["price"] < 30_000  # worst path, coins held: the low comes first

    by_hand(work)


def test_a_books_changes_keep_the_clients_book_whole() -> None:
    async def work(client: Any, server: Server) -> None:
        await client.watch_order_book("BTC/USDT")
        for _ in range(5):
            watched = asyncio.create_task(client.watch_order_book("BTC/USDT"))
            await asyncio.sleep(0)
            await move(server, 7_000)
            held = await watched
            market = server.simulator.api.desk.market("BTC-USDT")
            assert held["bids"][0][0] == float(market.bid)
            assert held["asks"][0][0] == float(market.ask)

    by_hand(work)


def test_own_fills_and_positions_are_watched() -> None:
    async def work(client: Any, server: Server) -> None:
        trades = asyncio.create_task(client.watch_my_trades())
        await until_subscribed(server, "orders")
        positions = asyncio.create_task(client.watch_positions())
        await until_subscribed(server, "positions")
        assert await positions == []
        positions = asyncio.create_task(client.watch_positions())
        await asyncio.sleep(0)
        await client.create_order(SWAP, "market", "buy", 2)
        fill = (await trades)[-1]
        assert (fill["symbol"], fill["amount"], fill["fee"]["currency"]) == (SWAP, 2, "USDT")
        assert (await positions)[0]["contracts"] == 2
        listed = await client.fetch_my_trades(SWAP)
        assert listed[-1]["id"] == fill["id"]

    by_hand(work)


def test_a_stop_is_watched_from_waiting_to_its_child() -> None:
    async def work(client: Any, server: Server) -> None:
        await client.create_order(SWAP, "market", "buy", 2)
        watched = asyncio.create_task(client.watch_orders(None, None, None, {"trigger": True}))
        await until_subscribed(server, "orders-algo")
        stop = await client.create_order(
            SWAP, "market", "sell", 2, None, {"stopLossPrice": 29_980, "reduceOnly": True}
        )
        waiting = (await watched)[-1]
        assert (waiting["id"], waiting["status"]) == (stop["id"], "open")
        watched = asyncio.create_task(client.watch_orders(None, None, None, {"trigger": True}))
        await asyncio.sleep(0)
        await move(server, 60_000)
        done = (await watched)[-1]
        child = await client.fetch_order(done["info"]["ordId"], SWAP)
        assert (child["status"], child["info"]["algoId"]) == ("closed", stop["id"])
        assert await client.fetch_positions() == []

    by_hand(work)


def test_bars_are_watched_until_they_close() -> None:
    async def work(client: Any, server: Server) -> None:
        first = await client.watch_ohlcv("BTC/USDT", "1m")
        opened = first[-1][0]
        watched = asyncio.create_task(client.watch_ohlcv("BTC/USDT", "1m"))
        await asyncio.sleep(0)
        await move(server, 90_000)
        rows = await watched
        while rows[-1][0] == opened:  # first the bar that closed, then the one that forms
            rows = await client.watch_ohlcv("BTC/USDT", "1m")
        whole = await client.fetch_ohlcv("BTC/USDT", "1m", opened, 1)
        assert whole[0][1:5] == [30_000.0, 30_030.0, 29_970.0, 30_000.0]

    by_hand(work)


def test_what_is_no_longer_watched_is_no_longer_sent() -> None:
    async def work(client: Any, server: Server) -> None:
        await client.watch_ticker("BTC/USDT")
        await client.un_watch_ticker("BTC/USDT")
        assert not [a for s in server.simulator.sessions for a in s.subscriptions]

    by_hand(work)
