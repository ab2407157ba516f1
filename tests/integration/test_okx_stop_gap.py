"""A trader that dies between the end of a stop and the sale it made way for (F85)."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

from tests.builders.okx_venue import served, simulator
from tests.integration.okx_guarded_trader import LITTLE

from algotrader.core.events import Event, ProtectionMissing, decode_event
from algotrader.core.ports import SystemClock
from algotrader.live.journal.folder import JournalFolder
from algotrader.live.journal.records import PREFIX

ROOT = Path(__file__).parents[2]
LOT = Decimal("0.00000001")


def started(journal: Path, port: int, *point: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "tests.integration.okx_guarded_trader", str(journal), str(port),
         *point],
        cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip


def until(is_so: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not is_so():
        assert time.monotonic() < end, "it did not come"
        time.sleep(0.02)


def events(journal: Path) -> list[Event]:
    with JournalFolder(journal).reading() as rows:
        page = rows.page(1, 1_000_000)
    return [decode_event(row.body) for row in page if not row.kind.startswith(PREFIX)]


def test_f85_a_trader_killed_after_its_stop_was_cancelled_is_guarded_again_or_smaller(
    tmp_path: Path,
) -> None:
    journal = tmp_path / "journal"
    venue = simulator(
        SystemClock(), names=("BTC-USDT",), bars=100_000, balances={"USDT": Decimal(10_000)}
    )
    state = venue.api.desk.exchange.venue

    def held() -> Decimal:
        return state.wallet.cash.get("BTC", Decimal(0)) // LOT * LOT

    def stops() -> list[Decimal | None]:
        return [algo.size for algo in state.records.live_algos()]

    with served(venue) as port:
        dying = started(journal, port, "after_stop_cancel")
        assert dying.wait(timeout=60) == -9
        bare = held()
        assert bare * 30_000 > 5_000  # bought, and not yet sold
        until(lambda: stops() == [])  # nothing guards it now

        again = started(journal, port)
        try:
            until(lambda: held() < bare / 2 and stops() == [held()])
        finally:
            again.kill()
            again.wait()

    gap = [event for event in events(journal) if isinstance(event, ProtectionMissing)]
    assert gap  # the gap is journaled
    assert held() * 30_000 < 10_000 * (LITTLE + 0.05)
    asked = [order.asked.client_id for order in state.records.orders.values()]
    assert len(asked) == len(set(asked))
