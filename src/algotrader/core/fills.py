"""Fills: executions as the venue reported them. The ledger books them and computes no fee."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from algotrader.core.ids import AccountId, OrderId, TradeId
from algotrader.core.instants import require_aware
from algotrader.core.money import Currency
from algotrader.core.orders import Side
from algotrader.core.symbols import Symbol


class Liquidity(StrEnum):
    MAKER = "maker"
    TAKER = "taker"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fill:
    """One execution. Quantity is positive; `side` has the direction."""

    trade_id: TradeId  # the venue's
    order_id: OrderId | None  # ours; None when the venue filled what we did not send
    account: AccountId
    instrument: Symbol
    side: Side
    quantity: Decimal  # base units; contracts for derivatives
    price: Decimal  # quote currency per unit
    fee: Decimal  # negative is a rebate
    fee_currency: Currency  # may be the coin bought
    filled_at: datetime  # UTC, the venue's clock
    liquidity: Liquidity | None = None  # None where the venue does not say

    def __post_init__(self) -> None:
        for name in ("quantity", "price"):
            value = getattr(self, name)
            if not (value.is_finite() and value > 0):
                raise ValueError(f"fill {self.trade_id}: {name} must be positive, got {value}")
        if not self.fee.is_finite():
            raise ValueError(f"fill {self.trade_id}: fee must be a number, got {self.fee}")
        require_aware(self.filled_at)

    @property
    def key(self) -> tuple[AccountId, str, TradeId]:
        """What makes it one fill however often the venue tells it (account, instrument, trade)."""
        return self.account, str(self.instrument), self.trade_id

    @property
    def signed_quantity(self) -> Decimal:
        """Positive bought, negative sold."""
        return self.side.sign * self.quantity

    @property
    def value(self) -> Decimal:
        """Price x quantity, without multiplier: quote currency for spot and one-unit contracts."""
        return self.price * self.quantity
