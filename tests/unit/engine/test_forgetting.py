"""What is over long ago leaves the memory, and nothing is booked or sent twice for that."""

from __future__ import annotations

from decimal import Decimal

import pytest
from tests.builders.engines import HOUR, MAIN, T0, TREND, Desk, sent

from algotrader.core.events import AskedOrder, ImpossibleReply, OrderFilled, OrderSeen
from algotrader.core.ids import VenueOrderId
from algotrader.core.orders import Order, OrderStatus, Protection, Side
from algotrader.engine import forgetting
from algotrader.engine.engine import Engine
from algotrader.engine.image import differences, image_of, state_of


@pytest.fixture(autouse=True)
def _few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forgetting, "KEPT_ORDERS", 3)


def traded(desk: Desk, hours: int) -> list[Order]:
    """Another target each hour, and each order filled."""
    orders = []
    for hour in range(1, hours + 1):
        desk.bar(hour)
        (order,) = desk.answer(hour, 0.1 + 0.1 * (hour % 2))
        desk.accept(order, T0 + hour * HOUR + 1)
        desk.fill(order, int(order.quantity), T0 + hour * HOUR + 2)
        orders.append(order)
    return orders


def test_only_the_newest_are_kept_once_there_are_twice_as_many() -> None:
    known = dict.fromkeys(range(6))

    assert forgetting.newest(known, 3) is known
    assert list(forgetting.newest({**known, 6: None}, 3)) == [4, 5, 6]


def test_orders_that_ended_are_bounded_and_a_replay_forgets_the_same() -> None:
    desk = Desk()
    orders = traded(desk, 20)
    state = desk.engine.state
    again = Engine(desk.settings)
    for event in desk.events:
        again.apply(event)

    assert 3 <= len(state.orders) <= 6
    assert max(len(state.attempts), len(state.legs)) <= 6
    assert orders[-1].order_id in state.orders
    assert orders[0].order_id not in state.orders
    assert differences(state, again.state) == []
    assert differences(state, state_of(image_of(state))) == []


def test_news_of_a_forgotten_order_books_nothing_again() -> None:
    desk = Desk()
    first = traded(desk, 20)[0]
    held = desk.engine.state.books[MAIN].parts[TREND].position(desk.symbol)
    told = next(
        one for one in desk.events
        if isinstance(one, OrderFilled) and one.fill.order_id == first.order_id
    )  # fmt: skip
    desk.accept(first, T0 + 21 * HOUR)
    desk.tell(told)

    assert desk.engine.state.books[MAIN].parts[TREND].position(desk.symbol) == held


@pytest.mark.parametrize(("asked_ms", "told"), [(None, 0), (T0 + 21 * HOUR, 1)])
def test_an_order_that_was_forgotten_and_lives_is_told_unless_the_word_is_an_old_one(
    asked_ms: int | None, told: int
) -> None:
    desk = Desk()
    first = traded(desk, 20)[0]
    desk.tell(
        OrderSeen(
            **desk.news(first, T0 + 21 * HOUR), venue_order_id=VenueOrderId("v"),
            status=OrderStatus.ACCEPTED, filled_quantity=Decimal(0), asked_ms=asked_ms,
        )
    )  # fmt: skip

    assert len([one for one in desk.events if isinstance(one, ImpossibleReply)]) == told


def test_what_a_stop_guards_is_remembered_however_many_orders_came_after() -> None:
    desk = Desk(protection=Protection(stop_loss=0.5))
    desk.bar(1)
    (opener,) = desk.answer(1, 0.1)
    desk.accept(opener, T0 + HOUR + 1)
    desk.fill(opener, int(opener.quantity), T0 + HOUR + 2)
    parent = desk.engine.state.protected.parents[TREND, desk.symbol]
    for hour in range(2, 22):
        desk.bar(hour)
        for order in desk.answer(hour, 0.1 + 0.05 * (hour % 2)):
            desk.accept(order, T0 + hour * HOUR + 1)
            desk.fill(order, int(order.quantity), T0 + hour * HOUR + 2)

    assert parent == opener.order_id
    assert desk.engine.state.protected.parents[TREND, desk.symbol] in desk.engine.state.orders
    assert desk.engine.state.books[MAIN].parts[TREND].position(desk.symbol).quantity > Decimal(0)


def test_an_order_that_is_open_is_never_forgotten() -> None:
    desk = Desk()
    desk.bar(1)
    (order,) = desk.answer(1, 0.1)

    with pytest.raises(KeyError):
        desk.engine.state.orders.forget(order.order_id)


def test_risk_knows_a_stop_that_rested_while_a_thousand_orders_came_and_went() -> None:
    """Its fill is what a stop guard and a cool-down wait for."""
    desk = Desk(by_bar=True)
    desk.bar(1)
    entry = AskedOrder(
        number=0, instrument=desk.symbol, side=Side.BUY, quantity=10.0, stop_loss=0.1
    )
    [bought] = desk.answer(1, asked=[entry])
    [stop] = sent(desk.fill(bought, 10, T0 + HOUR + 20))
    desk.accept(stop, T0 + HOUR + 30)
    for hour in range(2, 13):
        desk.bar(hour)
        asked = [
            AskedOrder(number=100 * hour + one, instrument=desk.symbol, side=Side.BUY,
                       quantity=1.0, limit=50.0)
            for one in range(100)
        ]  # fmt: skip
        for order in desk.answer(hour, asked=asked):
            desk.accept(order, T0 + hour * HOUR + 10)
            desk.seen(order, OrderStatus.CANCELLED, 0, T0 + hour * HOUR + 20)
    assert len(desk.engine.state.risk.state.activity.orders) <= 1_001
    desk.fill(stop, 10, T0 + 13 * HOUR, price=90)

    [trip] = desk.engine.state.risk.state.trips.newest(MAIN)
    assert (trip.by_stop, trip.strategy) == (True, TREND)
