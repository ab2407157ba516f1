"""The thread that tells: it begins anew after a fault, and folds what no disk takes."""

from __future__ import annotations

import asyncio
import errno
import sqlite3
import time
from collections.abc import Mapping, Sequence
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
from algotrader.ops.notification.unwritten import Unwritten


class Phone:
    def __init__(self) -> None:
        self.told: list[str] = []

    async def send(self, letter: Letter) -> None:
        self.told.append(letter.title)

    async def close(self) -> None:
        pass


def _gone(counts: Mapping[Severity, int]) -> Notice:
    said = ", ".join(f"{counts[each]} {each.value}" for each in Severity if counts[each])
    return Notice(severity=Severity.CRITICAL, title=f"gone: {said}", text=said, cause="gone")


class Bench:
    """A thread whose courier is built once `broken` is over."""

    def __init__(self, folder: Path, *, broken: int = 0, room: int = 10_000) -> None:
        self.phone, self.outbox, self.broken = Phone(), Outbox(folder / "outbox.sqlite"), broken
        self.lock = CourierLock(folder)
        self.thread = NotificationThread(
            self.outbox, lambda one: one, SystemClock(), self.lock, self._build, _gone,
            Unwritten(room),
        )  # fmt: skip

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

    def hear(self, cause: str, text: str = "text", severity: Severity = Severity.CRITICAL) -> None:
        notice = Notice(severity=severity, title=cause, text=text, cause=cause)
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


def _is_full(*_: object) -> None:
    raise sqlite3.OperationalError("database or disk is full")


def test_f48_memory_is_bounded_while_no_disk_works_and_what_went_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    bench = Bench(tmp_path, room=4)
    with monkeypatch.context() as broken:
        broken.setattr(bench.outbox, "hear_all", _is_full)
        for cause in ("fill", "rejected"):
            bench.hear(cause, severity=Severity.INFO)
        for number in range(6):
            bench.hear(f"halt {number}")
            with pytest.raises(sqlite3.OperationalError):
                bench.thread.put_away()
        assert [one.title for one in bench.thread.unkept()] == [
            "gone: 2 info, 2 critical", "halt 2", "halt 3", "halt 4", "halt 5",
        ]  # fmt: skip

    assert [one.split(": ")[1] for one in caplog.messages] == ["halt 0", "halt 1"]
    bench.thread.put_away()
    bench.outbox.sort({"phone": Severity.INFO}, 0, 1)
    assert [one.message.notice.title for one in bench.outbox.waiting("phone")] == [
        "gone: 2 info, 2 critical", "halt 2", "halt 3", "halt 4", "halt 5",
    ]  # fmt: skip
    assert bench.thread.unkept() == []


def test_f48_a_cause_that_repeats_itself_drives_no_other_out_of_memory(tmp_path: Path) -> None:
    bench = Bench(tmp_path, room=5)
    bench.hear("positions differ")
    for number in range(100):
        bench.hear("journal", f"row {number} cannot be written")

    assert [(one.cause, one.text) for one in bench.thread.unkept()[1:]] == [
        ("positions differ", "text"), ("journal", "row 96 cannot be written"),
    ]  # fmt: skip


def test_f48_what_is_critical_and_on_no_disk_at_the_end_is_named_in_the_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    bench = Bench(tmp_path)
    monkeypatch.setattr(bench.outbox, "hear_all", _is_full)
    monkeypatch.setattr(service, "_LAST_WORDS_S", 0.05)
    bench.lock.take()
    bench.thread.start()
    bench.hear("halt", "by hand")
    bench.thread.stop()

    assert "a critical message is on no disk at the end: halt: by hand" in caplog.messages


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
