"""With `--json` every command writes one JSON value to standard output and nothing else."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from algotrader.cli.commands import TABLE
from algotrader.cli.lazy import load
from algotrader.cli.main import main

RUN = "RUN"  # stands for the id of the run that was made first
CALLS: dict[str, list[str]] = {
    "init": ["workspace"],
    "doctor": [],
    "demo": [],
    "data import": ["prices.csv", "--symbol", "US:AAPL"],
    "data download": ["NOWHERE:BTC/USDT"],
    "data repair": ["SIM:BTC/USDT"],
    "data check": [],
    "data ls": [],
    "data show": ["SIM:BTC/USDT"],
    "data compact": [],
    "data generate": ["--bars", "600"],
    "data resample": ["SIM:BTC/USDT", "--to", "4h"],
    "data features": ["TrendFollow", "--symbol", "SIM:BTC/USDT"],
    "strategy new": ["MyTrend"],
    "strategy ls": [],
    "strategy stop": ["trend"],
    "strategy start": ["trend"],
    "strategy load": ["trend"],
    "strategy set": ["trend", "fast=12"],
    "strategy unload": ["trend"],
    "limits show": [],
    "limits set": ["account.max_leverage", "2"],
    "reload": [],
    "check": ["TrendFollow", "--symbol", "US:AAPL", "--cuts", "2"],
    "backtest": ["TrendFollow", "--symbol", "US:AAPL"],
    "sweep": ["TrendFollow", "--symbol", "US:AAPL", "--sets", "4"],
    "walkforward": ["TrendFollow", "--symbol", "US:AAPL", "--sets", "4", "--test-days", "504"],
    "report": [RUN],
    "rerun": [RUN],
    "compare": [RUN, "OTHER"],
    "trades": [RUN],
    "config show": [],
    "config check": [],
    "config explain": ["backtest.cash"],
    "config schema": [],
    "trade": [],
    "run": ["collector"],
    "jobs ls": [],
    "jobs history": [],
    "jobs run": ["fetch"],
    "status": [],
    "orders": [],
    "order place": ["US:AAPL", "buy", "--quantity", "1", "--dry-run"],
    "order amend": ["ORDER", "--limit", "10"],
    "order cancel": ["ORDER"],
    "positions": [],
    "fills": [],
    "halt": [],
    "flatten": [],
    "resume": [],
    "parity": [],
    "journal show": [],
    "journal verify": [],
    "journal export": [],
    "journal recover": [],
    "notify test": [],
    "notify chats": [],
    "sim okx": ["--port", "0", "--for", "0.1"],
    "secrets set": ["ALGOTRADER_OKX_KEY"],
    "secrets list": [],
    "secrets rm": ["ALGOTRADER_OKX_KEY"],
    "version": [],
}


def commands() -> Iterator[str]:
    """Every command that does something: `backtest`, `data ls`."""
    for name in TABLE:
        held = getattr(load(name), "commands", None)
        yield from [name] if held is None else (f"{name} {each}" for each in held)


def answer(capfd: pytest.CaptureFixture[str], *arguments: str) -> Any:
    main([*arguments, "--json"])
    return json.loads(capfd.readouterr().out)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("json")


@pytest.fixture
def here(place: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Path:
    """A folder with a file of prices, a generated market, and two runs; made once."""
    monkeypatch.chdir(place)
    monkeypatch.setattr("algotrader.cli.demo_trading.SLICES", 24)  # a day: weeks are its own test
    if not (place / "prices.csv").exists():
        days = (f"2024-01-{day:02},10,11,9,10.5,100" for day in range(2, 13) if day not in (6, 7))
        (place / "prices.csv").write_text("\n".join(["time,open,high,low,close,volume", *days]))
        main(["data", "generate", "--quiet"])
        main(["backtest", "TrendFollow", "--symbol", "US:AAPL", "--quiet"])
        main(["backtest", "TrendFollow", "--symbol", "US:IBM", "--quiet"])
        capfd.readouterr()
    return place


def test_the_calls_name_every_command_there_is() -> None:
    assert sorted(CALLS) == sorted(commands())


@pytest.mark.parametrize("command", CALLS)
def test_what_it_says_is_one_json_value(
    command: str, here: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    runs = sorted(path.parent.name for path in (here / "runs").glob("*/run.json"))
    stands_for = {RUN: runs[0], "OTHER": runs[1]}
    words = [*command.split(), *(stands_for.get(word, word) for word in CALLS[command])]

    assert answer(capfd, *words) is not None


@pytest.mark.parametrize("command", CALLS)
def test_a_wrong_use_is_one_json_value_too(
    command: str, here: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    said = answer(capfd, *command.split(), "--nonsense")

    assert said["error"]["code"] == "usage"
    assert said["error"]["message"].startswith("no such option: --nonsense")
