"""What an account holds at its first start, beside the money that its books begin with (F36)."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from algotrader.core.events import CashMoved, Event, HoldingLeft, OrderFilled
from algotrader.core.fills import Fill
from algotrader.core.ids import TradeId
from algotrader.core.instants import utc_at
from algotrader.core.orders import Side
from algotrader.core.symbols import Symbol
from algotrader.ops.desk import DeskAccount
from algotrader.portfolio.positions import Contract


def holdings_at_start(
    account: DeskAccount, held: Mapping[Symbol, Decimal], now_ms: int
) -> list[Event]:
    """What is held is left alone, or adopted, as `accounts.NAME.by_hand` says."""
    told = _adopted if account.settings.by_hand == "adopt" else _left
    return [
        event
        for symbol, quantity in held.items()
        if quantity
        for event in told(account, symbol, quantity, now_ms)
    ]


def _left(account: DeskAccount, symbol: Symbol, quantity: Decimal, now_ms: int) -> list[Event]:
    return [
        HoldingLeft(
            ts_event=now_ms, ts_known=now_ms, account=account.name, instrument=symbol,
            quantity=quantity,
        )
    ]  # fmt: skip


def _adopted(account: DeskAccount, symbol: Symbol, quantity: Decimal, now_ms: int) -> list[Event]:
    """Booked at the last close: of coins their value is a deposit, so no profit is invented."""
    instrument = next(one for one in account.instruments if one.symbol == symbol)
    market = next(one for one in account.markets if symbol in one.bars.symbols)
    column = market.bars.symbols.index(symbol)
    price = Decimal(repr(float(market.bars.as_panel().close[-1, column])))
    contract = Contract.of(instrument)
    fill = Fill(
        trade_id=TradeId("adopted"), order_id=None, account=account.name, instrument=symbol,
        side=Side.BUY if quantity > 0 else Side.SELL, quantity=abs(quantity), price=price,
        fee=Decimal(0), fee_currency=account.currency, filled_at=utc_at(now_ms),
    )  # fmt: skip
    booked: list[Event] = [OrderFilled(ts_event=now_ms, ts_known=now_ms, fill=fill)]
    if contract.is_spot:
        booked.insert(
            0,
            CashMoved(
                ts_event=now_ms, ts_known=now_ms, account=account.name,
                movement_id=f"adopted {symbol}", reason="deposit",
                amount=contract.worth(quantity, price), currency=account.currency,
            ),
        )  # fmt: skip
    return booked
