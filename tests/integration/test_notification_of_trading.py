"""`algotrader trade` tells a person: over the real client, to a look-alike of Telegram's Bot API."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.builders.bot_api import CHAT, TOKEN, USER, bot_api

from algotrader.cli.main import main

pytest.importorskip("telegram", reason="not run: python-telegram-bot is not installed")

SETTINGS = """
accounts:
  main: {{currency: USD, cash: 10_000}}
strategies:
  trend: {{use: TrendFollow, symbols: [US:AAPL], timeframe: 1d}}
trading: {{start: 2011-01-03, end: 2011-04-01}}
notification:
  language: {language}
  channels:
    phone: {{kind: telegram, chats: [{chat}], users: [{user}], url: "{url}"}}
"""


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ALGOTRADER_TELEGRAM_TOKEN", TOKEN)
    return tmp_path


def settings(url: str, language: str = "en") -> str:
    return SETTINGS.format(language=language, chat=CHAT, user=USER, url=url)


def said(capfd: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> Any:
    assert main([*arguments, "--json"]) == code
    return json.loads(capfd.readouterr().out)


def test_a_halt_reaches_the_phone(desk: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with bot_api() as (api, url):
        (desk / "algotrader.yaml").write_text(settings(url))
        said(capfd, "halt", "--reason", "a test")
        said(capfd, "trade", "--journal-sync", "normal")
        (text,) = api.until(1, containing="kill_switch")

    assert text.startswith("<b>‼ ")
    assert "main" in text
    assert "a test" in text


def test_a_missing_secret_is_named_before_anything_is_done(
    desk: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (desk / "algotrader.yaml").write_text(settings("http://127.0.0.1:1"))
    monkeypatch.delenv("ALGOTRADER_TELEGRAM_TOKEN")
    error = said(capfd, "trade", code=2)["error"]

    assert error["code"] == "secrets.missing"
    assert "ALGOTRADER_TELEGRAM_TOKEN" in error["message"]
    assert not (desk / "journal").exists()


def test_fills_and_positions_are_told_in_chinese_and_only_those_since_it_was_asked_for(
    desk: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with bot_api() as (api, url):
        silent = settings(url, "zh").partition("notification:")[0]
        (desk / "algotrader.yaml").write_text(silent)
        said(capfd, "trade", "--journal-sync", "normal")
        before = len(said(capfd, "fills", "--last", "0"))
        longer = settings(url, "zh").replace("2011-04-01", "2011-12-01")
        (desk / "algotrader.yaml").write_text(longer)
        said(capfd, "trade", "--journal-sync", "normal")
        fills = len(said(capfd, "fills", "--last", "0")) - before
        texts = api.until(1, containing="平仓")

    told = "\n".join(api.texts())
    assert fills > 0
    assert before > 0
    assert len(texts) >= 1
    assert told.count("US:AAPL") <= 3 * fills
