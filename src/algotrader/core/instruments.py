"""Instruments: what trades, in which steps, at what cost and with which margin."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from algotrader.core.symbols import InstrumentKind, Symbol

ZERO = Decimal(0)


class FeeCurrency(StrEnum):
    """In which currency a venue takes its fee (R14)."""

    QUOTE = "quote"
    RECEIVED = "received"  # in what was bought, so less can be sold than was bought


@dataclass(frozen=True, slots=True, kw_only=True)
class FeeSchedule:
    """What a venue charges. Rates are fractions of notional; a negative maker rate is a rebate."""

    maker: Decimal = ZERO
    taker: Decimal = ZERO
    minimum: Decimal = ZERO  # quote currency, per order
    fee_in: FeeCurrency = FeeCurrency.QUOTE
    source: str = "by hand"  # where the rates come from, as the report names it

    def __post_init__(self) -> None:
        for name, rate in (("maker", self.maker), ("taker", self.taker)):
            if not abs(rate) < 1:
                raise ValueError(f"{name} fee {rate} is not a fraction of notional")
        if self.minimum < 0:
            raise ValueError(f"minimum fee {self.minimum} is negative")


@dataclass(frozen=True, slots=True, kw_only=True)
class MarginTier:
    """Positions up to `upper_notional` (included) keep `maintenance_rate` of notional."""

    upper_notional: Decimal
    maintenance_rate: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class MarginSchedule:
    """Leverage and maintenance margin of a derivative (R23).

    Without tiers a position is liquidated only when no margin is left at all.
    """

    leverage: Decimal = Decimal(1)
    tiers: tuple[MarginTier, ...] = ()
    liquidation_fee: Decimal = ZERO  # fraction of notional at the mark
    source: str = "by hand"  # where the tiers come from, as the report names it

    def __post_init__(self) -> None:
        if self.leverage <= 0:
            raise ValueError(f"leverage {self.leverage} is not positive")
        bounds = [tier.upper_notional for tier in self.tiers]
        if bounds != sorted(set(bounds)):
            raise ValueError("margin tiers must have ascending upper bounds")


@dataclass(frozen=True, slots=True, kw_only=True)
class SlippageModel:
    """How far a taker's price is worse than the quote (R22)."""

    bps: Decimal = ZERO
    half_spread_bps: Decimal = ZERO
    impact: Decimal = ZERO  # y in y × σ × √(quantity / average daily volume)


@dataclass(frozen=True, slots=True, kw_only=True)
class Instrument:
    """One thing that trades. `tick` 0 means any price; quantities are base units or contracts."""

    symbol: Symbol
    kind: InstrumentKind
    base: str
    quote: str
    settle: str
    tick: Decimal = ZERO  # quote currency per unit
    lot: Decimal = Decimal("1e-8")
    min_quantity: Decimal = ZERO
    min_notional: Decimal = ZERO  # quote currency
    multiplier: Decimal = Decimal(1)  # units (linear) or quote (inverse) of one contract
    fees: FeeSchedule = field(default_factory=FeeSchedule)
    slippage: SlippageModel = field(default_factory=SlippageModel)
    margin: MarginSchedule = field(default_factory=MarginSchedule)
    calendar: str = "24/7"
    listed_at: datetime | None = None
    expires_at: datetime | None = None
    delisted_at: datetime | None = None

    def __post_init__(self) -> None:
        if self.lot <= 0 or self.multiplier <= 0:
            raise ValueError(f"{self.symbol}: lot and multiplier must be positive")
        if self.tick < 0 or self.min_quantity < 0 or self.min_notional < 0:
            raise ValueError(f"{self.symbol}: tick and minimums must not be negative")
        for name in ("listed_at", "expires_at", "delisted_at"):
            moment: datetime | None = getattr(self, name)
            if moment is not None and moment.utcoffset() is None:
                raise ValueError(f"{self.symbol}: {name} must be an aware UTC time")

    @property
    def is_spot_like(self) -> bool:
        """True where cash moves by the full value and a short position cannot be held (R12)."""
        return self.kind in (InstrumentKind.SPOT, InstrumentKind.EQUITY)

    @property
    def is_inverse(self) -> bool:
        return not self.is_spot_like and self.settle == self.base
