"""`algotrader trade` on paper with live bars of a look-alike exchange: filled, killed, gone on."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.builders.okx_venue import served

from algotrader.core.instants import utc_ms
from algotrader.core.ports import SystemClock
from algotrader.core.symbols import Symbol
from algotrader.core.timeframes import MINUTE_MS, Timeframe
from algotrader.data.lake import Lake
from algotrader.simulator.okx.build import SimulatorSettings, build, generated

pytest.importorskip("ccxt", reason="not run: ccxt is not installed")

COMMAND = "import sys; from algotrader.cli.main import main; raise SystemExit(main(sys.argv[1:]))"
SWAP = Symbol.parse("OKX:BTC/USDT:USDT")
FLIP = """
import numpy as np
from algotrader import Strategy


class Flip(Strategy):
    def targets(self, bars, f):
        return np.where((bars.ts // 60_000) % 2 < 1, 0.5, 0.0)
"""
SEES = """
from algotrader import Strategy


class Sees(Strategy):
    def on_bar(self, ctx):
        ctx.state["bars"] = ctx.state.get("bars", 0) + 1
"""
SETTINGS = """
trading: {{mode: paper, data: live, url: "http://127.0.0.1:{port}"}}
collect: {{history_days: 1, grace_s: 20}}
accounts:
  main: {{currency: USDT, margin: cross}}
strategies:
  flip: {{use: flip.py, symbols: ["OKX:BTC/USDT:USDT"], timeframe: 1m}}
  sees: {{use: sees.py, symbols: ["OKX:BTC/USDT"], timeframe: 1m}}
jobs:
  note: {{do: command, every: 10s, arguments: [/bin/echo, it is time]}}
"""


@contextmanager
def an_exchange() -> Iterator[int]:
    listed = generated(["BTC-USDT", "BTC-USDT-SWAP"], bars=4_000)
    settings = SimulatorSettings(
        balances={"USDT": Decimal(1)}, speed=40.0, limits=False, history_bars=600
    )
    now_ms = utc_ms(SystemClock().now()) // MINUTE_MS * MINUTE_MS
    with served(build(listed, settings, now_ms)) as port:
        yield port


def begin(folder: Path, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", COMMAND, *arguments], cwd=folder, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=dict(os.environ),
    )  # fmt: skip


def asked(folder: Path, *arguments: str) -> Any:
    done = subprocess.run(
        [sys.executable, "-c", COMMAND, *arguments, "--json"], cwd=folder, capture_output=True,
        text=True, timeout=60, check=False,
    )  # fmt: skip
    return json.loads(done.stdout)


def wait_for_fills(folder: Path, count: int, process: subprocess.Popen[str]) -> list[Any]:
    until = time.monotonic() + 120
    fills: list[Any] = []
    while len(fills) < count:
        assert process.poll() is None, process.communicate()[1]
        assert time.monotonic() < until, f"only {len(fills)} fills"
        time.sleep(1)
        found = asked(folder, "fills", "--last", "0")
        fills = found if isinstance(found, list) else []
    return fills


def wait_for_a_job(folder: Path) -> Any:
    until = time.monotonic() + 60
    while True:
        ran = asked(folder, "jobs", "history", "note")
        if done := [run for run in ran if run["outcome"] == "done"]:
            return done[0]
        assert time.monotonic() < until, ran
        time.sleep(1)


def test_paper_fills_on_bars_as_they_close_and_goes_on_after_a_kill(tmp_path: Path) -> None:
    (tmp_path / "flip.py").write_text(FLIP)
    (tmp_path / "sees.py").write_text(SEES)
    with an_exchange() as port:
        (tmp_path / "algotrader.yaml").write_text(SETTINGS.format(port=port))
        killed = begin(tmp_path, "trade", "--quiet")
        before = wait_for_fills(tmp_path, 2, killed)
        killed.send_signal(signal.SIGKILL)
        killed.communicate()
        second = begin(tmp_path, "run", "trader", "--json")
        fills = wait_for_fills(tmp_path, len(before) + 2, second)
        ran = wait_for_a_job(tmp_path)
        second.send_signal(signal.SIGTERM)
        told, said = second.communicate(timeout=30)

    assert second.returncode == 0, said
    result = json.loads(told)
    assert result["resumed"]
    assert result["accounts"][0]["mode"] == "trading"
    trades = [fill["trade"] for fill in fills]
    assert len(trades) == len(set(trades))
    sides = [fill["side"] for fill in fills]
    assert all(a != b for a, b in pairwise(sides)), sides
    bars = Lake(tmp_path / "lake").read_bars(SWAP, Timeframe(MINUTE_MS))
    assert np.all(np.diff(bars.ts) == MINUTE_MS)  # collected beside the trader, down-time included
    assert ran["says"] == "it is time"
    caught_up = asked(tmp_path, "journal", "show", "--kind", "CaughtUp", "--last", "0")
    assert {row["body"]["strategy"] for row in caught_up} == {"sees"}  # what it missed (R24)
    assert asked(tmp_path, "journal", "verify")
