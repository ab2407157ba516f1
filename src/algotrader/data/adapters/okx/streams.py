"""Streams of OKX by ccxt.pro's sockets: its connecting, login and pings, but not its caches.

ccxt merges quick updates of one order and gives what nobody waited for only with the next push.
So pushes are taken as they arrive, before ccxt keeps them. A stream never ends by itself: it says
when it is open, what was pushed, and when it was lost, and connects again after a wait. What was
missed between `Lost` and the next `Opened` has to be asked for by REST.
"""

from __future__ import annotations

import asyncio
import logging
import random
import ssl
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final

from algotrader.data.adapters.okx.rest import (
    OkxAddress,
    OkxKeys,
    client_settings,
    missing_extra,
)

log = logging.getLogger(__name__)

HEARTBEAT_S: Final = 8.0
"""Between pings. A socket that answers none for two of them is lost: found within 32 s (F19)."""
LONGEST_WAIT_S: Final = 30.0
_FIRST_WAIT_S: Final = 0.5  # at most two connects a second, of the venue's three
_OPENING_S: Final = 10.0
_QUEUE: Final = 10_000  # pushes waiting to be read; more means that the reader is stuck
_ARGS_A_CALL: Final = 50
_ASKED_ALONE: Final = 200  # channels, of the 480 requests that a connection has in an hour
_NO_SUCH_CHANNEL: Final = "60018"
_TOO_MANY_CONNECTIONS: Final = "channel-conn-count-error"

Arg = Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """Connected, and every subscription is confirmed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lost:
    """Nothing is heard from now on. `code` is the venue's, where it refused."""

    reason: str
    code: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pushed:
    """Rows of one channel, as they came."""

    channel: str
    inst_id: str
    rows: tuple[Any, ...]
    action: str = ""  # of books: snapshot, update


Heard = Opened | Lost | Pushed


def wait_s(attempt: int, draw: float) -> float:
    """Seconds before connecting again: doubling from half a second, up to 30, with jitter (F21).

    `attempt` counts failures in a row from 0, `draw` is uniform in [0, 1).
    """
    longest = min(_FIRST_WAIT_S * 2.0 ** min(attempt, 10), LONGEST_WAIT_S)
    return max(longest * (0.5 + draw / 2), _FIRST_WAIT_S)


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamSettings:
    """How streams are kept. The defaults are the venue's limits."""

    heartbeat_s: float = HEARTBEAT_S
    wait_s: Callable[[int, float], float] = wait_s
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    draw: Callable[[], float] = field(default=random.random)
    opened_again: Callable[[str], None] = lambda _: None  # told which, after it was lost


class OkxStreams:
    """Makes streams. With keys the private and business ones are logged in."""

    def __init__(
        self,
        keys: OkxKeys | None,
        address: OkxAddress,
        settings: StreamSettings | None = None,
    ) -> None:
        self._keys = keys
        self._address = address
        self._settings = settings or StreamSettings()
        _ccxt_pro()  # seconds of loading: now, not in the middle of trading
        self._trusted = _trusted()
        self.offset_ms = 0  # the venue's clock less ours; logins are stamped with it

    async def follow(self, access: str, args: Sequence[Arg]) -> AsyncGenerator[Heard, None]:
        """One connection to `public`, `private` or `business`, kept up until left."""
        failures, was_lost = 0, False
        now_s = asyncio.get_running_loop().time
        while True:
            opened_s: float | None = None
            client = _client(
                self._keys, self._address, self._settings.heartbeat_s, self.offset_ms, self._trusted
            )
            socket = _Socket(client, has_keys=self._keys is not None)
            try:
                await socket.open(access, args)
                opened_s = now_s()
                if was_lost:
                    self._settings.opened_again(access)
                yield Opened()
                async for pushed in socket.pushes():
                    yield pushed
            except StreamLostError as error:
                was_lost = True
                if opened_s is not None and now_s() - opened_s >= LONGEST_WAIT_S:
                    failures = 0  # one that is lost as soon as it is open is not tried at once
                yield Lost(reason=str(error), code=error.code)
            finally:
                await socket.close()
            await self.pause(failures)
            failures += 1

    async def pause(self, failures: int) -> None:
        """The wait before connecting again, after so many failures in a row."""
        await self._settings.sleep(self._settings.wait_s(failures, self._settings.draw()))


class StreamLostError(Exception):
    """A connection could not be made, or ended."""

    def __init__(self, reason: str, code: str = "") -> None:
        super().__init__(reason)
        self.code = code


class _Socket:
    """One connection, from its opening to its end."""

    def __init__(self, client: Any, *, has_keys: bool) -> None:
        self._queue: asyncio.Queue[Pushed] = asyncio.Queue(_QUEUE)
        self._confirmed = 0
        self._absent = 0  # channels that the venue has not
        self._absence: StreamLostError | None = None  # what it said of the last one of them
        self._refused: StreamLostError | None = None
        self._wanted = 0
        self._ready = asyncio.Event()
        self._lost: asyncio.Future[Any] | None = None
        self._has_keys = has_keys
        self._client = client
        client.hear = self._hear

    async def open(self, access: str, args: Sequence[Arg]) -> None:
        """StreamLostError if it is not open, logged in and subscribed within ten seconds."""
        self._wanted = len(args)
        try:
            async with asyncio.timeout(_OPENING_S):
                await self._connect(access, args)
        except TimeoutError as error:
            said = self._refused or self._absence
            raise said or StreamLostError(f"{access}: not open in time") from error
        except self._client.network_errors as error:
            raise self._refused or StreamLostError(f"{access}: {_short(error)}") from error

    async def _connect(self, access: str, args: Sequence[Arg]) -> None:
        client = self._client
        client.open()
        url = client.get_url("", access)
        link = client.client(url)
        self._lost = link.future("lost")
        await self._either(link.connect(client.session))
        if self._has_keys and access != "public":
            await self._either(client.authenticate({"access": access}))
        alone = not self._has_keys and len(args) <= _ASKED_ALONE
        step = 1 if alone else _ARGS_A_CALL  # alone, one that is refused takes no other with it
        for first in range(0, len(args), step):
            some = [dict(arg) for arg in args[first : first + step]]
            await link.send({"op": "subscribe", "args": some})
        await self._either(self._ready.wait())

    async def _either(self, wanted: Awaitable[Any]) -> None:
        """Wait for one thing, or for the end of the connection."""
        assert self._lost is not None
        task = asyncio.ensure_future(wanted)
        await asyncio.wait({task, self._lost}, return_when=asyncio.FIRST_COMPLETED)
        if self._lost.done():
            task.cancel()
            raise self._end()
        await task

    async def pushes(self) -> AsyncIterator[Pushed]:
        """What arrives, until the connection is lost: then StreamLostError."""
        assert self._lost is not None
        while True:
            reading = asyncio.ensure_future(self._queue.get())
            try:
                await asyncio.wait({reading, self._lost}, return_when=asyncio.FIRST_COMPLETED)
                if not reading.done():
                    raise self._end()
                yield reading.result()
            finally:
                reading.cancel()

    def _end(self) -> StreamLostError:
        """Why the connection ended."""
        assert self._lost is not None
        error = None if self._lost.cancelled() else self._lost.exception()
        return self._refused or StreamLostError(_short(error))

    def _hear(self, message: Any) -> bool:
        """A message of the venue, before ccxt sees it; whether ccxt has to see it as well."""
        if not isinstance(message, dict):
            return True  # an answer to a ping
        event = message.get("event")
        if event == "subscribe":
            self._confirmed += 1
            self._count()
        elif event == "error":
            code = str(message.get("code", ""))
            refused = StreamLostError(f"{code} {message.get('msg', '')}", code)
            if code == _NO_SUCH_CHANNEL and not self._has_keys:
                # An instrument that is gone ends nobody else's bars (F32), as ccxt would have it;
                # of one's own account every channel has to be there.
                log.warning("a stream without one of its channels: %s", message.get("msg", ""))
                self._absence = refused
                self._absent += 1
                self._count()
                return False
            self._refused = refused
        elif event == _TOO_MANY_CONNECTIONS:
            # It comes after the subscription was confirmed: the socket lives on and says nothing.
            self._lose(f"too many connections to the channel {message.get('channel', '')}: "
                       f"{message.get('connCount', '')}")  # fmt: skip
        elif isinstance(message.get("data"), list) and isinstance(message.get("arg"), dict):
            self._push(message)
        return event is not None

    def _lose(self, reason: str) -> None:
        """End the connection ourselves."""
        self._refused = StreamLostError(reason)
        if self._lost is not None and not self._lost.done():
            self._lost.set_exception(self._refused)

    def _count(self) -> None:
        if self._confirmed and self._confirmed + self._absent >= self._wanted:
            self._ready.set()

    def _push(self, message: Mapping[str, Any]) -> None:
        arg = message["arg"]
        pushed = Pushed(
            channel=str(arg.get("channel", "")),
            inst_id=str(arg.get("instId", "")),
            rows=tuple(message["data"]),
            action=str(message.get("action", "")),
        )
        try:
            self._queue.put_nowait(pushed)
        except asyncio.QueueFull:
            self._lose(f"{_QUEUE} pushes were waiting to be read")

    async def close(self) -> None:
        await self._client.close()
        if self._lost is not None:
            # ccxt ends what waits for a connection with an exception; ours has been told.
            if self._lost.done() and not self._lost.cancelled():
                self._lost.exception()
            self._lost.cancel()


def _client(
    keys: OkxKeys | None,
    address: OkxAddress,
    heartbeat_s: float,
    offset_ms: int,
    trusted: ssl.SSLContext,
) -> Any:
    """ccxt's client for one connection; `hear` of it is to be set."""
    pro = _ccxt_pro()

    class Client(pro.okx):  # type: ignore[misc, name-defined]
        """ccxt's sockets, with pushes handed on as they come."""

        network_errors = (pro.BaseError, OSError, ValueError)
        hear: Callable[[Any], bool]

        def handle_message(self, client: Any, message: Any) -> None:
            if self.hear(message):
                super().handle_message(client, message)

        def seconds(self) -> int:  # what a login is stamped with
            return int(super().milliseconds() + offset_ms) // 1000

    client = Client(client_settings(keys))
    client.streaming = {**client.streaming, "keepAlive": int(heartbeat_s * 1000)}
    client.ssl_context = trusted
    address.point(client)
    return client


@cache
def _trusted() -> ssl.SSLContext:
    """The certificates that ccxt trusts. Reading them takes as long as some orders: once is enough."""
    import certifi  # comes with ccxt

    return ssl.create_default_context(cafile=certifi.where())


def _ccxt_pro() -> Any:
    try:
        import ccxt.pro
    except ImportError as error:
        raise missing_extra() from error
    return ccxt.pro


def _short(error: BaseException | None) -> str:
    return f"{type(error).__name__}: {error}".replace("\n", " ")[:200]
