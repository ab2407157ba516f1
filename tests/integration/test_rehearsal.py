"""The demo's second half: an exchange and a trader in processes of their own, one killed by SIGKILL."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from rich.console import Console

from algotrader.cli import demo_trading
from algotrader.cli.output import Output
from algotrader.core.events import BarClosed, FundingPaid, OrderSubmitted, SliceClosed, decode_event
from algotrader.core.ports import SystemClock
from algotrader.data import generator
from algotrader.data.lake import Lake
from algotrader.live.journal.folder import JournalFolder
from algotrader.live.journal.records import PREFIX

pytest.importorskip("ccxt", reason="not run: ccxt is not installed")


@pytest.mark.parametrize("slices", [60, pytest.param(demo_trading.SLICES, marks=pytest.mark.slow)])
def test_a_trader_that_is_killed_agrees_with_the_exchange_and_hears_nothing_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, slices: int
) -> None:
    monkeypatch.setattr(demo_trading, "SLICES", slices)
    lake = Lake(tmp_path / "lake")
    generator.write_generated(lake, generator.generate(2_000, 7), SystemClock())
    out, console = Output(json=True), Console(quiet=True)
    pair = (generator.SPOT, generator.PERPETUAL)

    told = demo_trading.rehearse(out, console, lake.root, pair, tmp_path / "desk")

    with JournalFolder(tmp_path / "desk" / "journal").reading() as rows:
        events = [
            decode_event(r.body) for r in rows.page(1, 10_000) if not r.kind.startswith(PREFIX)
        ]
    assert told["slices"] == slices
    assert told["orders"] == sum(isinstance(event, OrderSubmitted) for event in events) > 2
    decided = [event.decision_ts for event in events if isinstance(event, SliceClosed)]
    assert decided == sorted(set(decided))
    assert len(decided) == slices
    bars = Counter((e.instrument, e.ts) for e in events if isinstance(e, BarClosed))
    funding = Counter(e.settlement_id for e in events if isinstance(e, FundingPaid))
    assert funding
    assert {*bars.values(), *funding.values()} == {1}
