"""A small HTTP server that answers like OKX: instruments, candles, marks, funding, time."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlparse

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
        }
    ],
}  # fmt: skip


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
    forming_is_last: bool = True

    def candles(self, query: dict[str, str]) -> list[list[str]]:
        step = BARS_MS[query["bar"]]
        after, before = int(query.get("after", 1 << 60)), int(query.get("before", 0))
        last = self.now_ms - self.now_ms % step  # the bar that still forms
        stamps = range(max(self.first_ms, (before // step) * step), last + 1, step)
        held = [ts for ts in stamps if before < ts < after and ts not in self.absent]
        return [self._candle(ts, ts == last, step) for ts in held[::-1][: int(query["limit"])]]

    def _candle(self, ts: int, forming: bool, step: int) -> list[str]:
        close = self.prices.get(ts, 40_000 + ts // step % 97)
        high, low = close + 5, close - 5
        if ts in self.bad_highs:
            high, low = low, high
        return [str(ts), str(close - 1), str(high), str(low), str(close), "12.5", "0.5", "20000",
                "0" if forming else "1"]  # fmt: skip

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
            case "public/funding-rate-history":
                return self.funding(query)
        raise KeyError(path)


@contextmanager
def serving(venue: Venue) -> Iterator[str]:
    """The venue on a free port of this machine; gives its base address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            venue.asked.append(self.path)
            if venue.failures:
                venue.failures -= 1
                self._reply(500, b"{}")
                return
            url = urlparse(self.path)
            query = {name: values[0] for name, values in parse_qs(url.query).items()}
            try:
                data = venue.answer(url.path, query)
            except KeyError:
                self._reply(404, b'{"code":"404","msg":"no such path","data":[]}')
                return
            self._reply(200, json.dumps({"code": "0", "msg": "", "data": data}).encode())

        def _reply(self, status: int, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *arguments: Any) -> None:  # noqa: A002
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
