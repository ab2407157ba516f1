"""What orders opened has stops of its size at the venue (R19), by the fills that were heard."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from tests.simulation.history import MAIN, History
from tests.simulation.model_venue import VenueOrder

from algotrader.core.events import OrderFilled, TradingMode
from algotrader.core.ids import OrderId
from algotrader.core.orders import PROTECTIVE, Purpose
from algotrader.core.symbols import Symbol
from algotrader.portfolio.sizing import whole_lots

ZERO: Final = Decimal(0)


def unguarded(history: History, symbol: Symbol) -> Iterator[str]:
    """What of a spot position has no stop, or one of another size."""
    venue = history.venue
    instrument = history.fold.settings.instruments[symbol]
    held = venue.positions([symbol])[symbol]
    for order_id, opened in opened_by_orders(history, symbol).items():
        quantity = whole_lots(min(opened, held), instrument.lot) * instrument.lot
        worth = quantity * venue.prices[symbol]
        if quantity < instrument.min_quantity or worth <= instrument.min_notional:
            continue  # dust (R9)
        stops = sum((one.rest for one in stops_of(history, order_id)), ZERO)
        if not quantity <= stops <= opened:
            yield f"R19: {opened} of order {order_id} is held, of {held}; its stops are of {stops}"


def opened_by_orders(history: History, symbol: Symbol) -> dict[OrderId, Decimal]:
    """What is left of what each order with a stop bought, in the order in which fills were heard.

    Its guards sold some of it; nothing is left once nothing is held.
    """
    orders, opened, held = history.venue.orders, dict[OrderId, Decimal](), ZERO
    lot = history.fold.settings.instruments[symbol].lot
    for event in history.rows():
        if not isinstance(event, OrderFilled) or event.fill.instrument != symbol:
            continue
        fill, order_id = event.fill, event.fill.order_id
        held += fill.signed_quantity
        if order_id is None:
            continue
        intent = orders[order_id].order.intent
        own = intent.protection is not None and intent.protection.has_stop
        if intent.purpose is Purpose.ORDER and own and fill.side.sign > 0:
            part = max(min(fill.quantity, held), ZERO)  # the rest closed a short
            opened[order_id] = opened.get(order_id, ZERO) + part
        elif intent.purpose in PROTECTIVE and intent.parent in opened:
            opened[intent.parent] -= fill.quantity
        if whole_lots(held, lot) <= 0:
            opened.clear()
    return opened


def stops_of(history: History, parent: OrderId) -> Iterator[VenueOrder]:
    """Stops of an order that are alive, and what is sold in the place of one."""
    for one in history.venue.alive.values():
        if one.order.intent.parent == parent and one.order.intent.purpose is Purpose.STOP_LOSS:
            yield one


@dataclass(slots=True)
class Bareness:
    """How long the same has had no stop while nothing happened that could excuse it."""

    within_ms: int
    since_ms: int | None = None
    calm: object = None

    def look(self, history: History, symbol: Symbol) -> Iterator[str]:
        """What is bare for longer than is allowed."""
        found, calm = next(unguarded(history, symbol), None), _calm(history)
        now_ms = history.venue.now_ms()
        if found is None or calm is None or calm != self.calm:
            self.since_ms = None if found is None or calm is None else now_ms
        elif self.since_ms is not None and now_ms - self.since_ms > self.within_ms:
            yield f"{found}, for {now_ms - self.since_ms} ms"
        self.calm = calm


def _calm(history: History) -> object:
    """What stays the same while nobody does anything; None while something is in doubt."""
    if history.steps is None or history.ready_ms is None:
        return None
    state, venue = history.steps.engine.state, history.venue
    ours = [(one.order.order_id, one.quantity, one.filled) for one in state.orders.open(MAIN)]
    theirs = [(one.order.order_id, one.quantity, one.filled) for one in venue.alive.values()]
    trades = state.modes[MAIN] is TradingMode.TRADING
    if not trades or sorted(ours) != sorted(theirs):
        return None
    return history.starts, len(venue.fills), len(venue.orders), sum(venue.received.values())
