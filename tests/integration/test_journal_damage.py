"""F49, F50: every damage to a journal's files is found at the start, and nothing is made worse."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable
from hashlib import blake2b
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.builders.journals import (
    NOW_MS,
    a_closed_journal,
    a_journal,
    a_step,
    bodies,
    steps_text,
)

from algotrader.core.errors import UsageError
from algotrader.live.journal.errors import (
    JournalDamagedError,
    JournalMissingError,
    JournalVersionError,
)
from algotrader.live.journal.folder import JournalFolder
from algotrader.live.journal.records import Recovered, decode_record
from algotrader.live.journal.recovery import backup, recover
from algotrader.live.journal.verifying import Verification, read, verify

STEPS = 50
LAST = 1 + 2 * STEPS
Damage = Callable[[Path], None]


@pytest.fixture
def killed(tmp_path: Path) -> JournalFolder:
    """A journal whose writer was killed: most of it stands in the log alone."""
    with a_journal(tmp_path / "writer", STEPS):
        shutil.copytree(tmp_path / "writer", tmp_path / "killed")
    return JournalFolder(tmp_path / "killed")


@pytest.fixture
def closed(tmp_path: Path) -> JournalFolder:
    return a_closed_journal(tmp_path / "closed", STEPS)


def verified(folder: JournalFolder) -> Verification:
    with folder.reading() as rows:
        return verify(rows)


def refusal(folder: JournalFolder) -> JournalDamagedError:
    """Why the journal cannot be opened; its files must be left as they were found."""
    before = fingerprints(folder.path)
    with pytest.raises(JournalDamagedError) as refused, folder.open():
        pass
    assert fingerprints(folder.path) == before
    return refused.value


def fingerprints(folder: Path) -> dict[str, str]:
    """Of all that holds data: SQLite's `-shm` is rebuilt by every reader, lock and lease name it."""
    return {
        str(path.relative_to(folder)): blake2b(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
        and path.stat().st_size > 0  # a reader leaves an empty log
        and not path.name.endswith("-shm")
        and path.name not in ("lock", "lease")
    }


def first_segment(folder: Path) -> Path:
    return folder / "chain" / "000001.sqlite"


def wal(folder: Path) -> Path:
    return folder / "chain" / "000001.sqlite-wal"


def flip(path: Path, position: int, bit: int = 0) -> None:
    content = bytearray(path.read_bytes())
    content[position] ^= 1 << bit
    path.write_bytes(content)


def replace_bytes(path: Path, old: bytes, new: bytes) -> None:
    content = path.read_bytes()
    assert content.count(old) == 1
    path.write_bytes(content.replace(old, new))


def cut_log(folder: Path) -> None:
    content = wal(folder).read_bytes()
    wal(folder).write_bytes(content[:-100])


def flip_in_last_frame(folder: Path) -> None:
    flip(wal(folder), wal(folder).stat().st_size - 100)


def flip_in_mid_log(folder: Path) -> None:
    flip(wal(folder), wal(folder).stat().st_size // 2)


def delete_log(folder: Path) -> None:
    wal(folder).unlink()


def test_a_killed_writer_leaves_a_whole_journal(killed: JournalFolder) -> None:
    assert wal(killed.path).stat().st_size > 0
    with killed.open() as journal:
        assert bodies(journal.read()) == steps_text(STEPS)
        assert journal.append(a_step(STEPS)) == LAST + 1


def test_a_killed_writers_files_copied_without_their_index_are_whole(
    killed: JournalFolder,
) -> None:
    (killed.chain / "000001.sqlite-shm").unlink()
    log = wal(killed.path).read_bytes()
    assert verified(killed).problem is None
    assert wal(killed.path).read_bytes() == log  # a reader moves no row
    with killed.open() as journal:
        assert bodies(journal.read()) == steps_text(STEPS)


@pytest.mark.parametrize(
    ("damage", "lost"),
    [(cut_log, 2), (flip_in_last_frame, 2), (flip_in_mid_log, None), (delete_log, LAST - 1)],
)
def test_F49_a_cut_tail_that_sqlite_drops_silently_is_found(
    killed: JournalFolder, damage: Damage, lost: int | None
) -> None:
    damage(killed.path)

    refused = refusal(killed)
    assert refused.code == "journal.tail_cut"
    assert refused.seq + refused.lost == LAST + 1
    assert refused.lost == lost or (lost is None and 20 < refused.lost < 80)
    assert f"{refused.lost:,} after it cannot be used" in refused.message


def test_F50_a_changed_byte_in_an_old_row_is_found_though_sqlite_says_ok(
    closed: JournalFolder,
) -> None:
    replace_bytes(first_segment(closed.path), b"17.0", b"17.9")

    connection = sqlite3.connect(first_segment(closed.path))
    assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    connection.close()
    refused = refusal(closed)
    assert (refused.code, refused.seq, refused.lost) == ("journal.row_altered", 36, LAST - 35)


def test_F50_a_deleted_row_is_found(closed: JournalFolder) -> None:
    with sqlite3.connect(first_segment(closed.path)) as connection:
        connection.execute("DELETE FROM entries WHERE seq = 40")
    connection.close()

    refused = refusal(closed)
    assert (refused.code, refused.seq, refused.lost) == ("journal.row_missing", 40, LAST - 39)


def test_F50_a_history_written_anew_differs_from_the_head(tmp_path: Path) -> None:
    """Each chain holds in itself; only the head knows which of them was ours."""
    ours = a_closed_journal(tmp_path / "ours", STEPS)
    with a_journal(tmp_path / "theirs") as journal:
        for number in range(STEPS):
            journal.append(a_step(number + 1, 2))
    first_segment(ours.path).unlink()
    shutil.copy(first_segment(tmp_path / "theirs"), first_segment(ours.path))

    assert refusal(ours).code == "journal.head_differs"


def test_F56_an_older_copy_under_the_present_head_is_a_cut_tail(tmp_path: Path) -> None:
    with a_journal(tmp_path / "journal", STEPS) as journal:
        backup(JournalFolder(tmp_path / "journal"), tmp_path / "copy")
        journal.append(a_step(99, 5))
    folder = JournalFolder(tmp_path / "journal")
    shutil.copy(first_segment(tmp_path / "copy"), first_segment(folder.path))

    refused = refusal(folder)
    assert (refused.code, refused.lost) == ("journal.tail_cut", 5)


def test_F56_a_whole_copy_opens_where_it_ended(tmp_path: Path) -> None:
    with a_journal(tmp_path / "journal", STEPS) as journal:
        head = backup(JournalFolder(tmp_path / "journal"), tmp_path / "copy")
        journal.rotate(now_ms=NOW_MS)
        journal.append(a_step(STEPS, 2))
        backup(JournalFolder(tmp_path / "journal"), tmp_path / "later")

    with JournalFolder(tmp_path / "copy").open() as copy:
        assert copy.head == head
        assert copy.run_id == journal.run_id
        assert bodies(copy.read()) == steps_text(STEPS)
    with JournalFolder(tmp_path / "later").reading() as rows:
        assert bodies(read(rows)) == steps_text(STEPS + 1)
    assert (tmp_path / "later" / "chain" / "000002.sqlite").exists()


def test_no_backup_is_made_of_a_damaged_journal_or_over_another(
    closed: JournalFolder, tmp_path: Path
) -> None:
    backup(closed, tmp_path / "copy")
    with pytest.raises(UsageError, match="there is a journal in"):
        backup(closed, tmp_path / "copy")
    replace_bytes(first_segment(closed.path), b"17.0", b"17.9")
    with pytest.raises(JournalDamagedError):
        backup(closed, tmp_path / "second")
    assert not (tmp_path / "second" / "chain").exists()


def test_a_missing_head_is_found(closed: JournalFolder) -> None:
    (closed.chain / "head").unlink()

    assert refusal(closed).code == "journal.head_missing"


def test_one_torn_line_of_the_head_leaves_the_line_before(killed: JournalFolder) -> None:
    lines = (killed.chain / "head").read_bytes()
    later = 0 if lines[:512] > lines[512:] else 512
    flip(killed.chain / "head", later + 30)

    with killed.open() as journal:
        assert bodies(journal.read()) == steps_text(STEPS)


def test_a_missing_file_in_the_middle_is_found(tmp_path: Path) -> None:
    with a_journal(tmp_path / "journal", 2) as journal:
        for number in (2, 3):
            journal.rotate(now_ms=NOW_MS)
            journal.append(a_step(number, 2))
    (tmp_path / "journal" / "chain" / "000002.sqlite").unlink()

    refused = refusal(JournalFolder(tmp_path / "journal"))
    assert (refused.code, refused.seq) == ("journal.row_missing", 6)


@pytest.mark.parametrize("content", [b"x", b"x" * 5000])
def test_a_file_that_is_no_database_any_more_is_found(
    closed: JournalFolder, content: bytes
) -> None:
    first_segment(closed.path).write_bytes(content)

    refused = refusal(closed)
    assert (refused.code, refused.seq, refused.lost) == ("journal.row_unreadable", 1, LAST)


@pytest.mark.parametrize(
    ("old", "new"), [(b"kind TEXT", b"kind TE\xd8T"), (b"hash BLOB", b"\x8aash BLOB")]
)
def test_F50_a_damaged_definition_of_the_table_is_found(
    closed: JournalFolder, old: bytes, new: bytes
) -> None:
    replace_bytes(first_segment(closed.path), old, new)

    assert refusal(closed).code == "journal.row_unreadable"


@pytest.fixture(scope="module")
def twenty_steps(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folders `closed` and `killed`, as two ends of the same program leave them."""
    base = tmp_path_factory.mktemp("twenty")
    with a_journal(base / "closed", 20):
        shutil.copytree(base / "closed", base / "killed")
    return base


def rows_if_opened(folder: Path) -> list[str] | None:
    """None if the journal is refused for its damage, or as one of another version."""
    try:
        with JournalFolder(folder).open() as journal:
            return bodies(journal.read())
    except (JournalDamagedError, JournalVersionError):
        return None


@settings(max_examples=200)
@given(data=st.data())
def test_F50_no_flipped_bit_goes_unnoticed(twenty_steps: Path, data: st.DataObject) -> None:
    """Wherever the bit: the journal is refused, or every row is there as it was written."""
    original = twenty_steps / data.draw(st.sampled_from(["closed", "killed"]))
    file = data.draw(st.sampled_from(sorted(fingerprints(original))))
    position = data.draw(st.integers(0, (original / file).stat().st_size - 1))
    with TemporaryDirectory() as scratch:
        folder = Path(scratch) / "journal"
        shutil.copytree(original, folder)
        flip(folder / file, position, data.draw(st.integers(0, 7)))

        assert rows_if_opened(folder) in (None, steps_text(20))


@pytest.mark.parametrize("damage", [cut_log, flip_in_mid_log])
def test_F49_a_recovery_keeps_the_good_part_and_says_what_was_lost(
    killed: JournalFolder, damage: Damage
) -> None:
    damage(killed.path)
    lost = refusal(killed).lost
    before = fingerprints(killed.chain)

    recovered = recover(killed, now_ms=NOW_MS)

    assert fingerprints(killed.path / recovered.aside) == before
    assert (recovered.kept, recovered.resumed) == (LAST - lost, LAST + 1)
    with killed.open(from_start=True) as journal:
        rows = list(journal.read())
        assert bodies(rows) == steps_text(STEPS)[: len(steps_text(STEPS)) - lost]
        assert decode_record(rows[-1].kind, rows[-1].body) == recovered
        assert journal.append(a_step(STEPS)) == LAST + 2  # numbers of lost rows stay unused
    assert verified(killed).problem is None


def test_F50_a_recovery_after_an_altered_row_keeps_the_whole_steps_before_it(
    closed: JournalFolder,
) -> None:
    replace_bytes(first_segment(closed.path), b"17.1", b"17.9")  # second row of its step

    recovered = recover(closed, now_ms=NOW_MS)

    assert recovered == Recovered(
        problem="journal.row_altered",
        kept=35,
        resumed=LAST + 1,
        lost=LAST - 35,
        aside=f"damaged-{NOW_MS}",
    )
    with closed.open() as journal:
        assert bodies(journal.read()) == steps_text(17)


def test_a_recovery_keeps_the_files_apart_as_they_were(tmp_path: Path) -> None:
    with a_journal(tmp_path / "journal", 2) as journal:
        journal.rotate(now_ms=NOW_MS)
        journal.append(a_step(2, 2))
    folder = JournalFolder(tmp_path / "journal")
    (folder.chain / "head").unlink()

    assert recover(folder, now_ms=NOW_MS).lost == 0
    with folder.open() as journal:
        assert bodies(journal.read()) == steps_text(3)
        journal.rotate(now_ms=NOW_MS)
    assert [path.name for path in sorted(folder.chain.glob("*.sqlite"))] == [
        "000001.sqlite",
        "000002.sqlite",
        "000003.sqlite",
    ]


def test_a_recovery_that_was_killed_between_its_renames_is_finished(
    killed: JournalFolder,
) -> None:
    cut_log(killed.path)
    recovered = recover(killed, now_ms=NOW_MS)
    killed.chain.replace(killed.unpublished)
    with pytest.raises(JournalMissingError) as refused, killed.open():
        pass
    assert refused.value.hint is not None
    assert "recover again" in refused.value.hint

    assert recover(killed, now_ms=NOW_MS + 1) == recovered
    with killed.open() as journal:
        assert len(bodies(journal.read())) == 2 * STEPS - 2


def test_a_whole_journal_is_not_recovered_and_an_empty_one_cannot_be(
    closed: JournalFolder,
) -> None:
    with pytest.raises(UsageError, match="nothing to recover"):
        recover(closed, now_ms=NOW_MS)
    first_segment(closed.path).write_bytes(b"")
    with pytest.raises(JournalDamagedError, match="nothing can be kept"):
        recover(closed, now_ms=NOW_MS)


def test_damage_before_the_snapshot_does_not_hide_from_the_full_check(tmp_path: Path) -> None:
    with a_journal(tmp_path / "journal", STEPS) as journal:
        journal.keep_snapshot("engine", b"state")
        journal.append(a_step(STEPS, 2))
    folder = JournalFolder(tmp_path / "journal")
    replace_bytes(first_segment(folder.path), b"17.0", b"17.9")

    with folder.open() as journal:  # checked from the snapshot on
        assert bodies(journal.read(LAST + 1)) == [f"{STEPS}.0", f"{STEPS}.1"]
        with pytest.raises(JournalDamagedError):
            list(journal.read())
    problem = verified(folder).problem
    assert problem is not None
    assert problem.seq == 36
    with pytest.raises(JournalDamagedError), folder.open(from_start=True):
        pass


@pytest.mark.parametrize("content", [b"", b"x" * 5000])
def test_a_damaged_snapshot_file_makes_a_start_slower_and_nothing_else(
    tmp_path: Path, content: bytes
) -> None:
    with a_journal(tmp_path / "journal", 3) as journal:
        journal.keep_snapshot("engine", b"state")
    folder = JournalFolder(tmp_path / "journal")
    (folder.path / "cache.sqlite").write_bytes(content)

    with folder.open() as journal:
        assert journal.latest_snapshot("engine") is None
        journal.keep_snapshot("engine", b"again")
        found = journal.latest_snapshot("engine")
    assert found is not None
    assert found.body == b"again"
