"""`algotrader trade` tells a person: over the real client, to a look-alike of Telegram's Bot API."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from tests.builders.bot_api import CHAT, TOKEN, USER, bot_api

from algotrader.cli.main import main
from algotrader.ops.notification import service

pytest.importorskip("telegram", reason="not run: python-telegram-bot is not installed")

COMMAND = "import sys; from algotrader.cli.main import main; raise SystemExit(main(sys.argv[1:]))"
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
    monkeypatch.setattr(service, "_LAST_WORDS_S", 60.0)  # a busy machine is no fault
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


def started(folder: Path, *words: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-c", COMMAND, *words, "--quiet"],
        cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip


def test_f71_a_halt_by_telegram_stops_a_running_trader_and_is_told(
    desk: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with bot_api() as (api, url):
        (desk / "algotrader.yaml").write_text(settings(url))
        trader = started(desk, "trade", "--speed", "2")
        try:
            api.write("/halt")
            api.until(1, wait_s=60, containing="Halt asked: main")
            api.until(1, wait_s=60, containing="trading stopped by kill_switch")
            api.write("/status")
            (status,) = api.until(1, wait_s=60, containing="STOPPED")
        finally:
            trader.kill()
            trader.wait()

    assert "equity" in status
    rows = said(capfd, "journal", "show", "--kind", "HaltRequested", "--last", "0")
    assert [(row["body"]["channel"], row["body"]["by"]) for row in rows] == [
        ("telegram", f"telegram:{USER}")
    ]


def test_a_notifier_of_its_own_tells_what_a_trader_does(
    desk: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with bot_api() as (api, url):
        (desk / "algotrader.yaml").write_text(settings(url))
        notifier = started(desk, "run", "notifier")
        try:
            lock = desk / "journal" / "notification" / "courier.lock"
            until = time.monotonic() + 60
            while not lock.exists() and time.monotonic() < until:
                time.sleep(0.05)
            time.sleep(0.5)
            said(capfd, "halt")
            said(capfd, "trade", "--journal-sync", "normal")
            api.until(1, containing="trading stopped by kill_switch")
            error = said(capfd, "run", "notifier", code=2)["error"]
            notifier.send_signal(signal.SIGTERM)
            assert notifier.wait(timeout=60) == 0
        finally:
            notifier.kill()

    assert error["code"] == "notification.taken"


def test_notify_test_says_what_came_of_each_channel(
    desk: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with bot_api() as (api, url):
        more = f"    spare: {{kind: telegram, chats: [5], variable: SPARE, url: '{url}'}}\n"
        (desk / "algotrader.yaml").write_text(settings(url, "zh") + more)
        monkeypatch.setenv("SPARE", "99:canary-7f3a")
        assert main(["notify", "test", "--json"]) == 3
        told = json.loads(capfd.readouterr().out)

    assert [(one["channel"], one["delivered"]) for one in told] == [
        ("phone", True), ("spare", False),
    ]  # fmt: skip
    assert "canary" not in json.dumps(told)
    assert "测试消息" in api.texts()[0]


def test_without_a_channel_a_test_says_what_to_do(
    desk: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (desk / "algotrader.yaml").write_text("backtest: {cash: 5}\n")

    assert said(capfd, "notify", "test", code=2)["error"]["code"] == "notification.no_channel"


def test_the_daily_summary_comes_with_a_picture_of_equity(
    desk: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with bot_api() as (api, url):
        job = "jobs:\n  evening: {do: daily_summary, cron: '0 20 * * *'}\n"
        (desk / "algotrader.yaml").write_text(settings(url) + job)
        said(capfd, "trade", "--journal-sync", "normal")
        said(capfd, "jobs", "run", "evening")
        (text,) = api.until(1, containing="summary of")
        (photo,) = [call for call in api.calls if call.method == "sendPhoto"]

    assert "equity 1" in text
    assert any(
        isinstance(held, bytes) and held.startswith(b"\x89PNG") for held in photo.fields.values()
    )


def test_who_wrote_to_the_bot_is_listed_by_number(
    desk: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with bot_api() as (api, url):
        (desk / "algotrader.yaml").write_text(settings(url))
        api.write("hello", user=11, chat=11)
        api.write("hello again", user=11, chat=11)
        api.write("hello all", user=11, chat=-5)
        found = said(capfd, "notify", "chats")
        api.goes_wrong("getUpdates", 500)
        error = said(capfd, "notify", "chats", code=3)["error"]

    assert [(one["user"], one["chat"]) for one in found] == [(11, 11), (11, -5)]
    assert error["code"] == "notification.telegram"


def test_other_settings_of_notification_hold_once_they_are_read_again(
    desk: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with bot_api() as (api, url):
        (desk / "algotrader.yaml").write_text(settings(url))
        trader = started(desk, "trade", "--speed", "2")
        try:
            api.write("/help")
            api.until(1, containing="What I understand")
            (desk / "algotrader.yaml").write_text(settings(url, "zh"))
            said(capfd, "reload")
            (text,) = api.until(1, containing="Settings were read again")
            api.until_asked("getUpdates")
            api.write("/help")
            api.until(1, containing="可用命令")
            missing = settings(url).replace("phone: {", "phone: {variable: NOWHERE_KEPT, ")
            (desk / "algotrader.yaml").write_text(missing)
            said(capfd, "reload")
            api.until(1, containing="新通道不可用")
        finally:
            trader.kill()
            trader.wait()

    assert "notification.language: en → zh" in text


@pytest.mark.parametrize("words", [("trade",), ("notify", "test")], ids=" ".join)
def test_without_the_extra_it_is_said_how_to_get_it_before_anything_is_done(
    desk: Path,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    words: tuple[str, ...],
) -> None:
    (desk / "algotrader.yaml").write_text(settings("http://127.0.0.1:1"))
    for name in [name for name in sys.modules if name.partition(".")[0] == "telegram"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "telegram", None)
    error = said(capfd, *words, code=2)["error"]

    assert error["code"] == "notification.extra"
    assert "algotrader[notify]" in error["hint"]
    assert not (desk / "journal").exists()
