"""The WebSocket over a real server: order, resumption, two hundred clients, a slow one."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.builders.api_desk import copied, traded_desk
from tests.builders.loopback import free_port
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from algotrader.api.access import Role
from algotrader.api.app import build_app, serving_of
from algotrader.api.hub import Hub, Listener, Told
from algotrader.api.impatient import ImpatientProtocol
from algotrader.api.realtime import SLOW
from algotrader.api.serve import Server
from algotrader.api.serving import Serving
from algotrader.ops.config import load

CLIENTS, MESSAGES = 200, 20


class Impatient(ImpatientProtocol):
    head_s = 0.2


@pytest.fixture(scope="module")
def traded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return traded_desk(tmp_path_factory.mktemp("realtime") / "desk")


@asynccontextmanager
async def served(folder: Path) -> AsyncIterator[tuple[str, dict[str, str], Serving]]:
    """Address of the socket, headers of a viewer, and the parts."""
    import uvicorn

    port = free_port()
    serving = serving_of(load(folder / "algotrader.yaml", environment={}))
    _, token = serving.access.make_token("test", Role.VIEWER, "test", None)
    server = Server(
        uvicorn.Config(
            build_app(serving),
            port=port,
            http=Impatient,
            log_config=None,
            lifespan="on",
            ws="websockets-sansio",
        )
    )
    work = asyncio.ensure_future(server.serve())
    try:
        while not server.started or serving.view.seq == 0:
            await asyncio.sleep(0.01)
        yield f"ws://127.0.0.1:{port}/ws/realtime", {"Authorization": f"Bearer {token}"}, serving
    finally:
        server.should_exit = True
        await work


async def subscribed(socket: ClientConnection, **asked: Any) -> dict[str, Any]:
    await socket.send(json.dumps({"op": "subscribe", **asked}))
    return await told(socket, "subscribed")


async def told(socket: ClientConnection, kind: str) -> dict[str, Any]:
    """The next message of a kind; heartbeats come in between."""
    while True:
        message: dict[str, Any] = json.loads(await socket.recv())
        if message["type"] == kind:
            return message


async def code_of(socket: ClientConnection) -> int | None:
    """With which the other side closes."""
    try:
        while True:
            await socket.recv()
    except ConnectionClosed as closed:
        return None if closed.rcvd is None else closed.rcvd.code


def test_who_comes_back_gets_what_was_missed_once_and_in_order(
    traded: Path, tmp_path: Path
) -> None:
    async def ask() -> tuple[list[dict[str, Any]], int]:
        async with (
            served(copied(traded, tmp_path / "desk")) as (url, headers, serving),
            connect(url, additional_headers=headers) as socket,
        ):
            hello = await subscribed(socket, topics=["order.*"], after=0)
            found: list[dict[str, Any]] = []
            while sum(one["kind"] == "OrderFilled" for one in found) < fills(serving):
                found.append(await told(socket, "event"))
            again = await subscribed(socket, topics=["order.filled"], after=found[-1]["id"] - 1)
            last = await told(socket, "event")
            assert last["id"] == found[-1]["id"]
            assert again["seq"] == hello["seq"] == serving.view.seq
            return found, fills(serving)

    found, count = asyncio.run(ask())

    assert count > 4
    ids = [one["id"] for one in found]
    assert ids == sorted(set(ids))
    assert {one["topic"].partition(".")[0] for one in found} == {"order"}


def test_who_comes_back_to_another_journal_or_waits_for_ours_reads_anew(
    traded: Path, tmp_path: Path
) -> None:
    """While the API starts again nothing was read yet: what the trader did meanwhile is not lost."""

    async def ask() -> tuple[dict[str, Any], dict[str, Any], int]:
        async with (
            served(copied(traded, tmp_path / "desk")) as (url, headers, serving),
            connect(url, additional_headers=headers) as socket,
        ):
            await subscribed(socket, topics=["*"], after=serving.view.seq + 1)
            ahead = await told(socket, "reset")
            await serving.view._begin()
            anew = await told(socket, "reset")
            return ahead, anew, serving.view.seq

    ahead, anew, seq = asyncio.run(ask())

    assert (ahead["why"], ahead["seq"]) == ("the journal is another one", seq)
    assert (anew["why"], anew["seq"]) == ("the journal was read anew", seq)


def test_a_journal_that_cannot_be_followed_is_said_to_be_whatever_went_wrong(
    traded: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else the figures of then would stand as those of now for ever."""

    async def ask() -> str:
        async with served(copied(traded, tmp_path / "desk")) as (_, _, serving):

            async def breaks() -> None:
                raise ValueError("a bug")

            monkeypatch.setattr(serving.view, "_follow", breaks)
            while serving.view.failure is None:
                await asyncio.sleep(0.01)
            return serving.view.failure.code

    assert asyncio.run(asyncio.wait_for(ask(), 10)) == "api.journal"


def fills(serving: Serving) -> int:
    return serving.view.index.count(("OrderFilled",))


def test_f80_two_hundred_clients_hear_all_of_it_in_order(traded: Path, tmp_path: Path) -> None:
    async def ask() -> list[list[str]]:
        async with served(copied(traded, tmp_path / "desk")) as (url, headers, serving):
            sockets = [
                await connect(url, additional_headers=headers, ping_interval=None)
                for _ in range(CLIENTS)
            ]
            for socket in sockets:
                await subscribed(socket, topics=["test.*"])
            assert len(serving.hub) == CLIENTS
            for number in range(MESSAGES):
                serving.hub.say("test.told", {"number": str(number)})
            heard = [
                [(await told(socket, "state"))["data"]["number"] for _ in range(MESSAGES)]
                for socket in sockets
            ]
            await asyncio.gather(*(socket.close() for socket in sockets))
            while len(serving.hub):
                await asyncio.sleep(0.01)
            return heard

    heard = asyncio.run(ask())

    assert heard == [[str(number) for number in range(MESSAGES)]] * CLIENTS


def test_f80_a_client_that_does_not_keep_up_is_told_and_dropped(
    traded: Path, tmp_path: Path
) -> None:
    async def ask() -> tuple[dict[str, Any], int | None]:
        async with (
            served(copied(traded, tmp_path / "desk")) as (url, headers, serving),
            connect(url, additional_headers=headers) as socket,
        ):
            await subscribed(socket, topics=["test.*"])
            for _ in range(3_000):  # at once: nobody gets a turn to send
                serving.hub.say("test.told", {})
            reset = await told(socket, "reset")
            return reset, await code_of(socket)

    reset, code = asyncio.run(ask())

    assert reset["why"] == "too slow"
    assert code == SLOW


@pytest.mark.parametrize(
    "said",
    ['{"op": "shout"}', "no json", '{"op": "subscribe", "topics": 5}',
     '{"op": "subscribe", "more": 1}', json.dumps({"op": "subscribe", "topics": ["x"] * 51})],
    ids=["unknown", "no json", "wrong type", "unknown field", "too many"],
)  # fmt: skip
def test_nonsense_ends_the_connection_with_a_reason(
    traded: Path, tmp_path: Path, said: str
) -> None:
    async def ask() -> int | None:
        async with (
            served(copied(traded, tmp_path / "desk")) as (url, headers, _),
            connect(url, additional_headers=headers) as socket,
        ):
            await socket.send(said)
            return await code_of(socket)

    assert asyncio.run(ask()) == 4400


def test_one_slow_listener_costs_the_others_nothing() -> None:
    hub = Hub(10)
    slow, quick = Listener(["*"], most=3), Listener(["a.*"])
    hub.add(slow)
    hub.add(quick)
    for number in range(5):
        hub.tell(Told("a.b", str(number)))

    assert slow.is_dropped
    assert [one.text for one in asyncio.run(quick.next())] == ["0", "1", "2", "3", "4"]
    assert asyncio.run(slow.next()) == []


@pytest.mark.parametrize(
    "said",
    [b"", b"GET /api/v1/health HT", b"GET /api/v1/health HTTP/1.1\r\nHost: 127.0.0.1\r\nX: "],
    ids=["nothing", "half a line", "half a head"],
)
def test_f80_who_never_ends_a_request_is_cut_off(traded: Path, tmp_path: Path, said: bytes) -> None:
    """F80: slowly sent heads hold no connection."""

    async def ask() -> bytes:
        async with served(copied(traded, tmp_path / "desk")) as (url, _, _serving):
            port = int(url.split(":")[2].partition("/")[0])
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(said)
            found = await asyncio.wait_for(reader.read(), 5)
            writer.close()
            return found

    assert asyncio.run(ask()) == b""
