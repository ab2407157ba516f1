"""Laws that hold for every calendar, drawn at random."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from algotrader.core.calendars import AlwaysOpen, Calendar, SessionCalendar, SessionTable
from algotrader.core.timeframes import Timeframe

MINUTE, DAY = 60_000, 86_400_000
FRAMES = st.sampled_from(["1m", "7m", "15m", "1h", "4h", "1d"]).map(Timeframe.parse)


@st.composite
def session_calendars(draw: st.DrawFn) -> SessionCalendar:
    """One to twelve sessions on ascending dates, each of one to three spans within its day."""
    gaps = draw(st.lists(st.integers(1, 4), min_size=1, max_size=12))
    dates = np.cumsum(gaps) * DAY
    rows = []
    for _ in gaps:
        edges = draw(st.lists(st.integers(0, 1440), min_size=6, max_size=6, unique=True))
        spans = draw(st.integers(1, 3))
        row = np.sort(edges).reshape(3, 2) * MINUTE
        row[spans:] = -1
        rows.append(row)
    spans_of_day = np.array(rows)
    absent = spans_of_day[:, :, 0] < 0
    opens = np.where(absent, -1, dates[:, None] + spans_of_day[:, :, 0])
    closes = np.where(absent, -1, dates[:, None] + spans_of_day[:, :, 1])
    return SessionCalendar("drawn", SessionTable.build(dates, opens, closes))


calendars = st.one_of(st.just(AlwaysOpen()), session_calendars())


def span_of(calendar: Calendar) -> tuple[int, int]:
    return calendar.known_span if isinstance(calendar, SessionCalendar) else (0, 4 * DAY)


@given(calendars, FRAMES)
def test_bars_do_not_overlap_and_are_known_in_order(calendar: Calendar, frame: Timeframe) -> None:
    grid = calendar.grid(frame, *span_of(calendar))
    closes = calendar.close_of(grid, frame)

    assert np.all(np.diff(grid) > 0)
    assert np.all(closes > grid)
    assert np.all(closes[:-1] <= grid[1:]) or not frame.is_intraday
    assert np.all(np.diff(calendar.known_at(grid, frame, 7)) > 0)


@given(session_calendars(), FRAMES.filter(lambda frame: frame.is_intraday))
def test_the_bars_fill_the_sessions_and_nothing_else(
    calendar: SessionCalendar, frame: Timeframe
) -> None:
    grid = calendar.grid(frame, *calendar.known_span)
    traded = int(np.sum(calendar.close_of(grid, frame) - grid))

    assert traded == int(np.sum(calendar.table.closes - calendar.table.opens))
    assert all(calendar.is_open(at) for at in grid.tolist())
    assert np.array_equal(np.unique(calendar.trading_date(grid)), calendar.table.dates)


@given(calendars, FRAMES, st.integers(0, 1000), st.integers(0, 1000))
def test_a_range_cut_in_two_has_the_same_bars(
    calendar: Calendar, frame: Timeframe, one: int, other: int
) -> None:
    first, end = span_of(calendar)
    low, high = sorted(first + (end - first) * cut // 1000 for cut in (one, other))
    parts = [calendar.grid(frame, a, b) for a, b in ((first, low), (low, high), (high, end))]

    assert np.array_equal(np.concatenate(parts), calendar.grid(frame, first, end))


@given(calendars)
def test_the_trading_date_never_goes_back_and_is_the_sessions_own(calendar: Calendar) -> None:
    minutes = calendar.grid(Timeframe.parse("1m"), *span_of(calendar))
    dates = calendar.trading_date(minutes)
    own = {session.date_ms: session for session in calendar.sessions(*span_of(calendar))}

    assert np.all(np.diff(dates) >= 0)
    assert all(
        own[date].open_ms <= at < own[date].close_ms
        for at, date in zip(minutes.tolist()[::17], dates.tolist()[::17], strict=True)
    )
    assert np.array_equal(
        calendar.session_ids(minutes, Timeframe.parse("1m")),
        calendar.session_ids(dates, Timeframe.parse("1d")),
    )


@given(session_calendars())
def test_a_coarser_bar_closes_with_the_last_of_its_finer_ones(calendar: SessionCalendar) -> None:
    hour, minute = Timeframe.parse("1h"), Timeframe.parse("1m")
    hours = calendar.grid(hour, *calendar.known_span)
    minutes = calendar.grid(minute, *calendar.known_span)
    closes = calendar.close_of(minutes, minute)

    last = np.searchsorted(minutes, calendar.close_of(hours, hour)) - 1

    assert np.array_equal(closes[last], calendar.close_of(hours, hour))
    assert np.all(np.isin(hours, minutes))
