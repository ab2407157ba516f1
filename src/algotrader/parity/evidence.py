"""What a journal shows of the world around its decisions: bars as they were known, and when it ran."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from algotrader.core.bars import FIELDS, Bars
from algotrader.core.events import BarClosed
from algotrader.core.instants import utc_at
from algotrader.core.symbols import Symbol
from algotrader.parity.causes import Cause
from algotrader.parity.reading import Start
from algotrader.parity.record import Record


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
        self._decisions = sorted(at for frame, at in live.slices if frame == self._frame)
        self._rows = np.flatnonzero(
            (self._bars.known_at >= span[0]) & (self._bars.known_at <= span[1])
        )
        self.differences = sorted(self._compared(), key=lambda one: (one.from_ms, one.ts))

    def newest(self, decision_ts: int, instrument: Symbol | None = None) -> BarDifference | None:
        """The newest bar that a decision saw otherwise, of one instrument or of any."""
        for one in reversed(self.differences):
            if one.concerns(decision_ts) and instrument in (None, one.instrument):
                return one
        return None

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
        told: Sequence[BarClosed],
        today: tuple[float, ...],
    ) -> Iterator[BarDifference]:
        at = f"{symbol} {utc_at(ts):%Y-%m-%d %H:%M}"
        if np.isnan(today[3]):
            if told:
                text = f"bar {at}: closed at {told[0].close:g} then, not there today"
                yield self._difference(Cause.BAR_REVISED, symbol, ts, decision, None, text)
            return
        in_time = [one for one in told if self._is_in_time(one, decision)]
        later = [one for one in told if one not in in_time]
        if not in_time:
            cause, since = Cause.BAR_MISSED, None
            text = f"bar {at}: never came, closed at {today[3]:g}"
            if later:
                cause, since = Cause.BAR_LATE, self._next_decision(later[0].ts_known)
                text = f"bar {at}: came {_ago(later[0].ts_known - decision)} after its decision"
            yield self._difference(cause, symbol, ts, decision, since, text)
        elif (known := _values(in_time[-1])) != today:
            right = next((one for one in later if _values(one) == today), None)
            since = None if right is None else self._next_decision(right.ts_known)
            text = f"bar {at}: {_changed(known, today)}"
            yield self._difference(Cause.BAR_REVISED, symbol, ts, decision, since, text)

    def _is_in_time(self, bar: BarClosed, decision: int) -> bool:
        slice_ = self._live.slices.get((self._frame, decision))
        if slice_ is None or bar.instrument in slice_.missing:
            return False
        return not bar.is_late and bar.ts_known <= slice_.ts_known

    def _next_decision(self, known_ms: int) -> int | None:
        """The first decision after a bar came."""
        for at in self._decisions[bisect_right(self._decisions, known_ms) - 1 :]:
            if self._live.slices[self._frame, at].ts_known >= known_ms:
                return at
        return None

    def _difference(
        self, cause: Cause, symbol: Symbol, ts: int, from_ms: int, to_ms: int | None, text: str
    ) -> BarDifference:
        return BarDifference(
            cause=cause, instrument=symbol, ts=ts, from_ms=from_ms, to_ms=to_ms, text=text
        )


class Uptime:
    """When the trader ran, from its starts and the decisions between them."""

    def __init__(self, starts: Sequence[Start], live: Record) -> None:
        self._starts = list(starts)
        self._resumed = sorted({one.ts_known for one in live.slices.values()})

    def down_at(self, decision_ts: int) -> str | None:
        """When the trader was down around a decision; None if it ran."""
        for start in self._starts:
            if start.after_ms is None:
                continue
            place = bisect_right(self._resumed, start.time_ms)
            again = self._resumed[place] if place < len(self._resumed) else start.time_ms
            if start.after_ms <= decision_ts <= max(again, start.time_ms):
                return f"the trader was down from {_at(start.after_ms)} to {_at(start.time_ms)}"
        return None

    def started_between(self, from_ms: int, to_ms: int) -> Start | None:
        """A restart after one instant and not after another."""
        for start in self._starts:
            if start.after_ms is not None and from_ms < start.time_ms <= to_ms:
                return start
        return None

    def configuration_at(self, at_ms: int) -> Start | None:
        """The start that a decision was made under."""
        held = [one for one in self._starts if one.time_ms <= at_ms]
        return held[-1] if held else (self._starts[0] if self._starts else None)

    def restarts(self) -> int:
        return sum(1 for _ in pairwise(self._starts))


def _values(bar: BarClosed) -> tuple[float, ...]:
    return tuple(float(getattr(bar, name)) for name in FIELDS)


def _changed(known: tuple[float, ...], today: tuple[float, ...]) -> str:
    pairs = zip(FIELDS, known, today, strict=True)
    return ", ".join(
        f"{name} {then:.10g} then, {now:.10g} today" for name, then, now in pairs if then != now
    )


def _ago(ms: int) -> str:
    return f"{ms / 1000:g} s" if ms < 120_000 else f"{ms / 60_000:.0f} min"


def _at(ms: int) -> str:
    return f"{utc_at(ms):%Y-%m-%d %H:%M:%S}"
