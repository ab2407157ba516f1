"""Delivers what waits in the outbox: each channel at its own pace, again until it is delivered.

The courier runs in a loop of its own, apart from the trader: what it waits for delays no order. A
channel that refuses is left alone, one that fails is tried again ever less often; meanwhile another
tells what is more than information, and that the first is silent.
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

from algotrader.core.instants import utc_ms
from algotrader.core.ports import Clock, Notice, Severity
from algotrader.ops.notification.alerts import Parcel, QuietHours, TokenBucket, choose
from algotrader.ops.notification.channels import (
    Channel,
    ChannelBusyError,
    ChannelError,
    ChannelRefusedError,
    Letter,
)
from algotrader.ops.notification.outbox import Outbox
from algotrader.ops.notification.texts import Texts

log = logging.getLogger(__name__)
T = TypeVar("T")
_LOOK_S: Final = 0.2
_FIRST_WAIT_S: Final = 1.0
_LONGEST_WAIT_S: Final = 300.0
_LETTER_S: Final = 30.0  # a channel that has not answered by then has failed
_FAILURES: Final = 3  # in a row, and another channel stands in


@dataclass(slots=True, kw_only=True)
class Lane:
    """One channel and how it fares."""

    name: str
    channel: Channel
    least: Severity
    bucket: TokenBucket
    failures: int = 0  # in a row
    not_before_s: float = 0.0  # of the monotonic clock
    is_off: bool = False  # it refused: not again before the next start
    trouble: str = ""

    @property
    def is_broken(self) -> bool:
        return self.is_off or self.failures >= _FAILURES


@dataclass(slots=True, kw_only=True)
class Courier:
    """One at a time for an outbox."""

    outbox: Outbox
    lanes: Mapping[str, Lane]
    clock: Clock
    texts: Texts
    quiet: QuietHours | None = None
    window_ms: int = 600_000
    unkept: Callable[[], Sequence[Notice]] = lambda: ()  # critical, once each, while no disk works
    before_sorting: list[Callable[[int], None]] = field(
        default_factory=list
    )  # on the disk's thread
    _disk: ThreadPoolExecutor = field(
        default_factory=lambda: ThreadPoolExecutor(1, "notification-disk"), init=False
    )

    async def run(self) -> None:
        """Until cancelled."""
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._sort_for_ever())
                for lane in self.lanes.values():
                    tasks.create_task(self._serve(lane))
        finally:
            self._disk.shutdown(wait=False)

    async def drain(self, seconds: float) -> bool:
        """Wait until nothing waits that could be sent now; False if some still does."""
        end_s = self.clock.monotonic_s() + seconds
        while self.clock.monotonic_s() < end_s:
            try:
                await self._sort()
                if not [lane for lane in self.lanes.values() if await self._has_work(lane)]:
                    return True
            except sqlite3.Error as error:
                log.warning("the outbox cannot be read: %s", error)
            await asyncio.sleep(_LOOK_S)
        return False

    async def _has_work(self, lane: Lane) -> bool:
        return not lane.is_broken and bool(await self._chosen(lane))

    async def _sort_for_ever(self) -> None:
        while True:
            try:
                await self._sort()
            except sqlite3.Error as error:
                log.warning("the outbox cannot be written, notices wait in memory: %s", error)
                await self._tell_unkept()
            await asyncio.sleep(_LOOK_S)

    async def _tell_unkept(self) -> None:
        """What is critical does not wait for a disk; once that works it is told again."""
        for notice in self.unkept():
            letter = Letter(
                number=0, severity=notice.severity, title=notice.title, text=notice.text
            )
            for lane in self.lanes.values():
                try:
                    async with asyncio.timeout(_LETTER_S):
                        await lane.channel.send(letter)
                except (ChannelError, TimeoutError) as error:
                    log.error("channel %s does not deliver: %s", lane.name, error)

    async def _sort(self) -> None:
        now_ms = utc_ms(self.clock.now())
        least = {name: lane.least for name, lane in self.lanes.items()}
        for source in self.before_sorting:
            await self._on_disk(source, now_ms)
        await self._on_disk(self.outbox.sort, least, now_ms, self.window_ms)
        working = [lane for lane in self.lanes.values() if not lane.is_broken]
        for lane in self.lanes.values():
            if lane.is_broken and working:
                await self._on_disk(
                    self.outbox.stand_in, lane.name, working[0].name, working[0].least
                )

    async def _serve(self, lane: Lane) -> None:
        while True:
            await asyncio.sleep(_LOOK_S)
            if lane.is_off or self.clock.monotonic_s() < lane.not_before_s:
                continue
            try:
                parcels = await self._chosen(lane)
                for parcel in parcels:
                    if not lane.bucket.take(self.clock.monotonic_s()):
                        break
                    if not await self._deliver(lane, parcel):
                        break
            except sqlite3.Error as error:
                log.warning("the outbox cannot be read: %s", error)

    async def _chosen(self, lane: Lane) -> list[Parcel]:
        waiting = await self._on_disk(self.outbox.waiting, lane.name)
        is_quiet = self.quiet is not None and self.quiet.covers(utc_ms(self.clock.now()))
        return choose(waiting, is_quiet=is_quiet)

    async def _deliver(self, lane: Lane, parcel: Parcel) -> bool:
        """Whether it went. What was delivered and not noted, for a kill between, goes again."""
        letter = await self._letter(lane, parcel)
        try:
            async with asyncio.timeout(_LETTER_S):
                await lane.channel.send(letter)
        except (ChannelError, TimeoutError) as error:
            await self._failed(lane, error)
            return False
        if lane.is_broken:
            log.warning("channel %s delivers again", lane.name)
        lane.failures, lane.not_before_s, lane.trouble = 0, 0.0, ""
        await self._on_disk(self.outbox.sent, [each.number for each in parcel.waiting])
        return True

    async def _letter(self, lane: Lane, parcel: Parcel) -> Letter:
        first = parcel.waiting[0].message
        left_out = await self._on_disk(self.outbox.left_out, lane.name) if parcel.is_digest else 0
        title, text = self.texts.parcel(parcel, left_out)
        picture = None
        if not parcel.is_digest:
            picture = await self._on_disk(self.outbox.picture, parcel.number)
        return Letter(
            number=parcel.number, severity=first.notice.severity, title=title, text=text,
            picture=picture,
        )  # fmt: skip

    async def _failed(self, lane: Lane, error: ChannelError | TimeoutError) -> None:
        now_s = self.clock.monotonic_s()
        if isinstance(error, ChannelBusyError):  # alive: it only wants time
            lane.not_before_s = now_s + error.retry_after_s
            return
        was_broken = lane.is_broken
        lane.failures += 1
        lane.is_off = isinstance(error, ChannelRefusedError)
        lane.not_before_s = now_s + min(_FIRST_WAIT_S * 2 ** (lane.failures - 1), _LONGEST_WAIT_S)
        lane.trouble = str(error) or f"no answer within {_LETTER_S:g} s"
        if not lane.is_broken or was_broken:
            return
        log.error("channel %s does not deliver: %s", lane.name, lane.trouble)
        title, text = self.texts.channel_broken(lane.name, lane.trouble, for_good=lane.is_off)
        notice = Notice(
            severity=Severity.CRITICAL, title=title, text=text, cause=f"channel:{lane.name}"
        )
        await self._on_disk(self.outbox.hear, notice, utc_ms(self.clock.now()))

    async def _on_disk(self, work: Callable[..., T], *arguments: Any) -> T:
        """A slow or locked disk holds up neither the other channels nor what people ask."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._disk, work, *arguments)
