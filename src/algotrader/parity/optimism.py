"""Paper beside live: how much better the simulated fills of the same decisions were.

The backtest of a parity fills as paper does, with the same bars, costs and rounding. So its price of
a decision is what paper would have said while the venue said another.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from algotrader.parity.causes import Compared
from algotrader.parity.record import Key

_BPS: Final = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Flattered:
    """One decision that was filled on both sides."""

    key: Key
    quantity: Decimal  # signed, as it was filled while trading
    traded: Decimal  # average price while trading, quote currency per unit
    paper: Decimal  # average price on paper

    @property
    def optimism_bps(self) -> float:
        """By how much paper was better: bought cheaper or sold dearer; negative if worse."""
        sign = 1 if self.quantity > 0 else -1
        return float(sign * (self.traded - self.paper) / self.paper) * _BPS


def flattered(decisions: Iterable[Compared]) -> list[Flattered]:
    """Decisions that traded the same way on both sides, in the order of their time."""
    found = []
    for one in decisions:
        ours, theirs = one.came
        if ours.price is None or theirs.price is None or ours.filled * theirs.filled <= 0:
            continue
        found.append(
            Flattered(key=one.key, quantity=ours.filled, traded=ours.price, paper=theirs.price)
        )
    return found


def mean_bps(orders: Sequence[Flattered]) -> float | None:
    """The average optimism of decisions, each counted once; None if there are none."""
    return sum(one.optimism_bps for one in orders) / len(orders) if orders else None
