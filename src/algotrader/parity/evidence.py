"""What a journal shows of the world around its decisions: bars as they were known, and when it ran."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from algotrader.core.bars import FIELDS, Bars
from algotrader.core.instants import utc_at
from algotrader.core.symbols import Symbol
from algotrader.parity.causes import Cause
from algotrader.parity.reading import Start
from algotrader.parity.record import Heard, Record

_NEVER: Final = 1 << 62


@dataclass(frozen=True, slots=True, kw_only=True)
class BarDifference:
    """A bar that the trader knew otherwise than today's data has it."""

    cause: Cause  # late, revised or missed
    instrument: Symbol
    ts: int  # its open, UTC ms
    from_ms: int  # decisions from here on saw it so
    to_ms: int | None  # the first decision that saw it as it is today; None: none did
    text: str

    def concerns(self, decision_ts: int) -> bool:
        """Whether a decision saw the bar otherwise than it is today."""
        return self.from_ms <= decision_ts and (self.to_ms is None or decision_ts < self.to_ms)


class KnownBars:
    """The bars of one strategy: as its decisions knew them, against today's."""

    def __init__(self, live: Record, bars: Bars, span: tuple[int, int]) -> None:
        self._live = live
        self._bars = bars.as_panel()
        self._frame = str(bars.timeframe)
        mine = [at for frame, at in live.slices if frame == self._frame]
        self._decisions = sorted(mine, key=self._place)
        self._rows = np.flatnonzero(
            (self._bars.known_at >= span[0]) & (self._bars.known_at <= span[1])
        )
        self.differences = sorted(self._compared(), key=lambda one: (one.from_ms, one.ts))
        self._from_ms = [one.from_ms for one in self.differences]

    def newest(self, decision_ts: int, instrument: Symbol) -> BarDifference | None:
        """The newest bar that a decision saw otherwise; the instrument's own before another's."""
        found: BarDifference | None = None
        for at in range(bisect_right(self._from_ms, decision_ts) - 1, -1, -1):
            one = self.differences[at]
            if found is not None and one.ts != found.ts:
                break
            if one.concerns(decision_ts) and (found is None or one.instrument == instrument):
                found = one
        return found

    def own(self, decision_ts: int, instrument: Symbol) -> BarDifference | None:
        """The newest bar of an instrument that a decision saw otherwise."""
        found = self.newest(decision_ts, instrument)
        return found if found is not None and found.instrument == instrument else None

    def _compared(self) -> Iterator[BarDifference]:
        for row in self._rows:
            ts, decision = int(self._bars.ts[row]), int(self._bars.known_at[row])
            for column, symbol in enumerate(self._bars.symbols):
                told = self._live.bars.get((self._frame, symbol, ts), [])
                yield from self._of_bar(symbol, ts, decision, told, self._today(int(row), column))

    def _today(self, row: int, column: int) -> tuple[float, ...]:
        """As a slice tells them: a close alone is a bar of one price without volume (R38)."""
        close = float(self._bars.close[row, column])
        if self._bars.close_only:
            return close, close, close, close, 0.0
        values = [float(getattr(self._bars, name)[row, column]) for name in FIELDS]
        return *values[:-1], values[-1] if np.isfinite(values[-1]) else 0.0

    def _of_bar(
        self,
        symbol: Symbol,
        ts: int,
        decision: int,
        told: Sequence[Heard],
        today: tuple[float, ...],
    ) -> Iterator[BarDifference]:
        at = f"{symbol} {utc_at(ts):%Y-%m-%d %H:%M}"
        if np.isnan(today[3]):
            if told:
                text = f"bar {at}: closed at {told[0].bar.close:g} then, not there today"
                yield self._difference(Cause.BAR_REVISED, symbol, ts, decision, None, text)
            return
        closed = self._live.slice_places.get((self._frame, decision), 0)
        in_time = [one for one in told if one.place < closed and not one.bar.is_late]
        later = [one for one in told if one not in in_time]
        if not in_time:
            cause, since = Cause.BAR_MISSED, None
            text = f"bar {at}: never came, closed at {today[3]:g}"
            if later:
                cause, since = Cause.BAR_LATE, self._next_decision(later[0])
                text = f"bar {at}: came late{self._by(later[0], decision)}"
            yield self._difference(cause, symbol, ts, decision, since, text)
        elif (known := _values(in_time[-1])) != today:
            right = next((one for one in later if _values(one) == today), None)
            since = None if right is None else self._next_decision(right)
            text = f"bar {at}: {_changed(known, today)}"
            yield self._difference(Cause.BAR_REVISED, symbol, ts, decision, since, text)

    def _by(self, heard: Heard, decision: int) -> str:
        slice_ = self._live.slices.get((self._frame, decision))
        return "" if slice_ is None else f", {_lag(heard.bar.ts_known - slice_.ts_known)} after"

    def _next_decision(self, heard: Heard) -> int | None:
        """The first decision after a bar came."""
        at = bisect_right(self._decisions, heard.place, key=self._place)
        return self._decisions[at] if at < len(self._decisions) else None

    def _place(self, decision: int) -> int:
        return self._live.slice_places[self._frame, decision]

    def _difference(
        self, cause: Cause, symbol: Symbol, ts: int, from_ms: int, to_ms: int | None, text: str
    ) -> BarDifference:
        return BarDifference(
            cause=cause, instrument=symbol, ts=ts, from_ms=from_ms, to_ms=to_ms, text=text
        )


class Uptime:
    """When the trader ran, from its starts among the decisions."""

    def __init__(self, live: Record) -> None:
        self._restarts = live.starts[1:]
        self._gaps: dict[str, list[tuple[int, float, Start]]] = {}  # last before, first after
        decided: dict[str, list[tuple[int, int]]] = {}
        for (frame, at), place in live.slice_places.items():
            decided.setdefault(frame, []).append((place, at))
        for frame, known in decided.items():
            known.sort()
            self._gaps[frame] = list(_gaps(known, self._restarts))

    def down_at(self, timeframe: str, decision_ts: int) -> Start | None:
        """The restart before which a decision fell out; None if the trader ran."""
        for before, after, start in self._gaps.get(timeframe, ()):
            if before <= decision_ts < after:
                return start
        return None

    def restarted_between(self, place: int, other: int) -> bool:
        """Whether the trader was started anew between two events."""
        return any(place <= at <= other for at, _ in self._restarts)

    def restarted_before(self, place: int) -> Start | None:
        """The newest restart before an event."""
        held = [start for at, start in self._restarts if at < place]
        return held[-1] if held else None


def _gaps(
    decided: Sequence[tuple[int, int]], restarts: Sequence[tuple[int, Start]]
) -> Iterator[tuple[int, float, Start]]:
    """Between which decisions each restart lies; without end after the last one."""
    for place, start in restarts:
        at = bisect_right(decided, (place, _NEVER))
        before = decided[at - 1][1] if at else -1
        yield before, decided[at][1] if at < len(decided) else math.inf, start


def _values(heard: Heard) -> tuple[float, ...]:
    return tuple(float(getattr(heard.bar, name)) for name in FIELDS)


def _changed(known: tuple[float, ...], today: tuple[float, ...]) -> str:
    pairs = zip(FIELDS, known, today, strict=True)
    return ", ".join(
        f"{name} {then:.10g} then, {now:.10g} today" for name, then, now in pairs if then != now
    )


def _lag(ms: int) -> str:
    return f"{ms / 1000:g} s" if ms < 120_000 else f"{ms / 60_000:.0f} min"
