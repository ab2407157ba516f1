"""Runs jobs when they are due: each time once, one at a time, missed ones by rule."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Mapping
from functools import partial
from typing import Final

from algotrader.core.errors import RunError
from algotrader.core.instants import utc_at, utc_ms
from algotrader.core.ports import Clock, Notice, Notifier, Scheduler, Severity
from algotrader.core.timeframes import DAY_MS
from algotrader.ops.scheduling.alone import BusyError
from algotrader.ops.scheduling.history import JobHistory, Outcome
from algotrader.ops.scheduling.running import Result, Work
from algotrader.ops.scheduling.settings import JobSettings
from algotrader.ops.scheduling.timetable import NextDue, next_due

log = logging.getLogger(__name__)

_LATE_MS: Final = 60_000  # beyond it a time was missed, not merely served late
_MADE_UP_FOR_MS: Final = 7 * DAY_MS  # how far back the newest missed time is looked for
_BAD: Final = (Outcome.FAILED, Outcome.TIMED_OUT)


class JobScheduler:
    """Plans each job's next time on a `Scheduler`, and deals with it when it comes."""

    def __init__(
        self,
        jobs: Mapping[str, JobSettings],
        work: Work,
        history: JobHistory,
        timers: Scheduler,
        clock: Clock,
        notifier: Notifier,
        *,
        says: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._jobs = jobs
        self._work = work
        self._history = history
        self._timers = timers
        self._clock = clock
        self._notifier = notifier
        self._says = says
        self._next: dict[str, NextDue] = {name: next_due(job) for name, job in jobs.items()}
        self._running: set[str] = set()
        self.done: Counter[str] = Counter()  # by outcome, since the start

    def start(self) -> None:
        """Plan every job from the last time that was dealt with; the first from now on."""
        now_ms = self._now_ms()
        self._history.close_open(now_ms)
        for name in sorted(self._jobs):
            last_ms = self._history.last_due(name)
            # A time far ahead was written by a clock that was wrong: begin anew from now (F66).
            known = last_ms is not None and last_ms <= now_ms + DAY_MS
            self._plan(name, last_ms if known and last_ms is not None else now_ms)

    def _plan(self, name: str, after_ms: int) -> None:
        due_ms = self._next[name](after_ms)
        if due_ms is not None:
            self._timers.call_at(name, utc_at(due_ms), partial(self._due, name, due_ms))

    async def _due(self, name: str, first_ms: int) -> None:
        """Deal with a time, and with those after it that have passed: they are one."""
        now_ms = self._now_ms()
        due_ms = self._newest_due(name, first_ms, now_ms)
        self._plan(name, due_ms)  # first: what fails below does not end the job for good
        try:
            await self._deal(name, due_ms, first_ms, now_ms)
        except RunError as error:  # without a history nobody could say that it ran already
            await self._tell(name, f"job {name} did not run: {error.message}")

    async def _deal(self, name: str, due_ms: int, first_ms: int, now_ms: int) -> None:
        job = self._jobs[name]
        late_ms = now_ms - due_ms
        is_missed = due_ms != first_ms or late_ms > _LATE_MS
        if is_missed and (job.missed == "skip" or late_ms > job.grace_s * 1_000):
            self._pass_over(name, due_ms, Outcome.MISSED, f"{late_ms / 1000:.0f} s late")
        elif name in self._running:
            self._pass_over(name, due_ms, Outcome.SKIPPED, "the run before it is not over")
        else:
            await self._run(name, due_ms)

    def _newest_due(self, name: str, first_ms: int, now_ms: int) -> int:
        newest = first_ms
        following = self._next[name](max(first_ms, now_ms - _MADE_UP_FOR_MS))
        while following is not None and following <= now_ms:
            newest = following
            following = self._next[name](newest)
        return newest

    async def _run(self, name: str, due_ms: int) -> None:
        self._running.add(name)
        try:
            await self.run_once(name, due_ms)
        except BusyError as error:
            self._says(f"{name}: {error}")
        finally:
            self._running.discard(name)

    async def run_once(self, name: str, due_ms: int) -> Result:
        """Run a job now. BusyError if it runs already, RunError if that cannot be written down."""
        self._says(f"{name}: {self._jobs[name].do} begins")
        number = self._history.begin(name, due_ms, self._now_ms())
        result = Result(outcome=Outcome.STOPPED)
        try:
            result = await self._work(name, self._jobs[name])
        except BusyError as error:
            result = Result(outcome=Outcome.SKIPPED, says=str(error))
            raise
        except asyncio.CancelledError:
            raise
        except Exception as error:
            log.critical("job %s failed: %r", name, error, exc_info=error)
            result = Result(outcome=Outcome.FAILED, says=repr(error))
        finally:
            self._end(number, name, result)
        await self._report(name, result)
        return result

    def _end(self, number: int, name: str, result: Result) -> None:
        try:
            self._history.end(number, self._now_ms(), result.outcome, result.says)
        except RunError as error:  # what became of it is told all the same
            log.error("job %s: %s", name, error.message)

    async def _report(self, name: str, result: Result) -> None:
        self.done[result.outcome.value] += 1
        self._says(f"{name}: {result.outcome.value}")
        if result.outcome in _BAD:
            last = result.says.splitlines()[-1] if result.says else "it said nothing"
            await self._tell(name, f"job {name} {result.outcome.value.replace('_', ' ')}: {last}")

    async def _tell(self, name: str, text: str) -> None:
        await self._notifier.notify(
            Notice(severity=Severity.IMPORTANT, title=f"job {name} failed", text=text,
                   cause=f"job:{name}")
        )  # fmt: skip

    def _pass_over(self, name: str, due_ms: int, outcome: Outcome, says: str) -> None:
        self._history.pass_over(name, due_ms, self._now_ms(), outcome, says)
        self.done[outcome.value] += 1
        self._says(f"{name}: {outcome.value}, {says}")

    def _now_ms(self) -> int:
        return utc_ms(self._clock.now())
