"""Hours in which risk may be taken, as a person writes them: `mon-fri 09:35-15:50, sat 10:00-12:00`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Final

_DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_WINDOW: Final = re.compile(
    r"(?:(?P<first>[a-z]{3})(?:-(?P<last>[a-z]{3}))? +)?"
    r"(?P<start>[0-2][0-9]:[0-5][0-9])-(?P<end>[0-2][0-9]:[0-5][0-9])"
)
_DAY_MINUTES: Final = 24 * 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """One stretch of a day; one that ends at or before its start goes on into the next day."""

    days: frozenset[int]  # 0 is Monday
    start: int  # minute of the day
    end: int

    def holds(self, weekday: int, minute: int) -> bool:
        if self.start < self.end:
            return weekday in self.days and self.start <= minute < self.end
        today = weekday in self.days and minute >= self.start
        return today or ((weekday - 1) % 7 in self.days and minute < self.end)


@lru_cache(maxsize=64)
def parse_hours(text: str) -> tuple[Window, ...]:
    """The windows a text stands for; ValueError with a sentence if it stands for none."""
    return tuple(_window(part.strip().lower()) for part in text.split(","))


def is_open(text: str, at: datetime) -> bool:
    """Whether a local time lies in one of the windows."""
    minute = at.hour * 60 + at.minute
    return any(window.holds(at.weekday(), minute) for window in parse_hours(text))


def _window(text: str) -> Window:
    match = _WINDOW.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} are no hours: write them like mon-fri 09:30-16:00")
    start, end = _minute(match["start"]), _minute(match["end"])
    return Window(days=_days(match["first"], match["last"]), start=start, end=end)


def _days(first: str | None, last: str | None) -> frozenset[int]:
    if first is None:
        return frozenset(range(7))
    for name in (first, last or first):
        if name not in _DAYS:
            raise ValueError(f"{name!r} is no day: write {', '.join(_DAYS)}")
    start, count = _DAYS.index(first), (_DAYS.index(last or first) - _DAYS.index(first)) % 7
    return frozenset((start + step) % 7 for step in range(count + 1))


def _minute(text: str) -> int:
    minute = int(text[:2]) * 60 + int(text[3:])
    if minute > _DAY_MINUTES:
        raise ValueError(f"{text} is no time of a day")
    return minute
