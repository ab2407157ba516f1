"""The one crossing between `Decimal` (orders, fills, ledger) and float64 lots (research, kernel).

The arithmetic of money is the kernel's: lots of a weight, rounding of prices, minimums, notional,
the common factor of a cash cut. What stands here is the order in which it is asked (R4, R9 to R12,
R28), the same as the simulator's.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import Final

from algotrader._kernel import sizing as kernel
from algotrader.core.errors import DataError
from algotrader.core.events import RuleEffect
from algotrader.core.instants import utc_ms
from algotrader.core.instruments import FeeCurrency, Instrument
from algotrader.core.orders import Side
from algotrader.core.symbols import Symbol
from algotrader.portfolio.positions import ZERO, Booking, Contract, exact

_KINDS: Final = {Booking.SPOT: 0, Booking.LINEAR: 1, Booking.INVERSE: 2}
LOT_SLACK: Final = 1e-9  # of a lot: rounding, not quantity (R9)
_SUM_SLACK: Final = 1e-9  # weights that sum to 1 but for rounding are not above 1


@dataclass(frozen=True, slots=True, kw_only=True)
class KernelTerms:
    """An instrument as the kernel reads it: floats, under the kernel's own names.

    The one conversion of `Instrument`; a driver adds what only its run knows (share, participation).
    """

    kind: int
    tick: float
    lot: float
    min_quantity: float
    min_notional: float
    multiplier: float
    maker_fee: float
    taker_fee: float
    min_fee: float
    fee_in_received: bool
    slippage_bps: float
    half_spread_bps: float
    impact: float
    leverage: float
    tiers: tuple[tuple[float, float], ...]
    liquidation_fee: float
    size_share: float = 1.0
    participation: float = 0.0
    never_closes: bool = True
    listed_at: int | None = None
    delisted_at: int | None = None
    delist_haircut: float = 0.0

    @classmethod
    def of(cls, instrument: Instrument) -> KernelTerms:
        fees, slippage, margin = instrument.fees, instrument.slippage, instrument.margin
        return cls(
            kind=_KINDS[Contract.of(instrument).booking],
            tick=float(instrument.tick),
            lot=float(instrument.lot),
            min_quantity=float(instrument.min_quantity),
            min_notional=float(instrument.min_notional),
            multiplier=float(instrument.multiplier),
            maker_fee=float(fees.maker),
            taker_fee=float(fees.taker),
            min_fee=float(fees.minimum),
            fee_in_received=fees.fee_in is FeeCurrency.RECEIVED,
            slippage_bps=float(slippage.bps),
            half_spread_bps=float(slippage.half_spread_bps),
            impact=float(slippage.impact),
            leverage=float(margin.leverage),
            tiers=tuple((float(t.upper_notional), float(t.maintenance_rate)) for t in margin.tiers),
            liquidation_fee=float(margin.liquidation_fee),
            never_closes=instrument.calendar == "24/7",
            listed_at=None if instrument.listed_at is None else utc_ms(instrument.listed_at),
            delisted_at=None if instrument.delisted_at is None else utc_ms(instrument.delisted_at),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class SizingRules:
    """What an account allows a target. Weights are fractions of equity."""

    cash_buffer: float = 0.0  # fraction of equity that weights leave alone (R8)
    max_leverage: float = 1.0  # of the sum of |weight| of derivatives (R12)
    max_weight: float = math.inf  # of one instrument (R28)
    max_notional: float = math.inf  # of one position, quote currency (R28)
    band: float = 0.0  # skip while |wanted - held| < band x |wanted| (R10); 0 never skips


class Outcome(StrEnum):
    """What sizing a target came to."""

    TRADE = "trade"
    REACHED = "reached"  # less than a lot from what is held
    IN_BAND = "in_band"
    BELOW_MINIMUM = "below_minimum"
    REFUSED = "refused"  # more lots than are exact in float64 (R9)


@dataclass(frozen=True, slots=True, kw_only=True)
class SizedTarget:
    """One target in whole lots, and how it came to that."""

    symbol: Symbol
    outcome: Outcome
    weight: float  # after every cut
    wanted: Decimal  # signed quantity to be latched and worked towards (R10)
    change: Decimal = ZERO  # signed, what an order would trade; zero unless the outcome is a trade
    closing: Decimal = ZERO  # the part of it that reduces what is held, signed alike
    uncut: Decimal = ZERO  # what it would trade without limits
    rules: tuple[RuleEffect, ...] = ()  # what changed it, in lots

    @property
    def opening(self) -> Decimal:
        """The part of `change` that increases the position."""
        with exact():
            return self.change - self.closing


def kernel_terms(instruments: Mapping[Symbol, Instrument]) -> dict[Symbol, KernelTerms]:
    """The terms of many instruments: made once by a driver, used at every decision."""
    return {symbol: KernelTerms.of(instrument) for symbol, instrument in instruments.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class SizingBasis:
    """What a decision is sized on. `prices` are last closes, `positions` signed quantities."""

    equity: Decimal  # the account's currency (R8)
    prices: Mapping[Symbol, float]
    positions: Mapping[Symbol, Decimal]
    instruments: Mapping[Symbol, Instrument]
    shares: Mapping[Symbol, float] = field(
        default_factory=dict
    )  # of equity, what a weight is of (R2)
    terms: Mapping[Symbol, KernelTerms] = field(default_factory=dict)  # of the instruments

    def __post_init__(self) -> None:
        if not self.terms:
            object.__setattr__(self, "terms", kernel_terms(self.instruments))

    def sizing_equity(self, rules: SizingRules) -> float:
        """What weights are fractions of: equity without its buffer, 0 when there is none (R8)."""
        return float(self.equity) * (1.0 - rules.cash_buffer) if self.equity > 0 else 0.0


def size_targets(
    acted: Mapping[Symbol, float],
    basis: SizingBasis,
    rules: SizingRules,
    *,
    in_force: Mapping[Symbol, float] | None = None,
) -> tuple[SizedTarget, ...]:
    """The weights acted on at one decision as lots, in the order of the symbols' text (R1).

    `in_force` are the standing weights of every listed instrument (default: `acted` alone). Their
    sums are held to 1 on spot and to the leverage allowed on derivatives (R11, R12). DataError for
    a target without a price.
    """
    standing = acted if in_force is None else {**in_force, **acted}
    scales = _scales(standing, basis, rules)
    return tuple(
        _sizer(symbol, acted[symbol] * basis.shares.get(symbol, 1.0), basis, rules).size(
            rules, scales[basis.instruments[symbol].is_spot_like]
        )
        for symbol in sorted(acted)
    )


def size_quantity(
    symbol: Symbol, quantity: float, basis: SizingBasis, rules: SizingRules
) -> SizedTarget:
    """A position asked for by signed quantity as lots: never short on spot, held to the limits."""
    return _sizer(symbol, 0.0, basis, rules).size_lots(quantity, rules)


def _sizer(symbol: Symbol, number: float, basis: SizingBasis, rules: SizingRules) -> _Sizer:
    return _Sizer(
        symbol=symbol,
        instrument=basis.instruments[symbol],
        terms=basis.terms[symbol],
        number=number,
        equity=basis.sizing_equity(rules),
        price=_price(basis.prices, symbol),
        position=basis.positions.get(symbol, ZERO),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sizer:
    """One target with all that its size depends on."""

    symbol: Symbol
    instrument: Instrument
    terms: KernelTerms
    number: float  # the weight asked for, of the whole equity
    equity: float
    price: float
    position: Decimal

    def size(self, rules: SizingRules, scale: float) -> SizedTarget:
        terms = self.terms
        allowed = _effective(self.instrument, self.number, rules)
        weight = allowed * scale
        lots = asked = self._lots(weight)
        if weight != self.number:
            asked = self._lots(self.number)
        if math.isnan(lots) or math.isnan(asked):
            return SizedTarget(
                symbol=self.symbol, outcome=Outcome.REFUSED, weight=weight, wanted=self.position
            )
        effects = self._weight_effects(allowed, weight)
        with exact():
            position = float(self.position / self.instrument.lot)
        most = _most_lots(terms, self.price, rules.max_notional)
        if abs(lots) > most:
            cut = math.copysign(most, lots)
            effects = (*effects, _effect("max_notional", lots, cut))
            lots = cut
        if rules.band and _inside_band(lots, position, rules.band):
            return self._sized(Outcome.IN_BAND, weight, lots, effects=effects)
        change = _change(lots, position)
        uncut = _change(asked, position)
        is_dust = lots == 0.0 and weight != 0.0 and kernel.whole_lots(position) == 0.0
        if is_dust or (change and kernel.below_minimum(terms, change * terms.lot, self.price)):
            outcome, change = Outcome.BELOW_MINIMUM, 0.0
        else:
            outcome = Outcome.TRADE if change else Outcome.REACHED
        return self._sized(outcome, weight, lots, change=change, uncut=uncut, effects=effects)

    def size_lots(self, quantity: float, rules: SizingRules) -> SizedTarget:
        """The same for a position by quantity (R10, R12, R28)."""
        terms = self.terms
        lots = asked = kernel.whole_lots(quantity / terms.lot)
        if self.instrument.is_spot_like:
            lots = max(lots, 0.0)
        if math.isfinite(rules.max_weight):
            most = self._lots(rules.max_weight)
            lots = min(max(lots, -most), most)
        if self.equity <= 0.0:
            lots = 0.0  # R8
        most = _most_lots(terms, self.price, rules.max_notional)
        lots = math.copysign(min(abs(lots), most), lots)
        with exact():
            position = float(self.position / self.instrument.lot)
        change, uncut = _change(lots, position), _change(asked, position)
        outcome = Outcome.TRADE if change else Outcome.REACHED
        if change and kernel.below_minimum(terms, change * terms.lot, self.price):
            outcome, change = Outcome.BELOW_MINIMUM, 0.0
        effects = () if lots == asked else (_effect("limits", asked, lots),)
        return self._sized(outcome, 0.0, lots, change=change, uncut=uncut, effects=effects)

    def _lots(self, weight: float) -> float:
        return kernel.lots_from_weight(self.terms, weight, self.equity, self.price)

    def _weight_effects(self, allowed: float, weight: float) -> tuple[RuleEffect, ...]:
        """Which rules changed the weight, told in lots."""
        if weight == self.number:
            return ()
        spot = self.instrument.is_spot_like
        long_only = max(self.number, 0.0) if spot else self.number
        steps = (
            ("spot_no_short", self.number, long_only),
            ("max_weight", long_only, allowed),
            ("weight_sum" if spot else "max_leverage", allowed, weight),
        )
        return tuple(
            _effect(rule, self._lots(before), self._lots(after))
            for rule, before, after in steps
            if after != before
        )

    def _sized(
        self,
        outcome: Outcome,
        weight: float,
        lots: float,
        *,
        change: float = 0.0,
        uncut: float = 0.0,
        effects: tuple[RuleEffect, ...] = (),
    ) -> SizedTarget:
        lot = self.instrument.lot
        with exact():
            traded = int(change) * lot
            held = whole_lots(self.position, lot) * lot
            opposed = held * traded < 0
            return SizedTarget(
                symbol=self.symbol,
                outcome=outcome,
                weight=weight,
                wanted=int(lots) * lot,
                change=traded,
                closing=ZERO if not opposed else traded if abs(traded) <= abs(held) else -held,
                uncut=int(uncut) * lot,
                rules=effects,
            )


def whole_lots(quantity: Decimal, lot: Decimal) -> int:
    """Whole lots of a quantity, toward zero with the slack of R9; less than one is dust."""
    with exact():
        return int(kernel.whole_lots(float(quantity / lot)))


def limit_price(price: float, instrument: Instrument, side: Side) -> Decimal:
    """A limit price on the instrument's ticks, rounded passively (R9)."""
    rounded = kernel.round_limit(price, float(instrument.tick), side.sign)
    return _on_tick(rounded, instrument.tick)


def stop_price(price: float, instrument: Instrument, side: Side) -> Decimal:
    """A stop's level on the instrument's ticks, rounded away from the market (R9)."""
    rounded = kernel.round_stop(price, float(instrument.tick), side.sign)
    return _on_tick(rounded, instrument.tick)


def _on_tick(price: float, tick: Decimal) -> Decimal:
    """The exact decimal of a price the kernel rounded: 100.30000000000001 on 0.1 is 100.3."""
    if tick == 0:
        return Decimal(repr(price))
    with exact():
        return round(Decimal(price) / tick) * tick


def _scales(
    in_force: Mapping[Symbol, float], basis: SizingBasis, rules: SizingRules
) -> dict[bool, float]:
    """Factor of spot (True) and derivatives (False) that keeps the sums allowed (R11, R12)."""
    sums = {True: 0.0, False: 0.0}
    for symbol in sorted(in_force):
        instrument = basis.instruments[symbol]
        number = in_force[symbol] * basis.shares.get(symbol, 1.0)
        sums[instrument.is_spot_like] += abs(_effective(instrument, number, rules))
    limits = {True: 1.0, False: rules.max_leverage}
    return {
        kind: limits[kind] / total if total > limits[kind] * (1.0 + _SUM_SLACK) else 1.0
        for kind, total in sums.items()
    }


def _effective(instrument: Instrument, number: float, rules: SizingRules) -> float:
    """A weight as it counts: no short on spot (R12), cut to the limit on one (R28)."""
    allowed = max(number, 0.0) if instrument.is_spot_like else number
    return min(max(allowed, -rules.max_weight), rules.max_weight)


def _change(lots: float, position: float) -> float:
    """Lots to trade: a fraction of a lot is never bought or sold, leaving sells what is whole."""
    if lots == 0.0:
        return -kernel.whole_lots(position)
    return kernel.whole_lots(lots - position)


def _inside_band(lots: float, position: float, band: float) -> bool:
    """R10: entering, leaving and changing sign always trade."""
    held = kernel.whole_lots(position)
    if held == 0.0 or lots == 0.0 or (held > 0.0) != (lots > 0.0):
        return False
    return abs(lots - position) < band * abs(lots) - LOT_SLACK


def _most_lots(terms: KernelTerms, price: float, max_notional: float) -> float:
    if math.isinf(max_notional):
        return math.inf
    return kernel.whole_lots(max_notional / kernel.quote_notional(terms, terms.lot, price))


def _effect(rule: str, before: float, after: float) -> RuleEffect:
    reason = f"{before:.0f} lots became {after:.0f}"
    return RuleEffect(
        rule=rule, before=Decimal(int(before)), after=Decimal(int(after)), reason=reason
    )


def _price(prices: Mapping[Symbol, float], symbol: Symbol) -> float:
    price = prices.get(symbol, math.nan)
    if not (math.isfinite(price) and price > 0.0):
        raise DataError(
            "sizing.no_price",
            f"{symbol} has a target and no last close to size it at",
            hint="a target is acted on at the first bar of its instrument",
        )
    return price
