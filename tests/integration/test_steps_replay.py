"""What a trader did, journaled step by step, is what a restart stands on (P2, P8, P9)."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from tests.builders.books import SPOT

from algotrader.core.accounts import Account, MarginMode
from algotrader.core.events import (
    BarClosed,
    CashMoved,
    DecisionOutcome,
    Event,
    ModeChanged,
    OrderAccepted,
    OrderFilled,
    OrderNotFound,
    OrderSeen,
    OrderSubmitted,
    OrderUnknown,
    SliceClosed,
    StrategyAnswered,
    TargetWanted,
    TradingMode,
    decode_event,
)
from algotrader.core.fills import Fill
from algotrader.core.ids import AccountId, RunId, StrategyId, TradeId, VenueOrderId
from algotrader.core.instants import utc_at
from algotrader.core.money import Currency
from algotrader.core.orders import OrderStatus
from algotrader.engine.commands import AskStrategy, Command, LookUp, SetTimer, Submit
from algotrader.engine.engine import Engine
from algotrader.engine.settings import EngineSettings, StrategyInstance
from algotrader.live.journal.errors import JournalFullError
from algotrader.live.journal.journal import Journal, begin, resume
from algotrader.live.journal.memory import MemoryStorage, Point
from algotrader.live.steps import Steps

MAIN, TREND, USDT = AccountId("main"), StrategyId("trend"), Currency("USDT")
BTC = SPOT.symbol
HOUR = 3_600_000
T0 = 1_700_000_000_000 // HOUR * HOUR


def settings() -> EngineSettings:
    return EngineSettings(
        run_id=RunId("run"),
        configuration_hash="cafe",
        accounts=(
            Account(
                account_id=MAIN, venue="OKX", currency=USDT, margin_mode=MarginMode.CASH,
                instruments=(BTC,), strategies=(TREND,),
            ),
        ),
        instruments={BTC: SPOT},
        strategies=(
            StrategyInstance(
                strategy=TREND, account=MAIN, instruments=(BTC,), timeframe="1h"
            ),
        ),
    )  # fmt: skip


def trader(storage: MemoryStorage, *, new: bool = False) -> tuple[Steps, Journal]:
    journal = begin(storage, entropy=bytes(16), now_ms=T0) if new else resume(storage)
    steps = Steps(Engine(settings()), journal)
    steps.replay()
    return steps, journal


def at(ms: int) -> dict[str, int]:
    return {"ts_event": ms, "ts_known": ms}


def a_bar(close: float, ts: int = T0) -> list[Event]:
    """A bar of the hour from `ts` and the slice it closes."""
    now = at(ts + HOUR)
    return [
        BarClosed(**now, instrument=BTC, timeframe="1h", ts=ts, open=close, high=close, low=close,
                  close=close, volume=1e6, source="test"),
        SliceClosed(**now, timeframe="1h", decision_ts=ts + HOUR, instruments=(BTC,)),
    ]  # fmt: skip


def an_answer(target: float | None, ts: int = T0) -> StrategyAnswered:
    return StrategyAnswered(
        **at(ts + HOUR), account=MAIN, strategy=TREND, decision_ts=ts + HOUR,
        outcome=DecisionOutcome.DECIDED,
        wanted=(TargetWanted(instrument=BTC, target=target, features={"fast": 1.0}),),
    )  # fmt: skip


def opened(steps: Steps) -> None:
    steps.take(
        CashMoved(**at(T0), account=MAIN, movement_id="m", reason="deposit",
                  amount=Decimal(10_000), currency=USDT)
    )  # fmt: skip
    steps.take(
        ModeChanged(**at(T0), account=MAIN, mode=TradingMode.TRADING, reason="equal", by="recovery")
    )


def one_order(steps: Steps) -> Submit:
    """A bar at 100 and a target of half the equity: 50 coins."""
    asked: list[Command] = []
    for event in a_bar(100.0):
        asked += steps.take(event)
    assert [type(command) for command in asked] == [AskStrategy]
    done = steps.take(an_answer(0.5))
    submit = next(command for command in done if isinstance(command, Submit))
    assert submit.approved.order.quantity == 50
    return submit


def news(submit: Submit, ms: int) -> dict[str, Any]:
    order = submit.approved.order
    return {**at(ms), "account": MAIN, "order_id": order.order_id, "instrument": BTC}


def a_fill(submit: Submit, quantity: str, ms: int, trade: str = "t1") -> OrderFilled:
    order = submit.approved.order
    return OrderFilled(
        **at(ms),
        fill=Fill(
            trade_id=TradeId(trade), order_id=order.order_id, account=MAIN, instrument=BTC,
            side=order.side, quantity=Decimal(quantity), price=Decimal(100), fee=Decimal("0.5"),
            fee_currency=USDT, filled_at=utc_at(ms),
        ),
    )  # fmt: skip


def kinds(journal: Journal) -> list[str]:
    return [row.kind for row in journal.read() if not row.kind.startswith("journal.")]


def test_an_order_is_durable_before_it_is_asked_for() -> None:
    storage = MemoryStorage()
    steps, journal = trader(storage, new=True)
    opened(steps)

    submit = one_order(steps)

    written = [decode_event(row.body) for row in journal.read() if row.kind == "OrderSubmitted"]
    assert [e.order.order_id for e in written if isinstance(e, OrderSubmitted)] == [
        submit.approved.order.order_id
    ]
    assert kinds(journal)[-3:] == ["StrategyAnswered", "Decided", "OrderSubmitted"]


def test_a_restart_stands_where_the_journal_stands_and_asks_before_it_sends() -> None:
    storage = MemoryStorage()
    steps, _ = trader(storage, new=True)
    opened(steps)
    submit = one_order(steps)
    storage.crash()

    again, _ = trader(storage)
    commands = again.resume(T0 + HOUR + 500)

    order_id = submit.approved.order.order_id
    assert again.engine.state.orders[order_id].status is OrderStatus.UNKNOWN
    assert [c.order_id for c in commands if isinstance(c, LookUp)] == [order_id]
    assert not [c for c in commands if isinstance(c, Submit)]


def test_an_order_found_after_a_restart_is_adopted_and_its_fill_booked_once() -> None:
    storage = MemoryStorage()
    steps, _ = trader(storage, new=True)
    opened(steps)
    submit = one_order(steps)
    storage.crash()
    again, _ = trader(storage)
    again.resume(T0 + HOUR + 500)
    now = T0 + HOUR + 900

    again.take(
        OrderSeen(**news(submit, now), venue_order_id=VenueOrderId("v"),
                  status=OrderStatus.FILLED, filled_quantity=Decimal(50), asked_ms=now)
    )  # fmt: skip
    again.take(a_fill(submit, "50", now))
    again.take(a_fill(submit, "50", now))

    book = again.engine.state.books[MAIN].whole
    assert book.position(BTC).quantity == 50
    assert book.cash() == Decimal("4999.5")
    assert again.engine.state.orders[submit.approved.order.order_id].status is OrderStatus.FILLED


def test_absence_counts_only_when_asked_after_the_deadline_and_then_a_new_attempt_goes_out() -> (
    None
):
    steps, _ = trader(MemoryStorage(), new=True)
    opened(steps)
    submit = one_order(steps)
    deadline = submit.deadline_ms
    steps.take(
        OrderUnknown(**news(submit, deadline - 4_000), deadline_ms=deadline, reason="timed out")
    )

    early = steps.take(OrderNotFound(**news(submit, deadline - 3_900), asked_ms=deadline - 3_900))
    late = steps.take(OrderNotFound(**news(submit, deadline + 2_100), asked_ms=deadline + 2_100))

    assert [c.at_ms for c in early if isinstance(c, SetTimer)] == [deadline + 2_001]
    assert not [c for c in early if isinstance(c, Submit)]
    state = steps.engine.state
    assert state.orders[submit.approved.order.order_id].status is OrderStatus.ABSENT
    second = next(c for c in late if isinstance(c, Submit)).approved.order
    assert second.intent.attempt == 1
    assert second.order_id != submit.approved.order.order_id
    assert second.quantity == submit.approved.order.quantity


def test_every_prefix_of_the_journal_replays_to_the_state_it_had() -> None:
    storage = MemoryStorage()
    steps, journal = trader(storage, new=True)
    opened(steps)
    submit = one_order(steps)
    ms = T0 + HOUR + 100
    steps.take(OrderAccepted(**news(submit, ms), venue_order_id=VenueOrderId("v")))
    steps.take(a_fill(submit, "20", ms + 1))
    for event in a_bar(110.0, T0 + HOUR):
        steps.take(event)
    steps.take(an_answer(0.0, T0 + HOUR))  # asks for the end of the rest first

    again, _ = trader(storage)
    ours, theirs = steps.engine.state, again.engine.state
    order_id = submit.approved.order.order_id
    assert theirs.orders[order_id] == ours.orders[order_id]
    assert ours.orders[order_id].status is OrderStatus.PENDING_CANCEL
    assert theirs.books == ours.books
    assert theirs.rebalance == ours.rebalance
    assert kinds(journal)[-1] == "OrderCancelRequested"


def test_a_new_target_waits_for_the_end_of_the_order_before_it() -> None:
    steps, _ = trader(MemoryStorage(), new=True)
    opened(steps)
    submit = one_order(steps)
    ms = T0 + HOUR + 100
    steps.take(OrderAccepted(**news(submit, ms), venue_order_id=VenueOrderId("v")))
    steps.take(a_fill(submit, "20", ms + 1))
    for event in a_bar(100.0, T0 + HOUR):
        steps.take(event)
    first = steps.take(an_answer(0.0, T0 + HOUR))

    then = steps.take(
        OrderSeen(**news(submit, T0 + 2 * HOUR + 50), venue_order_id=VenueOrderId("v"),
                  status=OrderStatus.CANCELLED, filled_quantity=Decimal(20), asked_ms=T0)
    )  # fmt: skip

    assert not [c for c in first if isinstance(c, Submit)]
    sold = [c.approved.order for c in then if isinstance(c, Submit)]
    assert [(order.side, order.quantity) for order in sold] == [("sell", Decimal(20))]


def test_a_decision_is_written_in_one_commit_with_the_bars_it_depends_on() -> None:
    storage = MemoryStorage()
    steps, journal = trader(storage, new=True)
    opened(steps)
    before = journal.head.seq
    bar, closed = a_bar(100.0)

    assert steps.take(bar) == []
    assert journal.head.seq == before
    assert not steps.is_written
    assert [type(one) for one in steps.take(closed)] == [AskStrategy]
    assert journal.head.seq == before
    steps.take(an_answer(0.0))

    assert steps.is_written
    rows = list(journal.read(before + 1))
    assert [(row.kind, row.remaining) for row in rows] == [
        ("BarClosed", 0), ("SliceClosed", 0), ("StrategyAnswered", 1), ("Decided", 0),
    ]  # fmt: skip


def test_f48_a_full_disk_keeps_the_bars_that_waited_for_the_step() -> None:
    storage = MemoryStorage()
    steps, journal = trader(storage, new=True)
    opened(steps)
    bar, closed = a_bar(100.0)
    steps.take(bar)

    def full(point: Point) -> None:
        if point is Point.WRITE:
            raise JournalFullError("journal.full", "no room")

    storage.at = full
    steps.take(closed)
    with pytest.raises(JournalFullError):
        steps.take(an_answer(0.5))
    storage.at = lambda _: None

    assert Submit in [type(one) for one in steps.retry()]
    assert kinds(journal)[-5:] == [
        "BarClosed", "SliceClosed", "StrategyAnswered", "Decided", "OrderSubmitted",
    ]  # fmt: skip


def test_events_that_wait_together_are_a_step_each_in_one_commit() -> None:
    storage = MemoryStorage()
    steps, journal = trader(storage, new=True)
    opened(steps)
    submit = one_order(steps)
    before, ms = journal.head.seq, T0 + HOUR + 100
    commits: list[Point] = []
    storage.at = commits.append

    steps.take(
        OrderAccepted(**news(submit, ms), venue_order_id=VenueOrderId("v")),
        a_fill(submit, "20", ms + 1),
        a_fill(submit, "20", ms + 1),  # told twice
    )

    assert commits.count(Point.WRITE) == 1
    assert steps.is_written
    rows = [(row.kind, row.remaining) for row in journal.read(before + 1)]
    assert rows == [("OrderAccepted", 0), ("OrderFilled", 1), ("PositionChanged", 0)]


def test_what_was_told_before_is_written_neither_now_nor_later() -> None:
    steps, journal = trader(MemoryStorage(), new=True)
    opened(steps)
    submit = one_order(steps)
    steps.take(a_fill(submit, "20", T0 + HOUR + 1))
    before = journal.head.seq

    steps.take(a_fill(submit, "20", T0 + HOUR + 1))

    assert steps.is_written
    assert journal.head.seq == before
