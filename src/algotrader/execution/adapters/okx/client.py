"""Signed calls to OKX by ccxt's client: its signing, pacing and transport, but not its judgement.

ccxt raises the same class for an order that was refused and for one whose answer was lost, and
raises nothing for an HTML page with status 200. So the envelope is read here: an answer of OKX is
`Answer`, everything else is `BrokerUnavailableError`, after which nothing is known.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from algotrader.core.errors import ConfigurationError
from algotrader.execution.broker import BrokerUnavailableError

_OK: Final = "0"


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class OkxKeys:
    """An API key. Never shown: it has no text of its own."""

    key: str
    secret: str
    passphrase: str

    def __repr__(self) -> str:
        return "OkxKeys(…)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """An envelope of OKX: rows, or a code and what it says."""

    code: str
    message: str
    rows: tuple[Mapping[str, Any], ...]

    @property
    def row(self) -> Mapping[str, Any]:
        """The only row of a call about one order; empty without one."""
        return self.rows[0] if self.rows else {}

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


class OkxClient:
    """One account. `base_url` replaces the venue's address, for look-alikes on this machine."""

    def __init__(
        self, keys: OkxKeys, *, base_url: str | None = None, sandbox: bool = False
    ) -> None:
        self._client = _client(keys, base_url, sandbox)

    async def get(self, path: str, params: Mapping[str, str]) -> Answer:
        return await self._call("GET", path, params, {})

    async def post(
        self, path: str, params: Mapping[str, str], *, deadline_ms: int | None = None
    ) -> Answer:
        """`deadline_ms` (UTC ms): the venue refuses the request if it arrives later."""
        headers = {} if deadline_ms is None else {"expTime": str(deadline_ms)}
        return await self._call("POST", path, params, headers)

    async def close(self) -> None:
        await self._client.close()

    async def _call(
        self, method: str, path: str, params: Mapping[str, str], headers: Mapping[str, str]
    ) -> Answer:
        client = self._client
        try:
            await client.throttle(1)
            signed = client.sign(path, ["private"], method, dict(params))
            raw = await client.fetch(
                signed["url"], method, {**signed["headers"], **headers}, signed["body"]
            )
        except client.network_errors as error:
            raise BrokerUnavailableError(f"{method} {path}: {type(error).__name__}") from error
        return _answer(raw, f"{method} {path}")


def _answer(raw: object, call: str) -> Answer:
    """The envelope in an answer. BrokerUnavailableError for what is none."""
    if isinstance(raw, dict) and isinstance(raw.get("code"), str):
        rows = raw.get("data")
        if isinstance(rows, list) and all(isinstance(row, dict) for row in rows):
            return Answer(code=raw["code"], message=str(raw.get("msg", "")), rows=tuple(rows))
    raise BrokerUnavailableError(f"{call}: the answer is not OKX's")


def _client(keys: OkxKeys, base_url: str | None, sandbox: bool) -> Any:
    try:
        import ccxt.async_support as ccxt
    except ImportError as error:
        raise ConfigurationError(
            "okx.extra",
            "trading on OKX needs ccxt, which is not installed",
            hint="pip install 'algotrader[okx]'",
        ) from error

    class Client(ccxt.okx):  # type: ignore[misc]
        """ccxt's client with the reading of answers left to us."""

        network_errors = (ccxt.BaseError, OSError, ValueError)

        def handle_errors(self, *_: object) -> None:
            return None

    settings: dict[str, Any] = {
        "apiKey": keys.key,
        "secret": keys.secret,
        "password": keys.passphrase,
        "timeout": 5_000,
    }
    client = Client(settings)
    if sandbox:
        client.set_sandbox_mode(True)
    if base_url is not None:
        client.urls["api"] = {"rest": base_url, "ws": base_url.replace("http", "ws") + "/ws/v5"}
    return client
