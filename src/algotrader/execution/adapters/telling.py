"""What a broker tells of an order: events of one account, stamped by one clock."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypedDict

from algotrader.core.events import (
    OrderAccepted,
    OrderAmendRefused,
    OrderCancelRefused,
    OrderNotFound,
    OrderRejected,
    OrderUnknown,
)
from algotrader.core.ids import AccountId, OrderId
from algotrader.core.instants import utc_ms
from algotrader.core.orders import Order
from algotrader.core.ports import Clock
from algotrader.core.symbols import Symbol
from algotrader.execution.adapters.verdicts import Accepted, Refused, Verdict


class _Times(TypedDict):
    ts_event: int
    ts_known: int


class Names(_Times):
    """What every event of an order has."""

    account: AccountId
    order_id: OrderId
    instrument: Symbol


@dataclass(frozen=True, slots=True)
class Teller:
    """Makes the events of one account."""

    account: AccountId
    clock: Clock

    def now_ms(self) -> int:
        return utc_ms(self.clock.now())

    def names(self, order_id: OrderId, instrument: Symbol) -> Names:
        now_ms = self.now_ms()
        return {
            "ts_event": now_ms,
            "ts_known": now_ms,
            "account": self.account,
            "order_id": order_id,
            "instrument": instrument,
        }

    def outcome(
        self, order: Order, deadline_ms: int, verdict: Verdict
    ) -> OrderAccepted | OrderRejected | OrderUnknown:
        """What became of an order that was sent; "not now" to the end is an unknown outcome."""
        names = self.names(order.order_id, order.instrument)
        match verdict:
            case Accepted():
                return OrderAccepted(**names, venue_order_id=verdict.venue_order_id)
            case Refused():
                return self.rejected(order, verdict.code, verdict.reason)
            case _:
                return OrderUnknown(**names, deadline_ms=deadline_ms, reason=verdict.reason)

    def rejected(self, order: Order, code: str, reason: str) -> OrderRejected:
        names = self.names(order.order_id, order.instrument)
        return OrderRejected(**names, code=code, reason=reason)

    def cancel_refused(
        self, order_id: OrderId, instrument: Symbol, code: str, reason: str
    ) -> OrderCancelRefused:
        return OrderCancelRefused(**self.names(order_id, instrument), code=code, reason=reason)

    def amend_refused(
        self, order_id: OrderId, instrument: Symbol, code: str, reason: str
    ) -> OrderAmendRefused:
        return OrderAmendRefused(**self.names(order_id, instrument), code=code, reason=reason)

    def not_found(self, order_id: OrderId, instrument: Symbol, asked_ms: int) -> OrderNotFound:
        return OrderNotFound(**self.names(order_id, instrument), asked_ms=asked_ms)
