"""`algotrader status` at a bad moment: it shows what people and programs wrote as they wrote it."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.builders.api_desk import traded_desk

from algotrader.cli.main import main

REASON = "news [/b] of [red]ETF[/red]"


def test_a_reason_with_brackets_is_shown_as_it_was_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.chdir(traded_desk(tmp_path))
    assert main(["halt", "--reason", REASON]) == 0
    capsys.readouterr()
    assert main(["status"]) == 0
    assert f"({REASON}): at the next start" in capsys.readouterr().out

    assert main(["trade", "--quiet", "--journal-sync", "normal"]) == 0
    capsys.readouterr()
    assert main(["status"]) == 0
    assert f"halted by operator (file): {REASON}" in capsys.readouterr().out


def test_lines_that_a_full_disk_did_not_take_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "algotrader.jsonl").symlink_to("/dev/full")
    monkeypatch.chdir(traded_desk(tmp_path))
    capsys.readouterr()

    assert main(["status"]) == 0
    assert "log lines lost" in capsys.readouterr().out
