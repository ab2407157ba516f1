"""`algotrader trade --mode sandbox` on a look-alike exchange: live bars, real requests, kill and restart."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from tests.builders.okx_venue import served, simulator

from algotrader.core.events import TradingMode
from algotrader.core.ids import AccountId
from algotrader.core.orders import Side
from algotrader.core.ports import SystemClock
from algotrader.live.operator import Inbox
from algotrader.live.requests import Request
from algotrader.simulator.okx.simulator import Simulator

pytest.importorskip("ccxt", reason="not run: ccxt is not installed")

COMMAND = "import sys; from algotrader.cli.main import main; raise SystemExit(main(sys.argv[1:]))"
FLIP = """
import numpy as np
from algotrader import Strategy


class Flip(Strategy):
    def targets(self, bars, f):
        return np.where((bars.ts // 60_000) % 4 < 2, 0.5, 0.0)
"""
SETTINGS = """
trading: {{mode: sandbox, url: "http://127.0.0.1:{port}"}}
accounts:
  main: {{currency: USDT}}
strategies:
  flip: {{use: flip.py, symbols: [OKX:BTC/USDT], timeframe: 1m}}
"""
KEYS = {
    "ALGOTRADER_OKX_KEY": "sim-key",
    "ALGOTRADER_OKX_SECRET": "sim-secret",
    "ALGOTRADER_OKX_PASSPHRASE": "sim-pass",
}


@contextmanager
def an_exchange() -> Iterator[tuple[Simulator, int]]:
    """A look-alike in a thread of its own, a minute a second, as long as the block lasts."""
    venue = simulator(
        SystemClock(), balances={"USDT": Decimal(10_000)}, bars=10_000,
        speed=60.0, limits=False,
    )  # fmt: skip
    with served(venue) as port:
        yield venue, port


def run(folder: Path, *arguments: str, keys: dict[str, str] | None = None) -> Any:
    done = subprocess.run(
        [sys.executable, "-c", COMMAND, *arguments, "--json"], cwd=folder, capture_output=True,
        text=True, timeout=60, check=False, env={**os.environ, **(KEYS if keys is None else keys)},
    )  # fmt: skip
    return json.loads(done.stdout)


def desk(folder: Path, port: int) -> None:
    (folder / "flip.py").write_text(FLIP)
    (folder / "algotrader.yaml").write_text(SETTINGS.format(port=port))
    since = SystemClock().now() - timedelta(hours=4)  # the look-alike has five hours of history
    run(
        folder, "data", "download", "OKX:BTC/USDT", "--timeframe", "1m",
        "--start", f"{since:%Y-%m-%dT%H:%M}", "--base-url", f"http://127.0.0.1:{port}",
    )  # fmt: skip


def test_a_desk_trades_on_an_exchange_is_killed_and_agrees_with_it(tmp_path: Path) -> None:
    with an_exchange() as (venue, port):
        state = venue.api.desk.exchange.venue
        desk(tmp_path, port)
        killed = subprocess.Popen(
            [sys.executable, "-c", COMMAND, "trade", "--quiet"], cwd=tmp_path,
            env={**os.environ, **KEYS}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        until = time.monotonic() + 90
        while len(state.records.fills) < 3 and time.monotonic() < until:
            time.sleep(0.01)
        killed.send_signal(signal.SIGKILL)
        killed.wait()
        told = run(tmp_path, "trade", "--for", "14")
        orders = run(tmp_path, "orders", "--all", "--last", "0")
        known = Counter(order.asked.client_id for order in state.records.orders.values())
        cash, coins = state.wallet.cash["USDT"], state.wallet.cash.get("BTC", Decimal(0))

    assert told["resumed"]
    assert told["slices"] > 3
    account = told["accounts"][0]
    assert account["mode"] == "trading"
    assert len(state.records.fills) > 4
    assert max(known.values()) == 1
    assert set(known) <= {one["order"] for one in orders}
    if account["open_orders"] == 0:
        assert Decimal(account["cash"]) == pytest.approx(cash, abs=Decimal("1e-9"))
        held = sum(Decimal(one["quantity"]) for one in run(tmp_path, "positions"))
        assert held == coins


def test_f71_no_order_that_adds_leaves_after_a_halt_by_file_while_the_database_is_locked(
    tmp_path: Path,
) -> None:
    with an_exchange() as (venue, port):
        records = venue.api.desk.exchange.venue.records
        desk(tmp_path, port)
        with subprocess.Popen(
            [sys.executable, "-c", COMMAND, "trade", "--quiet"], cwd=tmp_path,
            env={**os.environ, **KEYS}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        ) as trader:  # fmt: skip
            try:
                until = time.monotonic() + 90
                while len(records.fills) < 3 and time.monotonic() < until:
                    time.sleep(0.01)
                (chain,) = (tmp_path / "journal" / "chain").glob("*.sqlite")
                with closing(sqlite3.connect(chain, isolation_level=None)) as other:
                    other.execute("BEGIN IMMEDIATE")
                    halt = Request(account=AccountId("main"), mode=TradingMode.HALTED, reason="x")
                    Inbox(tmp_path / "journal").put(halt, 1)
                    time.sleep(1.0)
                    known = set(records.orders)
                    time.sleep(0.5)
                    other.execute("ROLLBACK")
                time.sleep(6.0)  # six bars: two purchases, had it gone on
                later = [one for number, one in records.orders.items() if number not in known]
            finally:
                trader.terminate()
        status = run(tmp_path, "status")

    assert len(records.fills) >= 3
    assert [one for one in later if one.asked.side is Side.BUY] == []
    assert [one["mode"] for one in status["accounts"]] == ["halted"]


def test_f68_keys_that_are_missing_or_wrong_are_said_by_name(tmp_path: Path) -> None:
    with an_exchange() as (_, port):
        desk(tmp_path, port)
        missing = run(tmp_path, "trade", keys=dict.fromkeys(KEYS, ""))["error"]
        wrong = run(tmp_path, "trade", keys=KEYS | {"ALGOTRADER_OKX_SECRET": "canary-7f3a"})

    assert missing["code"] == "secrets.missing"
    assert "ALGOTRADER_OKX_SECRET" in missing["message"]
    assert wrong["error"]["code"] == "trading.account_not_ready"
    assert "canary-7f3a" not in json.dumps(wrong)


HOLD = """
import numpy as np
from algotrader import Strategy


class Hold(Strategy):
    def targets(self, bars, f):
        return np.full(len(bars), 0.5)
"""


def test_f63_changes_while_a_position_is_open_are_asked_about_and_kept(tmp_path: Path) -> None:
    with an_exchange() as (venue, port):
        desk(tmp_path, port)
        (tmp_path / "flip.py").write_text(HOLD)
        trader = subprocess.Popen(
            [sys.executable, "-c", COMMAND, "trade", "--quiet"], cwd=tmp_path,
            env={**os.environ, **KEYS}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        until = time.monotonic() + 60
        while not venue.api.desk.exchange.venue.records.fills and time.monotonic() < until:
            time.sleep(0.01)
        trader.kill()
        trader.wait()
        settings = tmp_path / "algotrader.yaml"
        settings.write_text(f"{settings.read_text()}risk: {{account: {{max_leverage: 2}}}}\n")
        (tmp_path / "flip.py").write_text(f"{HOLD}# another word\n")
        refused = run(tmp_path, "trade", "--for", "1")
        accepted = run(tmp_path, "trade", "--for", "1", "--accept-changes")
        again = run(tmp_path, "trade", "--for", "1")
        starts = run(tmp_path, "journal", "show", "--kind", "RunStarted", "--last", "0")

    assert refused["error"]["code"] == "trading.changed"
    assert "risk.account.max_leverage: 2, was not set" in refused["error"]["message"]
    assert "the code of strategy flip" in refused["error"]["message"]
    assert accepted["resumed"]
    assert again["resumed"]
    told = [(row["body"]["accepted_by"], len(row["body"]["changes"])) for row in starts]
    assert told == [(None, 0), ("operator", 2), (None, 0)]
    assert starts[-1]["body"]["settings"]["risk"] == {"account": {"max_leverage": "2"}}


def test_f65_two_folders_cannot_trade_one_account_of_this_machine(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    with an_exchange() as (venue, port):
        for folder in (first, second):
            folder.mkdir()
            desk(folder, port)
        trader = subprocess.Popen(
            [sys.executable, "-c", COMMAND, "trade", "--quiet"], cwd=first,
            env={**os.environ, **KEYS}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        until = time.monotonic() + 60
        while not venue.api.desk.exchange.venue.records.orders and time.monotonic() < until:
            time.sleep(0.01)
        refused = run(second, "trade", "--for", "1")["error"]
        trader.kill()
        trader.wait()

    assert refused["code"] == "trading.account_in_use"
    assert str(first / "journal") in refused["message"]
