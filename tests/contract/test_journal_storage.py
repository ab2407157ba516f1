"""What every disk of a journal must do: files and memory pass the same suite."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.builders.journals import ENTROPY, NOW_MS, a_step, bodies, steps_text

from algotrader.core.ids import mint_run_id
from algotrader.live.journal import journal as journals
from algotrader.live.journal.chain import GENESIS, Entry, chained, head_of
from algotrader.live.journal.errors import JournalMissingError
from algotrader.live.journal.journal import Journal, begin, resume
from algotrader.live.journal.memory import MemoryStorage
from algotrader.live.journal.port import Snapshot, Storage
from algotrader.live.journal.records import SegmentBegan
from algotrader.live.journal.snapshots import SnapshotFile
from algotrader.live.journal.storage import SegmentStorage


@pytest.fixture(params=["files", "memory"])
def restarted(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[[], Storage]]:
    """The disk as each start of the program finds it."""
    memory, opened = MemoryStorage(), []

    def storage() -> Storage:
        while opened:
            opened.pop().close()
        made: Storage = memory
        if request.param == "files":
            folder = tmp_path / "chain"
            folder.mkdir(exist_ok=True)
            made = SegmentStorage(folder, SnapshotFile(tmp_path / "cache.sqlite"))
        opened.append(made)
        return made

    yield storage
    while opened:
        opened.pop().close()


@pytest.fixture
def journal(restarted: Callable[[], Storage]) -> Journal:
    return begin(restarted(), entropy=ENTROPY, now_ms=NOW_MS)


def test_a_journal_begins_with_its_run_id_and_keeps_it(
    journal: Journal, restarted: Callable[[], Storage]
) -> None:
    assert journal.run_id == mint_run_id(ENTROPY)
    assert journal.head.seq == 1
    assert resume(restarted()).run_id == journal.run_id


def test_what_was_appended_is_read_in_order_after_a_restart(
    journal: Journal, restarted: Callable[[], Storage]
) -> None:
    last = [journal.append(a_step(number, 2)) for number in range(5)]

    again = resume(restarted())
    assert last == [3, 5, 7, 9, 11]
    assert bodies(again.read()) == steps_text(5)
    assert again.head == journal.head


def test_reading_begins_anywhere(journal: Journal) -> None:
    for number in range(5):
        journal.append(a_step(number, 2))

    assert bodies(journal.read(6)) == steps_text(5)[4:]
    assert bodies(journal.read(7)) == steps_text(5)[5:]
    assert bodies(journal.read(12)) == []


def test_appending_while_reading_is_read_too(journal: Journal) -> None:
    journal.append(a_step(0))
    seen = []
    for row in journal.read():
        seen.append(row.seq)
        if row.seq < 5:
            journal.append(a_step(row.seq))

    assert seen == [1, 2, 3, 4, 5, 6]


def test_a_new_file_changes_nothing_for_a_reader(
    journal: Journal, restarted: Callable[[], Storage]
) -> None:
    for number in range(6):
        if number in (2, 4):
            journal.rotate(now_ms=NOW_MS)
        journal.append(a_step(number, 2))

    assert bodies(journal.read()) == steps_text(6)
    again = resume(restarted(), from_start=True)
    assert again.head == journal.head
    assert again.rotate(now_ms=NOW_MS) == journal.head.seq + 1
    assert bodies(again.read(7)) == steps_text(6)[4:]


def test_a_full_file_is_followed_by_a_new_one_by_itself_also_after_a_restart(
    journal: Journal, restarted: Callable[[], Storage], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journals, "SEGMENT_ROWS", 5)
    for number in range(4):
        journal.append(a_step(number, 2))
    again = resume(restarted())
    for number in range(4, 8):
        again.append(a_step(number, 2))

    assert bodies(again.read()) == steps_text(8)
    began = [row.seq for row in again.read() if row.kind == SegmentBegan.kind]
    assert began == [1, 6, 11, 16]
    assert resume(restarted(), from_start=True).head == again.head


def test_an_empty_step_is_refused(journal: Journal) -> None:
    with pytest.raises(ValueError, match="without entries"):
        journal.append([])


def test_the_journals_own_kinds_are_not_for_callers(journal: Journal) -> None:
    entry = Entry(time_ms=NOW_MS, kind="journal.recovered", body=b"{}")
    with pytest.raises(ValueError, match="the journal's own"):
        journal.append([entry])


def test_the_start_before_is_found_again(
    journal: Journal, restarted: Callable[[], Storage]
) -> None:
    assert journal.last_start() is None
    journal.record_start(config_hash="c0ffee", now_ms=NOW_MS, build="0.1.0")
    journal.append(a_step(1))
    started = resume(restarted()).last_start()

    assert started is not None
    assert (started.config_hash, started.algotrader) == ("c0ffee", "0.1.0")
    assert started.run_id == journal.run_id


def test_state_is_kept_at_the_end_of_a_step_and_found_by_its_kind(
    journal: Journal, restarted: Callable[[], Storage]
) -> None:
    journal.append(a_step(0, 2))
    journal.keep_snapshot("engine", b"after 3")
    journal.append(a_step(1, 2))
    journal.keep_snapshot("risk", b"after 5")
    journal.append(a_step(2, 2))
    journal.keep_snapshot("engine", b"after 5 too", seq=5)

    again = resume(restarted())
    engine, risk = again.latest_snapshot("engine"), again.latest_snapshot("risk")
    assert engine is not None
    assert risk is not None
    assert (engine.seq, engine.body) == (5, b"after 5 too")
    assert (risk.seq, risk.body) == (5, b"after 5")
    assert again.latest_snapshot("other") is None
    assert bodies(again.read(engine.seq + 1)) == ["2.0", "2.1"]


@pytest.mark.parametrize("seq", [2, 99])
def test_state_is_not_kept_within_a_step_or_after_the_end(journal: Journal, seq: int) -> None:
    journal.append(a_step(0, 2))

    with pytest.raises(ValueError, match="not the end of a step"):
        journal.keep_snapshot("engine", b"", seq=seq)


def test_a_snapshot_of_another_history_does_not_fit(journal: Journal) -> None:
    journal.append(a_step(0))
    journal.keep_snapshot("engine", b"ours")
    journal.append(a_step(1))
    journal._storage.keep_snapshot(
        Snapshot(seq=3, kind="engine", row_hash=bytes(32), body=b"theirs")
    )

    found = journal.latest_snapshot("engine")
    assert found is not None
    assert found.body == b"ours"


def test_the_last_two_snapshots_of_a_kind_are_kept(
    journal: Journal, restarted: Callable[[], Storage]
) -> None:
    for number in range(4):
        journal.append(a_step(number))
        journal.keep_snapshot("engine", str(number).encode())

    assert [one.body for one in restarted().snapshots("engine")][:2] == [b"3", b"2"]
    assert [one.seq for one in restarted().snapshots()][:2] == [5, 4]


def test_there_is_nothing_to_resume_on_an_empty_disk(restarted: Callable[[], Storage]) -> None:
    with pytest.raises(JournalMissingError):
        resume(restarted())


def test_a_journal_begins_on_an_empty_disk_only(
    journal: Journal, restarted: Callable[[], Storage]
) -> None:
    assert journal.head.seq == 1
    with pytest.raises(ValueError, match="on empty storage only"):
        begin(restarted(), entropy=ENTROPY, now_ms=NOW_MS)


def test_the_newest_row_is_found_by_number_and_by_kind(restarted: Callable[[], Storage]) -> None:
    storage = restarted()
    rows = chained(a_step(0, 3), GENESIS)
    storage.begin_segment(rows)

    assert storage.newest() == rows[2]
    assert storage.newest(at_most=2) == rows[1]
    assert storage.newest(at_most=0) is None
    assert storage.newest(kind="Decided") == rows[2]
    assert storage.newest(kind="other") is None
    assert storage.page(2, 1) == [rows[1]]
    assert storage.page(4, 9) == []
    assert storage.head() is None
    storage.keep_head(head_of(rows[-1]))
    assert storage.head() == head_of(rows[-1])
