"""Maintenance margin of a perpetual, as an exchange states it through ccxt (R23)."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from algotrader.core.errors import RunError
from algotrader.core.instruments import MarginSchedule, MarginTier

# Exchanges that bound their tiers in contracts, whatever ccxt calls the field.
_IN_CONTRACTS = frozenset({"okx"})
_DIGITS = Decimal("0.001")  # a bound at today's price is no more exact than that


def margin_of(
    exchange: Any, call: Callable[..., Any], market: dict[str, Any], taker: Decimal
) -> MarginSchedule:
    """The tiers of `market`; none where the exchange does not tell them without a key.

    Bounds are notional in the settlement currency. Those stated in contracts of a linear
    perpetual are converted at the last price, so a later download may move them a little.
    """
    rows = _rows(exchange, call, market["symbol"])
    if not rows or any(row.get("maintenanceMarginRate") is None for row in rows):
        return MarginSchedule()
    unit = Decimal(1)
    if exchange.id in _IN_CONTRACTS:
        unit = _value_of_contract(exchange, call, market)
    tiers: list[MarginTier] = []
    for row in sorted(rows, key=lambda row: decimal_of(row["minNotional"])):
        # The last rate holds above its bound, so an open end may end anywhere above its start.
        upper = row["maxNotional"] or 2 * decimal_of(row["minNotional"]) + 1
        bound = _rounded(decimal_of(upper) * unit)
        if not tiers or bound > tiers[-1].upper_notional:
            rate = decimal_of(row["maintenanceMarginRate"])
            tiers.append(MarginTier(upper_notional=bound, maintenance_rate=rate))
    return MarginSchedule(
        tiers=tuple(tiers), liquidation_fee=_liquidation_fee(market, taker), source=exchange.id
    )


def _rows(exchange: Any, call: Callable[..., Any], symbol: str) -> list[dict[str, Any]]:
    try:
        if exchange.has.get("fetchMarketLeverageTiers") is True:
            return list(call(exchange.fetch_market_leverage_tiers, symbol))
        if exchange.has.get("fetchLeverageTiers") is True:
            return list(call(exchange.fetch_leverage_tiers, [symbol]).get(symbol) or [])
    except RunError as error:
        if error.code != "data.venue_refused":  # most often: tiers are told to key holders only
            raise
    return []


def _value_of_contract(exchange: Any, call: Callable[..., Any], market: dict[str, Any]) -> Decimal:
    """Notional of one contract in the settlement currency, at the last price."""
    size = decimal_of(market["contractSize"])
    price = decimal_of(call(exchange.fetch_ticker, market["symbol"])["last"])
    return size / price if market.get("inverse") else size * price


def _liquidation_fee(market: dict[str, Any], taker: Decimal) -> Decimal:
    """What the exchange takes at a liquidation; its taker fee where it names no other."""
    named = (market.get("info") or {}).get("liquidationFee")
    return taker if named is None else decimal_of(named)


def _rounded(value: Decimal) -> Decimal:
    """Three significant digits."""
    return Decimal(f"{value.quantize(_DIGITS.scaleb(value.adjusted() + 1)):f}")


def decimal_of(value: Any) -> Decimal:
    """What ccxt gives as a float or as text, without zeros at its end; 0 where it gives nothing."""
    return Decimal(0) if value is None else Decimal(f"{Decimal(str(value)).normalize():f}")
