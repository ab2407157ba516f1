"""What the real clients see when the simulated exchange misbehaves."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Any

import pytest
from tests.builders.okx_venue import client_settings, simulator, with_client

from algotrader.core.ports import SystemClock
from algotrader.simulator.okx.faults import Fault, FaultKind
from algotrader.simulator.okx.server import Server

ccxt = pytest.importorskip("ccxt", reason="not run: ccxt is not installed")
PLACE = "POST trade/batch-orders"
Work = Callable[[Any, Server], Awaitable[None]]


def spoiled(work: Work, *faults: Fault, **changes: Any) -> Server:
    """Connect first, then put the faults in force, then work."""
    server = Server(simulator(SystemClock(), speed=0.0), SystemClock())

    async def run(client: Any, served: Server) -> None:
        for fault in faults:
            served.simulator.faults.add(fault, served.now_ms())
        await work(client, served)

    with_client(run, server, **changes)
    return server


async def buy(client: Any, name: str = "at0001") -> Any:
    return await client.create_order(
        "BTC/USDT", "market", "buy", 0.01, None, {"clientOrderId": name}
    )


def orders_of(server: Server) -> list[str]:
    return [o.asked.client_id for o in server.simulator.api.desk.venue.records.orders.values()]


def test_f12_an_answer_lost_after_acting_leaves_one_order_to_be_found() -> None:
    async def work(client: Any, _: Server) -> None:
        with pytest.raises(ccxt.NetworkError):
            await buy(client)
        found = await client.fetch_order(None, "BTC/USDT", {"clOrdId": "at0001"})
        assert found["status"] == "closed"

    server = spoiled(work, Fault(kind=FaultKind.DROP_AFTER, where=PLACE, times=1))
    assert orders_of(server) == ["at0001"]


def test_f14_a_lost_request_leaves_no_order() -> None:
    async def work(client: Any, _: Server) -> None:
        with pytest.raises(ccxt.NetworkError):
            await buy(client)
        with pytest.raises(ccxt.OrderNotFound, match="51603"):
            await client.fetch_order(None, "BTC/USDT", {"clOrdId": "at0001"})

    assert orders_of(spoiled(work, Fault(kind=FaultKind.DROP_BEFORE, where=PLACE, times=1))) == []


def test_f13_an_answer_later_than_the_time_out_leaves_one_order() -> None:
    async def work(client: Any, _: Server) -> None:
        client.timeout = 200
        with pytest.raises(ccxt.RequestTimeout):
            await buy(client)
        client.timeout = 20_000
        assert (await client.fetch_order(None, "BTC/USDT", {"clOrdId": "at0001"}))["id"]

    late = Fault(kind=FaultKind.DELAY_AFTER, where=PLACE, delay_s=(1.0, 1.0), times=1)
    assert orders_of(spoiled(work, late)) == ["at0001"]


@pytest.mark.parametrize(
    ("fault", "raised", "code"),
    [
        (Fault(kind=FaultKind.RATE_LIMIT, where=PLACE), ccxt.RateLimitExceeded, "50011"),
        (Fault(kind=FaultKind.ORDER_RATE_LIMIT, where=PLACE), ccxt.ExchangeError, "50061"),
        (Fault(kind=FaultKind.MAINTENANCE, where=PLACE), ccxt.OnMaintenance, "50001"),
        (Fault(kind=FaultKind.REFUSE, where=PLACE, code="51008"), ccxt.InsufficientFunds, "51008"),
        (Fault(kind=FaultKind.REFUSE, where=PLACE, code="51016"), ccxt.InvalidOrder, "51016"),
        (
            Fault(kind=FaultKind.REFUSE, where=PLACE, code="50026"),
            ccxt.ExchangeNotAvailable,
            "50026",
        ),
    ],
)
def test_f24_f26_f29_f34_a_refusal_has_its_class_and_does_nothing(
    fault: Fault, raised: type[Exception], code: str
) -> None:
    async def work(client: Any, _: Server) -> None:
        with pytest.raises(raised, match=code):
            await buy(client)

    assert orders_of(spoiled(work, fault)) == []


@pytest.mark.parametrize("kind", [FaultKind.HTML, FaultKind.NULL_DATA, FaultKind.EMPTY_BODY])
def test_f37_an_answer_without_content_raises_nothing_and_has_no_id(kind: FaultKind) -> None:
    async def work(client: Any, _: Server) -> None:
        assert (await buy(client))["id"] is None

    assert orders_of(spoiled(work, Fault(kind=kind, where=PLACE, times=1))) == ["at0001"]


def test_f29_maintenance_is_announced_while_it_lasts() -> None:
    async def work(client: Any, served: Server) -> None:
        assert (await client.fetch_status())["status"] == "maintenance"
        served.simulator.faults.clear()
        with pytest.raises(ccxt.RateLimitExceeded):  # once in five seconds
            await client.fetch_status()

    spoiled(work, Fault(kind=FaultKind.MAINTENANCE, where=PLACE))


def test_f38_a_position_report_may_lack_the_position() -> None:
    async def work(client: Any, _: Server) -> None:
        await client.create_order("BTC/USDT:USDT", "market", "buy", 1)
        assert await client.fetch_positions() == []
        assert (await client.fetch_positions())[0]["contracts"] == 1

    spoiled(work, Fault(kind=FaultKind.EMPTY_LIST, where="GET account/positions", times=1))


def test_f21_connections_are_refused_while_the_fault_is_on() -> None:
    async def work(client: Any, _: Server) -> None:
        with pytest.raises(ccxt.NetworkError):
            await client.watch_ticker("BTC/USDT")

    spoiled(work, Fault(kind=FaultKind.REFUSE_CONNECT, where="connect public"))


def test_a_closed_socket_is_noticed_by_the_client() -> None:
    async def work(client: Any, served: Server) -> None:
        await client.watch_ticker("BTC/USDT")
        served.simulator.faults.add(
            Fault(kind=FaultKind.CLOSE_SOCKET, where="connect public"), served.now_ms()
        )

        async def watch_on() -> None:
            while True:
                await client.watch_ticker("BTC/USDT")

        with pytest.raises(ccxt.NetworkError):
            await watch_on()

    spoiled(work)


def test_f31_the_client_sees_new_steps_and_f32_a_suspension() -> None:
    async def work(client: Any, served: Server) -> None:
        await client.load_markets(True)
        assert client.market("BTC/USDT")["precision"]["amount"] == 0.01
        client.markets["BTC/USDT"]["precision"]["amount"] = 1e-8
        with pytest.raises(ccxt.InvalidOrder, match="51121"):
            await client.create_order("BTC/USDT", "market", "buy", 0.015)
        served.simulator.faults.add(
            Fault(kind=FaultKind.SUSPEND, instrument="BTC-USDT"), served.now_ms()
        )
        with pytest.raises(ccxt.ContractUnavailable, match="51022"):
            await client.create_order("BTC/USDT", "market", "buy", 0.02)

    spoiled(work, Fault(kind=FaultKind.PRECISION, instrument="BTC-USDT", rules={"lot": "0.01"}))


def test_the_control_endpoint_needs_its_token_and_obeys_it() -> None:
    server = Server(simulator(SystemClock(), speed=0.0), SystemClock(), token="let-me-in")

    async def work(client: Any, _: Server) -> None:
        import aiohttp

        base = client.urls["api"]["rest"]
        async with aiohttp.ClientSession() as http:

            async def control(token: str, **asked: Any) -> tuple[int, Any]:
                headers = {"X-Control-Token": token}
                async with http.post(f"{base}/_control", json=asked, headers=headers) as reply:
                    return reply.status, await reply.json()

            assert (await control("guess", action="clear"))[0] == 403
            assert (await control("let-me-in", action="dance"))[0] == 400
            status, told = await control("let-me-in", action="fault", fault={"kind": "nonsense"})
            assert (status, "nonsense" in told["error"]) == (400, True)
            fault = {"kind": "drop_before", "where": PLACE, "times": 1}
            assert (await control("let-me-in", action="fault", fault=fault))[0] == 200
            with pytest.raises(ccxt.NetworkError):
                await buy(client)
            code, before = await control("let-me-in", action="status")
            code, after = await control("let-me-in", action="advance", ms=60_000)
            assert code == 200
            assert after["venue_ms"] - before["venue_ms"] == 60_000
            assert before["cash"]["USDT"] == "1000000"

    with_client(work, server)


def test_without_a_token_there_is_no_control_endpoint() -> None:
    async def work(client: Any, _: Server) -> None:
        import aiohttp

        address = client.urls["api"]["rest"] + "/_control"
        async with aiohttp.ClientSession() as http, http.post(address, json={}) as reply:
            assert reply.status == 404

    with_client(work)


def test_the_sandbox_mode_of_the_client_works_unchanged() -> None:
    async def work(client: Any, _: Server) -> None:
        client.set_sandbox_mode(True)
        assert (await client.fetch_balance())["USDT"]["total"] == 1_000_000
        await client.watch_ticker("BTC/USDT")

    with_client(work)


def test_the_synchronous_client_works_as_well() -> None:
    async def work(client: Any, _: Server) -> None:
        import asyncio

        import ccxt as plain

        port = int(client.urls["api"]["rest"].rsplit(":", 1)[1])
        own = plain.okx(client_settings(port))
        order = await asyncio.to_thread(own.create_order, "BTC/USDT", "limit", "buy", 0.01, 29_000)
        assert (await asyncio.to_thread(own.fetch_order, order["id"], "BTC/USDT"))["status"] == (
            "open"
        )

    with_client(work)


def test_swaps_stops_leverage_and_fees_are_read_by_the_client() -> None:
    async def work(client: Any, _: Server) -> None:
        swap = "BTC/USDT:USDT"
        await client.set_position_mode(False)
        await client.set_leverage(5, swap, {"mgnMode": "cross"})
        assert (await client.fetch_leverage(swap, {"marginMode": "cross"}))["longLeverage"] == 5
        await client.create_order(swap, "market", "buy", 10)
        position = (await client.fetch_positions())[0]
        assert (position["contracts"], position["side"], position["leverage"]) == (10, "long", 5)
        stop = await client.create_order(
            swap, "market", "sell", 10, None, {"stopLossPrice": 29_000, "reduceOnly": True}
        )
        waiting = await client.fetch_open_orders(
            swap, None, None, {"trigger": True, "ordType": "conditional"}
        )
        assert [o["id"] for o in waiting] == [stop["id"]]
        await client.edit_order(stop["id"], swap, "conditional", "sell", 10, None, {
            "newSlTriggerPx": "28900", "newSlOrdPx": "-1"})  # fmt: skip
        await client.cancel_order(stop["id"], swap, {"trigger": True})
        trail = await client.create_order(swap, "market", "sell", 10, None, {
            "trailingPercent": "2", "reduceOnly": True})  # fmt: skip
        assert trail["id"]
        fee = await client.fetch_trading_fee("BTC/USDT")
        assert (fee["maker"], fee["taker"]) == (0.0008, 0.001)
        assert (await client.fetch_trading_fee(swap))["taker"] == 0.0005
        tiers = await client.fetch_market_leverage_tiers(swap, {"marginMode": "cross"})
        assert tiers[0]["maintenanceMarginRate"] == 0.004
        closed = await client.cancel_all_orders_after(10_000)
        assert closed["code"] == "0"
        assert (await client.fetch_funding_rate_history(swap, None, 3))[-1]["fundingRate"] == 0.0001
        ledger = await client.fetch_ledger("USDT", None, 10, {"instType": "SWAP"})
        assert ledger[0]["currency"] == "USDT"

    with_client(work)


def test_a_batch_with_one_refused_row_says_so_in_the_row() -> None:
    async def work(client: Any, _: Server) -> None:
        orders = await client.create_orders([
            {"symbol": "BTC/USDT", "type": "limit", "side": "buy", "amount": 0.01, "price": 29_000},
            {"symbol": "BTC/USDT", "type": "limit", "side": "sell", "amount": 999, "price": 31_000},
        ])  # fmt: skip
        assert [o["info"]["sCode"] for o in orders] == ["0", "51008"]
        edited = await client.edit_order(orders[0]["id"], "BTC/USDT", "limit", "buy", 0.02, 28_900)
        assert edited["id"] == orders[0]["id"]
        found = await client.fetch_order(orders[0]["id"], "BTC/USDT")
        assert (found["amount"], found["price"]) == (0.02, 28_900)
        done = await client.cancel_orders([orders[0]["id"]], "BTC/USDT")
        assert done[0]["id"] == orders[0]["id"]
        assert (await client.fetch_canceled_orders("BTC/USDT"))[0]["id"] == orders[0]["id"]

    with_client(work)


def test_money_moves_between_funding_and_trading() -> None:
    async def work(client: Any, served: Server) -> None:
        await client.transfer("USDT", 10, "funding", "trading")
        assert served.simulator.api.desk.venue.wallet.cash["USDT"] == Decimal(1_000_010)

    with_client(work)
