"""The table of transitions, walked in whole: every step that news can lead to, and no other."""

from __future__ import annotations

from collections import deque
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from tests.builders.books import SPOT, USDT

from algotrader.core.events import (
    OrderAbsent,
    OrderAccepted,
    OrderAmended,
    OrderAmendRefused,
    OrderAmendRequested,
    OrderCancelled,
    OrderCancelRefused,
    OrderCancelRequested,
    OrderExpired,
    OrderFilled,
    OrderNotFound,
    OrderRejected,
    OrderSeen,
    OrderSubmitted,
    OrderUnknown,
    StopTriggered,
)
from algotrader.core.fills import Fill
from algotrader.core.ids import AccountId, RunId, StrategyId, TradeId, VenueOrderId
from algotrader.core.orders import (
    LEGAL_TRANSITIONS,
    Intent,
    Order,
    OrderStatus,
    OrderTerms,
    Side,
)
from algotrader.execution.order_life import IllegalTransitionError, LiveOrder, OrderEvent

S = OrderStatus
NOON = datetime(2024, 1, 1, 12, tzinfo=UTC)
ORDER = Order.from_intent(
    Intent(
        account=AccountId("main"), strategy=StrategyId("trend"), decided_at=NOON,
        terms=OrderTerms(instrument=SPOT.symbol, side=Side.SELL, quantity=Decimal(10),
                         stop=Decimal(90), reduce_only=True),
    ),
    RunId("run"),
)  # fmt: skip
TIMES: dict[str, Any] = {"ts_event": 5, "ts_known": 5}
NEWS: dict[str, Any] = {
    **TIMES, "account": ORDER.account, "order_id": ORDER.order_id, "instrument": ORDER.instrument
}  # fmt: skip


def fill(name: str, quantity: int) -> OrderFilled:
    return OrderFilled(
        **TIMES,
        fill=Fill(
            trade_id=TradeId(name), order_id=ORDER.order_id, account=ORDER.account,
            instrument=ORDER.instrument, side=Side.SELL, quantity=Decimal(quantity),
            price=Decimal(89), fee=Decimal(0), fee_currency=USDT, filled_at=NOON,
        ),
    )  # fmt: skip


def seen(status: OrderStatus, filled: int, asked_ms: int | None = None) -> OrderSeen:
    return OrderSeen(**NEWS, venue_order_id=VenueOrderId("v"), status=status,
                     filled_quantity=Decimal(filled), asked_ms=asked_ms)  # fmt: skip


EVENTS: tuple[OrderEvent, ...] = (
    OrderAccepted(**NEWS, venue_order_id=VenueOrderId("v")),
    OrderRejected(**NEWS, code="51008", reason=""),
    OrderUnknown(**NEWS, deadline_ms=9, reason=""),
    OrderAbsent(**NEWS, asked_ms=20),
    OrderNotFound(**NEWS, asked_ms=6),
    OrderCancelRequested(**NEWS, reason=""),
    OrderCancelRefused(**NEWS, code="51402", reason=""),
    OrderAmendRequested(**NEWS, quantity=Decimal(8), limit=None, stop=Decimal(91), reason=""),
    OrderAmendRefused(**NEWS, code="51510", reason=""),
    OrderAmended(**NEWS, quantity=Decimal(8), limit=None, stop=Decimal(91)),
    StopTriggered(**NEWS, child_order_id=None, trigger_price=Decimal(90)),
    fill("a", 4),
    fill("b", 6),
    fill("whole", 10),
    *(seen(status, filled) for status, filled in (
        (S.ACCEPTED, 0), (S.TRIGGERED, 0), (S.PARTIALLY_FILLED, 4), (S.FILLED, 10),
        (S.CANCELLED, 0), (S.CANCELLED, 4), (S.EXPIRED, 4), (S.REJECTED, 0),
    )),
    *(seen(status, filled, asked_ms=30) for status, filled in (
        (S.ACCEPTED, 0), (S.TRIGGERED, 0), (S.PARTIALLY_FILLED, 4),
    )),
    OrderCancelled(**NEWS, filled_quantity=Decimal(0), reason=""),
    OrderCancelled(**NEWS, filled_quantity=Decimal(4), reason=""),
    OrderExpired(**NEWS, filled_quantity=Decimal(0)),
    OrderExpired(**NEWS, filled_quantity=Decimal(4)),
)  # fmt: skip


def start() -> LiveOrder:
    return LiveOrder.submitted(
        OrderSubmitted(**TIMES, order=ORDER, gate_sequence=1, state_hash="", deadline_ms=9)
    )


def _key(live: LiveOrder) -> tuple[Any, ...]:
    return (live.status, live.filled, live.reported, live.ending, live.resumes,
            live.cancel_wanted, live.quantity, min(live.misses, 1), live.over_ms)  # fmt: skip


def walked() -> tuple[set[tuple[S, S]], list[tuple[LiveOrder, OrderEvent, LiveOrder]]]:
    """Every transition between two statuses, and every step, that any news can lead to."""
    first = start()
    queue, known = deque([first]), {_key(first)}
    moves: set[tuple[S, S]] = set()
    steps = []
    while queue:
        live = queue.popleft()
        for event in EVENTS:
            try:
                later = live.hear(event)
            except IllegalTransitionError:
                continue
            steps.append((live, event, later))
            if later.status is not live.status:
                moves.add((live.status, later.status))
            if _key(later) not in known:
                known.add(_key(later))
                queue.append(later)
    return moves, steps


MOVES, STEPS = walked()


def test_each_legal_transition_is_reached_by_some_news_and_no_other_is() -> None:
    legal = {(before, later) for before, some in LEGAL_TRANSITIONS.items() for later in some}

    assert MOVES - legal == set()
    assert {f"{before} -> {later}" for before, later in legal - MOVES} == set()


def test_no_news_ever_takes_back_a_trade_or_revives_what_is_over() -> None:
    for before, event, after in STEPS:
        assert after.filled >= before.filled, event
        assert after.reported >= before.reported, event
        assert set(after.trades) >= set(before.trades), event
        if before.is_final:
            assert after.is_final, event
        assert after.open_quantity >= 0, event


def test_an_order_is_called_over_only_when_its_trades_add_up() -> None:
    for _, event, after in STEPS:
        if after.status is S.FILLED:
            assert after.filled >= min(after.quantity, after.reported), event
        if after.status is S.SETTLING:
            assert after.reported > after.filled, event
            assert after.ending is not None, event
