"""Orders: what a strategy wants (intent), what the gate let through (order), how one may live.

An `Intent` is an order wanted, before risk. The gate answers with `Approved[Order]` or `Denied`,
and a broker takes nothing but `Approved`. Which status may follow which is the table
`LEGAL_TRANSITIONS`; a change it does not hold is an impossible reply of the venue.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import InitVar, dataclass, replace
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from types import MappingProxyType
from typing import Final, Generic, TypeVar

from algotrader.core.ids import (
    AccountId,
    OrderId,
    RunId,
    StrategyId,
    client_order_id,
    guard_order_id,
)
from algotrader.core.instants import require_aware, utc_ms
from algotrader.core.symbols import Symbol


class Side(StrEnum):
    BUY = "buy"
    SELL = "sell"

    @property
    def sign(self) -> int:
        """+1 for a buy, -1 for a sell."""
        return 1 if self is Side.BUY else -1

    @property
    def opposite(self) -> Side:
        return Side.SELL if self is Side.BUY else Side.BUY


class OrderKind(StrEnum):
    MARKET = "market"
    LIMIT = "limit"
    STOP = "stop"
    STOP_LIMIT = "stop_limit"
    TRAILING_STOP = "trailing_stop"


class TimeInForce(StrEnum):
    """How long an order lives (R21)."""

    GTC = "gtc"  # until cancelled
    IOC = "ioc"  # fill at once what can be filled, cancel the rest
    FOK = "fok"  # fill at once in whole, or not at all
    DAY = "day"  # until the end of the session
    GTD = "gtd"  # until `expires_at`


class Purpose(StrEnum):
    """Why an order was wanted, as attribution and the trade list name it."""

    ORDER = "order"  # asked for by the strategy
    TARGET = "target"  # a target was acted on
    SLICE = "slice"  # a part of a target that is worked over time
    STOP_LOSS = "stop_loss"
    TAKE_PROFIT = "take_profit"
    TRAILING = "trailing"
    BRACKET = "bracket"  # stop and target as one order, where a stop freezes the coins
    GROUP = "group"  # a leg reduced to match its group (R37)
    RISK = "risk"  # a risk rule flattens
    OPERATOR = "operator"  # a person asked


OF_TARGETS: Final = frozenset({Purpose.TARGET, Purpose.SLICE})
"""Purposes of orders that work towards a latched target."""
PROTECTIVE: Final = frozenset(
    {Purpose.STOP_LOSS, Purpose.TAKE_PROFIT, Purpose.TRAILING, Purpose.BRACKET}
)
"""Purposes of orders that guard what is held."""


class OrderStatus(StrEnum):
    PENDING = "pending"  # sent, no answer yet
    ACCEPTED = "accepted"
    TRIGGERED = "triggered"  # a stop became a live order
    PARTIALLY_FILLED = "partially_filled"
    PENDING_CANCEL = "pending_cancel"
    PENDING_AMEND = "pending_amend"
    SETTLING = "settling"  # final state reported, trades still missing
    UNKNOWN = "unknown"  # no answer came: ask by client id until known
    FILLED = "filled"
    CANCELLED = "cancelled"
    REJECTED = "rejected"  # by the venue
    EXPIRED = "expired"
    ABSENT = "absent"  # proved never to have reached the venue

    @property
    def is_final(self) -> bool:
        """Whether nothing can follow; until then its open size counts against limits."""
        return not LEGAL_TRANSITIONS[self]

    def may_become(self, later: OrderStatus) -> bool:
        """Whether `later` may follow; hearing the same status again is always legal."""
        return later is self or later in LEGAL_TRANSITIONS[self]


_S = OrderStatus
_ENDS = frozenset({_S.FILLED, _S.CANCELLED, _S.REJECTED, _S.EXPIRED})
_AFTER_FIRST_FILL = frozenset({_S.FILLED, _S.CANCELLED, _S.EXPIRED})
_IN_DOUBT = frozenset({_S.SETTLING, _S.UNKNOWN})
_WORKING = frozenset({_S.ACCEPTED, _S.TRIGGERED, _S.PARTIALLY_FILLED})
_ASKED = frozenset({_S.PENDING_CANCEL, _S.PENDING_AMEND})

LEGAL_TRANSITIONS: Final[Mapping[OrderStatus, frozenset[OrderStatus]]] = MappingProxyType(
    {
        # Answers overtake each other, so a fill may be heard of before the acceptance.
        _S.PENDING: _WORKING | _ENDS | _IN_DOUBT | {_S.PENDING_CANCEL},
        _S.ACCEPTED: (_WORKING - {_S.ACCEPTED}) | _ASKED | _ENDS | _IN_DOUBT,
        _S.TRIGGERED: _ASKED | _ENDS | _IN_DOUBT | {_S.PARTIALLY_FILLED},
        # What has traded can no longer be rejected.
        _S.PARTIALLY_FILLED: _ASKED | _AFTER_FIRST_FILL | _IN_DOUBT,
        # A refused cancel or amend leaves the order as it was, perhaps further filled.
        _S.PENDING_CANCEL: _WORKING | _ENDS | _IN_DOUBT,
        _S.PENDING_AMEND: _WORKING | {_S.PENDING_CANCEL} | _ENDS | _IN_DOUBT,
        # The venue said how it ended; only the missing trades are waited for.
        _S.SETTLING: _ENDS,
        _S.UNKNOWN: _WORKING | _ENDS | {_S.PENDING_CANCEL, _S.SETTLING, _S.ABSENT},
        _S.FILLED: frozenset(),
        _S.CANCELLED: frozenset(),
        _S.REJECTED: frozenset(),
        _S.EXPIRED: frozenset(),
        _S.ABSENT: frozenset(),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderTerms:
    """What the venue is asked for. The kind follows from the prices that are given (R36)."""

    instrument: Symbol
    side: Side
    quantity: Decimal  # positive; base units, contracts for derivatives
    limit: Decimal | None = None  # quote currency per unit
    stop: Decimal | None = None  # quote currency per unit
    trail: Decimal | None = None  # fraction of the best price since the first open (R18)
    tif: TimeInForce = TimeInForce.GTC
    expires_at: datetime | None = None  # for GTD
    post_only: bool = False
    reduce_only: bool = False

    def __post_init__(self) -> None:
        for name in ("quantity", "limit", "stop", "trail"):
            _require_positive(name, getattr(self, name))
        if self.trail is not None and (self.limit is not None or self.stop is not None):
            raise ValueError("a trailing stop sets its own level: give `trail` alone")
        if (self.tif is TimeInForce.GTD) != (self.expires_at is not None):
            raise ValueError("`expires_at` belongs to GTD orders, and each of them needs one")
        if self.expires_at is not None:
            require_aware(self.expires_at)
        if self.post_only and self.kind is not OrderKind.LIMIT:
            raise ValueError(f"only a limit order can be post-only, this is a {self.kind} order")
        if self.post_only and self.tif in (TimeInForce.IOC, TimeInForce.FOK):
            raise ValueError(f"a post-only order rests, {self.tif} does not")

    @property
    def kind(self) -> OrderKind:
        if self.trail is not None:
            return OrderKind.TRAILING_STOP
        if self.stop is not None:
            return OrderKind.STOP if self.limit is None else OrderKind.STOP_LIMIT
        return OrderKind.MARKET if self.limit is None else OrderKind.LIMIT

    @property
    def signed_quantity(self) -> Decimal:
        return self.side.sign * self.quantity


@dataclass(frozen=True, slots=True, kw_only=True)
class Protection:
    """Where a position is left again: fractions of its average entry (R19)."""

    stop_loss: float | None = None
    take_profit: float | None = None
    trailing: float | None = None  # of the best price since entry (R18)

    def __post_init__(self) -> None:
        for name in ("stop_loss", "take_profit", "trailing"):
            value = getattr(self, name)
            if value is not None and not 0.0 < value < float("inf"):
                raise ValueError(f"{name} must be a positive fraction, got {value}")

    @property
    def has_stop(self) -> bool:
        """Whether a loss ends it: a target alone stops nothing."""
        return self.stop_loss is not None or self.trailing is not None

    @property
    def is_trail_beside_others(self) -> bool:
        return self.trailing is not None and (self.stop_loss, self.take_profit) != (None, None)

    def __bool__(self) -> bool:
        return (self.stop_loss, self.take_profit, self.trailing) != (None, None, None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """An order wanted, before risk. It is denied or becomes an order."""

    account: AccountId
    strategy: StrategyId
    decided_at: datetime  # the decision time; for protection and operators, their cause's
    terms: OrderTerms
    purpose: Purpose = Purpose.ORDER
    leg: int = 0  # counts the orders of this instrument in this step
    attempt: int = 0  # rises when the earlier attempt is proved absent or final
    cause_sequence: int | None = None  # journal sequence, for protection and operator orders
    group: str | None = None  # legs of one decision (R37)
    tag: str | None = None
    towards: Decimal | None = None  # of a target: the signed position it works towards (R10)
    protection: Protection | None = None  # of a target its position's, else of what it opens (R19)
    parent: OrderId | None = None  # of a protective order: whose fill made it
    number: int | None = None  # the strategy's own count of the orders it asked for (R36)

    def __post_init__(self) -> None:
        require_aware(self.decided_at)
        if self.leg < 0 or self.attempt < 0:
            raise ValueError(f"leg and attempt count from 0, got {self.leg} and {self.attempt}")

    def order_id(self, run_id: RunId) -> OrderId:
        """The client order id of this intent: the same whenever it is asked for."""
        if self.parent is not None:
            return guard_order_id(self.parent, self.purpose, self.attempt)
        cause = self.cause_sequence
        return client_order_id(
            run_id=run_id,
            account=self.account,
            strategy=self.strategy,
            decided_ms=utc_ms(self.decided_at) if cause is None else cause,
            instrument=str(self.terms.instrument),
            leg=self.leg,
            attempt=self.attempt,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """An order after risk, with its id. Its terms are the intent's, at most smaller (R28)."""

    order_id: OrderId
    intent: Intent
    terms: OrderTerms

    def __post_init__(self) -> None:
        wanted = self.intent.terms
        if self.terms is wanted:
            return
        if self.terms.quantity > wanted.quantity:
            raise ValueError(
                f"order {self.order_id}: {self.terms.quantity} is more than "
                f"the {wanted.quantity} that was wanted"
            )
        if replace(self.terms, quantity=wanted.quantity) != wanted:
            raise ValueError(f"order {self.order_id}: only the quantity may differ from its intent")

    @classmethod
    def from_intent(cls, intent: Intent, run_id: RunId, quantity: Decimal | None = None) -> Order:
        """The order that `intent` becomes, cut to `quantity` if given."""
        wanted = intent.terms
        if quantity is None or quantity is wanted.quantity:
            terms = wanted
        else:
            terms = replace(wanted, quantity=quantity)
        return cls(order_id=intent.order_id(run_id), intent=intent, terms=terms)

    @property
    def account(self) -> AccountId:
        return self.intent.account

    @property
    def strategy(self) -> StrategyId:
        return self.intent.strategy

    @property
    def instrument(self) -> Symbol:
        return self.terms.instrument

    @property
    def side(self) -> Side:
        return self.terms.side

    @property
    def quantity(self) -> Decimal:
        return self.terms.quantity

    def purpose_at(self, price: Decimal) -> Purpose:
        """Why a fill at a price was wanted: of a bracket the nearer level, its stop or its target.

        The levels are those it was made with: they move together when it is changed.
        """
        stop, target = self.terms.stop, self.terms.limit
        if self.intent.purpose is not Purpose.BRACKET or stop is None or target is None:
            return self.intent.purpose
        is_target = abs(price - target) < abs(price - stop)
        return Purpose.TAKE_PROFIT if is_target else Purpose.STOP_LOSS


_GATE_MODULE: Final = "algotrader.risk.gate"
T = TypeVar("T")


class GateSeal:
    """What `Approved` asks to see. Only the module of the risk gate can make one.

    PermissionError for anybody else. This does not stop a programmer who wants around it;
    it stops an order that skips the gate from being written by mistake.
    """

    __slots__ = ()

    def __init__(self) -> None:
        # The caller's module is the capability: nothing to hand out, to leak or to reset.
        caller = sys._getframe(1).f_globals.get("__name__")
        if caller != _GATE_MODULE:
            raise PermissionError(f"only {_GATE_MODULE} approves orders, not {caller}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Approved(Generic[T]):
    """What the gate let through. `Broker.submit` checks both marks again when it sends."""

    order: T
    gate_sequence: int  # counts the gate's judgements
    state_hash: str  # of the state the order was judged on
    seal: InitVar[GateSeal]

    def __post_init__(self, seal: GateSeal) -> None:
        if type(seal) is not GateSeal:
            raise PermissionError(f"only {_GATE_MODULE} approves orders")


@dataclass(frozen=True, slots=True, kw_only=True)
class DenialReason:
    """One rule that refused, with the sentence a person reads."""

    rule: str  # `max_weight`
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Denied:
    """An intent our own rules refused, with every reason, not only the first."""

    intent: Intent
    reasons: tuple[DenialReason, ...]
    gate_sequence: int
    state_hash: str

    def __post_init__(self) -> None:
        if not self.reasons:
            raise ValueError("a denial needs at least one reason")


def _require_positive(name: str, value: Decimal | None) -> None:
    if value is not None and not (value.is_finite() and value > 0):
        raise ValueError(f"{name} must be a positive number, got {value}")
