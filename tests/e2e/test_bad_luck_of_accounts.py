"""Two accounts of which one cannot be traded: none is, its name is said, and nothing is sent."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from tests.builders.okx_venue import served, simulator

from algotrader.cli.main import main
from algotrader.core.instants import utc_ms
from algotrader.core.ports import SystemClock
from algotrader.simulator.okx.desk import Credentials
from algotrader.simulator.okx.faults import Fault, FaultKind
from algotrader.simulator.okx.simulator import Simulator

pytest.importorskip("ccxt", reason="not run: ccxt is not installed")

CARRY = Credentials(key="carry-key", secret="carry-secret", passphrase="carry-pass")
FULL = """
import numpy as np
from algotrader import Strategy


class Full(Strategy):
    def targets(self, bars, f):
        return np.full(len(bars), 0.5)
"""
SETTINGS = """
trading: {{mode: sandbox, url: "http://127.0.0.1:{port}"}}
accounts:
  main: {{currency: USDT}}
  carry: {{currency: USDT, keys: {keys}}}
strategies:
  full: {{use: full.py, symbols: [OKX:BTC/USDT], timeframe: 1m}}
  other: {{use: full.py, account: carry, symbols: [OKX:BTC/USDT], timeframe: 1m}}
"""
TRADE = ("trade", "--for", "3")


def key(prefix: str, name: str) -> str:
    parts = (("KEY", "key"), ("SECRET", "secret"), ("PASSPHRASE", "pass"))
    return "".join(f"{prefix}_{part}={name}-{value}\n" for part, value in parts)


@pytest.fixture(scope="module")
def exchange() -> Iterator[tuple[Simulator, int]]:
    venue = simulator(
        SystemClock(), names=["BTC-USDT"], balances={"USDT": Decimal(10_000)}, bars=10_000,
        limits=False, sub_accounts=(CARRY,),
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
    monkeypatch.chdir(tmp_path)
    (tmp_path / "lake").symlink_to(lake)
    (tmp_path / "full.py").write_text(FULL)
    (tmp_path / "algotrader.yaml").write_text(SETTINGS.format(port=exchange[1], keys="CARRY"))
    (tmp_path / ".env").write_text(key("ALGOTRADER_OKX", "sim") + key("CARRY", "carry"))
    yield exchange[0]
    exchange[0].faults.clear()


@pytest.fixture
def refused(capfd: pytest.CaptureFixture[str], venue: Simulator) -> Any:
    """The error of a start of which nothing reached either account."""

    def run() -> dict[str, str]:
        assert main([*TRADE, "--json"]) in (2, 3)
        error: dict[str, str] = json.loads(capfd.readouterr().out)["error"]
        assert not any(desk.venue.records.orders for desk in venue.api.desks)
        return error

    return run


def test_a_wrong_key_of_one_account_refuses_the_whole_start(refused: Any) -> None:
    Path(".env").write_text(key("ALGOTRADER_OKX", "sim") + key("CARRY", "wrong"))
    error = refused()

    assert error["code"] == "trading.account_not_ready"
    assert error["message"].startswith("account carry: key: 50111")
    assert error["message"].endswith("no account is traded")


def test_a_missing_key_is_named(refused: Any) -> None:
    Path(".env").write_text(key("ALGOTRADER_OKX", "sim"))
    error = refused()

    assert error["code"] == "secrets.missing"
    assert "CARRY_KEY" in error["message"]


def test_two_accounts_cannot_name_one_key(refused: Any, exchange: tuple[Simulator, int]) -> None:
    Path("algotrader.yaml").write_text(SETTINGS.format(port=exchange[1], keys="ALGOTRADER_OKX"))
    error = refused()

    assert error["code"] == "trading.same_keys"
    assert "accounts carry and main both use the key ALGOTRADER_OKX_KEY" in error["message"]
    assert main(["config", "check"]) == 2


def test_two_keys_of_one_account_are_seen_for_what_they_are(refused: Any) -> None:
    Path(".env").write_text(key("ALGOTRADER_OKX", "sim") + key("CARRY", "sim"))
    error = refused()

    assert error["code"] == "trading.same_account"
    assert "of the account that carry trades already" in error["message"]


def test_an_account_that_does_not_answer_at_the_start_keeps_all_from_it(
    refused: Any, venue: Simulator
) -> None:
    now_ms = utc_ms(SystemClock().now())
    venue.faults.add(Fault(kind=FaultKind.DROP_BEFORE, key="carry-key"), now_ms)
    error = refused()

    assert error["message"].startswith("account carry: ")


def test_real_orders_are_confirmed_account_by_account(
    capfd: pytest.CaptureFixture[str], venue: Simulator
) -> None:
    settings = Path("algotrader.yaml")
    settings.write_text(settings.read_text().replace("mode: sandbox", "mode: live"))
    assert main([*TRADE, "--confirm-live", "main", "--json"]) == 2
    error = json.loads(capfd.readouterr().out)["error"]

    assert error["code"] == "trading.live_unconfirmed"
    assert "--confirm-live carry --confirm-live main" in error["hint"]
    assert not any(desk.venue.records.orders for desk in venue.api.desks)
