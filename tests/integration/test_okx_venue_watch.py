"""Rules and clock of a simulated exchange, watched with the real client."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from tests.builders.okx_orders import BTC, SWAP, a_desk
from tests.builders.okx_orders import Desk as Venue

from algotrader.core.events import Event, InstrumentChanged
from algotrader.core.ports import SystemClock
from algotrader.data.adapters.okx.market import OkxMarketFeed
from algotrader.data.adapters.okx.rest import OkxRest
from algotrader.data.adapters.okx.streams import OkxStreams
from algotrader.execution.adapters.okx.account import OkxAccount
from algotrader.execution.adapters.okx.client import OkxClient
from algotrader.execution.adapters.okx.watching import OkxRulesWatch
from algotrader.simulator.okx.faults import FaultKind
from algotrader.simulator.okx.listings import usual_instrument

pytest.importorskip("ccxt", reason="not run: ccxt is not installed")


def at_a_venue(work: Callable[[Venue, OkxClient, list[Event]], Awaitable[None]]) -> None:
    async def run() -> None:
        async with a_desk(listens=False) as desk:
            client = desk.broker._client
            await work(desk, client, [])

    asyncio.run(run())


def changes(told: list[Event]) -> list[tuple[str, ...]]:
    return [one.changes for one in told if isinstance(one, InstrumentChanged)]


def test_f31_f32_the_rules_of_a_venue_are_watched_as_it_tells_them() -> None:
    async def work(desk: Venue, client: OkxClient, told: list[Event]) -> None:
        known = [usual_instrument(BTC), usual_instrument(SWAP)]
        watch = OkxRulesWatch(OkxAccount(client), known, SystemClock(), told.append)
        await watch.look()
        assert told == []  # what the simulator lists is what we know

        desk.fault(FaultKind.PRECISION, instrument="BTC-USDT", rules={"tick": "0.5"})
        await desk.move(1_000)
        await watch.look()
        desk.fault(FaultKind.SUSPEND, instrument="BTC-USDT-SWAP")
        await desk.move(1_000)
        await watch.look()
        desk.fault(FaultKind.RESUME, instrument="BTC-USDT-SWAP")
        await desk.move(1_000)
        await watch.look()
        assert changes(told) == [("tick",), ("frozen",), ("frozen",)]
        frozen = [one.frozen for one in told if isinstance(one, InstrumentChanged)]
        assert frozen == [None, "the venue has it in state suspend", None]

    at_a_venue(work)


def test_a_quote_that_no_stream_tells_is_asked_for() -> None:
    async def work(desk: Venue, client: OkxClient, told: list[Event]) -> None:
        rest = OkxRest(None, client.address)
        feed = OkxMarketFeed(rest, OkxStreams(None, client.address), SystemClock())
        quote = await feed.ask_quote(BTC)
        await rest.close()
        market = desk.server.simulator.api.desk.market("BTC-USDT")
        assert quote is not None
        assert (quote.bid, quote.ask) == (market.bid, market.ask)
        assert told == []

    at_a_venue(work)
