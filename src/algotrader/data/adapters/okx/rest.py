"""Calls to OKX by ccxt's client: its signing and transport, but not its judgement.

ccxt raises the same class for an order that was refused and for one whose answer was lost, and
raises nothing for an HTML page with status 200. So the envelope is read here: an answer of OKX is
`Answer`, everything else is `NoAnswerError`, after which nothing is known.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol
from urllib.parse import urlsplit

from algotrader.core.errors import ConfigurationError
from algotrader.data.adapters.okx.limits import LimitGate

log = logging.getLogger(__name__)

_OK: Final = "0"
_TOO_MANY: Final = frozenset({"50011", "50061"})
_TIMEOUT_MS: Final = 5_000


def _streams(region: str) -> dict[str, str]:
    """Where OKX streams to a region, in earnest and in demo trading: on other hosts than it answers."""
    return {name: f"wss://ws{region}{kind}.okx.com:443/ws/v5"
            for name, kind in (("api", ""), ("test", "pap"))}  # fmt: skip


_STREAMS: Final = {
    f"{host}.okx.com": _streams(region)
    for host, region in (
        ("www", ""), ("aws", ""), ("eea", "eea"), ("my", "eea"), ("us", "us"), ("app", "us"),
    )
} | {"okx.com": _streams("")}  # fmt: skip


class NoAnswerError(Exception):
    """A call got no answer that is OKX's. Nothing is known of what became of it."""


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class OkxKeys:
    """An API key. Never shown: it has no text of its own."""

    key: str
    secret: str
    passphrase: str

    def __repr__(self) -> str:
        return "OkxKeys(…)"


@dataclass(frozen=True, slots=True, kw_only=True)
class OkxAddress:
    """Where OKX is: its own hosts, its demo trading, or a look-alike on this machine."""

    base_url: str | None = None  # replaces the venue's address
    sandbox: bool = False  # demo trading: needs keys of its own
    is_limited: bool = True  # it counts our calls; a look-alike may let all through

    def point(self, client: Any) -> None:
        """Make a client of ccxt speak to this address."""
        if self.base_url is not None:
            base = self.base_url.rstrip("/")
            own = {"api": f"{base.replace('http', 'ws', 1)}/ws/v5"}  # of a look-alike or a tunnel
            streams = _STREAMS.get(urlsplit(base).hostname or "", {**own, "test": own["api"]})
            urls = {name: {"rest": base, "ws": url} for name, url in streams.items()}
            client.urls = {**client.urls, **urls}
        if self.sandbox:
            client.set_sandbox_mode(True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """An envelope of OKX: rows, or a code and what it says."""

    code: str
    message: str
    rows: tuple[Any, ...]  # mappings; of candles, lists of texts

    @property
    def row(self) -> Mapping[str, Any]:
        """The only row of a call about one order; empty without one."""
        first = self.rows[0] if self.rows else {}
        return first if isinstance(first, Mapping) else {}

    @property
    def row_code(self) -> str:
        """The code of the order itself, which the envelope's does not tell."""
        return str(self.row.get("sCode") or self.code)

    @property
    def row_message(self) -> str:
        return str(self.row.get("sMsg") or self.message)

    @property
    def is_ok(self) -> bool:
        return self.code == _OK


class Asks(Protocol):
    """Answers of the venue; NoAnswerError without one."""

    async def get(self, path: str, params: Mapping[str, str]) -> Answer: ...

    async def close(self) -> None: ...


class FirstToAnswer:
    """Several addresses of one venue: the one that answered last is asked first (F47)."""

    def __init__(self, *addresses: Asks) -> None:
        self._addresses = list(addresses)

    async def get(self, path: str, params: Mapping[str, str]) -> Answer:
        """NoAnswerError if none of them answers."""
        failed: list[NoAnswerError] = []
        for place, one in enumerate(self._addresses):
            try:
                answer = await one.get(path, params)
            except NoAnswerError as error:
                failed.append(error)
                continue
            if not answer.is_ok and place + 1 < len(self._addresses):
                failed.append(NoAnswerError(f"{path}: {answer.code} {answer.message}"))
                continue
            if place:
                log.warning("%s; another address answers, and is asked first now", failed[0])
                self._addresses.insert(0, self._addresses.pop(place))
            return answer
        raise failed[0]

    async def close(self) -> None:
        for one in self._addresses:
            await one.close()


class OkxRest:
    """Public calls, and with keys those of one account."""

    def __init__(
        self,
        keys: OkxKeys | None,
        address: OkxAddress,
        *,
        monotonic_s: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._client = _client(keys, address)
        self._access = "public" if keys is None else "private"
        self._gate = LimitGate(monotonic_s, sleep) if address.is_limited else None
        self.offset_ms = 0  # the venue's clock less ours

    def set_offset(self, offset_ms: int) -> None:
        """Stamp requests, and state deadlines, in the venue's time from now on (F30)."""
        self.offset_ms = offset_ms
        self._client.options["timeDifference"] = -offset_ms

    async def get(self, path: str, params: Mapping[str, str]) -> Answer:
        return await self._call("GET", path, params, {})

    async def post(
        self,
        path: str,
        params: Mapping[str, Any] | Sequence[Mapping[str, Any]],
        *,
        deadline_ms: int | None = None,
    ) -> Answer:
        """`deadline_ms` (UTC ms, ours): the venue refuses the request if it arrives later."""
        headers = {} if deadline_ms is None else {"expTime": str(deadline_ms + self.offset_ms)}
        return await self._call("POST", path, params, headers)

    async def close(self) -> None:
        await self._client.close()

    async def _call(
        self,
        method: str,
        path: str,
        params: Mapping[str, Any] | Sequence[Mapping[str, Any]],
        headers: Mapping[str, str],
    ) -> Answer:
        client, instrument = self._client, _instrument(params)
        if self._gate is not None:
            await self._gate.enter(method, path, instrument)
        try:
            signed = _signed(client, path, self._access, method, params)
            raw = await client.fetch(
                signed["url"], method, {**(signed["headers"] or {}), **headers}, signed["body"]
            )
        except client.network_errors as error:
            raise NoAnswerError(f"{method} {path}: {type(error).__name__}") from error
        answer = read_answer(raw, f"{method} {path}")
        if self._gate is not None and _TOO_MANY & {answer.code, answer.row_code}:
            self._gate.refused(method, path, instrument)
        return answer


def read_answer(raw: object, call: str) -> Answer:
    """The envelope in an answer. NoAnswerError for what is none."""
    if isinstance(raw, dict) and isinstance(raw.get("code"), str):
        rows = raw.get("data")
        if isinstance(rows, list) and all(isinstance(row, dict | list) for row in rows):
            return Answer(code=raw["code"], message=str(raw.get("msg", "")), rows=tuple(rows))
    raise NoAnswerError(f"{call}: the answer is not OKX's")


def _signed(client: Any, path: str, access: str, method: str, params: Any) -> dict[str, Any]:
    """ccxt adds a client id and a tag of its own to an order without `clOrdId`, algo orders among
    them; a path with a placeholder is the same address and is left alone."""
    if path == "trade/order-algo" and method == "POST":
        path, params = "trade/{call}", {"call": "order-algo", **params}
    plain = dict(params) if isinstance(params, Mapping) else [dict(one) for one in params]
    made: dict[str, Any] = client.sign(path, [access], method, plain)
    return made


def _instrument(params: Mapping[str, Any] | Sequence[Mapping[str, Any]]) -> str:
    first = params if isinstance(params, Mapping) else next(iter(params), {})
    return str(first.get("instId", ""))


def _client(keys: OkxKeys | None, address: OkxAddress) -> Any:
    try:
        import ccxt.async_support as ccxt
    except ImportError as error:
        raise missing_extra() from error

    class Client(ccxt.okx):  # type: ignore[misc]
        """ccxt's client with the reading of answers left to us."""

        network_errors = (ccxt.BaseError, OSError, ValueError)

        def handle_errors(self, *_: object) -> None:
            return None

        def handle_http_status_code(self, *_: object) -> None:
            return None  # OKX says why in its envelope; a page without one is no answer

    client = Client(client_settings(keys))
    address.point(client)
    return client


def client_settings(keys: OkxKeys | None) -> dict[str, Any]:
    """What a client of ccxt is made with. Its pacing is off: `limits.py` has the venue's own."""
    settings: dict[str, Any] = {"timeout": _TIMEOUT_MS, "enableRateLimit": False}
    if keys is not None:
        settings |= {"apiKey": keys.key, "secret": keys.secret, "password": keys.passphrase}
    return settings


def missing_extra() -> ConfigurationError:
    return ConfigurationError(
        "okx.extra",
        "OKX needs ccxt, which is not installed",
        hint="pip install 'algotrader[okx]'",
    )
