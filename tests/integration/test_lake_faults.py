"""The lake under fire: two writers, a killed writer, a full disk, a reader beside a writer."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from algotrader.core.errors import DataError
from algotrader.data.lake import Lake

WRITER = """
import sys
import numpy as np
from algotrader.core.bars import Bars
from algotrader.core.symbols import Symbol
from algotrader.core.timeframes import Timeframe
from algotrader.data.lake import Lake

def bars(rows):
    ts = 1704067200000 + 60_000 * np.asarray(rows)
    price = 100 + np.asarray(rows) % 50.0
    return Bars(ts=ts, open=price, high=price + 1, low=price - 1, close=price,
                volume=np.ones(len(ts)), known_at=ts + 60_000, timeframe=Timeframe.parse("1m"),
                symbols=(Symbol.parse("OKX:BTC/USDT"),))

lake = Lake(sys.argv[1])
"""


def run(code: str, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(  # fresh interpreters, as two terminals would be
        [sys.executable, "-c", WRITER + code, *arguments],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def ended(process: subprocess.Popen[str]) -> tuple[int, str]:
    _, errors = process.communicate(timeout=120)
    return process.returncode, errors


def test_two_writers_lose_no_row(tmp_path: Path) -> None:
    code = """
for part in range(40):
    lake.write_bars(bars(np.arange(int(sys.argv[2]), 4000, 2)[part * 50:(part + 1) * 50]))
"""
    writers = [run(code, str(tmp_path), first) for first in ("0", "1")]

    assert [ended(writer) for writer in writers] == [(0, ""), (0, "")]
    assert len(Lake(tmp_path).read_bars("OKX:BTC/USDT", "1m")) == 4000


def test_a_reader_beside_a_writer_never_sees_half_a_file(tmp_path: Path) -> None:
    writer = run(
        "for part in range(30): lake.write_bars(bars(np.arange(part * 500, (part + 1) * 500)))",
        str(tmp_path),
    )
    seen, early = [0], set[str]()
    while writer.poll() is None:
        try:
            bars = Lake(tmp_path).read_bars("OKX:BTC/USDT", "1m")
        except DataError as error:
            early.add(error.code)
            continue
        assert len(bars) % 500 == 0
        assert bool(np.all(np.diff(bars.ts) == 60_000))
        seen.append(len(bars))

    assert ended(writer) == (0, "")
    assert early <= {"data.symbol_missing", "data.range_empty"}  # before the first write
    assert seen == sorted(seen)
    assert len(Lake(tmp_path).read_bars("OKX:BTC/USDT", "1m")) == 15_000


@pytest.mark.parametrize("after_ms", [5, 60])
def test_a_killed_writer_leaves_a_readable_lake_and_can_be_run_again(
    tmp_path: Path, after_ms: int
) -> None:
    code = """
print("ready", flush=True)
for part in range(30):
    lake.write_bars(bars(np.arange(part * 500, (part + 1) * 500)))
print("done", flush=True)
"""
    writer = run(code, str(tmp_path))
    assert writer.stdout is not None
    assert writer.stdout.readline() == "ready\n"
    time.sleep(after_ms / 1000)
    os.kill(writer.pid, signal.SIGKILL)
    writer.wait()

    lake = Lake(tmp_path)
    keys = lake.series()
    if keys:
        assert len(lake.read_bars("OKX:BTC/USDT", "1m")) % 500 == 0
    again = run(code, str(tmp_path))
    assert ended(again)[0] == 0
    assert len(lake.read_bars("OKX:BTC/USDT", "1m")) == 15_000
    for key in lake.series():
        lake.compact(key)
    assert not list(tmp_path.rglob("*.tmp"))


def test_a_full_disk_writes_nothing_and_says_what_helps(tmp_path: Path) -> None:
    before = run("lake.write_bars(bars(np.arange(1000)))", str(tmp_path))
    assert ended(before) == (0, "")
    kept = {path: path.read_bytes() for path in tmp_path.rglob("*.parquet")}
    code = """
import resource
from algotrader.core.errors import RunError
sys.dont_write_bytecode = True
resource.setrlimit(resource.RLIMIT_FSIZE, (4_000, 4_000))
try:
    lake.write_bars(bars(np.arange(500, 200_000)))
except RunError as error:
    print(error.code, error.message, error.hint)
"""
    full = run(code, str(tmp_path))
    said, errors = full.communicate(timeout=120)

    assert full.returncode == 0, errors
    assert "data.write_failed nothing was written: File too large" in said
    assert "run the same command again" in said
    assert {path: path.read_bytes() for path in tmp_path.rglob("*.parquet")} == kept
    assert not list(tmp_path.rglob("*.tmp"))


def test_promise_30_a_backtest_can_read_without_any_network(tmp_path: Path) -> None:
    """Promise 30: reading bars, rules and manifest opens no socket."""
    code = """
import socket
class Refused(socket.socket):
    def __init__(self, *_a, **_k): raise AssertionError("a socket was opened")
socket.socket = Refused
from algotrader.data.layout import SeriesKey
from algotrader.data.instruments import load_instrument
lake.write_bars(bars(np.arange(1000)))
[key] = lake.series()
print(lake.manifest(key).grade, len(lake.read_bars(key.symbol, "1m")), load_instrument(lake.root, key.symbol))
"""
    reader = run(code, str(tmp_path))
    said, errors = reader.communicate(timeout=120)

    assert reader.returncode == 0, errors
    assert said.split() == ["A", "1000", "None"]
