"""How much of each limit was used over the last thirty days, looked at every half hour."""

from __future__ import annotations

import time
from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from threading import Lock
from typing import Any, Final

import numpy as np

from algotrader.api.errors import ApiError
from algotrader.api.past import LONGEST_S, Past, Step
from algotrader.backtest.report.encode import bucket_extremes
from algotrader.engine.state import EngineState
from algotrader.ops.desk_rows import limit_rows

DAYS: Final = 30
_DAY_MS: Final = 86_400_000
_EVERY_MS: Final = 1_800_000  # shorter bars are looked at so often, not each
_MOST: Final = 60  # limits of an account that are followed, the fullest at each look

Place = tuple[str, str, str]
"""Account, rule, subject."""


@dataclass(slots=True)
class _Course:
    unit: str
    action: str | None
    ts: array[int] = field(default_factory=lambda: array("q"))
    used: array[float] = field(default_factory=lambda: array("d"))
    limit: array[float] = field(default_factory=lambda: array("d"))


class LimitHistory:
    """Folds on from where it got with each question; asked in threads."""

    def __init__(self, past: Past) -> None:
        self._past = past
        self._lock = Lock()
        self._courses: dict[Place, _Course] = {}
        self._seq = 0  # the last row looked at
        self._looked_ms = 0

    def forget(self) -> None:
        """The journal is another one."""
        with self._lock:
            self._courses, self._seq, self._looked_ms = {}, 0, 0

    def rows(
        self, state: EngineState, seq: int, account: str | None, points: int
    ) -> list[dict[str, Any]]:
        """Each limit's course up to row `seq`, the fullest first. ApiError 503: ask again."""
        with self._lock:
            self._follow(state, seq)
            found = [
                _row(place, course, points)
                for place, course in self._courses.items()
                if course.ts and account in (None, place[0])
            ]
        return sorted(found, key=lambda one: -one["peak"])

    def _follow(self, state: EngineState, seq: int) -> None:
        if self._seq >= seq:
            return
        begin_ms = newest_ms(state) - DAYS * _DAY_MS
        first = max(self._seq, self._past.seq_at(begin_ms)) + 1
        ends = time.monotonic() + LONGEST_S
        for step in self._past.steps(state.settings, first, seq):
            if step.is_whole:
                self._look(step)
                self._seq = step.row.seq
                if time.monotonic() > ends and self._seq < seq:
                    raise ApiError(
                        503, "api.reading",
                        f"thirty days are being read: row {self._seq} of {seq}",
                        hint="ask again: it goes on from there", headers={"Retry-After": "1"},
                    )  # fmt: skip
        self._seq = seq
        self._drop_before(begin_ms)

    def _look(self, step: Step) -> None:
        now_ms = newest_ms(step.state)
        if now_ms < self._looked_ms + _EVERY_MS:
            return
        self._looked_ms = now_ms
        for account in step.state.modes:
            for one in limit_rows(step.state, account)[:_MOST]:
                place = (str(account), one["rule"], one["subject"])
                course = self._courses.get(place)
                if course is None:
                    course = self._courses[place] = _Course(unit=one["unit"], action=one["action"])
                course.ts.append(now_ms)
                course.used.append(float(Decimal(one["used"])))
                course.limit.append(float(Decimal(one["limit"])))

    def _drop_before(self, begin_ms: int) -> None:
        for place, course in list(self._courses.items()):
            old = int(np.searchsorted(np.array(course.ts, np.int64), begin_ms))
            del course.ts[:old], course.used[:old], course.limit[:old]
            if not course.ts:
                del self._courses[place]


def newest_ms(state: EngineState) -> int:
    """When was decided last, UTC ms; 0 before the first."""
    return max((one.decision_ts for one in state.slices.values()), default=0)


def _row(place: Place, course: _Course, points: int) -> dict[str, Any]:
    ts, used = np.array(course.ts, np.int64), np.array(course.used)
    limit = np.array(course.limit)
    share = np.where(limit > 0, used / np.where(limit > 0, limit, 1.0), 1.0)
    kept = bucket_extremes([share], points)
    fullest = int(np.argmax(share))
    account, rule, subject = place
    return {
        "account": account, "rule": rule, "subject": subject, "unit": course.unit,
        "action": course.action, "ts": ts[kept].tolist(), "used": used[kept].tolist(),
        "limit": limit[kept].tolist(), "peak": float(share[fullest]),
        "peak_used": float(used[fullest]), "peak_at": int(ts[fullest]),
    }  # fmt: skip


def looks(steps: Iterator[Step]) -> Iterator[Step]:
    """The ends of the steps in which a decision was due: where rules are judged."""
    judged_ms = 0
    for step in steps:
        now_ms = newest_ms(step.state)
        if step.is_whole and now_ms > judged_ms:
            judged_ms = now_ms
            yield step
