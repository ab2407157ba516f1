"""What a bar-by-bar strategy is asked with: all it may see beside its bars and features (R36).

A question is made from the engine's state and answered by `StrategyAnswered`, in this process or
another. It is no event: the answer is what the journal keeps.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from algotrader.core.ids import AccountId, StrategyId
from algotrader.core.symbols import Symbol


class HeldPosition(msgspec.Struct, frozen=True, kw_only=True):
    """What the strategy holds of an instrument."""

    instrument: Symbol
    quantity: float  # signed base units or contracts
    entry: float | None  # average entry price; None when flat
    unrealised: float  # account currency, at the last close


class WorkingOrder(msgspec.Struct, frozen=True, kw_only=True):
    """An order that the strategy asked for and that is not over."""

    number: int  # the strategy's own count
    instrument: Symbol


class HeardFill(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """A fill since the last question: one call of `on_fill`."""

    instrument: Symbol
    ts: int  # when it happened, UTC ms
    number: int  # of the order it asked for; -1 for targets, protection, liquidation
    quantity: float  # signed
    price: float
    fee: float  # quote currency, also where it was taken in the coin
    is_maker: bool
    reason: str  # purpose of the order, or `liquidation`
    is_opening: bool  # it increased the position


class HeardEnd(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """An order that ended since the last question: one call of `on_order`."""

    instrument: Symbol
    number: int
    status: str  # an `OrderStatus`, or `denied` by our own rules


Heard = HeardFill | HeardEnd


class StrategyQuestion(msgspec.Struct, frozen=True, kw_only=True):
    """One decision. Instruments are in the order of their symbols' text (R1)."""

    account: AccountId
    strategy: StrategyId
    decision_ts: int  # UTC ms
    instruments: tuple[Symbol, ...]  # with a bar in this slice
    equity: float  # of the strategy's part of the account
    cash: float
    positions: tuple[HeldPosition, ...]  # of every instrument it trades
    working: tuple[WorkingOrder, ...]
    heard: tuple[Heard, ...]  # in the order it happened
    next_number: int  # of the next order it asks for
    state: Mapping[str, Any]  # `ctx.state` as it was left (R35)
    missed_after: int | None = None  # bars after this decision, UTC ms, were never asked for (R24)
