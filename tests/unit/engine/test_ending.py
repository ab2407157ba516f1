"""Orders that end at a time, where the venue ends none by itself (R21)."""

from __future__ import annotations

from typing import Any, Final

import pytest
from tests.builders.engines import BTC, HOUR, T0, Desk, at, of_kind

from algotrader.core.events import AskedOrder, OrderCancelRefused, OrderUnknown, TimerFired
from algotrader.core.orders import Order, OrderStatus, Side, TimeInForce
from algotrader.core.timeframes import DAY_MS
from algotrader.engine.commands import Cancel, Command, SetTimer
from algotrader.engine.engine import Engine

MIDNIGHT: Final = (T0 // DAY_MS + 1) * DAY_MS
TO_MIDNIGHT: Final = (MIDNIGHT - T0) // HOUR


def a_desk(*, ends_orders: bool = True) -> Desk:
    return Desk(by_bar=True, engine={"ends_orders": ends_orders})


def resting(desk: Desk, hour: int = 1, **more: Any) -> Order:
    """A limit order that was asked for at the close of a bar, and accepted."""
    desk.bar(hour)
    asked = AskedOrder(
        number=0, instrument=BTC.symbol, side=Side.BUY, quantity=10.0, limit=95.0, **more
    )
    [order] = desk.answer(hour, asked=[asked])
    desk.accept(order, T0 + hour * HOUR + 10)
    return order


def timers(commands: list[Command]) -> list[SetTimer]:
    return [one for one in of_kind(commands, SetTimer) if one.name.startswith("end:")]


def fired(desk: Desk, timer: SetTimer) -> list[Command]:
    return desk.tell(TimerFired(**at(timer.at_ms), name=timer.name))


def test_r21_a_day_order_is_cancelled_when_the_utc_day_ends() -> None:
    desk = a_desk()
    order = resting(desk, tif=TimeInForce.DAY)
    [timer] = timers(desk.commands)

    assert timer.at_ms == MIDNIGHT
    assert [one.order_id for one in of_kind(fired(desk, timer), Cancel)] == [order.order_id]


def test_r21_a_day_order_of_the_last_decision_of_a_day_belongs_to_the_next() -> None:
    """Its bar opens at midnight."""
    desk = a_desk()
    resting(desk, TO_MIDNIGHT, tif=TimeInForce.DAY)

    assert [one.at_ms for one in timers(desk.commands)] == [MIDNIGHT + DAY_MS]


def test_r21_a_gtd_order_is_cancelled_at_its_time() -> None:
    desk = a_desk()
    ends_ms = T0 + 3 * HOUR + 1
    order = resting(desk, tif=TimeInForce.GTD, expires_at=ends_ms)
    [timer] = timers(desk.commands)

    assert timer.at_ms == ends_ms
    assert [one.order_id for one in of_kind(fired(desk, timer), Cancel)] == [order.order_id]


def test_an_order_without_a_time_and_a_venue_that_ends_orders_need_no_timer() -> None:
    plain, ended = a_desk(), a_desk(ends_orders=False)
    resting(plain)
    resting(ended, tif=TimeInForce.DAY)

    assert timers([*plain.commands, *ended.commands]) == []


def test_an_order_that_is_over_is_not_ended() -> None:
    desk = a_desk()
    order = resting(desk, tif=TimeInForce.DAY)
    desk.fill(order, 10, T0 + 2 * HOUR)
    [timer] = timers(desk.commands)

    assert fired(desk, timer) == []


def test_of_an_order_in_doubt_it_is_found_out_first_whether_it_arrived() -> None:
    desk = a_desk()
    order = resting(desk, tif=TimeInForce.DAY)
    [timer] = timers(desk.commands)
    desk.tell(
        OrderUnknown(**desk.news(order, MIDNIGHT - 1), deadline_ms=MIDNIGHT, reason="no answer")
    )
    done = fired(desk, timer)

    assert of_kind(done, Cancel) == []
    assert [one.at_ms for one in timers(done)] == [MIDNIGHT + 30_000]


def test_an_order_that_lives_on_is_cancelled_again() -> None:
    desk = a_desk()
    order = resting(desk, tif=TimeInForce.DAY)
    [timer] = timers(desk.commands)
    [again] = timers(fired(desk, timer))
    waits = of_kind(fired(desk, again), Cancel)  # no answer yet
    desk.tell(
        OrderCancelRefused(**desk.news(order, again.at_ms + 5), code="50011", reason="too often")
    )
    [later] = timers(desk.commands)[-1:]

    assert waits == []
    assert [one.order_id for one in of_kind(fired(desk, later), Cancel)] == [order.order_id]


@pytest.mark.parametrize("down_ms", [60_000, 40 * HOUR], ids=["before", "after"])
def test_a_start_sets_the_timer_again_and_it_fires_at_once_if_its_time_is_past(
    down_ms: int,
) -> None:
    desk = a_desk()
    order = resting(desk, tif=TimeInForce.DAY)
    started_ms = T0 + HOUR + down_ms
    desk.engine = Engine(desk.settings)
    for event in desk.events:
        desk.engine.apply(event)
    [timer] = timers(desk.engine.resume(started_ms).commands)

    assert timer.at_ms == max(MIDNIGHT, started_ms)
    assert [one.order_id for one in of_kind(fired(desk, timer), Cancel)] == [order.order_id]
    assert desk.engine.state.orders[order.order_id].status is OrderStatus.PENDING_CANCEL
