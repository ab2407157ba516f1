"""Real processes: a trader killed by SIGKILL at random moments while it trades on a look-alike."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from tests.builders.okx_venue import served, simulator
from tests.integration.okx_trader import POINTS

from algotrader.core.events import OrderSubmitted, decode_event
from algotrader.core.ports import SystemClock
from algotrader.live.journal.folder import JournalFolder
from algotrader.simulator.okx.simulator import Simulator

TRADER = Path(__file__).with_name("okx_trader.py")


@contextmanager
def an_exchange() -> Iterator[tuple[Simulator, int]]:
    """A look-alike in a thread of its own, as long as the block lasts."""
    venue = simulator(
        SystemClock(),
        names=("BTC-USDT", "ETH-USDT"),
        bars=100_000,
        balances={"USDT": Decimal(10_000)},
    )
    with served(venue) as port:
        yield venue, port


def started(journal: Path, port: int, *point: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, str(TRADER), str(journal), str(port), *point],
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip


def settled(journal: Path, port: int) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, str(TRADER), str(journal), str(port), "settle"],
        capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip
    answer = json.loads(done.stdout)
    assert isinstance(answer, dict)
    return answer


def intents(journal: Path) -> list[str]:
    with JournalFolder(journal).reading() as rows:
        page = rows.page(1, 1_000_000)
    events = [decode_event(row.body) for row in page if row.kind == "OrderSubmitted"]
    return [event.order.order_id for event in events if isinstance(event, OrderSubmitted)]


@pytest.mark.parametrize("kills", [3, pytest.param(100, marks=pytest.mark.slow)])
def test_promise_5_no_order_is_doubled_or_lost_when_the_trader_is_killed(
    tmp_path: Path, kills: int
) -> None:
    moments = random.Random(kills)
    journal = tmp_path / "journal"
    with an_exchange() as (venue, port):
        for _ in range(kills):
            trader = started(journal, port)
            if moments.random() < 0.8:  # else perhaps while it replays and reconciles
                assert trader.stdout is not None
                trader.stdout.readline()
            time.sleep(moments.uniform(0.0, 2.0))
            trader.send_signal(signal.SIGKILL)
            trader.wait()
            if trader.stdout is not None:
                trader.stdout.close()
        all_agree(journal, port, venue)


def all_agree(journal: Path, port: int, venue: Simulator) -> None:
    """Account, journal and exchange to the last lot, after the trader settled."""
    told = settled(journal, port)
    state = venue.api.desk.exchange.venue
    orders = Counter(order.asked.client_id for order in state.records.orders.values())
    written = intents(journal)
    assert len(written) == len(set(written)) > 0
    assert max(orders.values()) == 1
    assert set(orders) <= set(written)
    assert told["mode"] == "trading"
    assert told["open"] == 0
    for symbol, quantity in told["positions"].items():
        coin = symbol.removeprefix("OKX:").partition("/")[0]
        assert Decimal(quantity) == state.wallet.cash.get(coin, Decimal(0)), symbol


def test_promise_5_f01_f02_f03_f04_f05_a_trader_killed_at_each_point_doubles_and_loses_nothing(
    tmp_path: Path,
) -> None:
    """Between decision and row, row and send, send and answer, fill and row, one order and the next."""
    journal = tmp_path / "journal"
    with an_exchange() as (venue, port):
        for point in POINTS:
            trader = started(journal, port, point)
            assert trader.wait(timeout=120) == -signal.SIGKILL, point
            assert trader.stdout is not None
            trader.stdout.close()
        all_agree(journal, port, venue)
