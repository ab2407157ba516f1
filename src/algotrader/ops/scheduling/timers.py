"""The Scheduler port on a clock: actions at wall-clock times, one task for all of them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Final

from algotrader.core.instants import require_aware
from algotrader.core.ports import Clock

log = logging.getLogger(__name__)

_LONGEST_SLEEP_S: Final = 20.0  # then the clock is looked at anew: it may have been set (F66)

Action = Callable[[], Awaitable[None]]


class Timers:
    """See `core.ports.Scheduler`. Nothing runs before `run`, or after it was cancelled."""

    def __init__(
        self, clock: Clock, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    ) -> None:
        self._clock = clock
        self._sleep = sleep
        self._waiting: dict[str, tuple[datetime, Action]] = {}
        self._changed = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()

    def call_at(self, name: str, at: datetime, action: Action) -> None:
        self._waiting[name] = (require_aware(at), action)
        self._changed.set()

    def cancel(self, name: str) -> None:
        self._waiting.pop(name, None)

    async def run(self) -> None:
        """For ever. What runs when this is cancelled is cancelled with it."""
        try:
            while True:
                self._changed.clear()
                self._start_due()
                await self._wait()
        finally:
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    def _start_due(self) -> None:
        now = self._clock.now()
        due = [name for name, (at, _) in self._waiting.items() if at <= now]
        for name in sorted(due, key=lambda one: (self._waiting[one][0], one)):
            _, action = self._waiting.pop(name)
            task = asyncio.ensure_future(_awaited(action))
            self._tasks.add(task)
            task.add_done_callback(self._ended)

    async def _wait(self) -> None:
        now = self._clock.now()
        soonest = min((at for at, _ in self._waiting.values()), default=None)
        left_s = _LONGEST_SLEEP_S if soonest is None else (soonest - now).total_seconds()
        waits = [
            asyncio.ensure_future(self._sleep(min(max(left_s, 0.0), _LONGEST_SLEEP_S))),
            asyncio.ensure_future(self._changed.wait()),
        ]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for one in waits:
                one.cancel()

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.critical("a timer's action failed: %r", error, exc_info=error)


async def _awaited(action: Action) -> None:
    await action()
