"""Instruments, fills and marks for tests of the books."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from algotrader.core.events import FundingPaid, Liquidated
from algotrader.core.fills import Fill
from algotrader.core.ids import AccountId, TradeId
from algotrader.core.instruments import FeeCurrency, FeeSchedule, Instrument
from algotrader.core.money import Currency
from algotrader.core.orders import Side
from algotrader.core.symbols import InstrumentKind, Symbol
from algotrader.portfolio.postings import CashKind, CashMovement

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
ACCOUNT = AccountId("main")
USDT = Currency("USDT")
BTC = Currency("BTC")

SPOT = Instrument(
    symbol=Symbol.parse("OKX:BTC/USDT"),
    kind=InstrumentKind.SPOT,
    base="BTC",
    quote="USDT",
    settle="USDT",
    tick=Decimal("0.1"),
    lot=Decimal("0.01"),
    min_quantity=Decimal("0.01"),
    min_notional=Decimal(5),
    fees=FeeSchedule(taker=Decimal("0.001"), fee_in=FeeCurrency.RECEIVED),
)
SWAP = Instrument(
    symbol=Symbol.parse("OKX:BTC/USDT:USDT"),
    kind=InstrumentKind.PERPETUAL,
    base="BTC",
    quote="USDT",
    settle="USDT",
    tick=Decimal("0.1"),
    lot=Decimal(1),
    multiplier=Decimal("0.01"),
    fees=FeeSchedule(taker=Decimal("0.0005")),
)
INVERSE = Instrument(
    symbol=Symbol.parse("OKX:BTC/USD:BTC"),
    kind=InstrumentKind.PERPETUAL,
    base="BTC",
    quote="USD",
    settle="BTC",
    tick=Decimal("0.1"),
    lot=Decimal(1),
    multiplier=Decimal(100),
)
SHARE = Instrument(
    symbol=Symbol.parse("US:AAPL"),
    kind=InstrumentKind.EQUITY,
    base="AAPL",
    quote="USD",
    settle="USD",
    tick=Decimal("0.01"),
    lot=Decimal(1),
    calendar="XNYS",
)


def a_fill(
    instrument: Instrument, quantity: str, price: str, fee: str = "0", **changes: Any
) -> Fill:
    """A fill of a signed quantity; its fee is in the settlement currency unless told."""
    amount = Decimal(quantity)
    values: dict[str, Any] = {
        "trade_id": TradeId("1"),
        "order_id": None,
        "account": ACCOUNT,
        "instrument": instrument.symbol,
        "side": Side.BUY if amount > 0 else Side.SELL,
        "quantity": abs(amount),
        "price": Decimal(price),
        "fee": Decimal(fee),
        "fee_currency": Currency(instrument.settle),
        "filled_at": NOON,
    }
    return Fill(**{**values, **changes})


def cash(amount: str, kind: CashKind = CashKind.DEPOSIT, currency: str = "USDT") -> CashMovement:
    return CashMovement(
        kind=kind, currency=Currency(currency), amount=Decimal(amount), moved_at=NOON
    )


def funding(instrument: Instrument, amount: str) -> FundingPaid:
    return FundingPaid(
        ts_event=0,
        ts_known=0,
        account=ACCOUNT,
        instrument=instrument.symbol,
        settlement_id="1",
        amount=Decimal(amount),
        currency=Currency(instrument.settle),
        rate=Decimal("0.0001"),
        quantity=Decimal(1),
        mark=None,
    )


def liquidation(instrument: Instrument, quantity: str, price: str, fee: str) -> Liquidated:
    return Liquidated(
        ts_event=0,
        ts_known=0,
        account=ACCOUNT,
        instrument=instrument.symbol,
        trade_id=TradeId("9"),
        quantity=Decimal(quantity),
        price=Decimal(price),
        fee=Decimal(fee),
        fee_currency=Currency(instrument.settle),
    )
