"""Whether the event loop lives: a beat inside it, and a thread that misses it (F10)."""

from __future__ import annotations

import asyncio
import logging
import sys
import threading
import traceback
from collections.abc import Callable
from typing import Final

from algotrader.core.ports import Clock, SystemClock

log = logging.getLogger(__name__)

_BEAT_S: Final = 0.25
BLOCKED_S: Final = 1.0
"""Without a beat for so long the loop is blocked: it is told within 1.25 s."""
_FRAMES: Final = 12


class Pulse:
    """Started inside the loop that it watches.

    `blocked` is called in a thread of its own, once for each time the loop stands still; `moving`
    in the loop when it goes on, with the seconds it stood.
    """

    def __init__(
        self,
        *,
        blocked: Callable[[], None],
        moving: Callable[[float], None],
        clock: Clock | None = None,
    ) -> None:
        self._clock = clock or SystemClock()
        self._blocked = blocked
        self._moving = moving
        self._thread_of_loop = threading.get_ident()
        self._beat_s = self._clock.monotonic_s()
        self._worst_s = 0.0
        self._was_told = False
        self._is_over = threading.Event()
        self._task = asyncio.create_task(self._beat(), name="pulse")
        self._thread = threading.Thread(target=self._watch, name="pulse", daemon=True)
        self._thread.start()

    @property
    def silent_s(self) -> float:
        """Seconds since the last beat. Any thread may ask."""
        return self._clock.monotonic_s() - self._beat_s

    def worst_s(self) -> float:
        """How late a beat was at worst since this was last asked."""
        worst, self._worst_s = self._worst_s, 0.0
        return worst

    async def close(self) -> None:
        self._is_over.set()
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(_BEAT_S)
            stood_s = self.silent_s
            self._beat_s = self._clock.monotonic_s()
            self._worst_s = max(self._worst_s, stood_s - _BEAT_S)
            if self._was_told:
                self._was_told = False
                log.critical("the event loop goes on after standing still for %.1f s", stood_s)
                self._moving(stood_s)

    def _watch(self) -> None:
        while not self._is_over.wait(_BEAT_S):
            if self.silent_s > BLOCKED_S and not self._was_told:
                self._was_told = True
                log.critical(
                    "the event loop has stood still for %.1f s, in:\n%s",
                    self.silent_s, self._where(),
                )  # fmt: skip
                self._blocked()

    def _where(self) -> str:
        """What the loop's thread is doing: the innermost lines."""
        frame = sys._current_frames().get(self._thread_of_loop)
        return "".join(traceback.format_stack(frame)[-_FRAMES:]) if frame is not None else ""
