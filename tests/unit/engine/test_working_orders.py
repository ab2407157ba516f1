"""Capped targets, guards and explicit orders of the engine, worked by hand (R13, R19, R36)."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from tests.builders.engines import (
    BTC,
    HOUR,
    MAIN,
    T0,
    TREND,
    Desk,
    at,
    of_kind,
    sent,
)

from algotrader.core.events import (
    AskedAmend,
    AskedCancel,
    AskedOrder,
    AskedTarget,
    Decided,
    DecisionOutcome,
    ModeChanged,
    OrderAmended,
    OrderDenied,
    OrderSubmitted,
    StopTriggered,
    StrategyAnswered,
    TimerFired,
    TradingMode,
)
from algotrader.core.events.questions import HeardEnd, HeardFill, StrategyQuestion
from algotrader.core.orders import OrderStatus, Protection, Purpose, Side
from algotrader.core.symbols import Symbol
from algotrader.engine.commands import Amend, AskStrategy, Cancel, Command, SetTimer
from algotrader.portfolio.intents import Execution


def test_what_a_capped_order_leaves_is_tried_again_inside_the_bar_then_at_the_next_close() -> None:
    desk = Desk(execution=Execution.CAPPED)
    desk.bar(1)
    [first] = desk.answer(1, 0.5)  # 5,000 of 10,000: 5,000 contracts of 1 USDT
    now = T0 + HOUR
    desk.accept(first, now + 10)
    desk.fill(first, 2_000, now + 20)
    waits = desk.seen(first, OrderStatus.EXPIRED, 2_000, now + 30)

    [timer] = of_kind(waits, SetTimer)
    woken = TimerFired(**at(timer.at_ms), name=timer.name)
    [second] = sent(desk.tell(woken))
    desk.accept(second, timer.at_ms + 5)
    desk.seen(second, OrderStatus.EXPIRED, 0, T0 + 2 * HOUR - 1)
    desk.bar(2, 101.0)
    [third] = desk.answer(2)

    assert (first.quantity, first.terms.limit, first.terms.tif) == (5_000, Decimal("100.5"), "ioc")
    assert timer.at_ms == now + 30 + 2_000
    assert (second.quantity, second.terms.limit) == (3_000, Decimal("100.5"))  # the same cap
    assert second.intent.attempt == 1
    assert (third.quantity, third.terms.limit) == (3_000, Decimal("101.5"))  # 101 x 1.005 down


def test_a_guard_follows_its_position_and_ends_with_it() -> None:
    desk = Desk(execution=Execution.MARKET, protection=Protection(stop_loss=0.02, take_profit=0.03))
    desk.bar(1)
    [entry] = desk.answer(1, 0.5)
    ms = T0 + HOUR
    stop, target = sent(desk.fill(entry, 4_000, ms + 20))
    for order in (entry, stop, target):
        desk.accept(order, ms + 30)
    grown = desk.fill(entry, 1_000, ms + 40, price=110)  # the average entry is 102 now
    done = desk.fill(stop, 5_000, ms + 60, price=99)

    assert (stop.quantity, stop.terms.stop, stop.intent.purpose) == (4_000, 98, Purpose.STOP_LOSS)
    assert (target.terms.limit, target.terms.reduce_only) == (103, True)
    amends = {one.order_id: one for one in of_kind(grown, Amend)}
    assert (amends[stop.order_id].quantity, amends[stop.order_id].stop) == (5_000, Decimal("99.9"))
    assert amends[target.order_id].limit == Decimal("105.1")  # 105.06, up for a sell
    assert [one.order_id for one in of_kind(done, Cancel)] == [target.order_id]


def test_after_a_stop_the_same_sign_waits_until_the_target_has_left_it() -> None:
    desk = Desk(execution=Execution.MARKET, protection=Protection(stop_loss=0.02))
    desk.bar(1)
    [entry] = desk.answer(1, 0.5)
    ms = T0 + HOUR
    [stop] = sent(desk.fill(entry, 5_000, ms + 20))
    desk.accept(stop, ms + 25)
    desk.tell(
        StopTriggered(**desk.news(stop, ms + 30), child_order_id=None, trigger_price=Decimal(98))
    )
    desk.fill(stop, 5_000, ms + 40, price=98)
    desk.bar(2)
    again = desk.answer(2, 0.4)
    desk.bar(3)
    flat = desk.answer(3, 0.0)
    desk.bar(4)
    later = desk.answer(4, 0.4)

    assert (again, flat) == ([], [])
    assert [order.side for order in later] == [Side.BUY]


def test_explicit_orders_are_sized_numbered_and_refused_by_the_rules_of_the_kernel() -> None:
    desk = Desk(by_bar=True)
    question = desk.bar(1)
    orders = desk.answer(
        1,
        asked=[
            AskedOrder(number=0, instrument=BTC.symbol, side=Side.BUY, weight=0.5, limit=99.96),
            AskedOrder(number=1, instrument=BTC.symbol, side=Side.BUY, value=250.9, stop_loss=0.1),
            AskedOrder(number=2, instrument=BTC.symbol, side=Side.SELL, quantity=0.4),
        ],
    )

    assert question is not None
    assert (question.equity, question.cash, question.next_number) == (10_000.0, 10_000.0, 0)
    assert [(one.quantity, one.terms.limit) for one in orders] == [
        (5_000, Decimal("99.9")),  # a buy's limit goes down to the tick
        (250, None),
    ]
    assert orders[1].intent.protection == Protection(stop_loss=0.1)
    [denied] = [one for one in desk.events if isinstance(one, OrderDenied)]
    assert [reason.rule for reason in denied.reasons] == ["below_minimum"]
    assert len({one.order_id for one in orders}) == 2


def test_an_order_is_worth_the_minimum_at_its_own_price() -> None:
    desk = Desk(replace(BTC, min_notional=Decimal(100)), by_bar=True)
    desk.bar(1)
    orders = desk.answer(  # 105 contracts are worth 105 at the close, 94.5 at 90, 115.5 at 110
        1,
        asked=[
            AskedOrder(number=0, instrument=BTC.symbol, side=Side.BUY, quantity=105.0, limit=90.0),
            AskedOrder(number=1, instrument=BTC.symbol, side=Side.BUY, quantity=105.0, stop=110.0),
            AskedOrder(number=2, instrument=BTC.symbol, side=Side.BUY, quantity=105.0),
        ],
    )

    assert [order.intent.number for order in orders] == [1, 2]


def test_the_next_question_tells_what_became_of_the_orders_and_keeps_the_state() -> None:
    desk = Desk(by_bar=True)
    desk.bar(1)
    limit, market = desk.answer(
        1,
        asked=[
            AskedOrder(number=0, instrument=BTC.symbol, side=Side.BUY, quantity=10.0, limit=90.0),
            AskedOrder(number=1, instrument=BTC.symbol, side=Side.BUY, quantity=20.0),
        ],
    )
    ms = T0 + HOUR
    desk.accept(limit, ms + 5)
    desk.fill(market, 20, ms + 10)
    question = desk.bar(2, 110.0)

    assert question is not None
    assert question.heard == (
        HeardFill(instrument=BTC.symbol, ts=ms + 10, number=1, quantity=20.0, price=100.0, fee=0.0,
                  is_maker=False, reason="order", is_opening=True),
        HeardEnd(instrument=BTC.symbol, number=1, status="filled"),
    )  # fmt: skip
    assert [order.number for order in question.working] == [0]
    assert (question.next_number, question.state) == (2, {"seen": 1})
    [held] = question.positions
    assert (held.quantity, held.entry, held.unrealised) == (20.0, 100.0, 2.0)  # 20 x 0.01 x 10

    orders = desk.answer(
        2, asked=[AskedCancel(number=0), AskedTarget(instrument=BTC.symbol, quantity=-5.0)]
    )
    after = desk.bar(3, 110.0)

    assert [one.order_id for one in of_kind(desk.commands, Cancel)] == [limit.order_id]
    assert sum(order.terms.signed_quantity for order in orders) == -25
    assert after is not None
    assert after.heard == ()


def test_a_change_is_asked_for_and_holds_once_the_venue_has_said_so() -> None:
    desk = Desk(by_bar=True)
    desk.bar(1)
    [limit] = desk.answer(
        1,
        asked=[AskedOrder(number=0, instrument=BTC.symbol, side=Side.BUY, quantity=10.0, limit=90)],
    )
    desk.accept(limit, T0 + HOUR + 5)
    desk.bar(2)
    before = len(desk.commands)
    desk.answer(2, asked=[AskedAmend(number=0, quantity=12.0, limit=91.27)])

    [amend] = of_kind(desk.commands[before:], Amend)
    assert (amend.quantity, amend.limit) == (12, Decimal("91.2"))
    live = desk.engine.state.orders[limit.order_id]
    assert (live.status, live.quantity) == (OrderStatus.PENDING_AMEND, 10)
    desk.tell(
        OrderAmended(**desk.news(limit, T0 + 2 * HOUR + 9), quantity=amend.quantity,
                     limit=amend.limit, stop=None)
    )  # fmt: skip
    live = desk.engine.state.orders[limit.order_id]
    assert (live.status, live.quantity, live.limit) == (OrderStatus.ACCEPTED, 12, Decimal("91.2"))


@pytest.mark.parametrize("codec", [msgspec.msgpack, msgspec.json], ids=["msgpack", "json"])
def test_a_question_travels_between_processes_and_arrives_the_same(codec: Any) -> None:
    desk = Desk(by_bar=True)
    desk.bar(1)
    [market] = desk.answer(
        1, asked=[AskedOrder(number=0, instrument=BTC.symbol, side=Side.BUY, quantity=20.0)]
    )
    desk.fill(market, 20, T0 + HOUR + 10)
    question = desk.bar(2)

    written = codec.encode(question, enc_hook=str)
    read = codec.decode(written, type=StrategyQuestion, dec_hook=lambda _, text: Symbol.parse(text))

    assert read == question


def test_the_journal_alone_brings_all_of_it_back() -> None:
    desk = Desk(by_bar=True, protection=Protection(stop_loss=0.02))
    desk.bar(1)
    [market] = desk.answer(
        1, asked=[AskedOrder(number=0, instrument=BTC.symbol, side=Side.BUY, quantity=20.0)]
    )
    [stop] = sent(desk.fill(market, 20, T0 + HOUR + 10))
    desk.accept(stop, T0 + HOUR + 20)
    desk.tell(
        StopTriggered(
            **desk.news(stop, T0 + HOUR + 30), child_order_id=None, trigger_price=Decimal(98)
        )
    )
    again = Desk(by_bar=True, protection=Protection(stop_loss=0.02)).engine
    for event in desk.events[2:]:
        again.apply(event)

    ours, theirs = desk.engine.state, again.state
    assert theirs.protected.blocks == ours.protected.blocks != {}
    assert theirs.protected.sets == ours.protected.sets
    assert theirs.talks.orders == ours.talks.orders
    assert theirs.talks.heard == ours.talks.heard
    assert theirs.talks.next_number == ours.talks.next_number
    assert [e.order.order_id for e in desk.events if isinstance(e, OrderSubmitted)] == [
        market.order_id,
        stop.order_id,
    ]


def by_recovery(mode: TradingMode, ms: int) -> ModeChanged:
    return ModeChanged(**at(ms), account=MAIN, mode=mode, reason="", by="recovery")


def test_a_question_that_a_restart_left_unanswered_is_asked_again_with_all_it_told() -> None:
    desk = Desk(by_bar=True)
    asked = desk.bar(1)
    assert asked is not None
    again: list[Command] = []
    for mode in (TradingMode.STARTING, TradingMode.TRADING):
        again = desk.tell(by_recovery(mode, T0 + HOUR))

    assert [one.question for one in of_kind(again, AskStrategy)] == [asked]


def test_a_fill_heard_between_a_question_and_its_repetition_is_told_once() -> None:
    desk = Desk(by_bar=True)
    desk.bar(1)
    [order] = desk.answer(
        1, asked=[AskedOrder(number=0, instrument=BTC.symbol, side=Side.BUY, quantity=20.0)]
    )
    desk.accept(order, T0 + HOUR + 5)
    first = desk.bar(2)
    desk.tell(by_recovery(TradingMode.STARTING, T0 + 2 * HOUR))
    desk.fill(order, 20, T0 + 2 * HOUR + 1)
    done = desk.tell(by_recovery(TradingMode.TRADING, T0 + 2 * HOUR))
    [again] = of_kind(done, AskStrategy)
    desk.answer(2)
    after = desk.bar(3)

    assert first is not None
    assert after is not None
    assert first.heard == ()
    assert [one.quantity for one in again.question.heard if isinstance(one, HeardFill)] == [20.0]
    assert [held.quantity for held in again.question.positions] == [20.0]
    assert after.heard == ()


def test_books_that_agree_again_while_a_question_is_open_lose_no_fill() -> None:
    """The comparison with the venue speaks as recovery does; a start it is not."""
    desk = Desk(by_bar=True)
    desk.bar(1)
    [order] = desk.answer(
        1, asked=[AskedOrder(number=0, instrument=BTC.symbol, side=Side.BUY, quantity=20.0)]
    )
    desk.accept(order, T0 + HOUR + 5)
    first = desk.bar(2)
    desk.fill(order, 20, T0 + 2 * HOUR + 1)
    done = desk.tell(by_recovery(TradingMode.REDUCE_ONLY, T0 + 2 * HOUR + 2))
    desk.answer(2)
    third = desk.bar(3)

    assert first is not None
    assert third is not None
    assert of_kind(done, AskStrategy) == []
    assert first.heard == ()
    assert sum(isinstance(one, HeardFill) for one in third.heard) == 1


@pytest.mark.parametrize("outcome", [DecisionOutcome.TIMED_OUT, DecisionOutcome.RAISED])
def test_f57_a_decision_that_was_not_made_takes_nothing_from_the_strategy(
    outcome: DecisionOutcome,
) -> None:
    desk = Desk(by_bar=True)
    desk.bar(1)
    [order] = desk.answer(
        1, asked=[AskedOrder(number=0, instrument=BTC.symbol, side=Side.BUY, quantity=20.0)]
    )
    desk.accept(order, T0 + HOUR + 5)
    desk.fill(order, 20, T0 + HOUR + 9)
    second = desk.bar(2)
    unmade = StrategyAnswered(
        **at(T0 + 2 * HOUR), account=MAIN, strategy=TREND, decision_ts=T0 + 2 * HOUR,
        outcome=outcome, error="no answer within 2 s",
    )  # fmt: skip
    desk.tell(unmade)
    third = desk.bar(3)

    assert second is not None
    assert third is not None
    assert third.state == second.state == {"seen": 1}
    assert third.heard == second.heard != ()
    assert third.missed_after == T0 + HOUR  # R24: the bar of the decision that was not made


def test_r1_a_slice_that_is_told_again_is_not_acted_on_again() -> None:
    desk = Desk(execution=Execution.MARKET, by_bar=True)
    wish = AskedOrder(instrument=BTC.symbol, number=0, side=Side.BUY, weight=0.2)
    desk.bar(1)
    [order] = desk.answer(1, asked=[wish])
    desk.accept(order, T0 + HOUR + 10)
    desk.bar(1)  # a restart inside the bar

    assert desk.answer(1, asked=[wish]) == []
    assert sum(isinstance(event, Decided) for event in desk.events) == 1


def test_r10_a_new_target_is_followed_when_the_order_of_the_old_one_settles() -> None:
    desk = Desk(execution=Execution.CAPPED)
    desk.bar(1)
    [old] = desk.answer(1, 0.5)
    now = T0 + HOUR
    desk.accept(old, now + 5)
    desk.fill(old, 1_000, now + 10)
    desk.seen(old, OrderStatus.EXPIRED, 2_000, now + 20)  # 1,000 of it are still to be told
    assert desk.engine.state.orders[old.order_id].status is OrderStatus.SETTLING
    desk.bar(2)
    assert desk.answer(2, 0.0) == []
    done = desk.fill(old, 1_000, now + HOUR + 50)

    assert [(one.side, one.quantity) for one in sent(done)] == [(Side.SELL, 2_000)]
    assert of_kind(done, SetTimer)[-1].name.startswith("lookup:")  # none that tries the old again


def test_r10_the_rest_of_an_old_target_is_not_bought_once_a_newer_one_is_reached() -> None:
    desk = Desk(execution=Execution.CAPPED)
    desk.bar(1)
    [old] = desk.answer(1, 0.5)
    now = T0 + HOUR
    desk.accept(old, now + 5)
    desk.fill(old, 2_000, now + 10)  # and nothing is heard of its end for a bar
    desk.bar(2)
    assert desk.answer(2, 0.2) == []  # 2,000: what is held
    done = desk.seen(old, OrderStatus.EXPIRED, 2_000, now + HOUR + 100)
    again = [one for one in of_kind(done, SetTimer) if one.name.startswith("again:")]

    assert (sent(done), again, desk.engine.state.waiting) == ([], [], {})


def test_r13_what_a_capped_order_left_is_tried_again_though_its_trades_came_late() -> None:
    desk = Desk(execution=Execution.CAPPED)
    desk.bar(1)
    [first] = desk.answer(1, 0.5)
    now = T0 + HOUR
    desk.accept(first, now + 5)
    desk.seen(first, OrderStatus.EXPIRED, 2_000, now + 20)
    done = desk.fill(first, 2_000, now + 30)
    [timer] = [one for one in of_kind(done, SetTimer) if one.name.startswith("again:")]
    [second] = sent(desk.tell(TimerFired(**at(timer.at_ms), name=timer.name)))

    assert second.quantity == 3_000


def test_r24_a_rest_whose_timer_fires_after_its_bar_waits_for_the_next_decision() -> None:
    desk = Desk(execution=Execution.CAPPED)
    desk.bar(1)
    [first] = desk.answer(1, 0.5)
    desk.accept(first, T0 + HOUR + 5)
    desk.fill(first, 2_000, T0 + HOUR + 10)
    [timer] = of_kind(desk.seen(first, OrderStatus.EXPIRED, 2_000, T0 + HOUR + 20), SetTimer)
    late = TimerFired(**at(T0 + 3 * HOUR), name=timer.name)  # the machine slept
    assert sent(desk.tell(late)) == []
    desk.bar(3, 101.0)
    [second] = desk.answer(3)

    assert (second.quantity, second.terms.limit) == (3_000, Decimal("101.5"))
