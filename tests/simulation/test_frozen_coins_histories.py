"""Whole histories on a venue whose stops freeze coins, with every fault of the swarm (F84, F85)."""

from __future__ import annotations

import pytest
from tests.simulation.faults import Faults
from tests.simulation.frozen_coins import broken
from tests.simulation.history import HistoryPlan

from algotrader.core.events import IntentRaised, OrderRejected, ProtectionMissing
from algotrader.core.orders import PROTECTIVE


@pytest.mark.parametrize(
    "count", [12, pytest.param(2_000, marks=pytest.mark.slow)], ids=["everyday", "all"]
)
def test_promise_13_f84_f85_what_is_held_ends_with_its_stop_whatever_goes_wrong(
    count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    for seed in range(count):
        found, _ = broken(HistoryPlan.of(seed), monkeypatch)
        assert found == [], f"seed {seed}"


def test_without_faults_no_sale_is_refused_for_frozen_coins(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found, history = broken(HistoryPlan(seed=2, faults=Faults()), monkeypatch)
    rows = history.rows()

    assert found == []
    assert [one for one in rows if isinstance(one, OrderRejected)] == []
    assert any(isinstance(one, IntentRaised) for one in rows)
    assert any(isinstance(one, ProtectionMissing) for one in rows)
    sold = [one for one in history.venue.orders.values() if one.order.intent.purpose in PROTECTIVE]
    assert any(one.fills for one in sold)
