"""Progress of long work on standard error, with the time left."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from algotrader.cli.output import Output


@contextmanager
def shown_progress(
    out: Output, what: str, *, counted: bool = True
) -> Iterator[Callable[[int, int], None] | None]:
    """Gives a function of (done, all); nothing is drawn with --quiet, --json or without a terminal.

    What is `counted` is shown as 12/40, all else in percent.
    """
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
