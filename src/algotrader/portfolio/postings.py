"""What the ledger writes: postings that sum to zero in every currency, and events of cash."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple

from algotrader.core.instants import require_aware
from algotrader.core.money import Currency
from algotrader.core.symbols import Symbol


class Book(StrEnum):
    """The accounts of the double-entry books. Money enters `CASH` and `HOLDING` from the others."""

    CASH = "cash"  # the wallet
    HOLDING = "holding"  # spot positions at cost
    DEPOSITS = "deposits"  # also withdrawals and transfers
    REALISED = "realised"
    FEES = "fees"
    FUNDING = "funding"
    INTEREST = "interest"
    BORROW = "borrow"
    DIVIDENDS = "dividends"
    FX = "fx"


class Posting(NamedTuple):
    """One line: so much of a currency into a book. The lines of an event sum to zero."""

    book: Book
    currency: Currency
    amount: Decimal  # positive goes into the book
    instrument: Symbol | None = None


class CashKind(StrEnum):
    """Why cash moved without a trade."""

    DEPOSIT = "deposit"  # negative is a withdrawal
    TRANSFER = "transfer"  # to or from another account of ours
    FUNDING = "funding"
    INTEREST = "interest"
    BORROW = "borrow"  # fee for borrowed shares or coins
    DIVIDEND = "dividend"


BOOK_OF: dict[CashKind, Book] = {
    CashKind.DEPOSIT: Book.DEPOSITS,
    CashKind.TRANSFER: Book.DEPOSITS,
    CashKind.FUNDING: Book.FUNDING,
    CashKind.INTEREST: Book.INTEREST,
    CashKind.BORROW: Book.BORROW,
    CashKind.DIVIDEND: Book.DIVIDENDS,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class CashMovement:
    """Cash that came or went without a trade."""

    kind: CashKind
    currency: Currency
    amount: Decimal  # positive was received
    moved_at: datetime  # UTC
    instrument: Symbol | None = None  # whose dividend, funding or borrow fee

    def __post_init__(self) -> None:
        require_aware(self.moved_at)
        if not self.amount.is_finite():
            raise ValueError(f"{self.kind} of {self.amount} {self.currency} is no amount")


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversion:
    """One currency exchanged for another inside an account (R26)."""

    sold: Decimal  # positive
    sold_currency: Currency
    bought: Decimal  # positive
    bought_currency: Currency
    converted_at: datetime  # UTC

    def __post_init__(self) -> None:
        require_aware(self.converted_at)
        if not (self.sold > 0 and self.bought > 0):
            raise ValueError(f"a conversion of {self.sold} for {self.bought} is none")
        if self.sold_currency == self.bought_currency:
            raise ValueError(f"{self.sold_currency} is not exchanged for itself")
