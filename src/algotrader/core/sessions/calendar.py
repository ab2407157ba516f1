"""What a calendar answers. Everything is UTC milliseconds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from algotrader.core.timeframes import DAY_MS, Timeframe

Ints = NDArray[np.int64]

WEEK_MS = 7 * DAY_MS
MONDAY_MS = 4 * DAY_MS  # 1970-01-05 was a Monday; weeks are counted from there


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """One trading day: from its first open, a night session included, to its last close."""

    date_ms: int  # 00:00 UTC of the trading date
    open_ms: int
    close_ms: int


class Calendar(Protocol):
    """When one market trades, and so which bars there are and when each can be known.

    A bar is named by its open. Intraday bars start at each opening of the market, so that none
    spans a break: with a lunch break at 11:30 the second 4h bar begins at 13:00. Daily bars are
    named by 00:00 UTC of their trading date, weekly ones by 00:00 UTC of the Monday.
    """

    @property
    def name(self) -> str: ...

    @property
    def never_closes(self) -> bool:
        """Whether it trades around the clock: decides defaults of fills (R13, R15) and `DAY`."""
        ...

    @property
    def sessions_per_year(self) -> int:
        """Trading days a year, for annualising."""
        ...

    def is_open(self, at_ms: int) -> bool:
        """Whether it trades at that instant; an open counts, a close does not."""
        ...

    def trading_date(self, ts: Ints) -> Ints:
        """00:00 UTC of the trading date of each instant; between sessions the next one's.

        DataError outside the span that the calendar knows.
        """
        ...

    def session_ids(self, ts: Ints, timeframe: Timeframe) -> Ints:
        """One id per bar opened at `ts`, ascending: the day number of its trading date."""
        ...

    def grid(self, timeframe: Timeframe, start_ms: int, end_ms: int) -> Ints:
        """Opens of all bars that should exist with start <= open < end, ascending.

        DataError outside the span that the calendar knows; UsageError for a time frame that it
        has no bars of, as two days in a market with sessions.
        """
        ...

    def close_of(self, ts: Ints, timeframe: Timeframe) -> Ints:
        """When the bars opened at `ts` close: `ts + timeframe`, or earlier if trading ends.

        A bar that lies in no session of the calendar closes at `ts + timeframe`.
        """
        ...

    def known_at(self, ts: Ints, timeframe: Timeframe, delay_ms: int = 0) -> Ints:
        """When the bars could first be known: their close plus the feed's delay."""
        ...

    def sessions(self, start_ms: int, end_ms: int) -> tuple[Session, ...]:
        """The sessions whose trading date lies in [start, end)."""
        ...

    def periods_per_year(self, timeframe: Timeframe) -> float:
        """Bars of this length a year, for annualising what is measured per bar."""
        ...


def week_of(ts: Ints) -> Ints:
    """00:00 UTC of the Monday at or before each instant."""
    return ts - (ts - MONDAY_MS) % WEEK_MS
