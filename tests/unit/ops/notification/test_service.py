"""The thread that tells: it begins anew after a fault, and folds what no disk takes."""

from __future__ import annotations

import asyncio
import errno
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from algotrader.core.ports import Notice, Severity, SystemClock
from algotrader.ops.notification import service
from algotrader.ops.notification.alerts import TokenBucket
from algotrader.ops.notification.channels import Letter
from algotrader.ops.notification.courier import Courier, Lane
from algotrader.ops.notification.outbox import Outbox
from algotrader.ops.notification.service import CourierLock, NotificationThread, Work
from algotrader.ops.notification.texts import Texts


class Phone:
    def __init__(self) -> None:
        self.told: list[str] = []

    async def send(self, letter: Letter) -> None:
        self.told.append(letter.title)

    async def close(self) -> None:
        pass


class Bench:
    """A thread whose courier is built once `broken` is over."""

    def __init__(self, folder: Path, *, broken: int = 0) -> None:
        self.phone, self.outbox, self.broken = Phone(), Outbox(folder / "outbox.sqlite"), broken
        self.lock = CourierLock(folder)
        self.thread = NotificationThread(
            self.outbox, lambda one: one, SystemClock(), self.lock, self._build
        )

    def _build(self) -> tuple[Courier, Sequence[Work]]:
        if self.broken:
            self.broken -= 1
            raise OSError(errno.EMFILE, "too many open files")
        lane = Lane(
            name="phone", channel=self.phone, least=Severity.INFO, bucket=TokenBucket(60, burst=60)
        )
        courier = Courier(
            outbox=self.outbox, lanes={"phone": lane}, clock=SystemClock(), texts=Texts()
        )
        return courier, ()

    def hear(self, cause: str, text: str = "text") -> None:
        notice = Notice(severity=Severity.CRITICAL, title=cause, text=text, cause=cause)
        asyncio.run(self.thread.notify(notice))

    def until_told(self, seconds: float = 10.0) -> list[str]:
        end_s = time.monotonic() + seconds
        while not self.phone.told and time.monotonic() < end_s:
            time.sleep(0.02)
        return self.phone.told


def test_promise_24_f48_five_hundred_errors_of_a_cause_are_one_while_no_disk_works(
    tmp_path: Path,
) -> None:
    bench = Bench(tmp_path)
    for number in range(500):
        bench.hear("journal", f"row {number} cannot be written")
    bench.hear("memory")

    assert [one.cause for one in bench.thread.unkept()] == ["journal", "memory"]


def test_what_cannot_be_built_now_is_built_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "_AFTER_A_BUG_S", 0.05)
    bench = Bench(tmp_path, broken=2)
    bench.lock.take()
    bench.thread.start()
    bench.hear("halt")

    assert bench.until_told() == ["halt"]
    bench.thread.stop()


def test_a_lock_that_cannot_be_asked_for_is_asked_for_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench, take, refused = Bench(tmp_path), CourierLock.take, [True] * 3

    def taken(lock: CourierLock) -> bool:
        if refused and refused.pop():
            raise OSError(errno.EMFILE, "too many open files")
        return take(lock)

    monkeypatch.setattr(CourierLock, "take", taken)
    bench.thread.start()
    bench.hear("halt")

    assert bench.until_told() == ["halt"]
    bench.thread.stop()
