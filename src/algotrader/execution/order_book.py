"""All orders of a run that may be at a venue, and what of them still needs an answer."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from algotrader.core.events import OrderFilled, OrderSubmitted
from algotrader.core.ids import AccountId, OrderId
from algotrader.core.orders import OrderStatus
from algotrader.core.symbols import Symbol
from algotrader.execution.order_life import LiveOrder, OrderEvent


class OrderBook:
    """Orders by client id. Changed only by `submit` and `hear`, as the journal tells them."""

    def __init__(self) -> None:
        self._orders: dict[OrderId, LiveOrder] = {}
        self._open: dict[OrderId, None] = {}  # in the order in which they were submitted
        self._ended: dict[OrderId, None] = {}  # in the order in which they ended
        self.has_forgotten = False  # an order that is not here may have been

    def submit(self, event: OrderSubmitted) -> LiveOrder:
        """Take an order in. ValueError if its id was used before: one intent, one order."""
        order_id = event.order.order_id
        if order_id in self._orders:
            raise ValueError(f"order {order_id} was submitted before")
        self._orders[order_id] = LiveOrder.submitted(event)
        self._open[order_id] = None
        return self._orders[order_id]

    def hear(self, event: OrderEvent) -> LiveOrder:
        """The order after an event. KeyError for an order of somebody else."""
        order_id = event.fill.order_id if isinstance(event, OrderFilled) else event.order_id
        if order_id is None:
            raise KeyError("a fill of no order of ours")
        changed = self._orders[order_id].hear(event)
        self._orders[order_id] = changed
        if changed.is_final:
            self._open.pop(order_id, None)
            self._ended[order_id] = None
        return changed

    def forget(self, order_id: OrderId) -> None:
        """Let go of an order. KeyError for one that has not ended."""
        del self._ended[order_id]
        del self._orders[order_id]
        self.has_forgotten = True

    def ended(self) -> Collection[OrderId]:
        """Orders that are final, the one that ended first before the others."""
        return self._ended.keys()

    def __getitem__(self, order_id: OrderId) -> LiveOrder:
        return self._orders[order_id]

    def __contains__(self, order_id: object) -> bool:
        return order_id in self._orders

    def __len__(self) -> int:
        return len(self._orders)

    def all(self) -> Iterator[LiveOrder]:
        """Every order, the oldest first."""
        yield from self._orders.values()

    def open(
        self, account: AccountId | None = None, instrument: Symbol | None = None
    ) -> Iterator[LiveOrder]:
        """Orders that are not final, the oldest first."""
        for order_id in self._open:
            live = self._orders[order_id]
            if account is not None and live.order.account != account:
                continue
            if instrument is not None and live.order.instrument != instrument:
                continue
            yield live

    def has_doubt(self, account: AccountId, instrument: Symbol) -> bool:
        """Whether an order of the instrument is neither known to live nor to have ended."""
        return any(live.status is OrderStatus.UNKNOWN for live in self.open(account, instrument))
