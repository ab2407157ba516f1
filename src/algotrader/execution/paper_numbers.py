"""From the simulator's floats to what a venue tells: exact decimals, ids, and back."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from algotrader.core.ids import OrderId, VenueOrderId
from algotrader.core.instants import utc_ms
from algotrader.core.instruments import FeeCurrency, Instrument
from algotrader.core.money import Currency
from algotrader.portfolio.positions import exact


def venue_id(number: int) -> VenueOrderId:
    return VenueOrderId(f"paper-{number}")


def guard_id(order_id: OrderId) -> VenueOrderId:
    return VenueOrderId(f"paper-{order_id}")


def nan_or(value: float | None) -> float:
    return float("nan") if value is None else value


def lots_of(quantity: float, lot: Decimal) -> Decimal:
    """The exact decimal of a quantity the kernel counted in lots."""
    with exact():
        return round(Decimal(repr(quantity)) / lot) * lot


def price_of(price: float, tick: Decimal) -> Decimal:
    """The exact decimal of a price on the tick grid."""
    with exact():
        return Decimal(repr(price)) if tick == 0 else round(Decimal(repr(price)) / tick) * tick


def fee_of(
    instrument: Instrument, quantity: Decimal, quote: float, price: float
) -> tuple[Decimal, Currency]:
    """The fee in the currency it is taken in; the kernel tells it in quote currency (R14)."""
    in_coin = instrument.fees.fee_in is FeeCurrency.RECEIVED and instrument.is_spot_like
    if in_coin and quantity > 0:
        return Decimal(repr(quote / price)), Currency(instrument.base)
    return Decimal(repr(quote)), Currency(instrument.settle)


def float_or_none(value: Decimal | None) -> float | None:
    return None if value is None else float(value)


def ms_or_none(at: datetime | None) -> int | None:
    return None if at is None else utc_ms(at)
