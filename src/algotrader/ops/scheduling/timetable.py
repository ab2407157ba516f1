"""When a job is due: cron in a time zone, an interval, or the close of bars by a calendar."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

import numpy as np

from algotrader.core.calendars import Calendar, load_calendar
from algotrader.core.instants import utc_at, utc_ms
from algotrader.core.timeframes import DAY_MS, Timeframe
from algotrader.ops.scheduling.settings import JobSettings

NextDue = Callable[[int], int | None]
"""The first time after an instant, both UTC ms; None if there is none any more."""

_ANY_MS: Final = 1_704_067_200_000  # from when on a time has to come: leap years are all alike
_LOOK_AHEAD_DAYS: Final = 40  # the longest a market stays closed, and more
_STEP: Final = timedelta(minutes=1)  # the finest that cron knows
_STEPS: Final = 200
_DAYS: Final = ("sun", "mon", "tue", "wed", "thu", "fri", "sat", "sun")  # as cron counts: 0 and 7
_NUMBERED: Final = re.compile(r"(\*|\d)(?:-(\d))?(?:/(\d))?")


def next_due(settings: JobSettings) -> NextDue:
    """The timetable of a job."""
    if settings.cron is not None:
        return _by_cron(settings.cron, settings.timezone)
    if settings.every is not None:
        return _by_interval(settings.every * 1_000)
    assert settings.bar_close is not None
    return _by_closes(
        load_calendar(settings.calendar),
        Timeframe.parse(settings.bar_close),
        round(settings.delay_s * 1_000),
    )


def parsed_cron(text: str, zone: str) -> Any:
    """A cron trigger. ValueError says what cannot be read, or never comes."""
    from apscheduler.triggers.cron import CronTrigger

    fields = text.split()
    if len(fields) != 5:
        raise ValueError("cron has five fields: minute hour day month weekday")
    try:
        days = ",".join(map(_named_days, fields[4].split(",")))
        trigger = CronTrigger.from_crontab(" ".join([*fields[:4], days]), timezone=ZoneInfo(zone))
    except ValueError as error:
        raise ValueError(f"is no cron time: {error}") from error
    if trigger.get_next_fire_time(None, utc_at(_ANY_MS)) is None:
        raise ValueError("is no cron time: no day is ever such a one")
    return trigger


def _named_days(numbered: str) -> str:
    """Weekdays of cron by their names: the trigger's own numbers begin with Monday at 0."""
    found = _NUMBERED.fullmatch(numbered)
    if numbered == "*" or found is None:
        return numbered
    first, last, step = found.groups()
    begin = 0 if first == "*" else int(first)
    end = 6 if first == "*" or (last is None and step is not None) else int(last or first)
    if begin > end or end > 7:
        raise ValueError(f"weekdays are 0-7, Sunday is both, and {numbered!r} is not among them")
    return ",".join(dict.fromkeys(_DAYS[begin : end + 1 : max(int(step or 1), 1)]))


def _by_cron(text: str, zone: str) -> NextDue:
    trigger = parsed_cron(text, zone)
    hourly = text.split()[1].startswith("*")

    def after(at_ms: int) -> int | None:
        moment = utc_at(at_ms).astimezone(ZoneInfo(zone)) + timedelta(microseconds=1)
        for _ in range(_STEPS):
            found: datetime | None = trigger.get_next_fire_time(None, moment)
            if found is None:
                return None
            # When clocks go back, an hour comes twice: what is daily runs in the first (F67).
            is_second = bool(found.fold) and not hourly
            if utc_ms(found) > at_ms and not is_second:
                return utc_ms(found)
            moment = (max(utc_at(utc_ms(found)), utc_at(utc_ms(moment))) + _STEP).astimezone(
                ZoneInfo(zone)
            )
        return None

    return after


def _by_interval(every_ms: int) -> NextDue:
    def after(at_ms: int) -> int:
        return at_ms // every_ms * every_ms + every_ms

    return after


def _by_closes(calendar: Calendar, timeframe: Timeframe, delay_ms: int) -> NextDue:
    def after(at_ms: int) -> int | None:
        start = at_ms - delay_ms - max(timeframe.ms, DAY_MS) - 7 * DAY_MS
        for days in (2, _LOOK_AHEAD_DAYS):
            opens = calendar.grid(timeframe, start, at_ms + max(days * DAY_MS, 2 * timeframe.ms))
            due = calendar.known_at(opens, timeframe, delay_ms)
            later = due[due > at_ms]
            if later.size:
                return int(np.min(later))
        return None

    return after
