"""What an account holds at its venue beside ours, where a person wants it left alone (F36).

A fold of events, a part of the engine's state. None of it is booked, sized with or sold; the books
are compared with what the venue shows less this.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from algotrader.core.accounts import Account
from algotrader.core.fills import Fill
from algotrader.core.ids import AccountId
from algotrader.core.symbols import Symbol
from algotrader.portfolio.positions import ZERO, Contract, exact


class LeftAlone:
    """Changed by the methods below alone, as events tell."""

    def __init__(self, accounts: Iterable[Account]) -> None:
        self._accounts = frozenset(one.account_id for one in accounts if not one.adopts)
        self._held: dict[tuple[AccountId, Symbol], Decimal] = {}

    def concerns(self, account: AccountId) -> bool:
        """Whether trades by hand are left alone on an account."""
        return account in self._accounts

    def quantity(self, account: AccountId, symbol: Symbol) -> Decimal:
        """Signed, at the venue; 0 where nothing is."""
        return self._held.get((account, symbol), ZERO)

    def of(self, account: AccountId) -> dict[Symbol, Decimal]:
        """What is held of each instrument, without those of which nothing is."""
        return {
            symbol: held for (name, symbol), held in self._held.items() if name == account and held
        }

    def told(self, account: AccountId, symbol: Symbol, quantity: Decimal) -> None:
        """All of it, from here on."""
        self._held[account, symbol] = quantity

    def traded(self, fill: Fill, contract: Contract) -> None:
        """A person traded; a fee taken in the coin is gone from what is held (R14)."""
        in_coin = contract.is_spot and fill.fee_currency == contract.base
        with exact():
            moved = fill.signed_quantity - (fill.fee if in_coin else ZERO)
            held = self.quantity(fill.account, fill.instrument) + moved
        self._held[fill.account, fill.instrument] = held
