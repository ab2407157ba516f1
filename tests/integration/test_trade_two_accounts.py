"""`algotrader trade` on two accounts of one exchange, each with its own key, bars and books."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from tests.builders.okx_venue import served, simulator

from algotrader.core.instants import utc_ms
from algotrader.core.orders import Side
from algotrader.core.ports import SystemClock
from algotrader.simulator.okx.desk import Credentials
from algotrader.simulator.okx.desk import Desk as VenueDesk
from algotrader.simulator.okx.faults import Fault, FaultKind
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
trading: {{mode: sandbox, url: "http://127.0.0.1:{port}", check_s: 0.5}}
accounts:
  main: {{currency: USDT}}
  carry: {{currency: USDT, keys: CARRY}}
strategies:
  flip: {{use: flip.py, symbols: [OKX:BTC/USDT], timeframe: 1m}}
  slow: {{use: flip.py, account: carry, symbols: [OKX:ETH/USDT], timeframe: 3m}}
  quick: {{use: flip.py, account: carry, symbols: [OKX:BTC/USDT], timeframe: 1m}}
"""
TURNS = """
from algotrader import Context, Strategy, param


class Turns(Strategy):
    begins: int = param(0, low=0, high=8)

    def on_bar(self, ctx: Context) -> None:
        minute = int(ctx.now.timestamp()) // 60 - self.begins
        if minute % 8 >= 4:
            ctx.close()
        elif ctx.position.quantity == 0:
            ctx.buy(weight=0.4)
"""
IN_TOTAL = """
trading: {{mode: sandbox, url: "http://127.0.0.1:{port}"}}
accounts:
  main: {{currency: USDT}}
  carry: {{currency: USDT, keys: CARRY}}
strategies:
  early: {{use: turns.py, symbols: [OKX:BTC/USDT], timeframe: 1m}}
  late:
    {{use: turns.py, account: carry, symbols: [OKX:BTC/USDT], timeframe: 1m,
      parameters: {{begins: 2}}}}
risk:
  account: {{max_gross: 5_000}}
  total: {{max_gross: 6_000}}
"""
KEYS = {
    f"{prefix}_{part}": f"{name}-{value}"
    for prefix, name in (("ALGOTRADER_OKX", "sim"), ("CARRY", "carry"))
    for part, value in (("KEY", "key"), ("SECRET", "secret"), ("PASSPHRASE", "pass"))
}
CARRY = Credentials(key="carry-key", secret="carry-secret", passphrase="carry-pass")


@contextmanager
def an_exchange() -> Iterator[tuple[Simulator, int]]:
    """A look-alike with two accounts in a thread of its own, a minute a second."""
    venue = simulator(
        SystemClock(), balances={"USDT": Decimal(10_000)}, bars=10_000, names=("BTC-USDT", "ETH-USDT"),
        speed=60.0, limits=False, sub_accounts=(CARRY,),
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
    for symbol, frame in (("BTC", "1m"), ("ETH", "3m")):
        run(
            folder, "data", "download", f"OKX:{symbol}/USDT", "--timeframe", frame,
            "--start", f"{since:%Y-%m-%dT%H:%M}", "--base-url", f"http://127.0.0.1:{port}",
        )  # fmt: skip


@contextmanager
def trading(folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(
        [sys.executable, "-c", COMMAND, "trade", "--quiet"], cwd=folder,
        env={**os.environ, **KEYS}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        yield process
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()


def until(is_so: Callable[[], bool], longest_s: float = 90.0) -> None:
    end = time.monotonic() + longest_s
    while not is_so():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.02)


def fills(one: VenueDesk, name: str = "") -> int:
    return sum(fill.order.asked.inst_id.startswith(name) for fill in one.venue.records.fills)


def trades_of(one: VenueDesk) -> set[str]:
    return {fill.trade_id for fill in list(one.venue.records.fills)}


def agrees(folder: Path, name: str, one: VenueDesk) -> bool:
    """Whether the journal's fills of an account are the venue's, and every order is its own.

    Both may have moved on while the journal was read.
    """
    before = trades_of(one)
    sent = {order.asked.client_id for order in list(one.venue.records.orders.values())}
    ours = {row["trade"] for row in run(folder, "fills", "--last", "0") if row["account"] == name}
    orders = run(folder, "orders", "--all", "--last", "0")
    known = {row["order"] for row in orders if row["account"] == name}
    return before <= ours <= trades_of(one) and sent <= known


def test_two_accounts_and_two_lengths_of_bars_are_traded_killed_and_agree(tmp_path: Path) -> None:
    with an_exchange() as (venue, port):
        main, carry = venue.api.desks
        desk(tmp_path, port)
        with trading(tmp_path):
            until(
                lambda: fills(main) >= 2 and fills(carry, "BTC") >= 2 and fills(carry, "ETH") >= 1
            )
        told = run(tmp_path, "trade", "--for", "6")
        state = run(tmp_path, "status")
        both = [agrees(tmp_path, "main", main), agrees(tmp_path, "carry", carry)]

    assert told["resumed"]
    assert {row["account"]: row["mode"] for row in told["accounts"]} == {
        "main": "trading", "carry": "trading",
    }  # fmt: skip
    assert both == [True, True]
    assert fills(main, "ETH") == 0  # the keys of one account were used for no other
    assert {row["account"] for row in state["positions"]} <= {"main", "carry"}


@pytest.mark.slow
def test_r28_what_one_live_account_holds_denies_the_order_of_another(tmp_path: Path) -> None:
    """4,000 each: either is within the 5,000 of its account, both together are over 6,000."""
    with an_exchange() as (venue, port):
        main, carry = venue.api.desks
        desk(tmp_path, port)
        (tmp_path / "turns.py").write_text(TURNS)
        (tmp_path / "algotrader.yaml").write_text(IN_TOTAL.format(port=port))
        with trading(tmp_path):
            until(lambda: fills(main) >= 2 and fills(carry) >= 2)
            until(lambda: denials(tmp_path) != set())
        found = denials(tmp_path)
        gross = gross_after_each(main, carry)

    assert {rule for _, rule in found} == {"total.max_gross"}
    assert ("carry", "total.max_gross") in found
    assert 3_900 < max(gross) < 6_000


def gross_after_each(*accounts: VenueDesk) -> list[float]:
    """What all hold together after each trade, by the venue's own record, at its price."""
    every = [fill for one in accounts for fill in list(one.venue.records.fills)]
    held, found = 0.0, []
    for fill in sorted(every, key=lambda one: (one.at_ms, one.order.asked.side is Side.BUY)):
        held += float(fill.size) * fill.order.asked.side.sign
        found.append(held * float(fill.price))
    return found


def denials(folder: Path) -> set[tuple[str, str]]:
    """Which account was denied an order, and by which rule."""
    rows = run(folder, "journal", "show", "--kind", "OrderDenied", "--last", "0")
    bodies = [row["body"] for row in rows]
    return {
        (one["intent"]["account"], reason["rule"]) for one in bodies for reason in one["reasons"]
    }


def modes(folder: Path) -> dict[str, str]:
    return {row["account"]: row["mode"] for row in run(folder, "status")["accounts"]}


@pytest.mark.slow
def test_an_account_whose_venue_is_silent_stops_buying_and_the_other_goes_on(
    tmp_path: Path,
) -> None:
    with an_exchange() as (venue, port):
        main, carry = venue.api.desks
        desk(tmp_path, port)
        with trading(tmp_path):
            until(lambda: fills(main) >= 1 and fills(carry) >= 1)
            now_ms = utc_ms(SystemClock().now())
            for kind in (FaultKind.DROP_BEFORE, FaultKind.CLOSE_SOCKET):
                venue.faults.add(Fault(kind=kind, key="carry-key"), now_ms)
            until(lambda: modes(tmp_path) == {"main": "trading", "carry": "reduce_only"})
            before = fills(main)
            until(lambda: fills(main) >= before + 2)
            assert modes(tmp_path)["main"] == "trading"
            venue.faults.clear()
            until(lambda: modes(tmp_path) == {"main": "trading", "carry": "trading"})
            until(lambda: agrees(tmp_path, "carry", carry))
