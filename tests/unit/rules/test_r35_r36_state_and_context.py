"""R35: state and crossings. R36: the context."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from tests.builders.markets import random_bars
from tests.builders.research import FREE, a_market

from algotrader.backtest.run import RunResult, run_backtest
from algotrader.backtest.strategy_check import check_strategy
from algotrader.core.bars import Bars
from algotrader.core.errors import StrategyError, StrategyRaisedError
from algotrader.execution.simulation import OrderState
from algotrader.strategy.base import Features, Strategy

MARKET = a_market(random_bars(40))
NAN = float("nan")


class Asking(Strategy):
    """Calls a function with each context."""

    def __init__(self, ask: Any) -> None:
        super().__init__()
        self._ask = ask

    def on_bar(self, ctx: Any) -> None:
        self._ask(ctx)


def run(strategy: Strategy) -> RunResult:
    return run_backtest(strategy, MARKET, FREE)


@pytest.mark.parametrize(
    ("before", "now", "above", "below"),
    [
        # R35: (a, b) at t-1 and at t
        ((1.0, 2.0), (3.0, 2.0), True, False),
        ((2.0, 2.0), (3.0, 2.0), True, False),  # from equal: crossed
        ((1.0, 2.0), (2.0, 2.0), False, False),  # to equal: not yet
        ((3.0, 2.0), (4.0, 2.0), False, False),  # was above already
        ((3.0, 2.0), (1.0, 2.0), False, True),
        ((2.0, 2.0), (1.0, 2.0), False, True),
        ((NAN, 2.0), (3.0, 2.0), False, False),  # NaN is False
        ((1.0, 2.0), (3.0, NAN), False, False),
    ],
)
def test_r35_a_crossing_is_from_at_or_below_to_above(
    before: tuple[float, float], now: tuple[float, float], above: bool, below: bool
) -> None:
    seen: dict[int, tuple[bool, bool]] = {}

    class Crossing(Strategy):
        def features(self, bars: Bars) -> Features:
            a, b = np.zeros(len(bars)), np.zeros(len(bars))
            (a[10], b[10]), (a[11], b[11]) = before, now
            return {"a": a, "b": b}

        def on_bar(self, ctx: Any) -> None:
            seen[ctx.index] = (ctx.crossed_above("a", "b"), ctx.crossed_below("a", "b"))

    run(Crossing())

    assert seen[11] == (above, below)


@pytest.mark.parametrize(
    ("value", "fits"),
    [
        # R35: {"a":"..."} takes 8 bytes beside the text; 64 kB are 65,536 bytes
        ("x" * (65_536 - 8), True),
        ("x" * (65_536 - 7), False),
        ([1, 2.5, None, {"b": [True]}], True),
        ({1, 2}.__iter__(), False),  # no JSON value
    ],
)
def test_r35_state_is_json_up_to_64_kb(value: object, fits: bool) -> None:
    strategy = Asking(lambda ctx: ctx.state.update(a=value))

    if fits:
        run(strategy)
    else:
        with pytest.raises(StrategyError, match=r"ctx\.state"):
            run(strategy)


def test_r35_state_is_there_at_the_next_decision() -> None:
    # R35: 1 + 2 + ... + 40 = 820, carried from decision to decision
    def add(ctx: Any) -> None:
        ctx.state["sum"] = ctx.state.get("sum", 0) + ctx.index + 1
        assert json.loads(json.dumps(dict(ctx.state))) == dict(ctx.state)
        sums.append(ctx.state["sum"])

    sums: list[int] = []
    run(Asking(add))

    assert sums[:4] == [1, 3, 6, 10]
    assert sums[-1] == 820


def test_r35_what_is_kept_on_self_is_a_finding() -> None:
    class Hiding(Strategy):
        count = 0

        def on_bar(self, ctx: Any) -> None:
            self.count += 1
            ctx.target(float(self.count % 4 < 2))

    market = a_market(random_bars(200))
    found = check_strategy(Hiding(), market, FREE, cuts=2)

    assert [finding.code for finding in found] == ["check.hidden_state"]


@pytest.mark.parametrize(
    "sizes",
    [
        {},
        {"quantity": 1.0, "weight": 0.5},
        {"weight": 0.5, "value": 100.0},
        {"quantity": 1.0, "weight": 0.5, "value": 100.0},
    ],
)
@pytest.mark.parametrize("verb", ["buy", "sell"])
def test_r36_two_sizes_or_none_are_a_type_error(verb: str, sizes: dict[str, float]) -> None:
    with pytest.raises(StrategyRaisedError, match="TypeError"):
        run(Asking(lambda ctx: getattr(ctx, verb)(**sizes)))


def test_r36_the_verbs_by_quantity_weight_and_value() -> None:
    # R36, R12: cash 10,000, decided at close c of rows 0, 2, 4 and 6, filled at the next open.
    # 3 by quantity; 0.1 of the equity at row 2; 500 of currency at row 4; a target of 2 sells
    # what is above 2, and close() the rest.
    closes = MARKET.bars.close
    equity: dict[int, float] = {}

    def ask(ctx: Any) -> None:
        equity[ctx.index] = ctx.equity
        if ctx.index == 0:
            ctx.buy(quantity=3)
        elif ctx.index == 2:
            ctx.buy(weight=0.1)
        elif ctx.index == 4:
            ctx.buy(value=500)
        elif ctx.index == 6:
            ctx.target(quantity=2)
        elif ctx.index == 8:
            ctx.close()

    fills = run(Asking(ask)).simulation.fills

    second, third = 0.1 * equity[2] / closes[2], 500 / closes[4]
    expected = [3.0, second, third, 2.0 - (3.0 + second + third), -2.0]
    assert fills.row.tolist() == [1, 3, 5, 7, 9]
    assert fills.quantity == pytest.approx(expected, abs=3e-8)


def test_r36_what_the_context_shows_is_of_its_decision() -> None:
    # R36: bought 2 at the open of row 1; from then on entry is that open, unrealised
    # 2 * (close - entry), and equity = cash + 2 * close
    bars = MARKET.bars
    entry = bars.open[1]

    def ask(ctx: Any) -> None:
        row = ctx.index
        assert ctx.bar.close == bars.close[row]
        assert ctx.now.timestamp() * 1000 == bars.ts[row] + 3_600_000
        assert ctx.now.utcoffset() == timedelta(0)
        if row == 0:
            assert ctx.position.quantity == 0.0
            order = ctx.buy(quantity=2)
            assert [one.number for one in ctx.orders] == [order.number] == [0]
        else:
            assert ctx.position.quantity == 2.0
            assert ctx.position.entry == entry
            assert ctx.position.unrealised == pytest.approx(2 * (bars.close[row] - entry))
            assert ctx.cash == pytest.approx(10_000 - 2 * entry)
            assert ctx.equity == pytest.approx(ctx.cash + 2 * bars.close[row])
            assert list(ctx.orders) == []

    run(Asking(ask))


def test_r36_orders_raised_in_on_fill_join_the_next_bar() -> None:
    # R36: 2 bought at the open of row 1; its on_fill, at the close of row 1, sells 1, which fills
    # at the open of row 2; that fill's on_fill sells the other, at the open of row 3
    class Answering(Strategy):
        def on_bar(self, ctx: Any) -> None:
            if ctx.index == 0:
                ctx.buy(quantity=2)

        def on_fill(self, ctx: Any, fill: Any) -> None:
            if ctx.position.quantity > 0:
                ctx.sell(quantity=1)

    result = run(Answering())

    assert result.simulation.fills.row.tolist() == [1, 2, 3]
    assert result.simulation.fills.quantity == pytest.approx([2.0, -1.0, -1.0])


def test_r36_cancel_and_amend_take_what_buy_gave() -> None:
    # R36: limits far below are not met; the first is cancelled at row 1, the second amended
    # there to twice the open, so that it fills at the open of row 2
    made: list[Any] = []

    def ask(ctx: Any) -> None:
        if ctx.index == 0:
            made.extend(ctx.buy(quantity=1, limit=1.0) for _ in range(2))
        elif ctx.index == 1:
            ctx.cancel(made[0])
            ctx.amend(made[1], limit=2 * ctx.bar.close)

    result = run(Asking(ask))

    assert list(result.simulation.order_state) == [OrderState.CANCELLED, OrderState.FILLED]
    assert result.simulation.fills.row.tolist() == [2]
    assert result.simulation.fills.price[0] == pytest.approx(MARKET.bars.open[2])
