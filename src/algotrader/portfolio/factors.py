"""Common factors: increases that cash does not pay for (R11), legs that keep step (R37)."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from algotrader._kernel import sizing as kernel
from algotrader.core.instruments import Instrument
from algotrader.portfolio.positions import exact
from algotrader.portfolio.sizing import KernelTerms, whole_lots


@dataclass(frozen=True, slots=True, kw_only=True)
class Increase:
    """An order's part that increases a position, at the price it is to be paid at."""

    instrument: Instrument
    quantity: Decimal  # positive
    price: float
    is_buy: bool = True
    is_maker: bool = False
    group: Hashable = None  # legs of one group keep step; None stands alone


def fit_to_cash(increases: Sequence[Increase], free: float) -> tuple[Decimal, ...]:
    """What of each increase `free` pays for, all cut by the largest common factor (R11).

    Costs are notional (spot) or notional / leverage (derivatives) plus the fee, minimum fees
    included; a fee taken in the coin costs no cash. Cut quantities are truncated to lots and
    dropped when under the venue's minimum; then legs of a group share their smallest factor.
    """
    factor = kernel.cash_factor([_cost(increase) for increase in increases], free)
    allowed = [_cut(increase, factor) for increase in increases]
    if factor >= 1.0:
        return tuple(allowed)
    legs = [increase.group for increase in increases]
    wanted = [increase.quantity for increase in increases]
    lots = [increase.instrument.lot for increase in increases]
    return keep_in_step(wanted, allowed, lots, legs)


def keep_in_step(
    wanted: Sequence[Decimal],
    allowed: Sequence[Decimal],
    lots: Sequence[Decimal],
    groups: Sequence[Hashable],
) -> tuple[Decimal, ...]:
    """`allowed` with the legs of each group cut to the smallest factor of them (R37).

    All quantities are positive, in multiples of `lots`; a group of None stands alone.
    """
    factors = {
        group: smallest_factor(
            (whole, part)
            for whole, part, other in zip(wanted, allowed, groups, strict=True)
            if other == group
        )
        for group in set(groups)
        if group is not None
    }
    return tuple(
        part if group is None else min(part, part_of(whole, lot, factors[group]))
        for whole, part, lot, group in zip(wanted, allowed, lots, groups, strict=True)
    )


def smallest_factor(legs: Iterable[tuple[Decimal, Decimal]]) -> float:
    """Smallest allowed / wanted of (wanted, allowed), at most 1; a leg that wants nothing has 1."""
    with exact():
        shares = [float(part / whole) for whole, part in legs if whole > 0]
    return max(0.0, min([1.0, *shares]))


def part_of(quantity: Decimal, lot: Decimal, factor: float) -> Decimal:
    """`factor` of a quantity, truncated to whole lots (R9)."""
    with exact():
        return int(kernel.whole_lots(whole_lots(quantity, lot) * factor)) * lot


def _cost(increase: Increase) -> tuple[float, float, float, float]:
    """(principal, notional that pays the fee, rate, minimum fee) as the kernel reads it."""
    terms = KernelTerms.of(increase.instrument)
    notional = kernel.notional(terms, float(increase.quantity), increase.price)
    spot = increase.instrument.is_spot_like
    in_coin = spot and terms.fee_in_received and increase.is_buy
    return (
        notional if spot else notional / terms.leverage,
        0.0 if in_coin else notional,
        terms.maker_fee if increase.is_maker else terms.taker_fee,
        terms.min_fee,
    )


def _cut(increase: Increase, factor: float) -> Decimal:
    if factor >= 1.0:
        return increase.quantity
    cut = part_of(increase.quantity, increase.instrument.lot, factor)
    terms = KernelTerms.of(increase.instrument)
    is_cut = cut < increase.quantity
    return cut * 0 if is_cut and kernel.below_minimum(terms, float(cut), increase.price) else cut
