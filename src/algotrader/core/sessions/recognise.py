"""Tell a calendar from the stamps of a bare file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from algotrader.core.sessions.calendar import Calendar, Ints, week_of
from algotrader.core.sessions.table import SessionCalendar
from algotrader.core.timeframes import DAY_MS, Timeframe

WEEKDAYS: Final = "24/5"

# Around the clock 2 of 7 stamps fall on a weekend; in markets that open on Sunday evening it is 1
# in 60. The bound lies between the two.
_WEEKEND_SHARE: Final = 0.07
# A market that is open on every weekday has 3.5 % of its days on New York's holidays.
_FOREIGN_DAYS: Final = 0.01
_FOREIGN_BARS: Final = 0.02
_LEAST_COVERED: Final = 0.25  # files with holes are recognised too
_UNBROKEN: Final = 0.95


@dataclass(frozen=True, slots=True, kw_only=True)
class Recognised:
    """Which calendar the stamps follow, and how well."""

    calendar: str
    agreement: float  # bars found of those the calendar expects in their span, 0 to 1


def never_closes(ts: Ints, timeframe: Timeframe) -> bool:
    """Whether the stamps are of a market without a night or weekend.

    Weekly and longer bars have no weekday to tell by and count as such.
    """
    if timeframe.ms > DAY_MS or np.mean(ts - week_of(ts) >= 5 * DAY_MS) > _WEEKEND_SHARE:
        return True
    span = int(ts[-1] - ts[0]) + timeframe.ms
    unbroken = ts.size * timeframe.ms >= _UNBROKEN * span
    return timeframe.is_intraday and span > DAY_MS and unbroken


def best_match(
    ts: Ints, timeframe: Timeframe, candidates: Mapping[str, SessionCalendar]
) -> Recognised | None:
    """The candidate whose days and hours the stamps keep to and fill best; None if none fits.

    What trades on a holiday of a calendar does not follow it, however few the days are that are
    missing. Intraday bars may be counted from the opening or from the full hour, so it counts
    whether they touch the session, and not where they begin.
    """
    fits: dict[str, float] = {}
    for name, calendar in candidates.items():
        inside = _within_known_span(ts, calendar)
        if _keeps_to(inside, ts, timeframe, calendar):
            fits[name] = _covered(inside, timeframe, calendar)
    if not fits:
        return None
    name = max(fits, key=lambda fit: fits[fit])  # the first of equals
    covered = fits[name]
    return Recognised(calendar=name, agreement=covered) if covered >= _LEAST_COVERED else None


def agreement_with(ts: Ints, timeframe: Timeframe, calendar: Calendar) -> Recognised:
    return Recognised(calendar=calendar.name, agreement=_covered(ts, timeframe, calendar))


def _within_known_span(ts: Ints, calendar: SessionCalendar) -> Ints:
    first, end = calendar.known_span
    return ts[(ts >= first) & (ts - ts % DAY_MS + DAY_MS <= end)]


def _keeps_to(inside: Ints, ts: Ints, timeframe: Timeframe, calendar: SessionCalendar) -> bool:
    if 2 * inside.size < ts.size:
        return False  # the calendar knows too little of that time
    days = np.unique(inside // DAY_MS) * DAY_MS
    traded = calendar.table.dates
    if np.mean(~np.isin(days, traded)) > _FOREIGN_DAYS:
        return False
    if not timeframe.is_intraday:
        return True
    spans = calendar.table
    before = np.searchsorted(spans.opens, inside + timeframe.ms) - 1  # last span begun by its end
    touches = (before >= 0) & (spans.closes[np.maximum(before, 0)] > inside)
    return bool(np.mean(~touches) <= _FOREIGN_BARS)


def _covered(ts: Ints, timeframe: Timeframe, calendar: Calendar) -> float:
    expected = calendar.grid(timeframe, _day(ts[0]), _day(ts[-1]) + DAY_MS)
    return min(1.0, ts.size / max(1, expected.size))


def _day(at_ms: np.int64) -> int:
    return int(at_ms - at_ms % DAY_MS)
