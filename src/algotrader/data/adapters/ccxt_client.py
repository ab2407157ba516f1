"""One ccxt client: made, pointed elsewhere, called with patience."""

from __future__ import annotations

import re
from collections.abc import Callable
from importlib import import_module
from typing import Any, TypeVar

from algotrader.core.errors import RunError, UsageError

T = TypeVar("T")

_ATTEMPTS = 5
_LONGEST_WAIT_S = 60.0
_OPTIONS: dict[str, dict[str, Any]] = {"okx": {"fetchMarkets": {"types": ["spot", "swap"]}}}


def make_client(name: str, base_url: str | None) -> Any:
    """The exchange called `name`; `base_url` replaces scheme and host of every address."""
    try:
        module = import_module(f"ccxt.{name}")
    except ModuleNotFoundError as error:
        if error.name == "ccxt":
            raise UsageError("data.extra_missing", "downloads need ccxt, which is not installed",
                             hint="pip install 'algotrader[okx]'") from error  # fmt: skip
        raise UsageError("data.venue_unknown", f"ccxt knows no exchange {name!r}",
                         hint="downloads come from crypto exchanges, as in OKX:BTC/USDT; bars from "
                         "elsewhere are files: algotrader data import FILE --symbol SYMBOL",
                         ) from error  # fmt: skip
    options = {"enableRateLimit": True, "timeout": 15_000, "options": _OPTIONS.get(name, {})}
    client = getattr(module, name)(options)
    if base_url is not None:
        if not base_url.startswith(("http://", "https://")):
            raise UsageError("data.venue_address", f"{base_url!r} is no address of a venue",
                             hint="write http://127.0.0.1:8080 or https://host")  # fmt: skip
        client.urls["api"] = moved_urls(client.urls["api"], base_url.rstrip("/"))
    return client


def moved_urls(urls: Any, base: str) -> Any:
    """The same addresses on another host."""
    if isinstance(urls, dict):
        return {name: moved_urls(url, base) for name, url in urls.items()}
    return re.sub(r"^https?://[^/]+", base, urls) if isinstance(urls, str) else urls


class PatientCalls:
    """Calls of one client, repeated after a pause where the exchange did not answer."""

    def __init__(self, exchange: Any, pause: Callable[[float], None]) -> None:
        self._exchange = exchange
        self._pause = pause

    def __call__(self, function: Callable[..., T], *arguments: Any) -> T:
        """RunError where the exchange refuses, or does not answer five times."""
        import ccxt

        for attempt in range(1, _ATTEMPTS + 1):
            try:
                return function(*arguments)
            except ccxt.BaseError as error:
                # A plain ExchangeError is an answer nobody foresaw: a 500, an empty page.
                unforeseen = type(error) is ccxt.ExchangeError
                if not (unforeseen or isinstance(error, ccxt.NetworkError)):
                    raise self._refused(error) from error
                if attempt == _ATTEMPTS:
                    raise self._unreachable(error) from error
                self._pause(max(0.5 * 2.0**attempt, self._asked_to_wait_s(error)))
        raise AssertionError("unreachable")

    def _asked_to_wait_s(self, error: Exception) -> float:
        """What a venue that limits our rate asks for; RunError if it is too long to sit out."""
        import ccxt

        if not isinstance(error, ccxt.DDoSProtection | ccxt.RateLimitExceeded):
            return 0.0
        asked = str((self._exchange.last_response_headers or {}).get("Retry-After", ""))
        wait_s = float(asked) if asked.isdigit() else 0.0
        if wait_s > _LONGEST_WAIT_S:
            raise RunError(
                "data.venue_limits",
                f"{self._exchange.id} wants no request for {wait_s:.0f} s",
                hint="what arrived is kept; run the same command again after that time",
            ) from error
        return wait_s

    def _refused(self, error: Exception) -> RunError:
        return RunError(
            "data.venue_refused",
            f"{self._exchange.id} refused the request: {_short(error)}",
            hint="check symbol and time frame; what arrived is kept",
        )

    def _unreachable(self, error: Exception) -> RunError:
        return RunError(
            "data.venue_unreachable",
            f"{self._exchange.id} did not answer {_ATTEMPTS} times: {_short(error)}",
            hint="what arrived is kept; run the same command again to go on",
        )


def _short(error: Exception) -> str:
    return str(error).replace("\n", " ")[:160]
