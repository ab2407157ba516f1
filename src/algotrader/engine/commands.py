"""What the engine asks of the world outside. Executed only after its events are durable.

Structs and no dataclasses: some are made at every bar.
"""

from __future__ import annotations

from decimal import Decimal

import msgspec

from algotrader.core.events.questions import StrategyQuestion
from algotrader.core.ids import AccountId, OrderId, StrategyId
from algotrader.core.orders import Approved, Order
from algotrader.core.ports import Severity
from algotrader.core.symbols import Symbol


class Submit(msgspec.Struct, frozen=True, kw_only=True):
    """Send an order. Never more than once: what becomes of it is asked, not tried again."""

    approved: Approved[Order]
    deadline_ms: int  # UTC ms


class Cancel(msgspec.Struct, frozen=True, kw_only=True):
    account: AccountId
    order_id: OrderId
    instrument: Symbol


class Amend(msgspec.Struct, frozen=True, kw_only=True):
    """Change a resting order; tell `OrderAmended` or `OrderAmendRefused`, else look it up."""

    account: AccountId
    order_id: OrderId
    instrument: Symbol
    quantity: Decimal  # of the whole order, filled part included
    limit: Decimal | None
    stop: Decimal | None


class LookUp(msgspec.Struct, frozen=True, kw_only=True):
    """Ask the venue for an order by its client id, then tell `OrderSeen` or `OrderNotFound`."""

    account: AccountId
    order_id: OrderId
    instrument: Symbol


class FetchTrades(msgspec.Struct, frozen=True, kw_only=True):
    """Ask the venue for the trades of an order, then tell each as `OrderFilled`."""

    account: AccountId
    order_id: OrderId
    instrument: Symbol


class AskStrategy(msgspec.Struct, frozen=True, kw_only=True):
    """Let a strategy decide, then tell `StrategyAnswered`, whatever came of it."""

    account: AccountId
    strategy: StrategyId
    decision_ts: int  # UTC ms
    question: StrategyQuestion | None = None  # for one that decides bar by bar


class SetTimer(msgspec.Struct, frozen=True, kw_only=True):
    """Tell `TimerFired` at a time; a later one of the same name replaces it."""

    name: str
    at_ms: int  # UTC ms


class Alert(msgspec.Struct, frozen=True, kw_only=True):
    """Tell the person."""

    severity: Severity
    cause: str  # alerts of one cause are told once in ten minutes
    text: str


Command = Submit | Cancel | Amend | LookUp | FetchTrades | AskStrategy | SetTimer | Alert
