"""When a target is acted on: one line per decision (R3, R4, R10)."""

from __future__ import annotations

import math
from decimal import Decimal

import pytest

from algotrader.core.rebalancing import RebalanceKind
from algotrader.portfolio.rebalancing import Look, RebalanceState

NAN = math.nan
HELD = RebalanceState(standing=0.5, acted=0.5, latched=Decimal(3))


@pytest.mark.parametrize(
    ("rule", "number", "look"),
    [
        (RebalanceKind.ON_CHANGE, 0.5, Look.KEEP),
        (RebalanceKind.ON_CHANGE, 0.6, Look.ACT),
        (RebalanceKind.ON_CHANGE, NAN, Look.KEEP),
        (RebalanceKind.ON_CHANGE, math.inf, Look.REFUSED),
        (RebalanceKind.ON_CHANGE, -10.5, Look.REFUSED),
        (RebalanceKind.EVERY_BAR, 0.5, Look.ACT),
        (RebalanceKind.BAND, 0.5, Look.ACT),
        (RebalanceKind.SCHEDULE, 0.5, Look.ACT),
    ],
)
def test_a_number_is_acted_on_by_its_rule(rule: RebalanceKind, number: float, look: Look) -> None:
    assert HELD.look(number, rule=rule)[1] is look


def test_a_refused_number_leaves_the_last_valid_one_standing() -> None:
    state, _ = HELD.look(99.0, rule=RebalanceKind.EVERY_BAR)

    assert state.standing == 0.5


def test_between_two_dates_of_a_schedule_nothing_is_looked_at() -> None:
    state, look = HELD.look(0.9, rule=RebalanceKind.SCHEDULE, is_scheduled=False)

    assert (state, look) == (HELD, Look.KEEP)


def test_a_scheduled_number_without_a_bar_waits_for_the_next_one() -> None:
    state, look = HELD.look(0.9, rule=RebalanceKind.SCHEDULE, has_bar=False)
    assert look is Look.WAIT

    state, look = state.look(NAN, rule=RebalanceKind.SCHEDULE, is_scheduled=False)

    assert (look, state.standing, state.pending) == (Look.ACT, 0.9, False)


def test_a_schedule_that_met_no_bar_and_no_opinion_asks_again_at_the_next_bar() -> None:
    state, look = HELD.look(NAN, rule=RebalanceKind.SCHEDULE, has_bar=False)
    assert look is Look.WAIT

    assert state.look(0.2, rule=RebalanceKind.SCHEDULE, is_scheduled=False)[1] is Look.ACT
    quiet, look = state.look(NAN, rule=RebalanceKind.SCHEDULE, is_scheduled=False)
    assert (quiet.pending, look) == (False, Look.KEEP)


def test_a_target_acted_on_is_not_acted_on_again_until_it_is_retried() -> None:
    state, _ = RebalanceState().look(0.3, rule=RebalanceKind.ON_CHANGE)
    acted = state.acted_on(Decimal(7))

    assert acted.latched == 7
    assert acted.look(0.3, rule=RebalanceKind.ON_CHANGE)[1] is Look.KEEP
    assert acted.retried().look(0.3, rule=RebalanceKind.ON_CHANGE)[1] is Look.ACT
