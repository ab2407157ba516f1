"""Days of a time zone, for limits that hold for a day (R28)."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from algotrader.core.instants import utc_at, utc_ms


def local(at_ms: int, zone: str) -> datetime:
    """The wall clock of a zone."""
    return utc_at(at_ms).astimezone(ZoneInfo(zone))


def day_of(at_ms: int, zone: str) -> int:
    """The number of the day an instant lies in; midnight begins a day."""
    if zone == "UTC":
        return at_ms // 86_400_000
    return local(at_ms, zone).toordinal() - _EPOCH


def marked_day(at_ms: int, zone: str) -> int:
    """The day that what is known at an instant closes: a bar that ends at midnight ends its day."""
    return day_of(at_ms - 1, zone)


@lru_cache(maxsize=256)
def end_of(day: int, zone: str) -> int:
    """The midnight that ends a day, UTC ms."""
    following = date.fromordinal(day + _EPOCH) + timedelta(days=1)
    return utc_ms(datetime.combine(following, time(), ZoneInfo(zone)).astimezone(UTC))


_EPOCH = date(1970, 1, 1).toordinal()
