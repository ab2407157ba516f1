"""An event loop on which time passes only when nothing is left to do: hours run in milliseconds."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextvars import Context, copy_context
from datetime import UTC, datetime, timedelta
from heapq import heappop, heappush
from operator import itemgetter
from typing import Any, TypeVar, TypeVarTuple, Unpack

T = TypeVar("T")
Ts = TypeVarTuple("Ts")
START = datetime(2024, 1, 1, tzinfo=UTC)


class _Soon(asyncio.TimerHandle):
    """A handle without what only a person who looks for a fault in asyncio needs."""

    def __init__(
        self, when: float, callback: Callable[..., object], args: tuple[Any, ...], context: Context
    ) -> None:
        self._when = when
        self._callback: Callable[..., object] = callback
        self._args: tuple[Any, ...] = args
        self._context = context
        self._cancelled: bool = False

    def cancel(self) -> None:
        self._cancelled = True


class VirtualLoop(asyncio.BaseEventLoop):
    """Deterministic: what is due at one time runs in the order in which it was asked for.

    No sockets and no threads: a round of the loop looks at no files, which is most of what a round
    costs.
    """

    _ready: Any  # of the loop this is: what runs in this round

    def __init__(self) -> None:
        self._passed = 0.0
        self._waiting: list[tuple[float, int, _Soon]] = []  # a heap, by time
        self._asked = 0  # for times; it breaks ties
        super().__init__()

    def time(self) -> float:
        return self._passed

    def call_soon(
        self, callback: Callable[[Unpack[Ts]], object], *args: *Ts, context: Context | None = None
    ) -> asyncio.Handle:
        handle = _Soon(self._passed, callback, args, copy_context() if context is None else context)
        self._ready.append(handle)
        return handle

    def call_later(
        self, delay: float, callback: Callable[[Unpack[Ts]], object], *args: *Ts,
        context: Context | None = None,
    ) -> asyncio.TimerHandle:  # fmt: skip
        return self.call_at(self._passed + delay, callback, *args, context=context)

    def call_at(
        self, when: float, callback: Callable[[Unpack[Ts]], object], *args: *Ts,
        context: Context | None = None,
    ) -> asyncio.TimerHandle:  # fmt: skip
        handle = _Soon(when, callback, args, copy_context() if context is None else context)
        self._asked += 1
        heappush(self._waiting, (when, self._asked, handle))
        return handle

    def to_come(self) -> list[tuple[float, str]]:
        """When what runs, of all that is asked for and not cancelled, in its order."""
        return [
            (when, handle._callback.__qualname__)
            for when, _, handle in sorted(self._waiting, key=itemgetter(0, 1))
            if not handle.cancelled()
        ]

    def _run_once(self) -> None:
        """One round: everything that is due, the time moved on to the next first if nothing is."""
        ready, waiting = self._ready, self._waiting
        while waiting and waiting[0][2]._cancelled:
            heappop(waiting)
        if not ready:
            if not waiting:
                raise RuntimeError("every task waits and nothing will ever happen")
            self._passed = max(self._passed, waiting[0][0])
        while waiting and waiting[0][0] <= self._passed:
            ready.append(heappop(waiting)[2])
        for _ in range(len(ready)):
            handle = ready.popleft()
            if handle._cancelled:
                continue
            try:
                handle._context.run(handle._callback, *handle._args)
            except (SystemExit, KeyboardInterrupt):
                raise
            except BaseException as error:  # noqa: BLE001 - as every loop has it
                self.call_exception_handler({"message": "a callback failed", "exception": error})


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
