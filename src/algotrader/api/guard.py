"""What every request passes before a route sees it: its host, its size, its pace; and what every
answer carries: headers that keep a browser from being used against the person.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from hashlib import blake2b
from typing import Final
from urllib.parse import urlsplit

import msgspec
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from algotrader.api.refusals import note_refusal
from algotrader.ops.api_settings import ApiSettings

_SLOW_BODY_S: Final = 10.0
_ETAG_BYTES: Final = 4 * 1024 * 1024  # a longer answer is sent as it comes
API: Final = "/api/"
_CSP: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:;"
    " font-src 'self'; connect-src 'self' {sockets}; frame-src 'self'; manifest-src 'self'; base-uri 'none';"
    " form-action 'self'; frame-ancestors 'none'"
)
_REPORT_CSP: Final = (
    "sandbox allow-scripts; default-src 'none'; script-src 'unsafe-inline'; style-src"
    " 'unsafe-inline'; img-src data:; font-src data:; frame-ancestors 'self'"
)
"""Of a report, which is one file with its own scripts: it runs, apart from everything else."""
_HEADERS: Final = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=()",
}
REPORT_HEADERS: Final = {"Content-Security-Policy": _REPORT_CSP, "X-Frame-Options": "SAMEORIGIN"}


class Guard:
    """The outermost layer, over HTTP and WebSockets alike."""

    def __init__(self, app: ASGIApp, settings: ApiSettings) -> None:
        self._app = app
        self._longest = int(settings.body_mb * 1_000_000)
        own = ("localhost", "127.0.0.1", "[::1]", settings.host, *settings.names)
        self._names = frozenset(name.lower() for name in own)
        self._any_name = settings.host in ("0.0.0.0", "::")  # noqa: S104  compared, not bound
        self._is_secure = settings.secure

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        refusal = self._refusal(scope, headers)
        if scope["type"] == "websocket":
            await self._socket(scope, receive, send, refusal)
            return
        answer = _Answer(scope, headers, send, self._security(headers))
        if refusal is not None:
            await answer.refuse(*refusal)
            return
        body = _Body(receive, self._longest)
        try:
            await self._app(scope, body.receive, answer.send)
        except _TooLong:
            await answer.refuse(
                413, "api.too_large", f"a request has at most {self._longest} bytes"
            )
        except _TooSlow:
            await answer.refuse(408, "api.too_slow", "the rest of the request did not come in time")
        except Exception:
            note_refusal(HTTPConnection(scope), 500, "api.bug")
            # Answered here, where the headers are; what is outside of us writes the trace down.
            await answer.refuse(
                500, "api.bug", "a bug in the API",
                hint="the log of the API has its trace: see the page Logs",
            )  # fmt: skip
            raise

    async def _socket(
        self, scope: Scope, receive: Receive, send: Send, refusal: tuple[int, str, str] | None
    ) -> None:
        if refusal is not None:
            await receive()
            await send({"type": "websocket.close", "code": 4403, "reason": refusal[2]})
            return
        await self._app(scope, receive, send)

    def _refusal(self, scope: Scope, headers: Headers) -> tuple[int, str, str] | None:
        """Status, code and sentence for what is not for us, or comes from another page (F74)."""
        host = headers.get("host", "")
        if not self._any_name and _name_of(host) not in self._names:
            # A page elsewhere can have its own name point here: such a name is not ours.
            return 421, "api.host", f"this is not {host or 'a host without a name'}"
        origin = headers.get("origin")
        changes = scope["type"] == "websocket" or scope["method"] not in ("GET", "HEAD", "OPTIONS")
        if changes and origin is not None and not self._is_own(origin, host):
            return 403, "access.origin", "a page of another origin may not ask for this"
        length = headers.get("content-length", "0")
        if not length.isdigit():
            return 400, "api.length", "the length of the request is no number"
        if int(length) > self._longest:
            return 413, "api.too_large", f"a request has at most {self._longest} bytes"
        return None

    def _is_own(self, origin: str, host: str) -> bool:
        parts = urlsplit(origin)
        return parts.scheme in ("http", "https") and parts.netloc.lower() == host.lower()

    def _security(self, headers: Headers) -> dict[str, str]:
        host = headers.get("host", "")
        sockets = f"{'wss' if self._is_secure else 'ws'}://{host}" if host else ""
        held = {**_HEADERS, "Content-Security-Policy": _CSP.format(sockets=sockets)}
        held["X-Frame-Options"] = "DENY"
        if self._is_secure:
            held["Strict-Transport-Security"] = "max-age=31536000"
        return held


class _TooLong(HTTPException):
    """The body is longer than it may be. FastAPI hides what is no HTTPException."""

    def __init__(self) -> None:
        super().__init__(413, "the request is longer than it may be")


class _TooSlow(HTTPException):
    """The body did not come (F80)."""

    def __init__(self) -> None:
        super().__init__(408, "the rest of the request did not come in time")


class _Body:
    """Hands on what comes in, within its bounds."""

    def __init__(self, receive: Receive, longest: int) -> None:
        self._receive, self._left, self._is_whole = receive, longest, False

    async def receive(self) -> Message:
        if self._is_whole:
            return await self._receive()  # only the end of the connection is to come
        try:
            async with asyncio.timeout(_SLOW_BODY_S):
                message = await self._receive()
        except TimeoutError:
            raise _TooSlow from None
        if message["type"] == "http.request":
            self._left -= len(message.get("body", b""))
            self._is_whole = not message.get("more_body", False)
            if self._left < 0:
                raise _TooLong
        return message


class _Answer:
    """Adds the headers, and a tag to what was read: unchanged, it is not sent again."""

    def __init__(
        self, scope: Scope, headers: Headers, send: Send, security: dict[str, str]
    ) -> None:
        self._send, self._security = send, security
        self._is_api = scope["path"].startswith(API)
        is_read = scope["method"] == "GET" and self._is_api
        self._known = headers.get("if-none-match") if is_read else None
        self._tags = is_read
        self._start: Message | None = None
        self._has_begun = False

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in self._security.items():
                headers.setdefault(name, value)
            if self._is_api:
                headers.setdefault("Cache-Control", "no-cache" if self._tags else "no-store")
            if self._tags and message["status"] == 200 and "etag" not in headers:
                self._start = message
                return
            self._has_begun = True
        elif self._start is not None:
            message = await self._begin(self._start, message)
            self._start = None
        await self._send(message)

    async def _begin(self, start: Message, first: Message) -> Message:
        """Send the start with a tag; where the client has the same already, without the rest."""
        self._has_begun = True
        body = first.get("body", b"")
        if first.get("more_body", False) or len(body) > _ETAG_BYTES:
            await self._send(start)
            return first
        tag = f'"{blake2b(body, digest_size=12).hexdigest()}"'
        headers = MutableHeaders(scope=start)
        headers["ETag"] = tag
        if self._known is not None and tag in _tags(self._known):
            start["status"] = 304
            del headers["content-length"]
            await self._send(start)
            return {"type": "http.response.body", "body": b""}
        await self._send(start)
        return first

    async def refuse(
        self, status: int, code: str, message: str, *, hint: str | None = None
    ) -> None:
        if self._has_begun:
            return
        body = msgspec.json.encode({"error": {"code": code, "message": message, "hint": hint}})
        length = str(len(body)).encode()
        fields = [(b"content-type", b"application/json"), (b"content-length", length),
                  (b"connection", b"close"), (b"cache-control", b"no-store")]  # fmt: skip
        fields += [
            (name.lower().encode(), value.encode()) for name, value in self._security.items()
        ]
        await self._send({"type": "http.response.start", "status": status, "headers": fields})
        await self._send({"type": "http.response.body", "body": body})


def _tags(known: str) -> Iterable[str]:
    return [one.strip().removeprefix("W/") for one in known.split(",")]


def _name_of(host: str) -> str:
    """A host without its port."""
    if host.startswith("["):
        return host.partition("]")[0].lower() + "]"
    return host.partition(":")[0].lower()
