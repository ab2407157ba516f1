"""F07: a trader that is told to end does so in time, with its journal whole and its orders kept."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.integration.test_trade_sandbox import COMMAND, KEYS, an_exchange, desk, run

from algotrader.simulator.okx.faults import Fault, FaultKind
from algotrader.simulator.okx.simulator import Simulator

pytest.importorskip("ccxt", reason="not run: ccxt is not installed")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Simulator, Path]]:
    folder = tmp_path_factory.mktemp("desk")
    with an_exchange() as (venue, port):
        desk(folder, port)
        yield venue, folder


def started(folder: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", COMMAND, "trade", "--json"], cwd=folder, text=True,
        env={**os.environ, **KEYS}, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
    )  # fmt: skip


def trades(venue: Simulator, more: int) -> None:
    """Wait for so many fills more."""
    fills = venue.api.desk.exchange.venue.records.fills
    due, until = len(fills) + more, time.monotonic() + 90
    while len(fills) < due and time.monotonic() < until:
        time.sleep(0.02)
    assert len(fills) >= due


@pytest.mark.parametrize(
    ("number", "code", "is_hanging"),
    [(signal.SIGINT, 130, False), (signal.SIGTERM, 0, True)],
    ids=["INT", "TERM-while-the-venue-is-silent"],
)
def test_f07_a_signal_ends_a_trader_in_ten_seconds_with_its_journal_whole(
    place: tuple[Simulator, Path], number: signal.Signals, code: int, is_hanging: bool
) -> None:
    """Also while the venue answers nothing. No order follows, and the next start goes on."""
    venue, folder = place
    venue.faults.clear()
    trader = started(folder)
    trades(venue, 1)
    if is_hanging:
        silent = Fault(kind=FaultKind.DELAY_AFTER, where="*", delay_s=(60.0, 60.0))
        venue.faults.add(silent, venue.api.desk.exchange.venue.now_ms)
        time.sleep(1.0)
    trader.send_signal(number)
    told, _ = trader.communicate(timeout=10)
    venue.faults.clear()
    orders = len(venue.api.desk.exchange.venue.records.orders)
    time.sleep(1.0)

    assert trader.returncode == code
    if told:
        answer: dict[str, Any] = json.loads(told)
        assert answer == {"ended": "terminated" if number == signal.SIGTERM else "interrupted"}
    assert len(venue.api.desk.exchange.venue.records.orders) == orders
    assert run(folder, "journal", "verify")
    assert run(folder, "trade", "--for", "2")["resumed"]


RESTING = """
from algotrader import Strategy


class Rests(Strategy):
    def on_bar(self, ctx):
        if ctx.position.quantity == 0 and not ctx.orders:
            ctx.buy(weight=0.2, stop_loss=0.2)
        elif len(ctx.orders) < 2:
            ctx.buy(weight=0.1, limit=ctx.bar.close * 0.8)
"""


def test_f07_entries_that_rest_at_the_end_are_cancelled_where_the_settings_say_so(
    tmp_path: Path,
) -> None:
    """A stop that guards a position stays."""
    with an_exchange() as (venue, port):
        desk(tmp_path, port)
        (tmp_path / "flip.py").write_text(RESTING)
        settings = tmp_path / "algotrader.yaml"
        text = settings.read_text().replace("mode: sandbox,", "mode: sandbox, at_exit: cancel,")
        settings.write_text(text)
        state = venue.api.desk.exchange.venue
        trader = started(tmp_path)
        until = time.monotonic() + 60
        while not (state.records.working and state.records.waiting) and time.monotonic() < until:
            time.sleep(0.02)
        trader.send_signal(signal.SIGTERM)
        trader.communicate(timeout=10)

        assert trader.returncode == 0
        assert not state.records.working
        assert len(state.records.waiting) == 1
