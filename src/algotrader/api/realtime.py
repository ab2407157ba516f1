"""`/ws/realtime`: what happens, as it happens, by topic.

The client says `{"op": "subscribe", "topics": ["order.*", "risk.*"], "after": 1234}` and gets
`{"type": "event", "id", "topic", "kind", "at", "data"}` for each row of the journal after that
number, then live; without `after`, live alone. Every two seconds comes a heartbeat with the number
of the newest row and how the trader is. A client that is too slow, or that asks for more of the past
than is kept ready, is told `{"type": "reset"}` and reads the lists anew; so is everyone when the journal is read anew.
A session or token that ends, ends its sockets with the next heartbeat.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from typing import Final

import msgspec
from fastapi import APIRouter, WebSocket
from starlette.websockets import WebSocketDisconnect, WebSocketState

from algotrader.api.access import Caller, Role
from algotrader.api.hub import TO_ALL, Listener, Told, told_of
from algotrader.api.serving import Serving, caller_of, is_live, serving_of
from algotrader.core.events import decode_event
from algotrader.core.instants import utc_ms
from algotrader.data.forming import FormingBar, read_forming
from algotrader.live.journal.records import PREFIX
from algotrader.live.topics import PRIORITIES, is_asked_for
from algotrader.ops.observing.summary import read_summary, state_of

log = logging.getLogger(__name__)
router = APIRouter()

HEARTBEAT_S: Final = 2.0
FORMING_S: Final = 1.0
MOST_PAST: Final = 5_000
"""Rows that are sent again to who was away; more are read from the lists."""
_SEND_S: Final = 10.0  # a send that takes longer ends the connection
_FIRST_S: Final = 10.0
_MOST_TOPICS: Final = 50
SIGNED_OUT, FORBIDDEN, MALFORMED, SLOW, FULL = 4401, 4403, 4400, 4408, 4429


class Subscribe(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a client may say; the newest one counts."""

    op: str
    topics: list[str] = []
    after: int | None = None


_DECODER: Final = msgspec.json.Decoder(Subscribe)


@router.websocket("/ws/realtime")
async def realtime(socket: WebSocket) -> None:
    """Closes with 4401 (signed out), 4400 (malformed), 4408 (too slow), 4429 (too many)."""
    serving = serving_of(socket)
    caller = caller_of(socket)
    await socket.accept()
    if caller is None or not caller.role.may(Role.VIEWER):
        await socket.close(SIGNED_OUT, "nobody is signed in")
        return
    if serving.hub.is_full:
        await socket.close(FULL, "too many connections")
        return
    with suppress(WebSocketDisconnect, TimeoutError, RuntimeError):
        await _Connection(serving, socket, caller).run()
    if socket.client_state is WebSocketState.CONNECTED:
        with suppress(RuntimeError):
            await socket.close(1011)


class _Connection:
    """One client."""

    def __init__(self, serving: Serving, socket: WebSocket, caller: Caller) -> None:
        self._serving, self._socket, self._caller = serving, socket, caller
        self._listener = Listener(())
        self._turn = asyncio.Lock()  # what was missed goes out before what is new

    async def run(self) -> None:
        await self._send(await asyncio.to_thread(heartbeat, self._serving))
        self._serving.hub.add(self._listener)
        parts = [asyncio.ensure_future(one()) for one in (self._read, self._tell)]
        try:
            done, _ = await asyncio.wait(parts, return_when=asyncio.FIRST_COMPLETED)
            for part in done:
                part.result()
        finally:
            self._serving.hub.remove(self._listener)
            for part in parts:
                part.cancel()
            await asyncio.gather(*parts, return_exceptions=True)

    async def _read(self) -> None:
        """Take in what the client asks for, until it leaves."""
        while True:
            try:
                asked = _DECODER.decode(await self._socket.receive_text())
                if asked.op != "subscribe" or len(asked.topics) > _MOST_TOPICS:
                    raise msgspec.ValidationError("say subscribe, with at most 50 topics")
            except (msgspec.DecodeError, KeyError) as error:
                await self._socket.close(MALFORMED, str(error)[:100])
                return
            async with self._turn:
                await self._subscribe(asked)

    async def _subscribe(self, asked: Subscribe) -> None:
        """From here on live; before it what was missed since row `after`."""
        serving = self._serving
        upto = serving.view.seq
        self._listener.topics = tuple(asked.topics)
        topics = sorted(f"{family}.*" for family in PRIORITIES)
        hello = {"type": "subscribed", "topics": asked.topics, "known": topics, "seq": upto}
        await self._send(msgspec.json.encode(hello).decode())
        if asked.after is None or asked.after == upto:
            return
        # A client that is ahead knew another journal, or ours is still being read.
        if not 0 <= upto - asked.after <= MOST_PAST:
            why = "too much was missed" if upto > asked.after else "the journal is another one"
            await self._send(reset_at(upto, why))
            return
        for message in self._past(asked.after, upto, asked.topics):
            await self._send(message.text)

    def _past(self, after: int, upto: int, topics: list[str]) -> list[Told]:
        rows = self._serving.view.picked(list(range(after + 1, upto + 1)))
        told = [told_of(row, decode_event(row.body)) for row in rows if _is_event(row.kind)]
        return [one for one in told if any(is_asked_for(one.topic, each) for each in topics)]

    async def _tell(self) -> None:
        while True:
            told = await self._listener.next()
            async with self._turn:
                for message in told:
                    await self._send(message.text)
                if self._listener.is_dropped:
                    await self._send(reset_at(self._serving.view.seq, "too slow"))
                    await self._socket.close(SLOW, "too slow: read the lists anew")
                    return
            if any(message.topic == TO_ALL for message in told) and not self._may_listen():
                await self._socket.close(SIGNED_OUT, "nobody is signed in any more")
                return

    def _may_listen(self) -> bool:
        """Whether session or token still hold: looked at with each heartbeat."""
        role = self._serving.access.still(self._caller)
        return role is not None and role.may(Role.VIEWER)

    async def _send(self, text: str) -> None:
        async with asyncio.timeout(_SEND_S):
            await self._socket.send_text(text)


async def keep_beating(serving: Serving) -> None:
    """For ever: tell everyone how things stand, told once for all."""
    while True:
        await asyncio.sleep(HEARTBEAT_S)
        if len(serving.hub):
            serving.hub.tell(Told(TO_ALL, await asyncio.to_thread(heartbeat, serving)))


async def keep_forming(serving: Serving) -> None:
    """For ever: tell who looks how the bars stand that are still open."""
    configuration = serving.configuration
    folder = configuration.path(configuration.settings.workspace.live)
    told: dict[tuple[str, str], FormingBar] = {}
    while True:
        await asyncio.sleep(FORMING_S)
        if not len(serving.hub) or not is_live(configuration):
            continue
        for bar in await asyncio.to_thread(read_forming, folder):
            if told.get((bar.symbol, bar.timeframe)) != bar:
                told[bar.symbol, bar.timeframe] = bar
                serving.hub.say("market.forming", msgspec.to_builtins(bar))


def heartbeat(serving: Serving) -> str:
    """How things stand now."""
    configuration = serving.configuration
    summary = read_summary(configuration.path(configuration.settings.workspace.logs))
    trader = None
    if summary is not None:
        trader = {
            "state": state_of(summary), "written": summary.written_ms,
            "reasons": list(summary.reasons), "last_decision": summary.last_decision_ms,
        }  # fmt: skip
    beat = {
        "type": "heartbeat", "at": utc_ms(serving.clock.now()), "seq": serving.view.seq,
        "trader": trader,
    }  # fmt: skip
    return msgspec.json.encode(beat).decode()


def reset_at(seq: int, why: str) -> str:
    """Tells a client that events were missed: it reads its lists anew."""
    return msgspec.json.encode({"type": "reset", "seq": seq, "why": why}).decode()


def _is_event(kind: str) -> bool:
    return not kind.startswith(PREFIX)
