"""`algotrader halt` at a bad moment: it works while the settings are being written."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.builders.api_desk import copied, traded_desk

from algotrader.cli.main import main
from algotrader.core.events import TradingMode
from algotrader.live.journal.folder import JournalLock
from algotrader.live.operator import Inbox
from algotrader.live.requests import Request

BROKEN = "trading: {mode: paper\n"


@pytest.fixture(scope="module")
def traded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return traded_desk(tmp_path_factory.mktemp("halt") / "desk")


@pytest.fixture
def desk(traded: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(copied(traded, tmp_path / "desk"))
    return tmp_path / "desk"


def said(capfd: pytest.CaptureFixture[str], *words: str, code: int = 0) -> Any:
    assert main([*words, "--json"]) == code
    return json.loads(capfd.readouterr().out)


def left(journal: Path) -> list[tuple[str, TradingMode, bool]]:
    asked = [one for one in Inbox(journal).requests() if isinstance(one, Request)]
    return [(one.account, one.mode, one.flatten) for one in asked]


@pytest.mark.parametrize("command", ["halt", "flatten"])
@pytest.mark.parametrize(
    "text", [BROKEN, "", "nonsense: 1\n", "risk: {day: Mars}\n", "\t", "a: &a [*a]\n"]
)
def test_f71_what_stops_is_asked_for_while_the_settings_are_broken(
    desk: Path, capfd: pytest.CaptureFixture[str], command: str, text: str
) -> None:
    (desk / "algotrader.yaml").write_text(text)

    assert [one["account"] for one in said(capfd, command)] == ["main"]
    assert left(desk / "journal") == [("main", TradingMode.HALTED, command == "flatten")]


def test_f71_the_journal_is_found_where_the_settings_name_it(
    desk: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (desk / "journal").rename(desk / "truth")
    (desk / "algotrader.yaml").write_text("workspace: {journal: truth}\nnonsense: 1\n")
    said(capfd, "halt", "--account", "main")

    assert left(desk / "truth") == [("main", TradingMode.HALTED, False)]


def test_nothing_else_is_asked_for_with_broken_settings(
    desk: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (desk / "algotrader.yaml").write_text(BROKEN)

    assert said(capfd, "resume", code=2)["error"]["code"] == "config.syntax"
    assert said(capfd, "halt", "--account", "mine", code=2)["error"]["code"] == "config.syntax"
    assert left(desk / "journal") == []


def test_without_a_journal_the_mistake_in_the_settings_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "algotrader.yaml").write_text(BROKEN)

    assert said(capfd, "halt", code=2)["error"]["code"] == "config.syntax"


def test_f71_what_the_trader_trades_is_halted_though_the_settings_were_changed_since(
    desk: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    text = (desk / "algotrader.yaml").read_text().replace("main: {", "other: {")
    text = text.replace("{use: TrendFollow,", "{use: TrendFollow, account: other,")
    (desk / "algotrader.yaml").write_text(text)
    lock = JournalLock(desk / "journal")
    lock.take()  # as a trader has it that runs
    try:
        assert [one["account"] for one in said(capfd, "halt")] == ["main", "other"]
        assert [one["account"] for one in said(capfd, "halt", "--account", "main")] == ["main"]
    finally:
        lock.release()

    halted = ("main", TradingMode.HALTED, False)
    assert sorted(left(desk / "journal")) == [halted, halted, ("other", *halted[1:])]
