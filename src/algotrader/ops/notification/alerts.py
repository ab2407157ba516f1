"""Which notices become messages, and when: equal ones are one, quiet hours hold back, none is lost.

Pure functions of notices and time. The first notice of a cause goes out at once; what repeats it is
counted and told once when its window closes, and the window of a cause that goes on doubles up to
an hour. What waits is chosen anew each time a channel may send: critical ones first, each by itself
and at any hour, and where much else waits, it is told in one message.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import time
from typing import Final
from zoneinfo import ZoneInfo

from algotrader.core.instants import utc_at
from algotrader.core.ports import Notice, Severity

MINUTE_MS: Final = 60_000
LONGEST_WINDOW_MS: Final = 60 * MINUTE_MS
MUCH: Final = 10  # more than so many of one severity waiting are one digest
RANK: Final = {Severity.INFO: 0, Severity.IMPORTANT: 1, Severity.CRITICAL: 2}


@dataclass(frozen=True, slots=True, kw_only=True)
class QuietHours:
    """From `begin` to `end` by the clock of `zone`, over midnight if `end` is earlier."""

    begin: time
    end: time
    zone: str = "UTC"

    def covers(self, at_ms: int) -> bool:
        now = utc_at(at_ms).astimezone(ZoneInfo(self.zone)).time()
        if self.begin <= self.end:
            return self.begin <= now < self.end
        return now >= self.begin or now < self.end


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """What is sent. `repeated` notices beyond the first are told of by it."""

    notice: Notice
    at_ms: int  # of the newest notice it tells of
    repeated: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """What was heard of one cause since its window opened."""

    newest: Notice
    newest_ms: int
    closes_ms: int
    window_ms: int
    repeated: int = 0  # since the last message


def fold(
    known: Cause | None, notice: Notice, now_ms: int, window_ms: int
) -> tuple[Cause, Message | None]:
    """What is known of the notice's cause after it, and the message it leads to, if it does."""
    if known is None:
        opened = Cause(
            newest=notice, newest_ms=now_ms, closes_ms=now_ms + window_ms, window_ms=window_ms
        )
        return opened, Message(notice=notice, at_ms=now_ms)
    if RANK[notice.severity] > RANK[known.newest.severity]:  # it got worse: told at once
        worse = replace(known, newest=notice, newest_ms=now_ms, repeated=0)
        return worse, Message(notice=notice, at_ms=now_ms, repeated=known.repeated)
    newest = replace(notice, severity=known.newest.severity)
    return replace(known, newest=newest, newest_ms=now_ms, repeated=known.repeated + 1), None


def close(cause: Cause, now_ms: int) -> tuple[Cause | None, Message | None]:
    """What is left of a cause once its window may have closed, and what is told of repeats."""
    left_ms = cause.closes_ms - now_ms
    # More is left than a window is long: the clock was set back, and nobody waits for its return.
    if 0 < left_ms <= cause.window_ms + MINUTE_MS:
        return cause, None
    if cause.repeated == 0:
        return None, None
    window_ms = min(2 * cause.window_ms, LONGEST_WINDOW_MS)
    after = replace(cause, repeated=0, window_ms=window_ms, closes_ms=now_ms + window_ms)
    return after, Message(notice=cause.newest, at_ms=cause.newest_ms, repeated=cause.repeated)


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """A message in the outbox of one channel."""

    number: int
    message: Message


@dataclass(frozen=True, slots=True, kw_only=True)
class Parcel:
    """What leaves as one message: one that waited, or many of one severity."""

    waiting: tuple[Waiting, ...]

    @property
    def is_digest(self) -> bool:
        return len(self.waiting) > 1

    @property
    def number(self) -> int:
        return self.waiting[0].number


def choose(waiting: Sequence[Waiting], *, is_quiet: bool) -> list[Parcel]:
    """What may be sent now, in its order: by severity, then the oldest first."""
    told: list[Parcel] = []
    for severity in sorted(RANK, key=RANK.__getitem__, reverse=True):
        if is_quiet and severity is not Severity.CRITICAL:
            break
        of_it = sorted(
            (each for each in waiting if each.message.notice.severity is severity),
            key=lambda each: each.number,
        )
        if len(of_it) > MUCH and severity is not Severity.CRITICAL:
            told.append(Parcel(waiting=tuple(of_it)))
        else:
            told += [Parcel(waiting=(each,)) for each in of_it]
    return told


@dataclass(slots=True)
class TokenBucket:
    """How many messages may leave: `burst` at once, `per_minute` in the long run."""

    per_minute: float
    burst: float = 5.0
    _tokens: float | None = None
    _at_s: float = 0.0

    def take(self, now_s: float) -> bool:
        """Whether one may leave at `now_s` of a clock that never goes back; if so, it has."""
        held = self.burst if self._tokens is None else self._tokens
        refilled = held + max(now_s - self._at_s, 0.0) * self.per_minute / 60
        self._tokens, self._at_s = min(refilled, self.burst), now_s
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True
