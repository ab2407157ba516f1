"""What a person has stopped and the engine may not have heard of yet (F71).

A halt is a file first, then an event behind others, and those may wait for the disk. An order that
was approved before is looked at once more in the moment in which it would leave.
"""

from __future__ import annotations

from algotrader.core.events import Event, HaltRequested, RearmRequested, TradingMode
from algotrader.core.ids import AccountId, StrategyId
from algotrader.core.orders import Order
from algotrader.live.operator import Inbox
from algotrader.live.requests import Request

_Scope = tuple[AccountId | None, StrategyId | None]
"""An account, or all; and one strategy of it, or all."""


class Halts:
    """One per trader. Told what is handed in, and what the engine has taken."""

    def __init__(self, inbox: Inbox) -> None:
        self._inbox = inbox
        self._told: set[_Scope] = set()

    def told(self, event: Event) -> None:
        """Something was handed in; it may wait behind others."""
        if isinstance(event, HaltRequested):
            self._told.add((event.account, event.strategy))

    def taken(self, event: Event) -> None:
        """The engine has heard it: where a person lets go, its gate alone decides again."""
        if isinstance(event, RearmRequested) and self._told:
            let_go = (event.account, event.strategy)
            self._told = {one for one in self._told if not _meet(one, let_go)}

    def stops(self, order: Order) -> bool:
        """Whether an order may not leave. What only reduces always may. OSError: it is not known."""
        if order.terms.reduce_only:
            return False
        own = (order.account, order.strategy)
        return any(_meet(one, own) for one in self._told) or any(
            isinstance(asked, Request)
            and asked.mode is TradingMode.HALTED
            and _meet((asked.account, asked.strategy), own)
            for _, asked in self._inbox.waiting()
        )


def _meet(one: _Scope, other: _Scope) -> bool:
    """Whether two scopes have something in common."""
    return all(a is None or b is None or a == b for a, b in zip(one, other, strict=True))
