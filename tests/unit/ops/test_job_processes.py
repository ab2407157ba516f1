"""What a job prints and leaves: no secret is kept, and nothing outlives the scheduler."""

from __future__ import annotations

import asyncio
import signal
import stat
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.builders.processes import is_over

from algotrader.ops.config import load
from algotrader.ops.observing.redaction import Redactor
from algotrader.ops.scheduling import running
from algotrader.ops.scheduling.alone import BusyError, alone, is_running
from algotrader.ops.scheduling.history import JobHistory, Outcome
from algotrader.ops.scheduling.running import JobWork, Result
from algotrader.ops.scheduling.settings import JobSettings
from algotrader.ops.tether import ENDS_WITHIN_S

SECRET = "k" * 40
SCHEDULER = """
    import asyncio
    from pathlib import Path
    from algotrader.ops.config import load
    from algotrader.ops.observing.redaction import Redactor
    from algotrader.ops.scheduling.history import JobHistory
    from algotrader.ops.scheduling.running import JobWork
    from algotrader.ops.scheduling.settings import JobSettings

    folder = Path({folder!r})
    job = JobSettings(do="command", every=60, arguments=("/bin/bash", "-c", {script!r}))
    work = JobWork(load(folder / "algotrader.yaml", environment={{}}), folder, None, Redactor())
    JobHistory(folder).begin("mine", 0, 0)
    asyncio.run(work("mine", job))
"""


def a_job(script: str) -> JobSettings:
    return JobSettings(do="command", every=60, arguments=("/bin/bash", "-c", script))


def a_work(folder: Path) -> JobWork:
    async def no_summary() -> str:
        return ""

    file = folder / "algotrader.yaml"
    file.touch()
    return JobWork(load(file, environment={}), folder, no_summary, Redactor())


def run(folder: Path, script: str) -> Result:
    async def once() -> Result:
        return await a_work(folder)("mine", a_job(script))

    return asyncio.run(once())


def wait_for(is_so: Callable[[], bool], seconds: float) -> bool:
    end_s = time.monotonic() + seconds
    while not is_so() and time.monotonic() < end_s:
        time.sleep(0.05)
    return is_so()


def test_f69_what_a_job_prints_is_kept_without_secrets(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(f"OTHER_API_KEY={SECRET}\n")
    script = f"echo {SECRET}; echo 'GET https://host/x?apikey=abcdefgh&n=1'; echo done"

    result = run(tmp_path, script)

    assert result.says == "***\nGET https://host/x?apikey=***&n=1\ndone"
    assert (tmp_path / "mine.log").read_text() == f"{result.says}\n"
    kept = b"".join(one.read_bytes() for one in tmp_path.glob("mine*"))
    assert SECRET.encode() not in kept
    assert b"abcdefgh" not in kept


def test_f69_a_cut_leaves_no_half_of_a_secret(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running, "_KEPT_BYTES", 50)
    (tmp_path / ".env").write_text(f"OTHER_API_KEY={SECRET}\n")

    result = run(tmp_path, f"echo {SECRET}; echo {'x' * 19}; echo last")

    assert result.says == f"…\n{'x' * 19}\nlast"


def test_f69_the_end_of_one_endless_line_is_kept(tmp_path: Path) -> None:
    script = f"head -c 300000 /dev/zero | tr '\\0' x; echo ' {SECRET} end'"
    (tmp_path / ".env").write_text(f"OTHER_API_KEY={SECRET}\n")

    result = run(tmp_path, script)

    assert result.says.endswith("xxx *** end")
    assert (tmp_path / "mine.log").stat().st_size < 200_000


def test_f69_what_is_being_printed_is_the_owners_alone(tmp_path: Path) -> None:
    result = run(tmp_path, f"stat -c %a {tmp_path}/mine.log; nice")

    assert result.says == "600\n10"
    assert stat.S_IMODE((tmp_path / "mine.log").stat().st_mode) & 0o077 in (0, 0o044)


def test_f69_history_keeps_nothing_that_is_to_be_hidden(tmp_path: Path) -> None:
    history = JobHistory(tmp_path, Redactor([SECRET]).text)
    history.end(history.begin("a", 0, 0), 1, Outcome.FAILED, f"OSError('{SECRET}')")
    history.pass_over("a", 1, 1, Outcome.MISSED, SECRET)

    assert SECRET.encode() not in b"".join(one.read_bytes() for one in tmp_path.iterdir())
    assert [one.says for one in history.runs("a")] == ["***", "OSError('***')"]


def test_a_job_ends_with_a_scheduler_that_is_killed_and_its_run_is_over(tmp_path: Path) -> None:
    """Also what it started, though it does not want to; nobody runs the job again before."""
    (tmp_path / "algotrader.yaml").touch()
    script = f"(trap '' TERM; echo $BASHPID > {tmp_path}/inner; while :; do sleep 0.1; done) & wait"
    code = textwrap.dedent(SCHEDULER).format(folder=str(tmp_path), script=script)
    scheduler = subprocess.Popen([sys.executable, "-c", code])
    inner = tmp_path / "inner"
    assert wait_for(lambda: inner.exists() and bool(inner.read_text().strip()), 20)
    number, history = int(inner.read_text()), JobHistory(tmp_path)
    assert history.runs()[0].outcome is Outcome.RUNNING
    history.close_open(1)  # another scheduler starts while this one runs the job
    assert history.runs()[0].outcome is Outcome.RUNNING

    scheduler.send_signal(signal.SIGKILL)
    scheduler.wait()
    assert is_running(tmp_path, "mine")
    began_s = time.monotonic()
    result = run(tmp_path, "echo again")

    assert result.says == "again"
    assert wait_for(lambda: is_over(number), 1)
    assert time.monotonic() - began_s < ENDS_WITHIN_S
    assert history.runs()[0].outcome is Outcome.STOPPED
    history.close_open(5)
    assert (history.runs()[0].outcome, history.runs()[0].ended_ms) == (Outcome.STOPPED, 5)


def test_only_the_newest_run_of_a_job_that_is_held_is_running(tmp_path: Path) -> None:
    history = JobHistory(tmp_path)
    for job in ("mine", "mine", "other"):
        history.begin(job, 0, 0)

    async def held() -> list[Outcome]:
        async with alone(tmp_path, "mine"):
            return [one.outcome for one in history.runs()]

    assert asyncio.run(held()) == [Outcome.STOPPED, Outcome.RUNNING, Outcome.STOPPED]


def test_what_a_job_started_ends_with_a_tether_that_is_killed(tmp_path: Path) -> None:
    result = run(tmp_path, "sleep 60 & echo $!; kill -9 $PPID; sleep 60")

    assert result.outcome is Outcome.FAILED
    assert wait_for(lambda: is_over(int(result.says)), 5)


def test_a_look_at_a_job_keeps_nobody_from_running_it(tmp_path: Path) -> None:
    async def looked_at() -> Result:
        working = asyncio.ensure_future(a_work(tmp_path)("mine", a_job("echo done")))
        while not working.done():
            is_running(tmp_path, "mine")
            await asyncio.sleep(0)
        return working.result()

    assert asyncio.run(looked_at()).says == "done"
    assert not is_running(tmp_path, "mine")


def test_a_job_whose_owner_lives_is_busy_at_once(tmp_path: Path) -> None:
    async def twice() -> float:
        work = a_work(tmp_path)
        first = asyncio.ensure_future(work("mine", a_job("sleep 5")))
        while not is_running(tmp_path, "mine"):
            await asyncio.sleep(0.01)
        began_s = time.monotonic()
        with pytest.raises(BusyError):
            await work("mine", a_job("true"))
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)
        return time.monotonic() - began_s

    assert asyncio.run(twice()) < 3
