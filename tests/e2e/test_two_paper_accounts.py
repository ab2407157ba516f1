"""Two accounts and two lengths of bars by the commands: traded, shown, halted and flattened apart."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from algotrader.cli.main import main

SETTINGS = """
trading: {mode: paper, data: replay}
backtest: {allow_gaps: true}
accounts:
  main: {currency: USDT, cash: 10_000, margin: cross}
  other: {currency: USDT, cash: 5_000}
strategies:
  quick: {use: flip.py, symbols: ["SIM:BTC/USDT"], timeframe: 1h, share: 0.5}
  slow: {use: flip.py, symbols: ["SIM:BTC/USDT:USDT"], timeframe: 4h, share: 0.5}
  apart: {use: flip.py, account: other, symbols: ["SIM:BTC/USDT"], timeframe: 4h}
"""
FLIP = """
import numpy as np
from algotrader import Strategy


class Flip(Strategy):
    def targets(self, bars, f):
        return np.where((bars.ts // 3_600_000) % 24 < 12, 0.5, 0.0)
"""


TURNS = """
from algotrader import Context, Strategy, param


class Turns(Strategy):
    begins: int = param(0, low=0, high=8)

    def on_bar(self, ctx: Context) -> None:
        hour = int(ctx.now.timestamp()) // 3_600 - self.begins
        if hour % 8 >= 4:
            ctx.close()
        elif ctx.position.quantity == 0:
            ctx.buy(weight=0.4)
"""
IN_TOTAL = """
trading: {mode: paper, data: replay}
backtest: {allow_gaps: true}
accounts:
  main: {currency: USDT, cash: 10_000}
  other: {currency: USDT, cash: 10_000}
strategies:
  early: {use: turns.py, symbols: ["SIM:BTC/USDT"], timeframe: 1h}
  late: {use: turns.py, account: other, symbols: ["SIM:BTC/USDT"], timeframe: 1h, parameters: {begins: 2}}
risk:
  account: {max_gross: 5_000}
  total: {max_gross: 6_000}
"""


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("lake")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for frame, bars in (("1h", "96"), ("4h", "24")):
            generated = ["data", "generate", "--bars", bars, "--timeframe", frame, "--quiet"]
            assert main(generated) == 0
    return folder / "lake"


@pytest.fixture
def said(
    lake: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Any:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "lake").symlink_to(lake)
    (tmp_path / "algotrader.yaml").write_text(SETTINGS)
    (tmp_path / "flip.py").write_text(FLIP)

    def run(*arguments: str, code: int = 0) -> Any:
        exit_code = main([*arguments, "--json"])
        out, err = capfd.readouterr()
        assert exit_code == code, out + err
        return json.loads(out)

    return run


def test_both_accounts_trade_their_lengths_of_bars_and_a_backtest_agrees(said: Any) -> None:
    told = said("trade")
    fills = said("fills", "--last", "0")
    orders = said("orders", "--all", "--last", "0")
    parity = said("parity")

    assert {row["account"]: row["mode"] for row in told["accounts"]} == {
        "main": "trading", "other": "trading",
    }  # fmt: skip
    seen = {(row["account"], row["instrument"]) for row in fills}
    assert seen == {
        ("main", "SIM:BTC/USDT"), ("main", "SIM:BTC/USDT:USDT"), ("other", "SIM:BTC/USDT"),
    }  # fmt: skip
    assert {row["account"] for row in orders} == {"main", "other"}
    assert parity["replay"]["equal"]
    assert parity["backtest"]["different"] == parity["backtest"]["equal_in_weight"] == 0


def test_a_target_of_longer_bars_is_filled_in_the_hour_after_its_decision(said: Any) -> None:
    said("trade")
    filled = {row["time"] for row in said("fills", "--last", "0") if ":USDT" in row["instrument"]}

    assert filled
    assert all(at % 14_400_000 == 0 for at in filled)  # at the open of the hour that follows


def test_a_halt_of_one_account_leaves_the_other_alone(said: Any) -> None:
    said("halt", "--account", "other", "--reason", "a test")
    told = said("trade")
    fills = said("fills", "--last", "0")

    assert {row["account"]: row["mode"] for row in told["accounts"]} == {
        "main": "trading", "other": "halted",
    }  # fmt: skip
    assert {row["account"] for row in fills} == {"main"}


def test_flatten_sells_what_one_account_holds_and_nothing_of_the_other(
    said: Any, tmp_path: Path
) -> None:
    settings = tmp_path / "algotrader.yaml"
    settings.write_text(SETTINGS.replace("data: replay", "data: replay, end: 2023-01-02T08:00"))
    said("trade")
    held = {row["account"] for row in said("positions")}
    said("flatten", "--account", "main", "--reason", "a test")
    settings.write_text(SETTINGS.replace("data: replay", "data: replay, end: 2023-01-02T11:00"))
    told = {row["account"]: row for row in said("trade")["accounts"]}

    assert held == {"main", "other"}
    assert (told["main"]["mode"], told["main"]["positions"]) == ("halted", 0)
    assert (told["other"]["mode"], told["other"]["positions"]) == ("trading", 1)


def test_bars_that_paper_fills_on_are_named_when_they_are_missing(
    said: Any, tmp_path: Path
) -> None:
    (tmp_path / "algotrader.yaml").write_text(SETTINGS.replace("timeframe: 1h", "timeframe: 15m"))
    error = said("trade", code=2)["error"]

    assert "15m" in error["message"]


def test_r24_an_account_that_is_added_later_begins_where_the_others_are(
    said: Any, tmp_path: Path
) -> None:
    settings = tmp_path / "algotrader.yaml"
    slow = next(line for line in SETTINGS.splitlines() if "slow:" in line)
    both = SETTINGS.replace(f"{slow}\n", "")
    alone = both.split("  apart:")[0]
    settings.write_text(alone.replace("data: replay", "data: replay, end: 2023-01-02T08:00"))
    said("trade")
    settings.write_text(both)
    told = {row["account"]: row for row in said("trade")["accounts"]}
    orders = said("orders", "--all", "--last", "0")
    added = [row["decided"] for row in orders if row["account"] == "other"]
    parity = said("parity")

    assert float(told["other"]["deposits"]) == 5_000
    assert added
    assert min(added) >= 1_672_646_400_000  # 2023-01-02 08:00, where the first start ended
    assert parity["replay"]["equal"]
    assert parity["backtest"]["different"] == parity["backtest"]["equal_in_weight"] == 0


def test_r28_what_one_account_holds_denies_the_order_of_another(said: Any, tmp_path: Path) -> None:
    """4,000 each: either is within the 5,000 of its account, both together are over 6,000."""
    (tmp_path / "algotrader.yaml").write_text(IN_TOTAL)
    (tmp_path / "turns.py").write_text(TURNS)
    said("trade")
    denied = [
        row["body"] for row in said("journal", "show", "--kind", "OrderDenied", "--last", "0")
    ]
    fills = said("fills", "--last", "0")

    assert {(one["intent"]["account"], reason["rule"]) for one in denied for reason in one["reasons"]} == {
        ("other", "total.max_gross"),
    }  # fmt: skip
    assert {row["account"] for row in fills} == {"main", "other"}  # each in its turn
    assert max(gross_after_each(fills)) < 6_000


def gross_after_each(fills: list[Any]) -> list[float]:
    """What both accounts hold together after each fill, at its price."""
    held: dict[str, float] = {}
    found = []
    for row in sorted(fills, key=lambda one: one["time"]):
        sign = 1 if row["side"] == "buy" else -1
        held[row["account"]] = held.get(row["account"], 0.0) + sign * float(row["quantity"])
        found.append(sum(held.values()) * float(row["price"]))
    return found
