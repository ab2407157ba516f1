"""The market as the reference simulator sees it: one bar of one instrument at a time."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass

from algotrader.execution.simulation import Panel, SimulatedInstrument

DAY_MS = 86_400_000


@dataclass(frozen=True, slots=True)
class Bar:
    """Open, high, low and close of one instrument."""

    open: float
    high: float
    low: float
    close: float

    @property
    def is_present(self) -> bool:
        """R3: a missing bar is NaN."""
        return not math.isnan(self.close)


class Market:
    """Reads the panel; knows nothing of orders."""

    def __init__(
        self, panel: Panel, instruments: list[SimulatedInstrument], close_only: bool
    ) -> None:
        self.panel = panel
        self.instruments = instruments
        self.close_only = close_only
        self.rows = len(panel.ts)
        self.columns = len(instruments)

    def opens_at(self, row: int) -> int:
        return int(self.panel.ts[row])

    def closes_at(self, row: int) -> int:
        return int(self.panel.ts[row]) + self.panel.timeframe_ms

    def bar(self, row: int, i: int) -> Bar:
        p = self.panel
        close = float(p.close[row, i])
        if self.close_only:  # R38: a panel of closes alone
            return Bar(close, close, close, close)
        values = (float(p.open[row, i]), float(p.high[row, i]), float(p.low[row, i]), close)
        if any(math.isnan(v) for v in values):
            return Bar(math.nan, math.nan, math.nan, math.nan)
        return Bar(*values)

    def has_bar(self, row: int, i: int) -> bool:
        return self.bar(row, i).is_present

    def volume(self, row: int, i: int) -> float:
        return float(self.panel.volume[row, i])

    def trades(self, row: int, i: int) -> bool:
        """R20: with valid prices and volume 0 nothing fills and nothing triggers."""
        return self.has_bar(row, i) and (self.close_only or self.volume(row, i) != 0.0)

    def mark_bar(self, row: int, i: int) -> Bar:
        """The mark bar of a row, NaN where there is no mark."""
        p = self.panel
        parts = (p.mark_open, p.mark_high, p.mark_low, p.mark_close)
        return Bar(*(math.nan if a is None else float(a[row, i]) for a in parts))

    def last_close(self, row: int, i: int) -> float:
        """R3: the close of the newest bar at or before the row; NaN before the first."""
        for r in range(row, -1, -1):
            if self.has_bar(r, i):
                return self.bar(r, i).close
        return math.nan

    def mark_at_open(self, row: int, i: int) -> float:
        """R7 (2), (4): the mark's open, else the bar's open, else the last close."""
        return first_finite(
            self.mark_bar(row, i).open,
            math.nan if self.close_only else self.bar(row, i).open,
            self.last_close(row - 1, i),
        )

    def mark_at_close(self, row: int, i: int) -> float:
        """R8: the mark's close, else the last close."""
        return first_finite(self.mark_bar(row, i).close, self.last_close(row, i))

    def day(self, row: int, i: int) -> int:
        """R21: the session of a row; the UTC day where the venue never closes."""
        if self.panel.session is not None and not self.instruments[i].never_closes:
            return int(self.panel.session[row])
        return self.opens_at(row) // DAY_MS

    def completed_days(self, row: int, i: int) -> list[tuple[float, float]]:
        """(close, volume) of each completed day before the day of the row, oldest first (R22)."""
        today = self.day(row, i)
        days: dict[int, tuple[float, float]] = {}
        for r in range(row):
            day = self.day(r, i)
            if day < today and self.has_bar(r, i):
                volume = days[day][1] if day in days else 0.0
                days[day] = (self.bar(r, i).close, volume + self.volume(r, i))
        return [days[day] for day in sorted(days)]

    def is_listed(self, i: int, instant: int) -> bool:
        """R29: known and not yet delisted at an instant."""
        item = self.instruments[i]
        listed = item.listed_at is None or item.listed_at <= instant
        return listed and (item.delisted_at is None or instant < item.delisted_at)

    def finer_rows(self, row: int) -> list[int]:
        """Indices of the finer bars inside the base bar of the row (R17)."""
        if self.panel.finer_ts is None:
            return []
        start, end = self.opens_at(row), self.closes_at(row)
        return [m for m, ts in enumerate(self.panel.finer_ts) if start <= int(ts) < end]

    def finer_per_bar(self) -> int:
        """How many finer bars make a whole base bar."""
        stamps = self.panel.finer_ts
        if stamps is None or len(stamps) < 2:
            return 0
        step = min(int(b) - int(a) for a, b in itertools.pairwise(stamps))
        return self.panel.timeframe_ms // step

    def finer_bar(self, m: int, i: int) -> Bar:
        assert self.panel.finer_ohlc is not None
        return Bar(*(float(self.panel.finer_ohlc[m, k, i]) for k in range(4)))

    def finer_mark(self, m: int, i: int) -> Bar:
        if self.panel.finer_mark_ohlc is None:
            return Bar(math.nan, math.nan, math.nan, math.nan)
        return Bar(*(float(self.panel.finer_mark_ohlc[m, k, i]) for k in range(4)))


def first_finite(*values: float) -> float:
    """The first value that is a number, else NaN."""
    for value in values:
        if not math.isnan(value):
            return value
    return math.nan
