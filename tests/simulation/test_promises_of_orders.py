"""Promises 5 and 6: nothing is doubled or orphaned, whenever a trader dies, whichever answer is lost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import pytest
from tests.simulation.faults import Faults
from tests.simulation.history import History, HistoryPlan, Script, live_once
from tests.simulation.properties import broken_when_settled
from tests.simulation.seeds import broken

from algotrader.core.events import OrderSubmitted, OrderUnknown


def lived(faults: Faults, seeds: int, slices: int = 12) -> Iterator[History]:
    """Histories in which every property holds, each settled at its end."""
    for seed in range(seeds):
        found, history = broken(HistoryPlan(seed=seed, faults=faults, slices=slices))
        assert found == [], f"seed {seed}: {found}"
        yield history


def test_promise_5_a_kill_at_each_point_of_an_orders_life_doubles_and_loses_nothing() -> None:
    """At each write of the journal and each call of the venue, one after the other."""
    points = 0
    while (history := live_once(Script(crash_at=points + 1))).starts > 1:
        points += 1
        assert [*broken_when_settled(history)] == []
        assert max(history.venue.received.values()) == 1

    assert points >= 12


@pytest.mark.parametrize("seeds", [5, pytest.param(200, marks=pytest.mark.slow)])
def test_promise_5_twelve_kills_in_each_of_many_histories_double_and_lose_nothing(
    seeds: int,
) -> None:
    kills = sum(history.starts - 1 for history in lived(Faults(crash=0.04), seeds, slices=24))

    assert kills >= 12 * seeds


@pytest.mark.parametrize("orders", [300, pytest.param(10_000, marks=pytest.mark.slow)])
def test_promise_6_a_tenth_of_the_answers_is_lost_and_no_order_is_orphaned_or_doubled(
    orders: int,
) -> None:
    seen: Counter[str] = Counter()
    for history in lived(Faults(lose_answer=0.1), seeds=orders, slices=60):
        rows = history.rows()
        seen["sent"] += sum(isinstance(event, OrderSubmitted) for event in rows)
        seen["unknown"] += sum(isinstance(event, OrderUnknown) for event in rows)
        if seen["sent"] >= orders:
            break

    assert seen["sent"] >= orders
    assert 0.05 < seen["unknown"] / seen["sent"] < 0.2
