"""A bar-by-bar strategy that warms up again, since other parameters take more rows (R5, R35, R36)."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from tests.builders.markets import random_bars

from algotrader.core.events import AskedOrder, DecisionOutcome
from algotrader.core.events.questions import HeardEnd, HeardFill, StrategyQuestion
from algotrader.core.ids import AccountId, StrategyId
from algotrader.core.orders import Side
from algotrader.live.worker import Worker
from algotrader.live.worker_messages import Answer, Ask, Load, Loaded, sent
from algotrader.simulator.okx.listings import usual_instrument

BARS = random_bars(100, seed=5)
SOURCE = """
import numpy as np
from algotrader import Strategy, param
from algotrader.features import ema


class Mine(Strategy):
    slow: int = param(10, low=2, high=400)

    def features(self, bars):
        values = ema(bars.close, 2).copy()
        values[: self.slow] = np.nan
        return {"slow": values}

    def on_bar(self, ctx):
        ctx.state["bars"] = ctx.state.get("bars", 0) + 1
        ctx.buy(quantity=1.0)

    def on_fill(self, ctx, fill):
        ctx.state["filled"] = fill.quantity
        ctx.sell(quantity=fill.quantity, stop=1.0)

    def on_order(self, ctx, order):
        ctx.state["ended"] = order.number
"""
FILL = HeardFill(
    instrument=BARS.symbol, ts=1, number=3, quantity=2.0, price=10.0, fee=0.0, is_maker=False,
    reason="order", is_opening=True,
)  # fmt: skip
END = HeardEnd(instrument=BARS.symbol, number=4, status="cancelled")


def answered(folder: Path, slow: int, heard: tuple[HeardFill | HeardEnd, ...]) -> Answer:
    path = folder / "mine.py"
    path.write_text(SOURCE)
    worker = Worker()
    loaded = worker.hear(
        Load(
            name="mine", use=str(path), parameters={"slow": slow},
            instruments=(usual_instrument(BARS.symbol),), history=sent(BARS), has_decided=True,
        )
    )  # fmt: skip
    assert isinstance(loaded, Loaded)
    assert loaded.error is None
    question = StrategyQuestion(
        account=AccountId("main"), strategy=StrategyId("mine"), decision_ts=1,
        instruments=(BARS.symbol,), equity=1e4, cash=1e4, positions=(), working=(), heard=heard,
        next_number=7, state={"bought_at": 3}, missed_after=None,
    )  # fmt: skip
    answer = worker.hear(Ask(name="mine", decision_ts=1, rows=None, question=question))
    assert isinstance(answer, Answer)
    assert answer.outcome is DecisionOutcome.DECIDED, answer.error
    return answer


@pytest.mark.parametrize(
    ("slow", "state", "asked"),
    [(10, {"bought_at": 3, "bars": 1}, 1), (400, {"bought_at": 3}, 0)],
)
def test_r35_state_stays_while_a_strategy_warms_up_again(
    tmp_path: Path, slow: int, state: dict[str, int], asked: int
) -> None:
    answer = answered(tmp_path, slow, ())

    assert dict(answer.state) == state
    assert len(answer.asked) == asked


def test_r36_what_is_heard_while_warming_up_is_told_and_what_it_asks_for_is_asked(
    tmp_path: Path,
) -> None:
    answer = answered(tmp_path, 400, (FILL, END))

    assert dict(answer.state) == {"bought_at": 3, "filled": 2.0, "ended": 4}
    [stop] = answer.asked
    assert isinstance(stop, AskedOrder)
    assert (stop.number, stop.side, stop.quantity) == (7, Side.SELL, 2.0)


def test_r36_what_is_heard_once_warm_is_told_before_the_decision(tmp_path: Path) -> None:
    answer = answered(tmp_path, 10, (FILL, END))

    assert dict(answer.state) == {"bought_at": 3, "filled": 2.0, "ended": 4, "bars": 1}
    assert [msgspec.structs.asdict(one)["number"] for one in answer.asked] == [7, 8]
