"""What bar-by-bar strategies were told and asked for: numbers of their orders, news for their hooks.

A fold of events, a part of the engine's state.
"""

from __future__ import annotations

from decimal import Decimal

from algotrader.core.events import AskedOrder, AskedTarget, StrategyAnswered
from algotrader.core.events.questions import Heard, HeardEnd, HeardFill
from algotrader.core.ids import OrderId, StrategyId
from algotrader.core.orders import Intent, Order, OrderStatus
from algotrader.core.symbols import Symbol
from algotrader.engine.protected import Place


class Talks:
    """Changed by the methods below alone, as events tell."""

    def __init__(self) -> None:
        self.orders: dict[StrategyId, dict[int, OrderId]] = {}  # by the strategy's own count
        self.next_number: dict[StrategyId, int] = {}
        self.heard: dict[StrategyId, list[Heard]] = {}  # since the last answer
        self.quantities: dict[Place, float] = {}  # `ctx.target(quantity=...)`, not yet acted on
        self._told: dict[StrategyId, int] = {}  # how much of `heard` the open question holds

    def asked(self, strategy: StrategyId) -> None:
        """A question goes out with all that was heard until now."""
        self._told[strategy] = len(self.heard.get(strategy, ()))

    def answered(self, event: StrategyAnswered) -> None:
        told = self._told.pop(event.strategy, 0)
        self.heard[event.strategy] = self.heard.get(event.strategy, [])[told:]
        for one in event.asked:
            if isinstance(one, AskedOrder):
                self.next_number[event.strategy] = one.number + 1
            elif isinstance(one, AskedTarget) and one.quantity is not None:
                self.quantities[event.strategy, one.instrument] = one.quantity
        for wanted in event.wanted:
            if wanted.target is not None:
                self.quantities.pop((event.strategy, wanted.instrument), None)

    def submitted(self, order: Order) -> None:
        number = order.intent.number
        if number is not None:
            self.orders.setdefault(order.strategy, {})[number] = order.order_id

    def denied(self, intent: Intent) -> None:
        if intent.number is not None:
            self._hear(intent.strategy, HeardEnd(
                instrument=intent.terms.instrument, number=intent.number, status="denied",
            ))  # fmt: skip

    def ended(self, order: Order, status: OrderStatus) -> None:
        number = order.intent.number
        if number is not None:
            self._hear(order.strategy, HeardEnd(
                instrument=order.instrument, number=number, status=status.value,
            ))  # fmt: skip

    def traded(
        self,
        strategy: StrategyId,
        symbol: Symbol,
        at_ms: int,
        order: Order | None,
        quantity: Decimal,
        price: Decimal,
        fee: Decimal,
        *,
        is_maker: bool,
        is_opening: bool,
    ) -> None:
        """A fill of the strategy's; without an order it was the venue's liquidation."""
        intent = None if order is None else order.intent
        number = None if intent is None else intent.number
        self._hear(strategy, HeardFill(
            instrument=symbol, ts=at_ms, number=-1 if number is None else number,
            quantity=float(quantity), price=float(price), fee=float(fee), is_maker=is_maker,
            reason="liquidation" if order is None else order.purpose_at(price).value,
            is_opening=is_opening,
        ))  # fmt: skip

    def _hear(self, strategy: StrategyId, heard: Heard) -> None:
        self.heard.setdefault(strategy, []).append(heard)
