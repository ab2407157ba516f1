"""Which live bars are new, late, corrected or missing, and when a slice of them is complete.

`BarKeeper` is pure: it is told bars, from whatever source and in whatever order, and the time, and
answers with events. A stream and a poller may feed it at once; what one has told the other cannot
tell again. It asks for what is missing by `missing`, and learns by `answered` what the source does
not have either.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

import numpy as np

from algotrader.core.bars import Bars
from algotrader.core.events import BarClosed, HeartbeatMissed, SliceClosed
from algotrader.core.symbols import Symbol
from algotrader.core.timeframes import DAY_MS, Timeframe
from algotrader.data.feed import FeedEvent
from algotrader.data.plausible import Values, fault_of, leaps

log = logging.getLogger(__name__)

_KEPT_BARS: Final = 512  # of each instrument, for finding corrections
_ASKED_ENOUGH: Final = 3  # answers without a bar after which the source does not have it
STALE_BARS: Final = 2
_KEPT_DOUBTS: Final = 16  # of each instrument
_WEEK_MS: Final = 7 * DAY_MS
_MONDAY_MS: Final = 4 * DAY_MS  # the epoch was a Thursday


@dataclass(frozen=True, slots=True, kw_only=True)
class RawBar:
    """A bar as a source told it, said to be closed."""

    instrument: Symbol
    ts: int  # open, UTC ms
    values: Values


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """Bars that open in `[start_ms, end_ms)` are wanted."""

    instrument: Symbol
    start_ms: int
    end_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """The same instant by both clocks, UTC ms."""

    venue_ms: int
    our_ms: int


class BarWatcher(Protocol):
    """Hears of bars that are not told: who keeps a record of them is not who trades."""

    def set_aside(self, bar: RawBar, reason: str) -> None:
        """A bar that cannot be, or is doubted (F42). It stays among what is missing."""

    def given_up(self, instrument: Symbol, stamps: Sequence[int]) -> None:
        """Bars that the source was asked for and does not have (F40)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeeperSettings:
    timeframe: Timeframe
    source: str  # which feed delivers, as its bars will say
    grace_ms: int = 10_000  # how long a slice waits for bars that are missing
    delay_ms: int = 0  # after the close, before a slice may be complete


@dataclass(slots=True)
class _Instrument:
    """What is known of one instrument."""

    newest_ts: int  # before the first bar, as if the one before the newest had come
    told: dict[int, tuple[Values, int]] = field(default_factory=dict)  # by ts: values, revision
    lacking: dict[int, int] = field(default_factory=dict)  # by ts: answers that had no bar of it
    doubted: dict[int, RawBar] = field(default_factory=dict)  # by ts: far from the bar before it
    aside: dict[int, RawBar] = field(default_factory=dict)  # by ts: told to the watcher
    before: float | None = None  # close of the last bar before the first told one
    is_stale: bool = False

    def close_before(self, ts: int) -> float | None:
        """Of the nearest bar that opened before `ts`."""
        earlier = [one for one in self.told if one < ts]
        return self.told[max(earlier)][0][3] if earlier else self.before


def last_closes(bars: Bars) -> dict[Symbol, float]:
    """The newest close of each instrument that has one: what its next bar is held to (F42)."""
    panel = bars.as_panel()
    found: dict[Symbol, float] = {}
    for column, symbol in enumerate(panel.symbols):
        known = np.flatnonzero(np.isfinite(panel.close[:, column]))
        if known.size:
            found[symbol] = float(panel.close[known[-1], column])
    return found


class BarKeeper:
    """One venue, one time frame. Bars are wanted from `since_ms` on."""

    def __init__(
        self,
        instruments: Sequence[Symbol],
        settings: KeeperSettings,
        since_ms: int,
        at: Moment,
        *,
        watcher: BarWatcher | None = None,
        closes: Mapping[Symbol, float] | None = None,
    ) -> None:
        """`closes`: the last known close of each instrument, which its first bar is held to."""
        self._settings = settings
        self._ms = settings.timeframe.ms
        self._offset = _MONDAY_MS if self._ms % _WEEK_MS == 0 else 0
        self._order = tuple(sorted(instruments))  # by their text (R1)
        if settings.grace_ms + settings.delay_ms >= self._ms:
            raise ValueError("a slice has to be over before the next one is due")
        # The newest closed bar is younger than one interval: its slice is still to come (R24).
        self._next_close = self._floor(at.venue_ms)
        self._watcher = watcher
        self._known = {
            symbol: _Instrument(
                newest_ts=self._next_close - 2 * self._ms, before=(closes or {}).get(symbol)
            )
            for symbol in self._order
        }
        self._expected = min(self._ceiling(since_ms), self._next_close - self._ms)
        self._first_ts = self._expected
        self._waits_from = at.venue_ms  # the grace of an overdue slice begins with its first bar
        self.quarantined = 0
        self.expect(at)

    def expect(self, at: Moment) -> None:
        """Count what has closed by now among what is wanted."""
        while self._expected + self._ms <= at.venue_ms:
            for known in self._known.values():
                if self._expected not in known.told:
                    known.lacking.setdefault(self._expected, 0)
            self._expected += self._ms

    def take(self, bar: RawBar, at: Moment) -> list[FeedEvent]:
        """What a bar tells. Nothing, if it is known, unusable, not wanted or not closed."""
        self.expect(at)
        known = self._known.get(bar.instrument)
        on_grid = (bar.ts - self._offset) % self._ms == 0
        if known is None or bar.ts < self._first_ts or not on_grid:
            return []
        if bar.ts + self._ms > at.venue_ms:
            return []  # still forms, whatever the source says (F43)
        told = known.told.get(bar.ts)
        if told is not None and told[0] == bar.values:
            return []
        if (reason := fault_of(bar.values)) is not None:
            self._set_aside(known, bar, reason)
            return []
        events = self.due(at)  # a slice that is over is over before this bar
        for one in self._believed(known, bar):
            events += self._keep(known, one, at)
        return [*events, *self.due(at)]

    def _set_aside(self, known: _Instrument, bar: RawBar, reason: str) -> None:
        """It stays among what is missing and is asked for again (F42); each is told once."""
        if known.aside.get(bar.ts) == bar:
            return
        known.aside[bar.ts] = bar
        if len(known.aside) > _KEPT_DOUBTS:
            del known.aside[min(known.aside)]
        self.quarantined += 1
        log.warning(
            "%s: a bar at %s is no bar (%s): %s", bar.instrument, bar.ts, reason, bar.values
        )
        if self._watcher is not None:
            self._watcher.set_aside(bar, reason)

    def _believed(self, known: _Instrument, bar: RawBar) -> list[RawBar]:
        """The bar, with what was doubted until it came; nothing while it is doubted itself (F42).

        A price far from the last one is believed when the bar after it agrees with it.
        """
        reference = known.close_before(bar.ts)
        if reference is None or not leaps(bar.values, reference):
            known.doubted.pop(bar.ts, None)
            return [bar]
        earlier = [ts for ts in known.doubted if ts < bar.ts]
        doubted = known.doubted[max(earlier)] if earlier else None
        if doubted is not None and not leaps(bar.values, doubted.values[3]):
            return [known.doubted.pop(doubted.ts), bar]
        known.doubted[bar.ts] = bar
        if len(known.doubted) > _KEPT_DOUBTS:
            del known.doubted[min(known.doubted)]
        self._set_aside(known, bar, f"far from the last close {reference:.10g}")
        return []

    def _keep(self, known: _Instrument, bar: RawBar, at: Moment) -> list[FeedEvent]:
        before = known.told.get(bar.ts)
        revision = 0 if before is None else before[1] + 1
        known.told[bar.ts] = (bar.values, revision)
        known.lacking.pop(bar.ts, None)
        if len(known.told) > _KEPT_BARS:
            del known.told[min(known.told)]
        known.newest_ts = max(known.newest_ts, bar.ts)
        known.is_stale = self._is_behind(known, at) and known.is_stale
        closes = bar.ts + self._ms
        if closes == self._next_close and self._count_of(bar.ts) == 1:
            self._waits_from = max(at.venue_ms, self._next_close)
        opened, high, low, close, volume = bar.values
        return [
            BarClosed(
                ts_event=closes, ts_known=at.our_ms, instrument=bar.instrument,
                timeframe=str(self._settings.timeframe), ts=bar.ts, open=opened, high=high,
                low=low, close=close, volume=volume, source=self._settings.source,
                revision=revision, is_late=closes < self._next_close,
            )
        ]  # fmt: skip

    def due(self, at: Moment) -> list[FeedEvent]:
        """Slices that are complete, or have waited long enough; and who has fallen silent.

        A slice without a single bar waits until one comes: there is nothing in it to decide on
        (F20). One that the next has overtaken is given up: nothing is decided on old bars (R24).
        """
        self.expect(at)
        told: list[FeedEvent] = []
        while self._next_close + self._settings.delay_ms <= at.venue_ms:
            ts = self._next_close - self._ms
            have = tuple(s for s in self._order if ts in self._known[s].told)
            if self._next_close + self._ms > at.venue_ms:
                waited_ms = at.venue_ms - max(self._waits_from, self._next_close)
                is_over = bool(have) and waited_ms >= self._settings.grace_ms
                if len(have) < len(self._order) and not is_over:
                    break
                told.append(self._slice(have, at))
            self._next_close += self._ms
            self._waits_from = self._next_close
        return told + self._silent(at)

    def _slice(self, have: tuple[Symbol, ...], at: Moment) -> SliceClosed:
        return SliceClosed(
            ts_event=self._next_close,
            ts_known=at.our_ms,
            timeframe=str(self._settings.timeframe),
            decision_ts=self._next_close,
            instruments=have,
            missing=tuple(s for s in self._order if s not in have),
        )

    def doubted(self, at: Moment) -> list[FeedEvent]:
        """What is told when the source cannot be trusted: all are silent until a bar comes (F09)."""
        return [
            self._fell_silent(symbol, known, at)
            for symbol, known in self._known.items()
            if not known.is_stale
        ]

    def _silent(self, at: Moment) -> list[FeedEvent]:
        """Instruments without a bar for two bars, told once until one comes (F20)."""
        return [
            self._fell_silent(symbol, known, at)
            for symbol, known in self._known.items()
            if not known.is_stale and self._is_behind(known, at)
        ]

    def _fell_silent(self, symbol: Symbol, known: _Instrument, at: Moment) -> HeartbeatMissed:
        known.is_stale = True
        return HeartbeatMissed(
            ts_event=at.venue_ms,
            ts_known=at.our_ms,
            component=f"bars:{symbol} {self._settings.timeframe}",
            last_seen_ms=known.newest_ts + self._ms if known.told else None,
            allowed_ms=STALE_BARS * self._ms + self._settings.grace_ms,
        )

    def missing(self, at: Moment) -> list[Missing]:
        """What to ask the source for: gaps as ranges, the oldest first."""
        self.expect(at)
        found: list[Missing] = []
        for symbol in self._order:
            start = end = None
            for ts in sorted(self._known[symbol].lacking):
                if ts != end:
                    if start is not None and end is not None:
                        found.append(Missing(instrument=symbol, start_ms=start, end_ms=end))
                    start = ts
                end = ts + self._ms
            if start is not None and end is not None:
                found.append(Missing(instrument=symbol, start_ms=start, end_ms=end))
        return found

    def answered(self, asked: Missing) -> list[int]:
        """The source gave all it has of a range; the bars that it is given up on now.

        What it lacks is asked for three times, and is then a gap that stays one (F40).
        """
        known = self._known[asked.instrument]
        given_up = []
        for ts in [t for t in known.lacking if asked.start_ms <= t < asked.end_ms]:
            known.lacking[ts] += 1
            # The newest may yet come: a source without it now is late, not without it for good.
            if known.lacking[ts] >= _ASKED_ENOUGH and ts + STALE_BARS * self._ms < self._expected:
                del known.lacking[ts]
                given_up.append(ts)
        if given_up:
            log.warning("%s: the source has no bars at %s", asked.instrument, given_up)
            if self._watcher is not None:
                self._watcher.given_up(asked.instrument, given_up)
        return given_up

    def next_close_after(self, venue_ms: int) -> int:
        return self._floor(venue_ms) + self._ms

    def _is_behind(self, known: _Instrument, at: Moment) -> bool:
        """Whether two more bars should have come by now."""
        due_ms = known.newest_ts + (1 + STALE_BARS) * self._ms
        return due_ms + self._settings.grace_ms <= at.venue_ms

    def _count_of(self, ts: int) -> int:
        return sum(ts in known.told for known in self._known.values())

    def _floor(self, at_ms: int) -> int:
        return (at_ms - self._offset) // self._ms * self._ms + self._offset

    def _ceiling(self, at_ms: int) -> int:
        return self._floor(at_ms - 1) + self._ms
