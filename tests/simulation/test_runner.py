"""The runner of many seeds: it can be stopped, gone on with, and says which seed broke."""

from __future__ import annotations

import io
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.simulation import runner
from tests.simulation.blocks import SeedBlock

ROOT = Path(__file__).parents[2]


def a_block(first: int, count: int, failures: dict[int, str] | None = None) -> SeedBlock:
    return SeedBlock(
        first=first, count=count, events=count * 300, cpu_s=count / 20, faults={"crash": count},
        failures=failures or {},
    )  # fmt: skip


def test_what_is_left_of_a_selection_is_cut_at_whole_blocks() -> None:
    done = [a_block(20, 20), a_block(45, 5)]

    assert [*runner.missing(10, 50, done)] == [(10, 10), (40, 5), (50, 10)]
    assert [*runner.missing(0, 20, [a_block(0, 20)])] == []
    assert [*runner.missing(0, 45, [])] == [(0, 20), (20, 20), (40, 5)]


def test_a_record_gives_what_lies_within_a_selection_and_each_seed_once(tmp_path: Path) -> None:
    record = runner.SeedRecord(tmp_path / "seeds.jsonl")
    for block in (a_block(0, 20), a_block(0, 10), a_block(40, 20), a_block(20, 20)):
        record.add(block)
    with (tmp_path / "seeds.jsonl").open("ab") as file:
        file.write(b'\n{"first":60,"cou')  # killed while it wrote
    record.add(a_block(80, 20))

    assert [one.first for one in record.within(0, 100)] == [0, 20, 40, 80]
    assert [(one.first, one.count) for one in record.within(0, 15)] == [(0, 10)]


def test_the_summary_says_what_struck_how_fast_it_was_and_what_failed() -> None:
    tally = runner.Tally(wanted=100, blocks=[a_block(0, 20), a_block(20, 20, {31: "P3: gone"})])

    text = tally.summary(2)

    assert "40 of 100" in text
    assert "20.0 seeds, 6,000 events a core" in text
    assert text.split()[text.split().index("crash") + 1] == "40"
    assert text.endswith("failures  1\n")


def test_seeds_run_once_on_the_same_code(tmp_path: Path) -> None:
    record = runner.SeedRecord(tmp_path / "seeds.jsonl")
    first, again = io.StringIO(), io.StringIO()
    whole, done = io.StringIO(), io.StringIO()

    assert runner.run(0, 4, 1, record, whole, first) == 0
    assert runner.run(0, 4, 1, record, done, again) == 0

    assert whole.getvalue() == done.getvalue()
    assert "4 of 4 seeds were run before" in again.getvalue()
    assert "failures  0" in done.getvalue()


def test_a_seed_that_broke_is_told_again_without_being_run(tmp_path: Path) -> None:
    record = runner.SeedRecord(tmp_path / "seeds.jsonl")
    record.add(a_block(0, 20, {7: "P1: two orders"}))
    out = io.StringIO()

    assert runner.run(0, 20, 1, record, out, io.StringIO()) == 1
    assert out.getvalue().startswith("seed 7: P1: two orders\n")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_with_its_summary_and_leaves_no_process(
    number: signal.Signals, tmp_path: Path
) -> None:
    code = (
        "import sys; from pathlib import Path; from tests.simulation import runner as r\n"
        "r.BLOCK = 2\n"
        f"sys.exit(r.run(0, 10**6, 1, r.SeedRecord(Path({str(tmp_path)!r}) / 's'), sys.stdout, sys.stderr))"
    )
    running = subprocess.Popen(
        [sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    kept = tmp_path / "s"
    while not kept.exists() and running.poll() is None:
        time.sleep(0.05)
    workers = _children(running.pid)
    running.send_signal(number)
    out, _ = running.communicate(timeout=20)

    assert running.returncode == 130
    assert b" of 1,000,000\n" in out
    assert len(workers) == 1
    assert not any(Path(f"/proc/{one}").exists() for one in workers)


def _children(pid: int) -> list[int]:
    found = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
    return [int(one) for one in found]
