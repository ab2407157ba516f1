"""The unmodified ccxt and ccxt.pro clients against the simulated exchange on loopback."""

from __future__ import annotations

import asyncio
import itertools
from typing import Any

import pytest
from tests.builders.okx_venue import simulator, with_client

from algotrader.core.ports import SystemClock
from algotrader.simulator.okx.faults import Fault, FaultKind
from algotrader.simulator.okx.server import Server

ccxt = pytest.importorskip("ccxt", reason="not run: ccxt is not installed")


def test_markets_prices_and_candles_are_read() -> None:
    async def work(client: Any, _: Server) -> None:
        assert set(client.markets) == {
            "BTC/USDT", "ETH/USDT", "LTC/USDT", "BTC/USD:BTC", "BTC/USDT:USDT", "ETH/USDT:USDT",
        }  # fmt: skip
        swap = client.market("BTC/USDT:USDT")
        assert (swap["contractSize"], swap["linear"]) == (0.01, True)
        assert client.market("BTC/USD:BTC")["inverse"]
        ticker = await client.fetch_ticker("BTC/USDT")
        assert ticker["bid"] < ticker["ask"]
        bars = await client.fetch_ohlcv("BTC/USDT", "5m", None, 20)
        assert len(bars) == 20
        assert all(later[0] - bar[0] == 300_000 for bar, later in itertools.pairwise(bars))
        assert bars[3][1:5] == [30_000.0, 30_030.0, 29_970.0, 30_000.0]
        assert (await client.fetch_status())["status"] == "ok"
        rate = await client.fetch_funding_rate("BTC/USDT:USDT")
        assert rate["fundingRate"] == 0.0001

    with_client(work)


def test_a_market_order_is_taken_filled_and_found_by_our_id() -> None:
    async def work(client: Any, _: Server) -> None:
        placed = await client.create_order(
            "BTC/USDT", "market", "buy", 0.01, None, {"clientOrderId": "at0001"}
        )
        found = await client.fetch_order(None, "BTC/USDT", {"clOrdId": "at0001"})
        assert found["id"] == placed["id"]
        assert (found["status"], found["filled"]) == ("closed", 0.01)
        trades = await client.fetch_my_trades("BTC/USDT")
        assert trades[0]["fee"] == {"currency": "BTC", "cost": 0.00001}  # 0.1 % of the coin bought
        balance = await client.fetch_balance()
        assert balance["BTC"]["total"] == 10.00999

    with_client(work)


def test_a_limit_order_rests_freezes_money_and_is_cancelled() -> None:
    async def work(client: Any, _: Server) -> None:
        order = await client.create_order("BTC/USDT", "limit", "buy", 0.01, 29_000)
        assert [o["id"] for o in await client.fetch_open_orders("BTC/USDT")] == [order["id"]]
        assert (await client.fetch_balance())["USDT"]["used"] == 290
        await client.cancel_order(order["id"], "BTC/USDT")
        assert await client.fetch_open_orders("BTC/USDT") == []
        assert (await client.fetch_order(order["id"], "BTC/USDT"))["status"] == "canceled"
        with pytest.raises(ccxt.OrderNotFound, match="51401"):
            await client.cancel_order(order["id"], "BTC/USDT")

    with_client(work)


def test_orders_balances_candles_and_books_are_pushed() -> None:
    async def work(client: Any, _: Server) -> None:
        balance = asyncio.create_task(client.watch_balance())
        orders = asyncio.create_task(client.watch_orders())
        candle = await client.watch_ohlcv("BTC/USDT", "1m")
        assert candle[-1][1] == 30_000.0
        book = await client.watch_order_book("BTC/USDT")
        assert book["bids"][0][0] < book["asks"][0][0]
        ticker = await client.watch_ticker("BTC/USDT")
        assert ticker["symbol"] == "BTC/USDT"
        await balance
        while not _subscribed(client, "orders"):
            await asyncio.sleep(0.01)
        await client.create_order("BTC/USDT", "market", "sell", 0.5)
        pushed = await orders
        assert pushed[-1]["status"] in ("open", "closed")

    with_client(work)


def _subscribed(client: Any, channel: str) -> bool:
    return any(channel in url.subscriptions for url in client.clients.values())


def test_a_wrong_key_passphrase_secret_or_clock_is_refused() -> None:
    server = Server(simulator(SystemClock()), SystemClock())

    async def work(client: Any, _: Server) -> None:
        async def refused_with(code: str, **wrong: str) -> None:
            kept = {name: getattr(client, name) for name in wrong}
            for name, value in wrong.items():
                setattr(client, name, value)
            with pytest.raises(ccxt.ExchangeError, match=code):
                await client.fetch_balance()
            for name, value in kept.items():
                setattr(client, name, value)

        await refused_with("50111", apiKey="other")
        await refused_with("50105", password="other")
        await refused_with("50113", secret="other")
        skewed = Fault(kind=FaultKind.CLOCK_SKEW, offset_ms=40_000)  # F30
        server.simulator.faults.add(skewed, server.now_ms())
        with pytest.raises(ccxt.InvalidNonce, match="50102"):
            await client.fetch_balance()

    with_client(work, server)
