"""One writer of a folder that machines share (F65): a name and a beat, no clocks compared."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from algotrader.live.journal.chain import Entry
from algotrader.live.journal.errors import JournalFailedError, JournalLockedError
from algotrader.live.journal.folder import JournalFolder
from algotrader.live.journal.lease import FILE, Holding, Lease


def left(folder: Path, machine: str, beat: int = 3, boot: str = "") -> None:
    holding = Holding(machine=machine, process=1, beat=beat, token="theirs", boot=boot)
    (folder / FILE).write_bytes(msgspec.json.encode(holding))


def held(folder: Path) -> str:
    return msgspec.json.decode((folder / FILE).read_bytes(), type=Holding).machine


def test_f65_a_living_holder_on_another_machine_refuses_the_second(tmp_path: Path) -> None:
    left(tmp_path, "first")

    def it_beats(_: float) -> None:
        left(tmp_path, "first", beat=4)

    second = Lease(tmp_path, machine="second", sleep=it_beats)
    with pytest.raises(JournalLockedError, match="in use on first") as refused:
        second.take()

    assert refused.value.code == "journal.leased"
    second.release()
    assert held(tmp_path) == "first"


def test_f65_a_holder_that_died_is_waited_for_and_replaced(tmp_path: Path) -> None:
    left(tmp_path, "first")
    waited: list[float] = []
    second = Lease(tmp_path, machine="second", patience_s=12.0, sleep=waited.append)

    second.take()

    assert waited == [12.0]
    assert held(tmp_path) == "second"
    second.release()
    assert not (tmp_path / FILE).exists()


def test_the_same_machine_does_not_wait_for_itself(tmp_path: Path) -> None:
    left(tmp_path, "here")
    waited: list[float] = []
    again = Lease(tmp_path, machine="here", sleep=waited.append)

    again.take()

    assert waited == []
    again.release()


def test_f65_a_holder_that_slept_and_was_replaced_writes_no_more(tmp_path: Path) -> None:
    folder = JournalFolder(tmp_path / "journal")
    entry = Entry(time_ms=1, kind="Noted", body=b"{}")
    with folder.create(entropy=bytes(16), now_ms=1) as journal:
        journal.append([entry])
        left(folder.path, "another")
        assert folder._lease is not None
        folder._lease.beat()

        for _ in range(2):
            with pytest.raises(JournalFailedError, match="taken over by another"):
                journal.append([entry])

    assert held(folder.path) == "another"


def test_a_beat_says_that_the_holder_lives(tmp_path: Path) -> None:
    lease = Lease(tmp_path, machine="here", beat_s=60.0)
    lease.take()
    before = (tmp_path / FILE).read_bytes()
    lease.beat()

    assert (tmp_path / FILE).read_bytes() != before
    lease.require()
    lease.release()


def test_f65_of_two_holders_of_one_name_and_number_one_writes(tmp_path: Path) -> None:
    """Containers: each is process 1, of the host name that compose gives."""
    first, second = (Lease(tmp_path, machine="trader", beat_s=60.0) for _ in range(2))
    first.take()
    second.take()
    for each in (first, second):
        each.beat()

    with pytest.raises(JournalFailedError, match="taken over by trader"):
        first.require()
    second.require()
    first.release()
    assert held(tmp_path) == "trader"
    second.release()
    assert not (tmp_path / FILE).exists()


@pytest.mark.parametrize(("boot", "waits"), [("one", []), ("another", [12.0]), ("", [])])
def test_f65_a_machine_of_the_same_name_is_told_by_its_boot(
    tmp_path: Path, boot: str, waits: list[float]
) -> None:
    left(tmp_path, "trader", boot=boot)
    waited: list[float] = []
    lease = Lease(tmp_path, machine="trader", boot="one", patience_s=12.0, sleep=waited.append)
    lease.take()

    assert waited == waits
    lease.release()


def test_a_holder_that_an_earlier_version_left_is_replaced(tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(b'{"machine":"here","process":1,"beat":3}')
    lease = Lease(tmp_path, machine="here")
    lease.take()
    lease.beat()
    lease.require()
    lease.release()
