"""Events of an order's life, from the intent to its end."""

from __future__ import annotations

from decimal import Decimal
from typing import ClassVar

from algotrader.core.events.base import EventBase
from algotrader.core.fills import Fill
from algotrader.core.ids import AccountId, OrderId, StrategyId, VenueOrderId
from algotrader.core.orders import DenialReason, Intent, Order, OrderStatus
from algotrader.core.symbols import Symbol


class IntentRaised(EventBase, frozen=True, kw_only=True):
    """An order is wanted and not judged yet: what its coins are frozen by has to end first."""

    version: ClassVar[int] = 2
    v: int = 2

    intent: Intent


class OrderDenied(EventBase, frozen=True, kw_only=True):
    """Our own rules refused an intent."""

    version: ClassVar[int] = 2
    v: int = 2

    intent: Intent
    reasons: tuple[DenialReason, ...]
    gate_sequence: int
    state_hash: str


class OrderSubmitted(EventBase, frozen=True, kw_only=True):
    """The gate let an order through and it may be sent: written before it is sent."""

    version: ClassVar[int] = 2
    v: int = 2

    order: Order
    gate_sequence: int
    state_hash: str
    deadline_ms: int  # UTC ms after which the venue must refuse it


class OrderNews(EventBase, frozen=True, kw_only=True):
    """What every event about an order on its way names."""

    account: AccountId
    order_id: OrderId
    instrument: Symbol


class OrderAccepted(OrderNews, frozen=True, kw_only=True):
    """The venue has the order."""

    venue_order_id: VenueOrderId


class OrderRejected(OrderNews, frozen=True, kw_only=True):
    """The venue definitely refused it."""

    code: str  # the venue's
    reason: str


class OrderAmendRequested(OrderNews, frozen=True, kw_only=True):
    """The venue is to be asked to change the order: written before it is asked."""

    quantity: Decimal  # of the whole order, filled part included
    limit: Decimal | None
    stop: Decimal | None
    reason: str


class OrderAmendRefused(OrderNews, frozen=True, kw_only=True):
    """The venue did not change it; the order is what it was."""

    code: str  # the venue's
    reason: str


class OrderAmended(OrderNews, frozen=True, kw_only=True):
    """The venue changed the order; these are the terms that hold now."""

    quantity: Decimal  # of the whole order, filled part included
    limit: Decimal | None
    stop: Decimal | None


class OrderFilled(EventBase, frozen=True, kw_only=True):
    """One execution. Booked once per (account, instrument, trade id)."""

    fill: Fill


class OrderCancelled(OrderNews, frozen=True, kw_only=True):
    """The order is off the book; all its trades are known."""

    filled_quantity: Decimal
    reason: str


class OrderExpired(OrderNews, frozen=True, kw_only=True):
    """Its time in force ended; all its trades are known."""

    filled_quantity: Decimal


class OrderUnknown(OrderNews, frozen=True, kw_only=True):
    """No definite answer came. Its full size counts until a look-up settles it."""

    deadline_ms: int  # UTC ms; absence can be proved only by a question asked after it
    reason: str


class OrderAbsent(OrderNews, frozen=True, kw_only=True):
    """Proved never to have reached the venue."""

    asked_ms: int  # UTC ms, when the question was asked that found nothing


class StopTriggered(OrderNews, frozen=True, kw_only=True):
    """A stop became a live order. The child's fills are booked under this stop."""

    child_order_id: VenueOrderId | None
    trigger_price: Decimal


class OrderSeen(OrderNews, frozen=True, kw_only=True):
    """The venue's own word on an order, pushed or asked for. Trades are told apart from it."""

    version: ClassVar[int] = 2
    v: int = 2

    venue_order_id: VenueOrderId
    status: OrderStatus  # as the venue calls it, in our words
    filled_quantity: Decimal  # the venue's sum; says how many trades are still to come
    asked_ms: int | None = None  # UTC ms, when it was asked; None if pushed
    quantity: Decimal | None = None  # of the whole order; None: the venue does not tell its terms
    limit: Decimal | None = None  # told with the quantity
    stop: Decimal | None = None  # told with the quantity


class OrderNotFound(OrderNews, frozen=True, kw_only=True):
    """The venue knows no order of this id: among open ones, in history, in trades."""

    asked_ms: int  # UTC ms, when the question was asked


class OrderCancelRequested(OrderNews, frozen=True, kw_only=True):
    """The venue is to be asked to take the order off its book: written before it is asked."""

    reason: str


class OrderCancelRefused(OrderNews, frozen=True, kw_only=True):
    """The venue did not cancel; what it says of the order decides what it is now."""

    code: str  # the venue's
    reason: str


class ImpossibleReply(OrderNews, frozen=True, kw_only=True):
    """The venue said what cannot follow. The order stays as it was and is asked about."""

    status: OrderStatus
    told: OrderStatus
    text: str


class ProtectionMissing(EventBase, frozen=True, kw_only=True):
    """Something is held whose strategy declares a stop, and no stop of it lives (R19)."""

    account: AccountId
    strategy: StrategyId
    instrument: Symbol
    allowed_ms: int  # for how long; then it is left


class ProtectionRestored(EventBase, frozen=True, kw_only=True):
    """A stop lives again, or nothing is left to guard."""

    account: AccountId
    strategy: StrategyId
    instrument: Symbol
    missing_ms: int


class WorkStarted(EventBase, frozen=True, kw_only=True):
    """A target's increase is worked over time; what goes out of it are slices of its quantity."""

    intent: Intent  # its limit is the bound in price
    algorithm: str  # `twap`, `chase`
    until_ms: int  # UTC ms, the bound in time


class WorkEnded(EventBase, frozen=True, kw_only=True):
    """Nothing more of it is worked."""

    account: AccountId
    strategy: StrategyId
    instrument: Symbol
    filled: Decimal
    left: Decimal
    reason: str
