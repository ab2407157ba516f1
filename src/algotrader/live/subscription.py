"""One listener of the bus: its bounded queue, and the task that empties it."""

from __future__ import annotations

import asyncio
import inspect
from collections import deque
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Final, cast

import msgspec

from algotrader.core.events import Event
from algotrader.core.ports import Clock
from algotrader.core.symbols import Symbol
from algotrader.data.quotes import Quote
from algotrader.live.topics import MISSED, priority_of

LEVELS: Final = 10
_BATCH: Final = 64
"""Messages that are told before others get a turn."""
_LINGER_S: Final = 0.005


class Missed(msgspec.Struct, frozen=True, kw_only=True):
    """A listener was too slow: so many messages were dropped before the next one it gets."""

    listener: str
    count: int


class Message(msgspec.Struct, frozen=True, gc=False):
    """One thing that is told. `body` is an event of the journal, a quote, or what was missed."""

    topic: str
    priority: int  # 0 first, 9 last
    body: Event | Quote | Missed
    at_s: float  # monotonic seconds, when it was published


class QuoteBoard:
    """The newest quote of each instrument, shared by all who listen to quotes.

    Pinning one up costs the same however many listen: each takes what is newer than it has seen.
    """

    def __init__(self) -> None:
        self._newest: dict[Symbol, tuple[int, Message]] = {}  # the newest last
        self.count = 0

    def pin(self, instrument: Symbol, message: Message) -> None:
        self.count += 1
        self._newest.pop(instrument, None)
        self._newest[instrument] = self.count, message

    def newer(self, than: int) -> list[Message]:
        """What was pinned up after the quote of that number, the oldest first."""
        found = []
        for number, message in reversed(self._newest.values()):
            if number <= than:
                break
            found.append(message)
        return found[::-1]


Handler = Callable[[Message], Awaitable[None] | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """What a monitor hears of: a listener that raised or that is too slow."""

    listener: str
    what: str  # `dropped`, `failed`
    text: str


Monitor = Callable[[Trouble], None]


@dataclass(slots=True, kw_only=True)
class Statistics:
    """What became of the messages for one listener."""

    listener: str
    offered: int = 0
    delivered: int = 0
    coalesced: int = 0  # quotes that a newer one replaced
    dropped: int = 0
    failed: int = 0  # its handler raised; counted as delivered
    depth: int = 0  # waiting now
    lag_s: float = 0.0  # of the last batch: from publishing to being told
    worst_lag_s: float = 0.0


class Subscription:
    """A bounded queue in order of priority, and where it is on the board of quotes."""

    def __init__(
        self,
        listener: str,
        handler: Handler,
        *,
        capacity: int,
        quick: bool,
        board: QuoteBoard | None,
        clock: Clock,
        monitor: Monitor,
    ) -> None:
        self._handler = handler
        self._capacity = capacity
        self._clock = clock
        self._monitor = monitor
        self._queues: tuple[deque[Message], ...] = tuple(deque() for _ in range(LEVELS))
        self._board = board  # None: it did not ask for quotes
        self._first_quote = self._seen_quote = 0 if board is None else board.count
        self._quotes_told = 0
        self._waiting = 0  # in the queues, quotes apart
        self._missed = 0
        self._is_failing = False
        self._work = asyncio.Event()
        self._told = Statistics(listener=listener)
        self._is_async = inspect.iscoroutinefunction(handler)
        self._thread = None if quick or self._is_async else ThreadPoolExecutor(1, f"bus-{listener}")
        self._task = asyncio.create_task(self._deliver(), name=f"bus:{listener}")

    @property
    def listener(self) -> str:
        return self._told.listener

    def statistics(self) -> Statistics:
        """As they are now."""
        pending, offered = len(self._quotes()), 0
        if self._board is not None:
            offered = self._board.count - self._first_quote
        return replace(
            self._told,
            offered=self._told.offered + offered,
            coalesced=offered - self._quotes_told - pending,
            depth=self._waiting + pending,
        )

    def offer(self, message: Message) -> None:
        """Queue a message. A full queue drops the oldest of what is least urgent."""
        self._told.offered += 1
        if self._waiting >= self._capacity:
            self._drop_for(message)
        else:
            self._queues[message.priority].append(message)
            self._waiting += 1
        self._work.set()

    def wake(self) -> None:
        """There is a quote on the board."""
        self._work.set()

    async def close(self, timeout_s: float) -> None:
        """Tell what waits, then end. What is left after the time is dropped and counted."""
        end = self._clock.monotonic_s() + timeout_s
        while self._work.is_set() and not self._task.done() and self._clock.monotonic_s() < end:
            await asyncio.sleep(0.001)
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        self._told.dropped += self._waiting
        if self._thread is not None:
            self._thread.shutdown(wait=False, cancel_futures=True)

    def _drop_for(self, message: Message) -> None:
        least = next(queue for queue in reversed(self._queues) if queue)
        if least[0].priority >= message.priority:
            least.popleft()
            self._queues[message.priority].append(message)
        self._drop()

    def _drop(self) -> None:
        self._told.dropped += 1
        self._missed += 1
        if self._missed == 1:
            text = f"{self.listener} is too slow: {self._capacity} messages wait, others are lost"
            self._monitor(Trouble(listener=self.listener, what="dropped", text=text))

    async def _deliver(self) -> None:
        while True:
            await self._work.wait()
            # Those who were woken by the same step and send orders go first. A thread would take
            # turns with them on the interpreter: it begins when they are likely done.
            await asyncio.sleep(0 if self._thread is None else _LINGER_S)
            batch = self._taken()
            self._note_lag(batch)
            await self._tell(batch)
            if not self._waiting and not self._missed and not self._quotes():
                self._work.clear()

    def _taken(self) -> list[Message]:
        batch: list[Message] = []
        if self._missed:
            missed = Missed(listener=self.listener, count=self._missed)
            self._missed = 0
            batch.append(Message(MISSED, priority_of(MISSED), missed, self._clock.monotonic_s()))
        for queue in self._queues:
            while queue and len(batch) < _BATCH:
                batch.append(queue.popleft())
                self._waiting -= 1
        if len(batch) < _BATCH and (quotes := self._quotes()):
            batch += quotes
            self._quotes_told += len(quotes)
            assert self._board is not None
            self._seen_quote = self._board.count
        return batch

    def _quotes(self) -> list[Message]:
        return [] if self._board is None else self._board.newer(self._seen_quote)

    def _note_lag(self, batch: list[Message]) -> None:
        if batch:
            told = self._told
            told.lag_s = self._clock.monotonic_s() - min(message.at_s for message in batch)
            told.worst_lag_s = max(told.worst_lag_s, told.lag_s)

    async def _tell(self, batch: list[Message]) -> None:
        if self._is_async:
            for message in batch:
                try:
                    await cast(Awaitable[None], self._handler(message))
                except Exception as error:  # noqa: BLE001  a listener's mistake is not money's
                    self._note(error)
                else:
                    self._note(None)
            return
        if self._thread is None:
            outcomes = self._call(batch)
        else:
            loop = asyncio.get_running_loop()
            outcomes = await loop.run_in_executor(self._thread, self._call, batch)
        for outcome in outcomes:
            self._note(outcome)

    def _call(self, batch: list[Message]) -> list[Exception | None]:
        """What the handler raised for each; it may run in a thread, where nothing is counted."""
        outcomes: list[Exception | None] = []
        for message in batch:
            try:
                self._handler(message)
            except Exception as error:  # noqa: BLE001  a listener's mistake is not money's
                outcomes.append(error)
            else:
                outcomes.append(None)
        return outcomes

    def _note(self, error: Exception | None) -> None:
        """Each message counts; a mistake is said once until the listener works again."""
        self._told.delivered += 1
        if error is None:
            self._is_failing = False
            return
        self._told.failed += 1
        if not self._is_failing:
            self._is_failing = True
            text = f"{self.listener} raised {error!r}"
            self._monitor(Trouble(listener=self.listener, what="failed", text=text))
