"""Laws of the books: what must hold after every event, whatever the events are (P5, R8, R27)."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st
from tests.builders.books import BTC, INVERSE, NOON, SPOT, SWAP, USDT, a_fill, funding

from algotrader.core.fills import Fill
from algotrader.core.ids import StrategyId
from algotrader.core.instruments import Instrument
from algotrader.core.money import Currency
from algotrader.core.orders import Side
from algotrader.portfolio.ledger import Ledger, LedgerEvent, Statement
from algotrader.portfolio.positions import MONEY_UNIT, Contract, Position
from algotrader.portfolio.postings import CashKind, CashMovement
from algotrader.portfolio.sub_ledgers import AccountLedger, split

NAMES = tuple(StrategyId(name) for name in ("a", "b", "c"))
MARKS = {SPOT.symbol: Decimal("97.3"), SWAP.symbol: Decimal("104.9")}

prices = st.decimals("0.0001", "100000", places=4)
lots = st.integers(-500, 500).filter(bool)
fees = st.decimals("-5", "5", places=8)
amounts = st.decimals("-100000", "100000", places=6)


@st.composite
def fills(draw: st.DrawFn, instruments: tuple[Instrument, ...] = (SPOT, SWAP)) -> Fill:
    instrument = draw(st.sampled_from(instruments))
    quantity = draw(lots) * instrument.lot
    currency = Currency(instrument.settle)
    fee = draw(fees)
    if instrument is SPOT and quantity > 0 and draw(st.booleans()):
        currency, fee = BTC, quantity * Decimal("0.001")
    price = draw(prices)
    return a_fill(instrument, str(quantity), str(price), str(fee), fee_currency=currency)


@st.composite
def movements(draw: st.DrawFn) -> CashMovement:
    kind = draw(st.sampled_from(CashKind))
    return CashMovement(kind=kind, currency=USDT, amount=draw(amounts), moved_at=NOON)


events = st.one_of(fills(), fills(), movements(), st.builds(funding, st.just(SWAP), amounts))


@given(st.lists(events, max_size=25), prices, prices)
def test_postings_sum_to_zero_and_equity_is_explained_after_every_event(
    history: list[LedgerEvent], spot: Decimal, swap: Decimal
) -> None:
    ledger = Ledger.open(USDT, [SPOT, SWAP])
    marks = {SPOT.symbol: spot, SWAP.symbol: swap}
    for event in history:
        ledger = ledger.apply(event)
        assert sum(line.amount for line in ledger.postings) == 0
        assert {line.currency for line in ledger.postings} <= {USDT}
        assert ledger.statement(marks).gap == 0


@given(st.lists(fills((SWAP,)), max_size=30), prices)
def test_profit_is_what_the_fills_earned(history: list[Fill], mark: Decimal) -> None:
    position = Position(contract=Contract.of(SWAP))
    earned = Decimal(0)
    for fill in history:
        position = position.trade(fill.signed_quantity, fill.price)
        earned += fill.signed_quantity * SWAP.multiplier * (mark - fill.price)

    assert abs(position.realised + position.unrealised(mark) - earned) < Decimal("1e-12")
    assert position.quantity == sum(fill.signed_quantity for fill in history)


@given(st.lists(fills((INVERSE,)), max_size=30), prices)
def test_coins_earned_are_what_the_fills_earned(history: list[Fill], mark: Decimal) -> None:
    position = Position(contract=Contract.of(INVERSE))
    earned = Decimal(0)
    for fill in history:
        position = position.trade(fill.signed_quantity, fill.price)
        units = fill.signed_quantity * INVERSE.multiplier
        earned += units / fill.price - units / mark

    assert abs(position.realised + position.unrealised(mark) - earned) < Decimal("1e-15")


@given(lots, st.integers(1, 500), prices, prices)
def test_a_flip_is_a_close_and_then_an_open(
    first: int, beyond: int, entry: Decimal, price: Decimal
) -> None:
    held = Position(contract=Contract.of(SWAP)).trade(Decimal(first), entry)
    back = Decimal(-first)
    opened = Decimal(-beyond if first > 0 else beyond)

    assert held.trade(back + opened, price) == held.trade(back, price).trade(opened, price)


wanted = st.dictionaries(
    st.sampled_from(NAMES), st.integers(-9, 9).map(Decimal), min_size=1
).filter(lambda weights: sum(weights.values()) != 0)


@given(amounts, wanted, st.sampled_from([Decimal(1), Decimal("0.01"), MONEY_UNIT]))
def test_a_split_sums_to_the_last_unit_and_strays_by_less_than_one(
    amount: Decimal, weights: dict[StrategyId, Decimal], unit: Decimal
) -> None:
    shares = split(amount, weights, unit)

    total = sum(weights.values())
    assert sum(shares.values()) == amount
    for name, share in shares.items():
        assert abs(share - amount * weights[name] / total) <= unit


@given(st.lists(st.tuples(events, wanted), max_size=20))
def test_sub_ledgers_sum_to_the_account_after_every_event(
    history: list[tuple[LedgerEvent, dict[StrategyId, Decimal]]],
) -> None:
    books = AccountLedger.open(USDT, [SPOT, SWAP], NAMES)
    for event, weights in history:
        books = _applied(books, event, weights)
        _assert_parts_are_the_whole(books)


def _applied(
    books: AccountLedger, event: LedgerEvent, weights: dict[StrategyId, Decimal]
) -> AccountLedger:
    if isinstance(event, Fill):
        aligned = sum(weights.values()) > 0
        side = Decimal(1 if aligned == (event.side is Side.BUY) else -1)
        return books.apply_fill(event, {name: side * w for name, w in weights.items()})
    if isinstance(event, CashMovement):
        return books.apply_cash(event, weights)
    if sum(part.position(SWAP.symbol).quantity for part in books.parts.values()) == 0:
        return books
    return books.apply_funding(event)  # type: ignore[arg-type]


def _assert_parts_are_the_whole(books: AccountLedger) -> None:
    whole = books.whole.statement(MARKS)
    parts = _total(part.statement(MARKS) for part in books.parts.values())
    for line in ("equity", "deposits", "funding", "interest", "borrow", "dividends"):
        assert getattr(parts, line) == getattr(whole, line), line
    assert parts.gap == 0
    for symbol in (SPOT.symbol, SWAP.symbol):
        held = sum(part.position(symbol).quantity for part in books.parts.values())
        assert held == books.whole.position(symbol).quantity


def _total(statements: Iterable[Statement]) -> Statement:
    first, *rest = statements
    for statement in rest:
        first = first + statement
    return first
