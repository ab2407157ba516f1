"""The last bars of each instrument, as rules look back at them, and how many did not come."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from algotrader.core.events import BarClosed, SliceClosed
from algotrader.core.symbols import Symbol
from algotrader.core.timeframes import Timeframe

_GRACE_MS = 60_000  # of a bar that is on its way


@dataclass(slots=True)
class RecentBars:
    """Bars of one instrument in its shortest time frame."""

    timeframe: str
    timeframe_ms: int
    ts: int = -1  # open of the newest, UTC ms
    known_ms: int = 0
    missed: int = 0  # in a row
    count: int = 0  # since the beginning
    closes: deque[float] = field(default_factory=deque)
    volumes: deque[float] = field(default_factory=deque)

    def is_stale(self, now_ms: int, max_missed: int, *, never_closes: bool) -> bool:
        """Whether more bars failed to come than may; time alone tells only where it never rests."""
        silent_ms = now_ms - self.known_ms
        too_old = silent_ms > (max_missed + 1) * self.timeframe_ms + _GRACE_MS
        return self.missed > max_missed or (never_closes and too_old)


@dataclass(slots=True)
class BarHistory:
    """All instruments. Changed by `closed` and `sliced`."""

    by_symbol: dict[Symbol, RecentBars] = field(default_factory=dict)

    def closed(self, bar: BarClosed, keep: int) -> None:
        """Take a bar in. A late one changes nothing, a revised newest one its numbers (R25)."""
        recent = self.by_symbol.get(bar.instrument)
        if recent is None or recent.timeframe != bar.timeframe:
            length = Timeframe.parse(bar.timeframe).ms
            if recent is not None and recent.timeframe_ms <= length:
                return
            recent = RecentBars(timeframe=bar.timeframe, timeframe_ms=length)
            self.by_symbol[bar.instrument] = recent
        if bar.ts < recent.ts:
            return
        if bar.ts == recent.ts:
            recent.closes.pop()
            recent.volumes.pop()
        else:
            recent.ts, recent.known_ms, recent.missed = bar.ts, bar.ts_known, 0
            recent.count += 1
        recent.closes.append(bar.close)
        recent.volumes.append(bar.volume)
        while len(recent.closes) > keep:
            recent.closes.popleft()
            recent.volumes.popleft()

    def sliced(self, event: SliceClosed) -> None:
        """Count what the slice went on without (R3)."""
        for symbol in event.missing:
            recent = self.by_symbol.get(symbol)
            if recent is not None and recent.timeframe == event.timeframe:
                recent.missed += 1
