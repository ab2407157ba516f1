"""`algotrader trade` on a disk that refuses, or on a journal it cannot read: nothing is lost."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from tests.builders import small_disk

from algotrader.live.journal.chain import Entry
from algotrader.live.journal.folder import JournalFolder

COMMAND = "import sys; from algotrader.cli.main import main; raise SystemExit(main(sys.argv[1:]))"
SETTINGS = """
accounts:
  main: {currency: USD, cash: 10_000}
strategies:
  trend: {use: TrendFollow, symbols: [US:AAPL], timeframe: 1d}
trading: {start: 2011-01-03, end: 2011-07-01}
"""
SMALL = 120_000
"""Bytes a file may have: the journal begins, and then its disk is full."""


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "algotrader.yaml").write_text(SETTINGS)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_journal_of_a_newer_version_is_not_traded_on_and_not_changed(
    desk: Path, said: Any
) -> None:
    said("trade")
    folder = JournalFolder(desk / "journal")
    with folder.open() as journal:
        body = b'{"kind":"OrderDreamt","ts_event":1,"ts_known":1,"v":1}'
        journal.append([Entry(time_ms=1, kind="OrderDreamt", body=body)])
        head = journal.head
    error = said("trade", code=3)["error"]

    assert error["code"] == "event.unknown_version"
    assert "refusing to trade" in error["message"]
    assert "newer" in error["hint"]
    with folder.open() as journal:
        assert journal.head == head


def test_a_journal_that_cannot_be_written_refuses_the_start(desk: Path, said: Any) -> None:
    (desk / "journal").write_text("a file in its place")
    error = said("trade", code=3)["error"]

    assert error["code"] == "journal.read_only"
    assert error["hint"]


def test_promise_23_a_disk_that_fills_up_stops_trading_until_there_is_room_and_loses_nothing(
    desk: Path, said: Any
) -> None:
    def squeeze() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (SMALL, resource.RLIM_INFINITY))

    told = desk / "told"
    with told.open("wb") as errors:
        trader = subprocess.Popen(
            [sys.executable, "-c", COMMAND, "trade", "--json"], cwd=desk, env=small_disk.environment(),
            stdout=subprocess.PIPE, stderr=errors, preexec_fn=squeeze,
        )  # fmt: skip
        while trader.poll() is None and b"cannot be written" not in told.read_bytes():
            time.sleep(0.05)
        assert trader.poll() is None, told.read_text()
        resource.prlimit(trader.pid, resource.RLIMIT_FSIZE, (-1, -1))
        out, _ = trader.communicate(timeout=60)
    squeezed = json.loads(out)
    (desk / "journal").rename(desk / "squeezed")
    at_once = said("trade")

    assert squeezed["accounts"] == at_once["accounts"]
    assert squeezed["slices"] == at_once["slices"]
