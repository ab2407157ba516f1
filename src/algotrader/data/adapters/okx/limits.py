"""How often OKX may be asked: the table of its limits and a gate that obeys it.

The venue counts each call on its own (orders per instrument), so history never takes an order's
place; orders and amendments also share one limit of the whole account.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """At most `calls` in each window of `window_s` seconds."""

    calls: int
    window_s: float = 2.0
    per_instrument: bool = False


LIMITS: Final[dict[str, Limit]] = {
    "trade/order": Limit(calls=60, per_instrument=True),
    "trade/cancel-order": Limit(calls=60, per_instrument=True),
    "trade/amend-order": Limit(calls=60, per_instrument=True),
    "trade/cancel-batch-orders": Limit(calls=15, per_instrument=True),  # 300 orders, 20 a call
    "trade/orders-pending": Limit(calls=60),
    "trade/orders-history": Limit(calls=40),
    "trade/orders-history-archive": Limit(calls=20),
    "trade/fills": Limit(calls=60),
    "trade/fills-history": Limit(calls=10),
    "trade/order-algo": Limit(calls=20),
    "trade/cancel-algos": Limit(calls=20),
    "trade/amend-algos": Limit(calls=20),
    "trade/orders-algo-pending": Limit(calls=20),
    "trade/orders-algo-history": Limit(calls=20),
    "trade/cancel-all-after": Limit(calls=1, window_s=1.0),
    "account/balance": Limit(calls=10),
    "account/positions": Limit(calls=10),
    "account/config": Limit(calls=5),
    "account/trade-fee": Limit(calls=5),
    "account/leverage-info": Limit(calls=20),
    "account/set-leverage": Limit(calls=20),
    "account/set-position-mode": Limit(calls=5),
    "account/bills": Limit(calls=5, window_s=1.0),
    "account/bills-archive": Limit(calls=5),
    "market/candles": Limit(calls=40),
    "market/history-candles": Limit(calls=20),
    "market/trades": Limit(calls=100),
    "market/ticker": Limit(calls=20),
    "market/tickers": Limit(calls=20),
    "public/instruments": Limit(calls=20),
    "public/funding-rate": Limit(calls=10),
    "public/funding-rate-history": Limit(calls=10),
    "public/mark-price": Limit(calls=10),
    "public/position-tiers": Limit(calls=10),
    "public/time": Limit(calls=10),
    "system/status": Limit(calls=1, window_s=5.0),
}
UNLISTED: Final = Limit(calls=2)
ACCOUNT_ORDERS: Final = Limit(calls=1000)
_COUNTED: Final = frozenset({"POST trade/order", "POST trade/amend-order"})
_SHARE: Final = 0.9  # of a limit that we use: the venue's windows need not begin with ours


class LimitLog:
    """What was asked lately. Pure: the caller says what time it is, in monotonic seconds."""

    def __init__(self) -> None:
        self._asked: dict[str, deque[float]] = {}
        self._held: dict[str, float] = {}

    def wait_s(self, method: str, path: str, instrument: str, now_s: float) -> float:
        """How long a call has to wait; 0 if it may go out now."""
        return max(
            self._until(key, limit, now_s) - now_s for key, limit in _keys(method, path, instrument)
        )

    def note(self, method: str, path: str, instrument: str, now_s: float) -> None:
        """A call goes out."""
        for key, _ in _keys(method, path, instrument):
            self._asked.setdefault(key, deque()).append(now_s)

    def hold(self, method: str, path: str, instrument: str, until_s: float) -> None:
        """The venue refused for too many calls: none of these before `until_s`."""
        key, _ = _keys(method, path, instrument)[0]
        self._held[key] = until_s

    def _until(self, key: str, limit: Limit, now_s: float) -> float:
        asked = self._asked.setdefault(key, deque())
        while asked and asked[0] <= now_s - limit.window_s:
            asked.popleft()
        most = max(int(limit.calls * _SHARE), 1)
        free = now_s if len(asked) < most else asked[-most] + limit.window_s
        return max(free, self._held.get(key, now_s), now_s)


class LimitGate:
    """Waits until a call may go out. One per account, shared by all who ask for it."""

    def __init__(
        self,
        monotonic_s: Callable[[], float],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._log = LimitLog()
        self._monotonic_s = monotonic_s
        self._sleep = sleep

    async def enter(self, method: str, path: str, instrument: str) -> None:
        while (wait := self._log.wait_s(method, path, instrument, self._monotonic_s())) > 0:
            await self._sleep(wait)
        self._log.note(method, path, instrument, self._monotonic_s())

    def refused(self, method: str, path: str, instrument: str) -> None:
        """Code 50011 or 50061 came back: sit out one window."""
        window_s = LIMITS.get(path, UNLISTED).window_s
        self._log.hold(method, path, instrument, self._monotonic_s() + window_s)


def _keys(method: str, path: str, instrument: str) -> list[tuple[str, Limit]]:
    limit = LIMITS.get(path, UNLISTED)
    part = instrument if limit.per_instrument else ""
    found = [(f"{method} {path} {part}", limit)]
    if f"{method} {path}" in _COUNTED:
        found.append(("orders", ACCOUNT_ORDERS))
    return found
