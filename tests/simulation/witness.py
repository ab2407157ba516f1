"""What must hold at each event, looked at as it is written: nothing here can be made up for later."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Final

from algotrader.core.events import (
    BarClosed,
    Event,
    HaltRequested,
    HandAction,
    HandAmendRequested,
    HandAnswered,
    HandCancelRequested,
    HandOrderRequested,
    OrderFilled,
    OrderSubmitted,
    RearmRequested,
    RiskAction,
    RiskTripped,
    SliceClosed,
    StrategyAnswered,
)
from algotrader.core.ids import OrderId
from algotrader.core.instruments import Instrument
from algotrader.core.orders import Order, Purpose, Side
from algotrader.core.symbols import Symbol
from algotrader.execution.order_life import OrderEvent
from algotrader.portfolio.positions import ZERO

STALE_MS: Final = 120_000  # two bars


class Witness:
    """Fed with every step that became durable, over all lives of the process."""

    def __init__(self, instruments: dict[Symbol, Instrument]) -> None:
        self.broken: list[str] = []
        self.count = 0  # events that were written
        self.halts = 0
        self._instruments = instruments
        self._submitted: set[OrderId] = set()
        self._slices: set[int] = set()
        self._answers: set[int] = set()
        self._asked: set[str] = set()  # requests of orders by hand
        self._asked_ms: set[int] = set()  # when they were heard
        self._done: dict[str, OrderId] = {}  # by request, the order that came of it
        self._by_hand: set[OrderId] = set()  # orders that no answer named yet
        self._newest: dict[Symbol, int] = {}  # when each instrument's last bar became known
        self._held: dict[Symbol, Decimal] = {}
        self._booked: set[tuple[object, ...]] = set()
        self._halted = False

    def step(self, events: Sequence[Event]) -> None:
        """The events of one step, in their order."""
        self.count += len(events)
        for event in events:
            self._look(event)

    def placed(self, order: Order) -> None:
        """The venue received an order (P2)."""
        if order.order_id not in self._submitted:
            self.broken.append(f"P2: order {order.order_id} was sent and is in no durable row")

    def _look(self, event: Event) -> None:
        match event:
            case BarClosed():
                self._newest[event.instrument] = event.ts_known
            case SliceClosed():
                if event.decision_ts in self._slices:
                    self.broken.append(f"F66: slice {event.decision_ts} came twice")
                self._slices.add(event.decision_ts)
            case StrategyAnswered():
                if event.decision_ts not in self._slices:
                    self.broken.append(f"P17: an answer about {event.decision_ts} before its slice")
                self._answers.add(event.decision_ts)
            case HaltRequested():
                self.halts += 1
            case RiskTripped():
                self._halted |= event.action is RiskAction.HALT
            case RearmRequested():
                self._halted = False
            case HandOrderRequested() | HandAmendRequested() | HandCancelRequested():
                self._asked.add(event.request)
                self._asked_ms.add(event.ts_known)
            case HandAnswered():
                self._answered(event)
            case OrderSubmitted():
                self._sent(event)
            case OrderFilled():
                self._traded(event)
            case _ if isinstance(event, OrderEvent) and event.order_id not in self._submitted:
                self.broken.append(f"P17: {event.kind} of {event.order_id} before it was submitted")
            case _:
                pass

    def _sent(self, event: OrderSubmitted) -> None:
        order = event.order
        symbol, quantity = order.instrument, order.quantity
        if order.order_id in self._submitted:
            self.broken.append(f"P1: order id {order.order_id} was written twice")
        self._submitted.add(order.order_id)
        decided_ms = round(order.intent.decided_at.timestamp() * 1000)
        if order.intent.purpose is Purpose.OPERATOR and order.order_id not in self._done.values():
            self._by_hand.add(order.order_id)
        if decided_ms not in self._causes(order):
            self.broken.append(f"P17: order {order.order_id} before its decision")
        instrument = self._instruments[symbol]
        if quantity % instrument.lot or quantity < instrument.min_quantity:
            self.broken.append(f"P15: order {order.order_id} of {quantity} is no whole lots")
        if order.side is Side.SELL and quantity <= self._held.get(symbol, ZERO):
            return  # it only reduces, which is always allowed
        if self._halted:
            self.broken.append(f"P12: order {order.order_id} increases while the account is halted")
        age_ms = event.ts_known - self._newest.get(symbol, 0)
        if age_ms > STALE_MS:
            self.broken.append(f"P13: order {order.order_id} on a price {age_ms / 1000:g} s old")

    def _causes(self, order: Order) -> set[int]:
        """When something was decided that an order may come of; a guard has its opener's time."""
        if order.intent.purpose is Purpose.OPERATOR:
            return self._asked_ms
        return self._answers | self._asked_ms if order.intent.parent else self._answers

    def _answered(self, event: HandAnswered) -> None:
        """One order for one request, however often it was asked (P1)."""
        if event.request not in self._asked:
            self.broken.append(f"P17: an answer to {event.request} before it was asked")
        if event.action is not HandAction.PLACE or event.order is None:
            return
        first = self._done.setdefault(event.request, event.order)
        self._by_hand.discard(event.order)
        if first != event.order or self._by_hand:
            self.broken.append(f"P1: request {event.request} was done twice")

    def _traded(self, event: OrderFilled) -> None:
        fill = event.fill
        if fill.order_id not in self._submitted:
            self.broken.append(f"P17: trade {fill.trade_id} before its order was submitted")
        if fill.key in self._booked:
            self.broken.append(f"P7: trade {fill.trade_id} was booked twice")
        self._booked.add(fill.key)
        rate = self._instruments[fill.instrument].fees.taker
        if fill.fee != fill.quantity * fill.price * rate:
            self.broken.append(f"P15: trade {fill.trade_id} was charged {fill.fee}")
        self._held[fill.instrument] = self._held.get(fill.instrument, ZERO) + fill.signed_quantity
