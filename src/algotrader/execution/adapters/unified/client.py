"""One account's calls by ccxt's unified interface, without ccxt's judgement of answers.

ccxt raises one class for an order that was refused and for one whose answer was lost. So answers
are read here first: a code of the venue is `CodeError`, everything else that is no answer is
`BrokerUnavailableError`, after which nothing is known. Numbers stay the venue's texts.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from decimal import Decimal
from importlib import import_module
from typing import Any, Final

from algotrader.core.symbols import Symbol
from algotrader.data.adapters.ccxt_client import moved_urls
from algotrader.data.adapters.okx.rest import missing_extra
from algotrader.data.adapters.pacing import PacingGate
from algotrader.execution.adapters.treatments import Treatment
from algotrader.execution.adapters.unified.venue import CodeError, NoAnswerError, UnifiedVenue
from algotrader.execution.broker import BrokerUnavailableError

DEADLINE: Final = "algotrader_deadline_ms"
"""In the parameters of a call: taken out before it is signed."""
_TIMEOUT_MS: Final = 5_000
_LEFT_ALONE_S: Final = 1.0  # a venue that says "too often" and not how long
_LONGEST_WINDOW_MS: Final = 60_000
_PUBLIC: Final = "public"


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class ApiKeys:
    """An API key. Never shown: it has no text of its own."""

    key: str
    secret: str

    def __repr__(self) -> str:
        return "ApiKeys(…)"


class UnifiedClient:
    """One account at one venue. `base_url` replaces the venue's hosts, for look-alikes."""

    def __init__(
        self,
        venue: UnifiedVenue,
        keys: ApiKeys,
        *,
        base_url: str | None = None,
        monotonic_s: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.venue = venue
        self._client = _client(venue, keys, base_url)
        self._gate = PacingGate(venue.counting, monotonic_s, sleep)
        self._errors = _errors()
        self.offset_ms = 0  # the venue's clock less ours

    async def ask(self, call: str, instrument: Symbol | None, *arguments: Any) -> Any:
        """CodeError for a refusal of the venue, BrokerUnavailableError without an answer."""
        kind = _PUBLIC if instrument is None else str(instrument.kind)
        named = "" if instrument is None else instrument.code
        self._require_a_turn(call, kind, named, arguments)
        await self._gate.enter(call, kind, named)
        try:
            return await getattr(self._client, call)(*arguments)
        except CodeError as error:
            if self.venue.codes.treatment(error.code, error.message) is Treatment.RETRY:
                self._gate.refused(call, kind, named, error.wait_s or _LEFT_ALONE_S)
            raise
        except self._errors as error:
            raise BrokerUnavailableError(
                f"{self.venue.name} {call}: {type(error).__name__}"
            ) from error

    def _require_a_turn(self, call: str, kind: str, named: str, arguments: tuple[Any, ...]) -> None:
        """What has a deadline does not wait for its turn beyond it."""
        for one in arguments:
            if isinstance(one, dict) and DEADLINE in one:
                turn_ms = self._client.nonce() + 1_000 * self._gate.wait_s(call, kind, named)
                if turn_ms >= one[DEADLINE]:
                    raise BrokerUnavailableError(f"{call} has no turn before its deadline")

    def wait_s(self, call: str, instrument: Symbol) -> float:
        """How long a call would have to wait for its turn."""
        return self._gate.wait_s(call, str(instrument.kind), instrument.code)

    async def load(self) -> None:
        """Rules of all instruments, which the other calls need."""
        await self.ask("load_markets", None)

    def is_exact(self, instrument: Symbol, quantity: Decimal, limit: Decimal | None) -> bool:
        """Whether an order would go out as it is: the client cuts what the rules do not take."""
        code, client = instrument.code, self._client
        try:
            kept = Decimal(client.amount_to_precision(code, f"{quantity:f}"))
            at = None if limit is None else Decimal(client.price_to_precision(code, f"{limit:f}"))
        except self._errors:
            return False
        return kept == quantity and at == limit

    def set_offset(self, offset_ms: int) -> None:
        """Stamp requests, and state deadlines, in the venue's time from now on (F30)."""
        self.offset_ms = offset_ms
        self._client.options["timeDifference"] = -offset_ms

    async def close(self) -> None:
        await self._client.close()


def _errors() -> tuple[type[Exception], ...]:
    """All that may come of a call but an answer: also of ccxt's reading of a row nobody foresaw."""
    import ccxt

    return (
        ccxt.BaseError, NoAnswerError, OSError, ValueError, TypeError, LookupError, AttributeError,
        ArithmeticError,
    )  # fmt: skip


def _client(venue: UnifiedVenue, keys: ApiKeys, base_url: str | None) -> Any:
    try:
        made = getattr(import_module("ccxt.async_support"), venue.client)
    except ImportError as error:
        raise missing_extra() from error

    class Client(made):  # type: ignore[misc, valid-type]  # the venue is chosen at run time
        """ccxt's client with the reading of answers left to us, and deadlines."""

        number = str  # exact texts; a float is not what the venue said

        def handle_errors(self, *about: Any) -> None:
            status, method, headers, answer = about[0], about[3], about[4], about[6]
            _read(venue, status, method, headers, answer)

        def handle_http_status_code(self, *_: object) -> None:
            return None

        def sign(self, path: str, *more: Any) -> dict[str, Any]:
            api, method, params, *rest = more
            within_ms = _within_ms(params, self.nonce())

            def signed(params: dict[str, Any]) -> dict[str, Any]:
                found: dict[str, Any] = made.sign(self, path, api, method, params, *rest)
                return found

            plain = {name: value for name, value in params.items() if name != DEADLINE}
            if within_ms is None:
                return signed(plain)
            return venue.within(self, within_ms, plain, signed)

    client = Client(
        {
            "apiKey": keys.key, "secret": keys.secret, "timeout": _TIMEOUT_MS,
            "enableRateLimit": False, "options": dict(venue.options),
        }
    )  # fmt: skip
    client.has = {**client.has, "fetchCurrencies": False}  # a private call that nothing here needs
    if base_url is not None:
        client.urls["api"] = moved_urls(client.urls["api"], base_url)
    return client


def _read(venue: UnifiedVenue, status: int, method: str, headers: Any, answer: Any) -> None:
    if not isinstance(answer, dict | list):
        raise NoAnswerError(f"{method}: status {status}, and no answer of {venue.name}")
    told = venue.error_in(answer)
    if told is not None:
        # With 5xx the venue itself does not know what became of a request, whatever the code.
        wait = str((headers or {}).get("Retry-After", ""))
        wait_s = float(wait) if wait.isdigit() else None
        raise CodeError(*told, is_definite=status < 500, wait_s=wait_s)
    if status >= 400:
        raise NoAnswerError(f"{method}: status {status}")


def _within_ms(params: Any, now_ms: int) -> int | None:
    if not isinstance(params, dict) or DEADLINE not in params:
        return None
    within_ms = int(params[DEADLINE]) - now_ms
    if within_ms <= 0:
        raise NoAnswerError("its time was over before it could be sent")
    return min(within_ms, _LONGEST_WINDOW_MS)
