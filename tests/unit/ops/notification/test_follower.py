"""The journal as a source of messages: each row is told of once, over restarts and failing disks."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.builders import events as examples
from tests.builders.journals import NOW_MS, a_journal

from algotrader.core.errors import RunError
from algotrader.core.events import Event, encode_event
from algotrader.core.ports import Notice, Severity
from algotrader.live.journal.chain import Entry
from algotrader.live.journal.folder import JournalFolder
from algotrader.live.journal.journal import Journal
from algotrader.ops.notification.equity import days_of
from algotrader.ops.notification.follower import Follower
from algotrader.ops.notification.outbox import Outbox
from algotrader.ops.notification.settings import NotificationSettings
from algotrader.ops.notification.telling import Memory, Teller
from algotrader.ops.notification.texts import Texts

EXAMPLES = {event.kind: event for event in examples.EXAMPLES}


class Desk:
    """A journal that grows, and followers of it that come and go."""

    def __init__(self, folder: Path, journal: Journal) -> None:
        self.journal = journal
        self.folder = folder
        self.outbox = Outbox(folder / "outbox.sqlite", wait_s=0.01)
        self.follower = self.started()

    def started(self) -> Follower:
        teller = Teller(NotificationSettings(), Texts(), Memory())
        follower = Follower(JournalFolder(self.folder), self.outbox, teller, lambda one: one)
        follower.begin()
        return follower

    def happens(self, *events: Event) -> None:
        self.journal.append(
            [Entry(time_ms=e.ts_known, kind=e.kind, body=encode_event(e)) for e in events]
        )

    def told(self) -> list[str]:
        """What is left in the outbox since the last time."""
        self.outbox.sort({"phone": Severity.INFO}, NOW_MS, 1)
        waiting = self.outbox.waiting("phone")
        self.outbox.sent([one.number for one in waiting])
        return [one.message.notice.title for one in waiting]


@contextmanager
def a_desk(folder: Path, *past: Event) -> Iterator[Desk]:
    with a_journal(folder) as journal:
        if past:
            journal.append(
                [Entry(time_ms=e.ts_known, kind=e.kind, body=encode_event(e)) for e in past]
            )
        yield Desk(folder, journal)


def position(quantity: str, realised: str = "0") -> Any:
    return msgspec.structs.replace(
        EXAMPLES["PositionChanged"], quantity=Decimal(quantity), realised=Decimal(realised),
        entry=Decimal(100) if Decimal(quantity) else None, strategy="trend",
    )  # fmt: skip


def test_each_row_is_told_once_also_by_the_next_follower(tmp_path: Path) -> None:
    with a_desk(tmp_path) as desk:
        desk.happens(EXAMPLES["OrderFilled"])
        desk.follower.follow(NOW_MS)
        assert len(desk.told()) == 1
        desk.follower.follow(NOW_MS)
        desk.follower = desk.started()
        desk.follower.follow(NOW_MS)
        assert desk.told() == []

        desk.happens(EXAMPLES["OrderRejected"])  # while nobody follows
        desk.follower = desk.started()
        desk.follower.follow(NOW_MS)
        assert len(desk.told()) == 1


def test_what_is_past_is_not_told_but_what_is_held_is_known(tmp_path: Path) -> None:
    with a_desk(tmp_path, position("2"), EXAMPLES["OrderFilled"]) as desk:
        desk.follower.follow(NOW_MS)
        assert desk.told() == []
        desk.happens(position("0", "50"))
        desk.follower.follow(NOW_MS)

        assert desk.told() == ["trend closed OKX:BTC/USDT:USDT: +50.00 USDT"]


def test_f70_while_the_outbox_cannot_be_written_nothing_is_lost_or_told_twice(
    tmp_path: Path,
) -> None:
    with a_desk(tmp_path) as desk:
        desk.happens(position("1"), EXAMPLES["OrderFilled"])
        with sqlite3.connect(tmp_path / "outbox.sqlite", isolation_level=None) as locked:
            locked.execute("BEGIN EXCLUSIVE")
            for _ in range(3):
                with pytest.raises(sqlite3.OperationalError):
                    desk.follower.follow(NOW_MS)
            locked.execute("ROLLBACK")
        desk.follower.follow(NOW_MS)
        desk.follower.follow(NOW_MS)

        assert sorted(desk.told()) == [
            "Bought 0.25 OKX:BTC/USDT:USDT at 61,999.9",
            "trend opened 1 OKX:BTC/USDT:USDT at 100",
        ]


def test_equity_by_day_is_kept_with_what_was_paid_in(tmp_path: Path) -> None:
    paid = msgspec.structs.replace(
        EXAMPLES["CashMoved"], account="main", reason="deposit", amount=Decimal(10_000)
    )
    marked = EXAMPLES["AccountMarked"]
    with a_desk(tmp_path, paid, marked) as desk:
        (day,) = days_of(desk.outbox.equity("main", "2000"))

    assert day.equity == marked.equity
    assert day.deposits == 10_000


def test_without_a_journal_there_is_nothing_to_follow_until_there_is(tmp_path: Path) -> None:
    teller = Teller(NotificationSettings(), Texts(), Memory())
    outbox = Outbox(tmp_path / "outbox.sqlite")
    follower = Follower(JournalFolder(tmp_path), outbox, teller, lambda one: one)
    follower.begin()
    follower.follow(NOW_MS)
    with a_journal(tmp_path) as journal:
        event = EXAMPLES["OrderFilled"]
        entry = Entry(time_ms=event.ts_known, kind=event.kind, body=encode_event(event))
        journal.append([entry])
        follower.follow(NOW_MS)

    assert outbox.sort({"phone": Severity.INFO}, NOW_MS, 1) == 1


def test_a_row_that_cannot_be_told_is_said_and_silences_nothing_after_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with a_desk(tmp_path) as desk:
        tell = desk.follower._teller.tell

        def fails(event: Event) -> list[Notice]:
            if event.kind == "OrderRejected":
                raise KeyError("a sentence that is not there")
            return tell(event)

        monkeypatch.setattr(desk.follower._teller, "tell", fails)
        desk.happens(EXAMPLES["OrderRejected"], EXAMPLES["OrderFilled"])
        desk.follower.follow(NOW_MS)
        desk.follower.follow(NOW_MS)

        assert desk.told() == [
            "Something happened that cannot be told", "Bought 0.25 OKX:BTC/USDT:USDT at 61,999.9",
        ]  # fmt: skip


def test_a_journal_that_cannot_be_read_is_told_once_and_followed_when_it_can(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reading = JournalFolder.reading

    def damaged(_: JournalFolder) -> Any:
        raise RunError("journal.damaged", "row 7 does not follow row 6")

    with a_desk(tmp_path, EXAMPLES["OrderFilled"]) as desk:
        desk.outbox.keep("follower", b"")
        with sqlite3.connect(tmp_path / "outbox.sqlite") as file:
            file.execute("DELETE FROM notes")
        monkeypatch.setattr(JournalFolder, "reading", damaged)
        desk.follower = desk.started()
        desk.follower.follow(NOW_MS)
        assert desk.told() == []
        for seconds in range(60, 300, 60):
            desk.follower.follow(NOW_MS + seconds * 1_000)
        assert desk.told() == ["The journal cannot be read: what happens is not told"]

        monkeypatch.setattr(JournalFolder, "reading", reading)
        desk.follower.follow(NOW_MS)
        assert desk.told() == []  # what is past is past
        desk.happens(EXAMPLES["OrderFilled"])
        desk.follower.follow(NOW_MS)
        assert len(desk.told()) == 1
