"""The one module that opens a port: aiohttp in front of a `Simulator`.

REST under `/api/v5/`, sockets under `/ws/v5/public|private|business`.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

from aiohttp import WSMsgType, web

from algotrader.core.errors import UsageError
from algotrader.core.instants import utc_ms
from algotrader.core.ports import Clock
from algotrader.simulator.okx.simulator import STEP_MS, Simulator
from algotrader.simulator.okx.sockets import Session
from algotrader.simulator.okx.wire import Reply, Request

LOOPBACK = ("127.0.0.1", "::1", "localhost")
SILENCE_S = 30.0  # a socket that says nothing for so long is closed


class Server:
    """Serves one simulator. Start and stop it with `serving`."""

    def __init__(self, simulator: Simulator, clock: Clock) -> None:
        self.simulator = simulator
        self.clock = clock
        self.port = 0
        self._sockets: dict[int, web.WebSocketResponse] = {}

    def application(self) -> web.Application:
        made = web.Application()
        made.router.add_route("*", "/api/v5/{name:.*}", self._rest)
        made.router.add_get("/ws/v5/{kind:public|private|business}", self._socket)
        return made

    def now_ms(self) -> int:
        return utc_ms(self.clock.now())

    async def run(self) -> None:
        """Step the venue and push, until cancelled."""
        while True:
            self.simulator.advance(self.now_ms())
            await self.push()
            await asyncio.sleep(STEP_MS / 1000)

    async def push(self) -> None:
        """Send what happened to whoever subscribed to it."""
        for session, texts in self.simulator.pushes():
            await self._send(session, texts)

    async def _send(self, session: Session, texts: list[str]) -> None:
        socket = self._sockets.get(session.number)
        if socket is None:
            return
        with contextlib.suppress(ConnectionError):  # gone: its own task takes it off the list
            for text in texts:
                await socket.send_str(text)

    async def _rest(self, request: web.Request) -> web.StreamResponse:
        body = (await request.read()).decode("utf-8", errors="replace")
        reply = self.simulator.request(Request(
            method=request.method, path=request.rel_url.raw_path,
            query=request.rel_url.raw_query_string, body=body, headers=dict(request.headers),
            at_ms=self.now_ms(),
        ))  # fmt: skip
        await self.push()
        return _response(reply)

    async def _socket(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        session = self.simulator.connect(request.match_info["kind"])
        self._sockets[session.number] = socket
        try:
            await self._converse(session, socket)
        finally:
            self.simulator.disconnect(session)
            self._sockets.pop(session.number, None)
        return socket

    async def _converse(self, session: Session, socket: web.WebSocketResponse) -> None:
        while not session.is_closed:
            message = await socket.receive(timeout=SILENCE_S)
            if message.type is not WSMsgType.TEXT:
                return
            self.simulator.advance(self.now_ms())
            await self.push()
            await self._send(session, session.receive(message.data, self.now_ms()))
        await socket.close()


def _response(reply: Reply) -> web.Response:
    return web.Response(text=reply.body, status=reply.status, content_type=reply.content_type)


@contextlib.asynccontextmanager
async def serving(
    server: Server, host: str, port: int, *, remote: bool = False
) -> AsyncIterator[int]:
    """The server on a port (0: any free one), which is given. UsageError off the loopback."""
    if host not in LOOPBACK and not remote:
        raise UsageError(
            "simulator.not_loopback", f"the simulated exchange does not listen on {host}",
            hint="use 127.0.0.1, or say --allow-remote if others shall reach it",
        )  # fmt: skip
    runner = web.AppRunner(server.application(), access_log=None)
    await runner.setup()
    try:
        site = web.TCPSite(runner, host, port)
        await site.start()
        server.port = runner.addresses[0][1]
        ticking = asyncio.create_task(server.run())
        try:
            yield server.port
        finally:
            ticking.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await ticking
    finally:
        await runner.cleanup()
