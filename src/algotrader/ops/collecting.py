"""The collector as a process: catch up with the venue, then keep every bar as it closes."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from typing import Final

from algotrader.backtest.loading import parse_instant
from algotrader.core.errors import ConfigurationError, DataError, RunError, UsageError
from algotrader.core.events import SliceClosed
from algotrader.core.instants import utc_at, utc_ms
from algotrader.core.ports import Clock, Notice, Notifier, Severity
from algotrader.core.symbols import InstrumentKind, Symbol
from algotrader.core.timeframes import DAY_MS, Timeframe
from algotrader.data.adapters.ccxt_source import CcxtSource
from algotrader.data.adapters.okx.bars import FeedSettings, OkxBarFeed
from algotrader.data.adapters.okx.market import OkxMarketFeed
from algotrader.data.adapters.okx.names import inst_id
from algotrader.data.adapters.okx.rest import Asks, FirstToAnswer, OkxAddress, OkxRest
from algotrader.data.adapters.okx.streams import OkxStreams
from algotrader.data.collecting import Collected, Collector
from algotrader.data.downloading import Filled, fill, latest_start
from algotrader.data.forming import FormingBars
from algotrader.data.lake import Lake
from algotrader.data.layout import SeriesKey
from algotrader.data.live_store import LiveStore
from algotrader.data.source import HistorySource
from algotrader.data.supervision import keep_running
from algotrader.live.settings import StrategySettings
from algotrader.ops.collect_settings import CollectSettings
from algotrader.ops.config import Configuration
from algotrader.ops.desk import symbols_by_frame
from algotrader.ops.recording import StreamRecorder

log = logging.getLogger(__name__)

NOT_LISTED: Final = "data.symbol_unknown"  # the code of a venue's source
_VENUE: Final = "OKX"
_FIRST_RETRY_S: Final = 5.0
_LONGEST_RETRY_S: Final = 300.0
_FUNDING_EVERY_S: Final = 3_600.0
_ROUNDS: Final = 4  # of catching up: each takes a part of the time of the one before
_OVERLAP_BARS: Final = 3  # of what was fetched, heard once more: the newest may yet be corrected


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """One time frame of some instruments, and where each begins: UTC ms of the first bar."""

    timeframe: Timeframe
    since_ms: Mapping[Symbol, int | None]

    @property
    def symbols(self) -> tuple[Symbol, ...]:
        return tuple(sorted(self.since_ms))


class Stopped(Exception):  # noqa: N818  no error: somebody asked for the end
    """The work was asked to end."""


class Patience:
    """Pauses of work in threads, cut short when the process is to end."""

    def __init__(self) -> None:
        self._stop = threading.Event()

    @property
    def is_over(self) -> bool:
        return self._stop.is_set()

    def stop(self) -> None:
        self._stop.set()

    def pause(self, seconds: float) -> None:
        """Wait. Stopped as soon as the end was asked for."""
        if self._stop.wait(seconds):
            raise Stopped

    def progress(self, done: int, whole: int) -> None:  # noqa: ARG002  a look at each page
        self.pause(0)


class CollectRole:
    """All that `algotrader run collector` does. One per process."""

    def __init__(
        self,
        configuration: Configuration,
        clock: Clock,
        notifier: Notifier,
        *,
        says: Callable[[str], None] = lambda _: None,
        series: Sequence[Wanted] | None = None,
    ) -> None:
        """`series` instead of what the settings name.

        ConfigurationError if nothing is to be collected, or not from a venue that is known.
        """
        settings = configuration.settings
        self._settings = settings.collect
        self._wanted = wanted(configuration) if series is None else tuple(series)
        for one in self._wanted:
            _require_short_waits(self._settings, one.timeframe)
        self._url = settings.collect.url or settings.trading.url
        self._lake = Lake(configuration.path(settings.workspace.lake))
        self._store = LiveStore(configuration.path(settings.workspace.live))
        self._forget_others(configuration)
        self._clock = clock
        self._notifier = notifier
        self._says = says
        self._patience = Patience()
        self._asking = asyncio.Lock()  # the client of history is one for all, and not for two
        self._source: HistorySource | None = None
        self.left_out: dict[SeriesKey, DataError] = {}  # what could not be caught up with, and why
        second = settings.collect.second_url
        self._urls = [self._url, *([second] if second else [])]  # the first is asked
        self.collectors: tuple[Collector, ...] = ()

    async def run(self) -> None:
        """Until cancelled. What came by then is written. DataError if no series can be had.

        It may be run again after an error: a full disk, a venue's odd answer.
        """
        if self._patience.is_over:
            self._patience = Patience()
            self._store = LiveStore(self._store.path.parent)
            self._source = None  # its pauses are the old ones
        try:
            await self.catch_up()
            parts = [
                self._running(f"collector of {one.timeframe}", partial(self._kept, one))
                for one in self._had()
            ]
            parts.append(self.keep_funding())
            parts.append(self.keep_streams())
            async with asyncio.TaskGroup() as group:
                for part in parts:
                    group.create_task(part)
        finally:
            self.close()

    def _forget_others(self, configuration: Configuration) -> None:
        """What is not collected any more is not shown as silent for ever."""
        heard = [(str(s), str(one.timeframe)) for one in self._wanted for s in one.since_ms]
        heard += [
            (str(s), str(one.timeframe)) for one in traded(configuration) for s in one.symbols
        ]
        for named in configuration.settings.collect.series:
            frame = str(Timeframe.parse(named.timeframe))
            heard += [(symbol, frame) for symbol in named.symbols]
        try:
            self._store.forget_sources(f"bars:{symbol} {frame}" for symbol, frame in heard)
        except RunError as error:
            log.warning("%s", error.message)

    async def keep_streams(self, without: Collection[Symbol] = ()) -> None:
        """Keep the venue's own streams, for ever; returns if the settings want none.

        `without` those that somebody else keeps: nothing is to be there twice.
        """
        symbols = [symbol for symbol in self.symbols if symbol not in without]
        if self._settings.record.is_on and symbols:
            await self._running("recorder of streams", partial(self._record, symbols))

    async def _record(self, symbols: Sequence[Symbol]) -> None:
        address = OkxAddress(base_url=self._url)
        rest = OkxRest(None, address)
        feed = OkxMarketFeed(rest, OkxStreams(None, address), self._clock)
        recorder = StreamRecorder(
            feed, symbols, self._lake.root, self._settings.record, self._clock
        )
        try:
            await recorder.run()
        finally:
            await rest.close()

    async def catch_up(self) -> None:
        """Fetch what the lake lacks of every series. Waits for a venue that does not answer.

        One that cannot be had takes nothing from the others (F32): an instrument that is gone is
        told and left out until the next start. DataError if all are.
        """
        self.left_out = {}
        try:
            for one in self._wanted:
                await self._catch_up(one)
        except asyncio.CancelledError:
            self._patience.stop()
            raise
        if self.left_out and not self._had():
            raise next(iter(self.left_out.values()))

    def _had(self) -> tuple[Wanted, ...]:
        """What is wanted, without what was left out."""
        kept = []
        for one in self._wanted:
            since = {
                symbol: ms
                for symbol, ms in one.since_ms.items()
                if SeriesKey.bars(symbol, one.timeframe) not in self.left_out
            }
            if since:
                kept.append(Wanted(timeframe=one.timeframe, since_ms=since))
        return tuple(kept)

    def has_bars(self, key: SeriesKey) -> bool:
        """Whether the lake has any of a series."""
        return bool(self._lake.files(key))

    def collector(self, timeframe: Timeframe) -> Collector:
        """One for what somebody else's feed tells."""
        made = Collector(
            self._lake, self._store, timeframe, self._clock, self._notifier,
            on_slice=partial(self._say_slice, timeframe),
        )  # fmt: skip
        self.collectors += (made,)
        return made

    async def keep_funding(self) -> None:
        """Fetch settled funding every hour, for ever; returns if there is none to fetch."""
        if self._settings.funding and any(map(_is_swap, self.symbols)):
            await self._running("funding", self._keep_funding)

    def write_balances(self, held: Mapping[str, Mapping[str, Decimal]]) -> None:
        """Amounts by account and currency. A live store that refuses is logged: it decides nothing."""
        now_ms = utc_ms(self._clock.now())
        try:
            for account, amounts in held.items():
                self._store.write_balances(account, amounts, now_ms)
        except RunError as error:
            log.warning("%s", error.message)

    def close(self) -> None:
        """Let go of the live store, and of pauses."""
        self._patience.stop()
        self._store.close()

    @property
    def done(self) -> Collected:
        """All time frames together."""
        total = Collected()
        for one in self.collectors:
            for name, count in one.done.as_dict().items():
                setattr(total, name, getattr(total, name) + count)
        return total

    @property
    def symbols(self) -> list[Symbol]:
        """Of every time frame, without those that are left out."""
        return sorted({symbol for one in self._had() for symbol in one.since_ms})

    async def _catch_up(self, one: Wanted) -> None:
        """Fetch what the lake lacks of each series, its holes included (F40), to one last bar.

        While the others were fetched more bars of the first have closed, and a feed goes on where
        the series that is furthest ends: what others lack before that nobody would ask for.
        """
        ends_ms: dict[Symbol, int] = {}
        behind = one.symbols
        for _ in range(_ROUNDS):
            known_ms = dict(ends_ms)
            for symbol in behind:
                try:
                    ends_ms[symbol] = await self._fetch(one, symbol, known_ms.get(symbol))
                except DataError as error:
                    ends_ms.pop(symbol, None)
                    await self._leave_out(SeriesKey.bars(symbol, one.timeframe), error)
            if ends_ms == known_ms:
                break  # what is behind is no longer listed
            newest_ms = max(ends_ms.values(), default=0)
            behind = tuple(symbol for symbol, end_ms in ends_ms.items() if end_ms < newest_ms)

    async def _fetch(self, one: Wanted, symbol: Symbol, before_ms: int | None) -> int:
        """Open of its last bar, UTC ms."""
        key = SeriesKey.bars(symbol, one.timeframe)
        filled = await self._fetched(key, one.since_ms[symbol])
        if before_ms is None or filled.written.added:
            self._says(
                f"{key}: {filled.written.added} bars fetched, coverage "
                f"{filled.manifest.coverage:.2%}"
            )
        return filled.manifest.last_ts

    async def _leave_out(self, key: SeriesKey, error: DataError) -> None:
        self.left_out[key] = error
        log.warning("%s: %s", key, error.message)
        helps = error.hint
        if error.code == NOT_LISTED:
            helps = "if it is gone for good, take it out of the settings, unless the journal has traded it"
        text = f"{key}: {error.message}; it is left out until the next start"
        await self._notify(
            Severity.IMPORTANT, f"left_out:{key}", f"{key} is not collected",
            f"{text}: {helps}" if helps else text,
        )  # fmt: skip

    async def _fetched(self, key: SeriesKey, since_ms: int | None) -> Filled:
        """Asked until the venue answers: a dead source is waited for, and told once (F47)."""
        wait_s, was_told = _FIRST_RETRY_S, False
        while True:
            try:
                async with self._asking:
                    filled = await asyncio.to_thread(self._fill, key, since_ms)
                if was_told:
                    await self._notify(
                        Severity.INFO, f"back:{key}", f"{key}: the source answers again",
                        f"{key}: the source answers again",
                    )  # fmt: skip
                return filled
            except RunError as error:
                if error.code not in ("data.venue_unreachable", "data.venue_limits"):
                    raise
                log.warning("%s: %s", key, error.message)
                self._urls, self._source = self._urls[1:] + self._urls[:1], None
                if not was_told:
                    was_told = True
                    await self._notify(
                        Severity.IMPORTANT, f"silent:{key}", f"{key}: the source is silent",
                        f"{key}: {error.message}; asked again until it answers",
                    )  # fmt: skip
            await asyncio.sleep(wait_s)
            wait_s = min(wait_s * 2, _LONGEST_RETRY_S)

    async def _notify(self, severity: Severity, cause: str, title: str, text: str) -> None:
        await self._notifier.notify(Notice(severity=severity, title=title, text=text, cause=cause))

    def _fill(self, key: SeriesKey, since_ms: int | None) -> Filled:
        if self._source is None:
            self._source = CcxtSource(_VENUE, self._urls[0], pause=self._patience.pause)
        now_ms = self._source.now_ms()
        begin = now_ms - self._settings.history_days * DAY_MS
        start = since_ms if since_ms is not None else latest_start(self._lake, key, begin)
        return fill(
            self._lake, self._source, key, start, now_ms, self._clock, self._patience.progress
        )

    async def _kept(self, one: Wanted) -> None:
        collector = self.collector(one.timeframe)
        last = {symbol: _last_bar(self._lake, symbol, one.timeframe) for symbol in one.symbols}
        feed = okx_feed(
            self._settings, self._url, self._clock, one.symbols, one.timeframe, collector,
            since_ms=max(ts for ts, _ in last.values()) - (_OVERLAP_BARS - 1) * one.timeframe.ms,
            closes={symbol: close for symbol, (_, close) in last.items()},
        )  # fmt: skip
        try:
            await collector.run(feed.bars())
        finally:
            await feed.close()

    def _say_slice(self, timeframe: Timeframe, closed: SliceClosed) -> None:
        missing = f", without {', '.join(map(str, closed.missing))}" if closed.missing else ""
        count = len(closed.instruments)
        what = "1 instrument" if count == 1 else f"{count} instruments"
        at = utc_at(closed.decision_ts).strftime("%Y-%m-%d %H:%M")
        self._says(f"{timeframe} bars closed {at} UTC: {what}{missing}")

    async def _running(self, name: str, work: Callable[[], Awaitable[None]]) -> None:
        await keep_running(
            name, work, failed=lambda _error, _count: None, monotonic_s=self._clock.monotonic_s
        )

    async def _keep_funding(self) -> None:
        while True:
            for symbol in filter(_is_swap, self.symbols):
                key = SeriesKey.funding(symbol)
                try:
                    filled = await self._fetched(key, None)
                    await asyncio.to_thread(self._store_funding, symbol)
                except DataError as error:
                    # Of one instrument, delisted or with a damaged file: the others are fetched.
                    if error.code != "data.range_empty":  # nothing is settled yet
                        log.warning("%s: %s", key, error.message)
                        await self._notify(
                            Severity.IMPORTANT, f"unfetched:{key}", f"{key} cannot be fetched",
                            f"{key}: {error.message}",
                        )  # fmt: skip
                    continue
                if filled.written.added:
                    self._says(f"{key}: {filled.written.added} settlements fetched")
            await asyncio.sleep(_FUNDING_EVERY_S)

    def _store_funding(self, symbol: Symbol) -> None:
        ts, rates = self._lake.read_funding(symbol)
        newest = list(zip(ts.tolist(), rates.tolist(), strict=True))[-1_000:]
        self._store.write_funding(symbol, newest)


def traded(configuration: Configuration) -> tuple[Wanted, ...]:
    """What the strategies trade, by time frame, the shortest first.

    On paper the shortest bars of an account fill its orders, so they are those of all it trades.
    """
    settings = configuration.settings
    by_account: dict[str, list[StrategySettings]] = {}
    for strategy in settings.strategies.values():
        by_account.setdefault(strategy.account, []).append(strategy)
    found: dict[str, dict[Symbol, int | None]] = {}
    for strategies in by_account.values():
        needed = symbols_by_frame(strategies, simulates=settings.trading.mode == "paper")
        for frame, symbols in needed.items():
            found.setdefault(frame, {}).update(dict.fromkeys(map(Symbol.parse, symbols)))
    return _by_length(found)


def okx_feed(
    settings: CollectSettings,
    url: str | None,
    clock: Clock,
    symbols: Sequence[Symbol],
    timeframe: Timeframe,
    collector: Collector | None,
    *,
    since_ms: int,
    closes: Mapping[Symbol, float],
    forming: FormingBars | None = None,
) -> OkxBarFeed:
    """Live bars by stream and by asking. ConfigurationError for a grace longer than a bar."""
    _require_short_waits(settings, timeframe)
    grace_ms, delay_ms = round(settings.grace_s * 1000), round(settings.delay_s * 1000)
    address = OkxAddress(base_url=url)
    places: list[Asks] = [OkxRest(None, address)]
    if settings.second_url is not None:
        places.append(OkxRest(None, OkxAddress(base_url=settings.second_url)))
    return OkxBarFeed(
        FirstToAnswer(*places), OkxStreams(None, address), clock, symbols, timeframe,
        since_ms=since_ms, watcher=collector, closes=closes, forming=forming,
        settings=FeedSettings(streams=settings.streams, grace_ms=grace_ms, delay_ms=delay_ms),
    )  # fmt: skip


def _require_short_waits(settings: CollectSettings, timeframe: Timeframe) -> None:
    if (settings.grace_s + settings.delay_s) * 1000 >= timeframe.ms:
        raise ConfigurationError(
            "collect.grace",
            f"collect.grace_s and delay_s together are as long as a bar of {timeframe}",
            hint="a slice has to be over before the next one is due: lower them",
        )


def wanted(configuration: Configuration) -> tuple[Wanted, ...]:
    """What the settings say is to be collected, by time frame, the shortest first."""
    settings = configuration.settings
    found: dict[str, dict[Symbol, int | None]] = {}
    for one in settings.collect.series:
        since_ms = parse_instant(one.since, "collect.series.since")
        for text in one.symbols:
            found.setdefault(one.timeframe, {})[Symbol.parse(text)] = since_ms
    if not found:
        return _from_okx(traded(configuration))
    return _from_okx(_by_length(found))


def _from_okx(series: tuple[Wanted, ...]) -> tuple[Wanted, ...]:
    if not series:
        raise ConfigurationError(
            "collect.nothing",
            "nothing is to be collected: neither collect.series nor a strategy is configured",
            hint="collect: {series: [{symbols: [OKX:BTC/USDT], timeframe: 1h}]}",
        )
    for symbol in {symbol for one in series for symbol in one.since_ms}:
        if symbol.venue != _VENUE:
            raise ConfigurationError(
                "collect.venue",
                f"{symbol} cannot be collected: live bars come from {_VENUE} alone",
                hint="name what is to be collected under collect.series; other data is imported",
            )
        try:
            inst_id(symbol)
        except UsageError as error:
            raise ConfigurationError("collect.symbol", error.message, hint=error.hint) from error
    return series


def _by_length(found: Mapping[str, Mapping[Symbol, int | None]]) -> tuple[Wanted, ...]:
    made = [Wanted(timeframe=Timeframe.parse(name), since_ms=found[name]) for name in found]
    return tuple(sorted(made, key=lambda one: one.timeframe.ms))


def _last_bar(lake: Lake, symbol: Symbol, timeframe: Timeframe) -> tuple[int, float]:
    """Open time, UTC ms, and close of the newest bar that the lake has."""
    table, _ = lake.read_table(SeriesKey.bars(symbol, timeframe))
    return int(table.ts[-1]), float(table.columns["close"][-1])


def _is_swap(symbol: Symbol) -> bool:
    return symbol.kind is InstrumentKind.PERPETUAL
