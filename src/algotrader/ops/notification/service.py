"""The courier beside a trader: a thread with a loop of its own, and the Notifier that feeds it.

Trading hands over a notice and goes on; whatever a messenger or the disk does is this thread's.
"""

from __future__ import annotations

import asyncio
import fcntl
import logging
import os
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from threading import Event, Thread
from typing import Final, Protocol

from algotrader.core.instants import utc_ms
from algotrader.core.ports import Clock, Notice, Severity
from algotrader.ops.notification.courier import Courier
from algotrader.ops.notification.outbox import Outbox
from algotrader.ops.notification.unwritten import Unwritten

log = logging.getLogger(__name__)
LOCK: Final = "courier.lock"
PICTURE: Final = "picture"  # the field of a notice that names a PNG file
_LAST_WORDS_S: Final = 3.0  # what the end of a run may wait for its last messages
_LOOK_S: Final = 0.2
_AFTER_A_BUG_S: Final = 5.0


class Work(Protocol):
    """What the thread does beside delivering: for example listening to commands."""

    async def run(self) -> None: ...


class NotificationThread:
    """Implements the Notifier port. `stop` sends what can be sent within seconds, the rest waits."""

    def __init__(
        self,
        outbox: Outbox,
        relay: Callable[[Notice], Notice | None],
        clock: Clock,
        lock: CourierLock,
        build: Callable[[], tuple[Courier, Sequence[Work]]],
        tell_gone: Callable[[Mapping[Severity, int]], Notice],
        unwritten: Unwritten | None = None,
    ) -> None:
        """`tell_gone` says how many went for want of room; `unwritten` is for a test to give."""
        self._outbox = outbox
        self._relay = relay
        self._clock = clock
        self._lock = lock
        self._build = build  # called in the thread, once it is this process that delivers
        self._tell_gone = tell_gone
        self._unwritten = Unwritten() if unwritten is None else unwritten
        self._loop: asyncio.AbstractEventLoop | None = None
        self._end: asyncio.Event | None = None
        self._anew = asyncio.Event()
        self._is_ready = Event()
        self._thread = Thread(target=self._main, name="notification", daemon=True)

    @property
    def delivers(self) -> bool:
        """Whether it is this process that sends; otherwise it only hands over."""
        return self._lock.is_held

    def start(self) -> None:
        self._thread.start()
        self._is_ready.wait()

    async def notify(self, notice: Notice) -> None:
        """Returns at once."""
        told = self._relay(notice)
        if told is not None:
            self._unwritten.add(told, utc_ms(self._clock.now()))

    def stop(self) -> None:
        """What is critical and was never written, perhaps not sent, is named in the log."""
        if self._loop is not None and self._end is not None:
            with suppress(RuntimeError):  # its loop has ended by itself
                self._loop.call_soon_threadsafe(self._end.set)
        self._thread.join(2 * _LAST_WORDS_S)
        for one in self.unkept():
            log.error("a critical message is on no disk at the end: %s: %s", one.title, one.text)

    def unkept(self) -> list[Notice]:
        """What is critical and is on no disk yet: the first of each cause, and that others went."""
        gone = self._unwritten.gone()
        told = [self._tell_gone(gone)] if gone[Severity.CRITICAL] else []
        return [*told, *self._unwritten.critical()]

    def put_away(self, now_ms: int | None = None) -> None:
        """Move what was heard to the disk. sqlite3.Error if it cannot be: it stays in memory."""
        taken, gone = self._unwritten.take()
        if not taken and not gone:
            return
        at_ms = utc_ms(self._clock.now()) if now_ms is None else now_ms
        told = [(self._tell_gone(gone), at_ms)] if gone else []
        try:
            self._outbox.hear_all(
                [
                    (notice, heard_ms, _picture(notice))
                    for notice, heard_ms in (*told, *((one.notice, one.at_ms) for one in taken))
                ]
            )
        except BaseException:
            self._unwritten.give_back(taken, gone)
            raise

    def _main(self) -> None:
        try:
            asyncio.run(self._live())
        except Exception:
            # Trading goes on without messages; it must never end for the sake of one.
            log.exception("notification ended")
        finally:
            self._is_ready.set()

    async def _live(self) -> None:
        self._loop, self._end = asyncio.get_running_loop(), asyncio.Event()
        self._is_ready.set()
        if not await self._hand_over(self._end):
            return
        while not await self._delivered(self._end):
            pass

    async def _delivered(self, end: asyncio.Event) -> bool:
        """See `_deliver`: what cannot be built now may be later; nobody is left untold for it."""
        try:
            return await self._deliver(end)
        except Exception:
            log.exception("notification failed and begins anew")
        with suppress(TimeoutError):
            await asyncio.wait_for(end.wait(), _AFTER_A_BUG_S)
        if end.is_set():
            with suppress(sqlite3.Error):
                await asyncio.to_thread(self.put_away)
        return end.is_set()

    async def _deliver(self, end: asyncio.Event) -> bool:
        """Until the end, then with the last words; False to begin anew: other settings, a bug."""
        self._anew.clear()
        courier, others = self._build()
        courier.before_sorting.append(self.put_away)
        courier.unkept = self.unkept
        work = [asyncio.create_task(each.run()) for each in (courier, *others)]
        signs = [asyncio.create_task(_set(sign)) for sign in (end, self._anew)]
        try:
            await asyncio.wait([*signs, *work], return_when=asyncio.FIRST_COMPLETED)
            for failed in [task for task in work if task.done() and not task.cancelled()]:
                log.error("notification failed and begins anew", exc_info=failed.exception())
                await asyncio.wait([signs[0]], timeout=_AFTER_A_BUG_S)
            if end.is_set():
                await courier.drain(_LAST_WORDS_S)
            return end.is_set()
        finally:
            for task in [*signs, *work]:
                task.cancel()
            await asyncio.gather(*signs, *work, return_exceptions=True)
            for lane in courier.lanes.values():
                await lane.channel.close()

    def begin_anew(self) -> None:
        """Build channels and courier again. To be called from any thread, once it delivers."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._anew.set)

    def _has_lock(self) -> bool:
        try:
            return self._lock.take()
        except OSError as error:  # no descriptor is left, or the disk refuses: perhaps not for long
            log.warning("the courier's lock cannot be asked for: %s", error)
            return False

    async def _hand_over(self, end: asyncio.Event) -> bool:
        """Put what is heard into the file, for the process that delivers; True once that is us."""
        while not self._has_lock():
            was_over = end.is_set()
            try:
                await asyncio.to_thread(self.put_away)
            except sqlite3.Error as error:
                log.warning("the outbox cannot be written, notices wait in memory: %s", error)
            if was_over:
                return False
            await asyncio.sleep(_LOOK_S)
        return True


def _picture(notice: Notice) -> bytes | None:
    named = notice.fields.get(PICTURE)
    if named is None:
        return None
    try:
        return Path(named).read_bytes()
    except OSError as error:
        log.warning("a message goes without its picture: %s", error)
        return None


async def _set(event: asyncio.Event) -> None:
    await event.wait()


class CourierLock:
    """Who delivers: one process of a workspace, the next one when it ends."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._descriptor = -1

    @property
    def is_held(self) -> bool:
        return self._descriptor >= 0

    def take(self) -> bool:
        """Whether this process has it now."""
        if self.is_held:
            return True
        self._folder.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self._folder / LOCK, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return False
        self._descriptor = descriptor
        return True

    def release(self) -> None:
        if self.is_held:
            os.close(self._descriptor)
            self._descriptor = -1
