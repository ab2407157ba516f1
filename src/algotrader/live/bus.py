"""The output bus: what was committed, told to whoever listens, without the money loop ever waiting.

`Bus.publish` puts messages into bounded queues and returns; tasks of the listeners empty them. Who
is too slow loses what is least urgent, and is told how much. What events go in here stand in the
journal already, so what is lost on the way can be read there.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Iterable
from typing import Final

from algotrader.core.events import Event
from algotrader.core.ports import Clock, SystemClock
from algotrader.data.quotes import Quote
from algotrader.live.subscription import (
    Handler,
    Message,
    Monitor,
    QuoteBoard,
    Statistics,
    Subscription,
    Trouble,
)
from algotrader.live.topics import QUOTE, QUOTE_PRIORITY, TOPICS, is_asked_for, priority_of

log = logging.getLogger(__name__)

CAPACITY: Final = 10_000
_DRAIN_S: Final = 5.0
QUOTES_EVERY_S: Final = 0.02
"""Quotes are told no oftener: of those between, the newest of each instrument."""


class Bus:
    """Made, listened to and closed inside one event loop; `publish` is called from it alone."""

    def __init__(self, clock: Clock | None = None) -> None:
        self._clock = clock or SystemClock()
        self._asked: dict[Subscription, tuple[str, ...]] = {}
        self._of_topic: dict[str, tuple[Subscription, ...]] = {}
        self._monitors: list[Monitor] = []
        self._published: Counter[str] = Counter()
        self._is_closed = False
        self._board = QuoteBoard()
        self._is_rung = False  # listeners of quotes will be woken
        self._rung_s = float("-inf")

    def subscribe(
        self,
        listener: str,
        handler: Handler,
        *,
        topics: Iterable[str] = ("*",),
        capacity: int = CAPACITY,
        quick: bool = False,
    ) -> Subscription:
        """Call `handler` with each message of the topics: `order.filled`, `risk.*`, or `*`.

        A coroutine function is awaited, one message at a time. A plain function runs in a thread
        of its own, so that it may block; with `quick` it runs in the event loop, for what only
        touches memory. What it raises is logged and counted. ValueError for a topic or a name
        that cannot be, RuntimeError once the bus is closed.
        """
        asked = tuple(topics)
        self._check(listener, asked, capacity)
        subscription = Subscription(
            listener, handler, capacity=capacity, quick=quick, clock=self._clock,
            board=self._board if any(is_asked_for(QUOTE, each) for each in asked) else None,
            monitor=self._trouble,
        )  # fmt: skip
        self._asked[subscription] = asked
        self._of_topic.clear()
        return subscription

    async def unsubscribe(self, subscription: Subscription, *, timeout_s: float = 0.0) -> None:
        """End one; it is told what waits if that takes no longer than the time."""
        self._asked.pop(subscription, None)
        self._of_topic.clear()
        await subscription.close(timeout_s)

    def monitor(self, monitor: Monitor) -> None:
        """Have a plain quick function called with each trouble of a listener."""
        self._monitors.append(monitor)

    def publish(self, events: Iterable[Event]) -> None:
        """Tell what was committed, in its order. Returns at once; never raises for a listener."""
        at_s = self._clock.monotonic_s()
        for event in events:
            topic = TOPICS[type(event)]
            self._published[topic] += 1
            listeners = self._listeners(topic)
            if listeners:
                message = Message(topic, priority_of(topic), event, at_s)
                for subscription in listeners:
                    subscription.offer(message)

    def quote(self, quote: Quote) -> None:
        """Tell the best bid and ask; of one instrument a listener gets the newest alone."""
        if self._is_closed:
            return
        now_s = self._clock.monotonic_s()
        self._board.pin(quote.instrument, Message(QUOTE, QUOTE_PRIORITY, quote, now_s))
        if not self._is_rung:
            self._is_rung = True
            wait_s = max(self._rung_s + QUOTES_EVERY_S - now_s, 0.0)
            asyncio.get_running_loop().call_later(wait_s, self._ring)

    def _ring(self) -> None:
        self._is_rung = False
        self._rung_s = self._clock.monotonic_s()
        for subscription in self._listeners(QUOTE):
            subscription.wake()

    def published(self) -> Counter[str]:
        """How many of each topic were published since the start."""
        return Counter(self._published) + Counter({QUOTE: self._board.count})

    def statistics(self) -> list[Statistics]:
        """Of each listener, as they are now."""
        return [subscription.statistics() for subscription in self._asked]

    async def close(self, timeout_s: float = _DRAIN_S) -> None:
        """Tell everybody what waits for them, together no longer than the time, and end."""
        self._ring()
        self._is_closed = True
        self._of_topic = dict.fromkeys((*TOPICS.values(), QUOTE), ())
        await asyncio.gather(*(each.close(timeout_s) for each in self._asked))

    def _listeners(self, topic: str) -> tuple[Subscription, ...]:
        found = self._of_topic.get(topic)
        if found is None:
            found = tuple(
                subscription
                for subscription, asked in self._asked.items()
                if any(is_asked_for(topic, each) for each in asked)
            )
            self._of_topic[topic] = found
        return found

    def _check(self, listener: str, asked: tuple[str, ...], capacity: int) -> None:
        if self._is_closed:
            raise RuntimeError(f"the bus is closed; {listener} cannot listen any more")
        if any(each.listener == listener for each in self._asked):
            raise ValueError(f"{listener} listens already")
        if capacity < 1:
            raise ValueError(f"{listener}: a queue holds at least one message, not {capacity}")
        for each in asked:
            if not any(is_asked_for(topic, each) for topic in (*TOPICS.values(), QUOTE)):
                raise ValueError(f"{listener}: there is no topic {each!r}")

    def _trouble(self, trouble: Trouble) -> None:
        log.warning("%s", trouble.text)
        for monitor in self._monitors:
            monitor(trouble)
