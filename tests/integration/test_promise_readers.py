"""Promise 23: eight readers beside a writer of a thousand rows a second meet no lock."""

from __future__ import annotations

import sqlite3
import threading
import time
from pathlib import Path

import pytest

from algotrader.core.errors import AlgotraderError
from algotrader.live.journal.chain import Entry
from algotrader.live.journal.folder import JournalFolder
from algotrader.live.journal.records import PREFIX
from algotrader.live.journal.storage import Sync
from algotrader.live.journal.verifying import verify

READERS, STEP, A_SECOND = 8, 10, 1_000


@pytest.mark.parametrize("seconds", [2, pytest.param(60, marks=pytest.mark.slow)])
def test_promise_23_eight_readers_and_a_thousand_rows_a_second_meet_no_lock(
    tmp_path: Path, seconds: int
) -> None:
    folder = JournalFolder(tmp_path / "journal")
    errors: list[Exception] = []
    looks = [0] * READERS
    ended = threading.Event()

    def read(number: int) -> None:
        try:
            while not ended.is_set():
                newest_rows(folder)
                looks[number] += 1
        except (sqlite3.Error, AlgotraderError, AssertionError) as error:
            errors.append(error)

    with folder.create(entropy=bytes(16), now_ms=1, sync=Sync.NORMAL) as journal:
        readers = [threading.Thread(target=read, args=(number,)) for number in range(READERS)]
        for reader in readers:
            reader.start()
        began = time.monotonic()
        for first in range(0, seconds * A_SECOND, STEP):
            journal.append(a_step(first))
            time.sleep(max(began + first / A_SECOND - time.monotonic(), 0.0))
        ended.set()
        for reader in readers:
            reader.join()

    assert errors == []
    assert min(looks) > 0
    with folder.reading() as rows:
        assert verify(rows).problem is None
        written = [row for row in rows.page(1, 10**6) if not row.kind.startswith(PREFIX)]
    assert [int(row.body) for row in written] == list(range(seconds * A_SECOND))


def a_step(first: int) -> list[Entry]:
    return [
        Entry(time_ms=number, kind="Intent", body=b"%d" % number)
        for number in range(first, first + STEP)
    ]


def newest_rows(folder: JournalFolder) -> None:
    """What a page of the console reads: the newest rows, whole steps, none left out."""
    with folder.reading() as rows:
        newest = rows.newest()
        assert newest is not None
        page = rows.page(max(newest.seq - 200, 1), 1_000)
    assert [row.seq for row in page] == list(range(page[0].seq, page[0].seq + len(page)))
