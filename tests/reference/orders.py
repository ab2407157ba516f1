"""Orders, and the protection of positions, as the reference simulator keeps them."""

from __future__ import annotations

import copy
import math
from dataclasses import dataclass

from algotrader.execution.simulation import FillReason, OrderKind, OrderState, TimeInForce


@dataclass(slots=True)
class Order:
    """One order on the book. `number` is its place among explicit orders, else -1."""

    id: int
    age: int  # R7: older orders first; amending renews it
    instrument: int
    side: int
    kind: OrderKind
    lots: int  # of the whole order
    reason: FillReason = FillReason.ORDER
    number: int = -1
    filled: int = 0  # lots
    limit: float = math.nan
    stop: float = math.nan
    trail: float = math.nan  # fraction
    best: float = math.nan  # R18: best price since it started
    started_row: int = -1  # row in which its trail or protection began inside the bar, else -1
    tif: TimeInForce = TimeInForce.GTC
    expires_at: int | None = None
    day: int | None = None  # R21: the session a DAY order belongs to
    post_only: bool = False
    reduce_only: bool = False
    group: int | None = None
    decided_row: int = -1  # the decision it was raised at
    asked: int = 0  # lots of the whole order, as asked for (R37)
    given_back: int = 0  # lots bought or sold back to match its group (R37)
    has_arrived: bool = False  # its first bar is over (R15)
    is_triggered: bool = False  # a stop that was reached
    is_target: bool = False
    wanted: int = 0  # lots of position a target works toward (R10)
    fill_weight: float = math.nan  # R33: sized at the fill
    capped: bool = False  # R13
    stop_loss: float | None = None
    take_profit: float | None = None
    trailing: float | None = None
    guard: int | None = None  # the protection this order is a leg of
    accrued: float = 0.0  # R14: rate times notional over its fills
    charged: float = 0.0  # R14: fees booked so far
    closed_row: int = -1  # the row in which it last closed something (R12)
    state: OrderState = OrderState.WORKING

    @property
    def rest(self) -> int:
        return self.lots - self.filled

    @property
    def is_live(self) -> bool:
        return self.state == OrderState.WORKING

    @property
    def executes_as_market(self) -> bool:
        """Market orders, and stops and trailing stops after they were reached."""
        if self.kind == OrderKind.MARKET:
            return True
        return self.is_triggered and self.kind in (OrderKind.STOP, OrderKind.TRAILING_STOP)

    @property
    def rests_as_limit(self) -> bool:
        if self.kind == OrderKind.LIMIT:
            return True
        return self.is_triggered and self.kind == OrderKind.STOP_LIMIT

    @property
    def waits_for_stop(self) -> bool:
        return not self.is_triggered and self.kind in (
            OrderKind.STOP,
            OrderKind.STOP_LIMIT,
            OrderKind.TRAILING_STOP,
        )


@dataclass(slots=True)
class Guard:
    """R19: stop, target and trail that protect a position or what one order opened."""

    id: int
    instrument: int
    side: int  # of the position: +1 long
    entry: float  # average entry its levels are fractions of
    quantity: float  # what it protects; NaN: the whole position
    stop_loss: float | None
    take_profit: float | None
    trailing: float | None
    legs: list[int]  # order ids
    owner: int | None = None  # id of the explicit order that opened it
    opened_inside: int = -1  # R16: the row inside whose bar it began, else -1
    is_exiting: bool = False  # a stop of it was reached; the rest is worked

    @property
    def follows_position(self) -> bool:
        return math.isnan(self.quantity)


@dataclass(slots=True)
class Position:
    """R8: average cost. `margin` is used by isolated margin only (R11)."""

    quantity: float = 0.0
    entry: float = math.nan
    margin: float = 0.0


@dataclass(slots=True)
class TargetState:
    """What the targets of one instrument have led to so far (R10, R19)."""

    standing: float = math.nan  # the last valid number
    standing_quantity: float = math.nan  # the same for a quantity; one of the two is a number
    acted: float = math.nan  # the last number acted on
    pending: bool = False  # to be looked at on the next bar (R3, R10)
    pending_opinion: bool = False  # with a number, which then stood
    working: int | None = None  # id of the one working order
    blocked_side: int = 0  # R19: no re-entry on this side
    blocked_bars: int = 0  # bars since the protective exit


def clone(thing: Order | Guard | Position | TargetState):
    """A copy that shares nothing that changes."""
    other = copy.copy(thing)
    if isinstance(other, Guard):
        other.legs = list(other.legs)
    return other
