"""How often a venue may be asked: a log of what went out, and a gate that obeys the limits.

A venue's own module says what each call counts against, and how much of a limit it may use: what
can wait is given a smaller share, so that an order finds room whatever is downloaded beside it.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Final


class Rank(IntEnum):
    """What goes first where calls share one limit."""

    CANCEL = 0
    ORDER = 1
    ACCOUNT = 2
    BARS = 3
    HISTORY = 4


SHARES: Final = {
    Rank.CANCEL: 0.9, Rank.ORDER: 0.8, Rank.ACCOUNT: 0.7, Rank.BARS: 0.6, Rank.HISTORY: 0.4,
}  # fmt: skip
"""Of a shared limit that calls of a rank may fill. The venue's windows need not begin with ours."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """At most `calls` in each window of `window_s` seconds; of weights, their sum."""

    calls: int
    window_s: float = 2.0
    per_instrument: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """One limit that a call counts against."""

    key: str
    limit: Limit
    weight: int = 1
    share: float = 0.9  # of the limit that this call may fill


Counting = Callable[[str, str, str], Sequence[Counted]]
"""What a call counts against, by method, path and instrument; the first is its own limit."""


class PacingLog:
    """What was asked lately. Pure: the caller says what time it is, in monotonic seconds."""

    def __init__(self, counting: Counting) -> None:
        self._counting = counting
        self._asked: dict[str, deque[tuple[float, int]]] = {}
        self._used: dict[str, int] = {}
        self._held: dict[str, float] = {}

    def wait_s(self, method: str, path: str, instrument: str, now_s: float) -> float:
        """How long a call has to wait; 0 if it may go out now."""
        return max(
            self._until(one, now_s) - now_s for one in self._counting(method, path, instrument)
        )

    def note(self, method: str, path: str, instrument: str, now_s: float) -> None:
        """A call goes out."""
        for one in self._counting(method, path, instrument):
            self._asked.setdefault(one.key, deque()).append((now_s, one.weight))
            self._used[one.key] = self._used.get(one.key, 0) + one.weight

    def hold(self, method: str, path: str, instrument: str, until_s: float) -> None:
        """The venue refused for too many calls: none of these before `until_s`."""
        self._held[self._counting(method, path, instrument)[0].key] = until_s

    def _until(self, one: Counted, now_s: float) -> float:
        asked = self._asked.setdefault(one.key, deque())
        window_s = one.limit.window_s
        while asked and asked[0][0] <= now_s - window_s:
            self._used[one.key] -= asked.popleft()[1]
        most = max(int(one.limit.calls * one.share), one.weight)
        too_much = self._used.get(one.key, 0) + one.weight - most
        free = now_s
        for at_s, weight in asked:
            if too_much <= 0:
                break
            too_much -= weight
            free = at_s + window_s
        return max(free, self._held.get(one.key, now_s), now_s)


class PacingGate:
    """Waits until a call may go out. One per account, shared by all who ask for it."""

    def __init__(
        self,
        counting: Counting,
        monotonic_s: Callable[[], float],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._counting = counting
        self._log = PacingLog(counting)
        self._monotonic_s = monotonic_s
        self._sleep = sleep

    async def enter(self, method: str, path: str, instrument: str) -> None:
        while (wait := self._log.wait_s(method, path, instrument, self._monotonic_s())) > 0:
            await self._sleep(wait)
        self._log.note(method, path, instrument, self._monotonic_s())

    def wait_s(self, method: str, path: str, instrument: str) -> float:
        """How long `enter` would take now."""
        return self._log.wait_s(method, path, instrument, self._monotonic_s())

    def refused(self, method: str, path: str, instrument: str, wait_s: float | None = None) -> None:
        """The venue said "too often": sit out what it asks for, or one window."""
        sat_out_s = wait_s
        if sat_out_s is None:
            sat_out_s = self._counting(method, path, instrument)[0].limit.window_s
        self._log.hold(method, path, instrument, self._monotonic_s() + sat_out_s)
