"""A snapshot shortens a start and changes nothing: the fold to a row, and the rows after it."""

from __future__ import annotations

import logging
import pickle
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.builders.traded_desk import InTime, a_desk, a_market, slices
from tests.builders.traded_desk import traded as traded_out
from tests.integration.test_steps_replay import (
    HOUR,
    MAIN,
    T0,
    a_bar,
    a_fill,
    an_answer,
    news,
    one_order,
    opened,
    settings,
    trader,
)

from algotrader.core.events import (
    Event,
    HaltRequested,
    OrderAccepted,
    OrderRejected,
    TradingMode,
    decode_event,
)
from algotrader.core.ids import VenueOrderId
from algotrader.core.orders import Approved, Order, OrderStatus, Side
from algotrader.engine.commands import Command, Submit
from algotrader.engine.engine import Engine
from algotrader.engine.image import ImageError, differences, image_of, state_of
from algotrader.live import snapshots
from algotrader.live.journal.folder import JournalFolder
from algotrader.live.journal.journal import Journal, resume
from algotrader.live.journal.memory import MemoryStorage
from algotrader.live.journal.port import Snapshot
from algotrader.live.snapshots import KIND, folded, newest_state
from algotrader.live.steps import SNAPSHOT_ROWS, Steps


def some_trading(steps: Steps) -> None:
    """An order, partly filled, a halt, and a decision that has to wait."""
    opened(steps)
    submit = one_order(steps)
    ms = T0 + HOUR + 100
    steps.take(OrderAccepted(**news(submit, ms), venue_order_id=VenueOrderId("v")))
    steps.take(a_fill(submit, "20", ms + 1))
    steps.rest(1)
    for event in a_bar(110.0, T0 + HOUR):
        steps.take(event)
    steps.take(an_answer(0.0, T0 + HOUR))
    steps.take(
        HaltRequested(
            ts_event=ms, ts_known=ms, account=MAIN, by="a person", reason="why", channel="cli"
        )
    )


def traded() -> tuple[MemoryStorage, Steps, Journal]:
    storage = MemoryStorage()
    steps, journal = trader(storage, new=True)
    some_trading(steps)
    return storage, steps, journal


def whole_fold(journal: Journal) -> Engine:
    """The engine after every event of the journal, no snapshot looked at."""
    engine = Engine(settings())
    for row in journal.read():
        if not row.kind.startswith("journal."):
            engine.apply(decode_event(row.body))
    return engine


def test_a_start_from_a_snapshot_stands_where_the_whole_fold_stands() -> None:
    storage, steps, journal = traded()

    again, _ = trader(storage)

    stood = newest_state(journal.rows, settings())
    assert stood is not None
    assert 1 < stood.seq < journal.head.seq
    assert differences(again.engine.state, steps.engine.state) == []
    assert differences(again.engine.state, whole_fold(journal).state) == []


def test_a_snapshot_after_a_row_equals_the_fold_up_to_it() -> None:
    _, _, journal = traded()
    stood = newest_state(journal.rows)
    assert stood is not None
    engine = Engine(settings())
    for row in journal.read():
        if row.seq <= stood.seq and not row.kind.startswith("journal."):
            engine.apply(decode_event(row.body))

    assert differences(stood.state, engine.state) == []


def test_states_that_differ_in_one_number_are_told_apart() -> None:
    _, steps, _ = traded()
    other = state_of(image_of(steps.engine.state))
    assert differences(steps.engine.state, other) == []

    other.risk.state.gross[MAIN] = Decimal(1)
    other.gate_sequence += 1

    assert differences(steps.engine.state, other) == ["gate_sequence", "risk"]


def test_an_engine_goes_on_from_a_snapshot_as_if_it_had_never_stopped() -> None:
    storage, steps, _ = traded()
    again, _ = trader(storage)
    later = T0 + 2 * HOUR

    ours, theirs = ([one.take(event) for event in a_bar(90.0, later)] for one in (steps, again))

    assert ours == theirs
    assert differences(steps.engine.state, again.engine.state) == []


def as_if(changed: Callable[[Snapshot], Snapshot], storage: MemoryStorage) -> None:
    (kept,) = (one for one in storage.snapshots(KIND)[:1])
    storage.keep_snapshot(changed(kept))


def of_another_build(kept: Snapshot) -> Snapshot:
    body = msgspec.msgpack.decode(kept.body)
    return replace(kept, body=msgspec.msgpack.encode({**body, "build": "0.0.0"}))


def cut(kept: Snapshot) -> Snapshot:
    return replace(kept, body=kept.body[:-20])


def emptied(kept: Snapshot) -> Snapshot:
    body = msgspec.msgpack.decode(kept.body)
    return replace(kept, body=msgspec.msgpack.encode({**body, "image": b"garbage"}))


@pytest.mark.parametrize("changed", [of_another_build, cut, emptied])
def test_f54_a_snapshot_that_cannot_be_read_is_passed_over_and_the_journal_folded(
    changed: Callable[[Snapshot], Snapshot], caplog: pytest.LogCaptureFixture
) -> None:
    storage, steps, _ = traded()
    as_if(changed, storage)
    with caplog.at_level(logging.WARNING):
        again, _ = trader(storage)

    assert "is not used" in caplog.text
    assert differences(again.engine.state, steps.engine.state) == []


def test_f63_a_snapshot_of_other_settings_is_passed_over_and_named(
    caplog: pytest.LogCaptureFixture,
) -> None:
    storage, _, _ = traded()
    journal = resume(storage)
    steps = Steps(Engine(replace(settings(), skew_ms=3_000)), journal)
    with caplog.at_level(logging.WARNING):
        assert steps.replay()

    assert "other settings (skew_ms)" in caplog.text
    assert steps.engine.state.settings.skew_ms == 3_000
    assert steps.engine.state.books == whole_fold(journal).state.books


def test_who_only_looks_needs_no_settings() -> None:
    _, steps, journal = traded()

    looked = folded(journal.rows)

    assert looked is not None
    assert looked.seq == journal.head.seq
    assert 0 < looked.folded < journal.head.seq
    assert differences(looked.state, steps.engine.state) == []


def test_a_snapshot_is_kept_after_so_many_rows_and_not_before() -> None:
    storage, steps, journal = traded()
    first = storage.snapshots(KIND)[0].seq
    steps.rest(journal.head.seq)
    assert storage.snapshots(KIND)[0].seq == first

    steps.rest(journal.head.seq - first)

    assert storage.snapshots(KIND)[0].seq == journal.head.seq


def test_reading_an_image_runs_no_function() -> None:
    for image in (pickle.dumps(print), pickle.dumps(eval), pickle.dumps(snapshots.body_of)):
        with pytest.raises(ImageError):
            state_of(image)


def test_an_image_of_pythons_before_3_11_4_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """There a member's own way of being written names `getattr`, which no image may."""
    for kind in (OrderStatus, Side, TradingMode):
        monkeypatch.setattr(kind, "__reduce_ex__", lambda one, _: (getattr, (type(one), one.name)))
    _, steps, _ = traded()

    assert differences(state_of(image_of(steps.engine.state)), steps.engine.state) == []


def test_a_snapshot_holds_up_no_order_that_was_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    decided: list[object] = []  # orders that were decided and are not yet at the venue
    held_up: list[int] = []
    take, rest = Steps.take, Steps.rest

    def taken(steps: Steps, *events: Event, **more: Any) -> list[Command]:
        commands = take(steps, *events, **more)
        decided.extend(one for one in commands if isinstance(one, Submit))
        return commands

    def rested(steps: Steps, after_rows: int = SNAPSHOT_ROWS) -> None:
        if decided and after_rows <= SNAPSHOT_ROWS:
            held_up.append(len(decided))
        rest(steps, after_rows)

    class Venue(InTime):
        async def submit(
            self, approved: Approved[Order], deadline_ms: int
        ) -> OrderAccepted | OrderRejected:
            decided.pop()
            sent.append(1)
            return await super().submit(approved, deadline_ms)

    sent: list[int] = []
    monkeypatch.setattr(Steps, "take", taken)
    monkeypatch.setattr(Steps, "rest", rested)
    desk = a_desk(tmp_path, a_market())
    traded_out(desk, JournalFolder(tmp_path / "journal"), slices(desk), broker=Venue)

    assert len(sent) > 20
    assert held_up == []
