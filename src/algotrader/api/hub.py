"""Hands what happens to everyone who listens: encoded once, queued with a bound for each.

A listener that does not keep up is told so and dropped: it comes back with the number of the last
event it had. Nobody waits for it.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable
from typing import Any, Final

import msgspec

from algotrader.core.events import Event
from algotrader.live.journal.chain import Row
from algotrader.live.journal.showing import plain_body
from algotrader.live.topics import is_asked_for, topic_of

MOST_WAITING: Final = 2_000  # messages of one listener
TO_ALL: Final = ""
"""The topic of what every listener gets, whatever it asked for."""
_ENCODE: Final = msgspec.json.Encoder()


class Told(msgspec.Struct, frozen=True):
    """One message: `id` is the journal's row number, from which a listener can go on."""

    topic: str
    text: str
    id: int | None = None


def told_of(row: Row, event: Event) -> Told:
    """What listeners get of an event."""
    topic = topic_of(event)
    body = {
        "type": "event", "id": row.seq, "topic": topic, "kind": row.kind, "at": row.time_ms,
        "data": plain_body(row.body),
    }  # fmt: skip
    return Told(topic, _ENCODE.encode(body).decode(), row.seq)


class Listener:
    """The bounded queue of one connection."""

    def __init__(self, topics: Iterable[str], most: int = MOST_WAITING) -> None:
        self.topics = tuple(topics)
        self.is_dropped = False
        self._waiting: deque[Told] = deque()
        self._most = most
        self._woken = asyncio.Event()

    def offer(self, message: Told) -> None:
        if self.is_dropped or not self._wants(message.topic):
            return
        if len(self._waiting) >= self._most:
            self.is_dropped = True
            self._waiting.clear()
        else:
            self._waiting.append(message)
        self._woken.set()

    def _wants(self, topic: str) -> bool:
        return topic == TO_ALL or any(is_asked_for(topic, one) for one in self.topics)

    async def next(self) -> list[Told]:
        """All that waits, at least one; empty once it was dropped."""
        await self._woken.wait()
        taken = list(self._waiting)
        self._waiting.clear()
        if not self.is_dropped:
            self._woken.clear()
        return taken


class Hub:
    """All listeners of a process."""

    def __init__(self, most: int) -> None:
        self._listeners: set[Listener] = set()
        self._most = most

    def __len__(self) -> int:
        return len(self._listeners)

    @property
    def is_full(self) -> bool:
        return len(self._listeners) >= self._most

    def add(self, listener: Listener) -> None:
        self._listeners.add(listener)

    def remove(self, listener: Listener) -> None:
        self._listeners.discard(listener)

    def tell(self, message: Told) -> None:
        for listener in self._listeners:
            listener.offer(message)

    def hear(self, row: Row, event: Event) -> None:
        """An event of the journal; encoded only if somebody listens."""
        if self._listeners:
            self.tell(told_of(row, event))

    def say(self, topic: str, data: dict[str, Any]) -> None:
        """What is no event of the journal and cannot be asked for again."""
        if self._listeners:
            body = {"type": "state", "topic": topic, "data": data}
            self.tell(Told(topic, _ENCODE.encode(body).decode()))
