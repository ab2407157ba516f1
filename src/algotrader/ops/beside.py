"""What runs beside a trader in its process: a collector of the bars it hears, and the jobs."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Mapping
from functools import partial
from typing import Any

from algotrader.core.errors import UsageError
from algotrader.core.ports import Clock, Notice, Notifier, Severity, SystemClock
from algotrader.core.timeframes import Timeframe
from algotrader.data.collecting import Collector
from algotrader.data.feed import FeedEvent
from algotrader.data.supervision import keep_running
from algotrader.ops.collecting import CollectRole, Wanted, traded, wanted
from algotrader.ops.config import Configuration
from algotrader.ops.scheduling.wiring import SchedulerRole

log = logging.getLogger(__name__)


class Beside:
    """Made for the time frames that a desk trades; nothing in here can end the trader."""

    def __init__(
        self,
        configuration: Configuration,
        clock: Clock,
        notifier: Notifier,
        *,
        says: Callable[[str], None] = lambda _: None,
        collects: bool = True,
    ) -> None:
        """`collects`: false where the bars are no market's, and the lake is to be left alone.

        ConfigurationError where what is traded cannot be collected live.
        """
        self._clock = clock
        self._notifier = notifier
        self._says = says
        collects = collects and configuration.settings.collect.embedded
        own = traded(configuration) if collects else ()
        self._role = CollectRole(configuration, clock, notifier, says=says, series=own)
        has_series = collects and bool(configuration.settings.collect.series)
        rest = _beyond(wanted(configuration), own) if has_series else ()
        self._others = (
            CollectRole(configuration, clock, notifier, says=says, series=rest) if rest else None
        )
        self._collectors = {one.timeframe: self._role.collector(one.timeframe) for one in own}
        self._heard: Mapping[str, asyncio.Queue[FeedEvent]] = {
            str(frame): asyncio.Queue() for frame in self._collectors
        }
        has_jobs = bool(configuration.settings.jobs)
        self._scheduler = (
            # Jobs are due by the clock on the wall, which a person may set.
            SchedulerRole(configuration, SystemClock(), notifier, says=says) if has_jobs else None
        )

    async def catch_up(self) -> None:
        """Fetch what the lake lacks of what is traded."""
        await self._role.catch_up()

    def watcher(self, timeframe: Timeframe) -> Collector | None:
        """Who hears of the bars that a feed does not tell."""
        return self._collectors.get(timeframe)

    def hear(self, timeframe: Timeframe, event: FeedEvent) -> None:
        """Keep what a feed tells, at the collector's own pace."""
        if (queue := self._heard.get(str(timeframe))) is not None:
            queue.put_nowait(event)

    async def run(self) -> None:
        """For ever. Each part that fails is started again; the person is told."""
        parts: dict[str, Callable[[], Any]] = {
            f"collector of {frame}": partial(collector.run, self._told(str(frame)))
            for frame, collector in self._collectors.items()
        }
        parts["funding"] = self._role.keep_funding
        if self._others is not None:
            parts["collector of what is not traded"] = self._others.run
        if self._scheduler is not None:
            parts["scheduler"] = self._schedule
        work = [asyncio.ensure_future(self._kept(name, part)) for name, part in parts.items()]
        try:
            await asyncio.gather(*work)
            await asyncio.Event().wait()
        finally:
            for task in work:
                task.cancel()
            await asyncio.gather(*work, return_exceptions=True)
            self._role.close()

    async def _told(self, frame: str) -> AsyncIterator[FeedEvent]:
        while True:
            yield await self._heard[frame].get()

    async def _schedule(self) -> None:
        assert self._scheduler is not None
        try:
            await self._scheduler.run()
        except UsageError as error:  # another process schedules: its jobs are ours
            self._says(error.message)

    async def _kept(self, name: str, part: Callable[[], Any]) -> None:
        def failed(error: Exception, _count: int) -> None:
            text = f"{name} failed and is started again: {error}"
            notice = Notice(
                severity=Severity.IMPORTANT, title=f"{name} failed", text=text,
                cause=f"beside:{name}",
            )  # fmt: skip
            told.add(asyncio.ensure_future(self._notifier.notify(notice)))

        told: set[asyncio.Future[None]] = set()
        await keep_running(name, part, failed=failed, monotonic_s=self._clock.monotonic_s)


def _beyond(series: tuple[Wanted, ...], own: tuple[Wanted, ...]) -> tuple[Wanted, ...]:
    """What is to be collected and is not traded."""
    traded_here = {(one.timeframe, symbol) for one in own for symbol in one.since_ms}
    left = []
    for one in series:
        since = {s: ms for s, ms in one.since_ms.items() if (one.timeframe, s) not in traded_here}
        if since:
            left.append(Wanted(timeframe=one.timeframe, since_ms=since))
    return tuple(left)
