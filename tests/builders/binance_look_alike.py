"""A small HTTP server that answers like Binance spot: exchangeInfo, klines, time, its limits."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from threading import Event
from typing import Any

from tests.builders.loopback import Reply, serving_on_loopback

HOUR_MS = 3_600_000
LIMIT = 1000  # bars that one answer holds at most
BTC_USDT: dict[str, Any] = {
    "symbol": "BTCUSDT", "status": "TRADING", "baseAsset": "BTC", "baseAssetPrecision": 8,
    "quoteAsset": "USDT", "quotePrecision": 8, "quoteAssetPrecision": 8,
    "orderTypes": ["LIMIT", "MARKET"], "isSpotTradingAllowed": True,
    "isMarginTradingAllowed": False, "permissions": ["SPOT"], "permissionSets": [["SPOT"]],
    "filters": [
        {"filterType": "PRICE_FILTER", "minPrice": "0.01", "maxPrice": "1000000", "tickSize": "0.01"},
        {"filterType": "LOT_SIZE", "minQty": "0.00001", "maxQty": "9000", "stepSize": "0.00001"},
        {"filterType": "NOTIONAL", "minNotional": "5", "applyMinToMarket": True,
         "maxNotional": "9000000", "applyMaxToMarket": False, "avgPriceMins": 5},
    ],
}  # fmt: skip


@dataclass
class Venue:
    """Hourly bars of BTC/USDT in `[listed_ms, now_ms]`, the last one forming."""

    now_ms: int
    listed_ms: int
    absent: set[int] = field(default_factory=set)  # an outage
    most: int = LIMIT  # bars it really gives at once, whatever its documents say
    limited: list[str] = field(default_factory=list)  # Retry-After of answers 429 still to give
    asked: list[dict[str, str]] = field(default_factory=list)  # queries for bars
    asked_for: list[str] = field(default_factory=list)  # every path
    blocks_after: int | None = None  # answers for bars, after which it is silent until `free`
    blocked: Event = field(default_factory=Event)
    free: Event = field(default_factory=Event)

    def reply(self, path: str, query: dict[str, str], whole: str) -> Reply:
        self.asked_for.append(path)
        match path:
            case "/api/v3/time":
                return Reply(body={"serverTime": self.now_ms})
            case "/api/v3/exchangeInfo":
                return Reply(body={"timezone": "UTC", "symbols": [BTC_USDT]})
            case "/fapi/v1/exchangeInfo" | "/dapi/v1/exchangeInfo":
                return Reply(body={"timezone": "UTC", "symbols": []})
            case "/api/v3/klines":
                return self._klines(query)
        return Reply(status=404, body={"code": -1100, "msg": f"no path {whole}"})

    def _klines(self, query: dict[str, str]) -> Reply:
        if self.limited:
            wait = {"Retry-After": self.limited.pop(0)}
            return Reply(status=429, headers=wait, body={"code": -1003, "msg": "Too many requests"})
        if self.blocks_after is not None and len(self.asked) >= self.blocks_after:
            self.blocked.set()
            self.free.wait(60)
        self.asked.append(query)
        first = max(int(query["startTime"]), self.listed_ms)
        stamps = range(first + -first % HOUR_MS, self.now_ms + 1, HOUR_MS)
        held = [ts for ts in stamps if ts not in self.absent]
        return Reply(body=[self._bar(ts) for ts in held[: min(int(query["limit"]), self.most)]])

    def _bar(self, ts: int) -> list[Any]:
        close = 40_000 + ts // HOUR_MS % 97
        return [ts, f"{close - 1}", f"{close + 5}", f"{close - 5}", f"{close}", "12.5",
                ts + HOUR_MS - 1, f"{12.5 * close}", 42, "6", "240000", "0"]  # fmt: skip


def serving(venue: Venue) -> AbstractContextManager[str]:
    """The venue on a free port of this machine; gives its base address."""
    return serving_on_loopback(venue.reply)
