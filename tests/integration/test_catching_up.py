"""Bars that were missed are fed to bar-by-bar strategies without orders, and told (R24)."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path

from tests.builders.engines import HOUR, T0, TREND, Desk, bar_events
from tests.builders.markets import random_bars

from algotrader.core.events import CaughtUp, Event
from algotrader.core.events.questions import StrategyQuestion
from algotrader.core.ids import AccountId, StrategyId
from algotrader.core.ports import ManualClock
from algotrader.engine.commands import AskStrategy
from algotrader.live.workers import LiveStrategy, WorkerDecider
from algotrader.simulator.okx.listings import usual_instrument
from algotrader.strategy.history import BarHistory

MAIN = AccountId("main")
BARS = random_bars(60, seed=5)
COUNTS = """
from algotrader import Strategy


class Counts(Strategy):
    def on_bar(self, ctx):
        ctx.state["bars"] = ctx.state.get("bars", 0) + 1
        ctx.state["sum"] = ctx.state.get("sum", 0.0) + ctx.bar.close
        ctx.buy(quantity=1.0)
"""


def asked(row: int, state: dict[str, object], missed_after: int | None) -> AskStrategy:
    closes = int(BARS.ts[row]) + BARS.timeframe.ms
    question = StrategyQuestion(
        account=MAIN, strategy=StrategyId("counts"), decision_ts=closes,
        instruments=(BARS.symbol,), equity=1e4, cash=1e4, positions=(), working=(), heard=(),
        next_number=0, state=state, missed_after=missed_after,
    )  # fmt: skip
    return AskStrategy(
        account=MAIN, strategy=StrategyId("counts"), decision_ts=closes, question=question
    )


def test_r24_missed_bars_rebuild_the_state_ask_for_nothing_and_are_told(tmp_path: Path) -> None:
    path = tmp_path / "counts.py"
    path.write_text(COUNTS)
    one = LiveStrategy(
        strategy=StrategyId("counts"), account=MAIN, use=str(path), parameters={},
        instruments=(usual_instrument(BARS.symbol),), history=BarHistory(BARS.rows(0, 50)),
    )  # fmt: skip
    told: list[Event] = []

    async def run() -> None:
        clock = ManualClock(datetime(2024, 1, 1, tzinfo=UTC))
        decider = WorkerDecider([one], clock, budget_s=30.0)
        decider.tell = told.append
        try:
            await decider.load()
            last = int(BARS.ts[44]) + BARS.timeframe.ms  # rows 45 to 48 were missed
            answer = await decider.decide(asked(49, {"bars": 10, "sum": 1.0}, last))
        finally:
            await decider.close()
        assert answer.state["bars"] == 15
        assert answer.state["sum"] == 1.0 + sum(BARS.close[45:50].tolist())
        assert len(answer.asked) == 1  # of the newest bar alone

    asyncio.run(run())
    [caught_up] = told
    assert isinstance(caught_up, CaughtUp)
    assert (caught_up.first_ts, caught_up.last_ts, caught_up.bars) == (
        int(BARS.ts[45]), int(BARS.ts[48]), 4,
    )  # fmt: skip


def test_r24_the_engine_says_after_which_decision_bars_were_missed() -> None:
    desk = Desk(by_bar=True)
    first = desk.bar(1)
    desk.answer(1)
    second = desk.bar(2)
    desk.answer(2)
    desk.tell(*[one for hour in (3, 4) for one in bar_events(hour) if one.kind == "BarClosed"])
    fifth = desk.bar(5)

    assert first is not None
    assert second is not None
    assert fifth is not None
    assert first.strategy == TREND
    assert (first.missed_after, second.missed_after) == (None, None)
    assert fifth.missed_after == T0 + 2 * HOUR
