"""R11: what increases cost, and the one factor that makes them payable."""

from __future__ import annotations

from dataclasses import dataclass

from tests.reference.account import fee_for, is_fee_in_coin, notional

from algotrader.execution.simulation import InstrumentKind, SimulatedInstrument


@dataclass(frozen=True, slots=True)
class Increase:
    """An opening of `lots` at a price, before the cut; `accrued`, `charged`: R14, so far."""

    order: int  # id
    item: SimulatedInstrument
    side: int
    lots: int
    price: float
    maker: bool
    accrued: float
    charged: float

    @property
    def value(self) -> float:
        return notional(self.item, self.lots * self.item.lot, self.price)

    def cost(self, factor: float) -> float:
        """Notional + fee (spot), notional / leverage + fee (derivatives)."""
        value = self.value * factor
        is_spot = self.item.kind == InstrumentKind.SPOT
        paid = value if is_spot else value / self.item.leverage
        if is_fee_in_coin(self.item, self.side):
            return paid  # without the fee when it is taken in the coin
        fee, _, _ = fee_for(self.item, self.side, value, self.maker, self.accrued, self.charged)
        return paid + fee

    def bends_at(self) -> float | None:
        """The factor from which the fee exceeds its minimum."""
        rate = self.item.maker_fee if self.maker else self.item.taker_fee
        if rate <= 0 or self.value <= 0 or is_fee_in_coin(self.item, self.side):
            return None
        return (self.item.min_fee - self.accrued) / (rate * self.value)


def total_cost(increases: list[Increase], factor: float) -> float:
    return sum(x.cost(factor) for x in increases)


def common_factor(increases: list[Increase], available: float) -> float:
    """R11: the largest factor in [0, 1] at which every cost, minimum fees included, is paid.

    The total is a rising chain of straight lines that bends where a fee leaves its minimum.
    """
    if not increases or total_cost(increases, 1.0) <= available + 1e-12 * max(1.0, abs(available)):
        return 1.0
    bends = [b for x in increases if (b := x.bends_at()) is not None and 0.0 < b < 1.0]
    low, cost_low = 0.0, total_cost(increases, 0.0)
    if cost_low > available:
        return 0.0
    for high in [*sorted(bends), 1.0]:
        cost_high = total_cost(increases, high)
        if cost_high > available:
            return low + (high - low) * (available - cost_low) / (cost_high - cost_low)
        low, cost_low = high, cost_high
    return 1.0
