"""Progress of long work on standard error, with the time left."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from algotrader.cli.output import Output
from algotrader.ops.works_progress import PROGRESS

_EVERY_S = 0.2


def _written(file: Path) -> Callable[[int, int], None]:
    """Writes into a file how far the work is, a few times a second."""
    last_s = 0.0

    def write(done: int, total: int) -> None:
        nonlocal last_s
        now_s = time.monotonic()
        if done == total or now_s - last_s >= _EVERY_S:
            last_s = now_s
            with suppress(OSError):  # who asked may be gone
                aside = file.with_suffix(".new")
                aside.write_text(f"{done} {total}")
                aside.replace(file)

    return write


@contextmanager
def shown_progress(
    out: Output, what: str, *, counted: bool = True
) -> Iterator[Callable[[int, int], None] | None]:
    """Gives a function of (done, all); nothing is drawn with --quiet, --json or without a terminal.

    What is `counted` is shown as 12/40, all else in percent. Who started the command may have named
    a file that is told instead.
    """
    if told := os.environ.get(PROGRESS):
        yield _written(Path(told))
        return
    if out.quiet or out.json or not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TaskProgressColumn,
        TimeRemainingColumn,
    )

    amount = MofNCompleteColumn() if counted else TaskProgressColumn()
    console = Console(stderr=True)
    bar = Progress(
        what, BarColumn(), amount, TimeRemainingColumn(), console=console, transient=True
    )
    with bar:
        task = bar.add_task(what)
        yield lambda done, total: bar.update(task, completed=done, total=total)
