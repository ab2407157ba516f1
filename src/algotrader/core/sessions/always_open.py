"""The market that never closes. Its trading day is the UTC day."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from algotrader.core.sessions.calendar import MONDAY_MS, WEEK_MS, Ints, Session
from algotrader.core.timeframes import DAY_MS, Timeframe

ALWAYS_OPEN: Final = "24/7"
_DAYS_PER_YEAR: Final = 365


@dataclass(frozen=True, slots=True)
class AlwaysOpen:
    """Around the clock, every day. Bars are counted from 1970, weeks from a Monday."""

    name: str = ALWAYS_OPEN

    @property
    def never_closes(self) -> bool:
        return True

    @property
    def sessions_per_year(self) -> int:
        return _DAYS_PER_YEAR

    def is_open(self, at_ms: int) -> bool:  # noqa: ARG002  the answer is the same at all times
        return True

    def trading_date(self, ts: Ints) -> Ints:
        return ts - ts % DAY_MS

    def session_ids(self, ts: Ints, timeframe: Timeframe) -> Ints:  # noqa: ARG002  of a port
        return ts // DAY_MS

    def grid(self, timeframe: Timeframe, start_ms: int, end_ms: int) -> Ints:
        anchor = MONDAY_MS if timeframe.ms % WEEK_MS == 0 else 0
        first = start_ms + (anchor - start_ms) % timeframe.ms
        return np.arange(first, max(first, end_ms), timeframe.ms, dtype=np.int64)

    def close_of(self, ts: Ints, timeframe: Timeframe) -> Ints:
        return ts + timeframe.ms

    def known_at(self, ts: Ints, timeframe: Timeframe, delay_ms: int = 0) -> Ints:
        return self.close_of(ts, timeframe) + delay_ms

    def sessions(self, start_ms: int, end_ms: int) -> tuple[Session, ...]:
        dates = self.grid(Timeframe(DAY_MS), start_ms, end_ms).tolist()
        return tuple(Session(date_ms=d, open_ms=d, close_ms=d + DAY_MS) for d in dates)

    def periods_per_year(self, timeframe: Timeframe) -> float:
        return _DAYS_PER_YEAR * DAY_MS / timeframe.ms
