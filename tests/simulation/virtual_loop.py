"""An event loop on which time passes only when nothing is left to do: hours run in milliseconds."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from datetime import UTC, datetime, timedelta
from heapq import heappop
from typing import Any, TypeVar

T = TypeVar("T")
START = datetime(2024, 1, 1, tzinfo=UTC)


class VirtualLoop(asyncio.SelectorEventLoop):
    """Deterministic: what is due at one time runs in the order in which it was asked for.

    No sockets: a round of the loop looks at no files, which is most of what a round costs.
    """

    _ready: Any  # of the loop this is: what runs in this round
    _scheduled: list[Any]  # and what runs at a time

    def __init__(self) -> None:
        self._passed = 0.0
        super().__init__()

    def time(self) -> float:
        return self._passed

    def _run_once(self) -> None:
        """One round: everything that is due, the time moved on to the next first if nothing is."""
        ready, scheduled = self._ready, self._scheduled
        while scheduled and scheduled[0]._cancelled:
            heappop(scheduled)._scheduled = False
        if not ready:
            if not scheduled:
                raise RuntimeError("every task waits and nothing will ever happen")
            self._passed = max(self._passed, scheduled[0]._when)
        while scheduled and scheduled[0]._when <= self._passed:
            handle = heappop(scheduled)
            handle._scheduled = False
            ready.append(handle)
        for _ in range(len(ready)):
            handle = ready.popleft()
            if not handle._cancelled:
                handle._run()


class LoopClock:
    """The Clock port on a virtual loop. Its wall clock may be stepped, its monotonic one not."""

    def __init__(self, loop: VirtualLoop) -> None:
        self._loop = loop
        self.stepped_s = 0.0

    def now(self) -> datetime:
        return START + timedelta(seconds=self._loop.time() + self.stepped_s)

    def monotonic_s(self) -> float:
        return self._loop.time()


def run_virtually(loop: VirtualLoop, work: Coroutine[Any, Any, T]) -> T:
    """Run to its end and close the loop."""
    try:
        return loop.run_until_complete(work)
    finally:
        loop.close()
