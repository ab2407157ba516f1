"""Works that a person starts from the console: a backtest, a sweep, a download.

Each is a command of ours in a process of its own, at a lower priority than trading, so what it does
and what the same command does by hand cannot differ. What it prints stays in a folder of its own:
`work.json` says what became of it, `out.json` is its result.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import shutil
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from enum import StrEnum
from typing import Any, Final

import msgspec

from algotrader.core.errors import RunError, UsageError
from algotrader.core.instants import utc_ms
from algotrader.core.ports import Clock
from algotrader.ops.config import Configuration
from algotrader.ops.console_process import without_secrets
from algotrader.ops.exit_codes import DONE, WORTH_A_LOOK
from algotrader.ops.tether import tethered
from algotrader.ops.works_progress import PROGRESS

FOLDER: Final = "works"
_AT_ONCE: Final = 1  # beside a trader on a small machine
_MOST_WAITING: Final = 20
_KEPT: Final = 200
_LAST_S: Final = 5.0
_SAID_CHARS: Final = 4_000
_LONGEST_S: Final = 6 * 3_600.0


class WorkState(StrEnum):
    """How far a work is."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FINDINGS = "findings"  # it worked, and found something (exit code 1 or 4)
    FAILED = "failed"
    CANCELLED = "cancelled"
    STOPPED = "stopped"  # the process that held it ended


_OVER: Final = frozenset(WorkState) - {WorkState.WAITING, WorkState.RUNNING}


class Work(msgspec.Struct, frozen=True, kw_only=True):
    """One command that was asked for. Times are UTC ms."""

    id: str
    kind: str  # `backtest`, `sweep`, `walkforward`, `download`, `repair`, `check`
    command: tuple[str, ...]  # after `algotrader`
    by: str
    asked_ms: int
    state: WorkState = WorkState.WAITING
    started_ms: int | None = None
    ended_ms: int | None = None
    error: dict[str, str | None] | None = None  # code, message, hint

    @property
    def is_over(self) -> bool:
        return self.state in _OVER


class Works:
    """The works of a workspace, kept in its `live` folder. `run` for ever in the event loop."""

    def __init__(
        self,
        configuration: Configuration,
        clock: Clock,
        environment: Mapping[str, str] = os.environ,
        on_change: Callable[[Work], None] = lambda _: None,
    ) -> None:
        self._configuration = configuration
        self._clock = clock
        self._environment = without_secrets(environment)
        self._on_change = on_change
        self._folder = configuration.path(configuration.settings.workspace.live) / FOLDER
        self._works: dict[str, Work] = {}
        self._waiting: asyncio.Queue[str] = asyncio.Queue()
        self._processes: dict[str, asyncio.subprocess.Process] = {}
        self._read()

    def all(self) -> list[Work]:
        """The newest first."""
        return sorted(self._works.values(), key=lambda one: (one.asked_ms, one.id), reverse=True)

    def __getitem__(self, work: str) -> Work:
        """KeyError if there is none."""
        return self._works[work]

    def __contains__(self, work: object) -> bool:
        return work in self._works

    def begin(self, kind: str, command: Sequence[str], by: str) -> Work:
        """Take a work in. UsageError where too many wait, RunError if it cannot be written."""
        if sum(not one.is_over for one in self._works.values()) >= _MOST_WAITING:
            raise UsageError(
                "works.full", f"{_MOST_WAITING} works wait already", hint="cancel one, or wait"
            )
        work = Work(
            id=secrets.token_hex(5), kind=kind, command=tuple(command), by=by,
            asked_ms=utc_ms(self._clock.now()),
        )  # fmt: skip
        self._keep(work)
        self._waiting.put_nowait(work.id)
        self._prune()
        return work

    def cancel(self, work: str) -> Work:
        """End a work, or take it out of the queue; nothing for one that is over."""
        found = self._works[work]
        if found.is_over:
            return found
        ended = msgspec.structs.replace(
            found, state=WorkState.CANCELLED, ended_ms=utc_ms(self._clock.now())
        )
        self._keep(ended)
        if work in self._processes:
            _signal(self._processes[work], signal.SIGTERM)
        return ended

    def progress(self, work: str) -> tuple[int, int] | None:
        """How much is done of how much; None where that is not known."""
        try:
            done, _, total = (self._folder / work / "progress").read_text().partition(" ")
            return int(done), int(total)
        except (OSError, ValueError):
            return None

    def result(self, work: str) -> Any:
        """What it printed as its result; None before its end, or where it printed none."""
        try:
            return msgspec.json.decode((self._folder / work / "out.json").read_bytes())
        except (OSError, msgspec.DecodeError):
            return None

    def says(self, work: str) -> str:
        """The end of what it said."""
        with suppress(OSError), (self._folder / work / "said.log").open("rb") as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - _SAID_CHARS))
            return file.read().decode("utf-8", errors="replace").strip()
        return ""

    async def run(self) -> None:
        """Do what waits, for ever; what runs when this is cancelled is ended."""
        try:
            await asyncio.gather(*(self._serve() for _ in range(_AT_ONCE)))
        finally:
            for process in self._processes.values():
                _signal(process, signal.SIGTERM)

    async def _serve(self) -> None:
        while True:
            work = self._works.get(await self._waiting.get())
            if work is not None and not work.is_over:
                await self._do(work)

    async def _do(self, work: Work) -> None:
        folder = self._folder / work.id
        self._keep(msgspec.structs.replace(work, state=WorkState.RUNNING, started_ms=self._now()))
        try:
            with (folder / "out.json").open("wb") as out, (folder / "said.log").open("wb") as said:
                process = await asyncio.create_subprocess_exec(
                    *tethered(self._words(work)), cwd=self._configuration.folder, stdout=out, stderr=said,
                    stdin=asyncio.subprocess.DEVNULL, start_new_session=True,
                    env=self._environment | {PROGRESS: str(folder / "progress")},
                )  # fmt: skip
        except OSError as error:
            told: dict[str, str | None] = {
                "code": "works.start", "message": str(error), "hint": None
            }  # fmt: skip
            self._end(work.id, WorkState.FAILED, told)
            return
        self._processes[work.id] = process
        try:
            await self._wait(process, work.id)
        finally:
            del self._processes[work.id]

    async def _wait(self, process: asyncio.subprocess.Process, work: str) -> None:
        try:
            code = await asyncio.wait_for(process.wait(), _LONGEST_S)
        except (TimeoutError, asyncio.CancelledError) as stopped:
            _signal(process, signal.SIGTERM)
            with suppress(TimeoutError):
                await asyncio.wait_for(process.wait(), _LAST_S)
            _signal(process, signal.SIGKILL)
            self._end(work, WorkState.STOPPED, None)
            if isinstance(stopped, asyncio.CancelledError):
                raise
            return
        printed = self.result(work)
        refused = printed.get("error") if isinstance(printed, dict) else None
        state = WorkState.DONE if code == DONE else WorkState.FAILED
        if code in WORTH_A_LOOK:
            state = WorkState.FINDINGS
        self._end(work, state, refused if state is WorkState.FAILED else None)

    def _end(self, work: str, state: WorkState, error: dict[str, str | None] | None) -> None:
        found = self._works[work]
        if found.state is WorkState.CANCELLED:
            state, error = WorkState.CANCELLED, None
        self._keep(msgspec.structs.replace(found, state=state, ended_ms=self._now(), error=error))

    def _words(self, work: Work) -> list[str]:
        file = self._configuration.file
        config = [] if file is None else ["--config", str(file.resolve())]
        return [sys.executable, "-m", "algotrader", *work.command, *config, "--json"]

    def _now(self) -> int:
        return utc_ms(self._clock.now())

    def _keep(self, work: Work) -> None:
        folder = self._folder / work.id
        try:
            folder.mkdir(parents=True, exist_ok=True)
            aside = folder / ".work.json"
            aside.write_bytes(msgspec.json.encode(work))
            aside.replace(folder / "work.json")
        except OSError as error:
            raise RunError(
                "works.unwritable", f"{folder} cannot be written: {error.strerror or error}",
                hint="free space on the disk, or mend the rights of workspace.live",
            ) from error  # fmt: skip
        self._works[work.id] = work
        self._on_change(work)

    def _read(self) -> None:
        """What was there before; what ran then ended with the process that held it."""
        for file in sorted(self._folder.glob("*/work.json")):
            try:
                work = msgspec.json.decode(file.read_bytes(), type=Work)
            except (OSError, msgspec.MsgspecError):
                continue
            self._works[work.id] = work
            if not work.is_over:
                self._end(work.id, WorkState.STOPPED, None)

    def _prune(self) -> None:
        for old in self.all()[_KEPT:]:
            if old.is_over:
                shutil.rmtree(self._folder / old.id, ignore_errors=True)
                del self._works[old.id]


def _signal(process: asyncio.subprocess.Process, number: signal.Signals) -> None:
    """To it and all that it started."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, number)
