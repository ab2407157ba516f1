"""Many seeds on all cores: progress, a file of what is done so that it can be gone on with, a summary.

What was run is kept by the hash of the code it ran on: another line of the engine begins anew.
"""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from types import FrameType
from typing import IO, Final

import msgspec
from tests.simulation.blocks import SeedBlock, run_block
from tests.simulation.seeds import explained

ROOT: Final = Path(__file__).parents[2]
KEPT: Final = ROOT / "build" / "simulation"
BLOCK: Final = 20  # seeds that are handed out together: lost when it is interrupted
MOST_FAILURES: Final = 10  # then nothing more is handed out
OFTEN_S, SELDOM_S = 1.0, 60.0  # lines of progress, on a terminal and in a file


@dataclass(slots=True, kw_only=True)
class Tally:
    """All blocks of one selection that are done."""

    wanted: int
    blocks: list[SeedBlock] = field(default_factory=list)

    def seeds(self) -> int:
        return sum(block.count for block in self.blocks)

    def failures(self) -> dict[int, str]:
        return {seed: text for block in self.blocks for seed, text in block.failures.items()}

    def summary(self, jobs: int) -> str:
        """Seeds, their speed, the faults that struck, the failures."""
        cpu_s = sum(block.cpu_s for block in self.blocks) or 1e-9
        events = sum(block.events for block in self.blocks)
        struck: Counter[str] = Counter()
        for block in self.blocks:
            struck.update(block.faults)
        faults = "\n".join(f"  {name:14} {count:>14,}" for name, count in sorted(struck.items()))
        return (
            f"seeds     {self.seeds():,} of {self.wanted:,}\n"
            f"a second  {self.seeds() / cpu_s:.1f} seeds, {events / cpu_s:,.0f} events a core; "
            f"{jobs} at once\n"
            f"events    {events:,}\n"
            f"faults that struck\n{faults}\n"
            f"failures  {len(self.failures())}\n"
        )


class SeedRecord:
    """Blocks that were run on this code, a line each. A line that was cut counts for nothing."""

    def __init__(self, path: Path) -> None:
        self._path = path
        path.parent.mkdir(parents=True, exist_ok=True)

    def within(self, first: int, count: int) -> list[SeedBlock]:
        """Those that lie wholly within these seeds, none twice."""
        found: list[SeedBlock] = []
        for block in sorted(self._all(), key=lambda one: (one.first, -one.count)):
            begins = max(first, found[-1].first + found[-1].count) if found else first
            if begins <= block.first and block.first + block.count <= first + count:
                found.append(block)
        return found

    def add(self, block: SeedBlock) -> None:
        with self._path.open("ab") as file:
            file.write(b"\n" + msgspec.json.encode(block))

    def _all(self) -> Iterator[SeedBlock]:
        for line in self._path.read_bytes().splitlines() if self._path.exists() else ():
            try:
                yield msgspec.json.decode(line, type=SeedBlock)
            except msgspec.DecodeError:
                continue


def code_hash() -> str:
    """Of every module that a history runs on, the tests' own among them."""
    run_block(0, 1)  # imports what is imported late
    digest = blake2b(digest_size=8)
    for name, module in sorted(sys.modules.items()):
        path = getattr(module, "__file__", None)
        if path and name.partition(".")[0] in ("algotrader", "tests"):
            digest.update(Path(path).read_bytes())
    return digest.hexdigest()


def missing(first: int, count: int, done: Sequence[SeedBlock]) -> Iterator[tuple[int, int]]:
    """What is left of these seeds, in blocks."""
    at = first
    for begins, ends in [*((one.first, one.first + one.count) for one in done), (first + count, 0)]:
        while at < begins:
            size = min(BLOCK - at % BLOCK, begins - at)
            yield at, size
            at += size
        at = max(at, ends)


class _Stopped(Exception):  # noqa: N818 - nothing is wrong
    """A person had enough."""


def run(first: int, count: int, jobs: int, record: SeedRecord, out: IO[str], err: IO[str]) -> int:
    """0 if every seed holds, 1 and a readable account of the first found that breaks; 130 if stopped."""
    tally = Tally(wanted=count, blocks=record.within(first, count))
    progress = _Progress(tally, jobs, err)
    for seed, text in tally.failures().items():
        out.write(f"seed {seed}: {text}\n")
    is_told = bool(tally.failures())
    todo = missing(first, count, list(tally.blocks))
    stopped = False
    try:
        with _signals():
            for block in _run_all(
                todo, jobs, lambda: len(tally.failures()) >= MOST_FAILURES, progress
            ):
                record.add(block)
                tally.blocks.append(block)
                for seed, text in block.failures.items():
                    out.write(f"seed {seed}: {text}\n")
                    if not is_told:
                        out.write(explained(seed))
                        is_told = True
                    out.flush()
    except _Stopped:
        stopped = True
    progress.line(is_last=True)
    out.write(tally.summary(jobs))
    if tally.failures():
        return 1
    return 130 if stopped else 0


def _run_all(
    todo: Iterator[tuple[int, int]], jobs: int, is_enough: Callable[[], bool], progress: _Progress
) -> Iterator[SeedBlock]:
    """Blocks as they are done, by so many processes."""
    selector = selectors.DefaultSelector()
    workers = [_worker() for _ in range(jobs)]
    try:
        busy = [worker for worker in workers if _hand_out(worker, todo)]
        for worker in busy:
            selector.register(_output(worker), selectors.EVENT_READ, worker)
        while selector.get_map():
            for key, _ in selector.select(progress.every_s):
                worker = key.data
                if not (line := _output(worker).readline()):
                    raise RuntimeError("a process that runs seeds ended by itself")
                yield msgspec.json.decode(line, type=SeedBlock)
                if is_enough() or not _hand_out(worker, todo):
                    selector.unregister(key.fileobj)
            progress.line()
    finally:
        for worker in workers:
            worker.kill()
            worker.wait()
            for pipe in (worker.stdin, worker.stdout):
                if pipe is not None:
                    pipe.close()


def _worker() -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "tests.simulation.blocks"], cwd=ROOT, bufsize=0,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        start_new_session=True,  # Ctrl-C is ours alone
    )  # fmt: skip


def _hand_out(worker: subprocess.Popen[bytes], todo: Iterator[tuple[int, int]]) -> bool:
    """Whether there was something left to hand out."""
    block = next(todo, None)
    if block is None:
        return False
    assert worker.stdin is not None
    worker.stdin.write(b"%d %d\n" % block)
    return True


def _output(worker: subprocess.Popen[bytes]) -> IO[bytes]:
    assert worker.stdout is not None
    return worker.stdout


class _signals:  # noqa: N801 - a context manager
    """Ctrl-C and SIGTERM end the run where the summary is still printed."""

    def __enter__(self) -> None:
        self._before = [(one, signal.signal(one, _stop)) for one in (signal.SIGINT, signal.SIGTERM)]

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before:
            signal.signal(number, handler)


def _stop(number: int, frame: FrameType | None) -> None:
    raise _Stopped


class _Progress:
    """Seeds done, their speed, the time left: on a terminal in one line that changes."""

    def __init__(self, tally: Tally, jobs: int, err: IO[str]) -> None:
        self._tally = tally
        self._jobs = jobs
        self._err = err
        self._is_terminal = err.isatty()
        self.every_s = OFTEN_S if self._is_terminal else SELDOM_S
        self._begun = self._shown = time.monotonic()
        self._before = len(tally.blocks)
        if tally.blocks:
            err.write(f"{tally.seeds():,} of {tally.wanted:,} seeds were run before on this code\n")

    def line(self, *, is_last: bool = False) -> None:
        now = time.monotonic()
        if not is_last and now - self._shown < self.every_s:
            return
        self._shown = now
        new = self._tally.blocks[self._before :]
        took_s = max(now - self._begun, 1e-9)
        rate = sum(block.count for block in new) / took_s
        events = sum(block.events for block in new) / took_s
        left = self._tally.wanted - self._tally.seeds()
        text = (
            f"{self._tally.seeds():,} of {self._tally.wanted:,} seeds, {rate:.1f} seeds/s, "
            f"{events:,.0f} events/s, {len(self._tally.failures())} failures, "
            f"{_spelt(left / rate) if rate else '?'} left"
        )
        end = "\n" if is_last or not self._is_terminal else ""
        self._err.write(f"\r{text:<90}{end}" if self._is_terminal else f"{text}{end}")
        self._err.flush()


def _spelt(seconds: float) -> str:
    hours, rest = divmod(round(seconds), 3600)
    return f"{hours} h {rest // 60:02} min" if hours else f"{rest // 60} min {rest % 60:02} s"


def cores() -> int:
    """Those this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
