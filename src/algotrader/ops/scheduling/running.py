"""How a job runs: commands in processes of their own, at a lower priority than trading."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

from algotrader.core.errors import AlgotraderError, ConfigurationError, RunError
from algotrader.data.storage import write_all
from algotrader.ops.config import Configuration
from algotrader.ops.observing.redaction import LONGEST_SECRET, Redactor
from algotrader.ops.observing.wiring import learn_dotenv
from algotrader.ops.scheduling.alone import alone
from algotrader.ops.scheduling.history import Outcome
from algotrader.ops.scheduling.settings import JobSettings
from algotrader.ops.tether import tethered

log = logging.getLogger(__name__)
_KEPT_BYTES: Final = 50_000  # of what the last run printed: a search of it holds up a trader
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


class JobWork:
    """Runs any job of a workspace; `summary` does `daily_summary`, which needs no process."""

    def __init__(
        self,
        configuration: Configuration,
        folder: Path,
        summary: Callable[[], Awaitable[str]],
        redactor: Redactor,
    ) -> None:
        """`redactor` takes the secrets out of what a job prints."""
        self._configuration = configuration
        self._redactor = redactor
        self._folder = folder  # of what is printed, and of locks
        self._summary = summary

    async def __call__(self, name: str, job: JobSettings) -> Result:
        """See `Work`. BusyError if it runs already."""
        async with alone(self._folder, name) as held:
            if job.do == "daily_summary":
                return await self._summarise()
            return await self._run(name, job, held)

    async def _summarise(self) -> Result:
        try:
            return Result(outcome=Outcome.DONE, says=await self._summary())
        except AlgotraderError as error:
            return Result(outcome=Outcome.FAILED, says=error.message)

    async def _run(self, name: str, job: JobSettings, held: int) -> Result:
        printed = self._folder / f"{name}.log"
        worst = Outcome.DONE
        with _opened(printed) as file:
            try:
                for command in commands_of(job, self._configuration):
                    outcome = await self._one(command, file, job.timeout_s, held)
                    if outcome is not Outcome.DONE:
                        worst = outcome
                    if outcome in (Outcome.FAILED, Outcome.TIMED_OUT):
                        break
            finally:
                with suppress(ConfigurationError):  # what it had at the start is hidden anyway
                    learn_dotenv(self._redactor, self._configuration)
                says = await asyncio.to_thread(_kept, printed, self._redactor)
        return Result(outcome=worst, says=says)

    async def _one(
        self, command: list[str], printed: IO[bytes], timeout_s: float, held: int
    ) -> Outcome:
        try:
            process = await asyncio.create_subprocess_exec(
                *tethered(command), cwd=self._configuration.folder,
                stdin=asyncio.subprocess.DEVNULL, stdout=printed, stderr=printed,
                start_new_session=True, pass_fds=(held,),
            )  # fmt: skip
        except OSError as error:
            printed.write(f"{command[0]}: {(error.strerror or str(error)).lower()}\n".encode())
            printed.flush()
            return Outcome.FAILED
        try:
            code = await asyncio.wait_for(process.wait(), timeout_s)
        except TimeoutError:
            await _end(process)
            return Outcome.TIMED_OUT
        except asyncio.CancelledError:
            await _end(process)
            raise
        if code < 0:  # the tether was killed: what it held has to end too
            await _end(process)
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


def _opened(file: Path) -> IO[bytes]:
    """Begun anew, and nobody else's to read: a command may print what it should not."""
    file.unlink(missing_ok=True)
    return os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")


def _kept(file: Path, redactor: Redactor) -> str:
    """Leave of what was printed what may be read, no more than so much; the last of it."""
    with file.open("rb") as printed:
        left_out = max(0, os.fstat(printed.fileno()).st_size - _KEPT_BYTES)
        printed.seek(left_out)
        text = printed.read().decode("utf-8", errors="replace")
    if left_out:
        text = f"…\n{_without_a_half(text)}"
    text = redactor.whole(text)
    try:
        write_all({file: text.encode()})
    except (OSError, RunError) as error:
        log.warning("%s is not kept: %s", file, error)
        file.unlink(missing_ok=True)  # as it was printed it must not stay
    return text[-_SAID_CHARS:].strip()


def _without_a_half(text: str) -> str:
    """Without what a cut may have left of a secret at the beginning."""
    head, newline, rest = text.partition("\n")
    return rest if newline and len(head) < LONGEST_SECRET else text[LONGEST_SECRET:]
