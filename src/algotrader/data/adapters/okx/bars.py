"""Live bars of OKX: closed candles by stream, and by asking for whatever the stream left out."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from algotrader.core.errors import UsageError
from algotrader.core.events import HeartbeatMissed
from algotrader.core.instants import utc_ms
from algotrader.core.ports import Clock
from algotrader.core.symbols import Symbol
from algotrader.core.timeframes import DAY_MS, HOUR_MS, MINUTE_MS, Timeframe
from algotrader.data.adapters.okx.clock import measure_clock
from algotrader.data.adapters.okx.names import inst_id
from algotrader.data.adapters.okx.rest import Asks, NoAnswerError
from algotrader.data.adapters.okx.streams import Arg, Lost, OkxStreams, Opened, Pushed
from algotrader.data.feed import FeedEvent
from algotrader.data.forming import FormingBars
from algotrader.data.live_bars import (
    STALE_BARS,
    BarKeeper,
    BarWatcher,
    KeeperSettings,
    Missing,
    Moment,
    RawBar,
)
from algotrader.data.supervision import keep_running

log = logging.getLogger(__name__)

# Bars of six hours and longer begin at 00:00 UTC only in their utc kind.
BARS: Final = {
    MINUTE_MS: "1m", 3 * MINUTE_MS: "3m", 5 * MINUTE_MS: "5m", 15 * MINUTE_MS: "15m",
    30 * MINUTE_MS: "30m", HOUR_MS: "1H", 2 * HOUR_MS: "2H", 4 * HOUR_MS: "4H",
    6 * HOUR_MS: "6Hutc", 12 * HOUR_MS: "12Hutc", DAY_MS: "1Dutc", 7 * DAY_MS: "1Wutc",
}  # fmt: skip
SOURCE: Final = "OKX"
_PAGE: Final = 100  # bars a call; history gives no more at once
_RECENT: Final = 1_400  # bars that `market/candles` reaches back
_CONFIRMED: Final = "1"
_FORMING: Final = "0"
_OF_INSTRUMENT: Final = "51"  # how codes begin that say something of the instrument asked for
_SHORTEST_LOOK_S: Final = 1.0  # between looks whether the stream is silent
_FAILURES: Final = (
    3  # of a part in ten minutes, after which nothing new is bought on its bars (F09)
)


class _NotListedError(NoAnswerError):
    """The venue answers, and has nothing of this instrument: others are not concerned (F32)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedSettings:
    """When is asked. Seconds after a bar's close, and between questions."""

    streams: bool = True  # else by asking alone
    first_ask_s: float = 1.5  # after a close: what the stream has not brought by then is asked for
    ask_again_s: float = 2.0
    longest_ask_s: float = 30.0  # between questions while the source is silent
    recheck_s: float = 20.0  # after a close: the last bars once more, in case they were corrected
    recheck_bars: int = 3
    clock_every_s: float = 3_600.0
    grace_ms: int = 10_000
    delay_ms: int = 0


class OkxBarFeed:
    """Closed bars of some instruments in one time frame. UsageError for a frame OKX has not."""

    def __init__(
        self,
        rest: Asks,
        streams: OkxStreams,
        clock: Clock,
        instruments: Sequence[Symbol],
        timeframe: Timeframe,
        *,
        since_ms: int | None = None,
        settings: FeedSettings | None = None,
        watcher: BarWatcher | None = None,
        closes: Mapping[Symbol, float] | None = None,
        forming: FormingBars | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """`since_ms`: the first bar wanted, UTC ms of its open; None for the newest closed one.

        `forming` gets the bar that is still open, for who looks; `watcher` hears of bars that are not told; `closes` are the last known ones (`BarKeeper`).
        """
        if timeframe.ms not in BARS:
            raise UsageError(
                "okx.timeframe",
                f"OKX has no {timeframe} bars",
                hint="it has " + " ".join(str(Timeframe(ms)) for ms in BARS),
            )
        self._rest = rest
        self._streams = streams
        self._clock = clock
        self._symbols = {inst_id(symbol): symbol for symbol in instruments}
        self._timeframe = timeframe
        self._since_ms = since_ms
        self._settings = settings or FeedSettings()
        self._watcher = watcher
        self._closes = closes
        self._forming = forming
        self._sleep = sleep
        self.offset_ms = 0  # the venue's clock less ours
        self._heard_ms: int | None = None  # the stream's last word, venue time; None while down
        self._told_silent = False
        self._not_before_s: dict[Symbol, float] = {}  # what the venue does not list, asked seldom
        self._queue: asyncio.Queue[FeedEvent] = asyncio.Queue()
        self._wake = asyncio.Event()

    async def bars(self) -> AsyncIterator[FeedEvent]:
        """See `BarFeed.bars`."""
        await self._measure()
        at = self._moment()
        keeper = BarKeeper(
            tuple(self._symbols.values()),
            KeeperSettings(
                timeframe=self._timeframe,
                source=SOURCE,
                grace_ms=self._settings.grace_ms,
                delay_ms=self._settings.delay_ms,
            ),
            self._since_ms if self._since_ms is not None else at.venue_ms,
            at,
            watcher=self._watcher,
            closes=self._closes,
        )
        work = [self._fill, self._tick, self._recheck, self._keep_time]
        if self._settings.streams:
            work.append(self._listen)
        tasks = [asyncio.create_task(self._kept(one, keeper)) for one in work]
        try:
            while True:
                yield await self._queue.get()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def close(self) -> None:
        await self._rest.close()

    async def _kept(
        self, work: Callable[[BarKeeper], Coroutine[Any, Any, None]], keeper: BarKeeper
    ) -> None:
        """A part that fails is started again; what it left out shows as bars that are missing."""
        name = f"OKX bars, {work.__name__}"

        def failed(_error: Exception, count: int) -> None:
            self._tell(keeper.due(self._moment()))  # who is silent by now is told
            if count >= _FAILURES:
                self._tell(keeper.doubted(self._moment()))

        await keep_running(
            name, lambda: work(keeper), failed=failed,
            monotonic_s=self._clock.monotonic_s, sleep=self._sleep,
        )  # fmt: skip

    def _tell(self, events: Sequence[FeedEvent]) -> None:
        for event in events:
            self._queue.put_nowait(event)

    async def _listen(self, keeper: BarKeeper) -> None:
        """A stream that is open and says nothing is left for a new one."""
        while True:
            hearing = asyncio.create_task(self._hear(keeper))
            silence = asyncio.create_task(self._until_silent())
            try:
                await asyncio.wait({hearing, silence}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                hearing.cancel()
                silence.cancel()
                await asyncio.gather(hearing, silence, return_exceptions=True)
            if not hearing.cancelled():
                hearing.result()

    async def _hear(self, keeper: BarKeeper) -> None:
        channel = f"candle{BARS[self._timeframe.ms]}"
        args: list[Arg] = [{"channel": channel, "instId": name} for name in self._symbols]
        self._heard_ms = None
        async for heard in self._streams.follow("business", args):
            self._heard_ms = self._moment().venue_ms
            match heard:
                case Pushed():
                    self._told_silent = False
                    await self._take(keeper, heard.inst_id, heard.rows)
                case Opened():
                    self._wake.set()  # what was missed is asked for at once, by the venue's time
                case Lost():
                    self._heard_ms = None
                    log.warning("the stream of bars was lost: %s", heard.reason)

    async def _until_silent(self) -> None:
        """Ends when nothing came for two bars, though the socket answers; told once until it does."""
        allowed_ms = STALE_BARS * self._timeframe.ms + self._settings.grace_ms
        while True:
            await self._sleep(max(self._settings.grace_ms / 1_000, _SHORTEST_LOOK_S))
            at, heard_ms = self._moment(), self._heard_ms
            if heard_ms is not None and at.venue_ms - heard_ms >= allowed_ms:
                break
        log.warning("the stream of bars is silent: connecting anew")
        if not self._told_silent:
            self._told_silent = True
            silent = HeartbeatMissed(
                ts_event=at.venue_ms, ts_known=at.our_ms, component="stream:OKX bars",
                last_seen_ms=heard_ms, allowed_ms=allowed_ms,
            )  # fmt: skip
            self._tell([silent])

    async def _take(self, keeper: BarKeeper, name: str, rows: Sequence[Any]) -> None:
        symbol = self._symbols.get(name)
        for row in rows if symbol is not None else ():
            bar = read_candle(row, symbol)
            if bar is None:
                self._look(row, symbol)
                continue
            if bar.ts + self._timeframe.ms > self._moment().venue_ms:
                await self._measure(samples=1)  # from the future: the bar is wrong, or our clock
            self._tell(keeper.take(bar, self._moment()))

    def _look(self, row: Any, symbol: Symbol | None) -> None:
        """A bar that is still open goes to who looks, and to nobody who decides (R1)."""
        if self._forming is None:
            return
        bar = read_candle(row, symbol, confirmed=_FORMING)
        if bar is not None:
            self._forming.take(bar, self._timeframe, self._moment().our_ms)

    async def _tick(self, keeper: BarKeeper) -> None:
        """Slices fall due by time as well: none waits for the next bar."""
        step_s = max(min(self._settings.grace_ms / 4_000, 1.0), 0.05)
        while True:
            self._tell(keeper.due(self._moment()))
            await self._sleep(step_s)

    async def _fill(self, keeper: BarKeeper) -> None:
        """Ask for what is missing: shortly after each close, after each gap, until it is there."""
        silent_s = self._settings.ask_again_s
        while True:
            if self._wake.is_set():
                # Which bars have closed by now no push has told, and a clock may have been set.
                self._wake.clear()
                await self._measure(samples=1)
            try:
                for asked in self._askable(keeper):
                    await self._ask(keeper, asked)
                silent_s = self._settings.ask_again_s
            except NoAnswerError as error:
                log.warning("bars could not be asked for: %s", error)
                silent_s = min(silent_s * 2, self._settings.longest_ask_s)
            if self._askable(keeper):
                await self._sleep(silent_s)
                continue
            now_ms = self._moment().venue_ms
            wait_s = (keeper.next_close_after(now_ms) - now_ms) / 1000 + self._settings.first_ask_s
            await self._sleep_or_wake(wait_s)

    def _askable(self, keeper: BarKeeper) -> list[Missing]:
        now_s, lacking = self._clock.monotonic_s(), keeper.missing(self._moment())
        return [one for one in lacking if self._not_before_s.get(one.instrument, 0.0) <= now_s]

    async def _sleep_or_wake(self, seconds: float) -> None:
        waits = [
            asyncio.ensure_future(self._sleep(seconds)),
            asyncio.ensure_future(self._wake.wait()),
        ]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for one in waits:
                one.cancel()

    async def _recheck(self, keeper: BarKeeper) -> None:
        """Some time after each close, look at the last bars again: the venue may correct them."""
        span_ms = self._settings.recheck_bars * self._timeframe.ms
        while True:
            now_ms = self._moment().venue_ms
            close_ms = keeper.next_close_after(now_ms)
            await self._sleep((close_ms - now_ms) / 1000 + self._settings.recheck_s)
            for symbol in self._symbols.values():
                try:
                    await self._fetch(keeper, symbol, close_ms - span_ms, close_ms)
                except _NotListedError:
                    continue  # said where it is asked for
                except NoAnswerError as error:
                    log.warning("bars could not be looked at again: %s", error)
                    break

    async def _keep_time(self, _keeper: BarKeeper) -> None:
        while True:
            await self._sleep(self._settings.clock_every_s)
            await self._measure()

    async def _measure(self, samples: int = 5) -> None:
        try:
            reading = await measure_clock(
                self._rest, lambda: utc_ms(self._clock.now()), samples=samples
            )
        except NoAnswerError as error:
            log.warning("the venue's clock could not be read: %s", error)
            return
        self.offset_ms = reading.offset_ms

    async def _ask(self, keeper: BarKeeper, asked: Missing) -> None:
        try:
            await self._fetch(keeper, asked.instrument, asked.start_ms, asked.end_ms)
        except _NotListedError as error:
            log.warning("%s", error)
            wait_s = self._settings.longest_ask_s
            self._not_before_s[asked.instrument] = self._clock.monotonic_s() + wait_s
            return
        keeper.answered(asked)

    async def _fetch(self, keeper: BarKeeper, symbol: Symbol, start_ms: int, end_ms: int) -> None:
        """All bars of a range, the oldest first. NoAnswerError if the venue does not answer."""
        step = _PAGE * self._timeframe.ms
        for first in range(start_ms, end_ms, step):
            last = min(first + step, end_ms)
            recent = self._moment().venue_ms - first < _RECENT * self._timeframe.ms
            path = "market/candles" if recent else "market/history-candles"
            answer = await self._rest.get(
                path,
                {
                    "instId": inst_id(symbol),
                    "bar": BARS[self._timeframe.ms],
                    "before": str(first - 1),
                    "after": str(last),
                    "limit": str(_PAGE),
                },
            )
            if not answer.is_ok:
                said = f"{path} {symbol}: {answer.code} {answer.message}"
                is_its_own = answer.code.startswith(_OF_INSTRUMENT)
                raise _NotListedError(said) if is_its_own else NoAnswerError(said)
            await self._take(keeper, inst_id(symbol), answer.rows[::-1])

    def _moment(self) -> Moment:
        now_ms = utc_ms(self._clock.now())
        return Moment(venue_ms=now_ms + self.offset_ms, our_ms=now_ms)


def read_candle(row: Any, symbol: Symbol | None, *, confirmed: str = _CONFIRMED) -> RawBar | None:
    """A row of OKX as a bar: closed ones alone (F43). None for what cannot be read (F37).

    Volume is in contracts of swaps and in coins of spot pairs, as orders are (R20).
    """
    if symbol is None or not isinstance(row, list) or len(row) < 9 or row[8] != confirmed:
        return None
    try:
        ts = int(row[0])
        opened, high, low, close, volume = (float(text) for text in row[1:6])
    except (TypeError, ValueError):
        log.warning("a bar of %s cannot be read: %r", symbol, row)
        return None
    return RawBar(instrument=symbol, ts=ts, values=(opened, high, low, close, volume))
