"""How near an account is to liquidation, by the rules the simulator liquidates by (R23, cross)."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from algotrader.core.instruments import Instrument
from algotrader.portfolio.positions import ZERO, exact
from algotrader.risk.exposure import AccountExposure


@dataclass(frozen=True, slots=True, kw_only=True)
class Margin:
    """Account currency, at last prices. Spot holdings are no collateral."""

    equity: Decimal  # cash and the unrealised profit of derivatives
    maintenance: Decimal  # what must be left, liquidation fee included
    notional: Decimal  # of all derivatives
    initial: Decimal  # notional / leverage, open orders in full

    @property
    def ratio(self) -> Decimal | None:
        """Equity / maintenance; liquidated at 1. None without derivatives."""
        with exact():
            return self.equity / self.maintenance if self.maintenance else None

    @property
    def distance(self) -> Decimal | None:
        """The move of all prices against their positions that would liquidate, a fraction.

        The maintenance of today's notional is taken; it shrinks for longs and grows for shorts
        on the way there. None without derivatives.
        """
        with exact():
            return (self.equity - self.maintenance) / self.notional if self.notional else None


def margin_of(exposure: AccountExposure) -> Margin:
    """The margin of an account, cross over all its derivatives."""
    maintenance = notional = initial = spot = ZERO
    with exact():
        for here in exposure.instruments.values():
            if here.price is None:
                continue
            value = here.worth(here.position)
            if here.instrument.is_spot_like:
                spot += value if here.position > 0 else -value
                continue
            rate = _maintenance_rate(here.instrument, value)
            notional += value
            maintenance += value * (rate + here.instrument.margin.liquidation_fee)
            initial += here.worst_notional() / here.instrument.margin.leverage
        return Margin(
            equity=exposure.equity - spot,
            maintenance=maintenance,
            notional=notional,
            initial=initial,
        )


def free_of(exposure: AccountExposure) -> Decimal:
    """What increases may still spend: cash less open spot purchases and initial margins (R11)."""
    margin = margin_of(exposure)
    with exact():
        bought = sum(
            (
                here.notional(here.buying)
                for here in exposure.instruments.values()
                if here.instrument.is_spot_like and here.price is not None
            ),
            ZERO,
        )
        return margin.equity - margin.initial - bought


def _maintenance_rate(instrument: Instrument, notional: Decimal) -> Decimal:
    """The rate of the tier a notional lies in; upper bounds are included (R23)."""
    tiers = instrument.margin.tiers
    for tier in tiers:
        if notional <= tier.upper_notional:
            return tier.maintenance_rate
    return tiers[-1].maintenance_rate if tiers else ZERO
