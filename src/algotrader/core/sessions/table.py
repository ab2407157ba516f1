"""A calendar out of a table of sessions."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Final, Self

import numpy as np
from numpy.typing import ArrayLike

from algotrader.core.errors import DataError, UsageError
from algotrader.core.instants import utc_at
from algotrader.core.sessions.calendar import WEEK_MS, Ints, Session, week_of
from algotrader.core.timeframes import DAY_MS, Timeframe

_YEARS_COUNTED: Final = 10  # hours of long ago say nothing of today


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SessionTable:
    """Trading dates and the spans in which each trades; all UTC ms, ascending, read-only.

    A date may have several spans: before and after lunch, and the night session that belongs to
    it though it began the evening before. ValueError if spans overlap or a date has none.
    """

    dates: Ints  # (S,) 00:00 UTC of each trading date
    opens: Ints  # (K,) of each span
    closes: Ints  # (K,)
    owner: Ints  # (K,) index into `dates`

    def __post_init__(self) -> None:
        for name in ("dates", "opens", "closes", "owner"):
            array = np.array(getattr(self, name), dtype=np.int64)
            array.flags.writeable = False
            object.__setattr__(self, name, array)
        if not self.dates.size or not self.opens.shape == self.closes.shape == self.owner.shape:
            raise ValueError("a table of sessions needs dates and spans of equal number")
        if np.any(np.diff(self.dates) <= 0) or np.any(self.dates % DAY_MS):
            raise ValueError("trading dates must be ascending days at 00:00 UTC")
        if np.any(self.opens >= self.closes) or np.any(self.closes[:-1] > self.opens[1:]):
            raise ValueError("spans of trading must not overlap")
        steps = np.diff(self.owner)
        if self.owner[0] != 0 or self.owner[-1] != self.dates.size - 1 or np.any(steps & ~1):
            raise ValueError("each trading date needs a span, in order")

    @classmethod
    def build(cls, dates: ArrayLike, opens: ArrayLike, closes: ArrayLike) -> Self:
        """From `dates` (S,) and spans (S, P) in order of time; spans that a date lacks are -1."""
        open_rows, close_rows = np.asarray(opens, np.int64), np.asarray(closes, np.int64)
        present = open_rows != -1
        return cls(
            dates=np.asarray(dates, np.int64),
            opens=open_rows[present],
            closes=close_rows[present],
            owner=np.nonzero(present)[0],
        )


class SessionCalendar:
    """The calendar of a market that closes. Immutable; knows the dates of its table only."""

    def __init__(self, name: str, table: SessionTable) -> None:
        self._name = name
        self._table = table
        first = np.searchsorted(table.owner, np.arange(table.dates.size))
        self._session_open: Ints = table.opens[first]
        self._session_close: Ints = table.closes[np.append(first[1:], table.opens.size) - 1]

    def __repr__(self) -> str:
        return f"SessionCalendar({self._name!r})"

    @property
    def name(self) -> str:
        return self._name

    @property
    def table(self) -> SessionTable:
        return self._table

    @property
    def never_closes(self) -> bool:
        return False

    @property
    def known_span(self) -> tuple[int, int]:
        """[first, end) of what the table covers, UTC ms."""
        dates = self._table.dates
        return int(min(dates[0], self._session_open[0])), int(dates[-1]) + DAY_MS

    @cached_property
    def sessions_per_year(self) -> int:
        # The mean of all whole years, rounded, so that a newer table changes no published figure.
        years, whole = self._whole_years()
        return round(int(np.isin(years, whole).sum()) / whole.size)

    def is_open(self, at_ms: int) -> bool:
        span = int(np.searchsorted(self._table.opens, at_ms, side="right")) - 1
        return span >= 0 and at_ms < int(self._table.closes[span])

    def trading_date(self, ts: Ints) -> Ints:
        if ts.size:
            self._require_known(int(ts.min()), int(ts.max()) + 1)
        session = np.searchsorted(self._session_close, ts, side="right")
        if ts.size and int(session.max()) == self._table.dates.size:
            raise self._unknown(int(ts.max()))
        return self._table.dates[session]

    def session_ids(self, ts: Ints, timeframe: Timeframe) -> Ints:
        dates = self.trading_date(ts) if timeframe.is_intraday else ts
        return dates // DAY_MS

    def grid(self, timeframe: Timeframe, start_ms: int, end_ms: int) -> Ints:
        if end_ms <= start_ms:
            return np.empty(0, dtype=np.int64)
        self._require_known(start_ms, end_ms)
        if timeframe.is_intraday:
            opens = self._intraday_grid(timeframe, start_ms, end_ms)
        else:
            self._require_days_or_weeks(timeframe)
            dates = self._table.dates
            opens = dates if timeframe.ms == DAY_MS else np.unique(week_of(dates))
        return opens[np.searchsorted(opens, start_ms) : np.searchsorted(opens, end_ms)]

    def close_of(self, ts: Ints, timeframe: Timeframe) -> Ints:
        plain = ts + timeframe.ms
        if timeframe.is_intraday:
            span = np.searchsorted(self._table.opens, ts, side="right") - 1
            close = self._table.closes[np.maximum(span, 0)]
            inside = (span >= 0) & (ts < close)
            return np.where(inside, np.minimum(plain, close), plain).astype(np.int64)
        dates = self._table.dates
        last = np.searchsorted(dates, plain) - 1  # last session whose date is in the bar
        held = np.maximum(last, 0)
        covered = (last >= 0) & (dates[held] >= ts)
        return np.where(covered, self._session_close[held], plain).astype(np.int64)

    def known_at(self, ts: Ints, timeframe: Timeframe, delay_ms: int = 0) -> Ints:
        return self.close_of(ts, timeframe) + delay_ms

    def sessions(self, start_ms: int, end_ms: int) -> tuple[Session, ...]:
        self._require_known(start_ms, end_ms)
        first, last = np.searchsorted(self._table.dates, [start_ms, end_ms])
        rows = slice(int(first), int(last))
        columns = (self._table.dates, self._session_open, self._session_close)
        return tuple(
            Session(date_ms=date, open_ms=opened, close_ms=closed)
            for date, opened, closed in zip(*(c[rows].tolist() for c in columns), strict=True)
        )

    def periods_per_year(self, timeframe: Timeframe) -> float:
        if timeframe.is_intraday:
            bars = np.bincount(self._table.owner, self._bars_in_span(timeframe))
            years, whole = self._whole_years()
            usual = np.median(bars[np.isin(years, whole[-_YEARS_COUNTED:])])
            return float(usual) * self.sessions_per_year
        self._require_days_or_weeks(timeframe)
        return float(self.sessions_per_year if timeframe.ms == DAY_MS else 52)

    def _intraday_grid(self, timeframe: Timeframe, start_ms: int, end_ms: int) -> Ints:
        """Bars counted from each opening; the last of a span may be short."""
        table = self._table
        first = int(np.searchsorted(table.closes, start_ms, side="right"))
        last = int(np.searchsorted(table.opens, end_ms))
        counts = self._bars_in_span(timeframe)[first:last]
        begins = np.concatenate(([0], np.cumsum(counts)[:-1])) if counts.size else counts
        within = np.arange(int(counts.sum()), dtype=np.int64) - np.repeat(begins, counts)
        grid: Ints = np.repeat(table.opens[first:last], counts) + within * timeframe.ms
        return grid

    def _bars_in_span(self, timeframe: Timeframe) -> Ints:
        return -((self._table.opens - self._table.closes) // timeframe.ms)

    def _whole_years(self) -> tuple[Ints, Ints]:
        """Year of each session, and the years that the table covers from end to end."""
        stamps = self._table.dates.astype("datetime64[ms]")
        years: Ints = stamps.astype("datetime64[Y]").astype(np.int64)
        whole = np.arange(years[0] + 1, years[-1], dtype=np.int64)
        return years, whole if whole.size else np.unique(years)

    def _require_known(self, start_ms: int, end_ms: int) -> None:
        first, end = self.known_span
        if start_ms < first:
            raise self._unknown(start_ms)
        if end_ms > end:
            raise self._unknown(end_ms)

    def _unknown(self, at_ms: int) -> DataError:
        first, end = (utc_at(bound).date() for bound in self.known_span)
        return DataError(
            "calendar.unknown_date",
            f"calendar {self._name} knows trading dates from {first} to before {end}, "
            f"not {utc_at(at_ms):%Y-%m-%d %H:%M} UTC",
            hint="use a shorter range, or upgrade exchange-calendars for later dates",
        )

    def _require_days_or_weeks(self, timeframe: Timeframe) -> None:
        if timeframe.ms not in (DAY_MS, WEEK_MS):
            raise UsageError(
                "calendar.timeframe",
                f"calendar {self._name} has no bars of {timeframe}",
                hint="markets with sessions have intraday bars, 1d and 1w",
            )


def weekdays_only(name: str, first_year: int, end_year: int) -> SessionCalendar:
    """Monday to Friday around the clock, UTC: for markets of which nothing better is known."""
    first, end = (
        np.datetime64(f"{year}-01-01", "ms").astype(np.int64) for year in (first_year, end_year)
    )
    days = np.arange(first, end, DAY_MS, dtype=np.int64)
    days = days[days - week_of(days) < 5 * DAY_MS]
    return SessionCalendar(name, SessionTable.build(days, days[:, None], (days + DAY_MS)[:, None]))
