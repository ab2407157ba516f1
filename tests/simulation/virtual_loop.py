"""An event loop on which time passes only when nothing is left to do: hours run in milliseconds."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Coroutine
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

T = TypeVar("T")
START = datetime(2024, 1, 1, tzinfo=UTC)


class _Jumping(selectors.BaseSelector):
    """Instead of waiting for a time it moves the clock there."""

    def __init__(self, loop: VirtualLoop) -> None:
        self._loop = loop
        self._real = selectors.DefaultSelector()

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            raise RuntimeError("every task waits and nothing will ever happen")
        self._loop.pass_time(timeout)
        return []

    def register(self, *arguments: Any, **named: Any) -> selectors.SelectorKey:
        return self._real.register(*arguments, **named)

    def unregister(self, *arguments: Any) -> selectors.SelectorKey:
        return self._real.unregister(*arguments)

    def get_map(self) -> Any:
        return self._real.get_map()

    def close(self) -> None:
        self._real.close()


class VirtualLoop(asyncio.SelectorEventLoop):
    """Deterministic: what is due at one time runs in the order in which it was asked for."""

    def __init__(self) -> None:
        self._passed = 0.0
        super().__init__(_Jumping(self))

    def time(self) -> float:
        return self._passed

    def pass_time(self, seconds: float) -> None:
        self._passed += max(seconds, 0.0)


class LoopClock:
    """The Clock port on a virtual loop."""

    def __init__(self, loop: VirtualLoop) -> None:
        self._loop = loop

    def now(self) -> datetime:
        return START + timedelta(seconds=self._loop.time())

    def monotonic_s(self) -> float:
        return self._loop.time()


def run_virtually(loop: VirtualLoop, work: Coroutine[Any, Any, T]) -> T:
    """Run to its end and close the loop."""
    try:
        return loop.run_until_complete(work)
    finally:
        loop.close()
