"""How a job runs: commands in processes of their own, at a lower priority than trading."""

from __future__ import annotations

import asyncio
import fcntl
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

from algotrader.core.errors import AlgotraderError
from algotrader.ops.config import Configuration
from algotrader.ops.scheduling.history import Outcome
from algotrader.ops.scheduling.settings import JobSettings

_NICE: Final = 10
_SAID_CHARS: Final = 2_000
_LAST_S: Final = 5.0  # between asking a process to end and ending it
_LOOK_S: Final = 0.05
_FINDINGS: Final = 1
_PROGRAM: Final = (sys.executable, "-m", "algotrader")


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What became of a job, and the last of what it printed."""

    outcome: Outcome
    says: str = ""


Work = Callable[[str, JobSettings], Awaitable[Result]]
"""Does a job. It never raises but for cancellation."""


class BusyError(Exception):
    """The job runs already, perhaps in another process."""


class JobWork:
    """Runs any job of a workspace; `summary` does `daily_summary`, which needs no process."""

    def __init__(
        self, configuration: Configuration, folder: Path, summary: Callable[[], Awaitable[str]]
    ) -> None:
        self._configuration = configuration
        self._folder = folder  # of what is printed, and of locks
        self._summary = summary

    async def __call__(self, name: str, job: JobSettings) -> Result:
        """See `Work`. BusyError if it runs already."""
        with _alone(self._folder, name):
            if job.do == "daily_summary":
                return await self._summarise()
            return await self._run(name, job)

    async def _summarise(self) -> Result:
        try:
            return Result(outcome=Outcome.DONE, says=await self._summary())
        except AlgotraderError as error:
            return Result(outcome=Outcome.FAILED, says=error.message)

    async def _run(self, name: str, job: JobSettings) -> Result:
        printed = self._folder / f"{name}.log"
        worst = Outcome.DONE
        with printed.open("wb") as file:
            for command in commands_of(job, self._configuration):
                outcome = await self._one(command, file, job.timeout_s)
                if outcome is not Outcome.DONE:
                    worst = outcome
                if outcome in (Outcome.FAILED, Outcome.TIMED_OUT):
                    break
        return Result(outcome=worst, says=_tail(printed))

    async def _one(self, command: list[str], printed: IO[bytes], timeout_s: float) -> Outcome:
        try:
            process = await asyncio.create_subprocess_exec(
                *command, cwd=self._configuration.folder, stdin=asyncio.subprocess.DEVNULL,
                stdout=printed, stderr=printed, start_new_session=True,
            )  # fmt: skip
        except OSError as error:
            printed.write(f"{command[0]}: {(error.strerror or str(error)).lower()}\n".encode())
            return Outcome.FAILED
        with suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, process.pid, _NICE)
        try:
            code = await asyncio.wait_for(process.wait(), timeout_s)
        except TimeoutError:
            await _end(process)
            return Outcome.TIMED_OUT
        except asyncio.CancelledError:
            await _end(process)
            raise
        return {0: Outcome.DONE, _FINDINGS: Outcome.FINDINGS}.get(code, Outcome.FAILED)


def commands_of(job: JobSettings, configuration: Configuration) -> list[list[str]]:
    """The processes of a job, one after the other: program and arguments."""
    if job.do == "command":
        return [list(job.arguments)]
    config = [] if configuration.file is None else ["--config", str(configuration.file.resolve())]
    own = {
        "collect": _downloads, "check": _checks, "features": _features, "backtest": _backtest,
    }[job.do]  # fmt: skip
    return [[*_PROGRAM, *words, *job.arguments, *config] for words in own(job, configuration)]


def _downloads(job: JobSettings, configuration: Configuration) -> list[list[str]]:
    from algotrader.ops.collecting import wanted

    settings = configuration.settings
    url = settings.collect.url or settings.trading.url
    base = ["--base-url", url] if url else []
    if job.symbols:
        frame = ["--timeframe", job.timeframe] if job.timeframe else []
        return [["data", "download", symbol, *frame, *base] for symbol in job.symbols]
    return [
        ["data", "download", *map(str, one.symbols), "--timeframe", str(one.timeframe), *base]
        for one in wanted(configuration)
    ]


def _checks(job: JobSettings, _: Configuration) -> list[list[str]]:
    frame = ["--timeframe", job.timeframe] if job.timeframe else []
    return [["data", "check", symbol, *frame] for symbol in job.symbols] or [["data", "check"]]


def _features(job: JobSettings, _: Configuration) -> list[list[str]]:
    return [["data", "features", *_on(job)]]


def _backtest(job: JobSettings, _: Configuration) -> list[list[str]]:
    return [["backtest", *_on(job)]]


def _on(job: JobSettings) -> list[str]:
    symbols = [word for symbol in job.symbols for word in ("--symbol", symbol)]
    frame = ["--timeframe", job.timeframe] if job.timeframe else []
    return [str(job.use), *symbols, *frame]


async def _end(process: asyncio.subprocess.Process) -> None:
    """Ask it and all that it started to end, then end them."""
    loop = asyncio.get_running_loop()
    until_s = loop.time() + _LAST_S
    with suppress(ProcessLookupError):  # the first may be gone before those it started
        os.killpg(process.pid, signal.SIGTERM)
        while loop.time() < until_s:
            await asyncio.sleep(_LOOK_S)
            os.killpg(process.pid, 0)
        os.killpg(process.pid, signal.SIGKILL)
    await process.wait()


@contextmanager
def _alone(folder: Path, name: str) -> Iterator[None]:
    """One run of a job at a time, also among processes; the system drops a dead one's lock."""
    folder.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(folder / f"{name}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise BusyError(f"{name} runs already") from error
        yield
    finally:
        os.close(descriptor)


def _tail(file: Path) -> str:
    with file.open("rb") as printed:
        printed.seek(max(0, file.stat().st_size - _SAID_CHARS))
        return printed.read().decode("utf-8", errors="replace").strip()
