"""A line that is said again and again is shown once a minute, with how often it came."""

from __future__ import annotations

import logging
from typing import Final

_AGAIN_AFTER_S: Final = 60.0
_KEPT: Final = 500


class Repeats:
    """Of a handler for people: what a venue that is down says every second fills no screen.

    Events of the journal are never held back, they tell of different things.
    """

    def __init__(self) -> None:
        self._shown: dict[tuple[str, str], tuple[float, int]] = {}  # when, and how often since

    def shown(self, record: logging.LogRecord) -> logging.LogRecord | None:
        """The line as it is shown, None if it is held back."""
        if not isinstance(record.msg, str):
            return record
        key = (record.name, record.getMessage())
        since_s, count = self._shown.pop(key, (record.created - 2 * _AGAIN_AFTER_S, 0))
        if record.created - since_s < _AGAIN_AFTER_S:
            self._shown[key] = (since_s, count + 1)
            return None
        self._shown[key] = (record.created, 0)
        while len(self._shown) > _KEPT:
            del self._shown[next(iter(self._shown))]
        if not count:
            return record
        again = logging.makeLogRecord(vars(record))
        again.msg, again.args = f"{key[1]} ({count} more like it)", None
        return again
