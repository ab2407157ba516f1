"""A task that fails is started again with back-off, and its failures are counted (F09)."""

from __future__ import annotations

import asyncio

from algotrader.data.supervision import LONGEST_PAUSE_S, keep_running


def run(failures: int, *, lasts_s: float = 0.0) -> tuple[list[int], list[float], int]:
    """Counts told, pauses and starts of a task that fails some times and then ends."""
    now, starts = [0.0], [0]
    counts: list[int] = []
    pauses: list[float] = []

    async def work() -> None:
        starts[0] += 1
        now[0] += lasts_s
        if starts[0] <= failures:
            raise RuntimeError("planted")

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)
        now[0] += seconds

    asyncio.run(
        keep_running(
            "work", work, failed=lambda _, count: counts.append(count),
            monotonic_s=lambda: now[0], sleep=sleep,
        )
    )  # fmt: skip
    return counts, pauses, starts[0]


def test_f09_a_task_that_fails_is_started_again_after_longer_and_longer_pauses() -> None:
    assert run(7) == ([1, 2, 3, 4, 5, 6, 7], [1, 2, 4, 8, 16, 30, 30], 8)
    assert LONGEST_PAUSE_S == 30


def test_failures_are_counted_over_ten_minutes() -> None:
    assert run(3, lasts_s=601.0) == ([1, 1, 1], [1, 1, 1], 4)


def test_a_task_that_ends_is_not_started_again() -> None:
    assert run(0) == ([], [], 1)


def test_f07_a_task_that_fails_on_its_way_out_is_not_started_again() -> None:
    async def work() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            raise OSError("no space left on device")

    async def ended() -> bool:
        task = asyncio.ensure_future(
            keep_running("work", work, failed=lambda *_: None, monotonic_s=lambda: 0.0)
        )
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait({task}, timeout=2)
        return task.cancelled()

    assert asyncio.run(ended())
