"""`algotrader parity` on a journal that a replay wrote."""

from __future__ import annotations

import contextlib
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from algotrader.cli.main import main
from algotrader.live.journal.folder import JournalFolder

SETTINGS = """
accounts:
  main: {currency: USD, cash: 10_000}
strategies:
  trend: {use: TrendFollow, symbols: [US:AAPL], timeframe: 1d}
trading: {start: 2011-01-03, end: 2012-01-01}
"""


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "algotrader.yaml").write_text(SETTINGS)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A desk that has traded on paper."""
    folder = tmp_path_factory.mktemp("traded")
    (folder / "algotrader.yaml").write_text(SETTINGS)
    with contextlib.chdir(folder):
        assert main(["trade", "--journal-sync", "normal", "--quiet"]) == 0
    return folder


@pytest.fixture
def traded(kept: Path, desk: Path, capfd: pytest.CaptureFixture[str]) -> Path:
    """The same desk in a folder of the test's own."""
    shutil.copytree(kept, desk, dirs_exist_ok=True)
    capfd.readouterr()
    return desk


def said(capfd: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> Any:
    assert main([*arguments, "--json"]) == code
    return json.loads(capfd.readouterr().out)


def test_promise_1_what_was_traded_on_paper_is_what_was_tested(
    traded: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    found = said(capfd, "parity")

    assert found["clean"]
    assert found["replay"]["equal"]
    assert found["replay"]["equal_steps"] == found["replay"]["steps"] > 252
    assert found["replay"]["commands"] > 5
    assert (found["backtest"]["decisions"], found["backtest"]["equal"]) == (252, 252)
    assert found["backtest"]["differences"] == []


def test_the_page_is_one_file_that_reads_without_scripts(
    traded: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    found = said(capfd, "parity", "--html", "parity.html")

    page = (traded / "parity.html").read_text()
    assert found["html"] == "parity.html"
    assert "All 252 decisions are what the backtest decides." in page
    assert "http" not in page.replace("http-equiv", "")


def test_for_people_it_is_two_lines_where_all_is_equal(
    traded: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert main(["parity", "journal"]) == 0

    lines = capfd.readouterr().out.splitlines()
    assert len(lines) == 3
    assert lines[1].endswith("commands to the venue: 100 % equal, byte for byte")
    assert lines[2] == "backtest  252 decisions: 252 equal, 0 equal in weight, 0 different"


ODD = """
import numpy as np
from algotrader import Strategy


class Odd(Strategy):
    def targets(self, bars, f):
        return np.full(len(bars), 0.2 + 0.2 * (len(bars) % 3))
"""


def test_a_target_that_is_no_function_of_history_is_a_finding(
    desk: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (desk / "algotrader.yaml").write_text(SETTINGS.replace("use: TrendFollow", "use: odd.py"))
    (desk / "odd.py").write_text(ODD)
    said(capfd, "trade", "--journal-sync", "normal")

    found = said(capfd, "parity", code=1)

    assert not found["clean"]
    assert found["replay"]["equal"]
    assert found["backtest"]["causes"]["unknown"] > 0


def test_no_journal_and_a_journal_without_decisions_say_what_to_do(
    desk: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    missing = said(capfd, "parity", code=2)
    with JournalFolder(desk / "journal").create(entropy=bytes(16), now_ms=1):
        pass
    empty = said(capfd, "parity", code=2)

    assert missing["error"]["code"] == "journal.missing"
    assert empty["error"]["code"] == "parity.nothing"
    assert "algotrader trade" in empty["error"]["hint"]
