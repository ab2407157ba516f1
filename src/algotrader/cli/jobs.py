"""`algotrader jobs`."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Annotated, Any

import typer

from algotrader.cli.commands import new_app
from algotrader.cli.output import Output, with_output
from algotrader.core.errors import RunError

if TYPE_CHECKING:
    from rich.console import Console

    from algotrader.ops.config import Configuration
    from algotrader.ops.scheduling.running import Result

app = new_app(
    """Look at what runs at set times, and run a job by hand.

\b
algotrader jobs ls
algotrader jobs run fetch
"""
)

_JOBS = {
    "job": "job", "do": "does", "when": "when", "next": "next, UTC", "last": "last, UTC",
    "outcome": "ended",
}  # fmt: skip
_RUNS = {
    "job": "job", "due": "due, UTC", "started": "started, UTC", "seconds": "s", "outcome": "ended",
    "says": "said last",
}  # fmt: skip


@app.callback()
def _jobs() -> None:
    """Look at what runs at set times, and run a job by hand."""


@app.command("ls")
@with_output
def ls(out: Output) -> None:
    """List the jobs of algotrader.yaml: when each is due next, and how the last run ended.

    Runs nothing. `algotrader run scheduler` does, and `algotrader trade` on live bars.

    \b
    algotrader jobs ls
    algotrader jobs ls --json
    """
    from algotrader.cli.desk_tables import configured, print_rows
    from algotrader.core.instants import utc_ms
    from algotrader.core.ports import SystemClock
    from algotrader.ops.scheduling.listing import job_rows

    rows = job_rows(configured(out), utc_ms(SystemClock().now()))

    def lines(console: Console) -> None:
        shown = [{**row, "next": _time(row["next"]), "last": _time(row["last"])} for row in rows]
        print_rows(console, shown, _JOBS, "no job is configured")

    out.show(rows, lines)


@app.command("history")
@with_output
def history(
    out: Output,
    job: Annotated[str | None, typer.Argument(metavar="[JOB]", help="Of one job alone.")] = None,
    last: Annotated[int, typer.Option(help="So many, the newest.", min=1)] = 20,
) -> None:
    """List the last runs of jobs: when, how they ended, and the end of what they printed.

    Times at which a job was due and did not run are listed with the reason.

    \b
    algotrader jobs history
    algotrader jobs history fetch --last 5
    """
    from algotrader.cli.desk_tables import print_rows
    from algotrader.ops.scheduling.history import JobHistory
    from algotrader.ops.scheduling.wiring import jobs_folder, require_job

    configuration = _configuration(out)
    if job is not None:
        require_job(configuration, job)
    rows: list[dict[str, Any]] = [
        {
            "job": run.job,
            "due": run.due_ms,
            "started": run.started_ms,
            "seconds": None if run.ended_ms is None else (run.ended_ms - run.started_ms) / 1000,
            "outcome": run.outcome.value,
            "says": run.says,
        }
        for run in JobHistory(jobs_folder(configuration)).runs(job, last)
    ]

    def lines(console: Console) -> None:
        shown = [
            {**row, "due": _time(row["due"]), "started": _time(row["started"]),
             "says": (str(row["says"]).splitlines() or [""])[-1][:60]}
            for row in rows
        ]  # fmt: skip
        print_rows(console, shown, _RUNS, "no job ran yet")

    out.show(rows, lines)


@app.command("run")
@with_output
def run(out: Output, job: Annotated[str, typer.Argument(metavar="JOB", help="Its name.")]) -> None:
    """Run a job now, as the scheduler would, and wait for its end.

    Its next time stays as it was. Refused while the job runs.

    \b
    algotrader jobs run fetch
    algotrader jobs run fetch --json
    """
    import asyncio

    from algotrader.ops.scheduling.history import Outcome
    from algotrader.ops.scheduling.wiring import require_job

    configuration = _configuration(out)
    require_job(configuration, job)
    result = asyncio.run(_run_once(out, configuration, job))
    out.show(
        {"job": job, "outcome": result.outcome.value, "says": result.says},
        lambda console: console.print(result.says or f"{job}: {result.outcome.value}"),
    )
    if result.outcome in (Outcome.FAILED, Outcome.TIMED_OUT):
        raise SystemExit(3)
    if result.outcome is Outcome.FINDINGS:
        raise SystemExit(1)


async def _run_once(out: Output, configuration: Configuration, job: str) -> Result:
    from algotrader.core.instants import utc_ms
    from algotrader.core.ports import SystemClock
    from algotrader.ops.role_notices import role_notices
    from algotrader.ops.scheduling.alone import BusyError
    from algotrader.ops.scheduling.wiring import SchedulerRole

    clock = SystemClock()
    with role_notices(configuration, os.environ, out.note) as notifier:
        role = SchedulerRole(configuration, clock, notifier)
        try:
            return await role.scheduler.run_once(job, utc_ms(clock.now()))
        except BusyError as error:
            raise RunError(
                "jobs.busy", str(error), hint=f"wait for its end: algotrader jobs history {job}"
            ) from error


def _configuration(out: Output) -> Configuration:
    from algotrader.ops.config import load

    return load(out.config, environment=os.environ)


def _time(at_ms: int | None) -> str:
    from algotrader.data.rows import stamp_text

    return "" if at_ms is None else stamp_text(at_ms)
