"""A trader that is short of memory or whose strategy hangs mends itself and goes on (F10, F11)."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from algotrader.live.journal.folder import JournalFolder

COMMAND = "import sys; from algotrader.cli.main import main; raise SystemExit(main(sys.argv[1:]))"
SETTINGS = """
accounts:
  main: {{currency: USD, cash: 10_000}}
  other: {{currency: USD, cash: 10_000}}
strategies:
  own: {{use: own.py, symbols: [US:AAPL], timeframe: 1d}}
  trend: {{use: TrendFollow, symbols: [US:AAPL], timeframe: 1d, account: other}}
trading: {{start: 2011-01-03, end: {end}, memory_mb: {memory}}}
metrics: {{every_s: 0.1}}
"""

KEEPS = """
import numpy as np
from algotrader import Strategy

KEPT = []


class Keeps(Strategy):
    def targets(self, bars, f):
        KEPT.append(np.ones(3_000_000))  # 24 MB a bar
        return np.full(len(bars), 0.5)
"""
CALM = KEEPS.replace("        KEPT.append(np.ones(3_000_000))  # 24 MB a bar\n", "")
HANGS = CALM.replace(
    "        return", "        import time\n\n        time.sleep(5)\n        return"
)


def traded(folder: Path, strategy: str, *, memory: int, end: str, speed: str) -> dict[str, Any]:
    (folder / "own.py").write_text(strategy)
    (folder / "algotrader.yaml").write_text(SETTINGS.format(memory=memory, end=end))
    done = subprocess.run(
        [sys.executable, "-c", COMMAND, "trade", "--json", "--speed", speed], cwd=folder,
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2_000:]
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def events(folder: Path, kind: str) -> list[dict[str, Any]]:
    with JournalFolder(folder / "journal").reading() as rows:
        return [json.loads(row.body) for row in rows.page(1, 100_000) if row.kind == kind]


def logged(folder: Path) -> list[str]:
    lines = (folder / "logs" / "algotrader.jsonl").read_text().splitlines()
    return [json.loads(line)["event"] for line in lines]


def test_f11_a_strategy_that_keeps_every_bar_gets_a_new_worker_and_decides_on(
    tmp_path: Path,
) -> None:
    traded(tmp_path, KEEPS, memory=400, end="2011-03-15", speed="10")
    lines = logged(tmp_path)
    answers = events(tmp_path, "StrategyAnswered")

    told = next(i for i, line in enumerate(lines) if line.startswith("the worker uses"))
    assert told < lines.index("the worker starts anew: its memory is nearly used up")
    assert len(answers) == 2 * 49
    assert {one["outcome"] for one in answers} == {"decided"}


def test_f11_a_trader_short_of_memory_starts_anew_between_two_steps_and_goes_on(
    tmp_path: Path,
) -> None:
    traded(tmp_path, CALM, memory=100, end="2011-05-02", speed="10")
    lines = logged(tmp_path)
    answers = events(tmp_path, "StrategyAnswered")

    assert "the trader starts anew: its memory is nearly used up" in lines
    assert len(events(tmp_path, "RunStarted")) > 1
    decided = [(one["strategy"], one["decision_ts"]) for one in answers]
    assert len(decided) == len(set(decided)) == 2 * 82
    assert {one["mode"] for one in events(tmp_path, "ModeChanged")} == {"starting", "trading"}


def test_f10_a_strategy_that_sleeps_is_stopped_and_the_loop_never_stands_still(
    tmp_path: Path,
) -> None:
    traded(tmp_path, HANGS, memory=2_000, end="2011-01-20", speed="10")
    outcomes = [(one["strategy"], one["outcome"]) for one in events(tmp_path, "StrategyAnswered")]

    assert ("own", "timed_out") in outcomes
    assert outcomes.count(("trend", "decided")) == 12
    assert not [line for line in logged(tmp_path) if "stood still" in line]
