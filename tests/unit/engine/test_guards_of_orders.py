"""Guards of what an order opened: their size, whatever overtakes them, and when they are gone (R19).

Equity is 10,000; a contract is worth 1 USDT at 100, so quantities are contracts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any, Final

import pytest
from tests.builders.engines import BTC, HOUR, MAIN, T0, TREND, USDT, Desk, at, of_kind, sent

from algotrader.core.events import (
    AskedOrder,
    AskedTarget,
    Liquidated,
    ModeChanged,
    OrderAmended,
    OrderAmendRefused,
    OrderCancelled,
    OrderFilled,
    OrderNotFound,
    OrderSeen,
    OrderUnknown,
    ProtectionMissing,
    ProtectionRestored,
    StopTriggered,
    TimerFired,
    TradingMode,
)
from algotrader.core.fills import Fill
from algotrader.core.ids import TradeId, VenueOrderId
from algotrader.core.instants import utc_at
from algotrader.core.instruments import Instrument
from algotrader.core.orders import Order, OrderStatus, Protection, Purpose, Side
from algotrader.engine.commands import Amend, Cancel, Command, SetTimer
from algotrader.engine.engine import Engine

B: Final = BTC.symbol
MS: Final = T0 + HOUR
STOP: Final = Protection(stop_loss=0.1)
BOTH: Final = Protection(stop_loss=0.1, take_profit=0.1)


def a_desk(protection: Protection | None = None, instrument: Instrument = BTC) -> Desk:
    """Bar by bar where its positions have no guards of their own; a live venue, watched."""
    engine = {"guard_within_ms": 30_000}
    return Desk(instrument, engine, by_bar=protection is None, protection=protection)


def ask(number: int, quantity: float, side: Side = Side.BUY, **more: Any) -> AskedOrder:
    return AskedOrder(number=number, instrument=B, side=side, quantity=quantity, **more)


def entered(desk: Desk, **guards: Any) -> Order:
    """Ten were asked for at the first bar, and accepted."""
    desk.bar(1)
    [entry] = desk.answer(1, asked=[ask(0, 10.0, **guards)])
    desk.accept(entry, MS + 10)
    return entry


def accepted(desk: Desk, orders: Sequence[Order], ms: int) -> None:
    for one in orders:
        desk.accept(one, ms)


def triggered(desk: Desk, order: Order, ms: int, price: int = 90) -> list[Command]:
    return desk.tell(
        StopTriggered(**desk.news(order, ms), child_order_id=None, trigger_price=Decimal(price))
    )


def cancelled(desk: Desk, order: Order, ms: int, filled: int = 0) -> list[Command]:
    return desk.tell(
        OrderCancelled(**desk.news(order, ms), filled_quantity=Decimal(filled), reason="gone")
    )


def liquidated(desk: Desk, ms: int) -> list[Command]:
    """The venue sold all ten."""
    return desk.tell(
        Liquidated(**at(ms), account=MAIN, instrument=B, quantity=Decimal(-10), price=Decimal(80),
                   fee=Decimal(0), fee_currency=USDT, trade_id=TradeId("liquidated"))
    )  # fmt: skip


def seen(desk: Desk, order: Order, ms: int, quantity: int) -> list[Command]:
    """The venue shows an order that rests, and how large it is there."""
    return desk.tell(
        OrderSeen(**desk.news(order, ms), asked_ms=ms - 100, venue_order_id=VenueOrderId("v"),
                  status=OrderStatus.ACCEPTED, filled_quantity=Decimal(0),
                  quantity=Decimal(quantity), stop=order.terms.stop)
    )  # fmt: skip


def never_came(desk: Desk, order: Order, ms: int) -> list[Command]:
    """The venue knows nothing of an order, long after it would have refused it."""
    return desk.tell(OrderNotFound(**desk.news(order, ms), asked_ms=ms - 100))


def restarted(desk: Desk, ms: int) -> list[Command]:
    """A new process: the journal replayed to its end, its timers gone, and what it asks."""
    desk.engine = Engine(desk.settings)
    for event in desk.events:
        desk.engine.apply(event)
    became(desk, TradingMode.STARTING, ms)
    asked = desk.engine.resume(ms)
    desk.events += asked.events
    desk.commands += asked.commands
    return asked.commands


def trading(desk: Desk, ms: int) -> list[Command]:
    """The venue was compared with the books."""
    return became(desk, TradingMode.TRADING, ms)


def became(desk: Desk, mode: TradingMode, ms: int) -> list[Command]:
    return desk.tell(ModeChanged(**at(ms), account=MAIN, mode=mode, reason="", by="recovery"))


def with_a_stop(quantity: int) -> tuple[Desk, Order]:
    """So many are held by a target, at 100, with the position's stop."""
    desk = a_desk(STOP)
    desk.bar(1)
    [entry] = desk.answer(1, 0.5)
    [stop] = sent(desk.fill(entry, quantity, MS + 20))
    desk.accept(stop, MS + 30)
    return desk, stop


def by_a_person(desk: Desk, side: Side, quantity: int, ms: int) -> list[Command]:
    """A trade at 100 of no order of ours."""
    desk.trades += 1
    fill = Fill(
        trade_id=TradeId(f"t{desk.trades}"), order_id=None, account=MAIN, instrument=B, side=side,
        quantity=Decimal(quantity), price=Decimal(100), fee=Decimal(0), fee_currency=USDT,
        filled_at=utc_at(ms),
    )  # fmt: skip
    return desk.tell(OrderFilled(**at(ms), fill=fill))


def held(desk: Desk) -> Decimal:
    return desk.engine.state.books[MAIN].parts[TREND].position(B).quantity


def timers(desk: Desk, since: int) -> list[Command]:
    """What follows when the timers of guards that were set since then fire."""
    done: list[Command] = []
    for one in of_kind(desk.commands[since:], SetTimer):
        if one.name.startswith("guard:"):
            done += desk.tell(TimerFired(**at(one.at_ms), name=one.name))
    return done


def sizes(orders: list[Order]) -> list[tuple[Side, Decimal]]:
    return [(one.side, one.quantity) for one in orders]


# A5: stops that guard nothing


def test_an_entry_stop_that_triggers_blocks_nothing() -> None:
    desk = a_desk()
    entry = entered(desk, stop=105.0)
    triggered(desk, entry, MS + 20, price=105)
    desk.fill(entry, 10, MS + 30, price=105)
    desk.bar(2)
    flip = desk.answer(2, asked=[AskedTarget(instrument=B, quantity=-5.0)])

    assert sum(one.quantity for one in flip) == 15
    assert desk.engine.state.protected.blocks == {}
    assert desk.engine.state.protected.exits == {}


def test_a_sell_stop_of_the_strategy_s_own_lets_it_enter_again() -> None:
    desk = a_desk()
    entry = entered(desk)
    desk.fill(entry, 10, MS + 20)
    desk.bar(2)
    [stop] = desk.answer(2, asked=[ask(1, 10.0, Side.SELL, stop=95.0, reduce_only=True)])
    desk.accept(stop, MS + HOUR + 10)
    triggered(desk, stop, MS + HOUR + 20, price=95)
    desk.fill(stop, 10, MS + HOUR + 30, price=95)
    desk.bar(3)
    again = desk.answer(3, asked=[AskedTarget(instrument=B, quantity=5.0)])

    assert sizes(again) == [(Side.BUY, Decimal(5))]


# A2: what an order opened is gone with the side it was of


def test_a_flip_forgets_what_the_order_before_it_had_opened() -> None:
    desk = a_desk()
    entry = entered(desk, stop_loss=0.1, take_profit=0.1)
    guards = sent(desk.fill(entry, 10, MS + 20))
    accepted(desk, guards, MS + 25)
    desk.bar(2)
    [flip] = desk.answer(2, asked=[ask(1, 15.0, Side.SELL)])
    desk.fill(flip, 15, MS + HOUR + 10)
    for one in guards:
        cancelled(desk, one, MS + HOUR + 20)
    desk.bar(3)
    [again] = desk.answer(3, asked=[ask(2, 15.0)])
    since = len(desk.commands)
    desk.fill(again, 15, MS + 2 * HOUR + 10, price=200)
    timers(desk, since)

    assert len(guards) == 2
    assert held(desk) == 10
    assert sent(desk.commands[since:]) == []  # a stop at 90 and a target at 110 came back
    assert desk.engine.state.protected.openers == {}


def test_a_flip_guards_what_it_opened_on_the_other_side() -> None:
    desk = a_desk()
    entry = entered(desk, stop_loss=0.1)
    [old] = sent(desk.fill(entry, 10, MS + 20))
    desk.accept(old, MS + 25)
    desk.bar(2)
    [flip] = desk.answer(2, asked=[ask(1, 15.0, Side.SELL, stop_loss=0.1)])
    done = desk.fill(flip, 15, MS + HOUR + 10)

    assert [one.order_id for one in of_kind(done, Cancel)] == [old.order_id]
    assert [(*sizes([one])[0], one.terms.stop) for one in sent(done)] == [(Side.BUY, 5, 110)]


def test_a_liquidation_forgets_what_orders_had_opened() -> None:
    desk = a_desk()
    entry = entered(desk, stop_loss=0.1, take_profit=0.1)
    guards = sent(desk.fill(entry, 10, MS + 20))
    accepted(desk, guards, MS + 25)
    liquidated(desk, MS + 100)
    for one in guards:
        cancelled(desk, one, MS + 120)
    desk.bar(2)
    desk.answer(2)
    desk.bar(3, 200.0)
    [again] = desk.answer(3, asked=[ask(2, 10.0)])
    since = len(desk.commands)
    desk.fill(again, 10, MS + 2 * HOUR + 10, price=200)

    assert held(desk) == 10
    assert sent(desk.commands[since:]) == []


# A3: what an exit left is guarded (F25, F28)


def test_f28_an_entry_that_trades_on_while_its_stop_sells_is_guarded_anew() -> None:
    desk = a_desk()
    entry = entered(desk, limit=100.0, stop_loss=0.1)
    [stop] = sent(desk.fill(entry, 4, MS + 20))
    desk.accept(stop, MS + 30)
    since = len(desk.commands)
    reached = triggered(desk, stop, MS + 100)
    desk.fill(entry, 6, MS + 110, price=90)  # crosses its cancel
    desk.fill(stop, 4, MS + 120, price=90)
    [again] = sent(desk.commands[since:])
    done = desk.accept(again, MS + 150)

    assert [one.order_id for one in of_kind(reached, Cancel)] == [entry.order_id]
    assert (again.side, again.quantity, again.intent.purpose) == (
        Side.SELL, 6, Purpose.STOP_LOSS,
    )  # fmt: skip
    assert again.terms.stop == Decimal("84.6")  # (4 x 100 + 6 x 90) / 10 = 94, less a tenth
    assert of_kind(done, Amend) == []


def test_f25_a_stop_that_the_venue_ends_short_is_made_again_for_what_it_left() -> None:
    desk = a_desk()
    entry = entered(desk, stop_loss=0.1)
    [stop] = sent(desk.fill(entry, 10, MS + 20))
    desk.accept(stop, MS + 30)
    since = len(desk.commands)
    triggered(desk, stop, MS + 100)
    desk.fill(stop, 4, MS + 120, price=90)
    cancelled(desk, stop, MS + 130, filled=4)
    [again] = sent(desk.commands[since:])
    missing = [one for one in desk.events if isinstance(one, ProtectionMissing)]
    desk.accept(again, MS + 180)

    assert (again.side, again.quantity, again.terms.stop) == (Side.SELL, 6, 90)
    assert [one.ts_known for one in missing] == [MS + 130]
    assert isinstance(desk.events[-1], ProtectionRestored)


def test_what_a_guard_sold_is_not_guarded_though_other_orders_hold_more() -> None:
    desk = a_desk()
    desk.bar(1)
    one, other = desk.answer(1, asked=[ask(0, 10.0, stop_loss=0.1), ask(1, 10.0, stop_loss=0.2)])
    [stop] = sent(desk.fill(one, 10, MS + 20))
    [deeper] = sent(desk.fill(other, 10, MS + 21))
    accepted(desk, (stop, deeper), MS + 30)
    since = len(desk.commands)
    triggered(desk, stop, MS + 100)
    desk.fill(stop, 10, MS + 110, price=90)
    timers(desk, since)

    assert held(desk) == 10
    assert sent(desk.commands[since:]) == []
    assert list(desk.engine.state.protected.openers) == [other.order_id]


def test_r9_less_than_the_venue_trades_of_what_a_stop_left_is_neither_guarded_nor_sold() -> None:
    desk = a_desk(instrument=replace(BTC, min_quantity=Decimal(5)))
    desk.bar(1)
    one, other = desk.answer(1, asked=[ask(0, 10.0, stop_loss=0.1), ask(1, 10.0, stop_loss=0.2)])
    [stop] = sent(desk.fill(one, 10, MS + 20))
    [deeper] = sent(desk.fill(other, 10, MS + 21))
    accepted(desk, (stop, deeper), MS + 30)
    since = len(desk.commands)
    desk.fill(stop, 7, MS + 110, price=90)
    cancelled(desk, stop, MS + 120, filled=7)

    assert held(desk) == 13
    assert sent(desk.commands[since:]) == []
    assert [one for one in desk.events if isinstance(one, ProtectionMissing)] == []


def test_what_a_target_leaves_is_what_its_stop_guards() -> None:
    desk = a_desk()
    entry = entered(desk, stop_loss=0.1, take_profit=0.1)
    stop, target = sent(desk.fill(entry, 10, MS + 20))
    accepted(desk, (stop, target), MS + 30)
    part = desk.fill(target, 4, MS + 100, price=110)
    rest = desk.fill(target, 6, MS + 110, price=110)

    assert [(one.order_id, one.quantity, one.stop) for one in of_kind(part, Amend)] == [
        (stop.order_id, 6, 90)
    ]
    assert [one.order_id for one in of_kind(rest, Cancel)] == [stop.order_id]


def test_a_stop_that_vanished_beside_a_target_comes_back_alone() -> None:
    desk = a_desk()
    entry = entered(desk, stop_loss=0.1, take_profit=0.1)
    stop, target = sent(desk.fill(entry, 10, MS + 20))
    accepted(desk, (stop, target), MS + 30)
    desk.fill(target, 4, MS + 100, price=110)
    [again] = sent(cancelled(desk, stop, MS + 200))

    assert (again.quantity, again.intent.purpose) == (6, Purpose.STOP_LOSS)


# A1: the size of a guard follows what its order opened


def test_a_fill_before_the_stop_was_accepted_is_guarded_once_it_is() -> None:
    desk = a_desk()
    entry = entered(desk, stop_loss=0.1)
    [stop] = sent(desk.fill(entry, 4, MS + 20))
    early = desk.fill(entry, 6, MS + 30, price=90)
    [moved] = of_kind(desk.accept(stop, MS + 40), Amend)

    assert (sent(early), of_kind(early, Amend)) == ([], [])
    assert (moved.order_id, moved.quantity) == (stop.order_id, 10)
    assert moved.stop == Decimal("84.6")  # (4 x 100 + 6 x 90) / 10 = 94, less a tenth


def test_a_change_of_a_stop_that_a_crash_lost_is_asked_for_again() -> None:
    desk = a_desk()
    entry = entered(desk, stop_loss=0.1)
    [stop] = sent(desk.fill(entry, 4, MS + 20))
    desk.accept(stop, MS + 25)
    [lost] = of_kind(desk.fill(entry, 6, MS + 30), Amend)
    restarted(desk, MS + 60_000)
    [again] = of_kind(seen(desk, stop, MS + 60_200, quantity=4), Amend)

    assert (lost.quantity, again.quantity, again.order_id) == (10, 10, stop.order_id)


def test_a_stop_that_is_found_too_small_is_changed_when_a_restart_is_over() -> None:
    """Its change was refused, and the timer that would have seen to it died with the process."""
    desk = a_desk()
    entry = entered(desk, stop_loss=0.1)
    [stop] = sent(desk.fill(entry, 4, MS + 20))
    desk.accept(stop, MS + 25)
    desk.fill(entry, 6, MS + 30)
    desk.tell(OrderAmendRefused(**desk.news(stop, MS + 40), code="1", reason="busy"))
    restarted(desk, MS + 900)
    [moved] = of_kind(trading(desk, MS + 990), Amend)

    assert (moved.order_id, moved.quantity) == (stop.order_id, 10)


def test_a_stop_whose_change_is_refused_is_ended_and_made_anew() -> None:
    desk = a_desk()
    entry = entered(desk, stop_loss=0.1)
    [stop] = sent(desk.fill(entry, 4, MS + 20))
    desk.accept(stop, MS + 25)
    desk.fill(entry, 6, MS + 30)
    since = len(desk.commands)
    desk.tell(OrderAmendRefused(**desk.news(stop, MS + 40), code="1", reason="busy"))
    seen(desk, stop, MS + 200, quantity=4)
    [ended] = of_kind(timers(desk, since), Cancel)
    [again] = sent(cancelled(desk, stop, MS + 2_100))

    assert ended.order_id == stop.order_id
    assert (again.quantity, again.terms.stop) == (10, 90)


def test_a_refused_change_of_a_stop_that_covers_what_is_held_ends_nothing() -> None:
    desk = a_desk()
    entry = entered(desk, stop_loss=0.1)
    [stop] = sent(desk.fill(entry, 8, MS + 20))
    desk.accept(stop, MS + 25)
    desk.bar(2)
    [sale] = desk.answer(2, asked=[ask(1, 5.0, Side.SELL)])
    desk.fill(sale, 5, MS + HOUR + 10)
    desk.fill(entry, 2, MS + HOUR + 20)  # five are held now, eight have a stop
    since = len(desk.commands)
    desk.tell(OrderAmendRefused(**desk.news(stop, MS + HOUR + 40), code="1", reason="too many"))
    timers(desk, since)

    assert of_kind(desk.commands[since:], Cancel) == []
    assert of_kind(desk.commands[since:], Amend) == []


def test_a_target_s_fill_before_its_stop_was_accepted_makes_the_stop_smaller_once_it_is() -> None:
    desk = a_desk()
    entry = entered(desk, stop_loss=0.1, take_profit=0.1)
    stop, target = sent(desk.fill(entry, 10, MS + 20))
    desk.accept(target, MS + 25)
    early = desk.fill(target, 4, MS + 30, price=110)
    [moved] = of_kind(desk.accept(stop, MS + 40), Amend)

    assert of_kind(early, Amend) == []
    assert (moved.order_id, moved.quantity) == (stop.order_id, 6)


# A9: what a person or the venue did to a position


def test_a_person_who_leaves_a_position_leaves_no_stop_behind() -> None:
    desk, stop = with_a_stop(5_000)
    done = by_a_person(desk, Side.SELL, 5_000, MS + 1_000)

    assert held(desk) == 0
    assert [one.order_id for one in of_kind(done, Cancel)] == [stop.order_id]


def test_a_person_who_turns_a_position_over_leaves_no_stop_of_the_old_side() -> None:
    desk, stop = with_a_stop(5_000)
    done = by_a_person(desk, Side.SELL, 6_000, MS + 1_000)
    [again] = sent(done)

    assert [one.order_id for one in of_kind(done, Cancel)] == [stop.order_id]
    assert (again.side, again.quantity, again.terms.stop) == (Side.BUY, 1_000, 110)


def test_what_a_person_adds_and_sells_the_stop_follows() -> None:
    desk, stop = with_a_stop(5_000)
    [more] = of_kind(by_a_person(desk, Side.BUY, 1_000, MS + 1_000), Amend)
    desk.tell(
        OrderAmended(**desk.news(stop, MS + 1_050), quantity=more.quantity, limit=None,
                     stop=more.stop)
    )  # fmt: skip
    [less] = of_kind(by_a_person(desk, Side.SELL, 2_000, MS + 2_000), Amend)

    assert (more.order_id, more.quantity, less.quantity) == (stop.order_id, 6_000, 4_000)


def test_a_liquidation_leaves_no_stop_behind() -> None:
    desk = a_desk()
    entry = entered(desk, stop_loss=0.1, take_profit=0.1)
    guards = sent(desk.fill(entry, 10, MS + 20))
    accepted(desk, guards, MS + 25)
    done = liquidated(desk, MS + 100)

    assert {one.order_id for one in of_kind(done, Cancel)} == {one.order_id for one in guards}


# C14, C15: guards that the venue never got


def test_a_target_alone_whose_entry_filled_while_we_were_down_is_made_after_the_start() -> None:
    desk = a_desk(Protection(take_profit=0.1))
    desk.bar(1)
    [entry] = desk.answer(1, 0.5)
    restarted(desk, MS + 60_000)
    denied = sent(desk.fill(entry, int(entry.quantity), MS + 60_100))
    [target] = sent(trading(desk, MS + 61_000))
    restarted(desk, MS + 62_000)
    seen(desk, target, MS + 62_200, quantity=int(target.quantity))

    assert denied == []
    assert (target.intent.purpose, target.quantity) == (Purpose.TAKE_PROFIT, entry.quantity)
    assert sent(trading(desk, MS + 63_000)) == []  # it is there


@pytest.mark.parametrize(
    ("protection", "lost"),
    [
        (BOTH, Purpose.TAKE_PROFIT),
        (Protection(stop_loss=0.1, trailing=0.05), Purpose.TRAILING),
        (Protection(trailing=0.05, take_profit=0.1), Purpose.TAKE_PROFIT),
    ],
)
def test_the_part_of_a_set_that_never_left_is_made_again(
    protection: Protection, lost: Purpose
) -> None:
    desk = a_desk(protection)
    desk.bar(1)
    [entry] = desk.answer(1, 0.5)
    there, gone = sent(desk.fill(entry, int(entry.quantity), MS + 100))
    desk.accept(there, MS + 150)  # killed here
    restarted(desk, MS + 60_000)
    seen(desk, there, MS + 60_200, quantity=int(there.quantity))
    early = never_came(desk, gone, MS + 61_000)
    [again] = sent(trading(desk, MS + 62_000))

    assert sent(early) == []  # nothing goes out before the venue was compared
    assert (again.intent.purpose, again.quantity) == (lost, gone.quantity)
    assert again.order_id != gone.order_id


def test_a_target_of_an_order_that_never_arrived_is_made_again_at_once() -> None:
    desk = a_desk()
    entry = entered(desk, stop_loss=0.1, take_profit=0.1)
    stop, target = sent(desk.fill(entry, 10, MS + 20))
    desk.accept(stop, MS + 30)
    desk.tell(OrderUnknown(**desk.news(target, MS + 40), deadline_ms=MS + 5_020, reason="silence"))
    [again] = sent(never_came(desk, target, MS + 9_000))

    assert (again.intent.purpose, again.quantity) == (Purpose.TAKE_PROFIT, 10)
    assert [
        one.order_id for one in of_kind(desk.fill(again, 10, MS + 9_900, price=110), Cancel)
    ] == [stop.order_id]


def test_a_target_that_was_ended_at_the_venue_stays_ended() -> None:
    desk = a_desk(BOTH)
    desk.bar(1)
    [entry] = desk.answer(1, 0.5)
    stop, target = sent(desk.fill(entry, int(entry.quantity), MS + 100))
    accepted(desk, (stop, target), MS + 150)
    cancelled(desk, target, MS + 1_000)
    restarted(desk, MS + 60_000)
    seen(desk, stop, MS + 60_200, quantity=int(stop.quantity))

    assert sent(trading(desk, MS + 62_000)) == []


def test_what_was_lost_of_a_position_is_not_made_for_the_next_one() -> None:
    desk = a_desk(Protection(take_profit=0.1))
    desk.bar(1)
    [entry] = desk.answer(1, 0.5)
    restarted(desk, MS + 60_000)
    desk.fill(entry, int(entry.quantity), MS + 60_100)  # its target is denied
    by_a_person(desk, Side.SELL, int(entry.quantity), MS + 60_200)

    assert sent(trading(desk, MS + 61_000)) == []
    assert desk.engine.state.protected.unmade == {}
