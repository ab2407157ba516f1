"""Streams at a venue that refuses, ends or silences them: what is told, and when it is tried again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from algotrader.data.adapters.okx.rest import OkxAddress
from algotrader.data.adapters.okx.streams import (
    Arg,
    Heard,
    Lost,
    OkxStreams,
    Opened,
    Pushed,
    StreamSettings,
)

pytest.importorskip("ccxt", reason="not run: ccxt is not installed")
Says = dict[str, Any]
BTC: Arg = {"channel": "bbo-tbt", "instId": "BTC-USDT"}
GONE: Arg = {"channel": "bbo-tbt", "instId": "GONE-USDT"}
TOO_MANY = {
    "event": "channel-conn-count-error", "channel": "bbo-tbt", "connCount": "31", "connId": "a4",
}  # fmt: skip


@dataclass
class Pauses:
    """How long was waited before each connect; none is waited for."""

    seconds: list[float] = field(default_factory=list)

    async def sleep(self, seconds: float) -> None:
        self.seconds.append(seconds)
        await asyncio.sleep(0)


def confirmed(arg: Arg) -> Says:
    return {"event": "subscribe", "arg": dict(arg), "connId": "a4"}


def unless_gone(arg: Arg) -> Says:
    if arg != GONE:
        return confirmed(arg)
    text = "Wrong URL or channel:bbo-tbt,instId:GONE-USDT doesn't exist."
    return {"event": "error", "code": "60018", "msg": text, "connId": "a4"}


@asynccontextmanager
async def venue(
    answer: Callable[[Arg], Says], *after: Says, ends: bool = False
) -> AsyncIterator[OkxAddress]:
    """Answers each subscription, says `after` behind the last one, and then ends or is silent."""
    from aiohttp import WSMsgType, web

    async def talk(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        async for message in socket:
            if message.type is not WSMsgType.TEXT or message.data == "ping":
                continue
            for arg in message.json()["args"]:
                await socket.send_json(answer(arg))
                if arg == BTC:
                    for one in after:
                        await socket.send_json(one)
                    if ends:
                        await asyncio.sleep(0.05)  # it was open
                        await socket.close()
        return socket

    app = web.Application()
    app.router.add_get("/ws/v5/public", talk)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        port = runner.addresses[0][1]
        yield OkxAddress(base_url=f"http://127.0.0.1:{port}")
    finally:
        await runner.cleanup()


def heard(
    args: Sequence[Arg], count: int, pauses: Pauses, answer: Callable[[Arg], Says], *after: Says,
    ends: bool = False,
) -> list[Heard]:  # fmt: skip
    """The first words of a stream."""

    async def run() -> list[Heard]:
        told: list[Heard] = []
        settings = replace(StreamSettings(), sleep=pauses.sleep, draw=lambda: 1.0)
        async with venue(answer, *after, ends=ends) as address, asyncio.timeout(20):
            stream = OkxStreams(None, address, settings).follow("public", args)
            async for one in stream:
                told.append(one)
                if len(told) == count:
                    break
            await stream.aclose()
        return told

    return asyncio.run(run())


def test_f32_a_channel_that_is_not_there_takes_no_other_with_it() -> None:
    push = {"arg": dict(BTC), "data": [{"ts": "1"}]}
    told = heard([GONE, BTC], 2, Pauses(), unless_gone, push)

    assert told == [Opened(), Pushed(channel="bbo-tbt", inst_id="BTC-USDT", rows=({"ts": "1"},))]


def test_the_reason_of_a_loss_is_not_that_a_channel_was_absent_when_it_opened() -> None:
    opened, lost = heard([GONE, BTC], 2, Pauses(), unless_gone, ends=True)

    assert isinstance(opened, Opened)
    assert isinstance(lost, Lost)
    assert "60018" not in lost.reason + lost.code


def test_a_channel_that_the_venue_ends_for_too_many_connections_is_lost() -> None:
    opened, lost = heard([BTC], 2, Pauses(), confirmed, TOO_MANY)

    assert isinstance(opened, Opened)
    assert isinstance(lost, Lost)
    assert lost.reason == "too many connections to the channel bbo-tbt: 31"


def test_f21_a_stream_that_is_lost_as_soon_as_it_is_open_is_tried_less_and_less_often() -> None:
    pauses = Pauses()
    heard([BTC], 9, pauses, confirmed, ends=True)

    assert pauses.seconds == [0.5, 1.0, 2.0, 4.0]
