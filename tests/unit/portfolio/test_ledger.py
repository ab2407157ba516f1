"""The ledger's bookings, each worked out by hand (R8, R14, R26)."""

from __future__ import annotations

from decimal import Decimal, localcontext

import pytest
from tests.builders.books import (
    BTC,
    INVERSE,
    NOON,
    SHARE,
    SPOT,
    SWAP,
    USDT,
    a_fill,
    cash,
    funding,
    liquidation,
)

from algotrader.core.errors import ConfigurationError, DataError, RunError
from algotrader.core.instruments import Instrument
from algotrader.core.money import Currency
from algotrader.portfolio.ledger import Ledger, LedgerEvent
from algotrader.portfolio.postings import Book, CashKind, CashMovement, Conversion


def books(*events: LedgerEvent, instruments: tuple[Instrument, ...] = (SPOT, SWAP)) -> Ledger:
    ledger = Ledger.open(USDT, instruments)
    for event in events:
        ledger = ledger.apply(event)
    return ledger


def marks(**prices: str) -> dict[object, Decimal]:
    symbols = {"spot": SPOT.symbol, "swap": SWAP.symbol}
    return {symbols[name]: Decimal(price) for name, price in prices.items()}


def test_a_spot_purchase_moves_cash_by_its_full_value_and_its_fee() -> None:
    ledger = books(cash("1000"), a_fill(SPOT, "2", "100", "0.2"))

    statement = ledger.statement({SPOT.symbol: Decimal(110)})

    assert ledger.cash() == Decimal("799.8")
    assert (statement.equity, statement.unrealised, statement.fees) == (
        Decimal("1019.8"),
        20,
        Decimal("0.2"),
    )
    assert statement.gap == 0


def test_a_fee_in_the_coin_leaves_the_position_and_is_valued_at_the_fill() -> None:
    ledger = books(cash("1000"), a_fill(SPOT, "2", "100", "0.002", fee_currency=BTC))

    assert ledger.cash() == 800
    assert ledger.position(SPOT.symbol).quantity == Decimal("1.998")
    assert ledger.position(SPOT.symbol).entry == 100
    statement = ledger.statement({SPOT.symbol: Decimal(100)})
    assert (statement.fees, statement.equity) == (Decimal("0.2"), Decimal("999.8"))


def test_a_fee_in_a_third_currency_is_paid_from_that_currency() -> None:
    points = Currency("OKB")
    ledger = books(cash("1000"), a_fill(SPOT, "1", "100", "0.5", fee_currency=points))

    assert ledger.cash(points) == Decimal("-0.5")
    with pytest.raises(DataError, match="no rate from it to USDT"):
        ledger.statement({SPOT.symbol: Decimal(100)})
    statement = ledger.statement({SPOT.symbol: Decimal(100)}, {points: Decimal(40)})
    assert (statement.fees, statement.equity, statement.gap) == (20, 980, 0)


def test_a_derivative_moves_cash_by_realised_profit_alone() -> None:
    ledger = books(cash("1000"), a_fill(SWAP, "10", "100", "0.05"))
    assert ledger.cash() == Decimal("999.95")

    ledger = ledger.apply(a_fill(SWAP, "-4", "150", "0.03"))

    # 4 contracts of 0.01 x 50 = 2; 6 are left: 6 x 0.01 x 20 = 1.2 at a mark of 120.
    assert ledger.cash() == Decimal("1001.92")
    statement = ledger.statement({SWAP.symbol: Decimal(120)})
    assert (statement.realised, statement.unrealised, statement.gap) == (2, Decimal("1.2"), 0)


def test_a_rebate_is_a_negative_fee() -> None:
    ledger = books(cash("1000"), a_fill(SWAP, "10", "100", "-0.01"))

    assert ledger.cash() == Decimal("1000.01")


def test_funding_and_every_other_cash_has_its_own_line() -> None:
    ledger = books(
        cash("1000"),
        cash("-100"),
        cash("50", CashKind.TRANSFER),
        funding(SWAP, "-3"),
        cash("-2", CashKind.INTEREST),
        cash("-1", CashKind.BORROW),
        cash("7", CashKind.DIVIDEND),
        cash("0.5", CashKind.FUNDING),
    )

    statement = ledger.statement({})

    assert (statement.deposits, statement.dividends) == (950, 7)
    assert (statement.funding, statement.interest, statement.borrow) == (Decimal("2.5"), 2, 1)
    assert (statement.equity, statement.gap) == (Decimal("951.5"), 0)


def test_a_liquidation_closes_the_position_and_takes_its_fee() -> None:
    ledger = books(cash("10"), a_fill(SWAP, "100", "100"), liquidation(SWAP, "-100", "91", "0.455"))

    assert ledger.position(SWAP.symbol).quantity == 0
    assert ledger.cash() == Decimal("0.545")  # 10 - 9 - 0.455
    assert ledger.statement({}).gap == 0


def test_inverse_contracts_are_booked_in_their_coin() -> None:
    ledger = Ledger.open(BTC, [INVERSE]).apply(cash("2", currency="BTC"))

    ledger = ledger.apply(a_fill(INVERSE, "10", "100")).apply(a_fill(INVERSE, "-5", "200"))

    # 5 x 100 x (1/100 - 1/200) = 2.5 coins earned, as much again still open at 200.
    assert ledger.cash() == Decimal("4.5")
    assert ledger.equity({INVERSE.symbol: Decimal(200)}) == 7


def test_two_currencies_are_never_one() -> None:
    with pytest.raises(ConfigurationError, match="settles in USD and the account is kept in USDT"):
        Ledger.open(USDT, [SHARE])
    assert Ledger.open(USDT, [SHARE], rated=frozenset({Currency("USD")})).cash() == 0


def test_a_conversion_moves_money_between_currencies_and_its_gain_is_fx() -> None:
    dollars = Currency("USD")
    exchanged = Conversion(
        sold=Decimal(110),
        sold_currency=USDT,
        bought=Decimal(100),
        bought_currency=dollars,
        converted_at=NOON,
    )
    ledger = books(cash("1000"), exchanged)

    statement = ledger.statement({}, {dollars: Decimal("1.2")})

    assert (ledger.cash(), ledger.cash(dollars)) == (890, 100)
    assert (statement.equity, statement.fx, statement.gap) == (1010, 10, 0)


@pytest.mark.parametrize(
    ("changes", "message"),
    [({"sold": Decimal(0)}, "is none"), ({"bought_currency": USDT}, "not exchanged for itself")],
)
def test_a_conversion_is_of_two_amounts_in_two_currencies(
    changes: dict[str, object], message: str
) -> None:
    values = {
        "sold": Decimal(1),
        "sold_currency": USDT,
        "bought": Decimal(1),
        "bought_currency": BTC,
        "converted_at": NOON,
    }
    with pytest.raises(ValueError, match=message):
        Conversion(**{**values, **changes})  # type: ignore[arg-type]


def test_cash_that_is_no_number_is_refused() -> None:
    with pytest.raises(ValueError, match="is no amount"):
        CashMovement(kind=CashKind.DEPOSIT, currency=USDT, amount=Decimal("NaN"), moved_at=NOON)


def test_every_event_posts_lines_that_sum_to_zero() -> None:
    ledger = books(cash("1000"), a_fill(SPOT, "2", "100", "0.002", fee_currency=BTC))

    lines = [(posting.book, posting.amount) for posting in ledger.postings]

    assert lines == [
        (Book.CASH, -200),
        (Book.HOLDING, Decimal("199.8")),
        (Book.FEES, Decimal("0.2")),
    ]
    assert sum(amount for _, amount in lines) == 0


def test_applying_an_event_leaves_the_earlier_ledger_as_it_was() -> None:
    before = books(cash("1000"))

    before.apply(a_fill(SPOT, "1", "100"))

    assert (before.cash(), before.position(SPOT.symbol).quantity) == (1000, 0)


def test_a_fill_of_an_instrument_the_account_does_not_trade_is_refused() -> None:
    with pytest.raises(RunError, match="US:AAPL, which this account does not trade"):
        books().apply(a_fill(SHARE, "1", "100"))


def test_a_position_without_a_mark_has_no_equity() -> None:
    with pytest.raises(DataError, match="no price to mark it at"):
        books(a_fill(SPOT, "1", "100")).equity({})


def test_the_books_do_not_depend_on_the_callers_decimal_context() -> None:
    events = [cash("1000"), a_fill(SPOT, "0.3", "33.33333"), a_fill(SPOT, "-0.1", "44.44444")]
    usual = books(*events)

    with localcontext() as context:
        context.prec = 4
        narrow = books(*events)

    assert narrow.balances == usual.balances
    assert narrow.statement({SPOT.symbol: Decimal(40)}).gap == 0
