"""Jobs: when they are due, each time once, one at a time, missed ones by rule, and what is kept."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError
from tests.builders.processes import is_over
from tests.simulation.virtual_loop import START, LoopClock, VirtualLoop, run_virtually

from algotrader.core.errors import ConfigurationError, RunError, UsageError
from algotrader.core.instants import utc_ms
from algotrader.core.ports import Notice
from algotrader.ops.config import load
from algotrader.ops.observing.redaction import Redactor
from algotrader.ops.scheduling.alone import BusyError
from algotrader.ops.scheduling.history import JobHistory, Outcome
from algotrader.ops.scheduling.running import JobWork, Result, commands_of
from algotrader.ops.scheduling.scheduler import JobScheduler
from algotrader.ops.scheduling.settings import JobSettings
from algotrader.ops.scheduling.timers import Timers
from algotrader.ops.scheduling.timetable import next_due
from algotrader.ops.scheduling.wiring import SchedulerRole

MINUTE, HOUR = 60, 3_600


def at(text: str) -> int:
    return utc_ms(datetime.fromisoformat(text).replace(tzinfo=UTC))


def times(job: dict[str, Any], after: str, count: int) -> list[str]:
    """The next times of a job, UTC."""
    due = next_due(JobSettings(**{"do": "check"} | job))
    now_ms: Any = at(after)
    found = []
    for _ in range(count):
        now_ms = due(now_ms)
        found.append(f"{datetime.fromtimestamp(now_ms / 1000, UTC):%Y-%m-%d %H:%M:%S}")
    return found


@pytest.mark.parametrize(
    ("job", "after", "expected"),
    [
        ({"cron": "30 6 * * mon-fri"}, "2024-03-01 06:30",
         ["2024-03-04 06:30:00", "2024-03-05 06:30:00"]),
        ({"cron": "0 9 * * *", "timezone": "Asia/Shanghai"}, "2024-03-01 00:00",
         ["2024-03-01 01:00:00", "2024-03-02 01:00:00"]),
        # As everywhere: 0 and 7 are Sunday, 1-5 Monday to Friday. 2024-03-01 is a Friday.
        ({"cron": "30 6 * * 1-5"}, "2024-03-01 06:30",
         ["2024-03-04 06:30:00", "2024-03-05 06:30:00"]),
        ({"cron": "0 6 * * 0"}, "2024-03-01 00:00", ["2024-03-03 06:00:00", "2024-03-10 06:00:00"]),
        ({"cron": "0 6 * * 7"}, "2024-03-01 00:00", ["2024-03-03 06:00:00", "2024-03-10 06:00:00"]),
        ({"cron": "0 6 * * 6,mon"}, "2024-03-01 00:00",
         ["2024-03-02 06:00:00", "2024-03-04 06:00:00"]),
        ({"cron": "0 6 * * */3"}, "2024-03-01 00:00",
         ["2024-03-02 06:00:00", "2024-03-03 06:00:00", "2024-03-06 06:00:00"]),
        ({"cron": "0 6 * * 5-7"}, "2024-03-01 00:00",
         ["2024-03-01 06:00:00", "2024-03-02 06:00:00", "2024-03-03 06:00:00",
          "2024-03-08 06:00:00"]),
        ({"cron": "*/20 * * * *"}, "2024-03-01 00:19",
         ["2024-03-01 00:20:00", "2024-03-01 00:40:00", "2024-03-01 01:00:00"]),
        ({"every": "6h"}, "2024-03-01 06:00", ["2024-03-01 12:00:00", "2024-03-01 18:00:00"]),
        ({"every": 90}, "2024-03-01 00:00", ["2024-03-01 00:01:30", "2024-03-01 00:03:00"]),
        ({"bar_close": "4h", "delay_s": 20}, "2024-03-01 00:00:20",
         ["2024-03-01 04:00:20", "2024-03-01 08:00:20"]),
    ],
)  # fmt: skip
def test_a_job_is_due_by_cron_by_interval_and_by_the_close_of_bars(
    job: dict[str, Any], after: str, expected: list[str]
) -> None:
    assert times(job, after, len(expected)) == expected


@pytest.mark.parametrize(
    ("job", "after", "expected"),
    [
        # New York goes to summer time on 2024-03-10: the close moves from 21:00 to 20:00 UTC.
        ({"bar_close": "1d", "calendar": "XNYS"}, "2024-03-08 12:00",
         ["2024-03-08 21:00:00", "2024-03-11 20:00:00"]),
        # The day before Independence Day ends at 13:00 there; the day itself is a holiday.
        ({"bar_close": "1d", "calendar": "XNYS"}, "2024-07-03 12:00",
         ["2024-07-03 17:00:00", "2024-07-05 20:00:00"]),
        # Shanghai's lunch break ends a 1h bar at 11:30, and the afternoon begins at 13:00.
        ({"bar_close": "1h", "calendar": "XSHG"}, "2024-03-01 02:30",
         ["2024-03-01 03:30:00", "2024-03-01 06:00:00", "2024-03-01 07:00:00"]),
        # Steel's night session ends at 23:00 in Shanghai.
        ({"bar_close": "1h", "calendar": "CNF:rb"}, "2024-03-04 13:30",
         ["2024-03-04 14:00:00", "2024-03-04 15:00:00"]),
        # Berlin's 02:30 does not exist on 2024-03-31: it runs once, at what 02:30 would have been.
        ({"cron": "30 2 * * *", "timezone": "Europe/Berlin"}, "2024-03-30 12:00",
         ["2024-03-31 01:30:00", "2024-04-01 00:30:00"]),
        # On 2024-10-27 it comes twice: a daily job runs at the first.
        ({"cron": "30 2 * * *", "timezone": "Europe/Berlin"}, "2024-10-26 12:00",
         ["2024-10-27 00:30:00", "2024-10-28 01:30:00"]),
        # One that runs every half hour runs through both hours.
        ({"cron": "*/30 * * * *", "timezone": "Europe/Berlin"}, "2024-10-27 00:00",
         ["2024-10-27 00:30:00", "2024-10-27 01:00:00", "2024-10-27 01:30:00",
          "2024-10-27 02:00:00"]),
    ],
)  # fmt: skip
def test_F67_summer_time_half_days_breaks_and_night_sessions(
    job: dict[str, Any], after: str, expected: list[str]
) -> None:
    assert times(job, after, len(expected)) == expected


@pytest.mark.parametrize(
    ("job", "says"),
    [
        ({"do": "check"}, "say when by one of cron, every and bar_close, not none"),
        ({"do": "check", "cron": "0 1 * * *", "every": "1h"}, "not cron and every"),
        ({"do": "check", "cron": "61 * * * *"}, "no cron time"),
        ({"do": "check", "cron": "0 6 * * 8"}, "weekdays are 0-7"),
        ({"do": "check", "cron": "0 6 * * 5-1"}, "weekdays are 0-7"),
        ({"do": "check", "cron": "0 0 31 2 *"}, "no day is ever such a one"),
        ({"do": "check", "cron": "hourly"}, "five fields"),
        ({"do": "check", "every": "5s"}, "greater than or equal to 10"),
        ({"do": "check", "every": "1h", "timezone": "Mars"}, "no time zone"),
        ({"do": "check", "bar_close": "1d", "calendar": "MARS"}, "MARS"),
        ({"do": "backtest", "every": "1h"}, "needs `use`"),
        ({"do": "features", "every": "1h", "use": "x.py"}, "needs `symbols`"),
        ({"do": "command", "every": "1h"}, "needs `arguments`"),
        ({"do": "dance", "every": "1h"}, "collect"),
    ],
)
def test_a_job_that_cannot_be_is_refused_with_the_reason(job: dict[str, Any], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        JobSettings(**job)


def test_a_wrong_job_is_shown_with_its_line(tmp_path: Path) -> None:
    file = tmp_path / "algotrader.yaml"
    file.write_text("jobs:\n  fetch:\n    do: collect\n    cron: 99 * * * *\n")

    with pytest.raises(ConfigurationError, match=r"algotrader.yaml:4: jobs.fetch.cron"):
        load(file, environment={})


@dataclass
class Bench:
    """A scheduler on a virtual loop whose jobs take as long as a test says."""

    folder: Path
    clock: Any
    takes_s: float = 0.0
    ends: Outcome = Outcome.DONE
    ran: list[tuple[str, float]] = field(default_factory=list)  # name, seconds since START
    told: list[Notice] = field(default_factory=list)

    async def work(self, name: str, _: JobSettings) -> Result:
        self.ran.append((name, (self.clock.now() - START).total_seconds()))
        await asyncio.sleep(self.takes_s)
        return Result(outcome=self.ends, says="printed\nlast line")

    async def notify(self, notice: Notice) -> None:
        self.told.append(notice)

    @property
    def history(self) -> JobHistory:
        return JobHistory(self.folder)

    async def schedule(self, seconds: float, **jobs: dict[str, Any]) -> None:
        """Run a scheduler of these jobs for so long, then end it."""
        timers = Timers(self.clock)
        made = {name: JobSettings(**{"do": "check"} | job) for name, job in jobs.items()}
        JobScheduler(made, self.work, self.history, timers, self.clock, self).start()
        task = asyncio.ensure_future(timers.run())
        await asyncio.sleep(seconds)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    def outcomes(self) -> list[str]:
        """The oldest first."""
        return [run.outcome.value for run in reversed(self.history.runs(last=1_000))]


class SetClock:
    """A clock on a virtual loop that can be set, as a person or NTP would."""

    def __init__(self, loop: VirtualLoop) -> None:
        self._loop = loop
        self.ahead = timedelta(0)

    def now(self) -> datetime:
        return START + timedelta(seconds=self._loop.time()) + self.ahead

    def monotonic_s(self) -> float:
        return self._loop.time()


def virtually(
    tmp_path: Path, work: Callable[[Bench], Coroutine[Any, Any, None]], **changes: Any
) -> Bench:
    loop = VirtualLoop()
    bench = Bench(folder=tmp_path, clock=SetClock(loop), **changes)
    run_virtually(loop, work(bench))
    return bench


def test_each_time_runs_once(tmp_path: Path) -> None:
    async def work(bench: Bench) -> None:
        await bench.schedule(65 * MINUTE, a={"every": "15m"}, b={"every": "1h"})

    bench = virtually(tmp_path, work)
    assert [name for name, _ in bench.ran] == ["a", "a", "a", "a", "b"]
    assert [second % (15 * MINUTE) < 1 for _, second in bench.ran] == [True] * 5
    assert bench.outcomes() == ["done"] * 5


def test_a_job_that_still_runs_is_not_started_again(tmp_path: Path) -> None:
    async def work(bench: Bench) -> None:
        await bench.schedule(50 * MINUTE, slow={"every": "15m"})

    bench = virtually(tmp_path, work, takes_s=20 * MINUTE)
    assert [second // MINUTE for _, second in bench.ran] == [15, 45]
    assert bench.outcomes() == ["done", "skipped", "stopped"]


@pytest.mark.parametrize(
    ("job", "ran", "outcome"),
    [
        ({"every": "15m"}, 1, "done"),
        ({"every": "15m", "missed": "skip"}, 0, "missed"),
        ({"every": "6h", "grace_s": 3 * HOUR}, 0, "missed"),
        ({"every": "6h", "grace_s": 5 * HOUR}, 1, "done"),
    ],
)
def test_times_missed_while_nothing_ran_are_one(
    tmp_path: Path, job: dict[str, Any], ran: int, outcome: str
) -> None:
    async def work(bench: Bench) -> None:
        bench.history.pass_over("a", utc_ms(START), utc_ms(START), Outcome.DONE, "")
        await asyncio.sleep(10 * HOUR + 7 * MINUTE)  # nobody schedules
        await bench.schedule(1 * MINUTE, a=job)

    bench = virtually(tmp_path, work)
    assert len(bench.ran) == ran
    assert bench.outcomes()[1:] == [outcome]


@pytest.mark.parametrize("hours", [1, -1], ids=["forward", "back"])
def test_F66_a_clock_that_is_set_runs_no_time_twice(tmp_path: Path, hours: int) -> None:
    async def work(bench: Bench) -> None:
        task = asyncio.ensure_future(bench.schedule(4 * HOUR, a={"every": "15m"}))
        await asyncio.sleep(65 * MINUTE)
        bench.clock.ahead = timedelta(hours=hours)
        await task

    bench = virtually(tmp_path, work)
    due = [run.due_ms for run in bench.history.runs(last=1_000)]
    assert len(due) == len(set(due))
    assert due == sorted(due, reverse=True)
    assert len(due) >= 11  # every quarter that either clock showed


def test_F66_a_time_that_a_wrong_clock_wrote_does_not_stop_a_job_for_ever(tmp_path: Path) -> None:
    async def work(bench: Bench) -> None:
        far_ms = utc_ms(START + timedelta(days=400))
        bench.history.pass_over("a", far_ms, far_ms, Outcome.DONE, "")
        await bench.schedule(31 * MINUTE, a={"every": "15m"})

    assert len(virtually(tmp_path, work).ran) == 2


def test_a_failure_is_told_and_the_next_time_runs(tmp_path: Path) -> None:
    async def work(bench: Bench) -> None:
        await bench.schedule(31 * MINUTE, a={"every": "15m"})

    bench = virtually(tmp_path, work, ends=Outcome.FAILED)
    assert bench.outcomes() == ["failed", "failed"]
    assert [notice.text for notice in bench.told] == ["job a failed: last line"] * 2


def test_a_job_that_raises_is_a_failure(tmp_path: Path) -> None:
    async def raises(name: str, job: JobSettings) -> Result:
        raise ValueError(name + job.do)

    async def work(bench: Bench) -> None:
        bench.work = raises  # type: ignore[method-assign, assignment]
        await bench.schedule(16 * MINUTE, a={"every": "15m"})

    assert virtually(tmp_path, work).outcomes() == ["failed"]


@pytest.mark.parametrize("refuses", ["begin", "end"])
def test_f48_a_job_is_told_also_when_its_history_cannot_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, refuses: str
) -> None:
    def is_full(*_: Any) -> int:
        raise RunError("jobs.history", "jobs.db cannot be used: database or disk is full")

    async def work(bench: Bench) -> None:
        monkeypatch.setattr(JobHistory, refuses, is_full)
        await bench.schedule(16 * MINUTE, a={"every": "15m"})

    bench = virtually(tmp_path, work, ends=Outcome.FAILED)
    said = {
        "begin": "job a did not run: jobs.db cannot be used: database or disk is full",
        "end": "job a failed: last line",
    }
    assert [notice.text for notice in bench.told] == [said[refuses]]


def test_history_is_bounded_and_a_killed_run_is_closed(tmp_path: Path) -> None:
    history = JobHistory(tmp_path)
    for minute in range(250):
        history.begin("a", minute, minute)
    history.begin("b", 0, 0)
    history.close_open(999)

    assert len(history.runs("a", 1_000)) == 200
    assert history.last_due("a") == 249
    assert {run.outcome for run in history.runs(last=1_000)} == {Outcome.STOPPED}
    assert history.last_due("never") is None


CONFIGURATION = """
collect:
  url: http://127.0.0.1:1
  series: [{symbols: [OKX:BTC/USDT, OKX:ETH/USDT], timeframe: 1h}]
jobs:
  fetch: {do: collect, every: 1h}
  one: {do: collect, every: 1h, symbols: [OKX:LTC/USDT], timeframe: 4h}
  look: {do: check, every: 1h}
  test: {do: backtest, every: 1h, use: trend.py, symbols: [US:AAPL], timeframe: 1d,
         arguments: [--cash, "5"]}
  made: {do: features, every: 1h, use: TrendFollow, symbols: [US:AAPL]}
  mine: {do: command, every: 1h, arguments: [/bin/echo, hello]}
"""


def a_configuration(folder: Path, text: str = CONFIGURATION) -> Any:
    file = folder / "algotrader.yaml"
    file.write_text(text)
    return load(file, environment={})


def test_jobs_are_commands_that_a_person_could_type(tmp_path: Path) -> None:
    configuration = a_configuration(tmp_path)
    jobs = configuration.settings.jobs
    typed = {
        name: [" ".join(command[3:]) for command in commands_of(jobs[name], configuration)]
        for name in jobs if name != "mine"
    }  # fmt: skip

    config = f" --config {tmp_path / 'algotrader.yaml'}"
    base = " --base-url http://127.0.0.1:1"
    assert typed == {
        "fetch": [f"data download OKX:BTC/USDT OKX:ETH/USDT --timeframe 1h{base}{config}"],
        "one": [f"data download OKX:LTC/USDT --timeframe 4h{base}{config}"],
        "look": [f"data check{config}"],
        "test": [f"backtest trend.py --symbol US:AAPL --timeframe 1d --cash 5{config}"],
        "made": [f"data features TrendFollow --symbol US:AAPL{config}"],
    }
    assert commands_of(jobs["look"], configuration)[0][:3] == [sys.executable, "-m", "algotrader"]
    assert commands_of(jobs["mine"], configuration) == [["/bin/echo", "hello"]]


async def no_summary() -> str:
    return "all is well"


def ran(folder: Path, arguments: list[str], **changes: Any) -> Result:
    job = JobSettings(**{"do": "command", "every": "1h", "arguments": arguments} | changes)
    work = JobWork(a_configuration(folder), folder / "jobs", no_summary, Redactor())
    return asyncio.run(_awaited(work("mine", job)))


async def _awaited(work: Awaitable[Result]) -> Result:
    return await work


@pytest.mark.parametrize(
    ("code", "outcome"), [(0, Outcome.DONE), (1, Outcome.FINDINGS), (3, Outcome.FAILED)]
)
def test_a_process_ends_as_its_exit_code_says(tmp_path: Path, code: int, outcome: Outcome) -> None:
    result = ran(tmp_path, ["/bin/sh", "-c", f"echo out; echo err >&2; exit {code}"])

    assert result == Result(outcome=outcome, says="out\nerr")


def test_a_program_that_is_not_there_and_one_that_does_not_end(tmp_path: Path) -> None:
    gone = ran(tmp_path, ["/no/such/program"])
    slow = ran(tmp_path, ["/bin/sh", "-c", "sleep 30 & sleep 30"], timeout_s=0.2)

    assert gone == Result(
        outcome=Outcome.FAILED, says="/no/such/program: no such file or directory"
    )
    assert slow.outcome is Outcome.TIMED_OUT


def test_what_a_job_started_ends_with_it_though_it_does_not_want_to(tmp_path: Path) -> None:
    file = tmp_path / "stubborn"
    script = f"(trap '' TERM; echo $BASHPID > {file}; while :; do sleep 0.1; done) & wait"

    result = ran(tmp_path, ["/bin/bash", "-c", script], timeout_s=0.5)

    assert result.outcome is Outcome.TIMED_OUT
    number = int(file.read_text())
    end_s = time.monotonic() + 5
    while not is_over(number) and time.monotonic() < end_s:
        time.sleep(0.02)
    assert is_over(number)


def test_one_job_runs_once_at_a_time_also_by_hand(tmp_path: Path) -> None:
    work = JobWork(a_configuration(tmp_path), tmp_path / "jobs", no_summary, Redactor())
    job = JobSettings(do="command", every=60, arguments=("/bin/sleep", "1"))

    async def both() -> None:
        first = asyncio.ensure_future(work("mine", job))
        await asyncio.sleep(0.1)
        with pytest.raises(BusyError, match="mine runs already"):
            await work("mine", job)
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)
        assert (await work("other", job.model_copy(update={"do": "daily_summary"}))).says == (
            "all is well"
        )

    asyncio.run(both())


def test_a_second_scheduler_of_a_workspace_is_refused(tmp_path: Path) -> None:
    configuration = a_configuration(tmp_path)

    async def two() -> None:
        clock = LoopClock(VirtualLoop())
        bench = Bench(folder=tmp_path, clock=clock)
        first = asyncio.ensure_future(SchedulerRole(configuration, clock, bench).run())
        await asyncio.sleep(0.05)
        with pytest.raises(UsageError, match="runs already"):
            await SchedulerRole(configuration, clock, bench).run()
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)

    asyncio.run(two())


def test_without_jobs_there_is_nothing_to_schedule(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="no job is configured"):
        SchedulerRole(
            a_configuration(tmp_path, ""), LoopClock(VirtualLoop()),
            Bench(folder=tmp_path, clock=None),
        )  # fmt: skip
