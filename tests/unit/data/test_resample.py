"""Longer bars: complete ones only, by the calendar, known when their last part was (R6)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from algotrader.core.bars import Bars
from algotrader.core.calendars import load_calendar
from algotrader.core.errors import UsageError
from algotrader.core.symbols import Symbol
from algotrader.core.timeframes import DAY_MS, HOUR_MS, Timeframe
from algotrader.data.files import read_bars
from algotrader.data.resample import resample

MIDNIGHT = 1704067200000  # 2024-01-01, a Monday
ALWAYS = load_calendar("24/7")


def frame(text: str) -> Timeframe:
    return Timeframe.parse(text)


def bars_at(ts: np.ndarray, timeframe: str = "1h", symbol: str = "OKX:BTC/USDT") -> Bars:
    price = 100.0 + np.arange(len(ts))
    length = frame(timeframe)
    return Bars(
        ts=ts, open=price, high=price + 2, low=price - 2, close=price + 1,
        volume=np.ones(len(ts)), known_at=ts + length.ms + 500, timeframe=length,
        symbols=(Symbol.parse(symbol),),
    )  # fmt: skip


def test_four_hours_become_one_bar_known_when_the_last_was() -> None:
    made = resample(bars_at(MIDNIGHT + HOUR_MS * np.arange(8)), frame("4h"), ALWAYS).bars

    # hours 0..3: open 100, high 103+2, low 100-2, close 103+1; hours 4..7 four higher
    assert made.ts.tolist() == [MIDNIGHT, MIDNIGHT + 4 * HOUR_MS]
    assert made.open.tolist() == [100, 104]
    assert made.high.tolist() == [105, 109]
    assert made.low.tolist() == [98, 102]
    assert made.close.tolist() == [104, 108]
    assert made.volume.tolist() == [4, 4]
    assert made.known_at[0] == MIDNIGHT + 4 * HOUR_MS + 500


def test_a_missing_part_makes_the_longer_bar_incomplete() -> None:
    hours = np.delete(np.arange(12), 5)
    bars = bars_at(MIDNIGHT + HOUR_MS * hours)

    assert resample(bars, frame("4h"), ALWAYS).bars.ts.tolist() == [
        MIDNIGHT, MIDNIGHT + 8 * HOUR_MS,
    ]  # fmt: skip
    kept = resample(bars, frame("4h"), ALWAYS, incomplete=True)
    assert kept.coverage.tolist() == [1, 0.75, 1]
    assert kept.is_complete.tolist() == [True, False, True]


def test_bars_cut_at_either_end_are_left_out_even_when_incomplete_ones_are_wanted() -> None:
    bars = bars_at(MIDNIGHT + HOUR_MS * np.arange(2, 11))  # 02:00 … 10:00

    made = resample(bars, frame("4h"), ALWAYS, incomplete=True)

    assert made.bars.ts.tolist() == [MIDNIGHT + 4 * HOUR_MS]
    assert made.coverage.tolist() == [1]


def test_a_week_begins_on_monday() -> None:
    days = MIDNIGHT + DAY_MS * np.arange(-3, 10)

    assert resample(bars_at(days, "1d"), frame("1w"), ALWAYS).bars.ts.tolist() == [MIDNIGHT]


def test_a_session_day_is_made_of_its_own_hours_only() -> None:
    calendar = load_calendar("XNYS")
    first, last = MIDNIGHT + DAY_MS, MIDNIGHT + 5 * DAY_MS  # Tuesday 2nd to Friday 5th
    hours = calendar.grid(frame("1h"), first, last)

    made = resample(bars_at(hours, symbol="US:A"), frame("1d"), calendar).bars

    assert made.ts.tolist() == [first + DAY_MS * day for day in range(4)]
    assert made.volume.tolist() == [7, 7, 7, 7]  # 09:30 to 16:00 in hours from the opening


def test_a_night_session_belongs_to_the_next_trading_date() -> None:
    calendar = load_calendar("CNF:rb")
    start = MIDNIGHT + 7 * DAY_MS  # Monday 2024-01-08
    minutes = calendar.grid(frame("1m"), start, start + 3 * DAY_MS)
    made = resample(bars_at(minutes, "1m", "SHFE:rb2405"), frame("1d"), calendar).bars

    # Monday's own night began on Friday and is not in the file, so Monday is cut at the start.
    assert made.ts.tolist() == [start + DAY_MS, start + 2 * DAY_MS]


def test_what_does_not_divide_is_refused() -> None:
    with pytest.raises(UsageError, match="cannot be made of 1h bars"):
        resample(bars_at(MIDNIGHT + HOUR_MS * np.arange(4)), frame("90m"), ALWAYS)


@given(st.sets(st.integers(0, 200), min_size=2), st.sampled_from(["15m", "30m", "1h"]))
def test_going_by_steps_is_going_at_once(rows: set[int], middle: str) -> None:
    """5m → middle → 2h equals 5m → 2h wherever the middle bars are complete."""
    ts = MIDNIGHT + 300_000 * np.array(sorted(rows))
    base = bars_at(ts, "5m")
    once = resample(base, frame("2h"), ALWAYS).bars
    steps = resample(resample(base, frame(middle), ALWAYS).bars, frame("2h"), ALWAYS).bars

    assert once.ts.tolist() == steps.ts.tolist()
    for name in ("open", "high", "low", "close", "volume", "known_at"):
        assert np.array_equal(getattr(once, name), getattr(steps, name)), name


def test_minutes_of_one_download_are_the_five_minutes_of_another(shared_data: Path) -> None:
    folder = shared_data / "data" / "crypto_spot"
    minutes = read_bars(folder / "binance_BTCUSDT_1m_2025-12_2026-01.parquet")
    fives = read_bars(folder / "binance_BTCUSDT_5m_2025-06_2026-01.parquet")

    made = resample(minutes, frame("5m"), ALWAYS).bars
    common, mine, theirs = np.intersect1d(made.ts, fives.ts, return_indices=True)

    assert len(common) == 12728  # golden btc_1m_5m
    for name in ("open", "high", "low", "close"):
        assert np.array_equal(getattr(made, name)[mine], getattr(fives, name)[theirs])
    np.testing.assert_allclose(made.volume[mine], fives.volume[theirs], rtol=1e-9)
