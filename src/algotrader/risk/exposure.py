"""What the gate judges an order on: the account as it would be if everything open filled."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, Protocol

from algotrader.core.events import StrategyMark, TradingMode
from algotrader.core.ids import AccountId, StrategyId
from algotrader.core.instruments import Instrument
from algotrader.core.orders import Order, OrderStatus, Side
from algotrader.core.symbols import Symbol
from algotrader.portfolio.positions import Contract, exact
from algotrader.portfolio.postings import Book
from algotrader.portfolio.sub_ledgers import AccountLedger
from algotrader.risk.activity import notional_of, worth_of

ZERO: Final = Decimal(0)


class OpenOrder(Protocol):
    """An order that may be at a venue, as the order book keeps it."""

    @property
    def order(self) -> Order: ...

    @property
    def status(self) -> OrderStatus: ...

    @property
    def open_quantity(self) -> Decimal: ...

    @property
    def most_open(self) -> Decimal: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """The best prices of a venue. Rules that need one are live-only."""

    bid: Decimal
    ask: Decimal
    at_ms: int  # UTC ms


@dataclass(frozen=True, slots=True, kw_only=True)
class InstrumentExposure:
    """One instrument of an account. Open orders count at all that they may still trade."""

    instrument: Instrument
    position: Decimal = ZERO  # signed
    buying: Decimal = ZERO  # open buy orders, positive
    selling: Decimal = ZERO  # open sell orders, positive
    price: Decimal | None = None  # last known; None: nothing can be judged
    frozen: str | None = None  # why the venue takes no order of it
    is_ending: bool = False  # it is about to expire: nothing is added
    is_stale: bool = False  # the price is older than it may be
    has_doubt: bool = False  # an order of it is in an unknown state
    open_orders: int = 0
    owner: StrategyId | None = None  # the strategy that trades it (R27)
    quote: Quote | None = None

    def notional(self, quantity: Decimal, price: Decimal | None = None) -> Decimal:
        """Quote currency that a quantity stands for, at a price or the last one."""
        at = self._price(price)
        with exact():
            return notional_of(Contract.of(self.instrument), quantity, at)

    def worth(self, quantity: Decimal, price: Decimal | None = None) -> Decimal:
        """Settlement currency that a quantity stands for: what equity and margin are told in."""
        at = self._price(price)
        with exact():
            return worth_of(Contract.of(self.instrument), quantity, at)

    def _price(self, price: Decimal | None) -> Decimal:
        at = self.price if price is None else price
        if at is None:
            raise ValueError(f"{self.instrument.symbol} has no price")
        return at

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
        return self.worth(max(self.worst(Side.BUY), self.worst(Side.SELL)))


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountExposure:
    """One account at one instant."""

    account: AccountId
    mode: TradingMode
    now_ms: int  # UTC ms
    equity: Decimal  # the account's currency
    cash: Decimal
    instruments: Mapping[Symbol, InstrumentExposure]
    deposits: Decimal = ZERO  # paid in less paid out since the run began
    strategies: tuple[StrategyMark, ...] = ()  # what each strategy's part is worth
    others: tuple[AccountExposure, ...] = ()  # the other accounts, for limits in total

    def gross(self) -> Decimal:
        """Sum of the worst notionals of all instruments."""
        with exact():
            return sum(
                (self.instruments[symbol].worst_notional() for symbol in sorted(self.instruments)),
                ZERO,
            )


def exposure_of(
    *,
    account: AccountId,
    mode: TradingMode,
    now_ms: int,
    books: AccountLedger,
    marks: Mapping[Symbol, Decimal],
    orders: Iterable[OpenOrder],
    instruments: Mapping[Symbol, Instrument],
    owners: Mapping[Symbol, StrategyId],
    others: tuple[AccountExposure, ...] = (),
    quotes: Mapping[Symbol, Quote] | None = None,
    stale: frozenset[Symbol] = frozenset(),
    frozen: Mapping[Symbol, str] | None = None,
    ending: Container[Symbol] = (),
) -> AccountExposure:
    """An account from its books, its open orders (of that account alone) and last prices.

    DataError if something is held that has no mark: what it is worth is not known then.
    """
    book = books.whole
    pending = _pending(orders)
    return AccountExposure(
        account=account,
        mode=mode,
        now_ms=now_ms,
        equity=book.equity(marks),
        cash=book.cash(),
        deposits=-book.balance(Book.DEPOSITS, book.currency),
        strategies=tuple(
            StrategyMark(
                strategy=name,
                equity=part.equity(marks),
                deposits=-part.balance(Book.DEPOSITS, part.currency),
            )
            for name, part in sorted(books.parts.items())
        ),
        instruments={
            symbol: InstrumentExposure(
                instrument=instruments[symbol],
                position=book.position(symbol).quantity,
                buying=_quantity(pending, symbol, Side.BUY),
                selling=_quantity(pending, symbol, Side.SELL),
                price=marks.get(symbol),
                is_stale=symbol in stale,
                frozen=(frozen or {}).get(symbol),
                is_ending=symbol in ending,
                has_doubt=any(
                    live.status is OrderStatus.UNKNOWN for live in pending.get(symbol, ())
                ),
                open_orders=len(pending.get(symbol, ())),
                owner=owners.get(symbol),
                quote=(quotes or {}).get(symbol),
            )
            for symbol in sorted(book.contracts)
        },
        others=others,
    )


def _pending(orders: Iterable[OpenOrder]) -> dict[Symbol, list[OpenOrder]]:
    found: dict[Symbol, list[OpenOrder]] = {}
    for live in orders:
        found.setdefault(live.order.instrument, []).append(live)
    return found


def _quantity(pending: Mapping[Symbol, list[OpenOrder]], symbol: Symbol, side: Side) -> Decimal:
    """What open orders of one side may still add, orders and changes in doubt at their full rest.

    What only reduces adds nothing, and may be sent twice: a stop and a target each guard the
    whole position.
    """
    with exact():
        return sum(
            (
                live.most_open
                for live in pending.get(symbol, ())
                if live.order.side is side and not live.order.terms.reduce_only
            ),
            ZERO,
        )
