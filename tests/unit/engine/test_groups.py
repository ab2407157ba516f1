"""Legs of one decision end alike, over restarts too (R37)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from decimal import Decimal

from tests.builders.books import SPOT
from tests.builders.engines import BTC, HOUR, T0, Desk, at, of_kind, sent

from algotrader.core.events import (
    AskedOrder,
    HeartbeatMissed,
    OrderCancelled,
    OrderNotFound,
    OrderRejected,
    StopTriggered,
)
from algotrader.core.instruments import FeeSchedule
from algotrader.core.money import Currency
from algotrader.core.orders import Order, OrderStatus, Purpose, Side
from algotrader.core.symbols import Symbol
from algotrader.engine.commands import Alert, Command
from algotrader.engine.engine import Engine
from algotrader.engine.image import differences
from algotrader.portfolio.intents import Execution

ETH = replace(BTC, symbol=Symbol.parse("OKX:ETH/USDT:USDT"))
COIN = replace(SPOT, fees=FeeSchedule())
OTHER = replace(COIN, symbol=Symbol.parse("OKX:ETH/USDT"), base=Currency("ETH"))
MS = T0 + HOUR


def a_pair() -> tuple[Desk, Order, Order]:
    """Ten bought of one leg; the other, a sale of ten, rests."""
    desk = Desk(by_bar=True, others=(ETH,), panel=True)
    desk.bars(1)
    bought, rests = desk.answer(1, asked=[
        AskedOrder(number=0, instrument=BTC.symbol, side=Side.BUY, quantity=10.0, group="pair"),
        AskedOrder(number=1, instrument=ETH.symbol, side=Side.SELL, quantity=10.0, limit=105.0,
                   group="pair"),
    ])  # fmt: skip
    for order in (bought, rests):
        desk.accept(order, MS + 10)
    desk.fill(bought, 10, MS + 20)
    return desk, bought, rests


def cancelled(desk: Desk, order: Order, ms: int) -> list[Command]:
    end = OrderCancelled(**desk.news(order, ms), filled_quantity=Decimal(0), reason="the venue")
    return desk.tell(end)


def backs(commands: Iterable[Command]) -> list[tuple[Symbol, Side, Decimal]]:
    return [
        (one.instrument, one.side, one.quantity)
        for one in sent(commands)
        if one.intent.purpose is Purpose.GROUP
    ]


GIVEN_BACK = [(BTC.symbol, Side.SELL, Decimal(10))]


def test_r37_a_leg_that_ended_while_nobody_looked_is_matched_when_the_start_is_over() -> None:
    desk, _, rests = a_pair()
    desk.restart(MS + 60_000)
    early = desk.seen(rests, OrderStatus.CANCELLED, 0, MS + 60_100)

    assert backs(early) == []  # nothing goes out before the venue was compared
    assert of_kind(early, Alert) == []  # and nobody is told that it did
    assert backs(desk.recovery(MS + 61_000)) == GIVEN_BACK


def test_r37_a_bar_that_closes_before_the_start_is_over_forgets_no_group() -> None:
    desk, _, rests = a_pair()
    desk.restart(MS + 60_000)
    desk.seen(rests, OrderStatus.CANCELLED, 0, MS + 60_100)
    desk.bars(2)

    assert backs(desk.recovery(MS + HOUR + 1_000)) == GIVEN_BACK


def test_r37_what_never_left_is_given_back_again_once() -> None:
    desk, _, rests = a_pair()
    [lost] = sent(cancelled(desk, rests, MS + 5_000))
    desk.restart(MS + 60_000)
    desk.tell(OrderNotFound(**desk.news(lost, MS + 61_000), asked_ms=MS + 60_900))
    assert desk.engine.state.orders[lost.order_id].status is OrderStatus.ABSENT
    [back] = sent(desk.recovery(MS + 62_000))
    later = [*desk.bars(2), *desk.bars(3)]

    assert (back.side, back.quantity, back.intent.attempt) == (Side.SELL, 10, 1)
    assert backs(later) == []


def test_p9_a_replay_knows_the_same_groups() -> None:
    desk, _, rests = a_pair()
    desk.fill(rests, 10, MS + 50, price=105)
    again = Engine(desk.settings)
    for event in desk.events:
        again.apply(event)

    assert differences(desk.engine.state, again.state) == []


def test_a_group_is_forgotten_at_the_next_slice_once_nothing_of_it_is_open() -> None:
    desk, _, rests = a_pair()
    desk.bars(2)
    assert len(desk.engine.state.groups.legs) == 1
    desk.fill(rests, 10, MS + HOUR + 50, price=105)
    desk.bars(3)

    assert desk.engine.state.groups.legs == {}


def test_what_could_not_be_given_back_is_not_taken_of_a_later_position_by_a_restart() -> None:
    desk, _, rests = a_pair()
    silent = HeartbeatMissed(
        **at(MS + 4_000), component=f"bars:{BTC.symbol} 1h", last_seen_ms=0, allowed_ms=1
    )
    desk.tell(silent)
    assert backs(cancelled(desk, rests, MS + 5_000)) == []
    for hour, side, quantity in ((2, Side.SELL, 10), (3, Side.BUY, 7)):
        desk.bars(hour)
        asked = AskedOrder(number=hour, instrument=BTC.symbol, side=side, quantity=float(quantity))
        [order] = desk.answer(hour, asked=[asked])
        desk.fill(order, quantity, T0 + hour * HOUR + 20)
    desk.bars(4)
    assert desk.answer(4) == []
    desk.restart(T0 + 4 * HOUR + 1_000)

    assert sent([*desk.recovery(T0 + 4 * HOUR + 2_000), *desk.bars(5)]) == []
    assert desk.held() == 7


def a_rotation() -> tuple[Desk, Order, Order]:
    """Ten coins are to be sold as ten others are bought: the sale waits for the stop's end."""
    engine = {"freezing": frozenset({COIN.symbol, OTHER.symbol}), "guard_within_ms": 10_000}
    desk = Desk(COIN, others=(OTHER,), by_bar=True, panel=True, execution=Execution.MARKET,
                engine=engine)  # fmt: skip
    desk.bars(1)
    held = AskedOrder(
        number=0, instrument=COIN.symbol, side=Side.BUY, quantity=10.0, stop_loss=0.02
    )
    [entry] = desk.answer(1, asked=[held])
    desk.accept(entry, MS + 5)
    [guard] = sent(desk.fill(entry, 10, MS + 10))
    desk.accept(guard, MS + 15)
    desk.bars(2)
    [bought] = desk.answer(2, asked=[
        AskedOrder(number=1, instrument=COIN.symbol, side=Side.SELL, quantity=10.0, group="rotate"),
        AskedOrder(number=2, instrument=OTHER.symbol, side=Side.BUY, quantity=10.0, group="rotate"),
    ])  # fmt: skip
    desk.accept(bought, MS + HOUR + 5)
    desk.fill(bought, 10, MS + HOUR + 10)
    return desk, guard, bought


def test_r37_a_leg_that_waits_for_its_coins_and_is_refused_is_matched() -> None:
    desk, guard, bought = a_rotation()
    now = MS + HOUR
    desk.tell(
        StopTriggered(**desk.news(guard, now + 20), child_order_id=None, trigger_price=Decimal(98))
    )
    [sale] = sent(cancelled(desk, guard, now + 30))
    done = desk.tell(OrderRejected(**desk.news(sale, now + 40), code="1", reason="no"))

    assert backs([*done, *desk.bars(3)]) == [(OTHER.symbol, Side.SELL, bought.quantity)]


def test_r37_a_leg_whose_coins_are_free_too_late_is_matched() -> None:
    desk, guard, bought = a_rotation()
    now = MS + 2 * HOUR
    desk.bars(3)
    cancelled(desk, guard, now + 30)
    desk.answer(3)

    assert backs(desk.commands) == [(OTHER.symbol, Side.SELL, bought.quantity)]
