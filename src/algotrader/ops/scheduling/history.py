"""What jobs did: a bounded side table, which also remembers which times were dealt with."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

from algotrader.core.errors import RunError
from algotrader.ops.scheduling.alone import is_running

FILE: Final = "jobs.db"
_KEPT: Final = 200  # runs of each job
_BUSY_S: Final = 5.0
_TABLE: Final = """
create table if not exists runs (
    number integer primary key, job text not null, due_ms integer not null,
    started_ms integer not null, ended_ms integer, outcome text not null, says text not null);
create index if not exists runs_of_job on runs (job, number);
"""


class Outcome(StrEnum):
    """What became of a time at which a job was due."""

    RUNNING = "running"
    DONE = "done"
    FINDINGS = "findings"  # exit code 1: it worked, and found something
    FAILED = "failed"
    TIMED_OUT = "timed_out"
    STOPPED = "stopped"  # the scheduler ended while it ran, and the job with it
    MISSED = "missed"  # too old when somebody looked
    SKIPPED = "skipped"  # the run before it was not over


@dataclass(frozen=True, slots=True, kw_only=True)
class JobRun:
    """One time of one job. Times are UTC ms."""

    number: int
    job: str
    due_ms: int
    started_ms: int
    ended_ms: int | None
    outcome: Outcome
    says: str  # the last lines of what it printed


class JobHistory:
    """In `folder/jobs.db`. Every call is a transaction of its own."""

    def __init__(self, folder: Path, clean: Callable[[str], str] = str) -> None:
        """`clean` takes out of a text what is not to be kept: secrets."""
        self.folder = folder
        self._clean = clean
        self._path = folder / FILE

    def begin(self, job: str, due_ms: int, now_ms: int) -> int:
        """Write that it runs now; the number of the run."""
        return self._add(job, due_ms, now_ms, None, Outcome.RUNNING, "")

    def end(self, number: int, now_ms: int, outcome: Outcome, says: str) -> None:
        with self._open() as rows:
            rows.execute(
                "update runs set ended_ms = ?, outcome = ?, says = ? where number = ?",
                (now_ms, outcome.value, self._clean(says), number),
            )

    def pass_over(self, job: str, due_ms: int, now_ms: int, outcome: Outcome, says: str) -> None:
        """Write why it did not run."""
        self._add(job, due_ms, now_ms, now_ms, outcome, says)

    def last_due(self, job: str) -> int | None:
        """The latest time of a job that was dealt with."""
        with self._open() as rows:
            found = rows.execute("select max(due_ms) from runs where job = ?", (job,)).fetchone()
        return None if found[0] is None else int(found[0])

    def runs(self, job: str | None = None, last: int = 20) -> list[JobRun]:
        """The newest runs, the newest first. One that nobody does any more was stopped."""
        with self._open() as rows:
            found = rows.execute(
                "select number, job, due_ms, started_ms, ended_ms, outcome, says from runs"
                " where :job is null or job = :job order by number desc limit :last",
                {"job": job, "last": last},
            ).fetchall()
            alive = self._alive(rows)
        return [
            JobRun(
                number=number, job=name, due_ms=due, started_ms=started, ended_ms=ended,
                outcome=_outcome(Outcome(outcome), is_alive=number in alive), says=says,
            )
            for number, name, due, started, ended, outcome, says in found
        ]  # fmt: skip

    def close_open(self, now_ms: int) -> None:
        """Write down what a killed scheduler left: its runs ended with it."""
        with self._open() as rows:
            alive = self._alive(rows)
            found = rows.execute(
                "select number from runs where outcome = ?", (Outcome.RUNNING.value,)
            ).fetchall()
            rows.executemany(
                "update runs set outcome = ?, ended_ms = ? where number = ?",
                [(Outcome.STOPPED.value, now_ms, one) for (one,) in found if one not in alive],
            )

    def _alive(self, rows: sqlite3.Connection) -> set[int]:
        """Runs that somebody does: of each job the newest, while it is held. Who was killed could
        not write that its run is over."""
        found = rows.execute(
            "select job, max(number) from runs where outcome = ? group by job",
            (Outcome.RUNNING.value,),
        ).fetchall()
        return {number for job, number in found if is_running(self.folder, job)}

    def _add(
        self, job: str, due_ms: int, started_ms: int, ended_ms: int | None, outcome: Outcome,
        says: str,
    ) -> int:  # fmt: skip
        with self._open() as rows:
            made = rows.execute(
                "insert into runs (job, due_ms, started_ms, ended_ms, outcome, says)"
                " values (?,?,?,?,?,?)",
                (job, due_ms, started_ms, ended_ms, outcome.value, self._clean(says)),
            )
            rows.execute(
                "delete from runs where job = :job and number <= (select number from runs"
                " where job = :job order by number desc limit 1 offset :kept)",
                {"job": job, "kept": _KEPT},
            )
        assert made.lastrowid is not None
        return made.lastrowid

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            rows = sqlite3.connect(self._path, timeout=_BUSY_S)
            try:
                rows.executescript(_TABLE)
                with rows:
                    yield rows
            finally:
                rows.close()
        except (sqlite3.Error, OSError) as error:
            raise RunError(
                "jobs.history",
                f"{self._path} cannot be used: {str(error).lower()}",
                hint="free space on the disk or mend its rights; a damaged file may be deleted",
            ) from error


def _outcome(written: Outcome, *, is_alive: bool) -> Outcome:
    return Outcome.STOPPED if written is Outcome.RUNNING and not is_alive else written
