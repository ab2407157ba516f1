"""A small HTTP server that answers like OKX: instruments, tiers, candles, marks, funding, time.

`python -m tests.builders.okx_look_alike DAYS` serves the last DAYS days until it is ended, for a try by hand.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any

from tests.builders.loopback import Reply, serving_on_loopback

BARS_MS = {"1m": 60_000, "1H": 3_600_000, "4H": 14_400_000, "1Dutc": 86_400_000}
COMMON = {
    "alias": "", "category": "1", "ctMult": "1", "expTime": "", "lever": "10", "optType": "",
    "listTime": "1548133413000", "state": "live", "stk": "", "uly": "",
    "maxLmtSz": "99999", "maxMktSz": "99999",
}  # fmt: skip
INSTRUMENTS = {
    "SPOT": [
        COMMON | {
            "instId": "BTC-USDT", "instType": "SPOT", "baseCcy": "BTC", "quoteCcy": "USDT",
            "settleCcy": "", "ctVal": "", "ctValCcy": "", "ctType": "", "tickSz": "0.1",
            "lotSz": "0.00000001", "minSz": "0.00001",
        }
    ],
    "SWAP": [
        COMMON | {
            "instId": "BTC-USDT-SWAP", "instType": "SWAP", "baseCcy": "", "quoteCcy": "",
            "settleCcy": "USDT", "ctVal": "0.01", "ctValCcy": "BTC", "ctType": "linear",
            "uly": "BTC-USDT", "instFamily": "BTC-USDT", "tickSz": "0.1", "lotSz": "1", "minSz": "1",
        },
        COMMON | {
            "instId": "BTC-USD-SWAP", "instType": "SWAP", "baseCcy": "", "quoteCcy": "",
            "settleCcy": "BTC", "ctVal": "100", "ctValCcy": "USD", "ctType": "inverse",
            "uly": "BTC-USD", "instFamily": "BTC-USD", "tickSz": "0.1", "lotSz": "1", "minSz": "1",
        },
    ],
}  # fmt: skip
TIERS = (  # contracts, maintenance rate, leverage
    ("0", "500", "0.004", "100"),
    ("500", "2000", "0.0075", "75"),
    ("2000", "6000", "0.02", "40"),
)


@dataclass
class Venue:
    """What the venue holds and how it misbehaves."""

    now_ms: int
    first_ms: int
    absent: set[int] = field(default_factory=set)  # bars nobody traded
    prices: dict[int, float] = field(default_factory=dict)  # odd closes
    bad_highs: set[int] = field(default_factory=set)  # bars whose high is below the low
    failures: int = 0  # answers of 500 still to give
    asked: list[str] = field(default_factory=list)
    hides_tiers: bool = False  # as venues do that tell them to key holders only

    def candles(self, query: dict[str, str]) -> list[list[str]]:
        step = BARS_MS[query["bar"]]
        after, before = int(query.get("after", 1 << 60)), int(query.get("before", 0))
        last = self.now_ms - self.now_ms % step  # the bar that still forms
        stamps = range(max(self.first_ms, (before // step) * step), last + 1, step)
        held = [ts for ts in stamps if before < ts < after and ts not in self.absent]
        inst = query["instId"]
        return [self._candle(inst, ts, ts == last, step)
                for ts in held[::-1][: int(query["limit"])]]  # fmt: skip

    def _candle(self, inst: str, ts: int, forming: bool, step: int) -> list[str]:
        close = self.prices.get(ts, 40_000 + ts // step % 97)
        high, low = close + 5, close - 5
        if ts in self.bad_highs:
            high, low = low, high
        # 0.5 coins: the volume in contracts, in coins and in quote currency
        contracts = {"BTC-USDT-SWAP": 50.0, "BTC-USD-SWAP": 0.5 * close // 100}.get(inst, 0.5)
        return [str(ts), str(close - 1), str(high), str(low), str(close), str(contracts), "0.5",
                str(0.5 * close), "0" if forming else "1"]  # fmt: skip

    def tiers(self, query: dict[str, str]) -> list[dict[str, str]]:
        return [
            {"instFamily": query["instFamily"], "instId": "", "uly": query["instFamily"],
             "tier": str(place + 1), "minSz": low, "maxSz": high, "mmr": mmr, "imr": "0.01",
             "maxLever": lever, "baseMaxLoan": "", "quoteMaxLoan": "", "optMgnFactor": "0"}
            for place, (low, high, mmr, lever) in enumerate(TIERS)
        ]  # fmt: skip

    def funding(self, query: dict[str, str]) -> list[dict[str, str]]:
        after, before = int(query.get("after", 1 << 60)), int(query.get("before", 0))
        step = 8 * 3_600_000
        stamps = [ts + 7 for ts in range(self.first_ms, self.now_ms, step)]  # 7 ms of jitter
        held = [ts for ts in stamps if before < ts < after][::-1][: int(query.get("limit", 100))]
        return [
            {"instType": "SWAP", "instId": query["instId"], "fundingRate": "0.0001",
             "realizedRate": "0.0001", "fundingTime": str(ts), "method": "current_period"}
            for ts in held
        ]  # fmt: skip

    def answer(self, path: str, query: dict[str, str]) -> Any:
        match path.removeprefix("/api/v5/"):
            case "public/time":
                return [{"ts": str(self.now_ms)}]
            case "public/instruments":
                return INSTRUMENTS[query["instType"]]
            case "market/candles" | "market/history-candles":
                return self.candles(query)
            case "market/mark-price-candles" | "market/history-mark-price-candles":
                return [row[:5] + row[-1:] for row in self.candles(query)]
            case "public/position-tiers":
                return self.tiers(query)
            case "market/ticker":
                return [{"instId": query["instId"], "last": "40000", "ts": str(self.now_ms)}]
            case "public/funding-rate-history":
                return self.funding(query)
        raise KeyError(path)

    def reply(self, path: str, query: dict[str, str], whole: str) -> Reply:
        self.asked.append(whole)
        if self.failures:
            self.failures -= 1
            return Reply(status=500, body={})
        if self.hides_tiers and path.endswith("position-tiers"):
            wrong = {"code": "50111", "msg": "Invalid OK-ACCESS-KEY", "data": []}
            return Reply(status=401, body=wrong)
        try:
            return Reply(body={"code": "0", "msg": "", "data": self.answer(path, query)})
        except KeyError:
            return Reply(status=404, body={"code": "404", "msg": "no such path", "data": []})


def serving(venue: Venue) -> AbstractContextManager[str]:
    """The venue on a free port of this machine; gives its base address."""
    return serving_on_loopback(venue.reply)


if __name__ == "__main__":
    import sys
    import time

    now = int(time.time() * 1000)
    day = 86_400_000
    with serving(Venue(now_ms=now, first_ms=now - now % day - int(sys.argv[1]) * day)) as base:
        print(base, flush=True)  # noqa: T201
        time.sleep(1e6)
