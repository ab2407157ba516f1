"""One order's life: what may follow what, and that trades alone move quantities."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs
from tests.builders.books import SPOT, USDT

from algotrader.core.events import (
    OrderAbsent,
    OrderAccepted,
    OrderAmended,
    OrderAmendRefused,
    OrderAmendRequested,
    OrderCancelled,
    OrderCancelRefused,
    OrderCancelRequested,
    OrderExpired,
    OrderFilled,
    OrderNotFound,
    OrderRejected,
    OrderSeen,
    OrderSubmitted,
    OrderUnknown,
    StopTriggered,
)
from algotrader.core.fills import Fill
from algotrader.core.ids import AccountId, RunId, StrategyId, TradeId, VenueOrderId
from algotrader.core.orders import Intent, Order, OrderStatus, OrderTerms, Side
from algotrader.execution.order_book import OrderBook
from algotrader.execution.order_life import IllegalTransitionError, LiveOrder, OrderEvent

S = OrderStatus
MAIN = AccountId("main")
NOON = datetime(2024, 1, 1, 12, tzinfo=UTC)
INTENT = Intent(
    account=MAIN,
    strategy=StrategyId("trend"),
    decided_at=NOON,
    terms=OrderTerms(instrument=SPOT.symbol, side=Side.BUY, quantity=Decimal(10)),
)
ORDER = Order.from_intent(INTENT, RunId("run"))
TIMES: dict[str, Any] = {"ts_event": 1, "ts_known": 1}
NEWS: dict[str, Any] = {
    **TIMES, "account": MAIN, "order_id": ORDER.order_id, "instrument": SPOT.symbol
}  # fmt: skip


def sent(order: Order = ORDER) -> OrderSubmitted:
    return OrderSubmitted(**TIMES, order=order, gate_sequence=1, state_hash="0", deadline_ms=5_000)


def told(*events: OrderEvent) -> LiveOrder:
    live = LiveOrder.submitted(sent())
    for event in events:
        live = live.hear(event)
    return live


def accepted() -> OrderAccepted:
    return OrderAccepted(**NEWS, venue_order_id=VenueOrderId("v"))


def seen(status: OrderStatus, filled: str = "0", asked_ms: int | None = None) -> OrderSeen:
    return OrderSeen(
        **NEWS, venue_order_id=VenueOrderId("v"), status=status, filled_quantity=Decimal(filled),
        asked_ms=asked_ms,
    )  # fmt: skip


def trade(name: str, quantity: str) -> OrderFilled:
    return OrderFilled(
        **TIMES,
        fill=Fill(
            trade_id=TradeId(name), order_id=ORDER.order_id, account=MAIN,
            instrument=SPOT.symbol, side=Side.BUY, quantity=Decimal(quantity), price=Decimal(100),
            fee=Decimal(0), fee_currency=USDT, filled_at=NOON,
        ),
    )  # fmt: skip


def triggered() -> StopTriggered:
    return StopTriggered(**NEWS, child_order_id=None, trigger_price=Decimal(1))


def unknown() -> OrderUnknown:
    return OrderUnknown(**NEWS, deadline_ms=5_000, reason="timed out")


def wants_cancel() -> OrderCancelRequested:
    return OrderCancelRequested(**NEWS, reason="a new target")


@pytest.mark.parametrize(
    ("events", "status", "filled"),
    [
        ((), S.PENDING, "0"),
        ((accepted(),), S.ACCEPTED, "0"),
        ((accepted(), trade("a", "4")), S.PARTIALLY_FILLED, "4"),
        ((accepted(), trade("a", "4"), trade("b", "6")), S.FILLED, "10"),
        ((trade("a", "4"), accepted()), S.PARTIALLY_FILLED, "4"),  # a fill overtakes the answer
        ((trade("a", "10"), accepted()), S.FILLED, "10"),
        ((accepted(), trade("a", "4"), trade("a", "4")), S.PARTIALLY_FILLED, "4"),  # told twice
        # The venue says it is done before its trades came: 10 - 4 are waited for.
        ((accepted(), trade("a", "4"), seen(S.FILLED, "10")), S.SETTLING, "4"),
        ((accepted(), seen(S.FILLED, "10"), trade("a", "4")), S.SETTLING, "4"),
        ((accepted(), seen(S.FILLED, "10"), trade("a", "4"), trade("b", "6")), S.FILLED, "10"),
        ((accepted(), trade("a", "4"), seen(S.CANCELLED, "4")), S.CANCELLED, "4"),
        ((accepted(), seen(S.CANCELLED, "4"), trade("a", "4")), S.CANCELLED, "4"),
        ((accepted(), wants_cancel(), seen(S.CANCELLED)), S.CANCELLED, "0"),
        # A cancel that crossed the fill: the fill is booked, the cancel counted as done.
        ((accepted(), wants_cancel(), trade("a", "10")), S.FILLED, "10"),
        ((accepted(), wants_cancel(), trade("a", "10"), seen(S.CANCELLED, "10")), S.FILLED, "10"),
        ((accepted(), wants_cancel(), seen(S.ACCEPTED)), S.PENDING_CANCEL, "0"),
        ((unknown(), accepted()), S.ACCEPTED, "0"),
        ((unknown(), seen(S.PARTIALLY_FILLED, "4"), trade("a", "4")), S.PARTIALLY_FILLED, "4"),
        # Doubt about an order that was to end: found alive, it is still to end.
        ((wants_cancel(), unknown(), seen(S.ACCEPTED, asked_ms=2)), S.PENDING_CANCEL, "0"),
        ((wants_cancel(), unknown(), accepted()), S.PENDING_CANCEL, "0"),
        ((wants_cancel(), unknown(), trade("a", "4")), S.PENDING_CANCEL, "4"),
        ((wants_cancel(), unknown(), triggered()), S.PENDING_CANCEL, "0"),
        ((wants_cancel(), unknown(), trade("a", "10")), S.FILLED, "10"),
        ((unknown(), OrderAbsent(**NEWS, asked_ms=9_000)), S.ABSENT, "0"),
        ((accepted(), trade("a", "10"), unknown()), S.FILLED, "10"),  # doubt about what is final
        # Its end was pushed and the answer to the request lost: the trades are all that lacks.
        ((seen(S.FILLED, "10"), unknown()), S.SETTLING, "0"),
        ((seen(S.FILLED, "10"), unknown(), trade("a", "10")), S.FILLED, "10"),
        ((OrderRejected(**NEWS, code="51008", reason="no money"),), S.REJECTED, "0"),
        ((accepted(), OrderExpired(**NEWS, filled_quantity=Decimal(0))), S.EXPIRED, "0"),
        (
            (accepted(), OrderCancelled(**NEWS, filled_quantity=Decimal(4), reason="ioc")),
            S.SETTLING,
            "0",
        ),
        (
            (accepted(), triggered()),
            S.TRIGGERED,
            "0",
        ),
        # A stop's child speaks by another stream, which may be ahead of the stop's own.
        ((accepted(), triggered(), seen(S.ACCEPTED)), S.TRIGGERED, "0"),
        ((accepted(), trade("a", "4"), triggered()), S.PARTIALLY_FILLED, "4"),
        ((accepted(), trade("a", "4"), seen(S.TRIGGERED)), S.PARTIALLY_FILLED, "4"),
        ((accepted(), trade("a", "10"), triggered()), S.FILLED, "10"),
        # An answer to a question that was asked before the end was known says nothing new.
        ((accepted(), trade("a", "10"), seen(S.ACCEPTED, asked_ms=1)), S.FILLED, "10"),
        ((accepted(), seen(S.FILLED, "10"), seen(S.ACCEPTED, asked_ms=1)), S.SETTLING, "0"),
        # Nor does one of a venue whose answers lag behind its pushes.
        ((accepted(), trade("a", "10"), seen(S.ACCEPTED, asked_ms=5_000)), S.FILLED, "10"),
        # Pushes out of order: what is older than what is known changes nothing.
        ((accepted(), trade("a", "10"), seen(S.ACCEPTED)), S.FILLED, "10"),
        ((accepted(), trade("a", "4"), seen(S.ACCEPTED)), S.PARTIALLY_FILLED, "4"),
    ],
)  # fmt: skip
def test_what_follows_from_what_is_heard(
    events: tuple[OrderEvent, ...], status: OrderStatus, filled: str
) -> None:
    live = told(*events)

    assert live.status is status
    assert live.filled == Decimal(filled)
    assert live.open_quantity == (0 if status.is_final else 10 - Decimal(filled))


@pytest.mark.parametrize(
    ("events", "impossible"),
    [
        # The venue, asked long after, calls alive what it had called done.
        ((accepted(), seen(S.CANCELLED)), seen(S.ACCEPTED, asked_ms=6_000)),
        ((accepted(), trade("a", "4")), OrderRejected(**NEWS, code="1", reason="")),
        ((accepted(),), OrderAbsent(**NEWS, asked_ms=1)),
        ((accepted(), seen(S.CANCELLED)), seen(S.FILLED, "10")),
    ],
)
def test_what_cannot_follow_is_said_and_changes_nothing(
    events: tuple[OrderEvent, ...], impossible: OrderEvent
) -> None:
    live = told(*events)

    with pytest.raises(IllegalTransitionError) as caught:
        live.hear(impossible)
    assert caught.value.status is live.status


def test_a_change_without_an_answer_waits_for_a_question_and_not_for_a_push() -> None:
    wish = OrderAmendRequested(
        **NEWS, quantity=Decimal(4), limit=None, stop=None, reason="the position changed"
    )
    assert told(accepted(), wish).status is S.PENDING_AMEND
    assert told(accepted(), wish, seen(S.ACCEPTED)).status is S.PENDING_AMEND
    assert told(accepted(), wish, seen(S.ACCEPTED, asked_ms=2)).status is S.ACCEPTED
    part = told(accepted(), trade("a", "2"), wish, seen(S.PARTIALLY_FILLED, "2", asked_ms=2))
    assert part.status is S.PARTIALLY_FILLED


def test_a_refused_cancel_leaves_the_order_as_it_was() -> None:
    refused = OrderCancelRefused(**NEWS, code="51400", reason="cannot be cancelled")

    assert told(accepted(), wants_cancel(), refused).status is S.ACCEPTED
    assert told(wants_cancel(), refused).status is S.UNKNOWN  # nobody ever heard of it
    assert told(unknown(), wants_cancel(), refused).status is S.UNKNOWN
    assert told(accepted(), trade("a", "4"), wants_cancel(), refused).status is S.PARTIALLY_FILLED
    assert told(accepted(), wants_cancel(), trade("a", "4"), refused).status is S.PARTIALLY_FILLED


def test_an_amended_order_is_filled_at_its_new_size() -> None:
    amended = OrderAmended(**NEWS, quantity=Decimal(4), limit=None, stop=None)

    assert told(accepted(), amended).open_quantity == 4
    assert told(accepted(), amended, trade("a", "4")).status is S.FILLED


@pytest.mark.parametrize("order", [*permutations(range(4))])
def test_f27_fills_that_cross_an_amendment_end_at_the_venues_quantity(
    order: tuple[int, ...],
) -> None:
    """From 10 to 6 while 2 and 4 trade: 6 it is, in whatever order the news of it comes."""
    wish = OrderAmendRequested(
        **NEWS, quantity=Decimal(6), limit=None, stop=None, reason="a new target"
    )
    news = (
        OrderAmended(**NEWS, quantity=Decimal(6), limit=None, stop=None),
        trade("a", "2"), trade("b", "4"), seen(S.FILLED, "6"),
    )  # fmt: skip
    live = told(accepted(), wish)
    for index in order:
        live = live.hear(news[index])
        assert live.filled + live.open_quantity <= 10

    assert (live.status, live.filled, live.open_quantity) == (S.FILLED, 6, 0)


def test_f27_a_change_that_comes_too_late_is_refused_and_the_fill_stands() -> None:
    wish = OrderAmendRequested(
        **NEWS, quantity=Decimal(6), limit=None, stop=None, reason="a new target"
    )
    refused = OrderAmendRefused(**NEWS, code="51510", reason="it is filled")

    for news in permutations((trade("a", "10"), refused)):
        live = told(accepted(), wish, *news)
        assert (live.status, live.filled) == (S.FILLED, 10)


def wants(quantity: int, limit: Decimal | None = None) -> OrderAmendRequested:
    return OrderAmendRequested(
        **NEWS, quantity=Decimal(quantity), limit=limit, stop=None, reason="a person asked"
    )


def shows(quantity: int, at_ms: int, filled: str = "0", limit: Decimal | None = None) -> OrderSeen:
    """What the venue shows of the order at a moment of its own clock."""
    status = S.PARTIALLY_FILLED if Decimal(filled) else S.ACCEPTED
    told = structs.replace(seen(status, filled, asked_ms=1), ts_event=at_ms)
    return structs.replace(told, quantity=Decimal(quantity), limit=limit)


def test_a_change_that_nobody_answered_counts_to_the_orders_end() -> None:
    raised = told(accepted(), wants(15))
    assert (raised.open_quantity, raised.most_open) == (10, 15)

    still = raised.hear(shows(10, 100))  # not yet: the request may be on its way
    assert (still.status, still.open_quantity, still.most_open) == (S.ACCEPTED, 10, 15)

    came = still.hear(shows(15, 200))
    assert (came.open_quantity, came.most_open) == (15, 15)


def test_a_change_that_another_one_overtook_still_counts() -> None:
    live = told(accepted(), wants(9), shows(10, 100), wants(15))
    answered = live.hear(structs.replace(OrderAmended(**NEWS, quantity=Decimal(15), limit=None,
                                                      stop=None), ts_event=200))  # fmt: skip
    late = answered.hear(shows(9, 300))  # the first comes after the second
    assert (answered.most_open, late.quantity, late.most_open) == (15, 9, 15)


def test_a_look_up_from_before_a_change_is_no_answer_to_it() -> None:
    asked_at_5 = structs.replace(wants(15), ts_known=5)
    assert told(accepted(), asked_at_5, seen(S.ACCEPTED, asked_ms=4)).status is S.PENDING_AMEND
    assert told(accepted(), asked_at_5, seen(S.ACCEPTED, asked_ms=5)).status is S.ACCEPTED


def test_an_order_that_may_have_been_raised_is_not_filled_at_its_old_size() -> None:
    live = told(accepted(), wants(15), shows(10, 100), trade("a", "10"))
    assert live.status is S.PARTIALLY_FILLED

    assert live.hear(seen(S.FILLED, "10")).status is S.FILLED  # it never came
    assert live.hear(shows(15, 200, "10")).open_quantity == 5  # it did
    refused = OrderAmendRefused(**NEWS, code="51510", reason="it is filled")
    assert live.hear(refused).status is S.FILLED


def test_a_lowered_order_ends_where_the_venue_shows_it() -> None:
    live = told(accepted(), wants(5), shows(5, 100))
    assert live.quantity == 5
    assert live.hear(trade("a", "5")).status is S.FILLED


def test_the_newest_word_of_the_venue_on_an_amended_order_holds_in_whatever_order_it_comes() -> (
    None
):
    limit = Decimal(99)
    news = (
        structs.replace(
            OrderAmended(**NEWS, quantity=Decimal(8), limit=limit, stop=None), ts_event=200
        ),
        shows(10, 100, limit=Decimal(98)),  # a push from before the change
        shows(8, 300, limit=limit),
    )
    for order in permutations(news):
        live = told(accepted(), wants(8, limit), *order)
        assert (live.quantity, live.limit, live.most_open) == (8, limit, 8)


def test_what_the_venue_shows_of_an_order_nobody_changed_is_left_aside() -> None:
    """Of a trailing stop, say, a venue shows a level that moves."""
    assert told(accepted(), shows(7, 100, limit=Decimal(5))).limit is None


def test_look_ups_that_miss_are_counted_until_one_finds_it() -> None:
    missed = OrderNotFound(**NEWS, asked_ms=1)

    assert told(unknown(), missed, missed).misses == 2
    assert told(unknown(), missed, seen(S.ACCEPTED, asked_ms=2)).misses == 0


PUSHES: tuple[OrderEvent, ...] = (
    accepted(),
    seen(S.ACCEPTED),
    seen(S.PARTIALLY_FILLED, "3"),
    trade("a", "3"),
    trade("b", "3"),
    trade("c", "4"),
    seen(S.FILLED, "10"),
)


@given(st.permutations(PUSHES), st.lists(st.sampled_from(PUSHES), max_size=6))
def test_pushes_in_any_order_and_number_end_in_the_same_order(  # F16, F17
    pushes: list[OrderEvent], repeated: list[OrderEvent]
) -> None:
    live = told(*pushes, *repeated)

    assert live.status is S.FILLED
    assert live.filled == 10
    assert set(live.trades) == {"a", "b", "c"}


def test_an_order_in_doubt_counts_at_its_full_rest_until_it_is_settled() -> None:
    book = OrderBook()
    book.submit(sent())
    assert book[ORDER.order_id].most_open == 10

    book.hear(unknown())
    assert book.has_doubt(MAIN, SPOT.symbol)
    assert book[ORDER.order_id].most_open == 10

    book.hear(OrderAbsent(**NEWS, asked_ms=9_000))
    assert not book.has_doubt(MAIN, SPOT.symbol)
    assert book[ORDER.order_id].most_open == 0
    assert list(book.open()) == []


def test_an_id_is_submitted_once() -> None:
    book = OrderBook()
    book.submit(sent())

    with pytest.raises(ValueError, match="submitted before"):
        book.submit(sent())


def test_news_of_an_order_of_somebody_else_are_no_news_of_ours() -> None:
    book = OrderBook()

    with pytest.raises(KeyError):
        book.hear(accepted())
    strange = OrderFilled(**TIMES, fill=replace(trade("x", "1").fill, order_id=None))
    with pytest.raises(KeyError):
        book.hear(strange)
