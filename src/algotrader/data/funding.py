"""Funding rates: stamps without the venue's jitter, intervals that may change, coverage (R7)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from algotrader.core.errors import DataError
from algotrader.core.timeframes import HOUR_MS, MINUTE_MS
from algotrader.data.coverage import Coverage, Missing
from algotrader.data.tables import BarTable, Floats

LONGEST_INTERVAL_MS = 8 * HOUR_MS
_JITTER_MS = MINUTE_MS  # venues settle within a second of the hour and stamp when they did


def clean_funding(table: BarTable) -> BarTable:
    """Rows of settlements, ascending: stamps rounded to the hour, rates finite fractions.

    DataError for a stamp further than a minute from the hour, a rate that is no number or is
    above 10 %, and for two rates at one settlement.
    """
    rate = table.columns["funding_rate"]
    hours = (table.ts + HOUR_MS // 2) // HOUR_MS * HOUR_MS
    _refuse(table, np.abs(table.ts - hours) > _JITTER_MS, "is not at a full hour")
    _refuse(table, ~(np.abs(rate) < 0.1), "has no plausible rate (a fraction below 0.1)")
    order = np.argsort(hours, kind="stable")
    hours, rate = hours[order], rate[order]
    again = np.concatenate(([False], np.diff(hours) == 0))
    contradicts = again & np.concatenate(([False], np.diff(rate) != 0))
    _refuse(table, contradicts[np.argsort(order)], "is a second rate of one settlement")
    return BarTable(ts=hours[~again], columns={"funding_rate": rate[~again]}, source=table.source)


def _refuse(table: BarTable, bad: NDArray[np.bool_], why: str) -> None:
    if bool(bad.any()):
        row = int(np.flatnonzero(bad)[0])
        rate = table.columns["funding_rate"][row]
        raise DataError(
            "data.funding_wrong",
            f"{table.source}: row {row + 1} ({np.datetime64(int(table.ts[row]), 'ms')}, rate {rate}) {why}",
            hint="correct or delete the row",
        )


def funding_coverage(ts: NDArray[np.int64]) -> Coverage:
    """Coverage of ascending settlements.

    Intervals change between 1h, 4h and 8h, so only a step longer than 8 h is a gap; it lacks as
    many settlements as 8 h go into it.
    """
    steps = np.diff(ts)
    gaps = np.flatnonzero(steps > LONGEST_INTERVAL_MS)
    missing = tuple(
        Missing(start_ms=int(ts[at]) + LONGEST_INTERVAL_MS, end_ms=int(ts[at + 1]),
                bars=max(1, int(steps[at] // LONGEST_INTERVAL_MS) - 1))
        for at in gaps.tolist()
    )  # fmt: skip
    absent = sum(gap.bars for gap in missing)
    return Coverage(expected=len(ts) + absent, present=len(ts), missing=missing)


def covered_share(ts: NDArray[np.int64], start_ms: int, end_ms: int) -> float:
    """Share of `[start_ms, end_ms)` in which settlements are known, 0 to 1.

    What a backtest states beside its bars: before the first, after the last and in gaps longer
    than 8 h nothing is known, and nothing is assumed.
    """
    if end_ms <= start_ms:
        return 1.0
    inside = ts[(ts >= start_ms) & (ts <= end_ms)]
    if not len(inside):
        return 0.0
    steps = np.diff(np.concatenate(([start_ms], inside, [end_ms])))
    unknown_ms = np.maximum(steps - LONGEST_INTERVAL_MS, 0).sum()
    return float(1.0 - unknown_ms / (end_ms - start_ms))


def interval_changes(ts: NDArray[np.int64]) -> list[tuple[int, int]]:
    """Stamps from which another interval holds, with the interval in hours."""
    steps = np.diff(ts)
    if not len(steps):
        return []
    starts = np.flatnonzero(np.concatenate(([True], np.diff(steps) != 0)))
    return [(int(ts[at]), int(steps[at] // HOUR_MS)) for at in starts.tolist()]


def on_rows(
    ts: NDArray[np.int64], rate: Floats, start_ms: int, end_ms: int
) -> tuple[NDArray[np.int64], Floats]:
    """Settlements over `[start_ms, end_ms)`: what the simulator takes as `funding_ts, rate`."""
    first, last = np.searchsorted(ts, (start_ms, end_ms))
    return ts[first:last], rate[first:last]
