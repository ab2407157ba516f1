"""The one module that opens a port: aiohttp in front of a `Simulator`.

REST under `/api/v5/`, sockets under `/ws/v5/public|private|business`, and `/_control` for whoever
has the token printed at the start.
"""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import json
from collections.abc import AsyncIterator
from dataclasses import replace

from aiohttp import WSMsgType, web

from algotrader.core.errors import ConfigurationError, UsageError
from algotrader.core.instants import utc_ms
from algotrader.core.loopback import LOOPBACK
from algotrader.core.ports import Clock
from algotrader.simulator.okx.control import control
from algotrader.simulator.okx.limits import RateLimits
from algotrader.simulator.okx.refusals import Refusal
from algotrader.simulator.okx.simulator import STEP_MS, Simulator
from algotrader.simulator.okx.sockets import Session
from algotrader.simulator.okx.wire import Reply, Request

SILENCE_S = 30.0  # a socket that says nothing for so long is closed
CONNECTS_A_SECOND = 3
SEND_S = 2.0  # a socket that takes nothing for so long is closed, so that it holds nobody up


class Server:
    """Serves one simulator. Start and stop it with `serving`."""

    def __init__(self, simulator: Simulator, clock: Clock, token: str = "") -> None:
        """Without a token there is no `/_control`."""
        self.simulator = simulator
        self.clock = clock
        self.token = token
        self.running: asyncio.Task[None] | None = None  # while it is served; ends only by an error
        self._sockets: dict[int, web.WebSocketResponse] = {}
        self._order = asyncio.Lock()  # texts leave in the order in which they were made
        self._connects = RateLimits(enabled=simulator.api.limits.enabled)

    def application(self) -> web.Application:
        made = web.Application()
        made.router.add_route("*", "/api/v5/{name:.*}", self._rest)
        made.router.add_get("/ws/v5/{kind:public|private|business}", self._socket)
        if self.token:
            made.router.add_post("/_control", self._control)
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
        async with self._order:
            for session, text in self.simulator.pushes(self.now_ms()):
                await self._send(session, [text])
        for session in list(self.simulator.sessions):
            if session.is_closed and session.number in self._sockets:
                await self._sockets[session.number].close()

    async def _send(self, session: Session, texts: list[str]) -> None:
        socket = self._sockets.get(session.number)
        if socket is None:
            return
        try:
            async with asyncio.timeout(SEND_S):
                for text in texts:
                    await socket.send_str(text)
        except (ConnectionError, TimeoutError):
            session.is_closed = True

    async def _rest(self, request: web.Request) -> web.StreamResponse:
        body = (await request.read()).decode("utf-8", errors="replace")
        asked = Request(
            method=request.method, path=request.rel_url.raw_path,
            query=request.rel_url.raw_query_string, body=body, headers=dict(request.headers),
            at_ms=self.now_ms(),
        )  # fmt: skip
        treatment = self.simulator.treat(asked)
        if treatment.wait_before_s:
            await asyncio.sleep(treatment.wait_before_s)
            asked = replace(asked, at_ms=self.now_ms())
        reply = self.simulator.serve(asked, treatment)
        await self.push()
        await asyncio.sleep(treatment.wait_after_s)
        if reply is None:
            return _broken(request)
        return _response(reply)

    async def _socket(self, request: web.Request) -> web.StreamResponse:
        kind, now = request.match_info["kind"], self.now_ms()
        try:
            self._connects.take("connect", now, CONNECTS_A_SECOND, 1000)
        except Refusal as refusal:
            return web.Response(status=429, text=refusal.text)
        if not self.simulator.may_connect(kind, now):
            return web.Response(status=503)
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        session = self.simulator.connect(kind)
        self._sockets[session.number] = socket
        try:
            await self._converse(session, socket)
        finally:
            self.simulator.disconnect(session)
            self._sockets.pop(session.number, None)
        return socket

    async def _converse(self, session: Session, socket: web.WebSocketResponse) -> None:
        while not session.is_closed:
            try:
                message = await socket.receive(timeout=SILENCE_S)
            except TimeoutError:
                break
            if message.type is not WSMsgType.TEXT:
                break
            async with self._order:
                answers = self.simulator.receive(session, message.data, self.now_ms())
                await self._send(session, answers)
            await self.push()
        await socket.close()

    async def _control(self, request: web.Request) -> web.Response:
        """Faults, time and state by hand. Wrong token: 403, and nothing is done."""
        given = request.headers.get("X-Control-Token", "")
        if not hmac.compare_digest(given.encode(), self.token.encode()):
            return web.json_response({"error": "wrong token"}, status=403)
        try:
            done = control(self.simulator, json.loads(await request.text()), self.now_ms())
        except (ConfigurationError, UsageError, json.JSONDecodeError) as error:
            return web.json_response({"error": str(error)}, status=400)
        await self.push()
        return web.json_response(done)


def _broken(request: web.Request) -> web.Response:
    """Break the connection without an answer."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response()


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
        server.running = asyncio.create_task(server.run())
        try:
            yield runner.addresses[0][1]
        finally:
            server.running.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await server.running
    finally:
        await runner.cleanup()
