"""What a venue does to what is traded there: rules, suspension, expiry, refusals, funding."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from tests.builders.engines import BTC, HOUR, MAIN, T0, TREND, USDT, Desk, at, of_kind, sent

from algotrader.core.events import (
    FundingPaid,
    ImpossibleReply,
    InstrumentChanged,
    ModeChanged,
    OrderDenied,
    OrderRejected,
    OrderSeen,
    RearmRequested,
    RiskAction,
    RiskTripped,
    TimerFired,
    TradingMode,
)
from algotrader.core.ids import OrderId, VenueOrderId
from algotrader.core.instants import utc_at
from algotrader.core.orders import OrderStatus, Protection, Purpose, Side
from algotrader.engine.commands import Alert, Command, SetTimer
from algotrader.engine.engine import Engine
from algotrader.portfolio.intents import Execution

SYMBOL = BTC.symbol
MS = T0 + HOUR


def change(ms: int, **changes: Any) -> InstrumentChanged:
    rules = {
        "tick": BTC.tick, "lot": BTC.lot, "min_quantity": BTC.min_quantity,
        "multiplier": BTC.multiplier,
    }  # fmt: skip
    return InstrumentChanged(**at(ms), instrument=SYMBOL, **{**rules, **changes})


def causes(commands: list[Command]) -> list[str]:
    return [one.cause for one in of_kind(commands, Alert)]


def alive(order_id: str, **changes: Any) -> OrderSeen:
    """The venue's answer that an order of our tag lives."""
    known = {"asked_ms": MS, "status": OrderStatus.ACCEPTED} | changes
    return OrderSeen(
        **at(MS), account=MAIN, order_id=OrderId(order_id), instrument=SYMBOL,
        venue_order_id=VenueOrderId("v"), filled_quantity=Decimal(0), **known,
    )  # fmt: skip


def test_f36_an_order_of_this_run_that_the_journal_does_not_know_is_told_and_left_alone() -> None:
    desk = Desk()
    done = desk.tell(alive("ours"))

    [reply] = of_kind(desk.events, ImpossibleReply)
    assert (reply.order_id, reply.told) == ("ours", OrderStatus.ACCEPTED)
    assert causes(done) == ["impossible:ours"]
    assert len(done) == 1  # nothing cancels it
    again = Engine(desk.settings)
    for event in desk.events:
        again.apply(event)


def test_nothing_is_added_to_what_a_venue_contradicted_until_a_person_has_looked() -> None:
    desk = Desk(execution=Execution.MARKET)
    desk.bar(1)
    [entry] = desk.answer(1, 0.5)
    desk.fill(entry, 5_000, MS + 20)
    desk.tell(alive("ours"))
    desk.tell(alive("ours"))
    desk.bar(2)

    more = desk.answer(2, 0.8)
    desk.bar(3)
    [less] = desk.answer(3, 0.2)
    desk.tell(
        RearmRequested(
            **at(MS * 3 + 10), account=MAIN, by="owner", channel="cli", reason="it was mine"
        )
    )
    desk.fill(less, 3_000, MS * 3 + 20)
    desk.bar(4)
    [again] = desk.answer(4, 0.8)

    assert more == []
    assert rules_of(desk) == ["impossible_reply"]
    assert (less.side, again.side) == (Side.SELL, Side.BUY)
    trips = of_kind(desk.events, RiskTripped)
    assert [(one.instrument, one.action) for one in trips] == [(SYMBOL, RiskAction.REDUCE_ONLY)]


def test_what_trades_beyond_an_order_is_booked_and_a_person_is_called() -> None:
    desk = Desk(execution=Execution.MARKET)
    desk.bar(1)
    [entry] = desk.answer(1, 0.5)
    told = desk.fill(entry, 5_001, MS + 20)
    desk.bar(2)

    assert causes(told) == [f"impossible:{entry.order_id}"]
    assert desk.held() == 5_001
    assert desk.answer(2, 0.8) == []
    assert rules_of(desk) == ["impossible_reply"]


@pytest.mark.parametrize("changes", [{"status": OrderStatus.CANCELLED}])
def test_the_end_of_an_order_that_the_journal_does_not_know_is_nothing(changes: Any) -> None:
    desk = Desk()

    assert desk.tell(alive("ours", **changes)) == []
    assert not of_kind(desk.events, ImpossibleReply)


def rules_of(desk: Desk) -> list[str]:
    return [r.rule for one in desk.events if isinstance(one, OrderDenied) for r in one.reasons]


def test_f31_orders_are_rounded_to_the_ticks_and_lots_that_hold_now() -> None:
    desk = Desk(execution=Execution.CAPPED)
    told = desk.tell(change(T0, tick=Decimal(2), lot=Decimal(700), changes=("tick", "lot")))
    desk.bar(1)
    [order] = desk.answer(1, 0.5)

    assert order.quantity == 4_900  # 5,000 in lots of 700
    assert order.terms.limit == 100  # 100.5 in ticks of 2, down for a buy
    assert causes(told) == [f"rules:{SYMBOL}"]


def test_f31_a_contract_of_another_size_freezes_the_symbol_guards_included() -> None:
    desk = Desk(execution=Execution.MARKET, protection=Protection(stop_loss=0.02))
    desk.bar(1)
    [entry] = desk.answer(1, 0.5)
    told = desk.tell(change(MS + 1, multiplier=BTC.multiplier * 10, changes=("multiplier",)))
    guards = sent(desk.fill(entry, 5_000, MS + 20))
    desk.bar(2)

    assert causes(told) == [f"frozen:{SYMBOL}"]
    assert guards == []
    assert desk.answer(2, 0.0) == []
    assert set(rules_of(desk)) == {"frozen"}
    assert desk.engine.state.books[MAIN].whole.position(SYMBOL).quantity == 5_000  # still shown


def test_f32_a_suspended_symbol_takes_no_order_until_it_trades_again() -> None:
    desk = Desk(execution=Execution.MARKET)
    desk.tell(change(T0, frozen="suspend", changes=("state",)))
    desk.bar(1)
    refused = desk.answer(1, 0.5)
    desk.tell(change(MS + 10, changes=("state",)))
    desk.bar(2)
    orders = desk.answer(2, 0.4)

    assert (refused, rules_of(desk)) == ([], ["frozen"])
    assert len(orders) == 1


def timers(commands: list[Command]) -> dict[str, int]:
    return {one.name: one.at_ms for one in of_kind(commands, SetTimer)}


def test_f32_what_ends_is_told_a_day_before_and_left_an_hour_before() -> None:
    desk = Desk(execution=Execution.MARKET)
    desk.bar(1)
    [entry] = desk.answer(1, 0.5)
    desk.fill(entry, 5_000, MS + 20)
    ends_ms = T0 + 48 * HOUR
    set_ = timers(desk.tell(change(MS + 100, expires_ms=ends_ms, changes=("expires",))))
    told = desk.tell(TimerFired(**at(ends_ms - 24 * HOUR), name=f"ends:{SYMBOL}"))
    left = desk.tell(TimerFired(**at(ends_ms - HOUR), name=f"leave:{SYMBOL}"))
    [exit_] = sent(left)
    desk.fill(exit_, 5_000, ends_ms - HOUR + 100)
    again = desk.tell(TimerFired(**at(ends_ms - HOUR + 60_000), name=f"leave:{SYMBOL}"))
    desk.bar(47)
    back = desk.answer(47, 0.3)

    assert set_ == {f"ends:{SYMBOL}": ends_ms - 24 * HOUR, f"leave:{SYMBOL}": ends_ms - HOUR}
    assert causes(told) == [f"ends:{SYMBOL}"]
    assert (exit_.side, exit_.quantity, exit_.intent.purpose) == (Side.SELL, 5_000, Purpose.RISK)
    assert timers(left)[f"leave:{SYMBOL}"] == ends_ms - HOUR + 60_000
    assert sent(again) == []
    assert (back, rules_of(desk)) == ([], ["ending"])


def test_f32_a_restart_sets_the_timers_of_what_ends_again() -> None:
    ends = replace(BTC, expires_at=utc_at(T0 + 48 * HOUR))
    mode = ModeChanged(**at(MS), account=MAIN, mode=TradingMode.TRADING, reason="", by="recovery")
    live = Desk(ends, engine={"guard_within_ms": 10_000})
    replayed = Desk(ends)

    assert set(timers(live.tell(mode))) == {f"ends:{SYMBOL}", f"leave:{SYMBOL}"}
    assert timers(replayed.tell(mode)) == {}


def test_f26_three_refusals_in_a_row_are_told_and_an_acceptance_ends_the_row() -> None:
    desk = Desk(execution=Execution.MARKET)
    told = []
    for hour, weight in enumerate((0.1, 0.2, 0.3, 0.4, 0.5, 0.6), start=1):
        desk.bar(hour)
        [order] = desk.answer(hour, weight)
        ms = T0 + hour * HOUR + 10
        if hour == 3:
            desk.accept(order, ms)
        done = desk.tell(OrderRejected(**desk.news(order, ms + 1), code="51008", reason="no money"))
        told.append(f"refusals:{SYMBOL}" in causes(done))

    # Two before the third was accepted, then three in a row.
    assert told == [False, False, False, False, True, False]


@pytest.mark.parametrize(("amount", "tells"), [("-1.00", False), ("-1.49", False), ("-1.51", True),
                                               ("-0.49", True)])  # fmt: skip
def test_f39_funding_that_drifts_from_its_rates_is_told(amount: str, tells: bool) -> None:
    """1,000 contracts of 0.01 at 100 are 1,000 USDT: 10 bps are 1 USDT, 5 bps of drift 0.50."""
    desk = Desk()
    paid = FundingPaid(
        **at(MS), account=MAIN, instrument=SYMBOL, settlement_id="b1", amount=Decimal(amount),
        currency=USDT, rate=Decimal("0.001"), quantity=Decimal(1_000), mark=Decimal(100),
    )  # fmt: skip
    told = desk.tell(paid)

    assert (causes(told) == [f"funding:{SYMBOL}"]) is tells
    assert desk.engine.state.books[MAIN].whole.cash() == 10_000 + Decimal(amount)  # as charged


def test_f39_drift_is_of_one_day() -> None:
    desk = Desk()
    for day in range(2):
        for part in range(2):
            ms = T0 // (24 * HOUR) * 24 * HOUR + day * 24 * HOUR + part * HOUR
            told = desk.tell(FundingPaid(
                **at(ms), account=MAIN, instrument=SYMBOL, settlement_id=f"{day} {part}",
                amount=Decimal("-1.3"), currency=USDT, rate=Decimal("0.001"),
                quantity=Decimal(1_000), mark=Decimal(100),
            ))  # fmt: skip
            assert bool(causes(told)) is (part == 1)  # 3 bps, then 6
    assert desk.engine.state.books[MAIN].parts[TREND].cash() < 10_000


def test_f32_leaving_at_the_moment_of_a_decision_is_an_order_of_its_own() -> None:
    desk = Desk(replace(BTC, expires_at=utc_at(T0 + 3 * HOUR)), execution=Execution.MARKET)
    desk.bar(1)
    [entry] = desk.answer(1, 0.5)
    desk.fill(entry, 5_000, MS + 20)
    desk.bar(2)
    [cut] = desk.answer(2, 0.2)
    [exit_] = sent(desk.tell(TimerFired(**at(T0 + 2 * HOUR), name=f"leave:{SYMBOL}")))

    assert cut.order_id != exit_.order_id
    assert (exit_.intent.purpose, exit_.intent.attempt) == (Purpose.RISK, 1)
