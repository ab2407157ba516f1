"""A paper account on live bars stands, after a kill at any event, where its journal ends."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from typing import Any

import pytest

from algotrader.cli.main import main
from algotrader.core.events import (
    BarClosed,
    Event,
    FundingPaid,
    OrderFilled,
    SliceClosed,
)
from algotrader.core.ids import RunId
from algotrader.core.instants import utc_at
from algotrader.core.ports import ManualClock
from algotrader.core.symbols import Symbol
from algotrader.engine.engine import Engine
from algotrader.ops.config import load
from algotrader.ops.desk import Desk, build_desk
from algotrader.ops.paper_live import LivePaper, live_paper
from algotrader.ops.standing import events_of
from algotrader.ops.trading import journal_folder

SWAP = Symbol.parse("SIM:BTC/USDT:USDT")
SETTINGS = """
trading: {mode: paper, data: replay}
backtest: {allow_gaps: true}
accounts:
  main: {currency: USDT, cash: 10_000, margin: cross}
strategies:
  flip: {use: flip.py, symbols: ["SIM:BTC/USDT:USDT"], timeframe: 1h}
"""
FLIP = """
import numpy as np
from algotrader import Strategy


class Flip(Strategy):
    def targets(self, bars, f):
        return np.where((bars.ts // 3_600_000) % 6 < 3, 0.5, -0.3)
"""
Fold = Callable[[Iterable[Event]], Decimal]


@pytest.fixture(scope="module")
def traded(tmp_path_factory: pytest.TempPathFactory) -> tuple[Desk, list[Event]]:
    """A desk and the journal of a hundred bars, funding among them."""
    folder = tmp_path_factory.mktemp("desk")
    patch = pytest.MonkeyPatch()
    patch.chdir(folder)
    (folder / "algotrader.yaml").write_text(SETTINGS)
    (folder / "flip.py").write_text(FLIP)
    assert main(["data", "generate", "--bars", "100", "--timeframe", "1h", "--quiet"]) == 0
    assert main(["trade", "--journal-sync", "normal", "--quiet"]) == 0
    desk = build_desk(load(environment={}))
    patch.undo()
    return desk, list(events_of(journal_folder(desk)))


def standing(desk: Desk, events: Sequence[Event]) -> LivePaper:
    def history(kinds: Sequence[type[Event]]) -> Iterable[Event]:
        return [event for event in events if isinstance(event, tuple(kinds))]

    newest = max((event.ts_known for event in events), default=0)
    return live_paper(desk.accounts[0], history, ManualClock(utc_at(newest)))


def books(desk: Desk, events: Iterable[Event]) -> Any:
    """What the ledger says, all of these events taken."""
    engine = Engine(desk.engine_settings(RunId("r" * 26)))
    for event in events:
        if not (isinstance(event, OrderFilled) and engine.state.knows_trade(event.fill.key)):
            engine.apply(event)
    return engine.state.books[desk.accounts[0].name].whole


def test_it_stands_where_the_books_stand_wherever_the_journal_was_cut(
    traded: tuple[Desk, list[Event]],
) -> None:
    desk, events = traded
    assert sum(isinstance(event, OrderFilled) for event in events) > 20
    assert sum(isinstance(event, FundingPaid) for event in events) > 5
    for cut in range(len(events) // 3, len(events) // 2):
        before = events[:cut]
        paper = standing(desk, before)
        told = [
            event for event in paper.unwritten
            if isinstance(event, OrderFilled | FundingPaid) and event not in before
        ]  # fmt: skip
        ours = books(desk, [*before, *told]).position(SWAP).quantity
        venue = paper.broker._venue
        assert venue.positions()[SWAP] == ours, cut


def test_its_cash_is_that_of_the_books_funding_included(traded: tuple[Desk, list[Event]]) -> None:
    desk, events = traded

    venue = standing(desk, events).broker._venue
    charged = sum(abs(event.amount) for event in events if isinstance(event, FundingPaid))
    assert charged > 1  # or the tolerance, which is that of prices on ticks, would hide it

    assert venue.cash == pytest.approx(float(books(desk, events).cash()), abs=1e-4)


def test_bars_that_come_again_after_a_restart_fill_nothing_twice(
    traded: tuple[Desk, list[Event]],
) -> None:
    desk, events = traded
    paper = standing(desk, events)
    bars = [event for event in events if isinstance(event, BarClosed)]

    assert paper.advance([bars[-1]], bars[-1].ts_known) == []
    assert paper.advance([bars[3]], bars[-1].ts_known) == []


def test_bars_that_closed_while_it_was_away_are_known(traded: tuple[Desk, list[Event]]) -> None:
    desk, events = traded
    bars = [event for event in events if isinstance(event, BarClosed)]
    at = next(at for at, event in enumerate(events) if event is bars[60])
    paper = standing(desk, events[:at])

    assert paper.passed_over([bars[60]]) is None
    assert paper.passed_over([bars[64]]) == (bars[60].ts, bars[63].ts)


def test_a_row_whose_slice_was_never_written_keeps_its_fills_at_the_second_restart(
    traded: tuple[Desk, list[Event]],
) -> None:
    """Killed after the fills of a bar were written, and away until the bar was old."""
    desk, events = traded
    filled = next(
        at for at, event in enumerate(events)
        if at > len(events) // 2 and isinstance(event, OrderFilled)
    )  # fmt: skip
    slices = [at for at, event in enumerate(events) if isinstance(event, SliceClosed)]
    lost = next(at for at in slices if at > filled)
    # The start after the kill has told what of the row was not written yet.
    row = [event for event in events[filled:lost] if isinstance(event, OrderFilled)]
    next_bar = next(
        at for at, event in enumerate(events) if at > lost and isinstance(event, BarClosed)
    )
    after = [event for event in events[next_bar:] if isinstance(event, BarClosed | SliceClosed)]
    journal = [*events[:filled], *row, *after[:2]]

    assert standing(desk, journal).broker._venue.positions()[SWAP] == (
        books(desk, journal).position(SWAP).quantity
    )
