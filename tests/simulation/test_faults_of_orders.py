"""One fault at a time, in the life of an order: the shipped trader on a virtual loop."""

from __future__ import annotations

from decimal import Decimal
from functools import cache

import pytest
from tests.simulation.history import BUYS, MAIN, SYMBOLS, History, Script, live_once
from tests.simulation.properties import broken_when_settled
from tests.simulation.wire import Trip

from algotrader.core.events import (
    OrderAbsent,
    OrderAccepted,
    OrderCancelled,
    OrderFilled,
    OrderSeen,
    OrderSubmitted,
    OrderUnknown,
    SliceClosed,
    TradingMode,
)
from algotrader.core.orders import OrderStatus, Side
from algotrader.core.ports import Severity

LOST = Trip(there_s=None)
UNHEARD = Trip(back_s=None)


def lived(script: Script) -> History:
    """The history of a script that ends as every one must: books equal, nothing open or doubled."""
    history = live_once(script)
    assert [*broken_when_settled(history)] == []
    assert history.folded().state.modes[MAIN] is TradingMode.TRADING
    return history


def sent(history: History) -> list[OrderSubmitted]:
    return [event for event in history.rows() if isinstance(event, OrderSubmitted)]


def held(history: History) -> list[Decimal]:
    return [*history.venue.positions(SYMBOLS).values()]


@cache
def calm() -> History:
    return lived(Script())


def test_the_calm_life_is_one_order_that_is_bought_whole() -> None:
    (order,) = sent(calm())

    assert held(calm()) == [order.order.quantity, 0]
    assert calm().starts == 1


@cache
def deaths() -> list[History]:
    """The same life with the process dying at one point of the disk after the other."""
    made = []
    for point in range(1, 100):
        history = lived(Script(crash_at=point))
        if history.starts == 1:
            break
        made.append(history)
    return made


def test_f01_a_decision_that_was_not_written_is_made_again_to_the_same_target() -> None:
    """Killed before the intent was durable: nothing went out, and the bar decides again."""
    first = [history for history in deaths() if len(sent(history)) == 1]

    assert len(first) > 5
    for history in first:
        assert held(history) == held(calm())
        assert [one.order.order_id for one in sent(history)] == [sent(calm())[0].order.order_id]


def test_f01_a_bar_older_than_one_interval_is_skipped() -> None:
    late = live_once(Script(crash_at=2, pause_s=61.0))

    assert [*broken_when_settled(late)] == []
    assert held(late) == [0, 0]
    assert not late.venue.received


def test_f02_an_intent_that_was_not_sent_is_proved_absent_and_never_sent_late() -> None:
    """Killed between the row and the request: closed with 0, and the next attempt goes out."""
    absent = [history for history in deaths() if len(sent(history)) == 2]

    assert absent
    for history in absent:
        first, second = sent(history)
        gone = [event for event in history.rows() if isinstance(event, OrderAbsent)]
        assert [event.order_id for event in gone] == [first.order.order_id]
        assert gone[0].asked_ms > first.deadline_ms
        assert dict(history.venue.received) == {second.order.order_id: 1}
        assert held(history) == held(calm())


def test_p08_a_crash_anywhere_ends_as_without_it() -> None:
    assert len(deaths()) > 10
    assert {tuple(held(history)) for history in deaths()} == {tuple(held(calm()))}


@pytest.mark.parametrize("pause_s", [0.1, 3.9, 20.0])
def test_f03_an_order_that_was_sent_is_found_by_its_id_and_there_is_no_second(
    pause_s: float,
) -> None:
    history = lived(Script(kill_on=("placed", 1), pause_s=pause_s))

    assert history.starts == 2
    (order,) = sent(history)
    assert dict(history.venue.received) == {order.order.order_id: 1}
    assert held(history) == held(calm())


@pytest.mark.parametrize("pause_s", [0.1, 20.0])
def test_f04_a_fill_that_was_not_booked_is_booked_once_from_the_venues_list(pause_s: float) -> None:
    history = lived(Script(kill_on=("traded", 1), pause_s=pause_s))

    fills = [event.fill for event in history.rows() if isinstance(event, OrderFilled)]
    assert history.starts == 2
    assert [fill.quantity for fill in fills] == [sent(calm())[0].order.quantity]


BOTH = Script(weights=((0.45, 0.45), (0.1, 0.25)))


@pytest.mark.parametrize("sent_before", [1, 2, 3, 4])
@pytest.mark.parametrize("pause_s", [0.1, 20.0])
def test_f05_a_rebalance_of_which_some_was_sent_is_finished(
    sent_before: int, pause_s: float
) -> None:
    history = lived(Script(weights=BOTH.weights, kill_on=("placed", sent_before), pause_s=pause_s))

    assert history.starts == 2
    assert held(history) == held(lived(BOTH))


def test_f12_an_order_whose_answer_is_lost_is_found_within_five_seconds() -> None:
    history = lived(Script(trips=(UNHEARD,), push_s=None))

    (order,) = sent(history)
    found = next(event for event in history.rows() if isinstance(event, OrderSeen))
    assert found.ts_known - order.ts_known <= 5_000
    assert held(history) == held(calm())


def test_f13_an_answer_later_than_our_patience_changes_nothing() -> None:
    history = lived(Script(trips=(Trip(back_s=6.0),)))

    kinds = [type(event) for event in history.rows()]
    assert kinds.count(OrderUnknown) == 1
    assert OrderAccepted not in kinds
    assert len(sent(history)) == 1
    assert held(history) == held(calm())


@pytest.mark.parametrize("push_s", [0.03, None])
def test_f14_an_order_that_never_arrived_is_proved_absent_and_planned_anew(
    push_s: float | None,
) -> None:
    history = lived(Script(trips=(LOST,), push_s=push_s))

    first, second = sent(history)
    assert (first.order.intent.attempt, second.order.intent.attempt) == (0, 1)
    assert dict(history.venue.received) == {second.order.order_id: 1}
    assert held(history) == held(calm())


@pytest.mark.parametrize("there_s", [4.2, 4.9, 5.2, 6.5, 20.0])
@pytest.mark.parametrize("push_s", [0.03, None])
def test_f15_an_order_that_arrives_late_is_refused_by_its_deadline_or_adopted(
    there_s: float, push_s: float | None
) -> None:
    history = lived(Script(trips=(Trip(there_s=there_s),), push_s=push_s))

    in_time = there_s < 5.0
    assert len(sent(history)) == (1 if in_time else 2)
    assert len(history.venue.orders) == 1
    assert held(history) == held(calm())


def test_f16_a_fill_that_is_pushed_twice_is_booked_once() -> None:
    history = lived(Script(pushes=(*(3 * [(0.03, 0.5, 2.0)]),)))

    fills = [event for event in history.rows() if isinstance(event, OrderFilled)]
    assert len(fills) == 1
    assert held(history) == held(calm())


@pytest.mark.parametrize(
    "waits", [(3.0, 1.0, 0.1), (0.1, 3.0, 1.0), (2.0, 0.1, 3.0), (5.0, 5.0, 0.1)]
)
def test_f17_pushes_in_any_order_end_in_the_same_books(waits: tuple[float, ...]) -> None:
    """The acceptance, the fill and the end of the order overtake one another, and the answer."""
    pushes = tuple((wait_s,) for wait_s in waits)
    history = lived(Script(trips=(Trip(back_s=2.5),), pushes=pushes))

    assert held(history) == held(calm())
    assert len(sent(history)) == 1


def test_f18_a_fill_whose_pushes_are_lost_is_found_within_thirty_seconds() -> None:
    history = lived(Script(push_s=None, pace_s=8.0))

    (fill,) = (event for event in history.rows() if isinstance(event, OrderFilled))
    assert fill.ts_known - round(fill.fill.filled_at.timestamp() * 1000) <= 30_000
    assert held(history) == held(calm())


@pytest.mark.parametrize("seconds", [0.5, 1.4])
def test_f23_a_slow_venue_makes_no_queue_and_no_late_order(seconds: float) -> None:
    """Answers take up to 3 s: what waits stays bounded, and no order acts after its deadline."""
    slow = Trip(there_s=seconds, back_s=seconds)
    weights = tuple((0.45, 0.1) if n % 2 else (0.1, 0.45) for n in range(8))
    history = lived(Script(weights=weights, later=slow))

    assert history.venue.most_asked <= 100
    deadlines = {one.order.order_id: one.deadline_ms for one in sent(history)}
    assert all(
        order.placed_ms <= deadlines[order_id] for order_id, order in history.venue.orders.items()
    )


def test_f25_what_a_partial_fill_left_open_counts_at_the_next_target() -> None:
    """Two fifths trade. The same target again sends nothing; another one ends the rest first."""
    same = lived(Script(weights=(BUYS, BUYS), share=Decimal("0.4")))
    less = lived(Script(weights=(BUYS, (0.0, None)), share=Decimal("0.4")))

    assert len(sent(same)) == 1
    assert [one.rest > 0 for one in same.venue.orders.values()] == [True]
    bought, sold = sent(less)
    rests = less.venue.orders[bought.order.order_id]
    assert rests.status is OrderStatus.CANCELLED
    assert (sold.order.side, sold.order.quantity) == (Side.SELL, rests.filled)


@pytest.mark.parametrize("pace_s", [60.15, 60.2, 60.25, 60.3, 60.35])
def test_f28_a_fill_that_crosses_a_cancel_is_booked_and_the_cancel_is_done(pace_s: float) -> None:
    """The order trades while the request to cancel it is on its way."""
    history = lived(Script(weights=(BUYS, (0.1, None)), pace_s=pace_s))

    bought = history.venue.orders[sent(history)[0].order.order_id]
    live = history.folded().state.orders[bought.order.order_id]
    assert (live.status, live.filled) == (bought.status, bought.filled)
    cancelled = [event for event in history.rows() if isinstance(event, OrderCancelled)]
    assert bool(cancelled) == (bought.status is OrderStatus.CANCELLED)


def test_f34_a_duplicate_id_means_that_the_order_is_there_and_it_is_looked_up() -> None:
    history = lived(Script(trips=(Trip(twice=True),), push_s=None))

    kinds = [type(event) for event in history.rows()]
    assert kinds.count(OrderUnknown) == 1
    assert len(sent(history)) == len(history.venue.orders) == 1
    assert held(history) == held(calm())


@pytest.mark.parametrize("from_s", [0.0, 0.05, 0.15, 0.25, 0.35])
def test_f48_while_the_disk_is_full_nothing_is_sent_and_it_goes_on_when_it_is_freed(
    from_s: float,
) -> None:
    history = lived(Script(full_s=(from_s, from_s + 20.0)))

    assert held(history) == held(calm())
    assert set(history.venue.orders) <= {one.order.order_id for one in sent(history)}
    told = [one for one in history.notices if one.cause == "journal"]
    assert [one.severity for one in told] == [Severity.CRITICAL]


@pytest.mark.parametrize("replay_s", [0.0, 0.05, 1.0, 3.0])
@pytest.mark.parametrize("on", [("placed", 1), ("traded", 1)])
def test_f82_what_the_venue_says_before_the_replay_is_done_waits_for_it(
    replay_s: float, on: tuple[str, int]
) -> None:
    """The connection is open while the journal is still read: orders are known before their news."""
    history = lived(Script(kill_on=on, replay_s=replay_s, pace_s=0.4))

    assert history.starts == 2
    assert held(history) == held(calm())


@pytest.mark.parametrize("by_s", [3_600.0, -3_600.0, 40.0, 1.0])
@pytest.mark.parametrize("at_s", [0.0, 0.25, 1.0, 5.0, 65.0])
def test_f66_a_step_of_the_wall_clock_moves_no_deadline_and_repeats_no_bar(
    at_s: float, by_s: float
) -> None:
    """An order that is on its way is not overdue because somebody set the clock."""
    late = Trip(there_s=4.5, back_s=None)
    history = lived(Script(weights=(BUYS, BUYS), trips=(late,), push_s=None, step_s=(at_s, by_s)))

    assert len(sent(history)) == 1
    assert held(history) == held(calm())
    slices = [event.decision_ts for event in history.rows() if isinstance(event, SliceClosed)]
    assert slices == sorted(set(slices))
