"""`algotrader doctor okx` against a look-alike exchange: what is wrong is said, and how to mend it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.builders.okx_venue import served, simulator

from algotrader.cli.main import main
from algotrader.core.ports import SystemClock
from algotrader.simulator.okx.simulator import Simulator

pytest.importorskip("ccxt", reason="not run: ccxt is not installed")

SETTINGS = """
trading: {{mode: sandbox, url: "http://127.0.0.1:{port}"}}
accounts: {{main: {{currency: USDT, margin: cross}}}}
strategies:
  trend: {{use: TrendFollow, symbols: ["OKX:BTC/USDT:USDT"], timeframe: 1m}}
"""
DOTENV = """ALGOTRADER_OKX_KEY=sim-key
ALGOTRADER_OKX_SECRET=sim-secret
ALGOTRADER_OKX_PASSPHRASE=sim-pass
"""


@pytest.fixture
def venue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Simulator]:
    """An exchange at the pace of this machine's clock, and a workspace with its keys in .env."""
    made = simulator(SystemClock(), limits=False)
    monkeypatch.chdir(tmp_path)
    with served(made) as port:
        (tmp_path / "algotrader.yaml").write_text(SETTINGS.format(port=port))
        (tmp_path / ".env").write_text(DOTENV)
        yield made


def doctor(capfd: pytest.CaptureFixture[str], code: int = 0) -> dict[str, dict[str, Any]]:
    assert main(["doctor", "okx", "--json"]) == code
    told = json.loads(capfd.readouterr().out)["checks"]
    return {check["subject"]: check for check in told}


def test_an_account_that_is_fit_is_shown_with_all_that_was_looked_at(
    venue: Simulator, capfd: pytest.CaptureFixture[str]
) -> None:
    told = doctor(capfd)

    assert set(told) >= {
        "venue", "secrets", "withdrawal", "permissions", "addresses", "account mode",
        "position mode", "borrowing", "clock", "fee tier", "fees OKX:BTC/USDT:USDT",
    }  # fmt: skip
    assert told["margin OKX:BTC/USDT:USDT"]["says"] == "cross, 3x"
    assert {check["state"] for check in told.values()} == {"ok"}
    assert "ALGOTRADER_OKX_SECRET from .env:2" in told["secrets"]["says"]
    assert told["addresses"]["mend"].startswith("bind the key")


def test_a_key_that_may_withdraw_is_broken(
    venue: Simulator, capfd: pytest.CaptureFixture[str]
) -> None:
    desk = venue.api.desk
    desk.credentials = replace(desk.credentials, permissions="read_only,trade,withdraw")
    told = doctor(capfd, code=1)["withdrawal"]

    assert told["state"] == "broken"
    assert "refused" in told["mend"]


def test_a_wrong_secret_is_said_by_what_to_do(
    venue: Simulator, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / ".env").write_text(DOTENV.replace("sim-secret", "canary-7f3a"))
    told = doctor(capfd, code=1)

    assert told["key"]["says"].startswith("50113")
    assert "new key" in told["key"]["mend"]
    assert "canary-7f3a" not in json.dumps(told)


def test_another_venue_is_refused(capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "nowhere", "--json"]) == 2
    assert json.loads(capfd.readouterr().out)["error"]["code"] == "usage.venue"


def test_less_leverage_than_the_limits_count_on_is_broken(
    venue: Simulator, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    settings = tmp_path / "algotrader.yaml"
    settings.write_text(f"{settings.read_text()}risk: {{account: {{max_leverage: 5}}}}\n")
    told = doctor(capfd, code=1)["margin OKX:BTC/USDT:USDT"]

    assert told["state"] == "broken"
    assert "max_leverage is 5" in told["mend"]


def test_a_perpetual_on_a_cash_account_is_broken(
    venue: Simulator, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    settings = tmp_path / "algotrader.yaml"
    settings.write_text(settings.read_text().replace("margin: cross", "margin: cash"))
    told = doctor(capfd, code=1)["margin OKX:BTC/USDT:USDT"]

    assert "margin: cross" in told["mend"]
