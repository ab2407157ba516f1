"""F06: a writer killed at random moments, commits, checkpoints and new files among them."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from algotrader.live.journal.errors import JournalLockedError
from algotrader.live.journal.folder import JournalFolder
from algotrader.live.journal.records import PREFIX
from algotrader.live.journal.segments import segment_numbers
from algotrader.live.journal.verifying import read, verify

WRITER = Path(__file__).with_name("journal_writer.py")
CYCLES, MOST_CYCLES = 30, 300  # more where the machine is so busy that little is written


def start_writer(folder: Path, first: int) -> subprocess.Popen[str]:
    writer = subprocess.Popen(
        [sys.executable, WRITER, folder, str(first)], stdout=subprocess.PIPE, text=True
    )
    assert writer.stdout is not None
    assert writer.stdout.readline() == "open\n"
    return writer


def killed_after(writer: subprocess.Popen[str], seconds: float) -> list[int]:
    """Kill -9; the steps that were acted upon until then."""
    acted: list[str] = []
    assert writer.stdout is not None
    drain = threading.Thread(target=lambda: acted.extend(writer.stdout or []))
    drain.start()
    time.sleep(seconds)
    writer.send_signal(signal.SIGKILL)
    assert writer.wait() == -signal.SIGKILL
    drain.join()
    return [int(line) for line in acted]


def steps_of(folder: JournalFolder) -> list[int]:
    """Numbers of the whole steps in a journal that verifies."""
    with folder.reading() as rows:
        found = verify(rows)
        assert found.problem is None, found.problem
        numbers = [
            tuple(map(int, row.body.rstrip(b".").split(b".")))
            for row in read(rows)
            if not row.kind.startswith(PREFIX)
        ]
    assert numbers == [(step, row) for step, _ in numbers[::3] for row in range(3)]
    return [step for step, _ in numbers[::3]]


def test_F06_thirty_kills_leave_a_whole_chain_and_nothing_acted_upon_without_a_row(
    tmp_path: Path,
) -> None:
    moments = random.Random(6)
    folder = JournalFolder(tmp_path / "journal")
    done = 0
    for cycle in range(MOST_CYCLES):
        if cycle >= CYCLES and len(segment_numbers(folder.chain)) > 1:
            break
        writer = start_writer(folder.path, done)
        acted = killed_after(writer, moments.uniform(0.0, 0.25))

        kept = steps_of(folder)
        assert kept == list(range(len(kept))), f"cycle {cycle}"
        assert len(kept) - done in (len(acted), len(acted) + 1), f"cycle {cycle}"
        done = len(kept)
    assert len(segment_numbers(folder.chain)) > 1  # they did get on


def test_F65_a_second_program_is_refused_while_one_writes_and_let_in_after_it_died(
    tmp_path: Path,
) -> None:
    writer = start_writer(tmp_path / "journal", 0)
    try:
        folder = JournalFolder(tmp_path / "journal")
        with pytest.raises(JournalLockedError) as refused, folder.open():
            pass
        assert refused.value.code == "journal.in_use"
        assert str(writer.pid) in refused.value.message
    finally:
        acted = killed_after(writer, 0.0)
    with JournalFolder(tmp_path / "journal").open() as journal:
        assert journal.head.seq > len(acted)


def test_a_reader_follows_while_another_program_writes(tmp_path: Path) -> None:
    writer = start_writer(tmp_path / "journal", 0)
    folder = JournalFolder(tmp_path / "journal")
    try:
        found = 0  # looks at which there was a step: the first is written when it is written
        while found < 20:
            found += bool(steps_of(folder))
    finally:
        acted = killed_after(writer, 0.0)
    assert steps_of(folder)[-1] >= acted[-1]
