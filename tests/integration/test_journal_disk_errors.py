"""F48, F51 to F54: disks that are full, locked, failing, or from another version."""

from __future__ import annotations

import os
import resource
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.builders.journals import (
    ENTROPY,
    NOW_MS,
    a_closed_journal,
    a_journal,
    a_step,
    bodies,
    steps_text,
)
from tools import environment

from algotrader.core.ids import mint_run_id
from algotrader.live.journal import storage as journal_storage
from algotrader.live.journal.chain import Entry
from algotrader.live.journal.errors import (
    JournalDamagedError,
    JournalFailedError,
    JournalFullError,
    JournalLockedError,
    JournalMissingError,
    JournalUnwrittenError,
    JournalVersionError,
)
from algotrader.live.journal.folder import JournalFolder
from algotrader.live.journal.journal import Journal
from algotrader.live.journal.records import PREFIX
from algotrader.live.journal.storage import SegmentStorage
from algotrader.live.journal.verifying import read, verify

HERE = Path(__file__).parent
SCHEMA_1 = HERE.parent / "fixtures" / "journal" / "schema_1"


def files_of(journal: Journal) -> SegmentStorage:
    storage = journal._storage
    assert isinstance(storage, SegmentStorage)
    return storage


def writer_of(journal: Journal) -> sqlite3.Connection:
    writer = files_of(journal)._writer
    assert writer is not None
    return writer


def a_large_step(number: int) -> list[Entry]:
    return [Entry(time_ms=number, kind="Large", body=b"x" * 100_000)]


def test_F48_a_database_that_may_not_grow_is_full_and_goes_on_when_it_may_again(
    tmp_path: Path,
) -> None:
    with a_journal(tmp_path / "journal", 5) as journal:
        head, writer = journal.head, writer_of(journal)
        (pages,) = writer.execute("PRAGMA page_count").fetchone()
        writer.execute(f"PRAGMA max_page_count = {pages}")
        for _ in range(2):
            with pytest.raises(JournalFullError) as refused:
                journal.append(a_large_step(5))
            assert refused.value.code == "journal.full"
        assert journal.head == head
        assert bodies(journal.read()) == steps_text(5)
        writer.execute("PRAGMA max_page_count = 1000000")

        journal.append(a_step(5, 2))
    assert kept_after_restart(tmp_path / "journal") == steps_text(6)


@contextmanager
def files_no_longer_than(size: int) -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_F48_a_file_that_may_not_grow_is_full_and_goes_on_when_it_may_again(
    tmp_path: Path,
) -> None:
    with a_journal(tmp_path / "journal", 5) as journal:
        log = tmp_path / "journal" / "chain" / "000001.sqlite-wal"
        with files_no_longer_than(log.stat().st_size + 20_000):
            for _ in range(2):
                with pytest.raises(JournalFullError):
                    journal.append(a_large_step(5))
            assert bodies(journal.read()) == steps_text(5)
            with pytest.raises(JournalUnwrittenError):
                journal.keep_snapshot("engine", b"x" * 1_000_000)

        journal.append(a_step(5, 2))
        journal.keep_snapshot("engine", b"x" * 1_000_000)
    assert kept_after_restart(tmp_path / "journal") == steps_text(6)


def test_F48_a_checkpoint_that_finds_no_room_leaves_the_rows_in_the_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal_storage, "_CHECKPOINT_BYTES", 150_000)
    with a_journal(tmp_path / "journal", 1) as journal:
        main = tmp_path / "journal" / "chain" / "000001.sqlite"
        before = main.stat().st_size
        for number in range(3):
            journal.append(a_large_step(number))
        grown = main.stat().st_size
        assert grown > before  # checkpoints do come
        with files_no_longer_than(grown + 50_000):
            journal.append([Entry(time_ms=1, kind="Large", body=b"y" * 20_000)])
            files_of(journal)._checkpoint(writer_of(journal), "PASSIVE")
        journal.append(a_large_step(9))
    with JournalFolder(tmp_path / "journal").reading() as rows:
        assert verify(rows).problem is None


def kept_after_restart(folder: Path) -> list[str]:
    with JournalFolder(folder).open(from_start=True) as journal:
        return bodies(journal.read())


def test_F51_a_locked_database_is_waited_for_and_then_refused_without_losing_a_row(
    tmp_path: Path,
) -> None:
    folder = a_closed_journal(tmp_path / "journal", 3)
    other = sqlite3.connect(folder.chain / "000001.sqlite", isolation_level=None)
    with folder.open(wait_s=0.05) as journal:
        journal.append(a_step(3, 2))
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(JournalLockedError) as refused:
            journal.append(a_step(4, 2))
        assert refused.value.code == "journal.locked"
        other.execute("ROLLBACK")
        journal.append(a_step(4, 2))
        assert bodies(journal.read()) == steps_text(5)
    other.close()


def test_F51_a_reader_that_never_ends_keeps_a_start_from_writing(tmp_path: Path) -> None:
    with a_journal(tmp_path / "journal", 3):
        shutil.copytree(tmp_path / "journal", tmp_path / "killed")
    folder = JournalFolder(tmp_path / "killed")
    other = sqlite3.connect(folder.chain / "000001.sqlite", isolation_level=None)
    other.execute("BEGIN")
    other.execute("SELECT * FROM entries").fetchone()
    with folder.open(wait_s=0.05) as journal:
        with pytest.raises(JournalLockedError) as refused:
            journal.append(a_step(3, 2))
        assert "readers that do not end" in refused.value.message
        other.execute("COMMIT")
        journal.append(a_step(3, 2))
    other.close()
    assert kept_after_restart(folder.path) == steps_text(4)


def test_F51_the_wait_is_two_seconds(tmp_path: Path) -> None:
    with a_journal(tmp_path / "journal", 1) as journal:
        assert writer_of(journal).execute("PRAGMA busy_timeout").fetchone() == (2000,)


def test_F51_a_second_program_is_refused_and_nothing_changes(tmp_path: Path) -> None:
    with a_journal(tmp_path / "journal", 3) as journal:
        with pytest.raises(JournalLockedError) as refused, a_journal(tmp_path / "journal"):
            pass
        assert refused.value.code == "journal.in_use"
        assert str(os.getpid()) in refused.value.message
        journal.append(a_step(3, 2))
    assert kept_after_restart(tmp_path / "journal") == steps_text(4)


def test_commits_are_fully_synced_by_default(tmp_path: Path) -> None:
    with JournalFolder(tmp_path / "full").create(entropy=ENTROPY, now_ms=NOW_MS) as journal:
        journal.append(a_step(0))
        assert writer_of(journal).execute("PRAGMA synchronous").fetchone() == (2,)
        assert writer_of(journal).execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert writer_of(journal).execute("PRAGMA wal_autocheckpoint").fetchone() == (0,)
    with a_journal(tmp_path / "normal", 1) as replayed:
        assert writer_of(replayed).execute("PRAGMA synchronous").fetchone() == (1,)


@pytest.fixture(scope="session")
def faulty_disk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A library that stands before the system's and lets chosen writes and syncs fail."""
    compiler = environment.find_compiler() or environment.make_zig_compiler()
    made = tmp_path_factory.mktemp("faults") / "io_faults.so"
    subprocess.run(
        [compiler["CC"], "-shared", "-fPIC", "-o", made, HERE / "io_faults.c", "-ldl"], check=True
    )
    return made


def written_with_fault(
    library: Path, folder: Path, call: str, at: int, errno: int, *, end: int, sticky: bool = False
) -> tuple[list[str], int]:
    """What a writer of steps 0 to `end` said, and how many such calls came from the fault on."""
    count = folder.with_name("count")
    count.write_text("0")
    under = {"LD_PRELOAD": library, "IO_FAULT_UNDER": folder, "IO_FAULT_COUNT": count}
    fault = {"IO_FAULT": call, "IO_FAULT_AT": at, "IO_FAULT_ERRNO": errno}
    fault |= {"IO_FAULT_STICKY": 1} if sticky else {}
    environ = os.environ | {key: str(value) for key, value in (under | fault).items()}
    writer = subprocess.run(
        [sys.executable, HERE / "journal_writer.py", folder, "0", str(end)],
        env=environ,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert writer.stderr == ""
    assert writer.returncode in (0, 3)
    return writer.stdout.split(), int(count.read_text())


def steps_kept(folder: Path) -> list[int]:
    """Steps of the writer in a journal that verifies and goes on; none if it was never made."""
    where = JournalFolder(folder)
    if not where.chain.exists():
        with where.create(entropy=ENTROPY, now_ms=NOW_MS):
            return []
    with where.open(from_start=True) as journal:
        rows = [row for row in journal.read() if not row.kind.startswith(PREFIX)]
        journal.append(a_step(0))
    numbers = [int(row.body.split(b".")[0]) for row in rows]
    assert numbers == [step for step in numbers[::3] for _ in range(3)]
    return numbers[::3]


EIO, ENOSPC = 5, 28


@pytest.mark.parametrize("at", [1, 3, 6, 9, 11, 12, 13, 14, 15, 20])
def test_F52_a_failed_sync_ends_the_program_and_is_never_repeated(
    faulty_disk: Path, tmp_path: Path, at: int
) -> None:
    said, syncs = written_with_fault(faulty_disk, tmp_path / "journal", "sync", at, EIO, end=30)

    acted = [int(word) for word in said if word.isdigit()]
    assert said[-1] in ("journal.failed", "journal.head_failed")
    if "open" in said:
        assert syncs == 1
    kept = steps_kept(tmp_path / "journal")
    assert kept[: len(acted)] == acted == list(range(len(acted)))
    assert len(kept) - len(acted) in (0, 1)  # of the failed step nothing is promised


def test_F52_after_a_failed_sync_nothing_more_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with a_journal(tmp_path / "journal", 2) as journal:

        def fail(_: Path) -> None:
            raise OSError(EIO, "Input/output error")

        monkeypatch.setattr(journal_storage, "sync_folder", fail)
        with pytest.raises(JournalFailedError) as first:
            journal.rotate(now_ms=NOW_MS)
        monkeypatch.undo()
        with pytest.raises(JournalFailedError) as second:
            journal.append(a_step(2))
        assert second.value is first.value
        assert bodies(journal.read()) == steps_text(2)
    assert kept_after_restart(tmp_path / "journal") == steps_text(2)


WRITES = [1, 2, 5, 9, 14, 19, 24, 28, 32, 33, 34, 35, 36, 37, 40, 45]


@pytest.mark.parametrize(("at", "errno"), list(zip(WRITES, [EIO, ENOSPC] * 8, strict=True)))
def test_F53_a_failed_write_is_a_clean_stop_or_a_clean_retry(
    faulty_disk: Path, tmp_path: Path, at: int, errno: int
) -> None:
    said, _ = written_with_fault(faulty_disk, tmp_path / "journal", "write", at, errno, end=3)

    acted = [int(word) for word in said if word.isdigit()]
    kept = steps_kept(tmp_path / "journal")
    assert kept[: len(acted)] == acted == list(range(len(acted)))
    assert len(kept) - len(acted) in (0, 1)
    if said[-1].isdigit():  # it went on after the failure
        assert acted == kept == [0, 1, 2]


def test_F53_a_disk_that_fails_for_good_stops_the_program_with_all_rows_kept(
    faulty_disk: Path, tmp_path: Path
) -> None:
    said, _ = written_with_fault(
        faulty_disk, tmp_path / "journal", "write", 120, ENOSPC, end=50, sticky=True
    )

    acted = [int(word) for word in said if word.isdigit()]
    assert acted
    assert said[-2:] == ["journal.full", "journal.full"]
    assert steps_kept(tmp_path / "journal") == acted


def test_F54_a_journal_of_schema_1_is_read_by_this_version(tmp_path: Path) -> None:
    shutil.copytree(SCHEMA_1, tmp_path / "journal")

    with JournalFolder(tmp_path / "journal").open() as journal:
        assert journal.run_id == mint_run_id(ENTROPY)
        assert bodies(journal.read()) == steps_text(2)
        started = journal.last_start()
        assert started is not None
        assert (started.algotrader, started.config_hash) == ("0.1.0", "c0ffee")
        journal.append(a_step(2, 2))
    assert kept_after_restart(tmp_path / "journal") == steps_text(3)


@pytest.mark.parametrize(("schema", "age"), [(0, "an older"), (2, "a newer")])
def test_F54_a_journal_of_another_schema_is_refused_and_left_alone(
    tmp_path: Path, schema: int, age: str
) -> None:
    folder = a_closed_journal(tmp_path / "journal", 2)
    path = folder.chain / "000001.sqlite"
    connection = sqlite3.connect(path)
    connection.execute(f"PRAGMA user_version = {schema}")
    connection.close()
    before = path.read_bytes()

    with pytest.raises(JournalVersionError) as refused, folder.open():
        pass
    assert f"schema {schema}, from {age} version" in refused.value.message
    assert path.read_bytes() == before


def test_F54_a_file_that_is_half_a_segment_is_damage(tmp_path: Path) -> None:
    folder = a_closed_journal(tmp_path / "journal", 2)
    connection = sqlite3.connect(folder.chain / "000001.sqlite")
    connection.execute("DROP TABLE entries")
    connection.close()

    with pytest.raises(JournalDamagedError), folder.open():
        pass


def test_F54_what_a_killed_creation_or_rotation_left_is_cleared_away(tmp_path: Path) -> None:
    folder = JournalFolder(tmp_path / "journal")
    folder.fresh().joinpath("000001.sqlite.aside").write_bytes(b"half")
    with pytest.raises(JournalMissingError), folder.open():
        pass
    with a_journal(tmp_path / "journal", 1):
        pass
    folder.chain.joinpath("000002.sqlite.aside").write_bytes(b"half")
    with folder.open() as journal:
        journal.rotate(now_ms=NOW_MS)
        journal.append(a_step(1, 2))
    assert kept_after_restart(tmp_path / "journal") == steps_text(2)
    assert not list(folder.chain.glob("*.aside"))


def test_a_folder_that_cannot_be_written_is_a_plain_refusal(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for make in (a_journal(tmp_path / "file"), JournalFolder(tmp_path / "none").open()):
        with pytest.raises((JournalUnwrittenError, JournalMissingError)), make:
            pass


def test_reading_needs_no_lock(tmp_path: Path) -> None:
    folder = JournalFolder(tmp_path / "journal")
    with a_journal(tmp_path / "journal", 3) as journal, folder.reading() as rows:
        assert bodies(read(rows)) == steps_text(3)
        journal.append(a_step(3, 2))
        assert bodies(read(rows, 2)) == steps_text(4)
