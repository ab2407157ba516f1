"""The time frame that stamps lie on, and what each bar's calendar says of it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from algotrader.core.calendars import (
    Calendar,
    SessionCalendar,
    calendar_of,
    load_calendar,
    recognise,
)
from algotrader.core.errors import DataError
from algotrader.core.symbols import Symbol
from algotrader.core.timeframes import DAY_MS, MINUTE_MS, Timeframe

_LONGEST_MS = 7 * DAY_MS
_SAMPLE = 200_000  # bars from which a time frame is told
_FINEST_MS = 30 * MINUTE_MS  # markets open on the full or half hour


def ascending(ts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Each stamp once, in order; without work where they are so already."""
    return ts if bool(np.all(np.diff(ts) > 0)) else np.unique(ts)


def recognise_timeframe(ts: NDArray[np.int64], source: str) -> Timeframe:
    """The commonest step between neighbouring stamps. DataError if it is no time frame."""
    steps = np.diff(ascending(ts)[:_SAMPLE])
    if not len(steps):
        raise DataError(
            "data.timeframe_unclear",
            f"{source} has one bar, from which no time frame can be recognised",
            hint="say it: --timeframe 1d",
        )
    values, counts = np.unique(steps, return_counts=True)
    step = int(values[np.argmax(counts)])
    if step % MINUTE_MS == 0 and step <= _LONGEST_MS:
        return Timeframe(step)
    raise DataError(
        "data.timeframe_unclear",
        f"{source}: most bars are {step / DAY_MS:.4g} days apart, which is no time frame",
        hint="use bars of whole minutes up to one week; months have no fixed length",
    )


def calendar_for(
    symbol: Symbol, ts: NDArray[np.int64], timeframe: Timeframe, stated: str | None = None
) -> Calendar:
    """The calendar stated, else the instrument's, else the one that the stamps follow."""
    name = stated or calendar_of(symbol) or recognise(ascending(ts), timeframe).calendar
    return load_calendar(name)


def sessions_of(
    calendar: Calendar, ts: NDArray[np.int64], timeframe: Timeframe
) -> NDArray[np.int64] | None:
    """Id of each bar's trading day; `None` where the calendar does not know that time."""
    try:
        return calendar.session_ids(ts, timeframe)
    except DataError:
        return None


def expected_bars(
    calendar: Calendar, timeframe: Timeframe, ts: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Opens of every bar that should be there from the first to the last of `ts`, ascending.

    Some vendors count bars of a session from the full hour and not from the opening (13:00 for
    New York's 13:30); the count that `ts` follows is taken. Before or after the span that the
    calendar knows, what is there is what is expected.
    """
    if not len(ts):
        return ts
    inside = ts
    if isinstance(calendar, SessionCalendar):
        first, end = calendar.known_span
        inside = ts[(ts >= first) & (ts < end)]
    if not len(inside):
        return ts
    from_opening = calendar.grid(timeframe, int(inside[0]), int(inside[-1]) + 1)
    expected = from_opening
    if timeframe.is_intraday and not calendar.never_closes:
        expected = _better(inside, from_opening, _from_full_hour(calendar, timeframe, inside))
    outside = ts[(ts < inside[0]) | (ts > inside[-1])]
    return np.union1d(outside, expected) if len(outside) else expected


def _from_full_hour(
    calendar: Calendar, timeframe: Timeframe, ts: NDArray[np.int64]
) -> NDArray[np.int64]:
    finest = Timeframe(min(timeframe.ms, _FINEST_MS))
    pieces = calendar.grid(
        finest, int(ts[0]) - int(ts[0]) % timeframe.ms, int(ts[-1]) + timeframe.ms
    )
    opens: NDArray[np.int64] = pieces - pieces % timeframe.ms
    opens = opens[(opens >= ts[0]) & (opens <= ts[-1])]
    return opens[np.concatenate(([True], np.diff(opens) > 0))] if len(opens) else opens


def _better(
    ts: NDArray[np.int64], one: NDArray[np.int64], other: NDArray[np.int64]
) -> NDArray[np.int64]:
    return one if in_sorted(ts, one).sum() >= in_sorted(ts, other).sum() else other


def in_sorted(values: NDArray[np.int64], table: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which of `values` are in the ascending `table`; far faster than `isin` on millions."""
    if not len(table):
        return np.zeros(len(values), dtype=np.bool_)
    at = np.minimum(np.searchsorted(table, values), len(table) - 1)
    return np.asarray(table[at] == values)
