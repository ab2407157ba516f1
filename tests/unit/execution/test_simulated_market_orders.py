"""Targets and market orders on spot, with numbers worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from algotrader.execution.simulated import simulate
from algotrader.execution.simulation import (
    ExecutionRule,
    Panel,
    SimulatedInstrument,
    SimulationSettings,
)

HOUR = 3_600_000


def a_panel(opens: list[float], closes: list[float]) -> Panel:
    o, c = np.array(opens), np.array(closes)
    return Panel(
        ts=np.arange(len(opens), dtype=np.int64) * HOUR,
        timeframe_ms=HOUR,
        open=o,
        high=np.maximum(o, c),
        low=np.minimum(o, c),
        close=c,
        volume=np.full(len(opens), 1e9),
    )


def test_promise_4_a_target_decided_at_a_close_fills_at_the_next_open_with_its_fee() -> None:
    # Decided at close 100 with equity 1000 and weight 0.5: 5 whole units (R9). They cost
    # 5 * 101 = 505 at the next open, fee 0.1 % = 0.505 (R14): cash 494.495, equity at 102:
    # 494.495 + 510 = 1004.495 (R8).
    unit = SimulatedInstrument(symbol="X", lot=1.0, taker_fee=0.001)
    settings = SimulationSettings(cash=1000.0, execution=ExecutionRule.MARKET)

    result = simulate(
        a_panel([99.0, 101.0], [100.0, 102.0]), [unit], settings, targets=np.array([0.5, 0.5])
    )

    assert result.fills.row.tolist() == [1]
    assert result.fills.quantity.tolist() == [5.0]
    assert result.fills.price.tolist() == [101.0]
    assert result.fills.fee[0] == pytest.approx(0.505, abs=1e-12)
    assert result.cash.tolist() == pytest.approx([1000.0, 494.495])
    assert result.equity.tolist() == pytest.approx([1000.0, 1004.495])


def test_an_increase_that_cash_does_not_pay_for_is_cut_to_what_it_pays() -> None:
    # R11: 10 units wanted at close 100, the open is 125: 1000 / (125 * 1.001) = 7.99 -> 7 units.
    unit = SimulatedInstrument(symbol="X", lot=1.0, taker_fee=0.001)
    settings = SimulationSettings(cash=1000.0, execution=ExecutionRule.MARKET)

    result = simulate(
        a_panel([99.0, 125.0, 125.0], [100.0, 125.0, 125.0]),
        [unit],
        settings,
        targets=np.array([1.0, 1.0, 1.0]),
    )

    assert result.fills.quantity.tolist() == [7.0]
    assert result.counters["cash_cut"] == 1


def test_an_unsorted_panel_is_refused_with_its_row() -> None:
    panel = a_panel([1.0, 1.0], [1.0, 1.0])
    panel.ts[1] = 0

    with pytest.raises(ValueError, match="row 1"):
        simulate(panel, [SimulatedInstrument(symbol="X")], SimulationSettings())
