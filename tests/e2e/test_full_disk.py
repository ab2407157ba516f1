"""A full disk, as a real size limit on real files: one sentence, and nothing half-written."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import typer
from tests.builders import small_disk

from algotrader.cli.main import describe

LIMITED = """
import resource, signal, sys
from algotrader.cli.main import main

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # the write fails, as on a full disk
limit = int(sys.argv[1])
resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
sys.exit(main(sys.argv[2:]))
"""


def with_limit(folder: Path, limit: int, line: str) -> subprocess.CompletedProcess[str]:
    """Run a command that may write no file longer than `limit` bytes."""
    return subprocess.run(
        [sys.executable, "-c", LIMITED, str(limit), *line.split()],
        cwd=folder, env=small_disk.environment(),
        text=True, capture_output=True, check=False, timeout=120,
    )  # fmt: skip


def files_in(folder: Path) -> set[str]:
    names = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    return {name for name in names if not name.endswith(".lock")}


@pytest.mark.parametrize(
    ("line", "limit", "words", "left"),
    [
        (
            "backtest TrendFollow --symbol US:IBM",
            60_000,
            "cannot be written",
            {"runs/trials.sqlite"},
        ),
        ("backtest TrendFollow --symbol US:IBM", 4_000, "trial ledger", {"runs/trials.sqlite"}),
        ("data generate --bars 500 --lake lake", 100, "nothing was written", set()),
        ("init there", 200, "nothing was written", set()),
        ("strategy new Mine --folder mine", 200, "nothing was written", set()),
    ],
)
def test_a_full_disk_is_one_sentence_and_leaves_nothing_half_written(
    tmp_path: Path, line: str, limit: int, words: str, left: set[str]
) -> None:
    done = with_limit(tmp_path, limit, line)

    assert done.returncode == 3, done.stderr
    said, hint = done.stderr.splitlines()[-2:]
    assert said.startswith("error: ")
    assert words in said
    assert hint.startswith("hint: ")
    assert "Traceback" not in done.stderr
    assert files_in(tmp_path) <= left


def test_an_end_of_file_in_the_program_is_no_interrupt() -> None:
    broken = typer.Abort()
    broken.__cause__ = EOFError("marshal data too short")

    assert describe(broken)[0]["message"] == "this is a bug: EOFError: marshal data too short"
    assert describe(typer.Abort())[0]["code"] == "interrupted"


def test_a_full_disk_somewhere_else_says_what_helps() -> None:
    said, code = describe(OSError(28, "No space left on device", "/there"))

    assert (said["message"], code) == ("/there: no space left on device", 3)
    assert said["hint"] == "free some space and run the same command again"
