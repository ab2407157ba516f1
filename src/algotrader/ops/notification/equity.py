"""Equity by day, from what the follower kept of the journal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from algotrader.ops.notification.outbox import DEPOSITS, WHOLE, DayEquity


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """An account at the end of a UTC day."""

    day: str
    equity: Decimal
    deposits: Decimal  # paid in less paid out, so far

    def profit_after(self, before: Day) -> Decimal:
        """What was earned between the two; money paid in is no profit."""
        return self.equity - before.equity - (self.deposits - before.deposits)


def days_of(rows: Sequence[DayEquity]) -> list[Day]:
    """The days on which something was decided, in order.

    The whole account's figure where there is one, else the sum of its strategies' parts, each at
    its last known worth.
    """
    known: dict[str, Decimal] = {}
    days: dict[str, Day] = {}
    for row in sorted(rows, key=lambda one: one.day):
        known[row.part] = Decimal(row.equity)
        parts = [worth for part, worth in known.items() if part not in (WHOLE, DEPOSITS)]
        if WHOLE in known or parts:
            equity = known.get(WHOLE, sum(parts, Decimal(0)))
            deposits = known.get(DEPOSITS, Decimal(0))
            days[row.day] = Day(day=row.day, equity=equity, deposits=deposits)
    return list(days.values())


def profit_since(
    days: Sequence[Day], day: str, equity: Decimal, deposits: Decimal
) -> Decimal | None:
    """From the end of `day`, or of the last one known before it, to now; None if none is known."""
    before = [one for one in days if one.day <= day]
    if not before:
        return None
    return Day(day="now", equity=equity, deposits=deposits).profit_after(before[-1])
