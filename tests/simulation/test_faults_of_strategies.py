"""What strategies do wrong, one thing at a time: the shipped trader on a virtual loop."""

from __future__ import annotations

import math
from decimal import Decimal
from itertools import pairwise

import pytest
from tests.simulation.history import BUYS, RAISES, SYMBOLS, History, Script, Weights, live_once
from tests.simulation.properties import broken_when_settled

from algotrader.core.events import OrderDenied, OrderSubmitted
from algotrader.core.ports import Severity
from algotrader.risk.settings import RiskSettings
from algotrader.strategy.newest import weight


def lived(script: Script) -> History:
    history = live_once(script)
    assert [*broken_when_settled(history)] == []
    return history


def sent(history: History) -> list[OrderSubmitted]:
    return [event for event in history.rows() if isinstance(event, OrderSubmitted)]


def held(history: History) -> list[Decimal]:
    return [*history.venue.positions(SYMBOLS).values()]


def denials(history: History) -> set[str]:
    return {
        reason.rule
        for event in history.rows() if isinstance(event, OrderDenied)
        for reason in event.reasons
    }  # fmt: skip


def limits(**groups: dict[str, object]) -> RiskSettings:
    return RiskSettings.model_validate(groups)


def test_f57_a_strategy_that_raises_is_stopped_alone_and_its_position_held() -> None:
    """The other one goes on, and a person is told once a bar by which strategy and why."""
    weights: tuple[Weights, ...] = ((0.5, 0.5), (RAISES, 0.1), (RAISES, 0.5))
    history = lived(Script(weights=weights, apart=True))
    calm = lived(Script(weights=weights[:1], apart=True))

    assert held(history)[0] == held(calm)[0] > 0
    owners = [one.order.strategy for one in sent(history)]
    assert owners == ["other", "random", "other", "other"]
    told = [one for one in history.notices if one.cause == "strategy:random"]
    assert {one.severity for one in told} == {Severity.CRITICAL}
    assert "seven" in told[0].text


@pytest.mark.parametrize("returned", [math.nan, math.inf, -math.inf, 1e9, -1e9, 10.5])
def test_f59_a_weight_that_is_none_is_refused_and_the_last_valid_one_stands(
    returned: float,
) -> None:
    absurd = weight(returned)  # as the worker tells it
    history = lived(Script(weights=(BUYS, (absurd, None))))
    after = lived(Script(weights=(BUYS, (absurd, None), (0.0, None))))

    assert len(sent(history)) == 1
    assert held(history)[0] > 0
    assert held(after) == [0, 0]  # a valid one is followed again
    if absurd is not None:  # NaN is how a strategy says that it has no opinion
        assert any("refused" in one.text for one in history.notices)


@pytest.mark.parametrize(
    ("rules", "code"),
    [
        ({"order": {"max_notional": "2000"}}, "order.max_notional"),
        ({"order": {"max_quantity": "0.1"}}, "order.max_quantity"),
        ({"instrument": {"max_weight": "5%"}}, "instrument.max_weight"),
    ],
)
def test_f60_an_order_a_hundred_times_too_large_never_leaves(
    rules: dict[str, dict[str, object]], code: str
) -> None:
    """Where the limit cuts, what is left obeys it; where it refuses, nothing goes out."""
    history = lived(Script(risk=limits(**rules)))

    price = history.venue.prices[SYMBOLS[0]]
    for one in sent(history):
        assert one.order.quantity * price <= Decimal("5100")
    assert not sent(history) or sent(history)[0].order.quantity < Decimal("0.2")
    assert denials(history) <= {code.partition(".")[2], code}


def test_f60_orders_a_minute_are_bounded() -> None:
    weights: tuple[Weights, ...] = tuple((0.45, 0.45) if n % 2 else (0.1, 0.1) for n in range(6))
    rules = limits(order={"max_per_minute": 1})
    history = lived(Script(weights=weights, risk=rules))

    times = sorted(one.ts_known for one in sent(history) if one.order.side.sign > 0)
    assert all(later - earlier >= 60_000 for earlier, later in pairwise(times))


@pytest.mark.parametrize(
    "rules", [{"account": {"max_turnover": 2}}, {"account": {"max_orders_per_day": 4}}]
)
def test_f61_a_strategy_that_flips_each_bar_is_stopped_by_its_limits(
    rules: dict[str, dict[str, object]],
) -> None:
    flips: tuple[Weights, ...] = tuple((0.9 * (n % 2), None) for n in range(1, 20))
    wild, calm = lived(Script(weights=flips)), lived(Script(weights=flips, risk=limits(**rules)))

    assert len(sent(wild)) == 19
    assert len(sent(calm)) <= 6
    assert denials(calm)
