"""The jobs of a workspace in rows: when each is due next, and how its last run ended."""

from __future__ import annotations

from typing import Any

from algotrader.ops.config import Configuration
from algotrader.ops.scheduling.history import JobHistory
from algotrader.ops.scheduling.settings import JobSettings
from algotrader.ops.scheduling.timetable import next_due
from algotrader.ops.scheduling.wiring import jobs_folder


def job_rows(configuration: Configuration, now_ms: int) -> list[dict[str, Any]]:
    """By name. Times are UTC ms."""
    history = JobHistory(jobs_folder(configuration))
    rows: list[dict[str, Any]] = []
    for name, job in sorted(configuration.settings.jobs.items()):
        last = history.runs(name, 1)
        rows.append(
            {
                "job": name,
                "do": job.do,
                "when": when_text(job),
                "next": next_due(job)(now_ms),
                "last": last[0].started_ms if last else None,
                "outcome": last[0].outcome.value if last else None,
            }
        )
    return rows


def when_text(job: JobSettings) -> str:
    """When a job is due, in words."""
    if job.cron is not None:
        return f"{job.cron} {job.timezone}"
    if job.every is not None:
        return f"every {job.every} s"
    delay = f" + {job.delay_s:g} s" if job.delay_s else ""
    return f"close of {job.bar_close}{delay}, {job.calendar}"
