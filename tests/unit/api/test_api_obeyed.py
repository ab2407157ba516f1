"""A halt that was asked for is told apart from one that is done."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from tests.builders.engines import HOUR, MAIN, T0, Desk, at, sent
from tests.unit.api.test_api_desk import held_without_a_price

from algotrader.api.obeyed import Obeyed, obeyed
from algotrader.core.events import HaltRequested, OrderCancelled

MS = T0 + HOUR + 1_000


def halted(desk: Desk, *, flatten: bool) -> list[Any]:
    return desk.tell(
        HaltRequested(**at(MS), account=MAIN, by="owner", channel="console", reason="",
                      flatten=flatten)
    )  # fmt: skip


def test_a_halt_is_done_once_the_venue_has_ended_what_would_add() -> None:
    desk = Desk()
    desk.bar(1)
    [entry] = desk.answer(1, 0.5)
    desk.accept(entry, T0 + HOUR + 10)
    assert obeyed(desk.engine.state, MAIN) == Obeyed(0, 0)

    halted(desk, flatten=False)
    assert obeyed(desk.engine.state, MAIN) == Obeyed(1, 0)  # asked for, and not confirmed

    desk.tell(OrderCancelled(**desk.news(entry, MS + 100), reason="", filled_quantity=Decimal(0)))
    assert obeyed(desk.engine.state, MAIN) == Obeyed(0, 0)


def test_a_flatten_is_done_once_nothing_that_can_be_traded_is_held() -> None:
    desk = Desk()
    desk.bar(1)
    [entry] = desk.answer(1, 0.5)
    desk.fill(entry, 10, T0 + HOUR + 20)
    desk.tell(
        OrderCancelled(**desk.news(entry, T0 + HOUR + 30), reason="", filled_quantity=Decimal(10))
    )
    [close] = sent(halted(desk, flatten=True))
    assert obeyed(desk.engine.state, MAIN) == Obeyed(0, 1)

    desk.fill(close, 10, MS + 100)
    assert obeyed(desk.engine.state, MAIN) == Obeyed(0, 0)


def test_without_a_price_nobody_says_that_it_is_done() -> None:
    assert obeyed(held_without_a_price(), MAIN) is None
