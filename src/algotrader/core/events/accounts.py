"""Events of an account's books: positions, funding, liquidation, cash."""

from __future__ import annotations

from decimal import Decimal

from algotrader.core.events.base import EventBase
from algotrader.core.ids import AccountId, StrategyId, TradeId
from algotrader.core.money import Currency
from algotrader.core.symbols import Symbol


class PositionChanged(EventBase, frozen=True, kw_only=True):
    """The ledger's position after a booking."""

    account: AccountId
    strategy: StrategyId | None  # None: the account's whole position
    instrument: Symbol
    quantity: Decimal  # signed
    entry: Decimal | None  # average entry price; None when flat
    realised: Decimal  # profit on the position so far, settlement currency, before fees
    currency: Currency


class FundingPaid(EventBase, frozen=True, kw_only=True):
    """Funding was settled on a perpetual (R7)."""

    account: AccountId
    instrument: Symbol
    settlement_id: str  # the venue's; booked once per account, instrument and this
    amount: Decimal  # positive was received, negative was paid
    currency: Currency
    rate: Decimal
    quantity: Decimal  # signed position it was settled on
    mark: Decimal | None


class Liquidated(EventBase, frozen=True, kw_only=True):
    """The venue closed a position for want of margin (R23)."""

    account: AccountId
    instrument: Symbol
    trade_id: TradeId
    quantity: Decimal  # signed, of the closing execution
    price: Decimal
    fee: Decimal
    fee_currency: Currency


class HoldingLeft(EventBase, frozen=True, kw_only=True):
    """What the venue holds of an instrument beside ours: it is shown, and never traded."""

    account: AccountId
    instrument: Symbol
    quantity: Decimal  # signed; all of it, from here on


class CashMoved(EventBase, frozen=True, kw_only=True):
    """Money came to an account or left it, without a trade."""

    account: AccountId
    movement_id: str  # the venue's, or ours for a deposit of paper money; booked once
    reason: str  # `deposit`, `transfer`, `interest`, `borrow`, `dividend`
    amount: Decimal  # positive was received
    currency: Currency
