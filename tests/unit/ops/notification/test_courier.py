"""The courier on a virtual clock: what fails is tried again, another stands in, nothing is lost."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Coroutine
from concurrent.futures import Executor, Future
from datetime import time
from pathlib import Path
from typing import Any

import pytest
from tests.simulation.virtual_loop import LoopClock, VirtualLoop, run_virtually

from algotrader.core.instants import utc_ms
from algotrader.core.ports import Notice, Severity
from algotrader.ops.notification import courier
from algotrader.ops.notification.alerts import QuietHours, TokenBucket
from algotrader.ops.notification.channels import (
    ChannelBusyError,
    ChannelFailedError,
    ChannelRefusedError,
    Letter,
)
from algotrader.ops.notification.courier import Courier, Lane
from algotrader.ops.notification.outbox import Outbox
from algotrader.ops.notification.texts import Texts

INFO, IMPORTANT, CRITICAL = Severity.INFO, Severity.IMPORTANT, Severity.CRITICAL
HOUR_S = 3600.0


class AtOnce(Executor):
    """Does what it is given where it is given: a virtual loop waits for no thread."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        done: Future[Any] = Future()
        try:
            done.set_result(fn(*args, **kwargs))
        except sqlite3.Error as error:
            done.set_exception(error)
        return done


class Phone:
    """A channel that delivers, or does what `fault` says; it notes when it was asked."""

    def __init__(self, clock: LoopClock) -> None:
        self._clock = clock
        self.fault: Callable[[], Exception] | None = None
        self.hangs = False
        self.asked_s: list[float] = []
        self.delivered: list[tuple[float, Letter]] = []

    async def send(self, letter: Letter) -> None:
        self.asked_s.append(self._clock.monotonic_s())
        if self.hangs:
            await asyncio.Event().wait()
        if self.fault is not None:
            raise self.fault()
        self.delivered.append((self._clock.monotonic_s(), letter))

    async def close(self) -> None:
        pass

    def titles(self) -> list[str]:
        return [letter.title for _, letter in self.delivered]


class Office:
    """A courier with a phone, told everything, and mail, told what is critical."""

    def __init__(self, folder: Path) -> None:
        self.loop = VirtualLoop()
        self.clock = LoopClock(self.loop)
        self.phone, self.mail = Phone(self.clock), Phone(self.clock)
        self.outbox = Outbox(folder / "outbox.sqlite")
        self.courier = Courier(
            outbox=self.outbox,
            lanes={
                "phone": self._lane("phone", self.phone, INFO),
                "mail": self._lane("mail", self.mail, CRITICAL),
            },
            clock=self.clock,
            texts=Texts(),
        )
        self.courier._disk = AtOnce()  # type: ignore[assignment]

    def _lane(self, name: str, channel: Phone, least: Severity) -> Lane:
        return Lane(name=name, channel=channel, least=least, bucket=TokenBucket(30))

    def hear(self, cause: str, severity: Severity) -> None:
        notice = Notice(severity=severity, title=cause, text=cause, cause=cause)
        self.outbox.hear(notice, utc_ms(self.clock.now()))

    def run(self, script: Coroutine[Any, Any, None]) -> None:
        async def all_of_it() -> None:
            running = asyncio.ensure_future(self.courier.run())
            await script
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)

        run_virtually(self.loop, all_of_it())


@pytest.fixture
def office(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Office:
    monkeypatch.setattr(courier, "_LOOK_S", 1.0)  # hours pass, and each look reads a file
    return Office(tmp_path)


def test_f70_what_fails_is_tried_ever_less_often_and_delivered_in_the_end(office: Office) -> None:
    office.phone.fault = lambda: ChannelFailedError("bad gateway")

    async def script() -> None:
        office.hear("halt", CRITICAL)
        office.hear("rejected", IMPORTANT)
        await asyncio.sleep(1_500)
        office.phone.fault = None
        await asyncio.sleep(320)

    office.run(script())
    waits = [b - a for a, b in zip(office.phone.asked_s, office.phone.asked_s[1:], strict=False)]

    assert waits[:4] == pytest.approx([1, 2, 4, 8], abs=1.1)
    assert max(waits) <= 302
    assert 10 < len(office.phone.asked_s) < 22  # 25 minutes of failures
    assert office.phone.titles()[0] == "halt"
    assert "rejected" in office.phone.titles()


def test_f70_another_channel_tells_what_a_broken_one_cannot_and_that_it_is_broken(
    office: Office,
) -> None:
    office.phone.fault = lambda: ChannelRefusedError("forbidden")

    async def script() -> None:
        office.hear("rejected", IMPORTANT)
        office.hear("fill", INFO)
        await asyncio.sleep(60)
        office.hear("later", IMPORTANT)
        await asyncio.sleep(400)

    office.run(script())

    assert sorted(office.mail.titles()) == [
        "Channel phone does not deliver", "later", "rejected",
    ]  # fmt: skip
    assert len(office.phone.asked_s) == 1  # a refusal is not asked again
    waiting = [one.message.notice.title for one in office.outbox.waiting("phone")]
    assert {"rejected", "fill", "later"} <= set(waiting)


def test_f70_a_hanging_channel_delays_no_other(office: Office) -> None:
    office.phone.hangs = True

    async def script() -> None:
        office.hear("halt", CRITICAL)
        await asyncio.sleep(100)

    office.run(script())

    assert office.mail.delivered[0][0] < 3
    assert office.phone.delivered == []
    assert len(office.phone.asked_s) in (3, 4)  # each given up after 30 s


def test_f70_a_busy_channel_is_asked_again_when_it_said(office: Office) -> None:
    office.phone.fault = lambda: ChannelBusyError("too many", 42.0)

    async def script() -> None:
        office.hear("halt", CRITICAL)
        await asyncio.sleep(10)
        office.phone.fault = None
        await asyncio.sleep(60)

    office.run(script())

    assert office.phone.delivered[0][0] == pytest.approx(43, abs=2)
    assert office.mail.titles() == ["halt"]


def test_quiet_hours_hold_back_until_their_end_what_is_not_critical(office: Office) -> None:
    office.courier.quiet = QuietHours(begin=time(22), end=time(0, 30))  # it begins at midnight

    async def script() -> None:
        office.hear("fill", INFO)
        office.hear("halt", CRITICAL)
        await asyncio.sleep(HOUR_S)

    office.run(script())
    times = {letter.title: at_s for at_s, letter in office.phone.delivered}

    assert times["halt"] < 3
    assert times["fill"] == pytest.approx(HOUR_S / 2, abs=3)


def test_an_hour_of_noise_is_a_few_messages_that_count_it(office: Office) -> None:
    async def script() -> None:
        for _ in range(60):
            office.hear("feed", IMPORTANT)
            await asyncio.sleep(60)

    office.run(script())
    feed = [letter.text for _, letter in office.phone.delivered]

    # At once, after 10 minutes, and 20 minutes after that; what came since waits for its window.
    assert [text.partition(" more")[0].split()[-1] for text in feed[1:]] == ["9", "20"]


def test_f48_what_was_delivered_goes_once_though_the_disk_takes_no_note_of_it(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = office.outbox.sent

    def is_full(_: object) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    async def script() -> None:
        monkeypatch.setattr(office.outbox, "sent", is_full)
        office.hear("halt", CRITICAL)
        office.hear("rejected", IMPORTANT)
        await asyncio.sleep(600)
        assert office.phone.titles() == ["halt", "rejected"]
        monkeypatch.setattr(office.outbox, "sent", sent)
        await asyncio.sleep(10)

    office.run(script())

    assert office.phone.titles() == ["halt", "rejected"]
    assert office.mail.titles() == ["halt"]
    assert office.outbox.waiting("phone") == office.outbox.waiting("mail") == []


def test_f48_f70_without_a_disk_each_critical_cause_is_told_once_by_each_channel_in_the_end(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    def is_full(*_: object) -> int:
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(office.outbox, "sort", is_full)
    office.courier.unkept = lambda: [
        Notice(severity=CRITICAL, title=cause, text=cause, cause=cause)
        for cause in ("journal", "risk", "memory")
    ]
    office.phone.fault = lambda: ChannelFailedError("bad gateway")

    async def script() -> None:
        await asyncio.sleep(45)
        assert len(office.phone.asked_s) < 8  # once in ten seconds, not five times in one
        office.phone.fault = None
        await asyncio.sleep(600)

    office.run(script())

    assert office.mail.titles() == ["journal", "risk", "memory"]
    assert office.phone.titles() == ["journal", "risk", "memory"]


def test_f48_a_hanging_channel_holds_up_no_other_while_no_disk_works(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    def is_full(*_: object) -> int:
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(office.outbox, "sort", is_full)
    told = [Notice(severity=CRITICAL, title=f"{n}", text="", cause=f"{n}") for n in range(4)]
    office.courier.unkept = lambda: told
    office.phone.hangs = True

    async def script() -> None:
        await asyncio.sleep(20)

    office.run(script())
    assert office.mail.titles() == ["0", "1", "2", "3"]


def test_f70_a_channel_that_is_down_for_a_week_is_still_tried(office: Office) -> None:
    office.courier.lanes["phone"].failures = 2_000  # one each five minutes
    office.phone.fault = lambda: ChannelFailedError("bad gateway")

    async def script() -> None:
        office.hear("halt", CRITICAL)
        await asyncio.sleep(10)
        office.phone.fault = None
        await asyncio.sleep(310)

    office.run(script())
    assert office.phone.titles() == ["halt"]


def test_f70_a_channel_that_wants_an_hour_is_not_waited_for(office: Office) -> None:
    office.phone.fault = lambda: ChannelBusyError("too many", HOUR_S)

    async def script() -> None:
        office.hear("rejected", IMPORTANT)
        await asyncio.sleep(60)
        assert sorted(office.mail.titles()) == ["Channel phone does not deliver", "rejected"]
        office.phone.fault = None
        await asyncio.sleep(HOUR_S)

    office.run(script())
    assert len(office.phone.asked_s) == 3  # when it had said, for each of the two
    assert "rejected" in office.phone.titles()


def test_what_waits_for_a_channel_that_was_renamed_is_told_by_the_first(office: Office) -> None:
    office.hear("halt", CRITICAL)
    office.hear("fill", INFO)
    office.outbox.sort({"old name": INFO}, utc_ms(office.clock.now()), 600_000)

    async def script() -> None:
        await asyncio.sleep(30)

    office.run(script())
    assert office.phone.titles() == ["halt", "fill"]
    assert office.mail.titles() == []
    assert office.outbox.waiting("old name") == []


def test_a_source_that_cannot_be_read_keeps_no_other_from_being_told(office: Office) -> None:
    def broken(_: int) -> None:
        raise sqlite3.OperationalError("unable to open database file")

    office.courier.before_sorting += [broken, lambda _: office.hear("halt", CRITICAL)]

    async def script() -> None:
        await asyncio.sleep(5)

    office.run(script())
    assert office.phone.titles() == ["halt"]
