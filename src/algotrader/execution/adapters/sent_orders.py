"""Orders that left this process: what an answer about an id is compared with.

Venues let the ids of done orders be used again, and show the latest order of an id. What is shown
is ours only if it trades our way and is not older than what we sent (F35). The size says nothing:
it may have been amended.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from algotrader.core.ids import OrderId
from algotrader.core.orders import Order

REMEMBERED: Final = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    order: Order
    at_ms: int  # by our clock

    def is_shown(self, *, side: str, created_ms: int, gap_ms: int, skew_ms: int) -> bool:
        """Whether a row is this order. `gap_ms`: the venue's clock less ours."""
        oldest_ms = self.at_ms + gap_ms - skew_ms
        return side == str(self.order.side) and created_ms >= oldest_ms


class SentOrders:
    """The last ten thousand orders of this process."""

    def __init__(self) -> None:
        self._sent: dict[OrderId, Sent] = {}

    def remember(self, order: Order, at_ms: int) -> None:
        self._sent[order.order_id] = Sent(order=order, at_ms=at_ms)
        while len(self._sent) > REMEMBERED:
            del self._sent[next(iter(self._sent))]  # the oldest

    def get(self, order_id: OrderId) -> Sent | None:
        return self._sent.get(order_id)

    def __contains__(self, order_id: object) -> bool:
        return order_id in self._sent
