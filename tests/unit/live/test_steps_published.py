"""What a step leads to is told to listeners once it is durable, and not before."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

import pytest
from tests.builders.engines import HOUR, MAIN, T0, USDT, Desk, at, bar_events

from algotrader.core.events import Event, HaltRequested, OrderFilled, TimerFired
from algotrader.core.fills import Fill
from algotrader.core.ids import TradeId
from algotrader.core.instants import utc_at
from algotrader.engine.commands import AskStrategy
from algotrader.live.journal import journal as journals
from algotrader.live.journal.errors import JournalUnwrittenError
from algotrader.live.journal.journal import Journal
from algotrader.live.journal.memory import MemoryStorage
from algotrader.live.journal.records import PREFIX
from algotrader.live.steps import Steps


class Told:
    """The listener: what it was told, and whether all of it stood in the journal by then."""

    def __init__(self, storage: MemoryStorage) -> None:
        self._storage = storage
        self.events: list[Event] = []

    def hear(self, events: Sequence[Event]) -> None:
        self.events += events
        rows = [row for row in self._storage.page(1, 999) if not row.kind.startswith(PREFIX)]
        assert [row.kind for row in rows[: len(self.events)]] == [one.kind for one in self.events]


def a_trader(
    desk: Desk | None = None, *, gather_steps: int = 1
) -> tuple[Steps, Told, MemoryStorage, Journal]:
    storage = MemoryStorage(lambda _: None)
    journals.begin(storage, entropy=bytes(range(16)), now_ms=T0)
    told, journal = Told(storage), journals.resume(storage)
    steps = Steps((desk or Desk()).engine, journal, told.hear, gather_steps=gather_steps)
    return steps, told, storage, journal


def test_what_waits_for_the_next_commit_is_told_with_it() -> None:
    steps, told, _, _ = a_trader()
    bar, slice_ = bar_events(1)
    timer = TimerFired(**at(T0 + HOUR), name="other")
    steps.take(bar)
    steps.take(slice_)
    assert told.events == []
    steps.take(timer)

    assert told.events == [bar, slice_, timer]
    assert steps.is_written


def a_filled_order(desk: Desk) -> OrderFilled:
    """The news that the order of the first bar traded, not yet heard."""
    desk.bar(1)
    (order,) = desk.answer(1, 0.1)
    desk.accept(order, T0 + HOUR + 1)
    fill = Fill(
        trade_id=TradeId("t1"), order_id=order.order_id, account=MAIN, instrument=desk.symbol,
        side=order.side, quantity=order.quantity, price=Decimal(100), fee=Decimal(0),
        fee_currency=USDT, filled_at=utc_at(T0 + HOUR + 2),
    )  # fmt: skip
    return OrderFilled(**at(T0 + HOUR + 2), fill=fill)


def test_strategies_are_asked_before_the_disk_is_and_fills_beside_the_question_are_one_commit() -> (
    None
):
    desk = Desk()
    steps, told, _, journal = a_trader(desk)
    filled, before = a_filled_order(desk), journal.head
    asked: list[AskStrategy] = []
    steps.take(filled, *bar_events(2), ask=asked.append)

    assert [one.decision_ts for one in asked] == [T0 + 2 * HOUR]
    assert told.events == []
    assert journal.head == before
    steps.take(TimerFired(**at(T0 + 2 * HOUR), name="other"))
    assert told.events[0] == filled
    assert steps.is_written


def test_a_fill_without_a_question_is_written_at_once() -> None:
    desk = Desk()
    steps, told, _, _ = a_trader(desk)
    filled = a_filled_order(desk)
    steps.take(filled)

    assert told.events[0] == filled
    assert steps.is_written


def test_what_the_disk_refused_is_told_when_it_is_written_and_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    steps, told, _, journal = a_trader()
    timer = TimerFired(**at(T0 + HOUR), name="other")

    def refused(_: object) -> None:
        raise JournalUnwrittenError("journal.unwritten", "the disk is full")

    monkeypatch.setattr(journal, "append_steps", refused)
    with pytest.raises(JournalUnwrittenError):
        steps.take(timer)
    with pytest.raises(JournalUnwrittenError):
        steps.retry()
    assert told.events == []
    monkeypatch.undo()
    steps.retry()

    assert told.events == [timer]


def test_a_replay_writes_as_many_steps_together_as_it_was_told_to() -> None:
    steps, told, _, journal = a_trader(gather_steps=4)
    before = journal.head
    timers = [TimerFired(**at(T0 + n), name=f"t{n}") for n in range(6)]
    for timer in timers[:3]:
        steps.take(timer)
    assert told.events == []
    assert journal.head == before
    for timer in timers[3:]:
        steps.take(timer)

    assert told.events == timers[:4]
    steps.rest(1)
    assert told.events == timers
    assert steps.is_written


def test_what_a_person_asks_of_a_replay_is_written_before_it_is_done() -> None:
    steps, told, _, _ = a_trader(gather_steps=100)
    timer = TimerFired(**at(T0), name="t")
    halt = HaltRequested(**at(T0 + 1), account=MAIN, by="a person", reason="why", channel="cli")
    steps.take(timer)
    steps.take(halt)

    assert told.events[:2] == [timer, halt]
    assert steps.is_written
