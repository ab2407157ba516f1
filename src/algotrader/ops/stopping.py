"""A process that ends when it is asked to: SIGTERM and Ctrl-C let the work finish what it writes."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from collections.abc import Callable, Coroutine
from enum import StrEnum
from typing import Any, Final


class Ended(StrEnum):
    """Why long work came to its end."""

    BY_ITSELF = "by itself"
    TIME = "time"
    TERMINATED = "terminated"
    INTERRUPTED = "interrupted"


_SIGNALS = {signal.SIGTERM: Ended.TERMINATED, signal.SIGINT: Ended.INTERRUPTED}


_LAST_S: Final = 8.0


def run_until_stopped(work: Coroutine[Any, Any, None], for_s: float | None) -> Ended:
    """`until_stopped` as a process of its own, which is over ten seconds after a signal (F07).

    What hangs then, such as a request to a silent venue, is cut off: files are whole or not there,
    and a journal stands a kill at any instruction.
    """
    cut_off = threading.Timer(_LAST_S, os._exit, (0,))
    cut_off.daemon = True
    try:
        return asyncio.run(until_stopped(work, for_s, on_signal=cut_off.start))
    finally:
        cut_off.cancel()


async def until_stopped(
    work: Coroutine[Any, Any, None],
    for_s: float | None,
    *,
    on_signal: Callable[[], None] = lambda: None,
) -> Ended:
    """Run `work` to its end, for `for_s` seconds, or until a signal; it is cancelled then.

    What the work raises is raised. A second signal has the system's own effect.
    """
    loop = asyncio.get_running_loop()
    task, asked = asyncio.ensure_future(work), loop.create_future()

    def ask(number: int) -> None:
        loop.remove_signal_handler(number)
        if not asked.done():
            on_signal()
            asked.set_result(_SIGNALS[signal.Signals(number)])

    for number in _SIGNALS:
        loop.add_signal_handler(number, ask, number)
    try:
        await asyncio.wait({task, asked}, timeout=for_s, return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            task.result()
            return Ended.BY_ITSELF
        return asked.result() if asked.done() else Ended.TIME
    finally:
        for number in _SIGNALS:
            loop.remove_signal_handler(number)
        task.cancel()
        ended = await asyncio.gather(task, return_exceptions=True)
        _raise_failure(ended[0])


def _raise_failure(ended: BaseException | None) -> None:
    """What went wrong while the work ended is not kept quiet."""
    if ended is not None and not isinstance(ended, asyncio.CancelledError):
        raise ended
