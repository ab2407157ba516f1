"""The outbox: what was heard is kept over restarts, in bounds, and never what is critical is lost."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from algotrader.core.ports import Notice, Severity
from algotrader.ops.notification.outbox import (
    DEPOSITS,
    ROOM,
    WHOLE,
    AuditRow,
    DayEquity,
    Outbox,
)

NOON_MS = 1_704_110_400_000
WINDOW_MS = 600_000
INFO, IMPORTANT, CRITICAL = Severity.INFO, Severity.IMPORTANT, Severity.CRITICAL


def notice(cause: str, severity: Severity = IMPORTANT) -> Notice:
    return Notice(severity=severity, title=cause, text=cause, cause=cause)


def causes(outbox: Outbox, channel: str) -> list[str]:
    return [waiting.message.notice.cause for waiting in outbox.waiting(channel)]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "notification" / "outbox.sqlite"


def test_what_waits_and_what_was_folded_outlives_the_process(file: Path) -> None:
    Outbox(file).hear(notice("a"), NOON_MS)
    Outbox(file).sort({"phone": INFO}, NOON_MS, WINDOW_MS)
    Outbox(file).hear_all([(notice("a"), NOON_MS, None)] * 499)
    Outbox(file).sort({"phone": INFO}, NOON_MS + 1_000, WINDOW_MS)
    assert causes(Outbox(file), "phone") == ["a"]

    Outbox(file).sort({"phone": INFO}, NOON_MS + WINDOW_MS, WINDOW_MS)
    assert [one.message.repeated for one in Outbox(file).waiting("phone")] == [0, 499]


def test_a_channel_is_told_what_is_loud_enough_for_it_until_it_was_sent(file: Path) -> None:
    outbox = Outbox(file)
    outbox.hear_all([(notice(s.value, s), NOON_MS, None) for s in (INFO, IMPORTANT, CRITICAL)])
    outbox.sort({"phone": INFO, "mail": CRITICAL}, NOON_MS, WINDOW_MS)

    assert causes(outbox, "phone") == ["info", "important", "critical"]
    (mail,) = outbox.waiting("mail")
    outbox.sent([mail.number])
    assert causes(outbox, "mail") == []


def test_another_channel_stands_in_once_for_what_it_was_not_told(file: Path) -> None:
    outbox = Outbox(file)
    for severity in (INFO, IMPORTANT, CRITICAL):
        outbox.hear(notice(severity.value, severity), NOON_MS)
    outbox.sort({"phone": INFO, "mail": CRITICAL}, NOON_MS, WINDOW_MS)

    assert outbox.stand_in("phone", "mail", CRITICAL) == 1
    assert outbox.stand_in("phone", "mail", CRITICAL) == 0
    assert causes(outbox, "mail") == ["critical", "important"]
    assert causes(outbox, "phone") == ["info", "important", "critical"]


def test_beyond_its_room_the_oldest_information_goes_and_what_is_critical_never(file: Path) -> None:
    outbox = Outbox(file)
    many = ROOM[INFO] + 7
    outbox.hear_all(
        [(notice(f"c{n}", CRITICAL), NOON_MS, None) for n in range(3)]
        + [(notice(f"i{n}", INFO), NOON_MS, None) for n in range(many)]
    )
    outbox.sort({"phone": INFO}, NOON_MS, WINDOW_MS)
    kept = causes(outbox, "phone")

    assert kept[:4] == ["c0", "c1", "c2", "i7"]
    assert len(kept) == 3 + ROOM[INFO]
    assert outbox.left_out("phone") == 7


def test_a_damaged_file_is_set_aside_and_begun_anew(file: Path) -> None:
    file.parent.mkdir()
    file.write_bytes(b"this is no database " * 500)
    Outbox(file).hear(notice("a"), NOON_MS)

    assert Outbox(file).sort({"phone": INFO}, NOON_MS, WINDOW_MS) == 1
    assert file.with_suffix(".damaged").read_bytes().startswith(b"this is no")


def test_a_folder_that_cannot_be_made_is_an_error_of_the_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(sqlite3.Error):
        Outbox(tmp_path / "file" / "outbox.sqlite").hear(notice("a"), NOON_MS)


def test_a_picture_goes_with_its_message(file: Path) -> None:
    outbox = Outbox(file)
    outbox.hear(notice("daily"), NOON_MS, b"png")
    outbox.sort({"phone": INFO}, NOON_MS, WINDOW_MS)
    (waiting,) = outbox.waiting("phone")

    assert outbox.picture(waiting.number) == b"png"


def test_what_was_followed_is_left_whole_or_not_at_all(file: Path) -> None:
    outbox = Outbox(file)
    outbox.keep("place", b"1")
    bad = DayEquity(account="main", part="", day="2024-01-01", equity=None)  # type: ignore[arg-type]
    with pytest.raises(sqlite3.Error):
        outbox.follow([(notice("a"), NOON_MS)], [bad], "place", b"2")

    assert outbox.note("place") == b"1"
    assert outbox.sort({"phone": INFO}, NOON_MS, WINDOW_MS) == 0


def test_a_locked_file_is_an_error_that_changes_nothing(file: Path) -> None:
    Outbox(file).keep("place", b"1")
    with sqlite3.connect(file, isolation_level=None) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(sqlite3.OperationalError):
            Outbox(file, wait_s=0.01).hear(notice("a"), NOON_MS)
        other.execute("ROLLBACK")

    assert Outbox(file).sort({"phone": INFO}, NOON_MS, WINDOW_MS) == 0


def test_equity_by_day_begins_with_the_last_day_before_of_each_part(file: Path) -> None:
    outbox = Outbox(file)
    days = [
        DayEquity(account="main", part=part, day=day, equity=equity)
        for part, day, equity in (
            (WHOLE, "2024-01-01", "1"), (WHOLE, "2024-01-03", "3"), (DEPOSITS, "2024-01-01", "9"),
            (WHOLE, "2024-01-04", "4"),
        )
    ]  # fmt: skip
    outbox.follow([], [*days, days[0]], "place", b"")

    assert [one.equity for one in outbox.equity("main", "2024-01-04")] == ["9", "3", "4"]
    assert len(outbox.equity("main", "2023-01-01")) == 4
    assert outbox.equity("other", "2024-01-01") == []


def test_the_audit_keeps_who_asked_what_and_what_was_answered(file: Path) -> None:
    row = AuditRow(at_ms=NOON_MS, who="telegram:1", asked="/halt", answer="refused")
    Outbox(file).audit(row)

    assert Outbox(file).audited() == [row]


def test_f66_a_clock_that_was_set_back_silences_no_cause(file: Path) -> None:
    outbox, year_ms = Outbox(file), 365 * 24 * 3_600_000
    outbox.hear(notice("halt", CRITICAL), NOON_MS + year_ms)
    outbox.sort({"phone": INFO}, NOON_MS + year_ms, WINDOW_MS)
    outbox.hear(notice("halt", CRITICAL), NOON_MS + year_ms + 1)
    outbox.sort({"phone": INFO}, NOON_MS + year_ms + 1, WINDOW_MS)

    assert outbox.sort({"phone": INFO}, NOON_MS, WINDOW_MS) == 1  # the repeat, told at once
    outbox.sort({"phone": INFO}, NOON_MS + WINDOW_MS * 2, WINDOW_MS)
    outbox.hear(notice("halt", CRITICAL), NOON_MS + 5 * WINDOW_MS)
    outbox.sort({"phone": INFO}, NOON_MS + 5 * WINDOW_MS, WINDOW_MS)
    assert [one.message.repeated for one in outbox.waiting("phone")] == [0, 1, 0]


def test_f66_a_clock_that_is_set_back_by_a_moment_opens_no_window(file: Path) -> None:
    outbox = Outbox(file)
    for at_ms in (NOON_MS, NOON_MS - 1_500, NOON_MS - 3_000):
        outbox.hear(notice("feed"), at_ms)
        outbox.sort({"phone": INFO}, at_ms, WINDOW_MS)

    assert len(outbox.waiting("phone")) == 1


def test_half_a_character_holds_up_nothing_that_comes_after_it(file: Path) -> None:
    outbox = Outbox(file)
    odd = Notice(severity=CRITICAL, title="odd \udcff", text="/data/\udcff.csv", cause="odd:\udcff")
    outbox.hear_all([(odd, NOON_MS, None), (notice("halt", CRITICAL), NOON_MS, None)])
    outbox.sort({"phone": INFO}, NOON_MS, WINDOW_MS)

    assert [one.message.notice.title for one in outbox.waiting("phone")] == ["odd ?", "halt"]
