"""Binance and Bybit as their documentation describes them, small: one account, one pair, loopback.

Answers are the forms of `tests/contract/fixtures` with other values; a field that is not in the form
cannot be set. Requests are checked: path, method, signature, time window, and that each parameter
is one that the venue documents. Nothing here was recorded, and no parsing is shared with adapters.
"""

from __future__ import annotations

import copy
import hashlib
import hmac
import json
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

FIXTURES = Path(__file__).parents[1] / "contract" / "fixtures"
KEY, SECRET = "look-alike-key", "look-alike-secret"
PRICE = Decimal(30_000)
FEE = {"spot": Decimal("0.001"), "perpetual": Decimal("0.0005")}
HTML = "<html><body>Service temporarily unavailable</body></html>"
Params = dict[str, str]


class Forms:
    """Answers as documented; values may be changed, fields not."""

    def __init__(self, venue: str) -> None:
        self._entries = json.loads((FIXTURES / f"{venue}.json").read_text())
        self.used: set[str] = set()

    def __call__(self, name: str, **values: Any) -> Any:
        self.used.add(name)
        made = copy.deepcopy(self._entries[name]["answer"])
        unknown = set(values) - set(made) if isinstance(made, dict) else set()
        assert not unknown, (name, "has no field", unknown)
        return {**made, **values} if values else made

    @property
    def names(self) -> set[str]:
        return set(self._entries)


@dataclass(kw_only=True)
class Kept:
    """An order as the venue keeps it."""

    number: int
    client_id: str
    side: str  # buy, sell
    kind: str  # market, limit
    quantity: Decimal
    price: Decimal | None
    tif: str
    reduce_only: bool
    created_ms: int
    updated_ms: int
    filled: Decimal = Decimal(0)
    state: str = "open"  # open, filled, cancelled

    @property
    def rest(self) -> Decimal:
        return self.quantity - self.filled


@dataclass(kw_only=True)
class Execution:
    number: int
    order: Kept
    quantity: Decimal
    price: Decimal
    fee: Decimal
    fee_currency: str
    at_ms: int


class RefusedError(Exception):
    """What the venue answers instead."""

    def __init__(self, code: int, message: str, status: int = 400) -> None:
        self.code, self.message, self.status = code, message, status
        super().__init__(f"{code} {message}")


@dataclass
class Book:
    """One account and one pair at 30,000: markets fill at once, what crosses fills at its limit."""

    kind: str  # spot, perpetual
    skew_ms: int = 0  # the venue's clock less this machine's
    parts: int = 1  # executions that a fill comes in
    coins: dict[str, Decimal] = field(
        default_factory=lambda: {"USDT": Decimal(1_000_000), "BTC": Decimal(10)}
    )
    position: Decimal = Decimal(0)
    orders: list[Kept] = field(default_factory=list)
    executions: list[Execution] = field(default_factory=list)

    def now_ms(self) -> int:
        return int(time.time() * 1000) + self.skew_ms

    def place(self, **asked: Any) -> Kept:
        now = self.now_ms()
        order = Kept(number=1_000 + len(self.orders), created_ms=now, updated_ms=now, **asked)
        self.orders.append(order)
        self._match(order)
        if order.state == "open" and order.tif in ("IOC", "FOK"):
            self.end(order)
        return order

    def _match(self, order: Kept) -> None:
        sign = 1 if order.side == "buy" else -1
        crosses = order.price is None or (order.price - PRICE) * sign >= 0
        if crosses and order.tif not in ("GTX", "PostOnly", "LIMIT_MAKER"):
            self.fill(order, order.rest)

    def fill(self, order: Kept, quantity: Decimal) -> None:
        sign = 1 if order.side == "buy" else -1
        for _ in range(self.parts):
            part = quantity / self.parts
            in_coin = self.kind == "spot" and order.side == "buy"
            fee = part * (1 if in_coin else PRICE) * FEE[self.kind]
            currency = "BTC" if in_coin else "USDT"
            self.executions.append(Execution(
                number=5_000 + len(self.executions), order=order, quantity=part, price=PRICE,
                fee=fee, fee_currency=currency, at_ms=self.now_ms(),
            ))  # fmt: skip
            if self.kind == "spot":
                self.coins["BTC"] += sign * part
                self.coins["USDT"] -= sign * part * PRICE
            else:
                self.position += sign * part
            self.coins[currency] -= fee
        order.filled += quantity
        order.updated_ms = self.now_ms()
        if not order.rest:
            order.state = "filled"

    def end(self, order: Kept) -> None:
        order.state, order.updated_ms = "cancelled", self.now_ms()

    def named(self, client_id: str = "", number: str = "") -> Kept | None:
        """The newest order of an id."""
        found = [
            one for one in self.orders
            if (one.client_id == client_id if client_id else str(one.number) == number)
        ]  # fmt: skip
        return found[-1] if found else None

    def is_pending(self, client_id: str) -> bool:
        return any(one.client_id == client_id and one.state == "open" for one in self.orders)


@dataclass(kw_only=True)
class Asked:
    method: str
    path: str
    params: Params


@dataclass(kw_only=True)
class Call:
    """A request as it came in."""

    method: str
    path: str
    query: str
    body: str
    headers: Mapping[str, str]


Route = tuple[Callable[[Any, Params], Any], frozenset[str]]


class LookAlike:
    """Answers calls; `refusals` are given instead of the next answers of a path."""

    name: str

    def __init__(self, book: Book) -> None:
        self.book = book
        self.forms = Forms(self.name)
        self.asked: list[Asked] = []
        self.refusals: list[tuple[str, RefusedError]] = []  # method and path, what is answered
        self.is_silent = False
        self.loses: str | None = None  # acts on this call, and its answer is lost
        self.problems: list[str] = []

    def answer(self, call: Call) -> tuple[int, str]:
        named = f"{call.method} {call.path}"
        if self.is_silent:
            return 200, HTML
        try:
            params = self.checked(call)
            self.asked.append(Asked(method=call.method, path=call.path, params=params))
            for place, (where, refusal) in enumerate(self.refusals):
                if where == named:
                    del self.refusals[place]
                    raise refusal
            status, body = 200, self.acted(call, params)
        except RefusedError as refusal:
            status, body = self.refused(refusal)
        if self.loses == named:
            return 200, HTML
        return status, json.dumps(body)

    def checked(self, call: Call) -> Params:
        raise NotImplementedError

    def acted(self, call: Call, params: Params) -> Any:
        raise NotImplementedError

    def refused(self, refusal: RefusedError) -> tuple[int, Any]:
        raise NotImplementedError

    def _fits(self, params: Params, allowed: frozenset[str], code: int) -> None:
        unknown = set(params) - allowed
        if unknown:
            self.problems.append(f"unknown parameters {sorted(unknown)}")
            raise RefusedError(code, f"unknown parameters {sorted(unknown)}")


def hmac_of(text: str) -> str:
    return hmac.new(SECRET.encode(), text.encode(), hashlib.sha256).hexdigest()


def text(value: Decimal) -> str:
    return f"{value.normalize():f}"


def _is_off(value: Decimal, step: str) -> bool:
    return bool(value % Decimal(step))


_SIGNED = frozenset({"timestamp", "recvWindow", "signature"})
_NAMED = frozenset({"symbol", "orderId", "origClientOrderId"})


class Binance(LookAlike):
    """https://developers.binance.com/docs/binance-spot-api-docs/rest-api and its USDⓈ-M sister."""

    name = "binance"

    def checked(self, call: Call) -> Params:
        raw = call.query or call.body
        params = dict(parse_qsl(raw, keep_blank_values=True))
        path = call.path
        kind = "spot" if path.startswith("/api/") else "perpetual"
        route = self._routes().get(f"{call.method} {path}")
        if route is None:
            self.problems.append(f"no {call.method} {path}")
            raise RefusedError(-1000, f"no {call.method} {path}", 404)
        is_open = path.endswith(("/time", "/exchangeInfo", "/klines"))
        self._fits(params, route[1] if is_open else route[1] | _SIGNED, -1104)
        if is_open:
            return params
        if kind != self.book.kind and not path.endswith("/account"):
            self.problems.append(f"{path} on {self.book.kind}")
        if call.headers.get("X-MBX-APIKEY") != KEY:
            raise RefusedError(-2015, "Invalid API-key, IP, or permissions for action.", 401)
        signed, _, signature = raw.rpartition("&signature=")
        if signature != hmac_of(signed):
            raise RefusedError(-1022, "Signature for this request is not valid.")
        age_ms = self.book.now_ms() - int(params["timestamp"])
        if age_ms > int(params.get("recvWindow", 5_000)) or age_ms < -1_000:
            raise RefusedError(-1021, "Timestamp for this request is outside of the recvWindow.")
        return params

    def _routes(self) -> dict[str, Route]:
        listed = frozenset({"symbol", "limit", "startTime", "endTime", "orderId"})
        spot_new = frozenset({
            "symbol", "side", "type", "timeInForce", "quantity", "quoteOrderQty", "price",
            "newClientOrderId", "newOrderRespType",
        })  # fmt: skip
        return {
            "GET /api/v3/time": (lambda s, p: s.forms("spot time", serverTime=s.book.now_ms()), frozenset()),
            "GET /api/v3/exchangeInfo": (lambda s, p: s.forms("spot instruments"), frozenset()),
            "GET /fapi/v1/exchangeInfo": (lambda s, p: s.forms("perpetual instruments"), frozenset()),
            "GET /dapi/v1/exchangeInfo": (lambda s, p: s.forms("perpetual instruments", symbols=[]), frozenset()),
            "GET /api/v3/klines": (Binance._bars, frozenset({"symbol", "interval", "limit", "startTime", "endTime"})),
            "GET /fapi/v1/klines": (Binance._bars, frozenset({"symbol", "interval", "limit", "startTime", "endTime"})),
            "GET /api/v3/account": (Binance._account, frozenset({"omitZeroBalances"})),
            "POST /api/v3/order": (Binance._new, spot_new),
            "POST /fapi/v1/order": (Binance._new, (spot_new - {"quoteOrderQty"}) | {"reduceOnly"}),
            "PUT /fapi/v1/order": (Binance._change, _NAMED | {"side", "quantity", "price"}),
            "GET /api/v3/order": (Binance._order, _NAMED),
            "GET /fapi/v1/order": (Binance._order, _NAMED),
            "DELETE /api/v3/order": (Binance._cancel, _NAMED),
            "DELETE /fapi/v1/order": (Binance._cancel, _NAMED),
            "GET /api/v3/openOrders": (Binance._open, frozenset({"symbol"})),
            "GET /fapi/v1/openOrders": (Binance._open, frozenset({"symbol"})),
            "GET /api/v3/allOrders": (Binance._all, listed),
            "GET /fapi/v1/allOrders": (Binance._all, listed),
            "GET /api/v3/myTrades": (Binance._trades, listed | {"fromId"}),
            "GET /fapi/v1/userTrades": (Binance._trades, listed | {"fromId"}),
            "GET /fapi/v3/positionRisk": (Binance._positions, frozenset({"symbol"})),
            "GET /fapi/v1/leverageBracket": (lambda s, p: s.forms("perpetual brackets"), frozenset({"symbol"})),
        }  # fmt: skip

    def acted(self, call: Call, params: Params) -> Any:
        return self._routes()[f"{call.method} {call.path}"][0](self, params)

    def refused(self, refusal: RefusedError) -> tuple[int, Any]:
        body = self.forms("refusal", code=refusal.code, msg=refusal.message)
        return refusal.status, body

    def _bars(self, params: Params) -> Any:
        first, step = int(params["startTime"]), 3_600_000
        rows = []
        for ts in range(first + -first % step, self.book.now_ms(), step)[: int(params["limit"])]:
            row = self.forms("spot bar")
            rows.append([ts, *row[1:6], ts + step - 1, *row[7:]])
        return rows

    def _new(self, params: Params) -> Any:
        quantity = Decimal(params["quantity"])
        price = Decimal(params["price"]) if "price" in params else None
        step = "0.00001" if self.book.kind == "spot" else "0.001"
        if _is_off(quantity, step):
            raise RefusedError(-1013, "Filter failure: LOT_SIZE")
        if price is not None and _is_off(price, "0.1"):
            raise RefusedError(-1013, "Filter failure: PRICE_FILTER")
        client_id = params["newClientOrderId"]
        if self.book.is_pending(client_id):
            if self.book.kind == "spot":
                raise RefusedError(-2010, "Duplicate order sent.")
            raise RefusedError(-4116, "ClientOrderId is duplicated.")
        if params["type"] == "LIMIT" and "timeInForce" not in params:
            raise RefusedError(-1102, "Mandatory parameter 'timeInForce' was not sent")
        maker = params["type"] == "LIMIT_MAKER" or params.get("timeInForce") == "GTX"
        order = self.book.place(
            client_id=client_id, side=params["side"].lower(),
            kind="market" if params["type"] == "MARKET" else "limit", quantity=quantity,
            price=price, tif="LIMIT_MAKER" if maker else params.get("timeInForce", "GTC"),
            reduce_only=params.get("reduceOnly") == "true",
        )  # fmt: skip
        kind = self.book.kind
        more = {} if kind == "perpetual" else {"transactTime": order.created_ms}
        return self.forms(f"{kind} new order", **self._fields(order, new=True), **more)

    def _fields(self, order: Kept, *, new: bool = False) -> dict[str, Any]:
        """Of an order, as every form of it has them."""
        value = text(order.filled * PRICE)
        state = {
            "open": "PARTIALLY_FILLED" if order.filled else "NEW", "filled": "FILLED",
            "cancelled": "EXPIRED" if order.tif in ("IOC", "FOK") else "CANCELED",
        }[order.state]  # fmt: skip
        found: dict[str, Any] = {
            "orderId": order.number, "clientOrderId": order.client_id,
            "price": text(order.price or Decimal(0)), "origQty": text(order.quantity),
            "executedQty": text(order.filled), "status": state, "side": order.side.upper(),
            "timeInForce": order.tif if order.tif != "LIMIT_MAKER" else "GTC",
            "type": order.kind.upper(),
        }  # fmt: skip
        if self.book.kind == "spot":
            times = {} if new else {"time": order.created_ms, "updateTime": order.updated_ms}
            return {**found, **times, "cummulativeQuoteQty": value}
        times = {} if new else {"time": order.created_ms}
        return {
            **found, **times, "cumQuote": value, "updateTime": order.updated_ms,
            "reduceOnly": order.reduce_only, "avgPrice": text(PRICE) if order.filled else "0",
            "origType": order.kind.upper(),
        }  # fmt: skip

    def _found(self, params: Params, absent: tuple[int, str]) -> Kept:
        order = self.book.named(params.get("origClientOrderId", ""), params.get("orderId", ""))
        if order is None:
            raise RefusedError(*absent)
        return order

    def _order(self, params: Params) -> Any:
        order = self._found(params, (-2013, "Order does not exist."))
        return self._row(order)

    def _row(self, order: Kept) -> Any:
        return self.forms(f"{self.book.kind} order", **self._fields(order))

    def _cancel(self, params: Params) -> Any:
        order = self._found(params, (-2011, "Unknown order sent."))
        if order.state != "open":
            raise RefusedError(-2011, "Unknown order sent.")
        self.book.end(order)
        fields = self._fields(order, new=True)
        if self.book.kind == "spot":
            fields |= {"origClientOrderId": order.client_id, "clientOrderId": "cancelId0001"}
            return self.forms("spot cancel", **fields, transactTime=order.updated_ms)
        del fields["avgPrice"]
        return self.forms("perpetual cancel", **fields)

    def _change(self, params: Params) -> Any:
        order = self._found(params, (-2013, "Order does not exist."))
        if order.state != "open":
            raise RefusedError(-2013, "Order does not exist.")
        order.quantity, order.price = Decimal(params["quantity"]), Decimal(params["price"])
        order.updated_ms = self.book.now_ms()
        return self.forms("perpetual changed order", **self._fields(order, new=True))

    def _open(self, params: Params) -> Any:
        return [self._row(one) for one in self.book.orders if one.state == "open"]

    def _all(self, params: Params) -> Any:
        return [self._row(one) for one in self.book.orders][-int(params.get("limit", 500)) :]

    def _trades(self, params: Params) -> Any:
        first = int(params.get("fromId", 0))
        found = [
            one for one in self.book.executions
            if params.get("orderId") in (None, str(one.order.number)) and one.number >= first
        ]  # fmt: skip
        return [self._trade(one) for one in found[: int(params.get("limit", 500))]]

    def _trade(self, one: Execution) -> Any:
        buys = one.order.side == "buy"
        common = {
            "id": one.number, "orderId": one.order.number, "price": text(one.price),
            "qty": text(one.quantity), "quoteQty": text(one.quantity * one.price),
            "commission": text(one.fee), "commissionAsset": one.fee_currency, "time": one.at_ms,
        }  # fmt: skip
        if self.book.kind == "spot":
            return self.forms("spot trade", **common, isBuyer=buys)
        return self.forms("perpetual trade", **common, buyer=buys, side=one.order.side.upper())

    def _account(self, params: Params) -> Any:
        made = self.forms("spot account")
        made["balances"] = [
            {**row, "free": text(self.book.coins[row["asset"]])} for row in made["balances"]
        ]
        return made

    def _positions(self, params: Params) -> Any:
        if not self.book.position:
            return []
        held = self.book.position
        return [self.forms("perpetual position", positionAmt=text(held), entryPrice=text(PRICE),
                           notional=text(held * PRICE))]  # fmt: skip


class Bybit(LookAlike):
    """https://bybit-exchange.github.io/docs/v5/intro: a unified account."""

    name = "bybit"
    is_unified = True

    def _key(self, params: Params) -> Any:
        made = self.forms("key")
        made["result"]["uta"] = int(self.is_unified)
        return made

    def checked(self, call: Call) -> Params:
        route = self._routes().get(f"{call.method} {call.path}")
        if route is None:
            self.problems.append(f"no {call.method} {call.path}")
            raise RefusedError(10404, f"no {call.method} {call.path}", 404)
        if call.method == "POST":
            raw, params = call.body, json.loads(call.body)
            wrong = [
                name for name, value in params.items() if not isinstance(value, str | bool | int)
            ]
            if wrong:
                self.problems.append(f"{wrong} are neither texts nor numbers")
        else:
            raw, params = call.query, dict(parse_qsl(call.query, keep_blank_values=True))
        self._fits(params, route[1], 10001)
        if call.path.startswith("/v5/market/"):
            return params
        if params.get("category") not in (None, self._category):
            self.problems.append(f"category {params['category']} on {self.book.kind}")
        if call.headers.get("X-BAPI-API-KEY") != KEY:
            raise RefusedError(10003, "API key is invalid.")
        stamp, window = call.headers["X-BAPI-TIMESTAMP"], call.headers["X-BAPI-RECV-WINDOW"]
        if call.headers["X-BAPI-SIGN"] != hmac_of(f"{stamp}{KEY}{window}{raw}"):
            raise RefusedError(
                10004, "error sign! please check your signature generation algorithm."
            )
        now = self.book.now_ms()
        if not now - int(window) <= int(stamp) < now + 1_000:
            raise RefusedError(10002, "invalid request, please check your server timestamp")
        return params

    @property
    def _category(self) -> str:
        return "spot" if self.book.kind == "spot" else "linear"

    def _routes(self) -> dict[str, Route]:
        named = frozenset({"category", "symbol", "orderId", "orderLinkId", "orderFilter"})
        listed = named | {"baseCoin", "settleCoin", "openOnly", "limit", "cursor", "startTime",
                          "endTime", "orderStatus"}  # fmt: skip
        return {
            "GET /v5/market/time": (Bybit._time, frozenset()),
            "GET /v5/market/instruments-info": (Bybit._instruments, frozenset(
                {"category", "symbol", "status", "baseCoin", "limit", "cursor"})),
            "GET /v5/market/kline": (Bybit._bars, frozenset(
                {"category", "symbol", "interval", "start", "end", "limit"})),
            "GET /v5/market/risk-limit": (Bybit._risk_limits, frozenset(
                {"category", "symbol", "cursor"})),
            "GET /v5/user/query-api": (Bybit._key, frozenset()),
            "GET /v5/account/info": (lambda s, p: s.forms("account"), frozenset()),
            "POST /v5/order/create": (Bybit._new, frozenset({
                "category", "symbol", "isLeverage", "side", "orderType", "qty", "marketUnit",
                "price", "timeInForce", "positionIdx", "orderLinkId", "reduceOnly",
            })),
            "POST /v5/order/amend": (Bybit._change, frozenset(
                {"category", "symbol", "orderId", "orderLinkId", "qty", "price"})),
            "POST /v5/order/cancel": (Bybit._cancel, named),
            "GET /v5/order/realtime": (Bybit._open, listed),
            "GET /v5/order/history": (Bybit._history, listed),
            "GET /v5/execution/list": (Bybit._trades, listed | {"execType"}),
            "GET /v5/account/wallet-balance": (Bybit._wallet, frozenset({"accountType", "coin"})),
            "GET /v5/position/list": (Bybit._positions, listed),
        }  # fmt: skip

    def acted(self, call: Call, params: Params) -> Any:
        return self._routes()[f"{call.method} {call.path}"][0](self, params)

    def refused(self, refusal: RefusedError) -> tuple[int, Any]:
        status = refusal.status if refusal.status in (403, 404, 500) else 200
        return status, self.forms("refusal", retCode=refusal.code, retMsg=refusal.message)

    def _time(self, params: Params) -> Any:
        now = self.book.now_ms()
        made = self.forms("time", time=now)
        made["result"] = {"timeSecond": str(now // 1000), "timeNano": str(now * 1_000_000)}
        return made

    def _instruments(self, params: Params) -> Any:
        category = params["category"]
        made = self.forms(f"{'spot' if category == 'spot' else 'perpetual'} instruments")
        if category not in ("spot", "linear"):
            made["result"] = {**made["result"], "category": category, "list": []}
        return made

    def _risk_limits(self, params: Params) -> Any:
        return self.forms("risk limits")

    def _bars(self, params: Params) -> Any:
        first, step = int(params["start"]), 3_600_000
        stamps = range(first + -first % step, self.book.now_ms(), step)[: int(params["limit"])]
        made = self.forms("bars", time=self.book.now_ms())
        rows = [[str(ts), *self.forms("bar")[1:]] for ts in reversed(stamps)]
        made["result"] = {**made["result"], "category": params["category"], "list": rows}
        return made

    def _new(self, params: Params) -> Any:
        quantity, limit = Decimal(params["qty"]), params.get("price")
        price = None if limit is None else Decimal(limit)
        spot = self.book.kind == "spot"
        if spot and params["orderType"] == "Market" and params.get("marketUnit") != "baseCoin":
            self.problems.append("a market order of spot without marketUnit is in quote currency")
        if _is_off(quantity, "0.000001" if spot else "0.001"):
            raise RefusedError(170137 if spot else 10001, "Order volume decimal too long.")
        if price is not None and _is_off(price, "0.1"):
            raise RefusedError(170134 if spot else 10001, "Order price decimal too long.")
        if self.book.named(params["orderLinkId"]) is not None:
            raise RefusedError(170141 if spot else 110072, "OrderLinkedID is duplicate")
        order = self.book.place(
            client_id=params["orderLinkId"], side=params["side"].lower(),
            kind=params["orderType"].lower(), quantity=quantity, price=price,
            tif=params.get("timeInForce", "IOC" if price is None else "GTC"),
            reduce_only=bool(params.get("reduceOnly")),
        )  # fmt: skip
        return self._named("new order", order)

    def _named(self, form: str, order: Kept) -> Any:
        made = self.forms(form, time=self.book.now_ms())
        made["result"] = {"orderId": str(order.number), "orderLinkId": order.client_id}
        return made

    def _found(self, params: Params) -> Kept:
        spot = self.book.kind == "spot"
        order = self.book.named(params.get("orderLinkId", ""), params.get("orderId", ""))
        if order is None or order.state != "open":
            raise RefusedError(170213 if spot else 110001, "Order does not exist.")
        return order

    def _cancel(self, params: Params) -> Any:
        order = self._found(params)
        self.book.end(order)
        return self._named("cancel", order)

    def _change(self, params: Params) -> Any:
        order = self._found(params)
        order.quantity, order.price = Decimal(params["qty"]), Decimal(params["price"])
        order.updated_ms = self.book.now_ms()
        return self._named("changed order", order)

    def _row(self, order: Kept) -> Any:
        states = {
            "open": "PartiallyFilled" if order.filled else "New", "filled": "Filled",
            "cancelled": "PartiallyFilledCanceled" if order.filled else "Cancelled",
        }  # fmt: skip
        return self.forms(
            "order", orderId=str(order.number), orderLinkId=order.client_id,
            price=text(order.price or Decimal(0)), qty=text(order.quantity),
            side=order.side.capitalize(), orderStatus=states[order.state],
            avgPrice=text(PRICE) if order.filled else "", leavesQty=text(order.rest),
            cumExecQty=text(order.filled), cumExecValue=text(order.filled * PRICE),
            timeInForce=order.tif, orderType=order.kind.capitalize(),
            marketUnit="baseCoin" if self.book.kind == "spot" else "",
            reduceOnly=order.reduce_only, createdTime=str(order.created_ms),
            updatedTime=str(order.updated_ms),
        )  # fmt: skip

    def _listed(self, form: str, rows: list[Any], cursor: str = "") -> Any:
        made = self.forms(form, time=self.book.now_ms())
        made["result"] = {**made["result"], "category": self._category, "list": rows,
                          "nextPageCursor": cursor}  # fmt: skip
        return made

    def _open(self, params: Params) -> Any:
        """Open ones; by an id also the newest that are done."""
        if "orderLinkId" in params or "orderId" in params:
            one = self.book.named(params.get("orderLinkId", ""), params.get("orderId", ""))
            return self._listed("orders", [] if one is None else [self._row(one)])
        rows = [self._row(one) for one in self.book.orders if one.state == "open"]
        return self._listed("orders", rows)

    def _history(self, params: Params) -> Any:
        one = self.book.named(params.get("orderLinkId", ""), params.get("orderId", ""))
        done = one is not None and one.state != "open"
        return self._listed("orders", [self._row(one)] if one is not None and done else [])

    def _trades(self, params: Params) -> Any:
        found = [
            one for one in reversed(self.book.executions)
            if params.get("orderId") in (None, str(one.order.number))
            and params.get("orderLinkId") in (None, one.order.client_id)
        ]  # fmt: skip
        first, size = int(params.get("cursor", 0)), int(params.get("limit", 50))
        cursor = str(first + size) if len(found) > first + size else ""
        rows = [self._trade(one) for one in found[first : first + size]]
        return self._listed("trades", rows, cursor)

    def _trade(self, one: Execution) -> Any:
        return self.forms(
            "trade", orderType=one.order.kind.capitalize(), orderLinkId=one.order.client_id,
            side=one.order.side.capitalize(), orderId=str(one.order.number),
            execTime=str(one.at_ms), feeCurrency=one.fee_currency if self.book.kind == "spot" else "",
            execFee=text(one.fee), feeRate=text(FEE[self.book.kind]), execId=f"exec-{one.number}",
            execPrice=text(one.price), orderQty=text(one.order.quantity),
            execValue=text(one.quantity * one.price), execQty=text(one.quantity),
        )  # fmt: skip

    def _wallet(self, params: Params) -> Any:
        made = self.forms("wallet", time=self.book.now_ms())
        (account,) = made["result"]["list"]
        for row in account["coin"]:
            held = text(self.book.coins[row["coin"]])
            row["walletBalance"] = row["equity"] = held
        return made

    def _positions(self, params: Params) -> Any:
        held = self.book.position
        row = self.forms(
            "position", side="Buy" if held > 0 else "Sell" if held < 0 else "",
            size=text(abs(held)), avgPrice=text(PRICE) if held else "0",
            positionValue=text(abs(held) * PRICE),
        )  # fmt: skip
        return self._listed("positions", [row])


@asynccontextmanager
async def served(venue: LookAlike) -> AsyncIterator[str]:
    """The venue on a free port of this machine; gives its base address."""
    from aiohttp import web

    async def handle(request: web.Request) -> web.Response:
        status, body = venue.answer(Call(
            method=request.method, path=request.path, query=request.rel_url.raw_query_string,
            body=await request.text(), headers=request.headers,
        ))  # fmt: skip
        kind = "text/html" if body is HTML else "application/json"
        return web.Response(status=status, text=body, content_type=kind)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handle)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        host, port = runner.addresses[0][:2]
        yield f"http://{host}:{port}"
    finally:
        await runner.cleanup()
