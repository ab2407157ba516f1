"""Time frames: how long a bar is. `15m`, `1h`, `1d`, `1w`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import Self

from algotrader.core.errors import UsageError

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
DAY_MS = 24 * HOUR_MS

_UNITS = {"m": MINUTE_MS, "h": HOUR_MS, "d": DAY_MS, "w": 7 * DAY_MS}
_TEXT = re.compile(r"([1-9][0-9]{0,3})([mhdw])")


@dataclass(frozen=True, slots=True, order=True)
class Timeframe:
    """Length of a bar, ordered by length. A bar covers `[ts, ts + ms)`; `1mo` is not a length."""

    ms: int

    def __post_init__(self) -> None:
        if self.ms <= 0 or self.ms % MINUTE_MS:
            raise ValueError(f"a time frame is a whole number of minutes, not {self.ms} ms")

    @classmethod
    def parse(cls, text: str) -> Self:
        """`Timeframe.parse("4h")`. UsageError names the forms that are understood."""
        match = _TEXT.fullmatch(text.strip())
        if match is None:
            raise UsageError(
                "timeframe.unknown",
                f"time frame {text!r} does not exist",
                hint="use minutes, hours, days or weeks: 1m 5m 15m 30m 1h 4h 8h 1d 1w",
            )
        return cls(int(match[1]) * _UNITS[match[2]])

    def __str__(self) -> str:
        for unit in ("w", "d", "h"):
            if self.ms % _UNITS[unit] == 0:
                return f"{self.ms // _UNITS[unit]}{unit}"
        return f"{self.ms // MINUTE_MS}m"

    @property
    def is_intraday(self) -> bool:
        return self.ms < DAY_MS

    def divides(self, coarser: Timeframe) -> bool:
        """True if whole bars of this length make one of `coarser`."""
        return coarser.ms % self.ms == 0


@cache
def length_ms(text: str) -> int:
    """How long a bar of a time frame is, by its text: asked for with every bar."""
    return Timeframe.parse(text).ms
