"""The days of a month add up to it, and say which of them lack bars."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from algotrader.core.calendars import load_calendar
from algotrader.core.timeframes import Timeframe
from algotrader.data.coverage import coverage_of, days_of_month

HOUR = Timeframe.parse("1h")
ALWAYS = load_calendar("24/7")


def hours(first: str, stop: str) -> NDArray[np.int64]:
    return np.arange(first, stop, dtype="datetime64[h]").astype("datetime64[ms]").astype(np.int64)


def test_days_name_what_lacks_and_add_up_to_their_month() -> None:
    ts = hours("2024-01-30T05", "2024-03-02T00")
    lost = np.isin(
        ts,
        np.concatenate(
            [hours("2024-02-10", "2024-02-11"), hours("2024-02-20T03", "2024-02-20T05")]
        ),
    )
    days = days_of_month(ts[~lost], HOUR, ALWAYS, "2024-02")
    by_day = {day: (expected, present) for day, expected, present in days}

    assert len(days) == 29
    assert by_day["2024-02-10"] == (24, 0)
    assert by_day["2024-02-20"] == (24, 22)
    assert by_day["2024-02-21"] == (24, 24)
    months = dict(coverage_of(ts[~lost], HOUR, ALWAYS).months)
    assert sum(p for _, _, p in days) / sum(e for _, e, _ in days) == months["2024-02"]


def test_a_month_is_cut_to_the_series_and_empty_outside_it() -> None:
    ts = hours("2024-01-30T05", "2024-03-02T00")

    assert days_of_month(ts, HOUR, ALWAYS, "2024-01") == [
        ("2024-01-30", 19, 19), ("2024-01-31", 24, 24),
    ]  # fmt: skip
    assert days_of_month(ts, HOUR, ALWAYS, "2023-05") == []
