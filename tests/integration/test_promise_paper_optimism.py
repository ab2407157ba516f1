"""Promise 2: what paper says of the same orders is written beside what they really cost."""

from __future__ import annotations

from pathlib import Path

import pytest
from rich.console import Console
from tests.builders.traded_desk import TARGETS, a_desk, a_market, compared, slices, traded

from algotrader.backtest.settings import BacktestSettings
from algotrader.cli.parity_tables import plain_parity, print_parity
from algotrader.live.journal.folder import JournalFolder
from algotrader.parity.comparing import Parity

CODE = TARGETS.replace("every_bar", "on_change")
ON_PAPER_BPS = 2.0


def of_a_venue_that_slips(folder: Path, bps: float) -> Parity:
    """A desk that reckons with 2 bps, traded where orders slip by `bps`."""
    market = a_market()
    desk = a_desk(folder, market, code=CODE, costs=BacktestSettings(slippage_bps=ON_PAPER_BPS))
    journal = JournalFolder(folder / "journal")
    traded(desk, journal, slices(desk), venue_costs=BacktestSettings(slippage_bps=bps))
    return compared(desk, journal)


@pytest.mark.parametrize(("slips", "optimism"), [(12.0, 10.0), (2.0, 0.0), (0.0, -2.0)])
def test_promise_2_each_order_says_how_much_better_paper_filled_it(
    tmp_path: Path, slips: float, optimism: float
) -> None:
    found = of_a_venue_that_slips(tmp_path, slips)

    paper = plain_parity(found)["paper"]
    console = Console(record=True, width=120)
    print_parity(console, found, 0, None)
    said = console.export_text()

    assert found.is_clean
    assert len(paper["orders"]) > 20
    assert {one["quantity"].startswith("-") for one in paper["orders"]} == {True, False}
    # Prices are near 100 with ticks of 0.01: each is within a tick, one basis point, of its own.
    assert all(abs(one["optimism_bps"] - optimism) < 2.5 for one in paper["orders"])
    assert paper["optimism_bps"] == pytest.approx(optimism, abs=0.5)
    assert ("bps better" in said, "bps worse" in said) == (optimism > 0, optimism < 0)
