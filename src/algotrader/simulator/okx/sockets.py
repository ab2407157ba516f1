"""The WebSocket side: one session per connection, its login, its subscriptions, its pushes."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from algotrader.core.timeframes import HOUR_MS
from algotrader.simulator.okx import account_rows, books, candles, public_calls
from algotrader.simulator.okx.api import Api
from algotrader.simulator.okx.books import Book
from algotrader.simulator.okx.desk import Desk
from algotrader.simulator.okx.limits import RateLimits
from algotrader.simulator.okx.market import Market
from algotrader.simulator.okx.refusals import Refusal
from algotrader.simulator.okx.rows import ticker_row
from algotrader.simulator.okx.signing import check_login
from algotrader.simulator.okx.venue import Event

PUBLIC_CHANNELS: Final = frozenset({
    "tickers", "trades", "books", "books5", "bbo-tbt", "mark-price", "funding-rate",
    "instruments", "status",
})  # fmt: skip
PRIVATE_CHANNELS: Final = frozenset({"account", "positions", "orders"})
BUSINESS_CHANNELS: Final = frozenset({"orders-algo", "algo-advance"})
_CANDLE, _MARK_CANDLE = "candle", "mark-price-candle"
_BY_INSTRUMENT: Final = frozenset({
    "tickers", "trades", "books", "books5", "bbo-tbt", "mark-price", "funding-rate",
})  # fmt: skip
_REQUESTS_AN_HOUR = 480
_DEPTH = {"books": books.LEVELS, "books5": 5, "bbo-tbt": 1}
_FIELDS = frozenset({"channel", "instId", "instType", "instFamily", "uly", "ccy", "algoId",
                     "extraParams", "sprdId"})  # fmt: skip
Arg = Mapping[str, Any]


class Push(NamedTuple):
    """A text for one subscription."""

    channel: str
    text: str


@dataclass(slots=True)
class _Followed:
    """A book as one subscriber has it."""

    seen: Book
    number: int = 1000


@dataclass(slots=True)
class Session:
    """One connection. Texts come in by `receive` and go out as lists; there is no I/O here."""

    kind: str  # public, private or business
    api: Api
    number: int = 0
    own: Desk | None = None  # of the account whose key logged in
    is_closed: bool = False
    is_mute: bool = False  # a fault: connected, and silent
    _args: dict[str, Arg] = field(default_factory=dict)
    _books: dict[str, _Followed] = field(default_factory=dict)
    _limits: RateLimits = field(default_factory=RateLimits)

    def receive(self, message: str, at_ms: int) -> list[str]:
        """What goes back at once. After a failed login `is_closed` is True."""
        if message == "ping":
            return ["pong"]
        try:
            asked = json.loads(message)
            operation, args = asked["op"], asked.get("args", [])
        except (json.JSONDecodeError, KeyError, TypeError):
            return [self._error(Refusal("60012", message))]
        try:
            self._limits.take("requests", at_ms, _REQUESTS_AN_HOUR, HOUR_MS, code="60014")
            if operation == "login":
                return [self._login(args, at_ms)]
            if operation == "subscribe":
                return [text for arg in args for text in self._subscribe(arg)]
            if operation == "unsubscribe":
                return [self._unsubscribe(arg) for arg in args]
        except Refusal as refusal:
            self.is_closed = operation == "login"
            return [self._error(refusal)]
        return [self._error(Refusal("60012", message))]

    def push(self, events: Sequence[Event]) -> list[Push]:
        """What subscribers of this session hear of events, in their order."""
        return [Push(str(arg["channel"]), text) for event in events for arg in self._args.values()
                for text in self._heard(event, arg)]  # fmt: skip

    @property
    def desk(self) -> Desk:
        return self.own or self.api.desk

    @property
    def key(self) -> str:
        """The API key that logged in, "" before."""
        return "" if self.own is None else self.own.credentials.key

    @property
    def subscriptions(self) -> list[Arg]:
        """What this connection listens to, in the order it asked."""
        return list(self._args.values())

    def _login(self, args: list[dict[str, str]], at_ms: int) -> str:
        if not args:
            raise Refusal("60012", "login")
        desk = self.api.desk_of(str(args[0].get("apiKey", "")))
        check_login(args[0], desk.credentials, self.api.clocks(at_ms))
        self.own = desk
        return _text({"event": "login", "code": "0", "msg": "", "connId": self._name})

    @property
    def _name(self) -> str:
        return f"{self.number:08x}"

    def _subscribe(self, arg: Arg) -> list[str]:
        channel = self._checked(arg)
        key = _key(arg)
        replied = [_text({"event": "subscribe", "arg": arg})]
        self._args[key] = arg
        self._books.pop(key, None)
        return replied + self._first(channel, arg)

    def _checked(self, arg: Arg) -> str:
        if not isinstance(arg, Mapping) or not set(arg) <= _FIELDS:
            raise Refusal("60012", _text(arg))
        channel = str(arg.get("channel", ""))
        is_candle = channel.startswith((_CANDLE, _MARK_CANDLE))
        own = {"public": PUBLIC_CHANNELS, "private": PRIVATE_CHANNELS}.get(
            self.kind, BUSINESS_CHANNELS
        )
        if channel not in own and not (is_candle and self.kind == "business"):
            raise Refusal("60018", f"channel:{channel}")
        if channel in PRIVATE_CHANNELS | BUSINESS_CHANNELS and self.own is None:
            raise Refusal("60011")
        if channel in _BY_INSTRUMENT or is_candle:
            named = str(arg.get("instId", ""))
            if named not in self.desk.venue.markets:
                raise Refusal("60018", f"channel:{channel},instId:{named}")
        if is_candle:
            self._frame(channel, arg)
        return channel

    def _frame(self, channel: str, arg: Arg) -> tuple[int, int]:
        """Length and offset of a candle channel; 60018 if there is no such candle."""
        bar = channel.removeprefix(_MARK_CANDLE).removeprefix(_CANDLE)
        try:
            return candles.check_frame(self._market(arg), bar)
        except Refusal as refusal:
            raise Refusal("60018", f"channel:{channel}") from refusal

    def _unsubscribe(self, arg: Arg) -> str:
        self._args.pop(_key(arg), None)
        self._books.pop(_key(arg), None)
        return _text({"event": "unsubscribe", "arg": arg})

    def _error(self, refusal: Refusal) -> str:
        return _text({"event": "error", "msg": refusal.text, "code": refusal.code,
                      "connId": self._name})  # fmt: skip

    def _market(self, arg: Arg) -> Market:
        return self.desk.market(str(arg["instId"]))

    def _first(self, channel: str, arg: Arg) -> list[str]:
        """What a new subscriber is sent at once."""
        venue = self.desk.venue
        if channel == "instruments":
            listed = [m.listing.row() for m in venue.markets.values()
                      if arg.get("instType") in (None, m.listing.inst_type)]  # fmt: skip
            return [_push(arg, listed)]
        if channel in ("account", "positions"):
            return self._account(channel, arg, None)
        if "instId" in arg and channel not in ("orders", *BUSINESS_CHANNELS):
            return self._quoted(arg)
        return []

    def _heard(self, event: Event, arg: Arg) -> list[str]:
        channel = str(arg["channel"])
        if event.topic in ("orders", *BUSINESS_CHANNELS):
            wanted = event.topic == channel and _fits(arg, event)
            return [_push(arg, [event.data])] if wanted else []
        if event.topic in ("account", "positions"):
            wanted = event.topic == channel and _fits(arg, event)
            return self._account(channel, arg, event) if wanted else []
        if event.topic == "instruments":
            wanted = channel == "instruments" and _fits(arg, event)
            return [_push(arg, [event.data])] if wanted else []
        if event.inst_id != arg.get("instId"):
            return []
        if event.topic == "candle":
            return self._closed(channel, arg, event)
        if event.topic == "trade":
            return [_push(arg, [event.data])] if channel == "trades" else []
        return self._quoted(arg)

    def _account(self, channel: str, arg: Arg, event: Event | None) -> list[str]:
        venue = self.desk.venue
        if channel == "account":
            only = (str(arg["ccy"]),) if arg.get("ccy") else ()
            return [_push(arg, [account_rows.balance_row(venue, only, pushed=True)])]
        if event is None:
            held = list(venue.wallet.open_positions())
        else:
            held = [venue.wallet.held[event.data]] if event.data in venue.wallet.held else []
        fitting = [h for h in held if arg.get("instId") in (None, h.key.inst_id)]
        return [_push(arg, [account_rows.position_row(venue, h) for h in fitting])]

    def _quoted(self, arg: Arg) -> list[str]:
        """What a moved price means to a subscription of its instrument."""
        channel, market, now = str(arg["channel"]), self._market(arg), self.desk.now
        if channel == "tickers":
            return [_push(arg, [ticker_row(market, candles.day(market, now), int(now))])]
        if channel == "mark-price":
            return [_push(arg, [public_calls.mark_row(market, now)])]
        if channel == "funding-rate" and not market.listing.is_spot:
            return [_push(arg, [public_calls.funding_row(market, now)])]
        if channel in _DEPTH:
            return self._book(channel, arg, market)
        if channel.startswith((_CANDLE, _MARK_CANDLE)):
            length, offset = self._frame(channel, arg)
            return self._candle(arg, market, (int(now) - offset) // length * length + offset)
        return []

    def _closed(self, channel: str, arg: Arg, event: Event) -> list[str]:
        """A base bar closed: so may have the candle it belongs to."""
        if not channel.startswith((_CANDLE, _MARK_CANDLE)):
            return []
        market = self._market(arg)
        length, offset = self._frame(channel, arg)
        end = event.data.ts + market.feed.timeframe_ms
        if (end - offset) % length:
            return []
        return self._candle(arg, market, end - length)

    def _candle(self, arg: Arg, market: Market, ts: int) -> list[str]:
        channel = str(arg["channel"])
        mark = channel.startswith(_MARK_CANDLE)
        length, _ = self._frame(channel, arg)
        made = candles.candle_at(market, ts, length, self.desk.now, mark=mark)
        return [] if made is None else [_push(arg, [candles.candle_row(market, made, mark=mark)])]

    def _book(self, channel: str, arg: Arg, market: Market) -> list[str]:
        """A snapshot first, then changes; the short books are always whole."""
        now = books.book(market, _DEPTH[channel])
        stamp = {"ts": str(self.desk.exchange.now_ms)}
        followed = self._books.get(_key(arg))
        if followed is None:
            followed = self._books[_key(arg)] = _Followed(now)
            previous, asks, bids = -1, now.asks, now.bids
        else:
            asks = books.changes(followed.seen.asks, now.asks)
            bids = books.changes(followed.seen.bids, now.bids)
            if not asks and not bids:
                return []
            previous = followed.number
            followed.seen, followed.number = now, followed.number + 1
        if channel != "books":
            whole = {"asks": now.asks, "bids": now.bids} | stamp
            return [_push(arg, [whole | {"seqId": followed.number}])]
        row: dict[str, Any] = {"asks": asks, "bids": bids} | stamp
        row |= {"checksum": books.checksum(*now), "prevSeqId": previous, "seqId": followed.number}
        action = "snapshot" if previous == -1 else "update"
        return [_text({"arg": arg, "action": action, "data": [row]})]


def _fits(arg: Arg, event: Event) -> bool:
    kind = arg.get("instType")
    if kind not in (None, "ANY", event.inst_type) and event.inst_type:
        return False
    return arg.get("instId") in (None, "", event.inst_id)


def _push(arg: Arg, data: list[Any]) -> str:
    return _text({"arg": arg, "data": data})


def _text(message: Any) -> str:
    return json.dumps(message, separators=(",", ":"))


def _key(arg: Arg) -> str:
    return json.dumps(dict(arg), sort_keys=True)
