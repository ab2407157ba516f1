"""The ledger: what an account owns and owes and what it earned, by double entry in `Decimal`.

A ledger is a value: `apply` gives the next one and leaves this one as it was. Each event becomes
postings that sum to zero in every currency, so the identity

    equity = deposits + realised + unrealised - fees - funding - interest - borrow + dividends + fx

holds whatever happens. The ledger books what the venue reported: it computes no fee (R14), and its
caller hands it each fill once (`Fill.key`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from decimal import Decimal
from types import MappingProxyType
from typing import Final

from algotrader.core.errors import ConfigurationError, DataError, RunError
from algotrader.core.events import FundingPaid, Liquidated
from algotrader.core.fills import Fill
from algotrader.core.instruments import Instrument
from algotrader.core.money import Currency
from algotrader.core.symbols import Symbol
from algotrader.portfolio.positions import ZERO, Contract, Position, exact, money
from algotrader.portfolio.postings import BOOK_OF, Book, CashMovement, Conversion, Posting

LedgerEvent = Fill | Liquidated | FundingPaid | CashMovement | Conversion
Balances = Mapping[tuple[Book, Currency], Decimal]

ONE: Final = Decimal(1)
NO_RATES: Final[Mapping[Currency, Decimal]] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """The books at given marks, in one currency. Costs are positive when they were paid."""

    cash: Decimal
    equity: Decimal
    deposits: Decimal
    realised: Decimal  # before fees
    unrealised: Decimal
    fees: Decimal
    funding: Decimal
    interest: Decimal
    borrow: Decimal
    dividends: Decimal
    fx: Decimal

    @property
    def gap(self) -> Decimal:
        """Equity less what explains it; anything but zero is a bug."""
        with exact():
            earned = self.deposits + self.realised + self.unrealised + self.dividends + self.fx
            paid = self.fees + self.funding + self.interest + self.borrow
            return self.equity - (earned - paid)

    def __add__(self, other: Statement) -> Statement:
        with exact():
            names = [field.name for field in fields(self)]
            return Statement(**{name: getattr(self, name) + getattr(other, name) for name in names})


@dataclass(frozen=True, slots=True, kw_only=True)
class Ledger:
    """Cash per currency (R26) and positions by average cost (R8). Made by `Ledger.open`."""

    currency: Currency  # the account's
    contracts: Mapping[Symbol, Contract]
    positions: Mapping[Symbol, Position]
    balances: Balances
    postings: tuple[Posting, ...] = ()  # of the last event

    @classmethod
    def open(
        cls,
        currency: Currency,
        instruments: Iterable[Instrument],
        *,
        rated: frozenset[Currency] = frozenset(),
    ) -> Ledger:
        """An empty ledger. `rated` are the currencies that an exchange-rate series exists for.

        ConfigurationError if an instrument settles in a currency without one (R26).
        """
        contracts = {instrument.symbol: Contract.of(instrument) for instrument in instruments}
        for symbol, contract in contracts.items():
            if contract.settle != currency and contract.settle not in rated:
                raise ConfigurationError(
                    "ledger.currency",
                    f"{symbol} settles in {contract.settle} and the account is kept in "
                    f"{currency}: there is no exchange rate between them",
                    hint="use one settlement currency per account",
                )
        return cls(currency=currency, contracts=contracts, positions={}, balances={})

    def apply(self, event: LedgerEvent) -> Ledger:
        """The ledger after an event. RunError for an instrument it was not opened with."""
        with exact():
            if isinstance(event, Fill):
                return self._traded(event, event.signed_quantity)
            if isinstance(event, Liquidated):
                return self._traded(event, event.quantity)
            if isinstance(event, Conversion):
                return self._converted(event)
            book = Book.FUNDING if isinstance(event, FundingPaid) else BOOK_OF[event.kind]
            moved = money(event.amount)
            postings = (
                Posting(Book.CASH, event.currency, moved, event.instrument),
                Posting(book, event.currency, -moved, event.instrument),
            )
            return self._posted(postings, self.positions)

    def trade(
        self,
        symbol: Symbol,
        quantity: Decimal,
        price: Decimal,
        fee: Decimal,
        fee_currency: Currency,
    ) -> Ledger:
        """The ledger after a signed quantity traded at a price (R8, R12).

        A fee in the coin of a spot pair leaves the position, in any other currency the cash.
        """
        contract = self._contract(symbol)
        before = self.positions.get(symbol) or Position(contract=contract)
        in_coin = contract.is_spot and fee_currency == contract.base
        with exact():
            received = quantity - fee if in_coin else quantity
            after = before.trade(received, price)
            paid = contract.worth(quantity, price) if contract.is_spot else ZERO
            held = after.cost - before.cost if contract.is_spot else ZERO
            earned = after.realised - before.realised
            lost = paid - contract.worth(received, price) if in_coin else ZERO
            charged = ZERO if in_coin else money(fee)
            settle = contract.settle
            lines = (
                Posting(Book.CASH, settle, -paid if contract.is_spot else earned, symbol),
                Posting(Book.HOLDING, settle, held, symbol),
                Posting(Book.REALISED, settle, -earned, symbol),
                Posting(Book.FEES, settle, lost, symbol),
                Posting(Book.CASH, fee_currency, -charged, symbol),
                Posting(Book.FEES, fee_currency, charged, symbol),
            )
            written = tuple(line for line in lines if line.amount)
            return self._posted(written, {**self.positions, symbol: after})

    def position(self, symbol: Symbol) -> Position:
        """What is held of an instrument; RunError if the ledger does not know it."""
        return self.positions.get(symbol) or Position(contract=self._contract(symbol))

    def balance(self, book: Book, currency: Currency) -> Decimal:
        return self.balances.get((book, currency), ZERO)

    def cash(self, currency: Currency | None = None) -> Decimal:
        """The wallet in a currency, the account's if none is named."""
        return self.balance(Book.CASH, self.currency if currency is None else currency)

    def statement(
        self, marks: Mapping[Symbol, Decimal], rates: Mapping[Currency, Decimal] = NO_RATES
    ) -> Statement:
        """The books at `marks`, quote currency per unit, in the account's currency.

        `rates` say what one unit of another currency is worth in the account's. DataError if a
        position has no mark or a balance no rate.
        """
        with exact():
            value = unrealised = ZERO
            for symbol, position in self.positions.items():
                if position.quantity == 0:
                    continue
                mark = _mark(marks, symbol)
                rate = self._rate(rates, position.contract.settle)
                value += rate * position.value(mark)
                unrealised += rate * position.unrealised(mark)
            total = dict.fromkeys(Book, ZERO)
            for (book, currency), amount in self.balances.items():
                if amount:
                    total[book] += self._rate(rates, currency) * amount
            return Statement(
                cash=total[Book.CASH],
                equity=total[Book.CASH] + value,
                deposits=-total[Book.DEPOSITS],
                realised=-total[Book.REALISED],
                unrealised=unrealised,
                fees=total[Book.FEES],
                funding=total[Book.FUNDING],
                interest=total[Book.INTEREST],
                borrow=total[Book.BORROW],
                dividends=-total[Book.DIVIDENDS],
                fx=-total[Book.FX],
            )

    def equity(
        self, marks: Mapping[Symbol, Decimal], rates: Mapping[Currency, Decimal] = NO_RATES
    ) -> Decimal:
        """Cash, spot at its marks and the profit of derivatives (R8); `statement` without the rest."""
        with exact():
            total = ZERO
            for symbol, position in self.positions.items():
                if position.quantity:
                    rate = self._rate(rates, position.contract.settle)
                    total += rate * position.value(_mark(marks, symbol))
            for (book, currency), amount in self.balances.items():
                if amount and book is Book.CASH:
                    total += self._rate(rates, currency) * amount
            return total

    def _contract(self, symbol: Symbol) -> Contract:
        contract = self.contracts.get(symbol)
        if contract is None:
            raise RunError(
                "ledger.unknown_instrument",
                f"a fill of {symbol}, which this account does not trade, cannot be booked",
                hint="add the instrument to the account, then reconcile it",
            )
        return contract

    def _rate(self, rates: Mapping[Currency, Decimal], currency: Currency) -> Decimal:
        if currency == self.currency:
            return ONE
        if currency not in rates:
            raise DataError(
                "ledger.no_rate",
                f"the account holds {currency} and there is no rate from it to {self.currency}",
                hint=f"provide the rate, or convert the {currency} at the venue",
            )
        return rates[currency]

    def _traded(self, event: Fill | Liquidated, quantity: Decimal) -> Ledger:
        return self.trade(event.instrument, quantity, event.price, event.fee, event.fee_currency)

    def _converted(self, event: Conversion) -> Ledger:
        sold, bought = money(event.sold), money(event.bought)
        postings = (
            Posting(Book.CASH, event.sold_currency, -sold),
            Posting(Book.FX, event.sold_currency, sold),
            Posting(Book.CASH, event.bought_currency, bought),
            Posting(Book.FX, event.bought_currency, -bought),
        )
        return self._posted(postings, self.positions)

    def _posted(
        self, postings: tuple[Posting, ...], positions: Mapping[Symbol, Position]
    ) -> Ledger:
        balances = dict(self.balances)
        for posting in postings:
            key = (posting.book, posting.currency)
            balances[key] = balances.get(key, ZERO) + posting.amount
        return Ledger(
            currency=self.currency,
            contracts=self.contracts,
            positions=positions,
            balances=balances,
            postings=postings,
        )


def _mark(marks: Mapping[Symbol, Decimal], symbol: Symbol) -> Decimal:
    if symbol not in marks:
        raise DataError(
            "ledger.no_mark",
            f"{symbol} is held and has no price to mark it at",
            hint="its last known close is a mark too",
        )
    return marks[symbol]
