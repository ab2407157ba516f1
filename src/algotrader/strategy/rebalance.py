"""At which decisions a target is looked at (R10)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from algotrader.core.bars import Bars
from algotrader.core.errors import StrategyError
from algotrader.core.rebalancing import RebalanceKind
from algotrader.core.timeframes import DAY_MS


class Period(StrEnum):
    """A schedule looks at targets at the first decision of each period."""

    DAY = "daily"
    WEEK = "weekly"
    MONTH = "monthly"
    QUARTER = "quarterly"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rebalance:
    """Made by `on_change`, `every_bar`, `band` and `schedule` below, or parsed from their text."""

    kind: RebalanceKind
    width: float = 0.0  # of a band: fraction of the wanted quantity
    period: Period | None = None

    def __str__(self) -> str:
        if self.kind is RebalanceKind.BAND:
            return f"band({self.width:g})"
        return str(self.period) if self.period is not None else str(self.kind)

    @classmethod
    def parse(cls, text: str) -> Rebalance:
        """`on_change`, `every_bar`, `band(0.1)`, `daily`, `weekly`, `monthly`, `quarterly`."""
        if text == RebalanceKind.ON_CHANGE:
            return on_change()
        if text == RebalanceKind.EVERY_BAR:
            return every_bar()
        if match := re.fullmatch(r"band\(([0-9.]+)\)", text):
            return band(float(match[1]))
        if text in set(Period):
            return schedule(Period(text))
        raise StrategyError(
            "strategy.rebalance_unknown",
            f"rebalance {text!r} does not exist",
            hint="use on_change, every_bar, band(0.1), daily, weekly, monthly or quarterly",
        )


def on_change() -> Rebalance:
    """Act when the target's number differs from the last one acted on."""
    return Rebalance(kind=RebalanceKind.ON_CHANGE)


def every_bar() -> Rebalance:
    """Act at every decision."""
    return Rebalance(kind=RebalanceKind.EVERY_BAR)


def band(width: float) -> Rebalance:
    """Act at every decision unless what is held is within `width` (a fraction) of what is wanted."""
    if not 0 < width < 1:
        raise ValueError(f"a band is a fraction between 0 and 1, not {width}")
    return Rebalance(kind=RebalanceKind.BAND, width=width)


def schedule(period: Period | str) -> Rebalance:
    """Act at the first decision of each day, week, month or quarter."""
    return Rebalance(kind=RebalanceKind.SCHEDULE, period=Period(period))


def decisions(rebalance: Rebalance, bars: Bars) -> NDArray[np.bool_] | None:
    """Rows `(T,)` at which a schedule acts; `None` for the other kinds.

    A schedule acts at the first decision of each period, which is known without the future; the
    run's own first decision counts as one. The trading day of a row is its session's date, or
    its UTC day where there are no sessions.
    """
    if rebalance.period is None:
        return None
    days = bars.ts // DAY_MS if bars.session is None else bars.session
    keys = _period_keys(np.asarray(days, dtype=np.int64), rebalance.period)
    begins = np.ones(len(bars), dtype=np.bool_)
    begins[1:] = keys[1:] != keys[:-1]
    return begins


def _period_keys(days: NDArray[np.int64], period: Period) -> NDArray[np.int64]:
    if period is Period.DAY:
        return days
    if period is Period.WEEK:
        return (days + 3) // 7  # 1970-01-01 was a Thursday; weeks begin on Monday
    months = days.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)
    return months if period is Period.MONTH else months // 3
