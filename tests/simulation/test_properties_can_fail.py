"""Each property is broken by hand once, in a history that holds: a check that cannot fail is none."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal

import pytest
from msgspec.structs import replace
from tests.simulation.faults import Faults
from tests.simulation.history import (
    INSTRUMENTS,
    MAIN,
    SYMBOLS,
    USDT,
    History,
    HistoryPlan,
    simulate,
)
from tests.simulation.properties import (
    broken_against_memory,
    broken_by_a_second_rebalance,
    broken_by_distrust,
    broken_when_settled,
    broken_while_running,
)
from tests.simulation.witness import Witness

from algotrader.core.events import (
    BarClosed,
    Event,
    ImpossibleReply,
    OrderFilled,
    OrderSubmitted,
    RiskAction,
    RiskTripped,
    TradingMode,
)
from algotrader.core.orders import OrderStatus, Side
from algotrader.engine.engine import Engine
from algotrader.portfolio.ledger import Ledger
from algotrader.portfolio.postings import Book

CALM = HistoryPlan(seed=1, faults=Faults())
HALTS = HistoryPlan(seed=3, faults=Faults(halt=0.3))


def seen(events: Sequence[Event]) -> list[str]:
    """What the witness says of these events."""
    witness = Witness(INSTRUMENTS)
    witness.step(events)
    return witness.broken


def rows() -> list[Event]:
    return simulate(CALM).rows()


def fill_of(events: Sequence[Event]) -> OrderFilled:
    return next(event for event in events if isinstance(event, OrderFilled))


def buy_of(events: Sequence[Event]) -> OrderSubmitted:
    bought = (event for event in events if isinstance(event, OrderSubmitted))
    return next(event for event in bought if event.order.side is Side.BUY)


def a_halt() -> RiskTripped:
    tripped = (event for event in simulate(HALTS).rows() if isinstance(event, RiskTripped))
    return next(event for event in tripped if event.action is RiskAction.HALT)


def with_wrong_fee(event: Event) -> Event:
    if not isinstance(event, OrderFilled):
        return event
    changed = dataclasses.replace(event.fill, fee=event.fill.fee * 2)
    return replace(event, fill=changed)


def test_a_history_that_holds_says_nothing() -> None:
    assert seen(rows()) == []
    assert [*broken_when_settled(simulate(CALM))] == []


@pytest.mark.parametrize(
    ("prefix", "changed"),
    [
        ("P1", lambda events: [*events, buy_of(events)]),
        ("P7", lambda events: [*events, fill_of(events)]),
        ("P12", lambda events: [a_halt(), *events]),
        ("P13", lambda events: [one for one in events if not isinstance(one, BarClosed)]),
        ("P15", lambda events: [with_wrong_fee(one) for one in events]),
        ("P17", lambda events: events[::-1]),
    ],
)  # fmt: skip
def test_what_is_wrong_with_events_is_seen(
    prefix: str, changed: Callable[[list[Event]], list[Event]]
) -> None:
    assert any(one.startswith(f"{prefix}:") for one in seen(changed(rows())))


def sell_all_there(history: History) -> None:
    history.venue._positions[SYMBOLS[0]] = Decimal(-7)


def steal(history: History) -> None:
    history.venue.cash -= Decimal("0.01")


def lose_a_trade(history: History) -> None:
    history.venue.fills.pop()


def add_an_order(history: History) -> None:
    history.venue.orders["unknown"] = history.venue.placed[0]  # type: ignore[index]


def mark_up_a_holding(history: History) -> None:
    """The position is worth what no posting paid for."""
    book = history.folded().state.books[MAIN].whole
    held = book.positions[SYMBOLS[0]]
    positions = {**book.positions, SYMBOLS[0]: dataclasses.replace(held, cost=held.cost + 1)}
    with_whole(history.folded(), dataclasses.replace(book, positions=positions))


def with_whole(engine: Engine, book: Ledger) -> None:
    books = engine.state.books
    books[MAIN] = dataclasses.replace(books[MAIN], whole=book)


def spoil_a_row(history: History) -> None:
    kept = history.storage._rows
    kept[5] = replace(kept[5], body=kept[6].body)


@pytest.mark.parametrize(
    ("prefix", "spoil"),
    [
        ("P2", add_an_order), ("P3", sell_all_there), ("P4", steal), ("P5", mark_up_a_holding),
        ("P7", lose_a_trade), ("P19", spoil_a_row),
    ],
)  # fmt: skip
def test_what_is_wrong_at_the_end_is_seen(prefix: str, spoil: Callable[[History], None]) -> None:
    history = simulate(CALM)
    history.rows()
    spoil(history)

    assert any(one.startswith(f"{prefix}:") for one in broken_when_settled(history))


def test_p20_a_halt_that_nobody_was_told_of_is_seen() -> None:
    history = simulate(HALTS)
    assert [*broken_when_settled(history)] == []
    history.notices.clear()

    assert any(one.startswith("P20:") for one in broken_when_settled(history))


def test_p20_an_honest_venue_that_is_not_believed_is_seen() -> None:
    history = simulate(CALM)
    bought = buy_of(history.rows())
    names = {"account": MAIN, "order_id": bought.order.order_id, "instrument": SYMBOLS[0]}
    history.fold.events.append(
        ImpossibleReply(
            ts_event=1, ts_known=1, **names, status=OrderStatus.SETTLING,
            told=OrderStatus.UNKNOWN, text="it cannot",
        )
    )  # fmt: skip

    assert [one[:4] for one in broken_by_distrust(history)] == ["P20:"]


def test_p14_an_engine_that_forgot_what_it_acted_on_is_seen() -> None:
    history = simulate(CALM)
    assert [*broken_by_a_second_rebalance(history)] == []

    def forgetful() -> Engine:
        engine = history.fold.engine_to_spend()
        engine.state.rebalance.clear()
        return engine

    found = [*broken_by_a_second_rebalance(history, forgetful)]
    assert any(one.startswith("P14: a second rebalance sends") for one in found)


def forget(history: History) -> None:
    assert history.steps is not None
    history.steps.engine.state.modes[MAIN] = TradingMode.HALTED


def post_one_side(history: History) -> None:
    """A fee that no cash paid."""
    assert history.steps is not None
    engine = history.steps.engine
    book = engine.state.books[MAIN].whole
    fees = (Book.FEES, USDT)
    balances = {**book.balances, fees: book.balance(*fees) + 1}
    with_whole(engine, dataclasses.replace(book, balances=balances))


def poor(history: History) -> None:
    history.venue.cash -= Decimal(90_000)


def revive(history: History) -> None:
    """An order that is over here lives on at the venue."""
    done = history.venue.placed[0]
    done.status = OrderStatus.ACCEPTED
    history.venue.alive[done.order.order_id] = done


@pytest.mark.parametrize(
    ("prefix", "spoil", "check"),
    [
        ("P5", post_one_side, broken_while_running), ("P6", poor, broken_while_running),
        ("P9", forget, broken_against_memory),
        ("P21", revive, broken_while_running),
    ],
)  # fmt: skip
def test_what_is_wrong_while_it_runs_is_seen(
    prefix: str,
    spoil: Callable[[History], None],
    check: Callable[[History], Iterator[str]],
) -> None:
    found: list[str] = []

    def watch(history: History) -> None:
        if history.slices == 9 and not found:
            spoil(history)
            found.extend(check(history))

    simulate(CALM, watch)

    assert any(one.startswith(f"{prefix}:") for one in found)
