"""Threads for what reads long, apart from those that everybody shares: Halt waits for none of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeVar

from anyio import CapacityLimiter, to_thread

T = TypeVar("T")
_MOST: Final = 2  # at a time; who asks for more waits for these alone


class Apart:
    """Asked in the event loop."""

    def __init__(self) -> None:
        self._limiter = CapacityLimiter(_MOST)

    async def run(self, work: Callable[[], T]) -> T:
        """What `work` gives, from a thread."""
        return await to_thread.run_sync(work, limiter=self._limiter)
