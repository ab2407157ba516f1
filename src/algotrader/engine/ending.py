"""Ends orders whose time is over, where the venue ends none by itself (R21).

A GTD order ends at its time, a DAY order with the UTC day that the bar after its decision opens in:
what we trade live never closes. The timer is journaled when it fires; one that died with its process
is set again at the start.
"""

from __future__ import annotations

from typing import Final

from algotrader.core.events import TimerFired
from algotrader.core.ids import OrderId
from algotrader.core.instants import utc_ms
from algotrader.core.orders import Order, OrderStatus, TimeInForce
from algotrader.core.timeframes import DAY_MS
from algotrader.engine.commands import SetTimer
from algotrader.engine.sending import Sender
from algotrader.engine.step import Step
from algotrader.execution.order_life import LiveOrder

END: Final = "end:"
_AGAIN_MS: Final = 30_000  # a cancel may be refused, or lost
_NOT_KNOWN: Final = (OrderStatus.PENDING, OrderStatus.UNKNOWN)


class Ender:
    """Sets a timer with each order that has a time, and cancels what lives on then."""

    def __init__(self, step: Step, sender: Sender) -> None:
        self._step = step
        self._sender = sender
        if step.settings.ends_orders:
            sender.sent = self.watch

    def watch(self, live: LiveOrder, now_ms: int) -> None:
        """Set its timer; at once if its time passed while nobody was there."""
        ends_ms = _ends_ms(live.order)
        if ends_ms is not None and self._step.settings.ends_orders:
            self._wake(live.order.order_id, max(ends_ms, now_ms))

    def woken(self, event: TimerFired) -> None:
        if not event.name.startswith(END):
            return
        order_id = OrderId(event.name.removeprefix(END))
        orders = self._step.state.orders
        if order_id not in orders or orders[order_id].is_final:
            return
        live = orders[order_id]
        # Of one in doubt it is found out first whether it ever arrived: a cancel would hide that.
        if live.may_be_cancelled and live.status not in _NOT_KNOWN:
            self._sender.cancel(live, event.ts_known, "its time is over")
        self._wake(order_id, event.ts_known + _AGAIN_MS)

    def _wake(self, order_id: OrderId, at_ms: int) -> None:
        self._step.do(SetTimer(name=f"{END}{order_id}", at_ms=at_ms))


def _ends_ms(order: Order) -> int | None:
    """UTC ms; None where it lives until it is cancelled, or not at all."""
    terms = order.terms
    if terms.expires_at is not None:
        return utc_ms(terms.expires_at)
    if terms.tif is TimeInForce.DAY:
        return (utc_ms(order.intent.decided_at) // DAY_MS + 1) * DAY_MS
    return None
