"""A process ends by itself, after its time, or by a signal; what its work raises is raised."""

from __future__ import annotations

import asyncio
import os
import signal

import pytest

from algotrader.ops.stopping import Ended, until_stopped


async def for_ever(log: list[str]) -> None:
    try:
        await asyncio.Event().wait()
    finally:
        log.append("finished what it wrote")


@pytest.mark.parametrize(
    ("number", "ended"),
    [(signal.SIGTERM, Ended.TERMINATED), (signal.SIGINT, Ended.INTERRUPTED)],
)
def test_F07_a_signal_lets_the_work_finish_and_says_which_it_was(
    number: signal.Signals, ended: Ended
) -> None:
    log: list[str] = []

    async def run() -> Ended:
        loop = asyncio.get_running_loop()
        loop.call_later(0.05, os.kill, os.getpid(), number)
        return await until_stopped(for_ever(log), None, on_signal=lambda: log.append("asked"))

    assert asyncio.run(run()) is ended
    assert log == ["asked", "finished what it wrote"]


def test_it_ends_after_its_time_and_by_itself() -> None:
    async def nothing() -> None:
        return None

    log: list[str] = []
    assert asyncio.run(until_stopped(for_ever(log), 0.05)) is Ended.TIME
    assert log == ["finished what it wrote"]
    assert asyncio.run(until_stopped(nothing(), None)) is Ended.BY_ITSELF


def test_what_the_work_raises_is_raised_also_while_it_ends() -> None:
    async def fails() -> None:
        raise ValueError("at once")

    async def fails_late() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            raise ValueError("while it ended")

    with pytest.raises(ValueError, match="at once"):
        asyncio.run(until_stopped(fails(), None))
    with pytest.raises(ValueError, match="while it ended"):
        asyncio.run(until_stopped(fails_late(), 0.05))
