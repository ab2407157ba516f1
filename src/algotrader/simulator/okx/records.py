"""What the venue remembers, and for how long."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal

from algotrader.core.timeframes import DAY_MS, HOUR_MS
from algotrader.simulator.okx.orders import Algo, AlgoState, Fill, Order, State
from algotrader.simulator.okx.wallet import Held

UNFILLED_KEPT_MS = 2 * HOUR_MS  # a cancelled order without a fill
HISTORY_MS = 7 * DAY_MS
ARCHIVE_MS = 90 * DAY_MS
FILLS_MS = 3 * DAY_MS


@dataclass(frozen=True, slots=True, kw_only=True)
class Bill:
    """One change of a balance."""

    bill_id: str
    at_ms: int
    kind: str  # type and sub-type as the venue numbers them
    sub_kind: str
    currency: str
    change: Decimal
    balance: Decimal
    inst_id: str = ""
    inst_type: str = ""
    order_id: str = ""
    client_id: str = ""
    size: Decimal = Decimal(0)
    price: Decimal | None = None
    fee: Decimal = Decimal(0)
    pnl: Decimal = Decimal(0)
    exec_type: str = ""
    mode: str = ""


@dataclass(slots=True)
class Records:
    """Every order, fill, algo order and bill; look-ups answer as of a time."""

    orders: dict[str, Order] = field(default_factory=dict)
    latest: dict[str, Order] = field(default_factory=dict)  # by client id
    fills: list[Fill] = field(default_factory=list)
    algos: dict[str, Algo] = field(default_factory=dict)
    bills: list[Bill] = field(default_factory=list)
    ended: list[Held] = field(default_factory=list)  # positions that became flat
    working: dict[str, Order] = field(default_factory=dict)  # open ones, oldest first
    waiting: dict[str, Algo] = field(default_factory=dict)  # live algo orders, oldest first

    def add(self, order: Order) -> None:
        self.orders[order.order_id] = order
        if order.asked.client_id:
            self.latest[order.asked.client_id] = order
        self.working[order.order_id] = order

    def add_algo(self, algo: Algo) -> None:
        self.algos[algo.algo_id] = algo
        self.waiting[algo.algo_id] = algo

    def settle(self, order: Order) -> None:
        """An order reached its final state."""
        self.working.pop(order.order_id, None)

    def settle_algo(self, algo: Algo) -> None:
        self.waiting.pop(algo.algo_id, None)

    def find(self, order_id: str, client_id: str, now: int) -> Order | None:
        """By the venue's id or, the latest one, by the client's; None once it is forgotten."""
        order = self.orders.get(order_id) if order_id else self.latest.get(client_id)
        return order if order is not None and is_remembered(order, now) else None

    def find_algo(self, algo_id: str, client_id: str) -> Algo | None:
        if algo_id:
            return self.algos.get(algo_id)
        found = [a for a in self.algos.values() if client_id and a.asked.client_id == client_id]
        return found[-1] if found else None

    def is_pending(self, client_id: str) -> bool:
        """Whether an order or algo order that is not done carries this id."""
        order = self.latest.get(client_id)
        return (order is not None and order.is_open) or any(
            algo.asked.client_id == client_id for algo in self.waiting.values()
        )

    def pending(self, inst_id: str | None = None) -> list[Order]:
        """Open orders, oldest first."""
        return [o for o in self.working.values() if inst_id in (None, o.asked.inst_id)]

    def done(self, now: int, kept_ms: int) -> Iterator[Order]:
        """Final orders not yet forgotten, newest first."""
        for order in reversed(self.orders.values()):
            if not order.is_open and now - order.updated_ms < kept_ms and is_remembered(order, now):
                yield order

    def live_algos(self, inst_id: str | None = None) -> list[Algo]:
        return [a for a in self.waiting.values() if inst_id in (None, a.asked.inst_id)]

    def done_algos(self) -> Iterator[Algo]:
        return (a for a in reversed(self.algos.values()) if a.state is not AlgoState.LIVE)


def is_remembered(order: Order, now: int) -> bool:
    """A cancelled order nobody filled disappears after two hours, others after three months."""
    age = now - order.updated_ms
    if order.state is State.CANCELED and not order.filled:
        return age < UNFILLED_KEPT_MS
    return order.is_open or age < ARCHIVE_MS
