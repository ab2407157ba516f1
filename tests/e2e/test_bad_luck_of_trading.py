"""`algotrader trade` when something is wrong from the start: a clear error, and nothing sent."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from tests.builders.okx_venue import served, simulator

from algotrader.cli.main import main
from algotrader.core.instants import utc_ms
from algotrader.core.ports import SystemClock
from algotrader.live.journal.folder import JournalFolder
from algotrader.simulator.okx.faults import Fault, FaultKind
from algotrader.simulator.okx.simulator import Simulator

pytest.importorskip("ccxt", reason="not run: ccxt is not installed")

CANARY = "canary-7f3a"
COMMAND = "import sys; from algotrader.cli.main import main; raise SystemExit(main(sys.argv[1:]))"
FLAT = """
import numpy as np
from algotrader import Strategy


class Flat(Strategy):
    def targets(self, bars, f):
        return np.zeros(len(bars))
"""
SETTINGS = """
trading: {{mode: {mode}, url: "http://127.0.0.1:{port}"}}
accounts:
  main: {{currency: USDT}}
strategies:
  flat: {{use: flat.py, symbols: [OKX:BTC/USDT], timeframe: 1m}}
"""
DOTENV = """ALGOTRADER_OKX_KEY=sim-key
ALGOTRADER_OKX_SECRET=sim-secret
ALGOTRADER_OKX_PASSPHRASE=sim-pass
"""


@pytest.fixture(scope="module")
def exchange() -> Iterator[tuple[Simulator, int]]:
    """A look-alike whose clock is this machine's."""
    venue = simulator(
        SystemClock(), names=["BTC-USDT"], balances={"USDT": Decimal(10_000)}, bars=10_000,
        limits=False,
    )  # fmt: skip
    with served(venue) as port:
        yield venue, port


@pytest.fixture(scope="module")
def lake(exchange: tuple[Simulator, int], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("lake")
    with pytest.MonkeyPatch.context() as patched:
        patched.chdir(folder)
        since = SystemClock().now() - timedelta(hours=4)
        assert main([
            "data", "download", "OKX:BTC/USDT", "--timeframe", "1m", "--quiet",
            "--start", f"{since:%Y-%m-%dT%H:%M}", "--base-url", f"http://127.0.0.1:{exchange[1]}",
        ]) == 0  # fmt: skip
    return folder / "lake"


@pytest.fixture
def venue(
    exchange: tuple[Simulator, int], lake: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Simulator]:
    """The look-alike without faults, and a workspace in live mode that may trade there."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "lake").symlink_to(lake)
    (tmp_path / "flat.py").write_text(FLAT)
    (tmp_path / "algotrader.yaml").write_text(SETTINGS.format(mode="live", port=exchange[1]))
    (tmp_path / ".env").write_text(DOTENV)
    made, desk = exchange[0], exchange[0].api.desk
    before = desk.credentials
    yield made
    desk.credentials = before
    desk.level, desk.borrows = "2", False
    made.faults.clear()
    made.advance(utc_ms(SystemClock().now()))


LIVE = ("trade", "--for", "4", "--confirm-live", "main")


@pytest.fixture
def said(capfd: pytest.CaptureFixture[str]) -> Any:
    def run(*arguments: str, code: int) -> Any:
        exit_code = main([*arguments, "--json"])
        out, err = capfd.readouterr()
        assert exit_code == code, out + err
        assert CANARY not in out + err
        assert "Traceback" not in out + err
        told = json.loads(out)
        if "error" in told:  # by its code, in a sentence, with what helps
            assert all(told["error"][name] for name in ("code", "message", "hint"))
        return told

    return run


def fault(venue: Simulator, kind: FaultKind, **more: Any) -> None:
    venue.faults.add(Fault(kind=kind, **more), utc_ms(SystemClock().now()))


def test_a_live_desk_that_was_confirmed_trades(venue: Simulator, said: Any) -> None:
    told = said(*LIVE, code=0)

    assert told["mode"] == "live"
    assert told["accounts"][0]["mode"] == "trading"
    assert Decimal(told["accounts"][0]["cash"]) == 10_000
    assert said("status", code=0)["execution"] == "live"


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("trade",), "trading.live_unconfirmed"),
        (("trade", "--confirm-live", "other"), "trading.live_unconfirmed"),
        (("trade", "--mode", "sandbox", "--confirm-live", "main"), "trading.not_live"),
        (("trade", "--mode", "live", "--confirm-live", "main"), "trading.live_not_configured"),
    ],
)
def test_real_orders_need_both_the_settings_and_the_confirmation(
    venue: Simulator, said: Any, arguments: tuple[str, ...], code: str
) -> None:
    assert said(*arguments, code=2)["error"]["code"] == code
    assert not Path("journal").exists()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("sim-key", CANARY), "50111"),
        (("sim-secret", CANARY), "50113"),
        (("sim-pass", CANARY), "50105"),
    ],
    ids=["key", "secret", "passphrase"],
)
def test_f68_wrong_keys_refuse_the_start(
    venue: Simulator, said: Any, change: tuple[str, str], words: str
) -> None:
    Path(".env").write_text(DOTENV.replace(*change))
    error = said(*LIVE, code=2)["error"]

    assert error["code"] == "trading.account_not_ready"
    assert error["message"].startswith(f"key: {words}")
    assert error["hint"]


@pytest.mark.parametrize(
    ("code", "words"),
    [("50119", "does not exist"), ("50110", "address"), ("50101", "another environment")],
    ids=["expired", "address", "environment"],
)
def test_f68_keys_that_the_venue_refuses_are_said_by_what_to_do(
    venue: Simulator, said: Any, code: str, words: str
) -> None:
    fault(venue, FaultKind.REFUSE, where="GET account/config", code=code)
    error = said(*LIVE, code=2)["error"]

    assert error["code"] == "trading.account_not_ready"
    assert code in error["message"]
    assert words in error["hint"]


@pytest.mark.parametrize(
    ("permissions", "subject"),
    [("read_only", "permissions"), ("read_only,trade,withdraw", "withdrawal")],
)
def test_keys_that_cannot_trade_or_may_withdraw_are_refused(
    venue: Simulator, said: Any, permissions: str, subject: str
) -> None:
    desk = venue.api.desk
    desk.credentials = replace(desk.credentials, permissions=permissions)
    error = said(*LIVE, code=2)["error"]

    assert error["message"].startswith(subject)
    assert venue.api.desk.venue.records.orders == {}


@pytest.mark.parametrize(
    ("mode", "subject", "words"),
    [
        ({"level": "3"}, "account mode", "spot or futures mode is needed"),
        ({"level": "4"}, "account mode", "spot or futures mode is needed"),
        ({"level": "1", "borrows": True}, "borrowing", "switch automatic borrowing off"),
    ],
    ids=["multi-currency", "portfolio", "borrows"],
)
def test_promise_26_an_account_in_another_mode_is_shown_by_doctor_and_refused_at_a_live_start(
    venue: Simulator, said: Any, mode: dict[str, Any], subject: str, words: str
) -> None:
    desk = venue.api.desk
    desk.level, desk.borrows = mode.get("level", "2"), mode.get("borrows", False)
    unfit = [one for one in said("doctor", "okx", code=1)["checks"] if one["state"] == "broken"]
    error = said(*LIVE, code=2)["error"]

    assert [one["subject"] for one in unfit] == [subject]
    assert words in unfit[0]["mend"]
    assert error["code"] == "trading.account_not_ready"
    assert error["message"].startswith(f"{subject}: ")
    assert words in error["hint"]
    assert desk.venue.records.orders == {}  # nothing was sent


def test_promise_26_doctor_reads_each_setting_that_has_to_be_right(
    venue: Simulator, said: Any
) -> None:
    checks = {one["subject"]: one for one in said("doctor", "okx", code=0)["checks"]}

    assert {
        "account mode", "borrowing", "permissions", "withdrawal", "addresses",
        "clock", "fees OKX:BTC/USDT",
    } <= set(checks)  # fmt: skip
    assert {one["state"] for one in checks.values()} == {"ok"}


def test_a_clock_off_by_half_a_minute_refuses_the_start(venue: Simulator, said: Any) -> None:
    fault(venue, FaultKind.CLOCK_SKEW, offset_ms=30_500)
    error = said(*LIVE, code=2)["error"]

    assert error["message"].startswith("clock: OKX is +30")
    assert "NTP" in error["hint"]


def test_a_venue_that_answers_with_a_page_refuses_the_start(venue: Simulator, said: Any) -> None:
    fault(venue, FaultKind.HTML)
    error = said(*LIVE, code=2)["error"]

    assert error["message"].startswith("connection: ")
    assert error["hint"]


def test_f65_a_second_trader_of_the_account_in_another_folder_is_refused(
    venue: Simulator, said: Any, tmp_path: Path
) -> None:
    from algotrader.ops.account_lock import account_locked, state_folder
    from algotrader.ops.config import load

    url = load(environment={}).settings.trading.url
    assert url is not None
    with account_locked(state_folder(os.environ), url, venue.api.desk.uid, tmp_path / "other"):
        error = said(*LIVE, code=3)["error"]

    assert error["code"] == "trading.account_in_use"
    assert str(tmp_path / "other") in error["message"]
    assert said(*LIVE, code=0)["accounts"][0]["mode"] == "trading"


def test_f65_a_folder_that_cannot_be_shared_refuses_the_start(
    venue: Simulator, said: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("ALGOTRADER_STATE_DIR", str(tmp_path / "file"))
    error = said(*LIVE, code=3)["error"]

    assert error["code"] == "trading.state_folder"
    assert "ALGOTRADER_STATE_DIR" in error["hint"]


def test_an_unknown_symbol_is_named_before_anything_is_opened(
    venue: Simulator, said: Any, tmp_path: Path
) -> None:
    settings = tmp_path / "algotrader.yaml"
    settings.write_text(settings.read_text().replace("OKX:BTC/USDT", "OKX:NONE/USDT"))
    error = said(*LIVE, code=2)["error"]

    assert error["code"] == "data.symbol_missing"
    assert "OKX:NONE/USDT" in error["message"]
    assert not (tmp_path / "journal").exists()


BROKEN = {
    "limits that contradict each other": (
        ("algotrader.yaml", "strategies:", "risk: {account: {max_gross: 1, max_net: 2}}\nstrategies:"),
        "config.value", "max_net 2 is more than max_gross 1",
    ),
    "a strategy file with a slip": (
        ("flat.py", "class Flat(", "class Flat(("), "strategy.syntax", "flat.py",
    ),
    "an account that is not there": (
        ("algotrader.yaml", "  main:", "  other:"), "trading.account", "main, which is not configured",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(BROKEN))
def test_what_is_wrong_in_the_files_is_said_before_the_venue_is_asked(
    venue: Simulator, said: Any, tmp_path: Path, name: str
) -> None:
    (file, old, new), code, words = BROKEN[name]
    path = tmp_path / file
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))
    error = said(*LIVE, code=2)["error"]

    assert error["code"] == code
    assert words in error["message"]
    assert not (tmp_path / "journal").exists()


def test_f65_a_second_trader_in_the_same_folder_is_refused_and_changes_nothing(
    venue: Simulator, said: Any, tmp_path: Path
) -> None:
    said(*LIVE, code=0)
    with JournalFolder(tmp_path / "journal").open() as journal:
        head = journal.head
        error = said(*LIVE, code=3)["error"]
        assert journal.head == head

    assert error["code"] == "journal.in_use"


def test_an_account_that_is_unfit_later_on_loses_nothing_of_its_journal(
    venue: Simulator, said: Any
) -> None:
    """Keys that were changed, an address that is no longer allowed: mended, it goes on."""
    said(*LIVE, code=0)
    before = said("journal", "verify", code=0)
    for cause in ("50110", "50119"):
        fault(venue, FaultKind.REFUSE, where="GET account/config", code=cause)
        said(*LIVE, code=2)
        venue.faults.clear()

    assert said("journal", "verify", code=0) == before
    assert said(*LIVE, code=0)["resumed"]


def test_real_keys_go_to_no_stranger(venue: Simulator, said: Any, tmp_path: Path) -> None:
    settings = tmp_path / "algotrader.yaml"
    for url in ("http://okx.com", "https://okx.com.example", "https://example.org"):
        settings.write_text(SETTINGS.format(mode="live", port=1).replace("http://127.0.0.1:1", url))
        error = said(*LIVE, code=2)["error"]
        assert "okx.com" in error["message"]
        assert "algotrader.yaml:2" in error["message"]


def test_f08_a_trader_that_fails_to_start_three_times_is_not_started_a_fourth(
    venue: Simulator, said: Any
) -> None:
    """It dies before its books were compared, three times. The fourth asks the venue nothing."""
    starts = Path("journal/starts.json")
    for number in range(1, 4):
        trader = subprocess.Popen(
            [sys.executable, "-c", COMMAND, *LIVE],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        until = time.monotonic() + 60
        while starts.exists() is False or len(json.loads(starts.read_text() or "[]")) < number:
            assert time.monotonic() < until
            time.sleep(0.005)
        trader.kill()
        trader.wait()

    assert said(*LIVE, code=3)["error"]["code"] == "trading.crash_loop"
    starts.unlink()
    assert said(*LIVE, code=0)["accounts"][0]["mode"] == "trading"
