"""Live bars into the lake and the live store: what a feed tells is kept, whatever order it comes in.

The lake gets the first version of a bar as a download would give it, known at its calendar's close,
so that collected and downloaded bars are the same bytes (F41). A restated bar is a new version,
known from when we learnt it (F45).
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np

from algotrader.core.calendars import ALWAYS_OPEN, Calendar, calendar_of, load_calendar
from algotrader.core.errors import AlgotraderError, DataError, RunError
from algotrader.core.events import BarClosed, HeartbeatMissed, SliceClosed
from algotrader.core.instants import utc_at, utc_ms
from algotrader.core.ports import Clock, Notice, Notifier, Severity
from algotrader.core.symbols import Symbol
from algotrader.core.timeframes import Timeframe
from algotrader.data.columns import PRICES
from algotrader.data.feed import FeedEvent
from algotrader.data.lake import Lake
from algotrader.data.layout import Layer, SeriesKey
from algotrader.data.live_bars import RawBar
from algotrader.data.live_store import LiveStore, SourceState
from algotrader.data.rows import Quarantined, stamp_text
from algotrader.data.tables import BarTable

log = logging.getLogger(__name__)

_FIELDS: Final = (*PRICES, "volume")
_WRITE_AT: Final = 1_000  # bars that wait to be written, at most
_WAIT_S: Final = 2.0  # and how long they wait
_PAUSE_S: Final = 1.0  # between writes at slices: a replay at high speed closes many a second
_HELD: Final = 50_000  # while nothing can be written
_BARS: Final = "bars:"  # how a part that brings bars is named when it falls silent
_RAW_PARTS: Final = 24  # files of one series as received, before they are made one


@dataclass(slots=True)
class Collected:
    """What was done since the start."""

    added: int = 0
    revised: int = 0
    unchanged: int = 0
    quarantined: int = 0
    gaps: int = 0  # bars that the source was asked for and does not have
    late: int = 0
    slices: int = 0

    def as_dict(self) -> dict[str, int]:
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(slots=True)
class _Waiting:
    """What came and is not written yet."""

    bars: list[BarClosed] = field(default_factory=list)
    aside: list[tuple[RawBar, str]] = field(default_factory=list)
    absent: dict[Symbol, list[int]] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.bars) + len(self.aside) + len(self.absent)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Unkept:
    """What could not be written while the rest was, and what of it has to wait."""

    error: DataError | RunError
    bars: list[BarClosed]


class Collector:
    """Keeps the closed bars of one feed. A `BarWatcher`: it keeps what the feed refuses, too."""

    def __init__(
        self,
        lake: Lake,
        store: LiveStore,
        timeframe: Timeframe,
        clock: Clock,
        notifier: Notifier,
        *,
        on_slice: Callable[[SliceClosed], None] = lambda _: None,
    ) -> None:
        self._lake = lake
        self._store = store
        self._timeframe = timeframe
        self._clock = clock
        self._notifier = notifier
        self._on_slice = on_slice
        self._waiting = _Waiting()
        # By component: when it fell silent, UTC ms; also what the process before this one told.
        self._silent: dict[str, int] = _silent_before(store, timeframe)
        self._write = asyncio.Lock()
        self._written_s = -_PAUSE_S
        self.done = Collected()

    async def run(self, events: AsyncIterator[FeedEvent]) -> None:
        """Keep all that a feed tells, for ever. What came is written when this is cancelled."""
        writer = asyncio.create_task(self._write_in_time())
        try:
            async for event in events:
                await self.hear(event)
        finally:
            writer.cancel()
            await asyncio.gather(writer, return_exceptions=True)
            # Not `flush`: its error would stand in for the cancellation, and nothing would end.
            await self._try_to_write()

    async def hear(self, event: FeedEvent) -> None:
        """Take one event. What came is written at a closed slice, and within two seconds."""
        match event:
            case BarClosed():
                self._waiting.bars.append(event)
                self.done.late += event.is_late
                await self._speaks(event)
                if len(self._waiting.bars) == _WRITE_AT:
                    await self._try_to_write()
            case SliceClosed():
                if self._clock.monotonic_s() - self._written_s >= _PAUSE_S:
                    await self._try_to_write()
                self.done.slices += 1
                self._on_slice(event)
            case HeartbeatMissed():
                await self._fell_silent(event)

    def set_aside(self, bar: RawBar, reason: str) -> None:
        """See `BarWatcher`."""
        self._waiting.aside.append((bar, reason))
        self.done.quarantined += 1

    def given_up(self, instrument: Symbol, stamps: Sequence[int]) -> None:
        """See `BarWatcher`."""
        self._waiting.absent.setdefault(instrument, []).extend(stamps)
        self.done.gaps += len(stamps)

    async def flush(self) -> None:
        """Write what waits. RunError if the disk refuses it; it waits on, then (F48).

        DataError if a series is damaged: what comes for it waits, the others are written. RunError
        also for a live store that refuses: then nothing waits.
        """
        async with self._write:
            self._written_s = self._clock.monotonic_s()
            waiting, self._waiting = self._waiting, _Waiting()
            if not len(waiting):
                return
            damaged: list[_Unkept] = []
            work = asyncio.ensure_future(asyncio.to_thread(self._keep, waiting, damaged))
            try:
                await asyncio.shield(work)
            except asyncio.CancelledError:
                await work  # files are written whole: the end waits for them
                raise
            except BaseException:
                self._put_back(waiting)
                raise
            for one in damaged:  # at the front: what came meanwhile is newer
                self._waiting.bars = [*one.bars, *self._waiting.bars][-_HELD:]
        await self._tell(waiting)
        if damaged:
            raise damaged[0].error

    def _put_back(self, waiting: _Waiting) -> None:
        """What came first stays first; writing what is written already changes nothing."""
        newer, self._waiting = self._waiting, waiting
        waiting.bars = [*waiting.bars, *newer.bars][-_HELD:]  # older ones the next start fetches
        waiting.aside = [*waiting.aside, *newer.aside][-_HELD:]
        for symbol, stamps in newer.absent.items():
            waiting.absent.setdefault(symbol, []).extend(stamps)

    def _keep(self, waiting: _Waiting, damaged: list[_Unkept]) -> None:
        by_symbol: dict[Symbol, list[BarClosed]] = {}
        for bar in waiting.bars:
            by_symbol.setdefault(bar.instrument, []).append(bar)
        for symbol in sorted(by_symbol):
            try:
                self._keep_series(SeriesKey.bars(symbol, self._timeframe), by_symbol[symbol])
            except DataError as error:
                damaged.append(_Unkept(error=error, bars=by_symbol[symbol]))
        try:
            self._store.write_bars(waiting.bars)
        except RunError as error:  # the lake has them: nothing has to wait for who looks
            damaged.append(_Unkept(error=error, bars=[]))
        for raw, reason in waiting.aside:
            self._keep_aside(raw, reason)
        for symbol in sorted(waiting.absent):
            try:
                self._mark_absent(symbol, waiting.absent[symbol])
            except DataError as error:
                damaged.append(_Unkept(error=error, bars=[]))

    def _keep_series(self, key: SeriesKey, bars: Sequence[BarClosed]) -> None:
        """Versions of one bar are written one after the other, each as it was known."""
        while bars:
            first = {bar.ts: bar for bar in reversed(bars)}  # the earliest version of each
            rows = sorted(first.values(), key=lambda bar: bar.ts)
            table = _table([(bar.ts, _values(bar)) for bar in rows], str(key))
            self._lake.append_raw(key, table)
            received_at = utc_at(max(bar.ts_known for bar in rows))
            written = self._lake.write_table(
                key, table, _calendar(key.symbol).known_at(table.ts, self._timeframe),
                received_at=received_at,
            )  # fmt: skip
            self.done.added += written.added
            self.done.revised += written.revised
            self.done.unchanged += written.unchanged
            bars = [bar for bar in bars if first[bar.ts] is not bar]
        if len(self._lake.files(key, Layer.RAW)) > _RAW_PARTS:
            self._lake.compact(key)

    def _keep_aside(self, bar: RawBar, reason: str) -> None:
        key = SeriesKey.bars(bar.instrument, self._timeframe)
        table = _table([(bar.ts, bar.values)], str(key))
        self._lake.keep_aside(key, Quarantined(table=table, reasons=(reason,)))

    def _mark_absent(self, symbol: Symbol, stamps: Sequence[int]) -> None:
        """The source does not have them: the manifest says so, and a backtest counts them (F40)."""
        key = SeriesKey.bars(symbol, self._timeframe)
        if not self._lake.files(key):
            return
        spans = tuple((ts, ts + self._timeframe.ms) for ts in sorted(stamps))
        self._lake.describe(
            key, lambda made: replace(made, absent_at_venue=_joined(made.absent_at_venue, spans))
        )

    async def _tell(self, waiting: _Waiting) -> None:
        for symbol, stamps in waiting.absent.items():
            key = f"{symbol} {self._timeframe}"
            await self._say(
                f"gap:{key}", Severity.IMPORTANT, f"{key}: a gap stays",
                f"{key}: the source has no bars of {', '.join(map(stamp_text, stamps[:5]))}"
                + (f" and {len(stamps) - 5} more" if len(stamps) > 5 else ""),
            )  # fmt: skip
        for bar, reason in waiting.aside[:1]:
            key = f"{bar.instrument} {self._timeframe}"
            await self._say(
                f"bad_bar:{key}", Severity.IMPORTANT, f"{key}: a bar was set aside",
                f"{key}: the bar at {stamp_text(bar.ts)} was set aside: {reason}",
            )  # fmt: skip

    async def _fell_silent(self, missed: HeartbeatMissed) -> None:
        """Told once an outage, not once a bar (F47). A stream alone is none: its bars are asked for."""
        if not missed.component.startswith(_BARS):
            await self._say(
                f"silent:{missed.component}", Severity.IMPORTANT, f"{missed.component} is silent",
                f"{missed.component} brought nothing since {_moment_text(missed.last_seen_ms)}; "
                "bars are asked for, and it is connected anew",
            )  # fmt: skip
            return
        if missed.component in self._silent:
            return
        self._silent[missed.component] = utc_ms(self._clock.now())
        says = f"no bar since {_moment_text(missed.last_seen_ms)}"
        await self._say(
            f"silent:{missed.component}", Severity.IMPORTANT, f"{missed.component} is silent",
            f"{missed.component}: {says}; what is missing is asked for until it comes",
        )  # fmt: skip
        await self._source(missed.component, is_alive=False, says=says)

    async def _speaks(self, bar: BarClosed) -> None:
        component = f"{_BARS}{bar.instrument} {bar.timeframe}"
        since_ms = self._silent.pop(component, None)
        if since_ms is None:
            return
        silent_s = (utc_ms(self._clock.now()) - since_ms) / 1000
        await self._say(
            f"back:{component}", Severity.INFO, f"{component} is back",
            f"{component}: bars come again after {silent_s:.0f} s",
        )  # fmt: skip
        await self._source(component, is_alive=True, says="delivers")

    async def _source(self, name: str, *, is_alive: bool, says: str) -> None:
        state = SourceState(
            name=name, is_alive=is_alive, says=says, since_ms=utc_ms(self._clock.now())
        )
        try:
            await asyncio.to_thread(self._store.write_source, state)
        except RunError as error:  # who looks is not told; who is called was, and bars are kept
            log.warning("%s", error.message)

    async def _say(self, cause: str, severity: Severity, title: str, text: str) -> None:
        log.warning("%s", text)
        await self._notifier.notify(Notice(severity=severity, title=title, text=text, cause=cause))

    async def _write_in_time(self) -> None:
        """Bars of a catch-up, and those without a slice, do not wait for the next close."""
        while True:
            await asyncio.sleep(_WAIT_S)
            await self._try_to_write()

    async def _try_to_write(self) -> None:
        """A disk that is full delays what is collected; it does not end it."""
        try:
            await self.flush()
        except AlgotraderError as error:
            await self._say(
                f"collector.unwritten:{error.code}", Severity.CRITICAL,
                "what is collected cannot be written", error.message,
            )  # fmt: skip


def _silent_before(store: LiveStore, timeframe: Timeframe) -> dict[str, int]:
    """Sources that were silent when this process began: whoever looks is shown them until they
    deliver, and only who hears them deliver can take that back."""
    try:
        known = store.sources()
    except sqlite3.Error as error:
        log.warning("%s cannot be read: %s", store.path, error)
        return {}
    return {
        one.name: one.since_ms
        for one in known
        if not one.is_alive and one.name.startswith(_BARS) and one.name.endswith(f" {timeframe}")
    }


def _values(bar: BarClosed) -> tuple[float, ...]:
    return tuple(getattr(bar, name) for name in _FIELDS)


def _table(rows: Sequence[tuple[int, tuple[float, ...]]], source: str) -> BarTable:
    values = np.array([row for _, row in rows], dtype=np.float64).reshape(len(rows), len(_FIELDS))
    return BarTable(
        ts=np.array([ts for ts, _ in rows], dtype=np.int64),
        columns={name: values[:, place].copy() for place, name in enumerate(_FIELDS)},
        source=source,
    )


def _calendar(symbol: Symbol) -> Calendar:
    return load_calendar(calendar_of(symbol) or ALWAYS_OPEN)


def _joined(
    have: tuple[tuple[int, int], ...], more: tuple[tuple[int, int], ...]
) -> tuple[tuple[int, int], ...]:
    """Spans together, those that touch made one."""
    joined: list[tuple[int, int]] = []
    for first, last in sorted({*have, *more}):
        if joined and first <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(last, joined[-1][1]))
        else:
            joined.append((first, last))
    return tuple(joined)


def _moment_text(at_ms: int | None) -> str:
    return "the start" if at_ms is None else f"{stamp_text(at_ms)} UTC"
