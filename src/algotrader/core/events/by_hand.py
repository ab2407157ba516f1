"""Events of orders that a person places, changes or withdraws by hand.

Each request carries a name of its own, drawn by whoever asks: asked twice by one name, it is done
once, and answered both times with what came of it.
"""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum

from algotrader.core.events.base import EventBase
from algotrader.core.events.risk import OperatorRequest
from algotrader.core.ids import AccountId, OrderId
from algotrader.core.orders import DenialReason, Side, TimeInForce
from algotrader.core.symbols import Symbol


class HandAction(StrEnum):
    """What a person asked of an order."""

    PLACE = "place"
    AMEND = "amend"
    CANCEL = "cancel"


class HandRequest(OperatorRequest, frozen=True, kw_only=True):
    """What every request about an order has."""

    request: str  # its own name
    account: AccountId


class HandOrderRequested(HandRequest, frozen=True, kw_only=True):
    """A person wants an order sent; it belongs to the strategy that trades the instrument (R27).

    Its size is one of `quantity` and `value`. The kind follows from the prices that are given.
    """

    instrument: Symbol
    side: Side
    quantity: Decimal | None = None  # base units; contracts for derivatives
    value: Decimal | None = None  # quote currency, at its own price or the last one
    limit: Decimal | None = None  # quote currency per unit
    stop: Decimal | None = None  # quote currency per unit
    trail: Decimal | None = None  # fraction of the best price since it was placed (R18)
    tif: TimeInForce = TimeInForce.GTC
    expires_ms: int | None = None  # UTC ms, for GTD
    post_only: bool = False
    reduce_only: bool = False


class HandAmendRequested(HandRequest, frozen=True, kw_only=True):
    """A person wants a resting order changed; what is None stays as it is."""

    order: OrderId
    quantity: Decimal | None = None  # of the whole order, filled part included
    limit: Decimal | None = None
    stop: Decimal | None = None


class HandCancelRequested(HandRequest, frozen=True, kw_only=True):
    """A person wants an order off the venue's book."""

    order: OrderId


class HandAnswered(EventBase, frozen=True, kw_only=True):
    """What came of a request: it was done as far as it lies with us, or every reason why not."""

    request: str
    action: HandAction
    account: AccountId
    order: OrderId | None  # the one it is about; None where none was made
    reasons: tuple[DenialReason, ...] = ()  # empty: on its way to the venue

    @property
    def is_accepted(self) -> bool:
        return not self.reasons
