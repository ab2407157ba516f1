"""One order from the moment it may be sent to its end, as the journal's events tell it.

`LiveOrder` is the fold of an order's events; `hear` says what an event makes of it. Trades alone
move quantities: what the venue says of an order's state tells only how many trades are still to
come, and the order is closed when the state is final and its trades add up to the final figure.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Final

import msgspec
from msgspec.structs import replace

from algotrader.core.events import (
    OrderAbsent,
    OrderAccepted,
    OrderAmended,
    OrderAmendRefused,
    OrderAmendRequested,
    OrderCancelled,
    OrderCancelRefused,
    OrderCancelRequested,
    OrderExpired,
    OrderFilled,
    OrderNotFound,
    OrderRejected,
    OrderSeen,
    OrderSubmitted,
    OrderUnknown,
    StopTriggered,
)
from algotrader.core.ids import TradeId, VenueOrderId
from algotrader.core.orders import Order, OrderStatus

ZERO: Final = Decimal(0)
_RESTING: Final = frozenset(
    {OrderStatus.ACCEPTED, OrderStatus.TRIGGERED, OrderStatus.PARTIALLY_FILLED}
)

_EARLIER: Final = {
    OrderStatus.TRIGGERED: frozenset({OrderStatus.ACCEPTED}),
    OrderStatus.PARTIALLY_FILLED: frozenset({OrderStatus.ACCEPTED, OrderStatus.TRIGGERED}),
}
"""What an order that rests has been before: an old push may still say so."""
_READS_LAG_MS: Final = 5_000
"""How long a venue may answer what was before its own push: what it still says then, it means."""
_PAST_TRIGGER: Final = frozenset(
    {OrderStatus.PARTIALLY_FILLED, OrderStatus.PENDING_CANCEL, OrderStatus.SETTLING}
)

OrderEvent = (
    OrderAccepted
    | OrderRejected
    | OrderAmendRequested
    | OrderAmendRefused
    | OrderAmended
    | OrderFilled
    | OrderSeen
    | OrderNotFound
    | OrderCancelRequested
    | OrderCancelRefused
    | OrderCancelled
    | OrderExpired
    | OrderUnknown
    | OrderAbsent
    | StopTriggered
)
"""What can be heard of an order after it was submitted."""


Terms = tuple[Decimal, Decimal | None, Decimal | None]
"""Quantity of the whole order, limit and stop."""


class IllegalTransitionError(Exception):
    """The venue said what cannot follow; the order stays as it was."""

    def __init__(self, status: OrderStatus, told: OrderStatus, text: str) -> None:
        super().__init__(text)
        self.status = status
        self.told = told


class LiveOrder(msgspec.Struct, frozen=True, kw_only=True):
    """An order that may be at a venue. Made by `LiveOrder.submitted`, changed by `hear`.

    A struct rather than a dataclass because every word of a venue makes a new one, and a start
    repeats all of them.
    """

    order: Order
    status: OrderStatus
    submitted_ms: int  # UTC ms
    deadline_ms: int  # UTC ms, after which the venue must refuse it
    quantity: Decimal  # as amended
    limit: Decimal | None = None  # as amended
    stop: Decimal | None = None  # as amended
    asked_quantity: Decimal = ZERO  # the most that a change made of it which may still come to pass
    asked_ms: int = 0  # UTC ms, when the newest change was asked for
    asked_terms: Terms | None = None  # what it asked for, until an answer came
    unanswered: int = 0  # changes that were asked for
    terms_ms: int | None = None  # UTC ms of the venue, of its newest word on an amended order
    venue_order_id: VenueOrderId | None = None
    trades: Mapping[TradeId, Decimal] = msgspec.field(default_factory=dict)
    filled: Decimal = ZERO  # sum of the trades
    reported: Decimal = ZERO  # the most that the venue said was filled
    ending: OrderStatus | None = None  # final state told while trades are missing
    resumes: OrderStatus = OrderStatus.PENDING  # what it is if a cancel is refused
    cancel_wanted: bool = False  # we asked for its end
    misses: int = 0  # look-ups in a row that did not find it
    over_ms: int | None = None  # UTC ms, when its end was learnt

    @classmethod
    def submitted(cls, event: OrderSubmitted) -> LiveOrder:
        return cls(
            order=event.order,
            status=OrderStatus.PENDING,
            submitted_ms=event.ts_known,
            deadline_ms=event.deadline_ms,
            quantity=event.order.quantity,
            limit=event.order.terms.limit,
            stop=event.order.terms.stop,
        )

    @property
    def is_final(self) -> bool:
        return self.status.is_final

    @property
    def terms(self) -> Terms:
        return self.quantity, self.limit, self.stop

    @property
    def open_quantity(self) -> Decimal:
        """What may still trade: nothing once final, all that is not filled until then."""
        return ZERO if self.is_final else max(self.quantity - self.filled, ZERO)

    @property
    def most_open(self) -> Decimal:
        """What may still trade if a change that nobody answered for came to pass (R28)."""
        return ZERO if self.is_final else max(self._most - self.filled, ZERO)

    @property
    def overfilled(self) -> Decimal:
        """What has traded beyond all that was asked for."""
        return max(self.filled - self._most, ZERO)

    @property
    def _most(self) -> Decimal:
        return max(self.quantity, self.asked_quantity)

    @property
    def is_ending(self) -> bool:
        """Whether we asked for its end, and the venue has not said that it lives on."""
        return self.cancel_wanted and self.status in (
            OrderStatus.PENDING_CANCEL, OrderStatus.UNKNOWN,
        )  # fmt: skip

    @property
    def may_be_cancelled(self) -> bool:
        """Whether its end may be asked for, and is not asked for already."""
        waits = self.status is OrderStatus.PENDING_CANCEL
        return not waits and self.status.may_become(OrderStatus.PENDING_CANCEL)

    @property
    def lacks_trades(self) -> bool:
        """Whether the venue spoke of more than the trades that are booked."""
        return self.reported > self.filled

    def hear(self, event: OrderEvent) -> LiveOrder:
        """The order after an event. IllegalTransitionError for what cannot follow."""
        changed = self._heard(event)
        is_over = changed.is_final or changed.status is OrderStatus.SETTLING
        if is_over and changed.over_ms is None:
            return replace(changed, over_ms=event.ts_known)
        return changed

    def _heard(self, event: OrderEvent) -> LiveOrder:
        match event:
            case OrderAccepted():
                known = replace(self, venue_order_id=event.venue_order_id, misses=0)
                # A fill may overtake the acceptance; what is further on stays there.
                overtaken = known.status not in (OrderStatus.PENDING, OrderStatus.UNKNOWN)
                return known if overtaken else known._moved(known._lives(known._working()))
            case OrderSeen():
                return self._seen(event)
            case OrderFilled():
                return self._traded(event)
            case OrderRejected():
                return self._moved(OrderStatus.REJECTED)
            case OrderUnknown():
                # A push may tell the end while the answer to the request is lost: no doubt is left.
                is_over = self.is_final or self.status is OrderStatus.SETTLING
                return self if is_over else self._moved(OrderStatus.UNKNOWN)
            case OrderNotFound():
                return replace(self, misses=self.misses + 1)
            case OrderAbsent():
                return self._moved(OrderStatus.ABSENT)
            case OrderCancelRequested():
                resumes = self.status if self.status in _RESTING else self.resumes
                moved = self._moved(OrderStatus.PENDING_CANCEL)
                return replace(moved, resumes=resumes, cancel_wanted=True)
            case OrderCancelRefused():
                if self.status is not OrderStatus.PENDING_CANCEL:
                    return self
                # What was never heard of may be unknown there: a refusal does not say that it lives.
                seen = self.venue_order_id is not None or bool(self.filled)
                return self._moved(self._working() if seen else OrderStatus.UNKNOWN)
            case OrderCancelled():
                return self._ended(OrderStatus.CANCELLED, event.filled_quantity)
            case OrderExpired():
                return self._ended(OrderStatus.EXPIRED, event.filled_quantity)
            case StopTriggered():
                # Its child speaks by another stream and may overtake it.
                overtaken = self.is_final or self.status in _PAST_TRIGGER
                return self if overtaken else self._moved(self._lives(OrderStatus.TRIGGERED))
            case OrderAmendRequested():
                resumes = self.status if self.status in _RESTING else self.resumes
                moved = self._moved(OrderStatus.PENDING_AMEND)
                return replace(
                    moved,
                    resumes=resumes,
                    asked_quantity=max(event.quantity, self.asked_quantity),
                    asked_ms=event.ts_known,
                    asked_terms=(event.quantity, event.limit, event.stop),
                    unanswered=self.unanswered + 1,
                )
            case OrderAmendRefused():
                return self._answered(lives=self.status is OrderStatus.PENDING_AMEND)
            case OrderAmended():
                return self._told(event, event.quantity)._answered(lives=True)

    def _answered(self, *, lives: bool) -> LiveOrder:
        """After the answer to a change. One that never gets its answer counts to the order's end:
        a request may overtake a later one, and nothing says that it will not come."""
        left = max(self.unanswered - 1, 0)
        known = replace(
            self, unanswered=left, asked_quantity=self.asked_quantity if left else ZERO,
            asked_terms=None,
        )  # fmt: skip
        if known.is_final or known.status in (OrderStatus.SETTLING, OrderStatus.PENDING_CANCEL):
            return known  # the end, or the wish for it, overtook the answer
        if known.filled >= known._most:
            return known._moved(OrderStatus.FILLED)
        return known._moved(known._working()) if lives else known

    def _told(self, event: OrderAmended | OrderSeen, quantity: Decimal) -> LiveOrder:
        """Quantity and prices by the venue's newest word, as its own clock orders them (F27)."""
        if event.ts_event < (self.terms_ms or 0):
            return self
        limit = self.limit if event.limit is None else event.limit
        stop = self.stop if event.stop is None else event.stop
        return replace(self, quantity=quantity, limit=limit, stop=stop, terms_ms=event.ts_event)

    def _shown(self, event: OrderSeen) -> LiveOrder:
        """The terms of an order that was to be changed: no answer may ever have come to that."""
        was_to_change = self.unanswered > 0 or self.terms_ms is not None
        if event.quantity is None or not was_to_change:
            return self
        return self._told(event, event.quantity)

    def _seen(self, event: OrderSeen) -> LiveOrder:
        reported = max(self.reported, event.filled_quantity)
        known = self._shown(event)
        known = replace(known, venue_order_id=event.venue_order_id, reported=reported, misses=0)
        if event.status.is_final:
            return known._ended(event.status, event.filled_quantity)
        if self.is_final or self.status is OrderStatus.SETTLING:
            if event.asked_ms is None or event.asked_ms <= (self.over_ms or 0) + _READS_LAG_MS:
                return known  # an old push, or an old answer, that the end has overtaken
            raise IllegalTransitionError(
                self.status, event.status, f"{self.status} here, {event.status} at the venue"
            )
        if self.status is OrderStatus.PENDING_CANCEL:
            return known
        if self.status is OrderStatus.PENDING_AMEND:
            # No answer came to the change, and what was asked before it is none.
            is_answer = event.asked_ms is not None and event.asked_ms >= self.asked_ms
            return known._moved(known._working()) if is_answer else known
        if event.status in _EARLIER.get(self.status, ()):
            return known  # out of order
        return known._moved(self._lives(event.status))

    def _traded(self, event: OrderFilled) -> LiveOrder:
        fill = event.fill
        if fill.trade_id in self.trades:
            return self
        trades = {**self.trades, fill.trade_id: fill.quantity}
        filled = self.filled + fill.quantity
        known = replace(self, trades=trades, filled=filled, reported=max(self.reported, filled))
        if self.ending is not None:
            return known._ended(self.ending, known.reported)
        if self.is_final:
            return known  # booked all the same: a trade is the venue's last word
        if filled >= self._most:
            return known._moved(OrderStatus.FILLED)
        keeps = self.status in (OrderStatus.PENDING_CANCEL, OrderStatus.PENDING_AMEND)
        if keeps:
            return replace(known, resumes=OrderStatus.PARTIALLY_FILLED)
        return known._moved(self._lives(OrderStatus.PARTIALLY_FILLED))

    def _ended(self, end: OrderStatus, filled: Decimal) -> LiveOrder:
        """The order after the venue told how it ended, or waiting for the trades it lacks."""
        if self.is_final:
            if end is self.status or filled <= self.filled:
                return self
            raise IllegalTransitionError(self.status, end, f"{self.status} here, now {end}")
        reported = max(self.reported, filled)
        if self.filled < reported:
            waiting = self._moved(OrderStatus.SETTLING)
            return replace(waiting, reported=reported, ending=end)
        # What the venue calls cancelled after all of it traded is filled.
        whole = self.filled >= self.quantity
        return replace(self._moved(OrderStatus.FILLED if whole else end), ending=None)

    def _lives(self, status: OrderStatus) -> OrderStatus:
        """What an order is that is found alive: one that was to end when doubt came still is."""
        doubted = self.status is OrderStatus.UNKNOWN and self.cancel_wanted
        return OrderStatus.PENDING_CANCEL if doubted else status

    def _working(self) -> OrderStatus:
        if self.filled:
            return OrderStatus.PARTIALLY_FILLED
        return self.resumes if self.resumes in _RESTING else OrderStatus.ACCEPTED

    def _moved(self, later: OrderStatus) -> LiveOrder:
        if not self.status.may_become(later):
            raise IllegalTransitionError(
                self.status, later, f"an order that is {self.status} cannot become {later}"
            )
        return self if later is self.status else replace(self, status=later)
