"""What the contexts of one run of a bar-by-bar strategy share: history, state, lines."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from math import isfinite
from typing import Any, Final, cast

import msgspec
import numpy as np

from algotrader.core.bars import Bars
from algotrader.core.calendars import load_calendar
from algotrader.core.errors import StrategyError
from algotrader.core.instruments import Instrument
from algotrader.core.timeframes import Timeframe
from algotrader.strategy.base import Strategy
from algotrader.strategy.decide import guarded
from algotrader.strategy.parameters import ParameterValue

STATE_BYTES = 64 * 1024  # R35
_PLAIN: Final = frozenset({bool, int, str, type(None)})
"""What JSON keeps as it is, whatever its value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LogLine:
    """A line a strategy wrote: when it decided, what, and its fields."""

    at_ms: int
    level: str
    event: str
    fields: Mapping[str, Any]


@dataclass(slots=True, kw_only=True)
class StrategySession:
    """What the contexts of one run share: history, parameters, state, log."""

    bars: Bars
    instruments: tuple[Instrument, ...]
    params: Mapping[str, ParameterValue]
    allow_incomplete: bool
    state: dict[str, Any] = field(default_factory=dict)
    lines: list[LogLine] = field(default_factory=list)
    higher: dict[tuple[str, int | None], Bars] = field(default_factory=dict)

    def history(self, timeframe: str | None, column: int | None, row: int) -> Bars:
        """Closed bars up to `row`; of a higher time frame those completed by then (R6)."""
        base = self.bars if column is None or not self.bars.panel else self._column(column)
        if timeframe is None or Timeframe.parse(timeframe) == base.timeframe:
            return base.rows(0, row + 1)
        key = (timeframe, column)
        if key not in self.higher:
            from algotrader.data.resample import resample  # polars is slow to import

            calendar = load_calendar(self.instruments[column or 0].calendar)
            frame = Timeframe.parse(timeframe)
            built = resample(base, frame, calendar, incomplete=self.allow_incomplete).bars
            # One that lacks its last part is over when the calendar says so, not when the part
            # before came: nobody knew then that no more would.
            over = np.maximum(built.known_at, calendar.known_at(built.ts, frame))
            self.higher[key] = replace(built, known_at=over)
        known = self.higher[key].known_at
        now = int(base.known_at[row])
        return self.higher[key].rows(0, int(np.searchsorted(known, now, side="right")))

    def _column(self, column: int) -> Bars:
        key = ("", column)
        if key not in self.higher:
            self.higher[key] = self.bars.column(column)
        return self.higher[key]


class SessionLog:
    """`ctx.log`: lines for people, kept with the run."""

    def __init__(self, session: StrategySession, now_ms: Callable[[], int]) -> None:
        self._session = session
        self._now_ms = now_ms

    def info(self, event: str, **fields: Any) -> None:
        self._add("info", event, fields)

    def warning(self, event: str, **fields: Any) -> None:
        self._add("warning", event, fields)

    def _add(self, level: str, event: str, fields: Mapping[str, Any]) -> None:
        line = LogLine(at_ms=self._now_ms(), level=level, event=event, fields=fields)
        self._session.lines.append(line)


def begin(strategy: Strategy) -> None:
    """Call `on_start`, where a strategy has it, before its first bar and after a restart."""
    if (on_start := getattr(strategy, "on_start", None)) is not None:
        guarded(strategy, "on_start", None, on_start)


def written_state(state: Mapping[str, Any], owner: str) -> bytes:
    """`ctx.state` as it is kept with a decision. StrategyError unless it comes back as it was."""
    fault = _json_fault(state, "ctx.state")
    if fault is not None:
        raise StrategyError(
            "strategy.state", f"{owner}: {fault}, which is no JSON value",
            hint="keep finite numbers, texts, booleans, None, lists and mappings by text in ctx.state",
        )  # fmt: skip
    written = msgspec.json.encode(state)
    if len(written) > STATE_BYTES:
        raise StrategyError(
            "strategy.state", f"ctx.state of {owner} takes {len(written):,} bytes, 64 kB are allowed",
            hint="keep less; history is in ctx.bars()",
        )  # fmt: skip
    return written


def _json_fault(value: object, place: str) -> str | None:
    """The first part of a state that JSON would lose or change; `None` if there is none."""
    kind = type(value)
    if kind in _PLAIN:
        return None
    if kind is float:
        return None if isfinite(cast(float, value)) else f"{place} is {value}"
    if isinstance(value, Mapping):
        if (odd := next((key for key in value if type(key) is not str), None)) is not None:
            return f"{place} has the key {odd!r}"
        parts: Iterable[tuple[object, object]] = value.items()
    elif isinstance(value, list | tuple):
        parts = enumerate(value)
    else:
        return f"{place} is a {kind.__name__}"
    for key, part in parts:
        if type(part) not in _PLAIN:  # most are: no place of theirs is written down
            fault = _json_fault(part, f"{place}[{key!r}]")
            if fault is not None:
                return fault
    return None
