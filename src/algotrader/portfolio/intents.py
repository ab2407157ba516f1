"""From targets to intents: the orders that a decision wants, before risk looks at them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from algotrader._kernel import sizing as kernel
from algotrader.core.ids import AccountId, StrategyId
from algotrader.core.instruments import Instrument
from algotrader.core.orders import Intent, OrderTerms, Protection, Purpose, Side, TimeInForce
from algotrader.core.symbols import Symbol
from algotrader.portfolio.factors import part_of, smallest_factor
from algotrader.portfolio.positions import ZERO, exact
from algotrader.portfolio.sizing import (
    Outcome,
    SizedTarget,
    SizingBasis,
    SizingRules,
    limit_price,
    size_targets,
)


class Execution(StrEnum):
    """How a target is worked (R13)."""

    MARKET = "market"
    CAPPED = "capped"  # increases by a limit near the close, immediate or cancelled


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Whose decision it is and how it is to be worked."""

    account: AccountId
    strategy: StrategyId
    decided_at: datetime
    execution: Execution = Execution.MARKET
    cap_bps: float = 50.0  # of the close, for capped execution
    protection: Protection | None = None  # of the position (R19)


@dataclass(frozen=True, slots=True, kw_only=True)
class BelowMinimum:
    """A target that came to less than the venue trades: counted and said, never dropped (R9)."""

    symbol: Symbol
    sized: SizedTarget


def targets_to_intents(
    acted: Mapping[Symbol, float],
    basis: SizingBasis,
    rules: SizingRules,
    origin: Origin,
    *,
    in_force: Mapping[Symbol, float] | None = None,
    groups: Mapping[Symbol, str] | None = None,
) -> tuple[Intent | BelowMinimum, ...]:
    """The intents of weights acted on at one decision; reductions before increases (R11).

    Arguments as in `size_targets`; symbols of one name in `groups` are legs of one decision whose
    increases share the smallest factor of their cuts (R37). Under capped execution a flip becomes
    two legs: its close goes out uncapped, its opening half with the cap (R13).
    """
    sized = size_targets(acted, basis, rules, in_force=in_force)
    return sized_to_intents(sized, basis, origin, groups=groups)


def sized_to_intents(
    sized: tuple[SizedTarget, ...],
    basis: SizingBasis,
    origin: Origin,
    *,
    groups: Mapping[Symbol, str] | None = None,
) -> tuple[Intent | BelowMinimum, ...]:
    """`targets_to_intents` for targets whose sizes are known already."""
    if groups:
        sized = share_factors(sized, basis, groups)
    small = [
        BelowMinimum(symbol=target.symbol, sized=target)
        for target in sized
        if target.outcome is Outcome.BELOW_MINIMUM
    ]
    intents = [intent for target in sized for intent in _intents(target, basis, origin, groups)]
    # A stable sort: within each half the order of the symbols stays.
    return (*sorted(intents, key=lambda intent: not _reduces(intent, basis)), *small)


def share_factors(
    sized: Iterable[SizedTarget], basis: SizingBasis, groups: Mapping[Symbol, str]
) -> tuple[SizedTarget, ...]:
    """The targets with the increases of each group cut to its smallest factor (R37)."""
    targets = tuple(sized)
    factors = {
        group: smallest_factor(
            (abs(target.uncut), _toward(target.uncut, target.change))
            for target in targets
            if groups.get(target.symbol) == group and target.outcome is not Outcome.IN_BAND
        )
        for group in sorted(set(groups.values()))
    }
    kept = tuple(
        _scaled(target, basis, factors[groups[target.symbol]])
        if target.symbol in groups and factors[groups[target.symbol]] < 1.0
        else target
        for target in targets
    )
    # A leg that fell under the minimum takes its fellows along: one more pass settles it.
    fell = any(
        new.outcome is Outcome.BELOW_MINIMUM and old.outcome is Outcome.TRADE
        for old, new in zip(targets, kept, strict=True)
    )
    return share_factors(kept, basis, groups) if fell else kept


def _toward(wanted: Decimal, change: Decimal) -> Decimal:
    """How much of `change` goes where `wanted` points; a reduction forced instead is none of it."""
    return abs(change) if wanted * change > 0 else ZERO


def _scaled(target: SizedTarget, basis: SizingBasis, factor: float) -> SizedTarget:
    """A leg at a factor of its uncut size. Reductions are left whole."""
    if target.opening == 0:
        return target
    instrument = basis.instruments[target.symbol]
    with exact():
        side = 1 if target.opening > 0 else -1
        part = part_of(abs(target.uncut), instrument.lot, factor)
        change = side * max(part, abs(target.closing))
    terms, price = basis.terms[target.symbol], basis.prices[target.symbol]
    if change == 0 or kernel.below_minimum(terms, float(change), price):
        return replace(target, outcome=Outcome.BELOW_MINIMUM, change=ZERO, closing=ZERO)
    with exact():
        position = basis.positions.get(target.symbol, ZERO)
        return replace(target, change=change, wanted=position + change)


def _intents(
    target: SizedTarget,
    basis: SizingBasis,
    origin: Origin,
    groups: Mapping[Symbol, str] | None,
) -> Iterable[Intent]:
    capped = origin.execution is Execution.CAPPED and target.opening != 0
    whole = (target.change, target.opening == 0)
    parts = [(target.closing, True), (target.opening, False)] if capped else [whole]
    for leg, (quantity, reduces) in enumerate(part for part in parts if part[0]):
        side = Side.BUY if quantity > 0 else Side.SELL
        is_capped = capped and not reduces
        instrument = basis.instruments[target.symbol]
        cap = cap_price(basis.prices[target.symbol], instrument, side, origin.cap_bps)
        yield Intent(
            account=origin.account,
            strategy=origin.strategy,
            decided_at=origin.decided_at,
            terms=OrderTerms(
                instrument=target.symbol,
                side=side,
                quantity=abs(quantity),
                limit=cap if is_capped else None,
                tif=TimeInForce.IOC if is_capped else TimeInForce.GTC,
                reduce_only=reduces,
            ),
            purpose=Purpose.TARGET,
            leg=leg,
            group=(groups or {}).get(target.symbol),
            towards=ZERO if reduces and target.opening != 0 else target.wanted,
            protection=origin.protection,
        )


def cap_price(close: float, instrument: Instrument, side: Side, cap_bps: float) -> Decimal:
    """The worst price at which an increase of a target may fill (R13)."""
    return limit_price(close * (1.0 + side.sign * cap_bps / 1e4), instrument, side)


def _reduces(intent: Intent, basis: SizingBasis) -> bool:
    held = basis.positions.get(intent.terms.instrument, ZERO)
    return held * intent.terms.signed_quantity < 0
