"""Legs of one decision, as events tell of them: a part of the engine's state (R37)."""

from __future__ import annotations

from collections.abc import Container, Iterable
from dataclasses import dataclass
from decimal import Decimal

from algotrader.core.ids import OrderId, StrategyId
from algotrader.core.instants import utc_ms
from algotrader.core.orders import Intent, Order, OrderStatus, Purpose, Side
from algotrader.core.symbols import Symbol
from algotrader.execution.order_life import LiveOrder

ZERO = Decimal(0)
GroupKey = tuple[StrategyId, int, str]
"""Strategy, decision time in UTC ms, and the name it gave the group."""


@dataclass(slots=True)
class GroupLeg:
    """One leg: what was wanted of it, and what was given back of it since."""

    order_id: OrderId | None  # None: our own rules refused it
    instrument: Symbol
    side: Side
    total: Decimal
    given: Decimal = ZERO


class Groups:
    """Groups until their strategy's next slice, or longer while something of them is open.

    A fold of events, a part of the engine's state.
    """

    def __init__(self) -> None:
        self.legs: dict[GroupKey, list[GroupLeg]] = {}
        self.attempts: dict[OrderId, int] = {}  # to give back of an order

    def submitted(self, order: Order) -> None:
        intent = order.intent
        if intent.group is None:
            return
        if intent.purpose is Purpose.GROUP:
            for leg in self.legs.get(_key(intent, intent.group), ()):
                if leg.order_id == intent.parent:
                    leg.given += order.quantity
            if intent.parent is not None:
                self.attempts[intent.parent] = intent.attempt + 1
        elif intent.purpose is Purpose.ORDER:
            self._join(intent, order.order_id, order.quantity)

    def denied(self, intent: Intent) -> None:
        if intent.group is not None and intent.purpose is Purpose.ORDER:
            self._join(intent, None, intent.terms.quantity)

    def ended(self, live: LiveOrder) -> None:
        """What was to be given back and never reached the venue is still to be given back."""
        intent = live.order.intent
        if intent.group is None or intent.purpose is not Purpose.GROUP:
            return
        if live.status is OrderStatus.ABSENT:
            for leg in self.legs.get(_key(intent, intent.group), ()):
                if leg.order_id == intent.parent:
                    leg.given -= live.order.quantity

    def forget_over(self, strategies: Container[StrategyId], alive: Iterable[Intent]) -> None:
        """Let go of groups of some strategies: those of which no leg, and nothing that is given
        back, is among what is alive."""
        kept = {_key(intent, intent.group) for intent in alive if intent.group is not None}
        for key in list(self.legs):
            if key[0] in strategies and key not in kept:
                del self.legs[key]

    def _join(self, intent: Intent, order_id: OrderId | None, quantity: Decimal) -> None:
        leg = GroupLeg(order_id, intent.terms.instrument, intent.terms.side, quantity)
        self.legs.setdefault(_key(intent, intent.group or ""), []).append(leg)


def _key(intent: Intent, group: str) -> GroupKey:
    return intent.strategy, utc_ms(intent.decided_at), group
