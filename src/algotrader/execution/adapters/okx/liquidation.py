"""Our price of liquidation beside the venue's: margin that is misunderstood shows here first.

For each position both sides answer the same question: at which mark is the margin behind it used
up (R23)? Ours is the kernel's, with the tiers that backtest and risk use; the venue's is `liqPx`.
They may differ by half a percent, for the venue's own fees and rounding; more is told to a person.
"""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, Protocol

from algotrader._kernel import sizing as kernel
from algotrader.core.instruments import Instrument
from algotrader.core.money import Currency
from algotrader.core.ports import Notice, Notifier, Severity
from algotrader.core.symbols import Symbol
from algotrader.execution.adapters.okx.account import Balance, VenuePosition
from algotrader.execution.broker import BrokerUnavailableError
from algotrader.portfolio.sizing import KernelTerms

log = logging.getLogger(__name__)

ALLOWED: Final = Decimal("0.005")
"""How far the two prices may be apart, as a fraction of the venue's."""
_EVERY_S: Final = 300.0
_ISOLATED: Final = "isolated"


class PositionSource(Protocol):
    async def positions(self) -> tuple[VenuePosition, ...]: ...

    async def balances(self) -> Mapping[Currency, Balance]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class LiquidationGap:
    """One position of which the venue reckons otherwise. `ours` None: never, by our margin."""

    instrument: Symbol
    ours: Decimal | None
    venues: Decimal

    @property
    def apart(self) -> Decimal:
        """As a fraction of the venue's price; 1 where we see no liquidation at all."""
        return Decimal(1) if self.ours is None else abs(self.ours / self.venues - 1)


def liquidation_gaps(
    positions: Sequence[VenuePosition],
    cash: Mapping[str, Decimal],
    instruments: Mapping[Symbol, Instrument],
) -> tuple[LiquidationGap, ...]:
    """Positions of which the two prices are too far apart.

    `cash` is what the account has of each currency. A position without a price of the venue, or of
    an instrument that is not traded here, says nothing.
    """
    found = []
    for one in positions:
        if one.liquidation_price is None or one.instrument not in instruments:
            continue
        ours = own_price(one, positions, cash, instruments[one.instrument])
        gap = LiquidationGap(instrument=one.instrument, ours=ours, venues=one.liquidation_price)
        if gap.apart > ALLOWED:
            found.append(gap)
    return tuple(found)


def own_price(
    position: VenuePosition,
    positions: Sequence[VenuePosition],
    cash: Mapping[str, Decimal],
    instrument: Instrument,
) -> Decimal | None:
    """The mark at which a position's margin is used up, all others standing where they are (R23).

    Isolated: its own margin. Cross: the currency's cash that is no isolated margin, and what the
    other positions have earned and have to keep. None where no price does it.
    """
    behind = position.margin if position.margin_mode == _ISOLATED else _shared(
        position, positions, cash, instrument.settle
    )  # fmt: skip
    price = kernel.liquidation_price(
        KernelTerms.of(instrument), float(position.quantity), float(position.entry), float(behind)
    )
    return Decimal(repr(price)) if math.isfinite(price) else None


def _shared(
    position: VenuePosition,
    positions: Sequence[VenuePosition],
    cash: Mapping[str, Decimal],
    currency: str,
) -> Decimal:
    total = cash.get(currency, Decimal(0))
    for one in positions:
        if one is position or one.instrument.settle != currency:
            continue
        if one.margin_mode == _ISOLATED:
            total -= one.margin
        else:
            total += one.unrealised - one.maintenance_margin
    return total


class OkxLiquidationWatch:
    """Compares now and then; a gap is told once, until it closes and opens again."""

    def __init__(
        self,
        source: PositionSource,
        instruments: Mapping[Symbol, Instrument],
        notifier: Notifier,
    ) -> None:
        self._source = source
        self._instruments = instruments
        self._notifier = notifier
        self._told: set[Symbol] = set()

    async def run(self) -> None:
        """For ever."""
        while True:
            try:
                await self.look()
            except BrokerUnavailableError as error:
                log.warning("prices of liquidation could not be compared: %s", error)
            await asyncio.sleep(_EVERY_S)

    async def look(self) -> None:
        """Compare once. BrokerUnavailableError without an answer."""
        positions = await self._source.positions()
        if not positions:
            self._told.clear()
            return
        cash = {str(name): one.cash for name, one in (await self._source.balances()).items()}
        gaps = {one.instrument: one for one in liquidation_gaps(positions, cash, self._instruments)}
        for symbol, gap in gaps.items():
            if symbol not in self._told:
                await self._notifier.notify(_alarm(gap))
        self._told = set(gaps)


def _alarm(gap: LiquidationGap) -> Notice:
    ours = "none" if gap.ours is None else f"{gap.ours:.8g}"
    text = (
        f"the venue liquidates {gap.instrument} at {gap.venues:f}, our margin rules say {ours}: "
        "trust the nearer one; download the instrument's rules anew, and check margin mode and tiers"
    )
    title = f"price of liquidation of {gap.instrument} differs"
    return Notice(
        severity=Severity.CRITICAL, title=title, text=text, cause=f"liquidation:{gap.instrument}"
    )
