"""What ccxt's unified rows say about orders, in our events. Pure functions."""

from __future__ import annotations

from collections.abc import Mapping

from algotrader.core.events import OrderAmended, OrderFilled, OrderSeen
from algotrader.core.fills import Fill, Liquidity
from algotrader.core.ids import AccountId, OrderId, TradeId, VenueOrderId
from algotrader.core.instants import utc_at
from algotrader.core.money import Currency
from algotrader.core.orders import OrderStatus, Side
from algotrader.core.symbols import Symbol
from algotrader.execution.adapters.numbers import Row, decimal, integer
from algotrader.execution.adapters.telling import Names
from algotrader.execution.adapters.unified.venue import UnifiedVenue
from algotrader.execution.broker import BrokerUnavailableError


def status_of(venue: UnifiedVenue, row: Row) -> OrderStatus:
    """What an order is, by the venue's own word: ccxt's unified words leave differences out."""
    info = row.get("info")
    word = str(info.get(venue.status_field)) if isinstance(info, Mapping) else ""
    status = venue.statuses.get(word)
    if status is None:
        raise BrokerUnavailableError(f"order {row.get('id')} is in state {word!r}")
    if status is OrderStatus.ACCEPTED and decimal(row, "filled") > 0:
        return OrderStatus.PARTIALLY_FILLED
    return status


def seen(venue: UnifiedVenue, row: Row, names: Names, asked_ms: int | None) -> OrderSeen:
    """The venue's word on an order."""
    names["ts_event"] = _changed_ms(row)
    return OrderSeen(
        **names,
        venue_order_id=VenueOrderId(str(row["id"])),
        status=status_of(venue, row),
        filled_quantity=decimal(row, "filled"),
        asked_ms=asked_ms,
        quantity=decimal(row, "amount") or None,
        limit=decimal(row, "price") or None,
    )


def amended(row: Row, names: Names) -> OrderAmended:
    """An order as the venue shows it after a change: no order with a stop is changed there."""
    names["ts_event"] = _changed_ms(row)
    return OrderAmended(
        **names, quantity=decimal(row, "amount"), limit=decimal(row, "price") or None, stop=None
    )


def _changed_ms(row: Row) -> int:
    return integer(row, "lastUpdateTimestamp" if row.get("lastUpdateTimestamp") else "timestamp")


def fill_of(
    row: Row, account: AccountId, order_id: OrderId, instrument: Symbol, now_ms: int
) -> OrderFilled:
    """One trade. BrokerUnavailableError for one without the fee that was taken for it."""
    fee = row.get("fee")
    if not isinstance(fee, Mapping) or not fee.get("currency") or fee.get("cost") is None:
        raise BrokerUnavailableError(f"trade {row.get('id')} does not tell its fee")
    at_ms = integer(row, "timestamp")
    return OrderFilled(
        ts_event=at_ms,
        ts_known=now_ms,
        fill=Fill(
            trade_id=TradeId(str(row["id"])),
            order_id=order_id,
            account=account,
            instrument=instrument,
            side=Side(str(row["side"])),
            quantity=decimal(row, "amount"),
            price=decimal(row, "price"),
            fee=decimal(fee, "cost"),
            fee_currency=Currency(str(fee["currency"])),
            filled_at=utc_at(at_ms),
            liquidity=Liquidity.MAKER if row.get("takerOrMaker") == "maker" else Liquidity.TAKER,
        ),
    )
