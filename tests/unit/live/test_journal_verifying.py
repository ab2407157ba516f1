"""Checks of a whole journal that need a disk in an odd state."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec
import pytest
from tests.builders.journals import (
    NOW_MS,
    a_closed_journal,
    a_journal,
    a_step,
    bodies,
    steps_text,
)

from algotrader.live.journal import recovery
from algotrader.live.journal.chain import GENESIS, Row, chained, head_of
from algotrader.live.journal.errors import (
    JournalDamagedError,
    JournalMissingError,
    JournalVersionError,
)
from algotrader.live.journal.folder import JournalFolder
from algotrader.live.journal.journal import entry_of, resume
from algotrader.live.journal.memory import MemoryStorage
from algotrader.live.journal.records import SegmentBegan
from algotrader.live.journal.segments import SegmentRows
from algotrader.live.journal.snapshots import SnapshotFile
from algotrader.live.journal.verifying import read, verify

BEGAN = SegmentBegan(run_id="r", segment=1, schema=1, algotrader="0.1.0")


def stored(rows: Sequence[Row], head: Row | None) -> MemoryStorage:
    storage = MemoryStorage()
    storage.append(rows)
    if head is not None:
        storage.keep_head(head_of(head))
    return storage


def test_a_last_step_that_is_not_whole_is_damage() -> None:
    rows = chained([entry_of(BEGAN, NOW_MS)], GENESIS)
    rows += chained(a_step(0, 3), head_of(rows[-1]))[:2]
    found = verify(stored(rows, rows[-1]))

    assert found.problem is not None
    assert (found.problem.code, found.problem.seq, found.problem.lost) == (
        "journal.step_torn", 2, 2,
    )  # fmt: skip
    assert found.kept == head_of(rows[0])


def test_a_head_behind_the_rows_is_no_damage() -> None:
    """The process died between the commit and the writing of the head."""
    rows = chained([entry_of(BEGAN, NOW_MS)], GENESIS)
    rows += chained(a_step(0, 3), head_of(rows[-1]))
    storage = stored(rows, rows[0])

    assert verify(storage).problem is None
    assert resume(storage).head == head_of(rows[-1])


def test_rows_that_do_not_say_whose_they_are_are_not_resumed() -> None:
    rows = chained(a_step(0, 3), GENESIS)

    with pytest.raises(JournalDamagedError, match="it has no beginning"):
        resume(stored(rows, rows[-1]))


@pytest.mark.parametrize("schema", [0, 2])
def test_F54_rows_of_another_schema_are_refused_by_what_the_chain_says(schema: int) -> None:
    began = msgspec.structs.replace(BEGAN, schema=schema)
    rows = chained([entry_of(began, NOW_MS)], GENESIS)

    with pytest.raises(JournalVersionError, match=f"the journal has schema {schema}"):
        resume(stored(rows, rows[-1]))


class InterruptedRows(SegmentRows):
    """Lets something happen after the first reading of rows, before it is known to be all."""

    then: Callable[[], object] | None = None

    def _query(self, *args: object, **named: object) -> list[Row]:
        rows = super()._query(*args, **named)
        then, self.then = self.then, None
        if then is not None:
            then()
        return rows


def test_rows_written_while_a_new_file_begins_are_not_missed(tmp_path: Path) -> None:
    with a_journal(tmp_path / "journal", 3) as journal:

        def meanwhile() -> None:
            journal.append(a_step(3, 2))
            journal.rotate(now_ms=NOW_MS)
            journal.append(a_step(4, 2))

        rows = InterruptedRows(
            tmp_path / "journal" / "chain", SnapshotFile(tmp_path / "journal" / "cache.sqlite")
        )
        rows.then = meanwhile
        assert bodies(read(rows)) == steps_text(5)
        rows.close()


def test_a_file_that_cannot_be_read_is_damage_from_its_first_row_on(tmp_path: Path) -> None:
    with a_journal(tmp_path / "journal", 3) as journal:
        journal.rotate(now_ms=NOW_MS)
        journal.append(a_step(3, 2))
        journal.keep_snapshot("engine", b"")  # of a row that is no longer there to be read
    folder = JournalFolder(tmp_path / "journal")
    (folder.chain / "000002.sqlite").write_bytes(b"x" * 4096)

    with pytest.raises(JournalDamagedError) as refused, folder.open():
        pass
    assert (refused.value.code, refused.value.seq, refused.value.lost) == (
        "journal.row_unreadable", 8, 3,
    )  # fmt: skip
    assert recovery.recover(folder, now_ms=NOW_MS).kept == 7
    with folder.open() as again:
        assert bodies(again.read()) == steps_text(3)


def test_a_page_that_cannot_be_read_costs_no_row_before_it(tmp_path: Path) -> None:
    """Pages of the database hold many rows; a thousand are asked for at once."""
    folder = a_closed_journal(tmp_path / "journal", 400)
    path = folder.chain / "000001.sqlite"
    content = path.read_bytes()
    page = content.index(b"300.0") // 4096
    path.write_bytes(content[: page * 4096] + b"\xff" * 4096 + content[(page + 1) * 4096 :])

    with folder.reading() as rows:
        found = verify(rows)
    assert found.problem is not None
    assert found.problem.code == "journal.row_unreadable"
    assert 500 < found.problem.seq <= 602
    assert found.rows == found.problem.seq - 1


def test_copies_are_written_in_batches_across_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recovery, "_BATCH_ROWS", 3)
    with a_journal(tmp_path / "journal", 4) as journal:
        journal.rotate(now_ms=NOW_MS)
        journal.append(a_step(4, 2))
        head = recovery.backup(JournalFolder(tmp_path / "journal"), tmp_path / "copy")
        assert head == journal.head
    with JournalFolder(tmp_path / "copy").open(from_start=True) as copy:
        assert bodies(copy.read()) == steps_text(5)


def test_a_recovery_begun_and_not_finished_is_not_taken_for_one(tmp_path: Path) -> None:
    folder = a_closed_journal(tmp_path / "journal", 2)
    shutil.copytree(folder.chain, folder.unpublished)
    (folder.unpublished / "head").unlink()
    shutil.rmtree(folder.chain)

    with pytest.raises(JournalMissingError):
        recovery.recover(folder, now_ms=NOW_MS)
