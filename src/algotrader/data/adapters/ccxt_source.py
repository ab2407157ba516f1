"""History of any exchange that ccxt speaks to. Vendor words begin and end here."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import numpy as np

from algotrader.core.errors import DataError
from algotrader.core.instruments import FeeCurrency, FeeSchedule, Instrument, MarginSchedule
from algotrader.core.symbols import InstrumentKind, Symbol
from algotrader.core.timeframes import HOUR_MS, Timeframe
from algotrader.data.adapters.ccxt_client import PatientCalls, make_client
from algotrader.data.adapters.ccxt_margin import decimal_of, margin_of
from algotrader.data.source import Page
from algotrader.data.tables import BarTable

_PAGE_DEFAULT = 500
_FUNDING_PAGE_MS = 100 * HOUR_MS  # at most 100 settlements, also where they are hourly
_END_PARAMETER = {"okx": "after"}  # what bounds a page of funding from above
# Regular tier (maker, taker) where ccxt's table is of another region; live reads the account's.
_FEES = {
    ("okx", InstrumentKind.SPOT): ("0.0008", "0.0010"),
    ("okx", InstrumentKind.PERPETUAL): ("0.0002", "0.0005"),
}
_CONTRACT_DECIMALS = 8
_TELLS_CONTRACTS = {"okx"}  # in the column before the one that ccxt takes
_FEE_IN_COIN = {"okx", "binance", "bybit"}


class CcxtSource:
    """One exchange by its REST interface. Public calls only: no key is needed or used."""

    def __init__(
        self, venue: str, base_url: str | None = None, *, pause: Callable[[float], None]
    ) -> None:
        """`base_url` replaces scheme and host of every address; `pause` waits between retries."""
        self._id = venue.lower()
        self._exchange = make_client(self._id, base_url)
        if self._id in _TELLS_CONTRACTS:
            self._exchange.parse_ohlcv = _as_told
        self._call = PatientCalls(self._exchange, pause)
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
        margin = MarginSchedule()
        if market.get("contract"):
            margin = margin_of(self._exchange, self._call, market, Decimal(taker))
        return Instrument(
            symbol=symbol, kind=kind, base=market["base"], quote=market["quote"],
            settle=market.get("settle") or market["quote"],
            tick=self._step(market, "price"), lot=self._step(market, "amount"),
            min_quantity=decimal_of((limits.get("amount") or {}).get("min")),
            min_notional=decimal_of((limits.get("cost") or {}).get("min")),
            multiplier=decimal_of(market.get("contractSize")) or Decimal(1),
            fees=FeeSchedule(
                maker=Decimal(maker), taker=Decimal(taker), source=f"{self._id}, regular tier",
                fee_in=FeeCurrency.RECEIVED if in_coin else FeeCurrency.QUOTE,
            ),
            margin=margin,
        )  # fmt: skip

    def now_ms(self) -> int:
        """The exchange's clock; this machine's where the exchange does not tell the time."""
        if not self._exchange.has.get("fetchTime"):
            return int(self._exchange.milliseconds())
        return int(self._call(self._exchange.fetch_time))

    def bars(
        self,
        symbol: Symbol,
        timeframe: Timeframe,
        start_ms: int,
        end_ms: int,
        *,
        mark: bool = False,
    ) -> Iterator[Page]:
        market = self._market(symbol)
        self._require(timeframe)
        closed = min(end_ms, self.now_ms() - timeframe.ms + 1)  # F43: no bar that still forms
        size = self._page_size(market, mark=mark)
        extra = {"price": "mark"} if mark else {}
        first = start_ms
        while first < closed:
            rows = self._call(
                self._exchange.fetch_ohlcv,
                *(market["symbol"], str(timeframe), first, size, dict(extra)),
            )
            asked = first + size * timeframe.ms
            stamps = [int(row[0]) for row in rows if int(row[0]) >= first]
            if stamps and min(stamps) >= asked:
                # The exchange went on where it has bars; of what lies before it said nothing.
                first = min(stamps)
                continue
            # Fewer bars may come than were asked for: the answer ends behind the last one.
            came = [ts for ts in stamps if ts < asked]
            last = min(max(came) + timeframe.ms if came else asked, closed)
            table = self._bars(rows, symbol, market, first, last, mark=mark)
            yield Page(start_ms=first, end_ms=last, table=table)
            first = last

    def _require(self, timeframe: Timeframe) -> None:
        known = self._exchange.timeframes or {}
        if str(timeframe) not in known:
            raise DataError(
                "data.timeframe_unknown",
                f"{self._id} has no {timeframe} bars",
                hint="it has " + " ".join(known),
            )

    def _page_size(self, market: dict[str, Any], *, mark: bool) -> int:
        """Bars that the exchange gives at once, as far as the client knows."""
        limit = "mark" if mark else "limit"
        told = self._exchange.feature_value(market["symbol"], "fetchOHLCV", limit)
        return int(told or _PAGE_DEFAULT)

    def funding(self, symbol: Symbol, start_ms: int, end_ms: int) -> Iterator[Page]:
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
            table = BarTable(
                ts=np.array([int(row["timestamp"]) for row in kept], dtype=np.int64),
                columns={"funding_rate": np.array([float(r["fundingRate"]) for r in kept])},
                source=f"{symbol} funding from {self._id}",
            )
            yield Page(start_ms=first, end_ms=last, table=table)

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
        elif market.get("contract") and self._id not in _TELLS_CONTRACTS:
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
        value = decimal_of((market.get("precision") or {}).get(name))
        digits = self._exchange.precisionMode == 2  # DECIMAL_PLACES
        step = Decimal(1).scaleb(-int(value)) if digits else value
        return step if step > 0 else Decimal("1e-8")


def _as_told(row: list[Any], market: Any = None) -> list[Any]:  # noqa: ARG001  ccxt's own form
    """A bar with its volume as the exchange counts it: contracts of derivatives, coins of spot.

    From coins an inverse contract's volume is a guess by the close, and the same bar heard live
    would be another one (F41).
    """
    return [int(row[0]), *(None if cell in (None, "") else float(cell) for cell in row[1:6])]


def _contracts(columns: dict[str, Any], market: dict[str, Any]) -> Any:
    """Volume in contracts, the unit of an order (R20); ccxt gives it in the base coin."""
    size = float(market.get("contractSize") or 1.0)
    if market.get("inverse"):
        return columns["volume"] * columns["close"] / size
    # Divided back to what the exchange said: the same bar by another way is the same bytes (F41).
    return np.round(columns["volume"] / size, _CONTRACT_DECIMALS)


def _text(value: Any) -> str:
    return "0" if value is None else str(value)
