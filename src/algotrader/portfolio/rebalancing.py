"""At which decisions a target is acted on (R3, R4, R10): one small state per instrument.

The state is a value. `look` says what a decision does with a number, `acted_on` records that it
was acted on, `retried` that it may be tried again. Neither sizes anything: that is `sizing`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum
from typing import Final

from algotrader.core.rebalancing import RebalanceKind


class Look(StrEnum):
    """What a decision does with a target."""

    ACT = "act"
    KEEP = "keep"  # nothing to do: not scheduled, unchanged, or no opinion
    WAIT = "wait"  # the bar is missing: at the next one (R3)
    REFUSED = "refused"  # no number to trade on: the last valid one stands, alert (R4)


MAX_WEIGHT: Final = 10.0
"""A weight beyond this is a mistake, not a wish (R4)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RebalanceState:
    """What stands between an instrument's target and its next trade."""

    standing: float | None = None  # last valid weight: what is in force
    acted: float | None = None  # the weight last acted on, before any scaling
    latched: Decimal | None = None  # wanted quantity, worked until reached
    pending: bool = False  # look at the next bar, whatever the schedule says
    arrived: bool = False  # an opinion waits with it

    def look(
        self,
        number: float,
        *,
        rule: RebalanceKind,
        is_scheduled: bool = True,
        has_bar: bool = True,
        max_weight_abs: float = MAX_WEIGHT,
    ) -> tuple[RebalanceState, Look]:
        """The state after a decision saw `number` (NaN: no opinion), and what to do about it."""
        if rule is RebalanceKind.SCHEDULE and not is_scheduled and not self.pending:
            return self, Look.KEEP
        refused = not math.isnan(number) and not abs(number) <= max_weight_abs
        has_opinion = not math.isnan(number) and not refused
        standing = number if has_opinion else self.standing
        if not has_opinion and not self.arrived:
            waits = rule is RebalanceKind.SCHEDULE and not has_bar
            kept = self._with(standing, pending=waits, arrived=self.arrived)
            return kept, Look.REFUSED if refused else Look.WAIT if waits else Look.KEEP
        if rule is RebalanceKind.ON_CHANGE and standing == self.acted:
            return self._with(standing, pending=self.pending, arrived=self.arrived), Look.KEEP
        if not has_bar:
            return self._with(standing, pending=True, arrived=True), Look.WAIT
        return self._with(standing, pending=False, arrived=False), Look.ACT

    def _with(self, standing: float | None, *, pending: bool, arrived: bool) -> RebalanceState:
        """Itself where nothing changes, as at most bars."""
        if standing == self.standing and (pending, arrived) == (self.pending, self.arrived):
            return self
        return RebalanceState(
            standing=standing,
            acted=self.acted,
            latched=self.latched,
            pending=pending,
            arrived=arrived,
        )

    def acted_on(self, latched: Decimal) -> RebalanceState:
        """The state after the standing weight was sized to a wanted quantity."""
        return replace(self, acted=self.standing, latched=latched)

    def retried(self) -> RebalanceState:
        """The state after a limit was lifted or a person asked: the target is acted on again."""
        return replace(self, acted=None)
