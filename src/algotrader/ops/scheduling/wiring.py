"""The scheduler of a workspace, put together."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from algotrader.core.errors import ConfigurationError, UsageError
from algotrader.core.ports import Clock, Notifier
from algotrader.core.spelling import hint_among
from algotrader.ops.config import Configuration
from algotrader.ops.observing.wiring import redactor_of
from algotrader.ops.scheduling.history import JobHistory
from algotrader.ops.scheduling.running import JobWork
from algotrader.ops.scheduling.scheduler import JobScheduler
from algotrader.ops.scheduling.summary import daily_summary
from algotrader.ops.scheduling.timers import Timers


class SchedulerRole:
    """All that `algotrader run scheduler` does. One per workspace."""

    def __init__(
        self,
        configuration: Configuration,
        clock: Clock,
        notifier: Notifier,
        *,
        says: Callable[[str], None] = lambda _: None,
        environment: Mapping[str, str] = os.environ,
    ) -> None:
        """ConfigurationError if there is no job. The secrets of `environment` are kept nowhere."""
        jobs = configuration.settings.jobs
        if not jobs:
            raise ConfigurationError(
                "jobs.nothing",
                "no job is configured: there is nothing to schedule",
                hint="jobs: {fetch: {do: collect, every: 6h}} in algotrader.yaml",
            )
        self._folder = jobs_folder(configuration)
        self._timers = Timers(clock)
        redactor = redactor_of(configuration, environment)
        self.history = JobHistory(self._folder, redactor.text)
        summary = daily_summary(configuration, clock, notifier)
        self.scheduler = JobScheduler(
            jobs, JobWork(configuration, self._folder, summary, redactor),
            self.history, self._timers, clock, notifier, says=says,
        )  # fmt: skip

    @property
    def done(self) -> dict[str, int]:
        """How many times ended in which way since the start."""
        return dict(self.scheduler.done)

    async def run(self) -> None:
        """Until cancelled; jobs that run then are ended. UsageError if another scheduler runs."""
        with _only_one(self._folder):
            self.scheduler.start()
            await self._timers.run()


def jobs_folder(configuration: Configuration) -> Path:
    """Where history, locks and what jobs print are kept."""
    return configuration.path(configuration.settings.workspace.live) / "jobs"


def require_job(configuration: Configuration, name: str) -> None:
    """UsageError if no job has that name."""
    known = sorted(configuration.settings.jobs)
    if name not in known:
        raise UsageError(
            "usage.job",
            f"there is no job {name!r}",
            hint=hint_among(name, known, f"jobs are: {', '.join(known) or 'none'}"),
        )


@contextmanager
def _only_one(folder: Path) -> Iterator[None]:
    folder.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(folder / "scheduler.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise UsageError(
                "jobs.second_scheduler",
                "a scheduler of this workspace runs already",
                hint="end it first; `algotrader jobs run NAME` runs one job by hand meanwhile",
            ) from error
        yield
    finally:
        os.close(descriptor)
