"""Histories with one death at a named point, and pairs of them with and without it (P8)."""

from __future__ import annotations

from decimal import Decimal

import pytest
from tests.simulation.faults import Faults
from tests.simulation.history import CASH, SYMBOLS, History
from tests.simulation.killed_once import POINTS, lived
from tests.simulation.properties import broken_when_settled

ROUGH = Faults(lose_push=0.2, repeat_push=0.2, delay_push_s=2.0, delay_s=1.0, partial=0.2)
QUICK_S = 0.2  # trades come within their bar
FEES = Decimal("0.002")  # a fraction: more than what is paid for a turn of the portfolio


def positions(history: History) -> list[Decimal]:
    return [*history.venue.positions(SYMBOLS).values()]


@pytest.mark.parametrize(
    "seeds", [1, pytest.param(200, marks=pytest.mark.slow)], ids=["everyday", "all"]
)
def test_promise_5_a_death_at_each_named_point_doubles_no_order_and_loses_no_fill(
    seeds: int,
) -> None:
    """Before and after each request, at each point of the disk, after each act of the venue."""
    deadly: set[str] = set()
    for point in POINTS:
        for seed in range(seeds):
            history, has_died = lived(seed, point, ROUGH)
            assert [*broken_when_settled(history)] == [], f"seed {seed}, {point}"
            assert max(history.venue.received.values(), default=1) == 1
            deadly |= {point} if has_died else set()

    assert len(deadly) >= 12


@pytest.mark.parametrize(
    "seeds", [1, pytest.param(50, marks=pytest.mark.slow)], ids=["everyday", "all"]
)
def test_p08_a_death_anywhere_in_a_random_history_ends_as_without_it(seeds: int) -> None:
    """The same bars, decisions and prices. What was sent later was sized after others paid fees."""
    deaths = 0
    for seed in range(seeds):
        calm, _ = lived(seed, None, Faults(), pace_s=QUICK_S)
        for point in POINTS:
            history, has_died = lived(seed, point, Faults(), pace_s=QUICK_S)
            deaths += has_died
            assert positions(history) == pytest.approx(positions(calm), rel=FEES), (
                f"{seed}, {point}"
            )
            assert history.venue.cash == pytest.approx(calm.venue.cash, abs=CASH * FEES)
    assert deaths > seeds * 6
