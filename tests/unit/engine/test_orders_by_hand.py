"""What a person places, changes and withdraws goes the way of all orders, once for each request."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from tests.builders.books import SPOT
from tests.builders.engines import BTC, HOUR, T0, TREND, Desk, at, bar_events, of_kind, sent

from algotrader.core.events import (
    HaltRequested,
    HandAmendRequested,
    HandAnswered,
    HandCancelRequested,
    HandOrderRequested,
    OrderAmended,
    OrderCancelled,
    OrderDenied,
    OrderSubmitted,
    RearmRequested,
    decode_event,
    encode_event,
)
from algotrader.core.ids import AccountId, OrderId
from algotrader.core.orders import (
    Order,
    OrderKind,
    OrderStatus,
    Protection,
    Purpose,
    Side,
    TimeInForce,
)
from algotrader.core.symbols import Symbol
from algotrader.engine.commands import Amend, Cancel, Submit
from algotrader.engine.engine import Engine
from algotrader.engine.image import differences, image_of, state_of
from algotrader.portfolio.intents import Execution
from algotrader.risk.settings import OrderLimits, RiskSettings

MAIN = AccountId("main")
NOW = T0 + HOUR + 1_000
_BY: Any = {"by": "me", "channel": "cli", "reason": "the news", "account": MAIN}


@pytest.fixture
def desk() -> Desk:
    desk = Desk(execution=Execution.MARKET)
    desk.bar(1)
    desk.answer(1)
    return desk


def wish(request: str = "r", ms: int = NOW, **terms: Any) -> HandOrderRequested:
    asked = {"instrument": BTC.symbol, "side": Side.BUY, "quantity": Decimal(100), **terms}
    if "value" in terms:
        del asked["quantity"]
    return HandOrderRequested(**at(ms), **_BY, request=request, **asked)


def answer_of(desk: Desk, event: Any) -> HandAnswered:
    told = desk.engine.handle(event)
    desk.events += told.events
    desk.commands += told.commands
    [answer] = [one for one in told.events if isinstance(one, HandAnswered)]
    assert answer.request == event.request
    return answer


def place(desk: Desk, request: str = "r", ms: int = NOW, **terms: Any) -> Order:
    """The order that a wish becomes."""
    answer = answer_of(desk, wish(request, ms, **terms))
    assert answer.reasons == ()
    order = next(e.order for e in reversed(desk.events) if isinstance(e, OrderSubmitted))
    assert order.order_id == answer.order
    return order


def rules(answer: HandAnswered) -> list[str]:
    return [reason.rule for reason in answer.reasons]


def amend(order: Order, request: str = "a", ms: int = NOW, **terms: Any) -> HandAmendRequested:
    return HandAmendRequested(**at(ms), **_BY, request=request, order=order.order_id, **terms)


def cancel(order_id: OrderId, request: str = "c", ms: int = NOW) -> HandCancelRequested:
    return HandCancelRequested(**at(ms), **_BY, request=request, order=order_id)


def held(desk: Desk) -> Decimal:
    return desk.engine.state.books[MAIN].parts[TREND].position(BTC.symbol).quantity


def test_an_order_by_hand_is_the_strategys_and_its_fill_is_its_position(desk: Desk) -> None:
    order = place(desk, limit=Decimal("99.97"), post_only=True)
    assert (order.strategy, order.intent.purpose) == (TREND, Purpose.OPERATOR)
    assert (order.terms.kind, order.terms.limit) == (OrderKind.LIMIT, Decimal("99.9"))  # R9

    desk.accept(order, NOW + 10)
    desk.fill(order, 100, NOW + 20, price=99)

    assert held(desk) == 100


def test_one_request_places_one_order_however_often_it_is_asked(desk: Desk) -> None:
    first = place(desk)
    again = desk.engine.handle(wish(ms=NOW + 5_000))

    assert [type(one) for one in again.events] == [HandOrderRequested, HandAnswered]
    assert again.events[1].order == first.order_id  # type: ignore[union-attr]
    assert again.commands == []
    assert len(of_kind(desk.commands, Submit)) == 1


def test_two_requests_of_one_moment_are_two_orders(desk: Desk) -> None:
    one, other = place(desk, "r-1"), place(desk, "r-2")

    assert one.order_id != other.order_id


def test_a_restart_between_request_and_answer_sends_nothing_twice(desk: Desk) -> None:
    """What is durable is request, order and answer together; a new process knows all three."""
    order = place(desk)
    again = Engine(desk.settings)
    for event in desk.events:
        again.apply(decode_event(encode_event(event)))

    assert differences(again.state, desk.engine.state) == []
    assert differences(state_of(image_of(again.state)), again.state) == []
    told = again.handle(wish(ms=NOW + 60_000))
    assert (told.commands, told.events[-1].order) == ([], order.order_id)  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("size", "limit", "lots"),
    [
        ({"quantity": Decimal("12.9")}, None, 12),  # whole lots, toward zero (R9)
        ({"value": Decimal(250)}, None, 250),  # 1 USDT a contract at 100
        ({"value": Decimal(250)}, Decimal(50), 500),  # at its own price
    ],
)
def test_a_size_is_whole_lots(
    desk: Desk, size: dict[str, Decimal], limit: Decimal | None, lots: int
) -> None:
    assert place(desk, limit=limit, **size).quantity == lots


@pytest.mark.parametrize(
    ("terms", "rule"),
    [
        ({"instrument": Symbol.parse("OKX:ETH/USDT")}, "instrument"),
        ({"quantity": Decimal("0.4")}, "below_minimum"),
        ({"quantity": Decimal("1e20")}, "max_lots"),
        ({"quantity": Decimal("NaN")}, "terms"),
        ({"quantity": Decimal(-1)}, "terms"),
        ({"value": Decimal(0)}, "terms"),
        ({"limit": Decimal(-1)}, "terms"),
        ({"limit": Decimal("1e999")}, "terms"),
        ({"trail": Decimal(1)}, "terms"),
        ({"trail": Decimal("NaN")}, "terms"),
        ({"tif": TimeInForce.GTD, "expires_ms": 10**30}, "terms"),
        ({"post_only": True}, "terms"),  # a market order does not rest
        ({"tif": TimeInForce.GTD}, "terms"),
        ({"reduce_only": True}, "reduce_only"),  # nothing is held
        ({"quantity": Decimal(10_001)}, "cash"),  # R11: of 10,000
        ({"value": Decimal(10_001), "limit": Decimal(50)}, "cash"),
    ],
)
def test_what_cannot_be_is_denied_with_its_rule(
    desk: Desk, terms: dict[str, Any], rule: str
) -> None:
    answer = answer_of(desk, wish(**terms))

    assert (rules(answer), answer.order) == ([rule], None)
    assert of_kind(desk.commands, Submit) == []


def test_every_limit_holds_and_an_order_is_denied_whole() -> None:
    """R28: an explicit order is not cut. 100 contracts are 100 USDT."""
    risk = RiskSettings(order=OrderLimits(max_notional=Decimal(50), price_band=Decimal("0.02")))
    desk = Desk(execution=Execution.MARKET, engine={"risk": risk})
    desk.bar(1)

    assert rules(answer_of(desk, wish("a", limit=Decimal(97)))) == ["price_band"]
    assert rules(answer_of(desk, wish("b"))) == ["order.max_notional"]
    assert len(of_kind(desk.events, OrderDenied)) == 2
    assert place(desk, "c", quantity=Decimal(50)).quantity == 50


def test_while_halted_only_what_reduces_goes_out(desk: Desk) -> None:
    order = place(desk)
    desk.accept(order, NOW)
    desk.fill(order, 100, NOW)
    desk.tell(HaltRequested(**at(NOW + 1), **_BY))

    assert "kill_switch" in rules(answer_of(desk, wish("more", NOW + 2)))
    too_much = wish("turn", NOW + 2, side=Side.SELL, quantity=Decimal(150))
    assert "kill_switch" in rules(answer_of(desk, too_much))
    close = place(desk, "close", NOW + 3, side=Side.SELL, limit=Decimal(101))
    assert close.terms.reduce_only  # says so: what is stopped lets nothing else leave (F71)

    desk.tell(RearmRequested(**at(NOW + 4), **_BY))
    assert not place(desk, "more again", NOW + 5).terms.reduce_only


def test_what_only_reduces_is_cut_to_what_is_held(desk: Desk) -> None:
    """R12."""
    order = place(desk)
    desk.fill(order, 100, NOW)
    close = place(desk, "close", side=Side.SELL, quantity=Decimal(150), reduce_only=True)

    assert close.quantity == 100


def test_a_sale_of_coins_never_crosses_zero_and_leaves_what_other_sales_take() -> None:
    """R12: of 50 coins 30 are offered already."""
    desk = Desk(SPOT, execution=Execution.MARKET)
    desk.tell(*bar_events(1, symbol=SPOT.symbol))
    coins: Any = {"instrument": SPOT.symbol}
    bought = place(desk, **coins, quantity=Decimal(50))
    desk.fill(bought, 50, NOW)
    offered = place(
        desk, "offer", **coins, side=Side.SELL, quantity=Decimal(30), limit=Decimal(101)
    )
    rest = place(desk, "rest", **coins, side=Side.SELL, quantity=Decimal(40))
    none = wish("none", **coins, side=Side.SELL)

    assert offered.terms.reduce_only
    assert rest.quantity == 20
    assert rules(answer_of(desk, none)) == ["reduce_only"]


def test_nothing_is_added_on_an_old_price_and_a_position_can_be_left(desk: Desk) -> None:
    """R3, R24."""
    order = place(desk)
    desk.fill(order, 100, NOW)
    late = T0 + 3 * HOUR + 1

    assert rules(answer_of(desk, wish("more", late))) == ["stale"]
    assert place(desk, "close", late, side=Side.SELL).quantity == 100


def test_nothing_is_added_where_the_newest_slice_has_no_bar() -> None:
    desk = Desk()
    desk.tell(*bar_events(1), bar_events(2, symbol=Symbol.parse("OKX:ETH/USDT:USDT"))[1])

    assert rules(answer_of(desk, wish(ms=T0 + 2 * HOUR + 1))) == ["no_bar"]


def test_the_next_target_starts_from_what_is_held_and_neither_doubles_nor_repeats() -> None:
    """R10: half of 10,000 are 5,000 contracts; 1,000 are there by hand, so 4,000 are bought."""
    desk = Desk(execution=Execution.MARKET)
    desk.bar(1)
    [] = desk.answer(1, 0.0)
    order = place(desk, quantity=Decimal(1_000))
    desk.fill(order, 1_000, NOW)
    desk.bar(2)
    [] = desk.answer(2, 0.0)  # the target that stands undoes nothing
    desk.bar(3)
    [bought] = desk.answer(3, 0.5)

    assert bought.quantity == 4_000


def test_what_was_bought_by_hand_is_guarded_as_the_strategy_says() -> None:
    desk = Desk(execution=Execution.MARKET, protection=Protection(stop_loss=0.02))
    desk.bar(1)
    desk.answer(1)
    order = place(desk)
    desk.accept(order, NOW)
    [stop] = sent(desk.fill(order, 100, NOW + 1))

    assert (stop.terms.stop, stop.quantity) == (Decimal(98), 100)
    answer = answer_of(desk, cancel(stop.order_id, ms=NOW + 2))
    assert rules(answer) == ["purpose"]  # it would come back
    assert rules(answer_of(desk, amend(stop, stop=Decimal(90), ms=NOW + 2))) == ["purpose"]


def test_a_resting_order_is_changed(desk: Desk) -> None:
    order = place(desk, limit=Decimal(99))
    desk.accept(order, NOW)
    answer = answer_of(desk, amend(order, limit=Decimal("98.97"), quantity=Decimal("80.5")))

    assert answer.reasons == ()
    [asked] = of_kind(desk.commands, Amend)
    assert (asked.quantity, asked.limit) == (80, Decimal("98.9"))
    assert rules(answer_of(desk, amend(order, "b", limit=Decimal(97)))) == ["order"]  # it waits
    told = {"limit": Decimal("98.9"), "stop": None, "quantity": Decimal(80)}
    desk.tell(OrderAmended(**desk.news(order, NOW + 1), **told))
    live = desk.engine.state.orders[order.order_id]
    assert (live.quantity, live.limit) == (80, Decimal("98.9"))


@pytest.mark.parametrize(
    ("terms", "rule"),
    [
        ({"stop": Decimal(90)}, "terms"),  # a limit order has none
        ({"limit": Decimal(99)}, "terms"),  # what it is
        ({"quantity": Decimal(20)}, "terms"),  # 30 of it have traded
        ({"quantity": Decimal("0.1")}, "below_minimum"),
        ({"quantity": Decimal("Infinity")}, "terms"),
        ({}, "terms"),
        ({"quantity": Decimal(6_000)}, "order.max_notional"),  # R28: judged as a new one
        ({"quantity": Decimal(60_000)}, "cash"),  # R11
    ],
)
def test_a_change_that_cannot_be_leaves_the_order(terms: dict[str, Any], rule: str) -> None:
    risk = RiskSettings(order=OrderLimits(max_notional=Decimal(5_000)))
    desk = Desk(execution=Execution.MARKET, engine={"risk": risk})
    desk.bar(1)
    order = place(desk, limit=Decimal(99))
    desk.accept(order, NOW)
    desk.fill(order, 30, NOW, price=99)

    assert rules(answer_of(desk, amend(order, **terms))) == [rule]
    assert of_kind(desk.commands, Amend) == []


def test_an_order_is_cancelled_once_and_one_that_is_over_is_not(desk: Desk) -> None:
    order = place(desk, limit=Decimal(99))
    desk.accept(order, NOW)

    assert answer_of(desk, cancel(order.order_id)).reasons == ()
    assert answer_of(desk, cancel(order.order_id, "again")).reasons == ()
    assert len(of_kind(desk.commands, Cancel)) == 1
    gone = {"filled_quantity": Decimal(0), "reason": "cancelled"}
    desk.tell(OrderCancelled(**desk.news(order, NOW + 9), **gone))
    assert rules(answer_of(desk, cancel(order.order_id, "late"))) == ["order"]
    assert rules(answer_of(desk, cancel(OrderId("nobody"), "wrong"))) == ["order"]


def test_what_a_person_withdrew_of_a_target_is_not_sent_again_until_a_newer_target(
    desk: Desk,
) -> None:
    desk.bar(2)
    [order] = desk.answer(2, 0.5)
    now = T0 + 2 * HOUR + 1_000
    desk.accept(order, now)
    answer_of(desk, cancel(order.order_id, ms=now))
    gone = {"filled_quantity": Decimal(0), "reason": "cancelled"}
    assert sent(desk.tell(OrderCancelled(**desk.news(order, now + 9), **gone))) == []
    desk.bar(3)
    assert desk.answer(3, 0.5) == []  # the same target stands
    desk.bar(4)
    [newer] = desk.answer(4, 0.25)

    assert newer.quantity == 2_500


def test_a_target_that_came_while_a_person_cancelled_the_older_one_is_followed(desk: Desk) -> None:
    desk.bar(2)
    [order] = desk.answer(2, 0.5)
    now = T0 + 2 * HOUR + 1_000
    desk.accept(order, now)
    answer_of(desk, cancel(order.order_id, ms=now))
    desk.bar(3)
    assert desk.answer(3, 0.25) == []  # waits for the end of the older one
    gone = {"filled_quantity": Decimal(0), "reason": "cancelled"}
    [newer] = sent(desk.tell(OrderCancelled(**desk.news(order, T0 + 3 * HOUR + 9), **gone)))

    assert newer.quantity == 2_500


def test_what_expired_before_the_withdrawal_came_is_not_tried_again() -> None:
    """R13 would try the rest of a capped order twice more."""
    desk = Desk(execution=Execution.CAPPED)
    desk.bar(1)
    [order] = desk.answer(1, 0.5)
    desk.accept(order, NOW)
    answer_of(desk, cancel(order.order_id))
    desk.seen(order, OrderStatus.EXPIRED, 0, NOW + 5)

    assert desk.engine.state.waiting == {}
