"""What the gate judges an order on: the account as it would be if everything open filled."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from algotrader.core.events import TradingMode
from algotrader.core.ids import AccountId
from algotrader.core.instruments import Instrument
from algotrader.core.orders import Side
from algotrader.core.symbols import Symbol
from algotrader.portfolio.positions import Booking, Contract, exact

ZERO: Final = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class InstrumentExposure:
    """One instrument of an account. Open orders count at all that they may still trade."""

    instrument: Instrument
    position: Decimal = ZERO  # signed
    buying: Decimal = ZERO  # open buy orders, positive
    selling: Decimal = ZERO  # open sell orders, positive
    price: Decimal | None = None  # last known; None: nothing can be judged
    is_stale: bool = False  # the price is older than it may be
    has_doubt: bool = False  # an order of it is in an unknown state

    def notional(self, quantity: Decimal, price: Decimal | None = None) -> Decimal:
        """Quote currency that a quantity stands for, at a price or the last one."""
        at = self.price if price is None else price
        if at is None:
            raise ValueError(f"{self.instrument.symbol} has no price")
        contract = Contract.of(self.instrument)
        with exact():
            if contract.booking is Booking.INVERSE:
                return abs(quantity) * contract.multiplier
            return abs(quantity) * contract.multiplier * at

    def reducible(self, side: Side) -> Decimal:
        """How much an order of a side may take off the position, open orders taken into account."""
        with exact():
            held = -side.sign * self.position
            pending = self.buying if side is Side.BUY else self.selling
            return max(held - pending, ZERO)

    def worst(self, side: Side, more: Decimal = ZERO) -> Decimal:
        """Absolute position if all orders of that side fill, and `more` of it, and none opposite."""
        with exact():
            pending = self.buying if side is Side.BUY else self.selling
            return max(side.sign * self.position + pending + more, ZERO)

    def worst_notional(self) -> Decimal:
        """The larger of both sides at the last price; 0 without one."""
        if self.price is None:
            return ZERO
        return self.notional(max(self.worst(Side.BUY), self.worst(Side.SELL)))


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountExposure:
    """One account at one instant."""

    account: AccountId
    mode: TradingMode
    now_ms: int  # UTC ms
    equity: Decimal  # the account's currency
    cash: Decimal
    instruments: Mapping[Symbol, InstrumentExposure]

    def gross(self) -> Decimal:
        """Sum of the worst notionals of all instruments."""
        with exact():
            return sum(
                (self.instruments[symbol].worst_notional() for symbol in sorted(self.instruments)),
                ZERO,
            )
