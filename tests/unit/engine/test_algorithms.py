"""TWAP and limit-chase: slices worked by hand, races, bounds, and a restart in the middle (R13)."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from tests.builders.engines import BTC, HOUR, MAIN, T0, TREND, Desk, at, of_kind, sent

from algotrader.core.errors import ConfigurationError
from algotrader.core.events import (
    ModeChanged,
    OrderAmended,
    OrderAmendRefused,
    OrderCancelled,
    QuoteSeen,
    StopTriggered,
    TimerFired,
    TradingMode,
    WorkEnded,
    WorkStarted,
)
from algotrader.core.orders import Order, OrderStatus, Protection, Purpose, Side, TimeInForce
from algotrader.engine.commands import Amend, Cancel, Command, SetTimer
from algotrader.engine.settings import Algorithm, AlgorithmKind
from algotrader.portfolio.intents import Execution

SYMBOL = BTC.symbol
MS = T0 + HOUR
NAME = f"work:{TREND} {SYMBOL}"
TWAP = Algorithm(kind=AlgorithmKind.TWAP, over_ms=40_000, slices=4)
CHASE = Algorithm(kind=AlgorithmKind.CHASE, over_ms=40_000, every_ms=5_000)


def a_desk(algorithm: Algorithm, **changes: Any) -> Desk:
    return Desk(execution=Execution.CAPPED, algorithm=algorithm, **changes)


def begun(desk: Desk, weight: float = 0.5) -> Order:
    """The first slice of 5,000 contracts wanted at 100, whose cap is 100.5."""
    desk.bar(1)
    [first] = desk.answer(1, weight)
    return first


def wake(desk: Desk, after_ms: int) -> list[Command]:
    return desk.tell(TimerFired(**at(MS + after_ms), name=NAME))


def next_ms(commands: list[Command]) -> int:
    return next(one.at_ms for one in of_kind(commands, SetTimer) if one.name == NAME) - MS


def quote(desk: Desk, bid: str, ask: str, after_ms: int = 0) -> None:
    desk.tell(QuoteSeen(**at(MS + after_ms), instrument=SYMBOL, bid=Decimal(bid), ask=Decimal(ask)))


def ended(desk: Desk) -> list[tuple[Decimal, Decimal, str]]:
    return [(one.filled, one.left, one.reason) for one in desk.events if isinstance(one, WorkEnded)]


def test_twap_sends_equal_parts_and_catches_up_what_a_part_left() -> None:
    desk = a_desk(TWAP)
    first = begun(desk)
    desk.fill(first, 1_000, MS + 100)
    desk.seen(first, OrderStatus.EXPIRED, 1_000, MS + 110)
    done = wake(desk, 10_000)
    [second] = sent(done)
    desk.fill(second, 1_500, MS + 10_100)
    third = sent(wake(desk, 20_000))[0]
    desk.fill(third, 1_250, MS + 20_100)
    last = wake(desk, 30_000)
    [fourth] = sent(last)
    desk.fill(fourth, 1_250, MS + 30_100)

    orders = (first, second, third, fourth)
    assert [one.quantity for one in orders] == [1_250, 1_500, 1_250, 1_250]
    assert {one.terms.limit for one in orders} == {Decimal("100.5")}
    assert {one.terms.tif for one in orders} == {TimeInForce.IOC}
    assert {one.intent.purpose for one in orders} == {Purpose.SLICE}
    assert [one.intent.attempt for one in orders] == [0, 1, 2, 3]
    assert (next_ms(done), next_ms(last)) == (20_000, 40_000)
    assert ended(desk) == [(5_000, 0, "all of it is done")]
    assert desk.engine.state.works == {}
    assert desk.engine.state.waiting == {}


def test_twap_keeps_to_whole_lots_whose_sum_is_all() -> None:
    desk = a_desk(Algorithm(kind=AlgorithmKind.TWAP, over_ms=3_000, slices=3))
    sizes = []
    orders = [begun(desk, 0.001)]  # ten contracts
    for step in range(1, 4):
        order = orders[-1]
        sizes.append(order.quantity)
        desk.fill(order, int(order.quantity), MS + step * 1_000 - 500)
        orders += sent(wake(desk, step * 1_000))

    assert sizes == [3, 3, 4]  # 3.33, 6.67 and 10 down to lots
    assert len(orders) == 3


def test_twap_ends_with_its_time_and_takes_the_rest_at_the_bound() -> None:
    desk = a_desk(TWAP)
    orders = [begun(desk)]
    for step in range(1, 4):
        desk.seen(orders[-1], OrderStatus.EXPIRED, 0, MS + step * 10_000 - 500)
        orders += sent(wake(desk, step * 10_000))
    desk.seen(orders[-1], OrderStatus.EXPIRED, 0, MS + 39_000)
    [rest] = sent(wake(desk, 40_000))

    assert [one.quantity for one in orders] == [1_250, 2_500, 3_750, 5_000]
    assert ended(desk) == [(0, 5_000, "its time is over")]
    assert (rest.quantity, rest.terms.limit, rest.intent.purpose) == (
        5_000, Decimal("100.5"), Purpose.TARGET,
    )  # fmt: skip


def test_what_a_work_leaves_waits_for_the_next_bar_and_is_worked_anew_at_its_close() -> None:
    desk = a_desk(Algorithm(kind=AlgorithmKind.TWAP, over_ms=10_000, slices=1))
    first = begun(desk)
    desk.seen(first, OrderStatus.EXPIRED, 0, MS + 500)
    [rest] = sent(wake(desk, 10_000))
    desk.seen(rest, OrderStatus.EXPIRED, 0, MS + 10_100)
    desk.bar(2, 101.0)
    [again] = desk.answer(2)

    assert (again.quantity, again.intent.purpose) == (5_000, Purpose.SLICE)
    assert again.terms.limit == Decimal("101.5")  # 101 x 1.005, down


def test_reductions_are_never_worked() -> None:
    desk = a_desk(TWAP)
    first = begun(desk)
    desk.fill(first, 1_250, MS + 100)
    desk.bar(2)
    [sale] = desk.answer(2, 0.0)

    assert (sale.side, sale.quantity, sale.intent.purpose) == (Side.SELL, 1_250, Purpose.TARGET)
    assert desk.engine.state.works == {}
    assert sent(wake(desk, HOUR + 10_000)) == []  # the timer of what is no longer worked


def test_a_protective_exit_ends_the_work_of_its_entry() -> None:
    desk = a_desk(TWAP, protection=Protection(stop_loss=0.02))
    first = begun(desk)
    [stop] = sent(desk.fill(first, 1_250, MS + 100))
    desk.accept(stop, MS + 150)
    desk.tell(StopTriggered(**desk.news(stop, MS + 5_000), child_order_id=None,
                            trigger_price=Decimal(98)))  # fmt: skip
    desk.fill(stop, 1_250, MS + 5_100, price=98)

    assert sent(wake(desk, 10_000)) == []
    assert desk.engine.state.works == {}


def test_chase_rests_at_the_best_bid_moves_with_it_and_stops_at_the_bound() -> None:
    desk = a_desk(CHASE)
    quote(desk, "99.9", "100.0")
    first = begun(desk)
    desk.accept(first, MS + 50)
    quote(desk, "99.9", "100.0", 4_000)
    still = wake(desk, 5_000)
    quote(desk, "100.2", "100.3", 9_000)
    [moved] = of_kind(wake(desk, 10_000), Amend)
    desk.tell(OrderAmended(**desk.news(first, MS + 10_050), quantity=Decimal(5_000),
                           limit=Decimal("100.2"), stop=None))  # fmt: skip
    quote(desk, "103.0", "103.1", 14_000)
    [capped] = of_kind(wake(desk, 15_000), Amend)

    assert (first.terms.limit, first.terms.post_only, first.terms.tif) == (
        Decimal("99.9"), True, TimeInForce.GTC,
    )  # fmt: skip
    assert (of_kind(still, Amend), next_ms(still)) == ([], 10_000)
    assert (moved.limit, moved.quantity) == (Decimal("100.2"), 5_000)
    assert capped.limit == Decimal("100.5")  # never beyond 50 bps of the decision's close


def test_f27_a_fill_that_crosses_a_move_is_counted_and_the_rest_is_chased() -> None:
    desk = a_desk(CHASE)
    quote(desk, "99.9", "100.0")
    first = begun(desk)
    desk.accept(first, MS + 50)
    quote(desk, "100.1", "100.2", 4_000)
    wake(desk, 5_000)
    desk.fill(first, 2_000, MS + 5_010)
    desk.tell(OrderAmendRefused(**desk.news(first, MS + 5_020), code="51510", reason="filled"))
    desk.seen(first, OrderStatus.CANCELLED, 2_000, MS + 6_000)
    [second] = sent(wake(desk, 10_000))

    assert (second.quantity, second.terms.limit) == (3_000, Decimal("100.1"))
    assert desk.engine.state.works[TREND, SYMBOL].filled == 2_000


def test_f28_a_fill_that_crosses_the_last_cancel_leaves_only_the_rest_to_take() -> None:
    desk = a_desk(CHASE)
    quote(desk, "99.9", "100.0")
    first = begun(desk)
    desk.accept(first, MS + 50)
    [cancel] = of_kind(wake(desk, 40_000), Cancel)
    crossed = sent(desk.fill(first, 4_000, MS + 40_010))
    [rest] = sent(
        desk.tell(OrderCancelled(**desk.news(first, MS + 40_020), filled_quantity=Decimal(4_000),
                                 reason="asked for"))
    )  # fmt: skip

    assert (cancel.order_id, crossed) == (first.order_id, [])
    assert (rest.quantity, rest.terms.limit, rest.terms.tif) == (
        1_000, Decimal("100.5"), TimeInForce.IOC,
    )  # fmt: skip
    assert ended(desk) == [(4_000, 1_000, "its time is over")]


def test_chase_without_quotes_rests_at_the_close_until_its_time_is_over() -> None:
    desk = a_desk(CHASE)
    first = begun(desk)
    desk.accept(first, MS + 50)

    assert first.terms.limit == 100
    assert next_ms(desk.commands) == 40_000


def test_a_chase_that_is_filled_asks_for_nothing_more() -> None:
    desk = a_desk(CHASE)
    quote(desk, "99.9", "100.0")
    first = begun(desk)
    done = desk.fill(first, 5_000, MS + 50)

    assert sent([*done, *wake(desk, 5_000), *wake(desk, 40_000)]) == []
    assert ended(desk) == [(5_000, 0, "all of it is done")]


@pytest.mark.parametrize("algorithm", [TWAP, CHASE], ids=["twap", "chase"])
def test_a_restart_in_the_middle_goes_on_with_what_is_left(algorithm: Algorithm) -> None:
    desk = a_desk(algorithm)
    quote(desk, "99.9", "100.0")
    first = begun(desk)
    desk.fill(first, 1_000, MS + 100)
    desk.seen(first, OrderStatus.CANCELLED, 1_000, MS + 110)
    again = a_desk(algorithm)
    for event in desk.events:
        again.engine.apply(event)
    again.trades = desk.trades
    mode = {"account": MAIN, "reason": "", "by": "recovery"}
    again.tell(ModeChanged(**at(MS + 20_000), mode=TradingMode.STARTING, **mode))
    assert sent(wake(again, 20_001)) == []
    woken = again.tell(ModeChanged(**at(MS + 20_002), mode=TradingMode.TRADING, **mode))
    [second] = sent(wake(again, next_ms(woken)))

    # By then three of four parts are due: 3,750 less the 1,000 that traded.
    assert second.quantity == (2_750 if algorithm is TWAP else 4_000)
    assert second.intent.attempt == 1
    assert len([one for one in desk.events if isinstance(one, WorkStarted)]) == 1


def test_an_algorithm_without_time_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="twap over 0 ms"):
        Algorithm(kind=AlgorithmKind.TWAP, over_ms=0)


@pytest.mark.parametrize("algorithm", [TWAP, CHASE], ids=["twap", "chase"])
def test_r24_a_work_that_a_restart_finds_after_its_bar_is_given_up_and_wanted_anew(
    algorithm: Algorithm,
) -> None:
    desk = a_desk(algorithm)
    first = begun(desk)
    desk.fill(first, 1_000, MS + 100)
    desk.seen(first, OrderStatus.CANCELLED, 1_000, MS + 110)
    late = MS + 48 * HOUR
    desk.restart(late)
    set_ = of_kind(desk.recovery(late + 100), SetTimer)
    done = desk.tell(*(TimerFired(**at(one.at_ms), name=one.name) for one in set_))

    assert sent(done) == []
    assert ended(desk) == [(1_000, first.quantity * 4 - 1_000 if algorithm is TWAP else 4_000,
                            "its bar is over")]  # fmt: skip
    desk.bar(50)
    desk.answer(50, 0.5)
    assert [one.intent.terms.quantity for one in desk.events if isinstance(one, WorkStarted)] == [
        5_000,
        4_000,
    ]


def test_r24_what_rests_of_a_work_is_cancelled_when_its_bar_is_over() -> None:
    desk = a_desk(CHASE)
    quote(desk, "99.9", "100.0")
    first = begun(desk)
    desk.accept(first, MS + 50)
    done = wake(desk, HOUR + 1)  # the machine slept

    assert [one.order_id for one in of_kind(done, Cancel)] == [first.order_id]
    assert sent(desk.seen(first, OrderStatus.CANCELLED, 0, MS + HOUR + 100)) == []
