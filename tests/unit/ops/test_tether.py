"""A command ends with the process that asked for it, and as itself when that lives."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.builders.processes import is_over

from algotrader.ops.tether import ENDS_WITHIN_S, tethered

OWNER = """
import subprocess, time
from algotrader.ops.tether import tethered
subprocess.Popen(tethered(["/bin/sh", "-c", "echo $$ > pid; exec sleep 60"]), start_new_session=True)
time.sleep(60)
"""


@pytest.mark.parametrize(
    ("script", "code"), [("exit 0", 0), ("exit 3", 3), ("kill -9 $$", 137), ("kill $$", 143)]
)
def test_a_command_ends_as_it_would_by_itself(script: str, code: int) -> None:
    words = tethered(["/bin/sh", "-c", script])

    assert subprocess.run(words, start_new_session=True, check=False).returncode == code


def test_a_program_that_is_not_there_is_said_as_a_shell_says_it() -> None:
    ran = subprocess.run(
        tethered(["/no/such"]), start_new_session=True, check=False, capture_output=True, text=True
    )

    assert (ran.returncode, ran.stderr) == (127, "/no/such: no such file or directory\n")


def test_what_is_asked_to_end_ends_its_command(tmp_path: Path) -> None:
    """The whole session is asked: the tether lives as long as its command."""
    script = "trap 'echo ended; exit 5' TERM; echo begun; while :; do sleep 0.05; done"
    process = subprocess.Popen(
        tethered(["/bin/bash", "-c", script]), start_new_session=True, stdout=subprocess.PIPE,
        text=True,
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stdout.readline() == "begun\n"
    os.killpg(process.pid, signal.SIGTERM)

    assert process.communicate(timeout=10)[0] == "ended\n"
    assert process.returncode == 5


def test_a_command_ends_with_an_owner_that_is_killed(tmp_path: Path) -> None:
    owner = subprocess.Popen([sys.executable, "-c", OWNER], cwd=tmp_path)
    file, end_s = tmp_path / "pid", time.monotonic() + 20
    while not (file.exists() and file.read_text().strip()) and time.monotonic() < end_s:
        time.sleep(0.05)
    number = int(file.read_text())
    owner.send_signal(signal.SIGKILL)
    owner.wait()

    end_s = time.monotonic() + ENDS_WITHIN_S
    while not is_over(number) and time.monotonic() < end_s:
        time.sleep(0.05)
    assert is_over(number)
