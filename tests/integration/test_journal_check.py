"""A whole journal checked beside the trader: damage in rows that no start reads halts trading."""

from __future__ import annotations

import asyncio
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path

import pytest
from tests.integration.test_state_snapshots import some_trading
from tests.integration.test_steps_replay import MAIN, T0, settings

from algotrader.core.events import Event, HaltRequested
from algotrader.core.instants import utc_at
from algotrader.core.ports import ManualClock, Notice
from algotrader.engine.engine import Engine
from algotrader.live.checking import check, checked, keep_checking
from algotrader.live.journal.folder import JournalFolder
from algotrader.live.steps import Steps


@contextmanager
def stepping(folder: JournalFolder) -> Iterator[Steps]:
    holds = folder.open() if folder.chain.exists() else None
    with holds or folder.create(entropy=bytes(16), now_ms=T0) as journal:
        steps = Steps(Engine(settings()), journal)
        steps.replay()
        yield steps


@pytest.fixture
def folder(tmp_path: Path) -> JournalFolder:
    """A journal with a snapshot in its middle."""
    made = JournalFolder(tmp_path / "journal")
    with stepping(made) as steps:
        some_trading(steps)
    return made


def alter(folder: JournalFolder, seq: int) -> None:
    with sqlite3.connect(folder.chain / "000001.sqlite") as rows:
        rows.execute("UPDATE entries SET time_ms = time_ms + 1 WHERE seq = ?", (seq,))
    rows.close()


def test_a_sound_journal_and_its_snapshot_are_found_to_be_so(folder: JournalFolder) -> None:
    assert check(folder, with_state=True) is None
    assert asyncio.run(checked(folder.path, with_state=True)) is None


def test_a_check_whose_trader_was_killed_meanwhile_ends_without_a_word(
    folder: JournalFolder,
) -> None:
    command = [sys.executable, "-m", "algotrader.live.checking", str(folder.path), "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait() == 0


def test_f50_an_altered_old_row_is_found_beside_the_trading_and_halts_it(
    folder: JournalFolder,
) -> None:
    alter(folder, 3)
    heard: list[Event] = []
    noticed: list[Notice] = []

    class Messenger:
        async def notify(self, notice: Notice) -> None:
            noticed.append(notice)

    async def over(_: float) -> None:
        raise TimeoutError

    with stepping(folder) as steps:  # the rows after the snapshot hold, so it starts
        journal = steps._journal
        with pytest.raises(TimeoutError):
            asyncio.run(
                keep_checking(
                    folder.path, lambda: journal.head, [MAIN], heard.append, Messenger(),
                    ManualClock(utc_at(T0)), sleep=over,
                )
            )  # fmt: skip
        for event in heard:
            steps.take(event)
        holds = list(steps.engine.state.risk.state.holds_of(MAIN, T0))

    assert [type(event) for event in heard] == [HaltRequested]
    assert [notice.cause for notice in noticed] == ["journal.row_altered"]
    assert any("row 3" in hold.text for hold in holds)


def test_f49_an_altered_row_after_the_snapshot_is_found_before_anything_is_traded(
    folder: JournalFolder,
) -> None:
    with folder.reading() as rows:
        newest = rows.newest()
    assert newest is not None
    alter(folder, newest.seq - 1)

    with pytest.raises(Exception, match="is not what was written"), stepping(folder):
        pass


def test_a_snapshot_that_is_not_what_its_rows_add_up_to_is_found(folder: JournalFolder) -> None:
    with stepping(folder) as steps:
        steps.engine.state.risk.state.gross[MAIN] = Decimal(7)
        steps._snapshot_seq = 0
        steps.rest(1)

    found = check(folder, with_state=True)

    assert check(folder, with_state=False) is None
    assert found is not None
    assert (found.code, "risk" in found.text) == ("journal.snapshot_differs", True)
