"""A loop that stands still is told while it stands (F10)."""

from __future__ import annotations

import asyncio
import logging
import threading
import time

import pytest

from algotrader.ops.observing.pulse import BLOCKED_S, Pulse


def test_f10_a_blocked_loop_is_told_from_another_thread_and_where_it_stands(
    caplog: pytest.LogCaptureFixture,
) -> None:
    told, stood = threading.Event(), []

    async def story() -> bool:
        pulse = Pulse(blocked=told.set, moving=stood.append)
        await asyncio.sleep(0)
        is_told = told.wait(10)  # blocks the loop until the thread has missed it
        await asyncio.sleep(0.6)
        assert not stood or pulse.silent_s < BLOCKED_S
        await pulse.close()
        return is_told

    with caplog.at_level(logging.CRITICAL):
        assert asyncio.run(story())

    assert len(stood) == 1
    assert stood[0] > BLOCKED_S
    still, on = (record.getMessage() for record in caplog.records)
    assert "is_told = told.wait(10)" in still
    assert "goes on" in on


def test_a_loop_that_moves_is_told_nothing() -> None:
    told: list[object] = []

    async def story() -> float:
        pulse = Pulse(blocked=lambda: told.append(1), moving=told.append)
        for _ in range(5):
            time.sleep(0.05)
            await asyncio.sleep(0.1)
        late = pulse.worst_s()
        await pulse.close()
        return late

    assert asyncio.run(story()) >= 0.0
    assert told == []
