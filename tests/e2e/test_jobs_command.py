"""`algotrader jobs` and `algotrader run scheduler` as a person uses them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from algotrader.ops.scheduling.history import JobHistory

COMMAND = "import sys; from algotrader.cli.main import main; raise SystemExit(main(sys.argv[1:]))"
JOBS = """
jobs:
  echo: {do: command, every: 10s, arguments: [/bin/sh, -c, "echo hello; exit 0"]}
  finds: {do: command, cron: "0 0 1 1 *", arguments: [/bin/sh, -c, "exit 1"]}
  fails: {do: command, cron: "0 0 1 1 *", arguments: [/bin/sh, -c, "echo no; exit 3"]}
  retest: {do: backtest, cron: "0 0 1 1 *", use: TrendFollow, symbols: [US:AAPL], timeframe: 1d,
           arguments: [--json]}
  summary: {do: daily_summary, cron: "0 0 1 1 *"}
"""
TRADED = """
trading: {mode: paper, data: replay, start: 2012-06-01}
accounts:
  main: {currency: USD, cash: 10_000}
strategies:
  trend: {use: TrendFollow, symbols: [US:AAPL], timeframe: 1d}
"""


@pytest.fixture
def here(tmp_path: Path) -> Path:
    (tmp_path / "algotrader.yaml").write_text(JOBS)
    return tmp_path


def run(folder: Path, *arguments: str) -> tuple[int, Any]:
    done = subprocess.run(
        [sys.executable, "-c", COMMAND, *arguments, "--json"], cwd=folder, capture_output=True,
        text=True, timeout=120, check=False, env=dict(os.environ),
    )  # fmt: skip
    return done.returncode, json.loads(done.stdout)


def test_a_job_by_hand_ends_as_its_process_does_and_is_kept(here: Path) -> None:
    assert run(here, "jobs", "run", "echo") == (
        0, {"job": "echo", "outcome": "done", "says": "hello"},
    )  # fmt: skip
    assert run(here, "jobs", "run", "finds")[0] == 1
    assert run(here, "jobs", "run", "fails") == (
        3, {"job": "fails", "outcome": "failed", "says": "no"},
    )  # fmt: skip
    code, told = run(here, "jobs", "run", "ecko")
    assert (code, told["error"]["code"]) == (2, "usage.job")
    assert "echo" in told["error"]["hint"]

    _, listed = run(here, "jobs", "ls")
    assert {job["job"]: job["outcome"] for job in listed} == {
        "echo": "done", "fails": "failed", "finds": "findings", "retest": None, "summary": None,
    }  # fmt: skip
    _, kept = run(here, "jobs", "history")
    assert [one["job"] for one in kept] == ["fails", "finds", "echo"]
    assert run(here, "jobs", "history", "echo", "--last", "1")[1][0]["says"] == "hello"


def test_a_backtest_and_the_summary_are_jobs(here: Path) -> None:
    code, told = run(here, "jobs", "run", "retest")
    assert code == 0
    assert '"total_return"' in told["says"] or told["says"].rstrip().endswith("}")

    (here / "algotrader.yaml").write_text(JOBS + TRADED)
    assert run(here, "trade", "--journal-sync", "normal")[0] == 0
    code, told = run(here, "jobs", "run", "summary")
    assert code == 0, told
    assert told["says"].startswith("main: ")
    assert "equity 9,886.42 USD" in told["says"]


def test_F07_a_scheduler_runs_what_is_due_and_ends_when_asked(here: Path) -> None:
    scheduler = subprocess.Popen(
        [sys.executable, "-c", COMMAND, "run", "scheduler", "--json"], cwd=here, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=dict(os.environ),
    )  # fmt: skip
    history = JobHistory(here / "live" / "jobs")
    until = time.monotonic() + 60
    while not history.runs("echo"):
        assert scheduler.poll() is None, scheduler.communicate()
        assert time.monotonic() < until
        time.sleep(0.2)
    code, told = run(here, "run", "scheduler")
    assert (code, told["error"]["code"]) == (2, "jobs.second_scheduler")
    scheduler.send_signal(signal.SIGTERM)
    told, said = scheduler.communicate(timeout=60)  # it cuts itself off after eight seconds

    assert scheduler.returncode == 0, said
    assert set(json.loads(told)) <= {"done", "stopped"}
    assert history.runs("echo")[0].outcome in ("done", "stopped")
