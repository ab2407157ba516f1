"""`algotrader parity` on a journal that a replay wrote."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from algotrader.cli.main import main

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


def said(capfd: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> Any:
    assert main([*arguments, "--json"]) == code
    return json.loads(capfd.readouterr().out)


def test_what_was_traded_on_paper_is_what_was_tested(
    desk: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    said(capfd, "trade", "--journal-sync", "normal")
    found = said(capfd, "parity")

    assert found["clean"]
    assert found["replay"]["equal"]
    assert found["replay"]["equal_steps"] == found["replay"]["steps"] > 252
    assert found["replay"]["commands"] > 5
    assert (found["backtest"]["decisions"], found["backtest"]["equal"]) == (252, 252)
    assert found["backtest"]["differences"] == []


def test_a_journal_without_a_decision_or_none_at_all_is_wrong_use(
    desk: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    missing = said(capfd, "parity", code=2)

    assert missing["error"]["code"] == "journal.missing"
