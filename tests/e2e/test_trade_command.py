"""`algotrader trade` on recorded bars: what was backtested is traded, and nothing ends it wrongly."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from tests.builders.loopback import free_port

from algotrader.cli.main import main
from algotrader.live.journal.folder import JournalFolder

COMMAND = "import sys; from algotrader.cli.main import main; raise SystemExit(main(sys.argv[1:]))"

SETTINGS = """
accounts:
  main: {currency: USD, cash: 10_000}
strategies:
  trend: {use: TrendFollow, symbols: [US:AAPL], timeframe: 1d}
trading: {start: 2011-01-03, end: 2012-01-01}
"""


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "algotrader.yaml").write_text(SETTINGS)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def said(capfd: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> Any:
    assert main([*arguments, "--json"]) == code
    return json.loads(capfd.readouterr().out)


def started(folder: Path, *more: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-c", COMMAND, "trade", "--quiet", *more],
        cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip


def until_decided(folder: Path, count: int) -> None:
    """Wait until the journal has that many decisions."""
    journal = JournalFolder(folder / "journal")
    while True:
        if journal.chain.exists():
            with journal.reading() as rows:
                if sum(row.kind == "Decided" for row in rows.page(1, 100_000)) >= count:
                    return
        time.sleep(0.05)


def test_what_was_backtested_is_traded(desk: Path, capfd: pytest.CaptureFixture[str]) -> None:
    traded = said(capfd, "trade")
    run = said(
        capfd, "backtest", "TrendFollow", "--symbol", "US:AAPL", "--timeframe", "1d",
        "--start", "2011-01-03", "--end", "2012-01-01",
    )  # fmt: skip

    assert traded["slices"] == 252
    equity = float(traded["accounts"][0]["equity"])
    assert equity == pytest.approx(run["metrics"]["final_equity"], rel=1e-12)


BY_BAR = """
from algotrader import Context, Features, Strategy, param
from algotrader.features import ema


class Brackets(Strategy):
    days: int = param(10, low=2, high=50)

    def features(self, bars) -> Features:
        return {"mean": ema(bars.close, self.days)}

    def on_bar(self, ctx: Context) -> None:
        ctx.state["seen"] = ctx.state.get("seen", 0) + 1
        if ctx.position.quantity == 0 and not ctx.orders and ctx.bar.close > ctx["mean"]:
            ctx.buy(weight=0.4, stop_loss=0.03, take_profit=0.05, tag="up")
        elif ctx.position.quantity > 0 and ctx.state["seen"] % 30 == 0:
            ctx.close()
"""
STOPPED = """
from algotrader.strategy.library.trend import TrendFollow


class Stopped(TrendFollow):
    stop_loss = 0.04
    trailing = 0.06
    reenter_after = 3
"""


@pytest.mark.parametrize(
    ("name", "text"), [("brackets", BY_BAR), ("stopped", STOPPED)], ids=["on_bar", "stops"]
)
def test_bar_by_bar_and_protected_strategies_trade_as_they_were_backtested(
    desk: Path, capfd: pytest.CaptureFixture[str], name: str, text: str
) -> None:
    (desk / f"{name}.py").write_text(text)
    settings = SETTINGS.replace("use: TrendFollow", f"use: {name}.py")
    (desk / "algotrader.yaml").write_text(settings)
    traded = said(capfd, "trade", "--journal-sync", "normal")
    run = said(
        capfd, "backtest", f"{name}.py", "--symbol", "US:AAPL", "--timeframe", "1d",
        "--start", "2011-01-03", "--end", "2012-01-01",
    )  # fmt: skip

    assert run["metrics"]["trades"] > 4
    equity = float(traded["accounts"][0]["equity"])
    assert equity == pytest.approx(run["metrics"]["final_equity"], rel=1e-12)


def test_a_trader_killed_at_any_moment_goes_on_to_the_same_end(
    desk: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    moments = random.Random(7)
    for kill in range(1, 4):
        trader = started(desk)
        until_decided(desk, 40 * kill)
        time.sleep(moments.uniform(0.0, 0.05))
        trader.send_signal(signal.SIGKILL)
        trader.wait()
    went_on = said(capfd, "trade")
    fills = said(capfd, "fills", "--last", "0")
    (desk / "journal").rename(desk / "killed")
    at_once = said(capfd, "trade")

    assert went_on["resumed"]
    assert went_on["accounts"] == at_once["accounts"]
    again = said(capfd, "fills", "--last", "0")
    kept = ("time", "side", "quantity", "price", "fee", "trade")
    assert [[one[k] for k in kept] for one in fills] == [[one[k] for k in kept] for one in again]
    assert len(fills) > 0


def test_a_second_start_at_the_end_changes_nothing(
    desk: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    first = said(capfd, "trade")
    second = said(capfd, "trade")

    assert second["slices"] == 0
    assert second["accounts"] == first["accounts"]


def test_a_halt_keeps_the_account_from_trading_until_it_is_resumed(
    desk: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    said(capfd, "halt", "--reason", "a test")
    halted = said(capfd, "trade")
    assert halted["accounts"][0]["mode"] == "halted"
    (hold,) = halted["accounts"][0]["holds"]
    assert (hold["rule"], hold["action"], hold["by"]) == ("kill_switch", "halt", "operator")
    assert "a test" in hold["why"]
    assert said(capfd, "fills") == []

    said(capfd, "resume")
    said(capfd, "trade")
    assert said(capfd, "status")["accounts"][0]["mode"] == "trading"


def test_flatten_sells_what_is_held_and_halts(
    desk: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    trader = started(desk, "--speed", "30")
    until_decided(desk, 60)
    said(capfd, "flatten", "--reason", "a test")
    trader.wait(timeout=60)
    account = said(capfd, "status")["accounts"][0]

    assert account["mode"] == "halted"
    assert account["positions"] == 0
    assert account["cash"] == account["equity"]
    assert len(said(capfd, "fills", "--last", "0")) > 1


def test_f50_a_second_trader_is_refused(desk: Path, capfd: pytest.CaptureFixture[str]) -> None:
    trader = started(desk, "--speed", "20")
    try:
        until_decided(desk, 1)
        error = said(capfd, "trade", code=3)["error"]
    finally:
        trader.kill()
        trader.wait()

    assert error["code"] == "journal.in_use"


@pytest.mark.parametrize(
    ("change", "code", "words"),
    [
        (("TrendFollow", "nowhere.py"), "strategy.file_missing", "no strategy file"),
        (("[US:AAPL]", "[US:NONE]"), "data.symbol_missing", "US:NONE"),
        (("currency: USD", "currency: USDT"), "trading.currency", "settle in USD"),
        (("main:", "other:"), "trading.account", "names account main"),
        (("2011-01-03", "2031-01-03"), "trading.no_bars", "no bar at or after"),
        (("TrendFollow,", "TrendFollow, parameters: {fast: 900},"), "strategy.parameter", "fast"),
        (("strategies:\n", "#"), "trading.nothing", "nothing to trade"),
    ],
)
def test_settings_that_cannot_be_traded_are_refused_in_a_sentence(
    desk: Path, capfd: pytest.CaptureFixture[str], change: tuple[str, str], code: str, words: str
) -> None:
    text = SETTINGS.replace(*change)
    if change[0] == "strategies:\n":
        text = "accounts: {}\n"
    (desk / "algotrader.yaml").write_text(text)
    error = said(capfd, "trade", code=2)["error"]

    assert error["code"].startswith(code)
    assert words in error["message"]
    assert not (desk / "journal").exists()


def test_a_strategy_that_raises_is_stopped_alone(
    desk: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (desk / "bad.py").write_text(
        "import numpy as np\n"
        "from algotrader import Strategy\n"
        "class Bad(Strategy):\n"
        "    def targets(self, bars, f):\n"
        "        if len(bars) % 7 == 0 and len(bars) > 2_800 and len(bars) < 3_200:\n"
        "            raise RuntimeError('seven')\n"
        "        return np.zeros(len(bars))\n"
    )
    (desk / "algotrader.yaml").write_text(
        SETTINGS.replace(
            "  trend:",
            "  bad: {use: bad.py, account: second, symbols: [US:IBM], timeframe: 1d}\n  trend:",
        ).replace("strategies:", "  second: {currency: USD, cash: 5_000}\nstrategies:")
    )
    assert main(["trade", "--json"]) == 0
    out, err = capfd.readouterr()
    traded = json.loads(out)
    assert err.count("strategy bad is stopped, its position is held") == 1

    rows = said(capfd, "journal", "show", "--kind", "StrategyAnswered", "--last", "0")
    answers = [row["body"] for row in rows]
    bad = [one for one in answers if one["strategy"] == "bad"]
    assert {one["outcome"] for one in bad} == {"decided", "raised"}
    assert any("seven" in (one["error"] or "") for one in bad)
    assert all(one["outcome"] == "decided" for one in answers if one["strategy"] == "trend")
    assert len(traded["accounts"]) == 2


def test_promise_28_f63_a_start_is_kept_with_its_settings_and_what_changed_in_them(
    desk: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    said(capfd, "trade")
    text = SETTINGS.replace("end: 2012-01-01", "end: 2012-02-01")
    (desk / "algotrader.yaml").write_text(f"{text}risk: {{account: {{max_leverage: 2}}}}\n")
    said(capfd, "trade")
    rows = said(capfd, "journal", "show", "--kind", "RunStarted", "--last", "0")
    first, second = (row["body"] for row in rows)

    assert first["settings"]["strategies"]["trend"]["use"] == "TrendFollow"
    assert first["configuration_hash"] != second["configuration_hash"]
    assert first["changes"] == []
    assert second["changes"] == [
        "risk.account.max_leverage: 2, was not set", "trading.end: 2012-02-01, was 2012-01-01"
    ]  # fmt: skip
    assert said(capfd, "parity")["replay"]["equal"]


def test_a_running_trader_shows_its_figures_and_its_health(
    desk: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    port = free_port()
    (desk / "algotrader.yaml").write_text(f"{SETTINGS}metrics: {{port: {port}, every_s: 0.1}}\n")
    trader = started(desk, "--speed", "20")
    until_decided(desk, 20)
    pages = {}
    for page in ("metrics", "health", "ready"):
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/{page}", timeout=10) as answer:
            pages[page] = answer.read().decode()
    running = said(capfd, "status")["trader"]
    trader.send_signal(signal.SIGKILL)
    trader.wait()
    killed = said(capfd, "status")["trader"]

    assert (
        'algotrader_orders_total{account="main",outcome="sent",strategy="trend"}'
        in pages["metrics"]
    )
    assert 'algotrader_equity{account="main"}' in pages["metrics"]
    assert json.loads(pages["health"])["pid"] == trader.pid
    assert json.loads(pages["ready"]) == {"ready": True, "mode": "paper", "reasons": []}
    assert running["state"] == "running"
    assert running["decide"]["p99_ms"] > 0
    assert running["worker_memory_mb"] > 1
    assert killed["state"] == "not running"
    events = [json.loads(line) for line in (desk / "logs" / "algotrader.jsonl").open()]
    assert {"order.submitted", "order.filled"} <= {line["event"] for line in events}
    assert len({line["run"] for line in events}) == 1
