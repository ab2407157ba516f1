"""Limits, settings and strategies changed while a trader runs: at once, audited, or refused."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from algotrader.live.journal.folder import JournalFolder

COMMAND = "import sys; from algotrader.cli.main import main; raise SystemExit(main(sys.argv[1:]))"
STRATEGY = """
import numpy as np
from algotrader import Strategy, param


class Steady(Strategy):
    weight: float = param(0.5, low=0.1, high=1.0)

    def targets(self, bars, f):
        return np.full(len(bars), self.weight)
"""
SETTINGS = """
accounts:
  main: {currency: USD, cash: 10_000}
strategies:
  steady: {use: steady.py, symbols: [US:AAPL], timeframe: 1d, parameters: {weight: 0.5}}
trading: {start: 2000-01-03}
risk:
  account: {max_leverage: 2, max_daily_loss: 50%}
"""


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "algotrader.yaml").write_text(SETTINGS)
    (tmp_path / "steady.py").write_text(STRATEGY)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def trader(desk: Path) -> Iterator[subprocess.Popen[bytes]]:
    """One that trades some bars a second, and has begun."""
    process = subprocess.Popen(
        [sys.executable, "-c", COMMAND, "trade", "--quiet", "--speed", "5"], cwd=desk,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    journal = JournalFolder(desk / "journal")
    while process.poll() is None and not decided(journal):
        time.sleep(0.05)
    yield process
    process.kill()
    process.wait()


def decided(journal: JournalFolder) -> bool:
    if not journal.chain.exists():
        return False
    with journal.reading() as rows:
        return any(row.kind == "Decided" for row in rows.page(1, 10_000))


def changes(told: Any) -> dict[str, tuple[str | None, bool]]:
    return {one["key"]: (one["after"], one["refused"] is None) for one in told["changes"]}


def test_a_reload_changes_what_is_safe_refuses_the_rest_and_outlives_a_restart(
    desk: Path, trader: subprocess.Popen[bytes], said: Any
) -> None:
    text = SETTINGS.replace("max_leverage: 2", "max_leverage: 1.5").replace("0.5}}", "0.25}}")
    (desk / "algotrader.yaml").write_text(text.replace("cash: 10_000", "cash: 20_000"))
    told = said("reload", "--reason", "calmer")

    assert changes(told) == {
        "accounts.main.cash": ("20000.0", False),
        "risk.account.max_leverage": ("1.5", True),
        "strategies.steady.parameters.weight": ("0.25", True),
    }
    limits = {one["key"]: one["value"] for one in said("limits", "show")["limits"]}
    assert limits["account.max_leverage"] == "1.5"
    assert changes(said("reload")) == {"accounts.main.cash": ("20000.0", False)}
    (row, _) = said("journal", "show", "--kind", "SettingsReloaded", "--last", "0")
    assert (row["body"]["by"], row["body"]["reason"]) == ("operator", "calmer")
    (loaded,) = said("journal", "show", "--kind", "StrategyReloaded", "--last", "0")
    assert loaded["body"]["parameters"] == {"weight": 0.25}
    until_target(desk, 0.25)
    trader.kill()
    trader.wait()
    assert said("parity")["replay"]["equal"]


def until_target(desk: Path, target: float) -> None:
    """Wait until a decision has that target."""
    journal = JournalFolder(desk / "journal")
    for _ in range(600):
        with journal.reading() as rows:
            newest = rows.newest(kind="Decided")
        if newest is not None and json.loads(newest.body)["target"] == target:
            return
        time.sleep(0.05)
    raise AssertionError(f"no decision has target {target}")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("max_leverage", "max_leverige"), "no setting"),
        (("max_leverage: 2", "max_leverage: much"), "not a number"),
        (("max_leverage: 2", "max_gross: 1, max_net: 2"), "max_net 2 is more than max_gross 1"),
    ],
    ids=["key", "value", "contradiction"],
)
def test_f62_a_broken_file_leaves_the_running_settings_untouched(
    desk: Path, trader: subprocess.Popen[bytes], said: Any, change: tuple[str, str], words: str
) -> None:
    (desk / "algotrader.yaml").write_text(SETTINGS.replace(*change))
    error = said("reload", code=2)["error"]
    (desk / "algotrader.yaml").write_text(SETTINGS)

    assert words in error["message"]
    assert trader.poll() is None
    limits = {one["key"]: one["value"] for one in said("limits", "show")["limits"]}
    assert limits["account.max_leverage"] == "2"
    assert changes(said("reload")) == {}


def test_a_broken_strategy_file_keeps_the_old_one_running_and_says_so(
    desk: Path, trader: subprocess.Popen[bytes], said: Any
) -> None:
    (desk / "steady.py").write_text("class Broken(")
    error = said("strategy", "load", "steady", code=2)["error"]
    (desk / "steady.py").write_text(
        STRATEGY.replace("    weight", "    stop_loss = 0.1\n    weight")
    )
    others = said("strategy", "load", "steady", code=2)["error"]
    (desk / "steady.py").write_text(STRATEGY.replace("self.weight)", "self.weight / 2)"))

    assert "goes on as it was" in error["message"]
    assert "needs a restart" in others["message"]
    assert said("strategy", "load", "steady")["loaded"]
    until_target(desk, 0.25)
    assert len(said("journal", "show", "--kind", "StrategyReloadRefused", "--last", "0")) == 2


def test_a_limit_is_lowered_at_once_and_raised_only_by_its_name(
    desk: Path, trader: subprocess.Popen[bytes], said: Any
) -> None:
    assert said("limits", "set", "account.max_leverage", "1")["in_force"]
    refused = said("limits", "set", "account.max_leverage", "3", code=2)["error"]
    raised = said(
        "limits", "set", "account.max_leverage", "3", "--confirm", "account.max_leverage"
    )  # fmt: skip
    shown = {one["key"]: one for one in said("limits", "show")["limits"]}
    back = said("limits", "set", "account.max_leverage", "file")

    assert refused["code"] == "risk.unconfirmed"
    assert (raised["before"], raised["after"], raised["in_force"]) == ("1", "3", True)
    assert shown["account.max_leverage"]["from"] == "changed by hand"
    assert (back["before"], back["after"]) == ("3", "2")
    assert len(said("journal", "show", "--kind", "LimitChanged", "--last", "0")) == 3
    assert said("limits", "set", "account.max_leverige", "1", code=2)["error"]["hint"]


def test_one_strategy_is_stopped_flat_and_started_again_by_its_name(
    desk: Path, trader: subprocess.Popen[bytes], said: Any
) -> None:
    assert said("strategy", "start", "steady", code=2)["error"]["code"] == "strategy.not_stopped"
    assert said("strategy", "stop", "steady", "--flatten")["in_force"]
    until_flat(said)
    said("resume")
    holds = said("status")["accounts"][0]["holds"]

    assert [(one["rule"], one["strategy"]) for one in holds] == [("stopped", "steady")]
    assert said("strategy", "start", "steady")["in_force"]
    assert said("status")["accounts"][0]["holds"] == []


def test_parameters_set_by_hand_hold_over_restarts_and_reloads_until_set_to_the_file(
    desk: Path, trader: subprocess.Popen[bytes], said: Any
) -> None:
    told = said("strategy", "set", "steady", "weight=0.25", "--reason", "calmer")
    until_target(desk, 0.25)
    trader.kill()
    trader.wait()
    (desk / "algotrader.yaml").write_text(SETTINGS.replace("weight: 0.5", "weight: 0.75"))
    with trading(desk):
        until_row(desk, "RunStarted", 2)
        (row,) = said("journal", "show", "--kind", "ParametersSet", "--last", "0")
        until_target(desk, 0.25)
        assert changes(said("reload")) == {}
        back = said("strategy", "set", "steady", "weight=file")
        until_target(desk, 0.75)

    assert told == {"strategy": "steady", "in_force": True, "parameters": {"weight": 0.25}}
    assert (row["body"]["by"], row["body"]["reason"]) == ("operator", "calmer")
    assert row["body"]["changes"][0]["before"] == "0.5"
    assert back["parameters"] == {"weight": 0.75}
    assert said("parity")["replay"]["equal"]


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("wieght=0.3", "has no parameter 'wieght'"),
        ("weight=3", "is above its highest value 1"),
        ("weight=much", "is not a number"),
        ("weight", "sets no parameter"),
    ],
)
def test_what_a_class_does_not_take_is_refused_before_a_trader_is_asked(
    desk: Path, said: Any, typed: str, words: str
) -> None:
    error = said("strategy", "set", "steady", typed, code=2)["error"]

    assert words in error["message"]
    assert error["hint"]
    assert not (desk / "journal").exists()


def test_parameters_are_not_set_on_code_that_does_not_run(
    desk: Path, trader: subprocess.Popen[bytes], said: Any
) -> None:
    (desk / "steady.py").write_text(STRATEGY.replace("self.weight)", "self.weight / 2)"))
    error = said("strategy", "set", "steady", "weight=0.3", code=2)["error"]

    assert "strategy load steady first" in error["message"]
    assert trader.poll() is None


def test_a_strategy_is_unloaded_once_it_holds_nothing_and_stays_so_until_loaded(
    desk: Path, trader: subprocess.Popen[bytes], said: Any
) -> None:
    until_row(desk, "OrderFilled", 1)
    refused = said("strategy", "unload", "steady", code=2)["error"]
    said("strategy", "stop", "steady", "--flatten")
    until_flat(said)
    unloaded = said("strategy", "unload", "steady", "--reason", "replaced")
    count = len(said("journal", "show", "--kind", "StrategyAnswered", "--last", "0"))
    trader.kill()
    trader.wait()
    said("strategy", "start", "steady")
    with trading(desk):
        until_row(desk, "RunStarted", 2)
        slices = len(said("journal", "show", "--kind", "SliceClosed", "--last", "0"))
        until_row(desk, "SliceClosed", slices + 3)
        answers = said("journal", "show", "--kind", "StrategyAnswered", "--last", "0")
        state = said("status")
        loaded = said("strategy", "load", "steady")
        until_row(desk, "StrategyAnswered", count + 1)
        until_row(desk, "OrderFilled", 3)

    assert "it holds" in refused["message"]
    assert "strategy stop steady --flatten first" in refused["message"]
    assert unloaded == {"strategy": "steady", "unloaded": True}
    assert len(answers) == count
    assert state["strategies"][0]["loaded"] is False
    assert loaded["loaded"]
    assert said("parity")["replay"]["equal"]


@contextmanager
def trading(desk: Path) -> Iterator[None]:
    """The next start of the trader."""
    process = subprocess.Popen(
        [sys.executable, "-c", COMMAND, "trade", "--quiet", "--speed", "20", "--accept-changes"],
        cwd=desk, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        yield
    finally:
        process.kill()
        process.wait()


def until_flat(said: Any) -> None:
    for _ in range(600):
        if said("status")["accounts"][0]["positions"] == 0:
            return
        time.sleep(0.05)
    raise AssertionError("it still holds something")


def until_row(desk: Path, kind: str, count: int) -> None:
    """Wait until the journal has so many rows of a kind."""
    journal = JournalFolder(desk / "journal")
    for _ in range(600):
        with journal.reading() as rows:
            if len(rows.page(1, 10_000, [kind])) >= count:
                return
        time.sleep(0.05)
    raise AssertionError(f"the journal has not {count} rows of {kind}")


def test_without_a_trader_requests_wait_for_the_next_start(desk: Path, said: Any) -> None:
    (desk / "algotrader.yaml").write_text(SETTINGS.replace("2000-01-03", "2012-01-03"))
    assert said("reload") == {"running": False, "changes": []}
    assert not said("limits", "set", "account.max_leverage", "1")["in_force"]
    assert not said("strategy", "stop", "steady")["in_force"]
    error = said("status", code=2)["error"]
    said("trade", "--accept-changes")
    said("halt", "--reason", "news")
    waiting = said("status")["waiting"]

    assert error["code"] == "journal.missing"
    assert [(one["asked"], one["of"], one["reason"]) for one in waiting] == [
        ("halt", "main", "news")
    ]
    assert waiting[0]["in_force"] == "at the next start"
    limits = {one["key"]: one["value"] for one in said("limits", "show")["limits"]}
    assert limits["account.max_leverage"] == "1"
    account = said("status")["accounts"][0]
    assert Decimal(account["cash"]) == 10_000
    assert [one["rule"] for one in account["holds"]] == ["stopped"]


def test_a_reload_changes_what_is_logged_but_not_where(
    desk: Path, trader: subprocess.Popen[bytes], said: Any
) -> None:
    (desk / "algotrader.yaml").write_text(f"{SETTINGS}logging: {{level: debug, keep: 3}}\n")

    assert changes(said("reload")) == {
        "logging.keep": ("3", False), "logging.level": ("debug", True)
    }  # fmt: skip
    assert trader.poll() is None


def test_a_signal_reloads_as_the_command_does(
    desk: Path, trader: subprocess.Popen[bytes], said: Any
) -> None:
    (desk / "algotrader.yaml").write_text(SETTINGS.replace("max_leverage: 2", "max_leverage: 1"))
    trader.send_signal(signal.SIGHUP)
    rows: list[Any] = []
    for _ in range(600):
        rows = said("journal", "show", "--kind", "SettingsReloaded", "--last", "0")
        if rows:
            break
        time.sleep(0.05)

    (row,) = rows
    assert row["body"]["channel"] == "signal"
    assert row["body"]["changes"][0]["key"] == "risk.account.max_leverage"


@pytest.mark.parametrize(
    ("spoilt", "why"),
    [({"until_ms": 1}, "its time is over"), ({"before": "1"}, "it holds at 2 and not at 1")],
)
def test_f72_a_confirmation_that_is_old_or_was_for_another_value_is_not_executed(
    desk: Path, said: Any, spoilt: dict[str, Any], why: str
) -> None:
    (desk / "algotrader.yaml").write_text(SETTINGS.replace("2000-01-03", "2012-01-03"))
    key = "account.max_leverage"
    said("limits", "set", key, "3", "--confirm", key)
    (request,) = (desk / "journal" / "inbox").glob("*.json")
    request.write_text(json.dumps(json.loads(request.read_text()) | spoilt))
    said("trade")

    limits = {one["key"]: one["value"] for one in said("limits", "show")["limits"]}
    assert limits[key] == "2"
    (row,) = said("journal", "show", "--kind", "LimitChangeRefused", "--last", "0")
    assert row["body"]["reason"] == f"{why}: ask again"
    said("limits", "set", key, "3", "--confirm", key)
    said("trade")
    assert {one["key"]: one["value"] for one in said("limits", "show")["limits"]}[key] == "3"
