"""What was heard and is on no disk yet: bounded, so that a broken disk costs no trader its memory."""

from __future__ import annotations

import logging
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Final

from algotrader.core.ports import Notice, Severity
from algotrader.ops.notification.alerts import RANK

log = logging.getLogger(__name__)
ROOM: Final = 10_000  # notices
_MILDEST_FIRST: Final = sorted(RANK, key=RANK.__getitem__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """A notice, when it came, and its place among all that came."""

    number: int
    notice: Notice
    at_ms: int  # UTC


class Unwritten:
    """Any thread may use it; nothing in here waits for a disk.

    Beyond its room what is mildest goes first, and of that the oldest of whatever says most: a
    cause that repeats itself drives no other out. What went is counted until it was told.
    """

    def __init__(self, room: int = ROOM) -> None:
        self._room = room
        self._lock = Lock()
        self._by_cause: dict[Severity, dict[str, deque[Heard]]] = {each: {} for each in RANK}
        self._count = 0
        self._next = 0
        self._gone: Counter[Severity] = Counter()

    def add(self, notice: Notice, at_ms: int) -> None:
        with self._lock:
            self._keep(Heard(number=self._next, notice=notice, at_ms=at_ms))
            self._next += 1
            lost = list(self._make_room())
        _log(lost)

    def take(self) -> tuple[list[Heard], Counter[Severity]]:
        """All of it, the oldest first, and how many went by severity; both are forgotten here."""
        with self._lock:
            taken = sorted(self._all(), key=lambda one: one.number)
            gone, self._gone = self._gone, Counter()
            self._by_cause, self._count = {each: {} for each in RANK}, 0
        return taken, gone

    def give_back(self, taken: Sequence[Heard], gone: Counter[Severity]) -> None:
        """What was taken could not be written; more may have come meanwhile."""
        with self._lock:
            since = sorted(self._all(), key=lambda one: one.number)
            self._by_cause, self._count = {each: {} for each in RANK}, 0
            for one in (*taken, *since):
                self._keep(one)
            self._gone += gone
            lost = list(self._make_room())
        _log(lost)

    def critical(self) -> list[Notice]:
        """The oldest of each cause that is critical."""
        with self._lock:
            return [told[0].notice for told in self._by_cause[Severity.CRITICAL].values()]

    def gone(self) -> Counter[Severity]:
        """How many went for want of room, by severity, since the last that were told."""
        with self._lock:
            return self._gone.copy()

    def _all(self) -> Iterator[Heard]:
        for causes in self._by_cause.values():
            for told in causes.values():
                yield from told

    def _keep(self, one: Heard) -> None:
        self._by_cause[one.notice.severity].setdefault(one.notice.cause, deque()).append(one)
        self._count += 1

    def _make_room(self) -> Iterator[Heard]:
        """What goes."""
        while self._count > self._room:
            causes = next(self._by_cause[each] for each in _MILDEST_FIRST if self._by_cause[each])
            told = max(causes.values(), key=len)
            one = told.popleft()
            if not told:
                del causes[one.notice.cause]
            self._count -= 1
            self._gone[one.notice.severity] += 1
            yield one


def _log(lost: Sequence[Heard]) -> None:
    """The log is the last place that names what is critical."""
    for one in lost:
        if one.notice.severity is Severity.CRITICAL:
            log.error("a critical message is not kept: %s: %s", one.notice.title, one.notice.text)
