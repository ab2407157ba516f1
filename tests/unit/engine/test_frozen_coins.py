"""Where a stop freezes the coins it guards: brackets, sales that wait, and the time between (R19)."""

from __future__ import annotations

import itertools
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from tests.builders.books import SPOT
from tests.builders.engines import HOUR, MAIN, T0, TREND, Desk, at, of_kind, sent

from algotrader.core.errors import ConfigurationError
from algotrader.core.events import (
    AskedOrder,
    HaltRequested,
    InstrumentChanged,
    IntentRaised,
    ModeChanged,
    OrderAmended,
    OrderAmendRefused,
    OrderCancelled,
    OrderCancelRefused,
    OrderDenied,
    OrderRejected,
    OrderSeen,
    OrderUnknown,
    ProtectionMissing,
    ProtectionRestored,
    StopTriggered,
    TimerFired,
    TradingMode,
)
from algotrader.core.ids import VenueOrderId
from algotrader.core.instruments import FeeSchedule
from algotrader.core.orders import Order, OrderStatus, Protection, Purpose, Side
from algotrader.engine.commands import Alert, Amend, Cancel, Command, SetTimer
from algotrader.portfolio.intents import Execution

BTC = replace(SPOT, fees=FeeSchedule())
SYMBOL = BTC.symbol
MS = T0 + HOUR
BOTH = Protection(stop_loss=0.02, take_profit=0.03)
STOP = Protection(stop_loss=0.02)


def a_desk(protection: Protection | None = BOTH, **changes: Any) -> Desk:
    engine = {"freezing": frozenset({SYMBOL}), "guard_within_ms": 10_000} | changes.pop(
        "engine", {}
    )
    instrument = changes.pop("instrument", BTC)
    return Desk(
        instrument, engine=engine, execution=Execution.MARKET, protection=protection, **changes
    )  # fmt: skip


def held(desk: Desk, filled: int = 10) -> tuple[Order, Order]:
    """Of ten coins ordered some are bought at 100, and their guard; the venue knows both."""
    desk.bar(1)
    [entry] = desk.answer(1, 0.1)
    [guard] = sent(desk.fill(entry, filled, MS + 20))
    desk.accept(guard, MS + 30)
    return entry, guard


def cancelled(desk: Desk, order: Order, ms: int, filled: int = 0) -> list[Command]:
    return desk.tell(
        OrderCancelled(**desk.news(order, ms), filled_quantity=Decimal(filled), reason="asked for")
    )


def doubted(desk: Desk, order: Order, ms: int) -> OrderUnknown:
    return OrderUnknown(**desk.news(order, ms), deadline_ms=ms + 5_000, reason="no answer")


def guard_timer(commands: list[Command]) -> SetTimer:
    return next(one for one in of_kind(commands, SetTimer) if one.name.startswith("guard:"))


def fired(timer: SetTimer) -> TimerFired:
    return TimerFired(**at(timer.at_ms), name=timer.name)


def test_a_stop_and_a_target_go_as_one_order_that_moves_with_the_position() -> None:
    desk = a_desk()
    entry, bracket = held(desk, 4)
    [moved] = of_kind(desk.fill(entry, 6, MS + 40, price=110), Amend)  # the average entry is 106

    assert bracket.intent.purpose is Purpose.BRACKET
    assert (bracket.quantity, bracket.terms.stop, bracket.terms.limit) == (4, 98, 103)
    assert (moved.quantity, moved.stop, moved.limit) == (10, Decimal("103.8"), Decimal("109.2"))


def test_a_change_that_comes_after_a_later_one_is_made_good() -> None:
    """Ten coins have a stop for ten: a request for four overtook nothing, it came last."""
    desk = a_desk()
    entry, bracket = held(desk, 4)
    [moved] = of_kind(desk.fill(entry, 6, MS + 40), Amend)
    levels = {"limit": moved.limit, "stop": moved.stop}
    desk.tell(OrderAmended(**desk.news(bracket, MS + 50), quantity=moved.quantity, **levels))
    late = OrderSeen(
        **desk.news(bracket, MS + 60), venue_order_id=VenueOrderId("v"), filled_quantity=Decimal(0),
        status=OrderStatus.ACCEPTED, quantity=Decimal(4), **levels,
    )  # fmt: skip

    [again] = of_kind(desk.tell(late), Amend)
    assert again.quantity == 10


def test_less_than_the_venue_trades_has_no_guard_until_more_is_held() -> None:
    """R9"""
    desk = a_desk(instrument=replace(BTC, min_quantity=Decimal(5)))
    desk.bar(1)
    [entry] = desk.answer(1, 0.1)

    assert sent(desk.fill(entry, 4, MS + 20)) == []
    [guard] = sent(desk.fill(entry, 6, MS + 30))
    assert guard.quantity == 10


@pytest.mark.parametrize(
    ("price", "purpose"), [(98, Purpose.STOP_LOSS), (97, Purpose.STOP_LOSS),
                           (103, Purpose.TAKE_PROFIT), (104, Purpose.TAKE_PROFIT)],
)  # fmt: skip
def test_which_leg_of_a_bracket_traded_is_told_by_its_price(price: int, purpose: Purpose) -> None:
    desk = a_desk()
    _, bracket = held(desk)
    desk.fill(bracket, 10, MS + 60_000, price=price)

    assert bracket.purpose_at(Decimal(price)) is purpose
    assert desk.engine.state.protected.blocks[TREND, SYMBOL].sign == 1
    assert desk.engine.state.protected.bare == {}


def test_elsewhere_stop_and_target_rest_beside_each_other() -> None:
    desk = a_desk(engine={"freezing": frozenset()})
    desk.bar(1)
    [entry] = desk.answer(1, 0.1)

    assert len(sent(desk.fill(entry, 10, MS + 20))) == 2


def test_f85_a_sale_waits_for_its_coins_and_the_rest_is_guarded_again() -> None:
    desk = a_desk()
    _, guard = held(desk)
    desk.bar(2)
    orders = desk.answer(2, 0.05)
    waiting = [one for one in desk.events if isinstance(one, IntentRaised)]
    [sale] = sent(cancelled(desk, guard, MS + HOUR + 100))
    again = sent(desk.fill(sale, 5, MS + HOUR + 400))

    assert orders == []
    assert [one.order_id for one in of_kind(desk.commands, Cancel)] == [guard.order_id]
    assert [one.intent.terms.quantity for one in waiting] == [5]
    assert (sale.side, sale.quantity, sale.intent.purpose) == (Side.SELL, 5, Purpose.TARGET)
    assert [(one.quantity, one.intent.purpose, one.terms.stop) for one in again] == [
        (5, Purpose.BRACKET, 98)
    ]
    gone = next(one for one in desk.events if isinstance(one, ProtectionMissing))
    desk.accept(again[0], MS + HOUR + 500)
    back = next(one for one in desk.events if isinstance(one, ProtectionRestored))
    assert gone.ts_known == MS + HOUR + 100
    assert back.missing_ms == 400
    assert desk.engine.state.thawing == {}


def test_f12_a_guard_that_was_to_end_when_doubt_came_is_cancelled_again_once_it_is_found() -> None:
    desk = a_desk()
    desk.bar(1)
    [entry] = desk.answer(1, 0.1)
    [guard] = sent(desk.fill(entry, 10, MS + 20))
    desk.bar(2)
    desk.answer(2, 0.05)  # its coins are to be sold, and nobody has heard of it yet
    asked = of_kind(desk.commands, Cancel)
    desk.tell(doubted(desk, guard, MS + HOUR + 50))
    again = of_kind(desk.seen(guard, OrderStatus.ACCEPTED, 0, MS + HOUR + 60), Cancel)
    [sale] = sent(cancelled(desk, guard, MS + HOUR + 100))

    assert [one.order_id for one in (*asked, *again)] == [guard.order_id] * 2
    assert (sale.side, sale.quantity) == (Side.SELL, 5)


def test_a_guard_whose_answer_was_lost_gets_the_size_that_is_held_once_it_is_found() -> None:
    desk = a_desk()
    desk.bar(1)
    [entry] = desk.answer(1, 0.1)
    [guard] = sent(desk.fill(entry, 4, MS + 20))
    desk.tell(doubted(desk, guard, MS + 30))
    grown = desk.fill(entry, 6, MS + 40)
    [moved] = of_kind(desk.seen(guard, OrderStatus.ACCEPTED, 0, MS + 50), Amend)

    assert of_kind(grown, Amend) == []
    assert (guard.quantity, moved.quantity) == (4, 10)


def test_a_guard_of_the_wrong_size_is_changed_when_a_restart_is_over() -> None:
    desk = a_desk()
    desk.bar(1)
    [entry] = desk.answer(1, 0.1)
    [guard] = sent(desk.fill(entry, 4, MS + 20))
    desk.accept(guard, MS + 30)
    desk.fill(entry, 6, MS + 40)
    refused = {"code": "51000", "reason": "no"}
    desk.tell(OrderAmendRefused(**desk.news(guard, MS + 50), **refused))
    # The process dies here, and its timers with it.
    starts = {"account": MAIN, "reason": "", "by": "recovery"}
    desk.tell(ModeChanged(**at(MS + 900), mode=TradingMode.STARTING, **starts))
    [moved] = of_kind(
        desk.tell(ModeChanged(**at(MS + 990), mode=TradingMode.TRADING, **starts)), Amend
    )

    assert (guard.quantity, moved.quantity) == (4, 10)


def test_f28_a_guard_that_fills_while_it_is_cancelled_leaves_nothing_to_sell() -> None:
    desk = a_desk()
    _, guard = held(desk)
    desk.bar(2)
    desk.answer(2, 0.0)
    done = desk.fill(guard, 10, MS + HOUR + 50, price=98)

    assert sent(done) == []
    denied = [one for one in desk.events if isinstance(one, OrderDenied)]
    assert [reason.rule for one in denied for reason in one.reasons] == ["reduce_only"]
    assert desk.engine.state.thawing == {}
    assert desk.engine.state.protected.bare == {}


def test_a_guard_that_filled_in_part_leaves_only_the_rest_to_sell() -> None:
    desk = a_desk()
    _, guard = held(desk)
    desk.bar(2)
    desk.answer(2, 0.0)
    desk.fill(guard, 4, MS + HOUR + 50, price=98)
    [sale] = sent(cancelled(desk, guard, MS + HOUR + 100, filled=4))

    assert sale.quantity == 6


def test_a_sale_whose_coins_are_free_only_after_the_next_bar_is_not_sent() -> None:
    desk = a_desk()
    _, guard = held(desk)
    desk.bar(2)
    desk.answer(2, 0.05)
    desk.bar(3)
    again = sent(cancelled(desk, guard, MS + 2 * HOUR + 100))

    assert [one.intent.purpose for one in again] == [Purpose.BRACKET]
    assert again[0].quantity == 10


def test_the_end_of_a_guard_is_asked_for_again_where_the_request_overtook_the_guard() -> None:
    """The venue knew no such order yet: without a second request the sale would wait for ever."""
    desk = a_desk()
    desk.bar(1)
    [entry] = desk.answer(1, 0.1)
    [guard] = sent(desk.fill(entry, 10, MS + 20))
    desk.bar(2)
    desk.answer(2, 0.05)
    assert [one.order_id for one in of_kind(desk.commands, Cancel)] == [guard.order_id]
    desk.accept(guard, MS + HOUR + 10)
    refused = OrderCancelRefused(
        **desk.news(guard, MS + HOUR + 20), code="51400", reason="no open order of that id"
    )
    [timer] = of_kind(desk.tell(refused), SetTimer)

    [again] = of_kind(desk.tell(fired(timer)), Cancel)
    assert again.order_id == guard.order_id
    [sale] = sent(cancelled(desk, guard, timer.at_ms + 50))
    assert (sale.side, sale.quantity) == (Side.SELL, 5)


def test_a_target_that_is_taken_back_drops_the_sale_that_waits() -> None:
    desk = a_desk()
    _, guard = held(desk)
    desk.bar(2)
    desk.answer(2, 0.05)
    desk.bar(3)
    desk.answer(3, 0.1)
    again = sent(cancelled(desk, guard, MS + 2 * HOUR + 100))

    assert [(one.intent.purpose, one.quantity) for one in again] == [(Purpose.BRACKET, 10)]


def test_an_explicit_sale_waits_too() -> None:
    desk = a_desk(None, by_bar=True)
    desk.bar(1)
    buy = AskedOrder(number=0, instrument=SYMBOL, side=Side.BUY, quantity=10.0, stop_loss=0.02)
    [entry] = desk.answer(1, asked=[buy])
    [guard] = sent(desk.fill(entry, 10, MS + 20))
    desk.accept(guard, MS + 30)
    desk.bar(2)
    sell = AskedOrder(number=1, instrument=SYMBOL, side=Side.SELL, quantity=4.0)
    assert desk.answer(2, asked=[sell]) == []
    [sale] = sent(cancelled(desk, guard, MS + HOUR + 100))
    again = sent(desk.fill(sale, 4, MS + HOUR + 400))

    assert (sale.quantity, sale.intent.number) == (4, 1)
    assert [(one.quantity, one.terms.stop) for one in again] == [(6, 98)]


def test_what_an_order_opened_is_forgotten_once_nothing_is_held() -> None:
    desk = a_desk(None, by_bar=True)
    desk.bar(1)
    buy = AskedOrder(number=0, instrument=SYMBOL, side=Side.BUY, quantity=10.0, stop_loss=0.02)
    [entry] = desk.answer(1, asked=[buy])
    [guard] = sent(desk.fill(entry, 10, MS + 20))
    desk.fill(guard, 10, MS + 60, price=98)

    assert desk.engine.state.protected.opened == {}
    assert desk.engine.state.protected.openers == {}


def test_a_trail_beside_a_stop_is_refused_where_coins_freeze() -> None:
    with pytest.raises(ConfigurationError, match="freezes the coins"):
        a_desk(Protection(stop_loss=0.02, trailing=0.05))


def test_a_target_that_was_reached_and_rests_makes_way_for_a_new_bracket() -> None:
    desk = a_desk()
    _, bracket = held(desk)
    done = desk.tell(
        StopTriggered(**desk.news(bracket, MS + 60_000), child_order_id=None,
                      trigger_price=Decimal(103))
    )  # fmt: skip
    desk.fill(bracket, 4, MS + 60_010, price=103)
    timer = guard_timer(done)
    ended = desk.tell(fired(timer))
    [again] = sent(cancelled(desk, bracket, timer.at_ms + 100, filled=4))

    assert timer.at_ms == MS + 70_000
    assert [one.order_id for one in of_kind(ended, Cancel)] == [bracket.order_id]
    assert (again.quantity, again.terms.stop, again.terms.limit) == (6, 98, 103)


def test_a_bracket_that_filled_leaves_its_timer_nothing_to_do() -> None:
    desk = a_desk()
    _, bracket = held(desk)
    done = desk.tell(
        StopTriggered(**desk.news(bracket, MS + 60_000), child_order_id=None,
                      trigger_price=Decimal(98))
    )  # fmt: skip
    desk.fill(bracket, 10, MS + 60_010, price=98)

    assert desk.tell(fired(guard_timer(done))) == []
    assert not any(isinstance(one, ProtectionMissing) for one in desk.events)


# A stop that is missing


def test_promise_13_r19_a_refused_stop_is_asked_for_again_then_the_person_is_told_and_the_rest_is_sold() -> (
    None
):
    desk = a_desk(STOP)
    desk.bar(1)
    [entry] = desk.answer(1, 0.1)
    [guard] = sent(desk.fill(entry, 10, MS))
    done = desk.tell(OrderRejected(**desk.news(guard, MS + 100), code="51008", reason="no"))
    assert sent(done) == []  # not at once: it would be refused again
    tries = []
    timer = guard_timer(done)
    while timer.at_ms < MS + 100 + 10_000:
        done = desk.tell(fired(timer))
        [next_try] = sent(done)
        tries.append(next_try)
        done += desk.tell(
            OrderRejected(**desk.news(next_try, timer.at_ms + 50), code="51008", reason="no")
        )
        timer = guard_timer(list(reversed(done)))
    last = desk.tell(fired(timer))
    [exit_] = sent(last)

    assert [one.intent.attempt for one in tries] == [1, 2, 3, 4]
    assert {one.terms.stop for one in tries} == {98}
    assert timer.at_ms - MS - 100 >= 10_000
    assert [one.cause for one in of_kind(last, Alert)] == [f"unguarded:{TREND}:{SYMBOL}"]
    assert (exit_.terms.kind, exit_.side, exit_.quantity) == ("market", Side.SELL, 10)
    desk.fill(exit_, 10, timer.at_ms + 100, price=99)
    assert desk.engine.state.protected.blocks[TREND, SYMBOL].sign == 1  # like any protective exit
    assert desk.engine.state.protected.bare == {}


def test_promise_13_r19_by_policy_what_has_no_stop_is_held_and_the_person_is_told() -> None:
    desk = a_desk(STOP, engine={"guard_within_ms": 1_000, "exit_unguarded": False})
    desk.bar(1)
    [entry] = desk.answer(1, 0.1)
    [guard] = sent(desk.fill(entry, 10, MS))
    done = desk.tell(OrderRejected(**desk.news(guard, MS + 100), code="51008", reason="no"))
    done = desk.tell(fired(guard_timer(done)))

    assert len(of_kind(done, Alert)) == 1
    assert [one.terms.stop for one in sent(done)] == [98]


def test_promise_13_a_stop_that_somebody_cancels_at_the_venue_comes_back_at_once() -> None:
    desk = a_desk(STOP)
    _, guard = held(desk)
    [again] = sent(desk.seen(guard, OrderStatus.CANCELLED, 0, MS + 5_000))
    desk.accept(again, MS + 5_080)

    assert (again.quantity, again.terms.stop, again.intent.attempt) == (10, 98, 1)
    back = [one for one in desk.events if isinstance(one, ProtectionRestored)]
    assert [one.missing_ms for one in back] == [80]


def test_a_sale_that_rests_gives_way_to_the_stop_and_a_person_is_told() -> None:
    desk = a_desk(None, by_bar=True)
    desk.bar(1)
    buy = AskedOrder(number=0, instrument=SYMBOL, side=Side.BUY, quantity=10.0, stop_loss=0.02)
    [entry] = desk.answer(1, asked=[buy])
    [guard] = sent(desk.fill(entry, 10, MS + 20))
    desk.accept(guard, MS + 30)
    desk.bar(2)
    sell = AskedOrder(number=1, instrument=SYMBOL, side=Side.SELL, quantity=4.0, limit=120.0)
    desk.answer(2, asked=[sell])
    done = cancelled(desk, guard, MS + HOUR + 100)
    [sale], timer = sent(done), guard_timer(done)
    desk.accept(sale, MS + HOUR + 200)
    while timer.at_ms < MS + HOUR + 100 + 10_000:
        done = desk.tell(fired(timer))
        assert sent(done) == []
        timer = guard_timer(done)
    done = desk.tell(fired(timer))
    again = sent(cancelled(desk, sale, timer.at_ms + 50))

    assert [one.order_id for one in of_kind(done, Cancel)] == [sale.order_id]
    assert [one.cause for one in of_kind(done, Alert)] == [f"unguarded:{TREND}:{SYMBOL}"]
    assert [(one.quantity, one.terms.stop) for one in again] == [(10, 98)]


def test_f85_a_restart_between_the_stops_end_and_the_sale_goes_on_where_it_was() -> None:
    desk = a_desk()
    _, guard = held(desk)
    desk.bar(2)
    desk.answer(2, 0.05)
    told = list(desk.events)
    for late in (False, True):
        again = a_desk()
        for event in told:
            again.engine.apply(event)
        again.events = list(told)
        ms = MS + HOUR + 300
        again.tell(ModeChanged(**at(ms), account=MAIN, mode=TradingMode.STARTING, reason="",
                               by="recovery"))  # fmt: skip
        assert (
            sent(cancelled(again, guard, ms + 10)) == []
        )  # nothing goes out before it is compared
        if late:
            again.bar(3)
        done = again.tell(
            ModeChanged(**at(ms + HOUR * late + 20), account=MAIN, mode=TradingMode.TRADING,
                        reason="", by="recovery")
        )  # fmt: skip
        purposes = [(one.intent.purpose, one.quantity) for one in sent(done)]
        assert purposes == [(Purpose.BRACKET, 10) if late else (Purpose.TARGET, 5)]


def test_no_stop_is_placed_where_a_hold_sells_everything() -> None:
    desk = a_desk(STOP)
    _, guard = held(desk)
    desk.tell(HaltRequested(**at(MS + 100), account=MAIN, by="owner", channel="cli",
                            reason="enough",
                            flatten=True))  # fmt: skip
    done = cancelled(desk, guard, MS + 200)

    assert [one.intent.purpose for one in sent(done)] == [Purpose.RISK]
    assert desk.engine.state.protected.bare == {}


def test_a_venue_that_loses_nothing_is_not_watched() -> None:
    desk = a_desk(STOP, engine={"guard_within_ms": None})
    _, guard = held(desk)

    assert sent(desk.seen(guard, OrderStatus.CANCELLED, 0, MS + 5_000)) == []


def test_a_stop_that_cannot_be_changed_is_made_anew_in_the_size_that_is_held() -> None:
    desk = a_desk(STOP)
    desk.bar(1)
    [entry] = desk.answer(1, 0.1)
    [guard] = sent(desk.fill(entry, 4, MS + 20))
    desk.accept(guard, MS + 30)
    desk.fill(entry, 6, MS + 40)
    done = desk.tell(OrderAmendRefused(**desk.news(guard, MS + 100), code="51503", reason="no"))
    timer = guard_timer(done)
    ended = desk.tell(fired(timer))
    [again] = sent(cancelled(desk, guard, timer.at_ms + 50))

    assert timer.at_ms == MS + 2_100
    assert [one.order_id for one in of_kind(ended, Cancel)] == [guard.order_id]
    assert (again.quantity, again.terms.stop) == (10, 98)


def test_a_position_that_can_neither_be_guarded_nor_sold_is_tried_ever_more_rarely() -> None:
    desk = a_desk(STOP)
    _, guard = held(desk)
    desk.tell(InstrumentChanged(
        **at(MS + 100), instrument=SYMBOL, tick=BTC.tick, lot=BTC.lot,
        min_quantity=BTC.min_quantity, multiplier=BTC.multiplier, frozen="suspend",
    ))  # fmt: skip
    done = desk.seen(guard, OrderStatus.CANCELLED, 0, MS + 1_000)
    times = []
    for _ in range(40):
        timer = guard_timer(done)
        times.append(timer.at_ms)
        done = desk.tell(fired(timer))
        assert sent(done) == []

    assert not any(isinstance(one, OrderDenied) for one in desk.events)  # nothing is even asked
    assert [later - earlier for earlier, later in itertools.pairwise(times)][-3:] == [
        60_000, 60_000, 60_000,
    ]  # fmt: skip
    thawed = InstrumentChanged(
        **at(times[-1]), instrument=SYMBOL, tick=BTC.tick, lot=BTC.lot,
        min_quantity=BTC.min_quantity, multiplier=BTC.multiplier,
    )  # fmt: skip
    desk.tell(thawed)
    [exit_] = sent(desk.tell(fired(guard_timer(done))))
    assert exit_.quantity == 10


def test_r10_a_sale_that_was_dropped_with_its_bar_is_wanted_at_the_next_one() -> None:
    desk = a_desk(STOP)
    _, guard = held(desk)
    desk.bar(2)
    desk.answer(2, 0.0)
    desk.bar(3)
    desk.answer(3, 0.0)  # the venue has not answered the cancel
    cancelled(desk, guard, MS + 2 * HOUR + 100)
    desk.bar(4)
    desk.answer(4, 0.0)

    raised = [one.intent for one in desk.events if isinstance(one, IntentRaised)]
    assert [one.terms.quantity for one in raised] == [10, 10]


def test_r24_a_sale_whose_bar_is_over_is_not_sent_by_a_restart() -> None:
    desk = a_desk(STOP)
    _, guard = held(desk)
    desk.bar(2)
    desk.answer(2, 0.0)
    late = MS + 72 * HOUR
    desk.restart(late)
    cancelled(desk, guard, late + 100)

    assert [one.intent.purpose for one in sent(desk.recovery(late + 1_000))] == [Purpose.STOP_LOSS]
