"""What a person asked of orders by hand, and what was answered.

A fold of events, a part of the engine's state.
"""

from __future__ import annotations

from algotrader.core.events import HandAction, HandAnswered
from algotrader.core.ids import OrderId
from algotrader.engine.forgetting import KEPT_ORDERS, newest


class AskedByHand:
    """Changed by the method below alone, as events tell."""

    def __init__(self) -> None:
        self.answers: dict[str, HandAnswered] = {}  # by request: asked again, it is not done again
        self.ended: dict[OrderId, None] = {}  # a person asked for their end

    def answered(self, event: HandAnswered) -> None:
        self.answers.setdefault(event.request, event)  # what came of it first is what it is
        self.answers = newest(self.answers, KEPT_ORDERS)
        if event.action is HandAction.CANCEL and event.is_accepted and event.order is not None:
            self.ended[event.order] = None
            self.ended = newest(self.ended, KEPT_ORDERS)
