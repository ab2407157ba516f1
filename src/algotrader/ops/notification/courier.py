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
_LONGEST_BUSY_S: Final = 120.0  # who wants more time than that is not waited for
_PAST_DISK_WAIT_S: Final = 10.0  # between tries while no disk works
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
    delivered: set[int] = field(default_factory=set)  # and still in the outbox: it was not writable

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
    unkept: Callable[[], Sequence[Notice]] = lambda: ()  # critical, one a cause, on no disk yet
    before_sorting: list[Callable[[int], None]] = field(
        default_factory=list
    )  # on the disk's thread
    _disk: ThreadPoolExecutor = field(
        default_factory=lambda: ThreadPoolExecutor(1, "notification-disk"), init=False
    )
    _told_past_disk: set[tuple[str, str]] = field(default_factory=set, init=False)  # lane, cause
    _has_inherited: bool = field(default=False, init=False)

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
                self._told_past_disk.clear()
            except sqlite3.Error as error:
                log.warning("the outbox cannot be written, notices wait in memory: %s", error)
                await self._tell_unkept()
            await asyncio.sleep(_LOOK_S)

    async def _tell_unkept(self) -> None:
        """What is critical does not wait for a disk; once that works it is told again."""
        unkept = self.unkept()
        causes = {notice.cause for notice in unkept}  # of others nothing more is to be known
        self._told_past_disk = {told for told in self._told_past_disk if told[1] in causes}
        if unkept:
            await asyncio.gather(
                *(self._tell_past_disk(lane, unkept) for lane in self.lanes.values())
            )

    async def _tell_past_disk(self, lane: Lane, unkept: Sequence[Notice]) -> None:
        """Each cause once while it lasts, at the channel's pace, again until it is delivered."""
        for notice in unkept:
            told, now_s = (lane.name, notice.cause), self.clock.monotonic_s()
            if told in self._told_past_disk:
                continue
            if lane.is_off or now_s < lane.not_before_s or not lane.bucket.take(now_s):
                return
            letter = Letter(
                number=0, severity=notice.severity, title=notice.title, text=notice.text
            )
            try:
                async with asyncio.timeout(_LETTER_S):
                    await lane.channel.send(letter)
            except (ChannelError, TimeoutError) as error:
                busy_s = error.retry_after_s if isinstance(error, ChannelBusyError) else 0.0
                lane.not_before_s = self.clock.monotonic_s() + max(busy_s, _PAST_DISK_WAIT_S)
                log.error("channel %s does not deliver: %s", lane.name, error)
                return
            self._told_past_disk.add(told)

    async def _sort(self) -> None:
        now_ms = utc_ms(self.clock.now())
        least = {name: lane.least for name, lane in self.lanes.items()}
        await self._inherit()
        trouble: sqlite3.Error | None = None
        for source in self.before_sorting:
            try:
                await self._on_disk(source, now_ms)
            except sqlite3.Error as error:  # of one source: the others are taken in
                trouble = error
        await self._on_disk(self.outbox.sort, least, now_ms, self.window_ms)
        await self._stand_in()
        if trouble is not None:
            raise trouble

    async def _inherit(self) -> None:
        """What waits for a channel that the settings do not name any more, the first one tells."""
        if self._has_inherited or not self.lanes:
            return
        heir = next(iter(self.lanes.values()))
        count = await self._on_disk(self.outbox.inherit, tuple(self.lanes), heir.name, heir.least)
        self._has_inherited = True
        if count:
            log.warning("channel %s tells %d messages of channels that are gone", heir.name, count)

    async def _stand_in(self) -> None:
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
                if lane.delivered:
                    await self._take_out(lane)
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
        waiting = [each for each in waiting if each.number not in lane.delivered]
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
        lane.delivered.update(each.number for each in parcel.waiting)
        await self._take_out(lane)
        return True

    async def _take_out(self, lane: Lane) -> None:
        """Note what was delivered. A disk that refuses it keeps nothing else from being sent."""
        try:
            await self._on_disk(self.outbox.sent, sorted(lane.delivered))
        except sqlite3.Error as error:
            log.warning("what channel %s delivered cannot be noted: %s", lane.name, error)
        else:
            lane.delivered.clear()

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
        now_s, was_broken = self.clock.monotonic_s(), lane.is_broken
        if isinstance(error, ChannelBusyError):
            lane.not_before_s = now_s + error.retry_after_s
            if error.retry_after_s < _LONGEST_BUSY_S:
                return  # alive: it only wants a little time
            lane.failures = max(lane.failures, _FAILURES)
        else:
            lane.failures += 1
            lane.is_off = isinstance(error, ChannelRefusedError)
            doublings = min(lane.failures - 1, 10)  # it may be down for weeks
            lane.not_before_s = now_s + min(_FIRST_WAIT_S * 2**doublings, _LONGEST_WAIT_S)
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
