"""The native context that an `on_bar` strategy is handed (R35, R36)."""

from __future__ import annotations

import numpy as np
import pytest

from algotrader import _kernel
from algotrader.execution.simulated import CallbackError, simulate_strategy
from algotrader.execution.simulation import (
    ExecutionRule,
    OrderState,
    Panel,
    SimulatedInstrument,
    SimulationResult,
    SimulationSettings,
)

HOUR = 3_600_000
CLOSES = np.array([100.0, 101.0, 103.0, 102.0, 99.0, 98.0])
UNIT = SimulatedInstrument(symbol="X", lot=1.0)
SETTINGS = SimulationSettings(cash=1000.0, execution=ExecutionRule.MARKET)


def a_panel() -> Panel:
    opens = np.concatenate([CLOSES[:1], CLOSES[:-1]])
    return Panel(
        ts=np.arange(CLOSES.size, dtype=np.int64) * HOUR,
        timeframe_ms=HOUR,
        open=opens,
        high=np.maximum(opens, CLOSES),
        low=np.minimum(opens, CLOSES),
        close=CLOSES,
        volume=np.full(CLOSES.size, 1e9),
    )


def run(on_bar, **more) -> SimulationResult:
    features = {"close": CLOSES, "level": np.full(CLOSES.size, 100.5)}
    return simulate_strategy(a_panel(), [UNIT], SETTINGS, features=features, on_bar=on_bar, **more)


def test_crosses_are_seen_at_their_bar_alone() -> None:
    seen = []

    def on_bar(ctx: _kernel.Context) -> None:
        seen.append((ctx.crossed_above("close", "level"), ctx.crossed_below("close", "level")))

    run(on_bar)

    assert [index for index, (above, _) in enumerate(seen) if above] == [1]
    assert [index for index, (_, below) in enumerate(seen) if below] == [4]


def test_an_order_of_a_bar_fills_at_the_next_open_and_close_goes_flat() -> None:
    def on_bar(ctx: _kernel.Context) -> None:
        if ctx.index == 1:
            ctx.buy(quantity=2)
        if ctx.index == 3:
            assert ctx.position.quantity == 2.0
            assert ctx.position.entry == 101.0
            assert ctx.position.unrealised == pytest.approx(2.0)
            ctx.close()

    result = run(on_bar)

    assert result.fills.row.tolist() == [2, 4]
    assert result.fills.quantity.tolist() == [2.0, -2.0]
    assert result.fills.price.tolist() == [101.0, 102.0]
    assert result.equity[-1] == pytest.approx(1002.0)


def test_features_bar_and_time_are_those_of_the_row() -> None:
    def on_bar(ctx: _kernel.Context) -> None:
        assert ctx["close"] == ctx.feature["close"] == ctx.bar.close == CLOSES[ctx.index]
        assert ctx.bar.ts == ctx.index * HOUR
        assert ctx.decided_at_ms == (ctx.index + 1) * HOUR
        assert list(ctx.feature) == ["close", "level"]

    run(on_bar)


@pytest.mark.parametrize("sizes", [{}, {"quantity": 1, "weight": 0.5}])
def test_two_sizes_or_none_are_a_type_error_with_its_row(sizes: dict[str, float]) -> None:
    def on_bar(ctx: _kernel.Context) -> None:
        if ctx.index == 3:
            ctx.buy(**sizes)

    with pytest.raises(CallbackError) as caught:
        run(on_bar)

    assert caught.value.row == 3
    assert caught.value.ts == 3 * HOUR
    assert isinstance(caught.value.__cause__, TypeError)


def test_a_context_may_be_derived_from_and_carries_what_it_adds() -> None:
    class Noted(_kernel.Context):
        def __init__(self, simulation: _kernel.Simulation, column: int) -> None:
            super().__init__(simulation, column)
            self.notes: list[float] = []

        def note(self) -> None:
            self.notes.append(self.bar.close)

    made = []

    def context(simulation: _kernel.Simulation, column: int) -> Noted:
        made.append(Noted(simulation, column))
        return made[-1]

    run(lambda ctx: ctx.note(), context=context)

    assert made[0].notes == CLOSES.tolist()


def test_resting_orders_can_be_amended_and_cancelled() -> None:
    references = []

    def on_bar(ctx: _kernel.Context) -> None:
        if ctx.index == 0:
            references.append(ctx.buy(quantity=1, limit=90))
            references.append(ctx.buy(quantity=1, limit=91))
            assert len(ctx.orders) == 2
        if ctx.index == 1:
            ctx.amend(references[0], limit=102.5)  # marketable: fills at the next open, 101
            ctx.cancel(references[1])

    result = run(on_bar)

    assert result.order_state.tolist() == [OrderState.FILLED, OrderState.CANCELLED]
    assert result.fills.price.tolist() == [101.0]
    assert [reference.number for reference in references] == [0, 1]


def test_hooks_hear_of_fills_and_of_orders_that_ended_before_the_decision() -> None:
    heard: list[tuple[str, int, float]] = []

    def on_bar(ctx: _kernel.Context) -> None:
        heard.append(("bar", ctx.index, 0.0))
        if ctx.index == 0:
            ctx.buy(quantity=1)

    run(
        on_bar,
        on_fill=lambda ctx, fill: heard.append(("fill", ctx.index, fill.price)),
        on_order=lambda ctx, order: heard.append(("order", ctx.index, order.state)),
    )

    assert heard[:4] == [("bar", 0, 0.0), ("fill", 1, 100.0), ("order", 1, 1), ("bar", 1, 0.0)]


def test_orders_before_the_first_allowed_row_are_dropped() -> None:
    def on_bar(ctx: _kernel.Context) -> None:
        if ctx.position.quantity == 0.0:
            ctx.buy(quantity=1)

    result = run(on_bar, orders_from=3)

    assert result.fills.row.tolist() == [4]
