"""Rebalancing (R10): texts and the rows at which a schedule looks."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest
from tests.builders.markets import random_bars

from algotrader.core.errors import StrategyError
from algotrader.strategy.rebalance import (
    Rebalance,
    band,
    decisions,
    every_bar,
    on_change,
    schedule,
)

BARS = random_bars(400, timeframe="1d")  # from Monday, 2024-01-01


@pytest.mark.parametrize(
    ("made", "text"),
    [
        (on_change(), "on_change"),
        (every_bar(), "every_bar"),
        (band(0.1), "band(0.1)"),
        (schedule("daily"), "daily"),
        (schedule("weekly"), "weekly"),
        (schedule("monthly"), "monthly"),
        (schedule("quarterly"), "quarterly"),
    ],
)
def test_each_kind_is_written_as_it_is_read(made: Rebalance, text: str) -> None:
    assert str(made) == text
    assert Rebalance.parse(text) == made


def test_a_kind_that_does_not_exist_is_refused() -> None:
    with pytest.raises(StrategyError, match="rebalance 'hourly' does not exist"):
        Rebalance.parse("hourly")


@pytest.mark.parametrize("width", [0.0, 1.0, -0.1])
def test_a_band_is_a_fraction(width: float) -> None:
    with pytest.raises(ValueError, match="fraction between 0 and 1"):
        band(width)


@pytest.mark.parametrize(
    ("period", "days"),
    [
        ("weekly", ["2024-01-01", "2024-01-08", "2024-01-15"]),
        ("monthly", ["2024-01-01", "2024-02-01", "2024-03-01"]),
        ("quarterly", ["2024-01-01", "2024-04-01", "2024-07-01"]),
        ("daily", ["2024-01-01", "2024-01-02", "2024-01-03"]),
    ],
)
def test_a_schedule_looks_at_the_first_row_of_each_period(period: str, days: list[str]) -> None:
    rows = decisions(schedule(period), BARS)

    assert rows is not None
    found = [f"{datetime.fromtimestamp(int(ts) / 1000, tz=UTC):%Y-%m-%d}" for ts in BARS.ts[rows]]
    assert found[:3] == days


def test_the_day_of_a_row_is_its_session_where_there_is_one() -> None:
    hours = random_bars(30)
    by_session = replace(hours, session=np.arange(30) // 10)
    by_utc = replace(hours, session=None)

    assert np.flatnonzero(decisions(schedule("daily"), by_session)).tolist() == [0, 10, 20]
    assert np.flatnonzero(decisions(schedule("daily"), by_utc)).tolist() == [0, 24]
    assert decisions(on_change(), hours) is None
