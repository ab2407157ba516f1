"""F67: sessions are right for ten years of dates per market."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl
import pytest

from algotrader.core.calendars import calendar_of, load_calendar, recognise
from algotrader.core.errors import ConfigurationError, DataError, UsageError
from algotrader.core.instants import utc_at, utc_ms
from algotrader.core.sessions.calendar import Calendar, Session
from algotrader.core.symbols import Symbol
from algotrader.core.timeframes import Timeframe

NEW_YORK, SHANGHAI, HONG_KONG = (
    ZoneInfo(name) for name in ("America/New_York", "Asia/Shanghai", "Asia/Hong_Kong")
)
DAY = timedelta(days=1)
TEN_YEARS = (date(2016, 1, 1), date(2026, 1, 1))
M1, M15, M30, H1, H4, D1, W1 = map(Timeframe.parse, ("1m", "15m", "30m", "1h", "4h", "1d", "1w"))


def ms(text: str, zone: ZoneInfo | None = None) -> int:
    at = datetime.fromisoformat(text)
    return utc_ms(at.replace(tzinfo=zone or ZoneInfo("UTC")))


def day_ms(day: date) -> int:
    return ms(day.isoformat())


def sessions_of(calendar: Calendar, first: date, end: date) -> dict[date, Session]:
    found = calendar.sessions(day_ms(first), day_ms(end))
    return {utc_at(session.date_ms).date(): session for session in found}


def days(first: date, end: date) -> list[date]:
    return [first + DAY * n for n in range((end - first).days)]


def clock(at_ms: int, zone: ZoneInfo) -> str:
    return utc_at(at_ms).astimezone(zone).strftime("%H:%M")


def opens_on(calendar: Calendar, timeframe: Timeframe, day: str, zone: ZoneInfo) -> list[str]:
    grid = calendar.grid(timeframe, ms(day, zone), ms(day, zone) + 86_400_000)
    return [clock(at, zone) for at in grid.tolist()]


# --- New York -------------------------------------------------------------------------------


def nth_weekday(year: int, month: int, weekday: int, n: int) -> date:
    first = date(year, month, 1)
    return first + DAY * ((weekday - first.weekday()) % 7 + 7 * (n - 1))


def observed(day: date) -> date:
    return day - DAY if day.weekday() == 5 else day + DAY if day.weekday() == 6 else day


def easter(year: int) -> date:
    """Gregorian Easter by the anonymous algorithm (Meeus)."""
    a, b, c = year % 19, year // 100, year % 100
    d, e = b // 4, b % 4
    g = (8 * b + 13) // 25
    h = (19 * a + b - d - g + 15) % 30
    i, k = c // 4, c % 4
    n = (32 + 2 * e + 2 * i - h - k) % 7
    m = (a + 11 * h + 22 * n) // 451
    month, day = divmod(h + n - 7 * m + 114, 31)
    return date(year, month, day + 1)


def new_york_holidays(year: int) -> set[date]:
    """By the exchange's rules, written here by hand."""
    holidays = {
        nth_weekday(year, 1, 0, 3),  # Martin Luther King
        nth_weekday(year, 2, 0, 3),  # Washington
        easter(year) - 2 * DAY,
        date(year, 5, 31) - DAY * date(year, 5, 31).weekday(),  # last Monday in May
        observed(date(year, 7, 4)),
        nth_weekday(year, 9, 0, 1),
        nth_weekday(year, 11, 3, 4),
        observed(date(year, 12, 25)),
    }
    if date(year, 1, 1).weekday() != 5:  # a New Year on Saturday is not made up for
        holidays.add(observed(date(year, 1, 1)))
    if year >= 2022:
        holidays.add(observed(date(year, 6, 19)))
    return holidays


MOURNING = {date(2018, 12, 5), date(2025, 1, 9)}

NEW_YORK_HALF_DAYS = {
    date.fromisoformat(text)
    for text in [
        "2016-11-25",
        "2017-07-03",
        "2017-11-24",
        "2018-07-03",
        "2018-11-23",
        "2018-12-24",
        "2019-07-03",
        "2019-11-29",
        "2019-12-24",
        "2020-11-27",
        "2020-12-24",
        "2021-11-26",
        "2022-11-25",
        "2023-07-03",
        "2023-11-24",
        "2024-07-03",
        "2024-11-29",
        "2024-12-24",
        "2025-07-03",
        "2025-11-28",
        "2025-12-24",
    ]
}


def test_f67_new_york_trades_on_weekdays_that_are_no_holidays(calendar_cache: Path) -> None:
    closed = MOURNING | {day for year in range(2016, 2026) for day in new_york_holidays(year)}
    expected = [d for d in days(*TEN_YEARS) if d.weekday() < 5 and d not in closed]

    assert list(sessions_of(load_calendar("XNYS", calendar_cache), *TEN_YEARS)) == expected


def test_f67_new_york_opens_and_closes_by_its_own_clock_in_summer_and_winter(
    calendar_cache: Path,
) -> None:
    sessions = sessions_of(load_calendar("XNYS", calendar_cache), *TEN_YEARS)

    assert {clock(s.open_ms, NEW_YORK) for s in sessions.values()} == {"09:30"}
    short = {day for day, s in sessions.items() if clock(s.close_ms, NEW_YORK) == "13:00"}
    assert short == NEW_YORK_HALF_DAYS
    assert {
        clock(s.close_ms, NEW_YORK) for day, s in sessions.items() if day not in short
    } == {"16:00"}  # fmt: skip


@pytest.mark.parametrize(
    ("day", "utc_open"),
    [
        ("2024-03-08", "14:30"),  # Friday before the clocks go forward
        ("2024-03-11", "13:30"),
        ("2024-11-01", "13:30"),  # Friday before they go back
        ("2024-11-04", "14:30"),
    ],
)
def test_f67_new_yorks_summer_time_moves_the_open_in_utc(
    calendar_cache: Path, day: str, utc_open: str
) -> None:
    first = opens_on(load_calendar("XNYS", calendar_cache), M1, day, ZoneInfo("UTC"))[0]

    assert first == utc_open


def test_hourly_bars_of_new_york_are_counted_from_its_open(calendar_cache: Path) -> None:
    calendar = load_calendar("XNYS", calendar_cache)

    assert opens_on(calendar, H1, "2024-06-03", NEW_YORK) == [
        "09:30", "10:30", "11:30", "12:30", "13:30", "14:30", "15:30"
    ]  # fmt: skip
    assert opens_on(calendar, H1, "2024-07-03", NEW_YORK)[-1] == "12:30"  # half day
    assert opens_on(calendar, H1, "2024-07-04", NEW_YORK) == []
    assert len(opens_on(calendar, M1, "2024-07-03", NEW_YORK)) == 210


def test_the_last_bar_of_a_session_closes_with_it(calendar_cache: Path) -> None:
    calendar = load_calendar("XNYS", calendar_cache)
    last = np.array([ms("2024-06-03 15:30", NEW_YORK), ms("2024-07-03 12:30", NEW_YORK)])

    closes = calendar.close_of(last, H1).tolist()

    assert [clock(at, NEW_YORK) for at in closes] == ["16:00", "13:00"]
    assert calendar.known_at(last, H1, 2_000).tolist() == [at + 2_000 for at in closes]


def test_daily_bars_are_named_by_their_date_and_known_at_the_close(calendar_cache: Path) -> None:
    calendar = load_calendar("XNYS", calendar_cache)
    grid = calendar.grid(D1, ms("2024-07-01"), ms("2024-07-08"))

    assert [str(utc_at(at)) for at in grid.tolist()] == [
        f"2024-07-0{day} 00:00:00+00:00" for day in (1, 2, 3, 5)
    ]
    known = [str(utc_at(at)) for at in calendar.known_at(grid, D1).tolist()]
    assert known[1:3] == ["2024-07-02 20:00:00+00:00", "2024-07-03 17:00:00+00:00"]


def test_weekly_bars_are_named_by_monday_and_known_on_friday(calendar_cache: Path) -> None:
    calendar = load_calendar("XNYS", calendar_cache)
    grid = calendar.grid(W1, ms("2024-03-25"), ms("2024-04-08"))

    assert [f"{utc_at(at):%a %m-%d}" for at in grid.tolist()] == ["Mon 03-25", "Mon 04-01"]
    closes = [f"{utc_at(at):%a %m-%d %H:%M}" for at in calendar.close_of(grid, W1).tolist()]
    assert closes == ["Thu 03-28 20:00", "Fri 04-05 20:00"]  # Good Friday in the first


def test_a_bar_that_no_session_holds_closes_after_its_own_length(calendar_cache: Path) -> None:
    calendar = load_calendar("XNYS", calendar_cache)
    before_open = np.array([ms("2024-06-03 08:00", NEW_YORK)])
    saturday = np.array([ms("2024-06-01")])

    assert calendar.close_of(before_open, H1).tolist() == [int(before_open[0]) + H1.ms]
    assert calendar.close_of(saturday, D1).tolist() == [int(saturday[0]) + D1.ms]
    assert calendar.close_of(np.array([0]), D1).tolist() == [D1.ms]  # before the table


# --- Shanghai -------------------------------------------------------------------------------

# First and last closed day of the two long holidays, and all sessions of each year.
SHANGHAI_YEARS = {
    2016: ("02-08", "02-12", "10-03", "10-07", 244),
    2017: ("01-27", "02-02", "10-02", "10-06", 244),
    2018: ("02-15", "02-21", "10-01", "10-05", 243),
    2019: ("02-04", "02-08", "10-01", "10-07", 244),
    2020: ("01-24", "01-31", "10-01", "10-08", 243),
    2021: ("02-11", "02-17", "10-01", "10-07", 243),
    2022: ("01-31", "02-04", "10-03", "10-07", 242),
    2023: ("01-23", "01-27", "09-29", "10-06", 242),
    2024: ("02-09", "02-16", "10-01", "10-07", 242),
    2025: ("01-28", "02-04", "10-01", "10-08", 243),
}


@pytest.mark.parametrize("year", SHANGHAI_YEARS)
def test_f67_shanghai_rests_over_spring_festival_and_national_day(
    calendar_cache: Path, year: int
) -> None:
    *edges, count = SHANGHAI_YEARS[year]
    spring, spring_end, autumn, autumn_end = (date.fromisoformat(f"{year}-{e}") for e in edges)
    sessions = sessions_of(
        load_calendar("XSHG", calendar_cache), date(year, 1, 1), date(year + 1, 1, 1)
    )

    assert len(sessions) == count
    assert not any(day.weekday() >= 5 for day in sessions)  # make-up weekends stay closed
    for first, last in ((spring, spring_end), (autumn, autumn_end)):
        assert not any(first <= day <= last for day in sessions)
        before = first - DAY * (3 if first.weekday() == 0 else 1)
        after = last + DAY * (3 if last.weekday() == 4 else 1)
        assert before in sessions
        assert after in sessions


def test_f67_shanghai_has_a_lunch_break_and_no_half_days(calendar_cache: Path) -> None:
    calendar = load_calendar("XSHG", calendar_cache)
    sessions = sessions_of(calendar, *TEN_YEARS).values()

    assert {(clock(s.open_ms, SHANGHAI), clock(s.close_ms, SHANGHAI)) for s in sessions} == {
        ("09:30", "15:00")
    }
    assert opens_on(calendar, H1, "2024-06-03", SHANGHAI) == ["09:30", "10:30", "13:00", "14:00"]
    assert opens_on(calendar, H4, "2024-06-03", SHANGHAI) == ["09:30", "13:00"]
    assert len(opens_on(calendar, M1, "2024-06-03", SHANGHAI)) == 240


@pytest.mark.parametrize(
    ("at", "is_open"),
    [
        ("2024-06-03 09:29", False),
        ("2024-06-03 09:30", True),
        ("2024-06-03 11:29", True),
        ("2024-06-03 11:30", False),
        ("2024-06-03 12:59", False),
        ("2024-06-03 13:00", True),
        ("2024-06-03 15:00", False),
        ("2024-06-02 10:00", False),  # Sunday
        ("1970-01-01 10:00", False),
    ],
)
def test_an_open_counts_and_a_close_does_not(calendar_cache: Path, at: str, is_open: bool) -> None:
    assert load_calendar("XSHG", calendar_cache).is_open(ms(at, SHANGHAI)) is is_open


# --- Hong Kong ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("day", "close"),
    [
        ("2019-02-04", "12:00"),  # eve of the lunar new year
        ("2019-12-24", "12:00"),
        ("2020-01-24", "12:00"),
        ("2020-12-31", "12:00"),
        ("2022-01-31", "12:00"),
        ("2024-02-09", "12:00"),
        ("2024-12-24", "12:00"),
        ("2025-01-28", "12:00"),
        ("2024-02-08", "16:00"),
        ("2024-06-03", "16:00"),
    ],
)
def test_f67_hong_kong_closes_at_noon_on_the_eves(
    calendar_cache: Path, day: str, close: str
) -> None:
    first = date.fromisoformat(day)
    session = sessions_of(load_calendar("XHKG", calendar_cache), first, first + DAY)[first]

    assert (clock(session.open_ms, HONG_KONG), clock(session.close_ms, HONG_KONG)) == (
        "09:30",
        close,
    )


def test_f67_hong_kong_rests_at_noon(calendar_cache: Path) -> None:
    bars = opens_on(load_calendar("XHKG", calendar_cache), H1, "2024-06-03", HONG_KONG)

    assert bars == ["09:30", "10:30", "11:30", "13:00", "14:00", "15:00"]


# --- Chinese futures ------------------------------------------------------------------------

# Trading dates without a night session, because a holiday lay between. By hand.
WITHOUT_NIGHT = {
    2015: "01-05 02-25 04-07 05-04 06-23 09-07 09-28 10-08",  # 09-28: a holiday on a Sunday
    2016: "01-04 02-15 04-05 05-03 06-13 09-19 10-10",
    2018: "01-02 02-22 04-09 05-02 06-19 09-25 10-08",
    2019: "01-02 02-11 04-08 05-06 06-10 09-16 10-08",
    2023: "01-03 01-30 04-06 05-04 06-26 10-09",
    2024: "01-02 02-19 04-08 05-06 06-11 09-18 10-08",
    2025: "01-02 02-05 04-07 05-06 06-03 10-09",
}


@pytest.mark.parametrize("year", WITHOUT_NIGHT)
def test_f67_no_night_session_before_a_holiday(calendar_cache: Path, year: int) -> None:
    rebar = load_calendar("CNF:rb", calendar_cache)
    sessions = sessions_of(rebar, date(year, 1, 1), date(year + 1, 1, 1))

    silent = [day for day, s in sessions.items() if clock(s.open_ms, SHANGHAI) == "09:00"]
    assert " ".join(f"{day:%m-%d}" for day in silent) == WITHOUT_NIGHT[year]
    assert {clock(s.open_ms, SHANGHAI) for s in sessions.values()} == {"09:00", "21:00"}


def test_f67_no_night_sessions_in_spring_2020(calendar_cache: Path) -> None:
    gold = load_calendar("CNF:au", calendar_cache)
    sessions = sessions_of(gold, date(2020, 1, 20), date(2020, 5, 12))

    nights = [day for day, s in sessions.items() if clock(s.open_ms, SHANGHAI) == "21:00"]
    assert nights == [
        date(2020, 1, 20), date(2020, 1, 21), date(2020, 1, 22), date(2020, 1, 23),
        date(2020, 5, 7), date(2020, 5, 8), date(2020, 5, 11),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("product", "night_of", "closes_at"),
    [
        ("rb", "2014-12-26", "01:00"),  # its first night
        ("rb", "2016-04-29", None),  # before the May holiday
        ("rb", "2016-05-03", "23:00"),  # shortened
        ("rb", "2024-06-03", "23:00"),
        ("cu", "2024-06-03", "01:00"),
        ("au", "2024-06-03", "02:30"),
        ("sc", "2018-03-26", "02:30"),
        ("m", "2015-05-07", "02:30"),
        ("m", "2015-05-08", "23:30"),
        ("m", "2019-03-28", "23:30"),
        ("m", "2019-03-29", "23:00"),
        ("c", "2019-03-28", None),
        ("c", "2019-03-29", "23:00"),
        ("TA", "2019-12-10", "23:30"),
        ("TA", "2019-12-11", "23:00"),
        ("bz", "2025-07-07", None),
        ("bz", "2025-07-08", "23:00"),
        ("ad", "2025-06-10", "01:00"),
        ("SA", "2019-12-06", "23:30"),
        ("jd", "2024-06-03", None),
        ("IF", "2024-06-03", None),
        ("T", "2024-06-03", None),
        ("lc", "2024-06-03", None),
    ],
)
def test_f67_the_night_ends_by_product_and_date(
    calendar_cache: Path, product: str, night_of: str, closes_at: str | None
) -> None:
    calendar = load_calendar(f"CNF:{product}", calendar_cache)
    evening = ms(f"{night_of} 20:00", SHANGHAI)
    minutes = calendar.grid(M1, evening, evening + 8 * H1.ms)

    if closes_at is None:
        assert minutes.size == 0
    else:
        assert clock(int(minutes[0]), SHANGHAI) == "21:00"
        assert clock(int(minutes[-1]) + M1.ms, SHANGHAI) == closes_at


@pytest.mark.parametrize(
    ("at", "trading_date"),
    [
        ("2024-06-03 14:59", "2024-06-03"),
        ("2024-06-03 15:00", "2024-06-04"),  # closed: the next session's
        ("2024-06-03 21:00", "2024-06-04"),  # Monday's night is Tuesday's
        ("2024-06-07 22:30", "2024-06-11"),  # Friday's is Tuesday's: Monday was a holiday
        ("2024-06-14 22:30", "2024-06-17"),  # Friday's is Monday's
        ("2024-06-15 02:29", "2024-06-17"),  # and so on Saturday morning
        ("2024-06-17 09:00", "2024-06-17"),
    ],
)
def test_f67_a_night_belongs_to_the_next_trading_date(
    calendar_cache: Path, at: str, trading_date: str
) -> None:
    gold = load_calendar("CNF:au", calendar_cache)
    instant = np.array([ms(at, SHANGHAI)])

    assert gold.trading_date(instant).tolist() == [ms(trading_date)]
    assert gold.session_ids(instant, M1).tolist() == [ms(trading_date) // 86_400_000]
    assert gold.session_ids(np.array([ms(trading_date)]), D1).tolist() == [
        ms(trading_date) // 86_400_000
    ]


def test_no_futures_bar_spans_the_morning_break(calendar_cache: Path) -> None:
    calendar = load_calendar("CNF:jd", calendar_cache)

    assert opens_on(calendar, M30, "2024-06-03", SHANGHAI) == [
        "09:00", "09:30", "10:00", "10:30", "11:00", "13:30", "14:00", "14:30"
    ]  # fmt: skip
    short = np.array([ms("2024-06-03 10:00", SHANGHAI)])
    assert clock(int(calendar.close_of(short, M30)[0]), SHANGHAI) == "10:15"


@pytest.mark.parametrize(
    ("product", "day", "first", "minutes"),
    [
        ("IF", "2015-12-31", "09:15", 270),
        ("IF", "2016-01-04", "09:30", 240),
        ("T", "2020-07-17", "09:15", 270),
        ("T", "2020-07-20", "09:30", 255),
    ],
)
def test_f67_hours_of_financial_futures(
    calendar_cache: Path, product: str, day: str, first: str, minutes: int
) -> None:
    opens = opens_on(load_calendar(f"CNF:{product}", calendar_cache), M1, day, SHANGHAI)

    assert (opens[0], len(opens)) == (first, minutes)


def test_a_product_whose_hours_are_not_known_is_refused(calendar_cache: Path) -> None:
    with pytest.raises(ConfigurationError, match="'zz' are not known") as caught:
        load_calendar("CNF:zz", calendar_cache)

    assert "CNF:rb" in str(caught.value.hint)


# --- Around the clock -----------------------------------------------------------------------


def test_the_market_that_never_closes_has_every_bar() -> None:
    always = load_calendar("24/7")
    start, end = ms("2024-03-30"), ms("2024-04-01")

    assert always.grid(H1, start, end).tolist() == list(range(start, end, H1.ms))
    assert always.grid(H4, start + 1, end).tolist()[0] == start + H4.ms
    assert always.grid(D1, start, end).tolist() == [start, start + D1.ms]
    assert always.grid(D1, end, start).size == 0
    assert always.is_open(start)
    assert always.never_closes
    assert [f"{utc_at(s.date_ms):%d}" for s in always.sessions(start, end)] == ["30", "31"]


def test_weeks_around_the_clock_begin_on_monday() -> None:
    grid = load_calendar("24/7").grid(W1, ms("2024-01-02"), ms("2024-01-20"))

    assert [f"{utc_at(at):%a %d}" for at in grid.tolist()] == ["Mon 08", "Mon 15"]


def test_the_trading_day_around_the_clock_is_the_utc_day() -> None:
    always = load_calendar("24/7")
    ts = np.array([ms("2024-01-01 23:59"), ms("2024-01-02")])

    assert always.trading_date(ts).tolist() == [ms("2024-01-01"), ms("2024-01-02")]
    assert np.diff(always.session_ids(ts, M1)).tolist() == [1]
    assert always.known_at(ts, M1, 500).tolist() == (ts + 60_500).tolist()


# --- Counts, names, limits ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "daily", "minutely", "weekly"),
    [
        ("24/7", 365, 525_600, 365 / 7),
        ("24/5", 261, 261 * 1_440, 52),
        ("XNYS", 252, 252 * 390, 52),
        ("XSHG", 244, 244 * 240, 52),
        ("XHKG", 246, 246 * 330, 52),
        ("CNF:rb", 244, 244 * 345, 52),
    ],
)
def test_every_market_counts_its_own_year(
    calendar_cache: Path, name: str, daily: int, minutely: int, weekly: float
) -> None:
    calendar = load_calendar(name, calendar_cache)

    assert calendar.sessions_per_year == calendar.periods_per_year(D1) == daily
    assert calendar.periods_per_year(M1) == minutely
    assert calendar.periods_per_year(W1) == pytest.approx(weekly)
    assert calendar.name == name


@pytest.mark.parametrize(
    ("symbol", "name"),
    [
        ("OKX:BTC/USDT", "24/7"),
        ("US:AAPL", "XNYS"),
        ("US:AAPL 2026-12-18 C 200", "XNYS"),
        ("SSE:600519", "XSHG"),
        ("SZSE:000001", "XSHG"),
        ("SEHK:00700", "XHKG"),
        ("SHFE:rb2701", "CNF:rb"),
        ("CFFEX:IF2612", "CNF:IF"),
        ("DCE:m2705", "CNF:m"),
        ("SHFE:2701", "CNF:2701"),
        ("FILE:prices", None),
    ],
)
def test_a_symbol_names_its_calendar(symbol: str, name: str | None) -> None:
    assert calendar_of(Symbol.parse(symbol)) == name


def test_a_calendar_that_does_not_exist_is_named(calendar_cache: Path) -> None:
    with pytest.raises(ConfigurationError, match="'NYSEE'"):
        load_calendar("NYSEE", calendar_cache)


def test_dates_a_calendar_does_not_know_are_refused(calendar_cache: Path) -> None:
    calendar = load_calendar("XSHG", calendar_cache)

    for start, end in (("1980-01-01", "2020-01-01"), ("2020-01-01", "2090-01-01")):
        with pytest.raises(DataError, match="XSHG knows trading dates from 1990-12-0"):
            calendar.grid(D1, ms(start), ms(end))
    with pytest.raises(DataError, match="knows trading dates"):
        calendar.trading_date(np.array([ms("2090-01-01")]))
    with pytest.raises(DataError, match="knows trading dates"):
        calendar.sessions(0, 1)


def test_the_hours_after_the_last_known_close_have_no_date_yet(calendar_cache: Path) -> None:
    new_year = load_calendar("XNYS", calendar_cache).sessions(ms("2035-12-31"), ms("2036-01-01"))
    after = np.array([new_year[0].close_ms])

    with pytest.raises(DataError, match="XNYS"):
        load_calendar("XNYS", calendar_cache).trading_date(after)


def test_a_calendar_names_itself_in_a_debugger(calendar_cache: Path) -> None:
    calendar = load_calendar("XNYS", calendar_cache)

    assert repr(calendar) == "SessionCalendar('XNYS')"
    assert not calendar.never_closes


def test_bars_of_two_days_exist_around_the_clock_only(calendar_cache: Path) -> None:
    two_days = Timeframe.parse("2d")

    assert load_calendar("24/7").grid(two_days, 0, 5 * D1.ms).tolist() == [0, 2 * D1.ms, 4 * D1.ms]
    with pytest.raises(UsageError, match="no bars of 2d"):
        load_calendar("XNYS", calendar_cache).grid(two_days, ms("2024-01-01"), ms("2024-02-01"))
    with pytest.raises(UsageError, match="no bars of 2d"):
        load_calendar("XNYS", calendar_cache).periods_per_year(two_days)


def test_an_empty_range_has_no_bars(calendar_cache: Path) -> None:
    calendar = load_calendar("XNYS", calendar_cache)

    assert calendar.grid(D1, 5, 5).size == 0
    assert calendar.grid(M1, ms("2024-06-01"), ms("2024-06-02")).size == 0  # a Saturday
    assert calendar.trading_date(np.empty(0, dtype=np.int64)).size == 0


# --- Recognition ----------------------------------------------------------------------------


def stamps(calendar: Calendar, timeframe: Timeframe, first: str, end: str) -> np.ndarray:
    return calendar.grid(timeframe, ms(first), ms(end))


@pytest.mark.parametrize("name", ["24/7", "24/5", "XNYS", "XSHG", "XHKG"])
@pytest.mark.parametrize("timeframe", ["1m", "15m", "1h", "1d"])
def test_a_calendar_is_recognised_from_its_own_stamps(
    calendar_cache: Path, name: str, timeframe: str
) -> None:
    frame = Timeframe.parse(timeframe)
    ts = stamps(load_calendar(name, calendar_cache), frame, "2022-12-15", "2024-02-20")

    found = recognise(ts, frame, calendar_cache)

    assert (found.calendar, found.agreement) == (name, 1.0)


def test_a_calendar_is_recognised_through_holes(calendar_cache: Path) -> None:
    whole = stamps(load_calendar("XNYS", calendar_cache), D1, "2018-01-01", "2023-01-01")
    kept = np.random.default_rng(1).random(whole.size) < 0.7

    found = recognise(whole[kept], D1, calendar_cache)

    assert found.calendar == "XNYS"
    assert found.agreement == pytest.approx(0.7, abs=0.05)


def test_hours_counted_from_the_full_hour_are_recognised(calendar_cache: Path) -> None:
    whole = stamps(load_calendar("XNYS", calendar_cache), H1, "2022-01-01", "2023-01-01")

    assert recognise(whole - 30 * 60_000, H1, calendar_cache).calendar == "XNYS"


def test_bars_before_and_after_the_session_do_not_follow_its_calendar(
    calendar_cache: Path,
) -> None:
    trading_days = stamps(load_calendar("XNYS", calendar_cache), D1, "2024-06-03", "2024-07-01")
    from_eight_to_midnight = (trading_days[:, None] + np.arange(8 * 60, 24 * 60) * M1.ms).ravel()

    assert recognise(from_eight_to_midnight, M1, calendar_cache).calendar == "24/5"


def test_four_weekdays_without_a_pause_are_around_the_clock() -> None:
    ts = stamps(load_calendar("24/7"), H1, "2024-06-03", "2024-06-07")

    assert recognise(ts, H1).calendar == "24/7"


def test_weekly_bars_tell_no_weekday() -> None:
    ts = stamps(load_calendar("24/7"), W1, "2020-01-01", "2024-01-01")

    assert recognise(ts, W1).calendar == "24/7"


def test_stamps_before_every_table_are_weekdays_at_best(calendar_cache: Path) -> None:
    weekdays = load_calendar("24/5")
    later = stamps(weekdays, D1, "2040-01-02", "2041-01-01")

    assert recognise(later, D1, calendar_cache).calendar == "24/5"


def test_a_few_scattered_bars_are_no_calendar(calendar_cache: Path) -> None:
    whole = stamps(load_calendar("XNYS", calendar_cache), D1, "2018-01-01", "2023-01-01")

    assert recognise(whole[::10], D1, calendar_cache).calendar == "24/5"


def test_no_stamps_are_refused() -> None:
    with pytest.raises(DataError, match="no bars"):
        recognise(np.empty(0, dtype=np.int64), D1)


# --- Real data ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("cn_equity/sh000001_1d_raw", "XSHG"),  # 1990 to 2025
        ("us_equity/lean_SPY_1d_raw", "XNYS"),  # 1998 to 2021
        ("us_equity/skender_MSFT_1d", "XNYS"),  # 1990 to 2022
    ],
)
def test_the_days_of_real_data_are_the_calendars(
    shared_data: Path, calendar_cache: Path, file: str, name: str
) -> None:
    ts = pl.read_parquet(shared_data / "data" / f"{file}.parquet")["ts"].to_numpy()
    grid = load_calendar(name, calendar_cache).grid(D1, int(ts[0]), int(ts[-1]) + 1)

    assert np.array_equal(grid, ts)


def test_the_minutes_of_real_night_sessions_are_the_calendars(
    shared_data: Path, calendar_cache: Path
) -> None:
    file = shared_data / "data" / "cn_futures" / "RB_calendar_pair_1m_2020.parquet"
    ts = pl.read_parquet(file)["ts"].unique().sort().to_numpy()
    rebar = load_calendar("CNF:rb", calendar_cache)
    inside = np.isin(ts, rebar.grid(M1, int(ts[0]), int(ts[-1]) + 1))

    # The source writes one stamp more at each close (10:15, 11:30, 15:00, 23:00).
    assert {clock(at, SHANGHAI) for at in ts[~inside].tolist()} <= {
        "10:15", "11:30", "15:00", "23:00"
    }  # fmt: skip
    assert set(np.unique(rebar.trading_date(ts[inside]))) == set(
        rebar.grid(D1, ms("2020-06-11"), ms("2020-10-13"))
    )
