"""Whole histories of a bar-by-bar strategy, with every fault of the swarm (R24, R35, R36)."""

from __future__ import annotations

import pytest
from tests.simulation.bar_by_bar import broken, memory_of, plan_of
from tests.simulation.faults import Faults
from tests.simulation.history import HistoryPlan

from algotrader.core.events import (
    AskedAmend,
    AskedCancel,
    AskedOrder,
    OrderFilled,
    StrategyAnswered,
)


@pytest.mark.parametrize(
    "count", [24, pytest.param(2_000, marks=pytest.mark.slow)], ids=["everyday", "all"]
)
def test_promise_7_a_strategy_is_told_each_fill_and_end_once_and_remembers_whatever_goes_wrong(
    count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    for seed in range(count):
        found, _ = broken(plan_of(seed), monkeypatch)
        assert found == [], f"seed {seed}"


def test_it_orders_changes_and_withdraws(monkeypatch: pytest.MonkeyPatch) -> None:
    found, history = broken(HistoryPlan(seed=3, faults=Faults(partial=0.7), slices=40), monkeypatch)
    rows = history.rows()
    asked = [one for row in rows if isinstance(row, StrategyAnswered) for one in row.asked]

    assert found == []
    assert {AskedOrder, AskedAmend, AskedCancel} <= {type(one) for one in asked}
    assert sum(isinstance(row, OrderFilled) for row in rows) > 10
    assert set(memory_of(history).held) == {"OKX:BTC/USDT", "OKX:ETH/USDT"}
