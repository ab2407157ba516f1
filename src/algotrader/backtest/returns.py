"""From equity per bar to returns per day, month and year: what every metric starts from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

DAY_MS = 86_400_000
YEAR_DAYS = 365.25  # a calendar year, leap days included
LEAST_DAYS_FOR_A_YEAR = 90  # calendar days that a run covers, for a figure of a year to be given


@dataclass(frozen=True, slots=True, kw_only=True)
class EquityCurve:
    """Equity after the close of each bar, in the account's currency (R8)."""

    ts: Ints  # (T,) bar opens, UTC ms, strictly ascending
    equity: Floats  # (T,) finite
    initial: float  # starting cash, positive; the base of the first day's return
    timeframe_ms: int
    session: Ints | None = None  # (T,) ascending id of the trading day; None: UTC day

    def __post_init__(self) -> None:
        if self.ts.ndim != 1 or self.ts.shape != self.equity.shape or not self.ts.size:
            raise ValueError("ts and equity are one-dimensional, of one length, not empty")
        if np.any(np.diff(self.ts) <= 0):
            raise ValueError("ts ascends strictly")
        if not np.all(np.isfinite(self.equity)):
            raise ValueError("equity is finite")
        if not self.initial > 0.0:
            raise ValueError(f"the starting cash is positive, not {self.initial}")
        if self.session is not None and (
            self.session.shape != self.ts.shape or np.any(np.diff(self.session) < 0)
        ):
            raise ValueError("session has the length of ts and never descends")

    @property
    def years(self) -> float:
        return elapsed_years(self.ts, self.timeframe_ms)

    @property
    def tells_a_year(self) -> bool:
        return tells_a_year(self.years)


@dataclass(frozen=True, slots=True, kw_only=True)
class DailyReturns:
    """One row per trading day that has a bar. Shorter than the run only when it was ruined."""

    ts: Ints  # (D,) open of the day's last bar, UTC ms
    equity: Floats  # (D,) at the end of the day
    returns: Floats  # (D,) simple, net of costs
    initial: float
    ruined: bool  # equity was <= 0 at the end of the last row; later days have no return


@dataclass(frozen=True, slots=True, kw_only=True)
class PeriodReturns:
    """Compounded returns by calendar month, or by year (`month` is then all zero)."""

    year: Ints  # (K,)
    month: Ints  # (K,) 1 to 12
    returns: Floats  # (K,) fractions


def elapsed_years(ts: Ints, timeframe_ms: int) -> float:
    """Calendar time from the first open to the last close, in years of 365.25 days."""
    return (int(ts[-1]) + timeframe_ms - int(ts[0])) / (YEAR_DAYS * DAY_MS)


def tells_a_year(years: float) -> bool:
    """Whether a run of so many years is long enough for what a year of it would make.

    A good week, compounded 52 times, is a fortune that nobody has earned.
    """
    return years * YEAR_DAYS >= LEAST_DAYS_FOR_A_YEAR


def daily_returns(curve: EquityCurve) -> DailyReturns:
    """Return of each day: its last equity over the last equity of the day before, minus one.

    The base of the first day is the starting cash, so costs of its first bar count. A day that
    ends with equity <= 0 is the last one: nothing can be earned on nothing (R8).
    """
    day = curve.ts // DAY_MS if curve.session is None else curve.session
    ends = np.append(np.flatnonzero(np.diff(day)), curve.ts.size - 1)
    equity = curve.equity[ends]
    broke = np.flatnonzero(equity <= 0.0)
    count = int(broke[0]) + 1 if broke.size else equity.size
    equity = equity[:count]
    base = np.concatenate(([curve.initial], equity[:-1]))
    return DailyReturns(
        ts=curve.ts[ends][:count],
        equity=equity,
        returns=equity / base - 1.0,
        initial=curve.initial,
        ruined=bool(broke.size),
    )


def monthly_returns(daily: DailyReturns) -> PeriodReturns:
    """Month-end equity over the month-end before, minus one; the first base is the start cash."""
    return _period_returns(daily, "datetime64[M]")


def yearly_returns(daily: DailyReturns) -> PeriodReturns:
    """Year-end equity over the year-end before, minus one; first and last year may be partial."""
    return _period_returns(daily, "datetime64[Y]")


def _period_returns(daily: DailyReturns, unit: str) -> PeriodReturns:
    period = daily.ts.astype("datetime64[ms]").astype(unit)
    ends = np.append(np.flatnonzero(period[1:] != period[:-1]), period.size - 1)
    equity = daily.equity[ends]
    base = np.concatenate(([daily.initial], equity[:-1]))
    years = period[ends].astype("datetime64[Y]").astype(np.int64) + 1970
    months = period[ends].astype(np.int64) % 12 + 1
    monthly = unit == "datetime64[M]"
    return PeriodReturns(
        year=years,
        month=months if monthly else np.zeros_like(months),
        returns=equity / base - 1.0,
    )
