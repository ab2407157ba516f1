"""History of any exchange that ccxt speaks to. Vendor words begin and end here."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from decimal import Decimal
from importlib import import_module
from typing import Any, TypeVar

import numpy as np

from algotrader.core.errors import DataError, RunError, UsageError
from algotrader.core.instruments import FeeCurrency, FeeSchedule, Instrument
from algotrader.core.symbols import InstrumentKind, Symbol
from algotrader.core.timeframes import HOUR_MS, Timeframe
from algotrader.data.tables import BarTable

T = TypeVar("T")

_ATTEMPTS = 5
_PAGE = {"okx": 300, "binance": 1000}
_PAGE_MARK = {"okx": 100}
_PAGE_DEFAULT = 500
_FUNDING_PAGE_MS = 100 * HOUR_MS  # at most 100 settlements, also where they are hourly
_END_PARAMETER = {"okx": "after"}  # what bounds a page of funding from above
_OPTIONS: dict[str, dict[str, Any]] = {"okx": {"fetchMarkets": {"types": ["spot", "swap"]}}}
# Regular tier (maker, taker) where ccxt's table is of another region; live reads the account's.
_FEES = {
    ("okx", InstrumentKind.SPOT): ("0.0008", "0.0010"),
    ("okx", InstrumentKind.PERPETUAL): ("0.0002", "0.0005"),
}
_FEE_IN_COIN = {"okx"}


class CcxtSource:
    """One exchange by its REST interface. Public calls only: no key is needed or used."""

    def __init__(
        self, venue: str, base_url: str | None = None, *, pause: Callable[[float], None]
    ) -> None:
        """`base_url` replaces scheme and host of every address; `pause` waits between retries."""
        self._id = venue.lower()
        self._pause = pause
        self._exchange = _client(venue, base_url)
        self._loaded = False

    @property
    def name(self) -> str:
        return f"{self._id} by ccxt"

    def instrument(self, symbol: Symbol) -> Instrument:
        market = self._market(symbol)
        kind = symbol.kind
        fees = _FEES.get((self._id, kind))
        maker, taker = fees or (_text(market.get("maker")), _text(market.get("taker")))
        in_coin = kind is InstrumentKind.SPOT and self._id in _FEE_IN_COIN
        limits = market.get("limits") or {}
        return Instrument(
            symbol=symbol, kind=kind, base=market["base"], quote=market["quote"],
            settle=market.get("settle") or market["quote"],
            tick=self._step(market, "price"), lot=self._step(market, "amount"),
            min_quantity=_decimal((limits.get("amount") or {}).get("min")),
            min_notional=_decimal((limits.get("cost") or {}).get("min")),
            multiplier=_decimal(market.get("contractSize")) or Decimal(1),
            fees=FeeSchedule(
                maker=Decimal(maker), taker=Decimal(taker), source=f"{self._id}, regular tier",
                fee_in=FeeCurrency.RECEIVED if in_coin else FeeCurrency.QUOTE,
            ),
        )  # fmt: skip

    def now_ms(self) -> int:
        return int(self._call(self._exchange.fetch_time))

    def bars(
        self,
        symbol: Symbol,
        timeframe: Timeframe,
        start_ms: int,
        end_ms: int,
        *,
        mark: bool = False,
    ) -> Iterator[tuple[int, BarTable]]:
        market = self._market(symbol)
        frame = str(timeframe)
        if frame not in (self._exchange.timeframes or {}):
            raise DataError(
                "data.timeframe_unknown",
                f"{self._id} has no {frame} bars",
                hint="it has " + " ".join(self._exchange.timeframes or {}),
            )
        closed = min(end_ms, self.now_ms() - timeframe.ms + 1)  # F43: no bar that still forms
        pages = _PAGE_MARK if mark else _PAGE
        size = pages.get(self._id, _PAGE_DEFAULT)
        extra = {"price": "mark"} if mark else {}
        for first in range(start_ms, closed, size * timeframe.ms):
            last = min(first + size * timeframe.ms, closed)
            rows = self._call(
                self._exchange.fetch_ohlcv, market["symbol"], frame, first, size, dict(extra)
            )
            yield last, self._bars(rows, symbol, market, first, last, mark=mark)

    def funding(self, symbol: Symbol, start_ms: int, end_ms: int) -> Iterator[tuple[int, BarTable]]:
        market = self._market(symbol)
        until = min(end_ms, self.now_ms())
        bound = _END_PARAMETER.get(self._id, "until")
        for first in range(start_ms, until, _FUNDING_PAGE_MS):
            last = min(first + _FUNDING_PAGE_MS, until)
            rows = self._call(
                self._exchange.fetch_funding_rate_history,
                market["symbol"],
                first,
                100,
                {bound: last},
            )
            kept = [row for row in rows if first <= int(row["timestamp"]) < last]
            yield (
                last,
                BarTable(
                    ts=np.array([int(row["timestamp"]) for row in kept], dtype=np.int64),
                    columns={"funding_rate": np.array([float(r["fundingRate"]) for r in kept])},
                    source=f"{symbol} funding from {self._id}",
                ),
            )

    def _bars(
        self, rows: list[list[Any]], symbol: Symbol, market: dict[str, Any], first: int, last: int,
        *, mark: bool,
    ) -> BarTable:  # fmt: skip
        kept = [row[:6] for row in rows if first <= int(row[0]) < last]
        values = np.array(
            [[np.nan if cell is None else float(cell) for cell in row] for row in kept],
            dtype=np.float64,
        ).reshape(len(kept), 6)
        names = ("open", "high", "low", "close", "volume")
        columns = {name: values[:, place + 1].copy() for place, name in enumerate(names)}
        if mark:
            del columns["volume"]
        elif market.get("contract"):
            columns["volume"] = _contracts(columns, market)
        # Some exchanges answer newest first; the order inside a page carries no information.
        order = np.argsort(values[:, 0], kind="stable")
        table = BarTable(ts=np.array([int(row[0]) for row in kept], dtype=np.int64), columns=columns,
                         source=f"{symbol} from {self._id}")  # fmt: skip
        return table.take(order)

    def _market(self, symbol: Symbol) -> dict[str, Any]:
        if not self._loaded:
            self._call(self._exchange.load_markets)
            self._loaded = True
        markets: dict[str, dict[str, Any]] = self._exchange.markets
        if symbol.code not in markets:
            close = sorted(code for code in markets if code.startswith(f"{symbol.base}/"))[:5]
            raise DataError(
                "data.symbol_unknown",
                f"{self._id} does not trade {symbol.code}",
                hint="it trades " + ", ".join(close) if close else "check the pair's name",
            )
        return markets[symbol.code]

    def _step(self, market: dict[str, Any], name: str) -> Decimal:
        """Tick or lot; exchanges state a step or a number of digits."""
        value = _decimal((market.get("precision") or {}).get(name))
        digits = self._exchange.precisionMode == 2  # DECIMAL_PLACES
        step = Decimal(1).scaleb(-int(value)) if digits else value
        return step if step > 0 else Decimal("1e-8")

    def _call(self, function: Callable[..., T], *arguments: Any) -> T:
        """Call the exchange, again after a growing pause where it did not answer."""
        import ccxt

        for attempt in range(1, _ATTEMPTS + 1):
            try:
                return function(*arguments)
            except ccxt.BaseError as error:
                # A plain ExchangeError is an answer nobody foresaw: a 500, an empty page.
                if (
                    not isinstance(error, ccxt.NetworkError)
                    and type(error) is not ccxt.ExchangeError
                ):
                    raise RunError(
                        "data.venue_refused",
                        f"{self._id} refused the request: {_short(error)}",
                        hint="check symbol and time frame; what arrived is kept",
                    ) from error
                if attempt == _ATTEMPTS:
                    raise RunError(
                        "data.venue_unreachable",
                        f"{self._id} did not answer {_ATTEMPTS} times: {_short(error)}",
                        hint="what arrived is kept; run the same command again to go on",
                    ) from error
                self._pause(0.5 * 2.0**attempt)
        raise AssertionError("unreachable")


def _client(venue: str, base_url: str | None) -> Any:
    name = venue.lower()
    try:
        module = import_module(f"ccxt.{name}")
    except ModuleNotFoundError as error:
        if error.name == "ccxt":
            raise UsageError("data.extra_missing", "downloads need ccxt, which is not installed",
                             hint="pip install 'algotrader[okx]'") from error  # fmt: skip
        raise UsageError("data.venue_unknown", f"ccxt knows no exchange {name!r}",
                         hint="use the exchange's name, as in OKX:BTC/USDT or BINANCE:BTC/USDT") from error  # fmt: skip
    options = {"enableRateLimit": True, "timeout": 15_000, "options": _OPTIONS.get(name, {})}
    client = getattr(module, name)(options)
    if base_url is not None:
        client.urls["api"] = _moved(client.urls["api"], base_url.rstrip("/"))
    return client


def _moved(urls: Any, base: str) -> Any:
    """The same addresses on another host."""
    if isinstance(urls, dict):
        return {name: _moved(url, base) for name, url in urls.items()}
    return re.sub(r"^https?://[^/]+", base, urls) if isinstance(urls, str) else urls


def _contracts(columns: dict[str, Any], market: dict[str, Any]) -> Any:
    """Volume in contracts, the unit of an order (R20); ccxt gives it in the base coin."""
    size = float(market.get("contractSize") or 1.0)
    if market.get("inverse"):
        return columns["volume"] * columns["close"] / size
    return columns["volume"] / size


def _decimal(value: Any) -> Decimal:
    return Decimal(0) if value is None else Decimal(str(value))


def _text(value: Any) -> str:
    return "0" if value is None else str(value)


def _short(error: Exception) -> str:
    return str(error).replace("\n", " ")[:160]
