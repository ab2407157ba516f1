"""Promise 7: nothing is lost at a restart, wherever between two bars it falls."""

from __future__ import annotations

import asyncio
import os
import random
import sys
from collections.abc import Collection
from pathlib import Path
from typing import Any

import pytest

from algotrader.core.events import TradingMode
from algotrader.core.ids import AccountId
from algotrader.engine.slices import Slice
from algotrader.live.journal.storage import Sync
from algotrader.live.operator import Inbox, Request
from algotrader.live.steps import REPLAY_STEPS, SNAPSHOT_ROWS, Steps
from algotrader.ops.config import load
from algotrader.ops.desk import build_desk
from algotrader.ops.standing import read_state
from algotrader.ops.trading import journal_folder, opened, replay

STRATEGY = """
from algotrader import Context, Features, Strategy
from algotrader.features import ema


class Counted(Strategy):
    \"\"\"Buys with stop and target; how much, and when again, is in its state.\"\"\"

    def features(self, bars) -> Features:
        return {"fast": ema(bars.close, 5), "slow": ema(bars.close, 20)}

    def on_bar(self, ctx: Context) -> None:
        bars = ctx.state.get("bars", 0) + 1
        ctx.state["bars"] = bars
        if ctx.position.quantity > 0:
            if bars % 9 == 0:
                ctx.close()
        elif ctx["fast"] > ctx["slow"] and bars % 4 == 0:
            entries = ctx.state.get("entries", 0) + 1
            ctx.state["entries"] = entries
            ctx.buy(weight=0.2 + 0.1 * (entries % 5), stop_loss=0.02, take_profit=0.04)
"""
SETTINGS = """
accounts:
  main: {currency: USD, cash: 10_000}
strategies:
  counted: {use: counted.py, symbols: [US:AAPL], timeframe: 1d}
  trend: {use: TrendFollow, symbols: [US:MSFT], timeframe: 1d, share: 0.5}
trading: {start: 2009-01-02, end: 2010-07-01}
risk:
  account: {max_daily_loss: 1.5%, on_breach: reduce_only}
  protections:
    - {kind: cooldown, after: stop, pause: 3d}
    - {kind: losing_streak, losses: 3, pause: 10d}
"""
SLICES = 376
HALT, RESUME = 90, 110  # slices after which a person halts, and resumes


class PlugPulledError(Exception):
    """The trader ends here."""


def traded(folder: Path, cuts: Collection[int], *, gather_steps: int = 1) -> tuple[list[Any], Any]:
    """Orders, and what else there is to tell, of a run that is ended after each slice of `cuts`."""
    folder.mkdir()
    (folder / "counted.py").write_text(STRATEGY)
    (folder / "algotrader.yaml").write_text(SETTINGS)
    configuration = load(folder / "algotrader.yaml", environment=os.environ, overrides={})
    seen: set[int] = set()  # decision times; the slice at which a start ended comes again

    def taken(slice_: Slice) -> None:
        if slice_.closed.decision_ts in seen:
            return
        seen.add(slice_.closed.decision_ts)
        slices = len(seen)
        asked = {HALT: TradingMode.HALTED, RESUME: TradingMode.TRADING}.get(slices)
        if asked is not None:
            request = Request(account=AccountId("main"), mode=asked, reason="a person")
            Inbox(journal_folder(desk).path).put(request, slices)
        if slices in cuts:
            raise PlugPulledError

    starts = 0
    while True:
        desk = build_desk(configuration)
        with opened(journal_folder(desk), Sync.NORMAL) as journal:
            starts += 1
            try:
                asyncio.run(replay(desk, journal, on_slice=taken, gather_steps=gather_steps))
                break
            except PlugPulledError:
                continue
    assert starts == len(cuts) + 1
    state = read_state(configuration)
    orders = [
        (
            one.order.intent.decided_at, one.order.instrument, one.order.side,
            one.quantity, one.limit, one.stop, one.status, one.filled,
        )
        for one in state.orders.all()
    ]  # fmt: skip
    book = state.books[AccountId("main")].whole
    risk = state.risk.state.snapshot()
    del risk["activity"]  # names orders, whose ids are of the run
    return orders, (len(seen), book.cash(), state.strategy_states, risk)


@pytest.mark.parametrize("cuts", [pytest.param(100, marks=pytest.mark.slow), 8])
def test_promise_7_a_restart_between_any_two_bars_changes_no_later_order(
    tmp_path: Path, cuts: int
) -> None:
    whole, end = traded(tmp_path / "whole", ())
    between = [n for n in range(1, SLICES + 1) if n not in (HALT, RESUME)]

    cut, same_end = traded(tmp_path / "cut", random.Random(7).sample(between, cuts))

    assert len(whole) > 60
    assert cut == whole
    assert same_end == end


def test_promise_7_rows_that_a_killed_replay_had_not_written_are_decided_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, end = traded(tmp_path / "whole", ())
    between = [n for n in range(1, SLICES + 1) if n not in (HALT, RESUME)]
    rest = Steps.rest

    def killed(steps: Steps, after_rows: int = SNAPSHOT_ROWS) -> None:
        """As SIGKILL leaves it: what waits for its commit is gone."""
        if not isinstance(sys.exc_info()[1], PlugPulledError):
            rest(steps, after_rows)

    monkeypatch.setattr(Steps, "rest", killed)

    cut, same_end = traded(
        tmp_path / "cut", random.Random(8).sample(between, 8), gather_steps=REPLAY_STEPS
    )

    assert cut == whole
    assert same_end == end
