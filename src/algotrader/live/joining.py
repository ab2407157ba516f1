"""Feeds of several lengths of bars as one: what closes at one moment is handed on together (R1).

A quarter of an hour, an hour and a day close together at midnight, and each has a feed of its own.
Who decides on which of them, and whose orders come first, must not hang on which feed was quicker.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from typing import Final

from algotrader.core.events import SliceClosed
from algotrader.core.timeframes import DAY_MS, Timeframe, length_ms
from algotrader.data.feed import FeedEvent

LONGER_S: Final = 5.0
"""So much longer than a slice waits for its bars does it wait for slices of other lengths."""
PATIENCE_S: Final = 10.0 + LONGER_S
_LOOK_S: Final = 0.25
_WEEK_MS: Final = 7 * DAY_MS
_MONDAY_MS: Final = 4 * DAY_MS  # the epoch was a Thursday

Together = tuple[FeedEvent, ...]
"""One event, or the slices of one moment, the shortest bars first."""


class SliceJoiner:
    """Pure: is told events and the time, and answers with what may go on."""

    def __init__(self, frames: Iterable[Timeframe], *, patience_s: float = PATIENCE_S) -> None:
        self._frames = sorted(frames)
        self._patience_s = patience_s
        self._newest: dict[str, int] = {}  # decision time of what was heard, by time frame
        self._held: dict[int, dict[str, SliceClosed]] = {}  # by decision time
        self._since_s: dict[int, float] = {}

    def hear(self, event: FeedEvent, now_s: float) -> list[Together]:
        """What may be told now; nothing while a slice waits for others of its moment."""
        if not isinstance(event, SliceClosed):
            return [(event,)]
        at = event.decision_ts
        self._newest[event.timeframe] = max(at, self._newest.get(event.timeframe, at))
        self._held.setdefault(at, {})[event.timeframe] = event
        self._since_s.setdefault(at, now_s)
        return self.due(now_s)

    def due(self, now_s: float) -> list[Together]:
        """Slices that are complete or have waited long enough, the earliest moment first."""
        waited = [at for at, since in self._since_s.items() if now_s - since >= self._patience_s]
        found: list[Together] = []
        for at in sorted(self._held):
            is_overdue = bool(waited) and at <= max(waited)
            if not is_overdue and any(self._is_awaited(one, at) for one in self._frames):
                continue
            held = self._held.pop(at)
            del self._since_s[at]
            found.append(tuple(held[frame] for frame in sorted(held, key=length_ms)))
        return found

    def _is_awaited(self, frame: Timeframe, at: int) -> bool:
        """Whether bars of this length close then, and their slice has not come."""
        offset = _MONDAY_MS if frame.ms % _WEEK_MS == 0 else 0
        closes = (at - offset) % frame.ms == 0
        return closes and self._newest.get(str(frame), -1) < at


async def joined(
    feeds: Mapping[Timeframe, AsyncIterator[FeedEvent]],
    monotonic_s: Callable[[], float],
    *,
    patience_s: float = PATIENCE_S,
) -> AsyncIterator[Together]:
    """Everything that feeds tell, for ever. What a feed raises is raised here."""
    joiner = SliceJoiner(feeds, patience_s=patience_s)
    queue: asyncio.Queue[FeedEvent] = asyncio.Queue()

    async def listen(feed: AsyncIterator[FeedEvent]) -> None:
        async for event in feed:
            queue.put_nowait(event)

    listening = [asyncio.create_task(listen(feed)) for feed in feeds.values()]
    try:
        while True:
            told = joiner.due(monotonic_s())
            try:
                async with asyncio.timeout(_LOOK_S):
                    told += joiner.hear(await queue.get(), monotonic_s())
            except TimeoutError:
                _raise_what_failed(listening)
            for together in told:
                yield together
    finally:
        for task in listening:
            task.cancel()
        await asyncio.gather(*listening, return_exceptions=True)


def _raise_what_failed(tasks: Iterable[asyncio.Task[None]]) -> None:
    for task in tasks:
        if task.done():
            task.result()
