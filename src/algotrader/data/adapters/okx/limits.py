"""How often OKX may be asked: the table of its limits.

The venue counts each call on its own (orders per instrument), so history never takes an order's
place; orders and amendments also share one limit of the whole account.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from algotrader.data.adapters.pacing import Counted, Limit, PacingGate, PacingLog

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


def counted(method: str, path: str, instrument: str) -> list[Counted]:
    """What a call counts against."""
    limit = LIMITS.get(path, UNLISTED)
    part = instrument if limit.per_instrument else ""
    found = [Counted(key=f"{method} {path} {part}", limit=limit)]
    if f"{method} {path}" in _COUNTED:
        found.append(Counted(key="orders", limit=ACCOUNT_ORDERS))
    return found


class LimitLog(PacingLog):
    """What OKX was asked lately."""

    def __init__(self) -> None:
        super().__init__(counted)


class LimitGate(PacingGate):
    """Waits until OKX may be asked."""

    def __init__(
        self,
        monotonic_s: Callable[[], float],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        super().__init__(counted, monotonic_s, sleep)
