"""What must hold in every history, by the names of the catalogue."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Final

from msgspec.structs import replace
from tests.simulation.history import CASH, FRAME, MAIN, RANDOM, SYMBOLS, History, Seen

from algotrader.core.events import (
    DecisionOutcome,
    ImpossibleReply,
    OrderFilled,
    OrderSubmitted,
    RiskAction,
    RiskTripped,
    StrategyAnswered,
    TargetWanted,
    TradingMode,
)
from algotrader.core.ids import OrderId
from algotrader.core.instants import utc_ms
from algotrader.core.money import Currency
from algotrader.core.orders import OrderStatus, Side
from algotrader.core.ports import Severity
from algotrader.core.timeframes import MINUTE_MS as FRAME_MS
from algotrader.engine.commands import Submit
from algotrader.engine.engine import Engine
from algotrader.engine.image import image_of, state_of
from algotrader.execution.order_book import OrderBook
from algotrader.execution.order_life import LiveOrder
from algotrader.live.journal import verifying
from algotrader.portfolio.ledger import Ledger
from algotrader.portfolio.positions import ZERO, exact

IN_DOUBT: Final = (
    OrderStatus.PENDING, OrderStatus.UNKNOWN, OrderStatus.SETTLING, OrderStatus.PENDING_CANCEL,
    OrderStatus.PENDING_AMEND,
)  # fmt: skip
FOUND_WITHIN_MS: Final = 75_000  # asked each 30 s, and again where the answer is lost
COMPARED_EACH: Final = 50  # events
SLOW_S: Final = 1.0  # where every answer is later than a client waits, nothing can be promised
LARGEST_SHARE: Final = Decimal("0.95")  # targets are 90 % together; prices move while orders fill


def broken_while_running(history: History) -> Iterator[str]:
    """Properties that hold at each moment."""
    history.look()
    yield from history.witness.broken
    if history.steps is None:
        return
    venue, state = history.venue, history.steps.engine.state
    seen = history.seen_of(history.steps)
    yield from _missing_for_long(history, seen)
    yield from _beyond_limits(history)
    yield from _unbalanced(state.books[MAIN].whole)
    for held in venue.placed[seen.orders :]:
        if held.order.order_id not in state.orders:
            yield f"P2: order {held.order.order_id} is at the venue and in no row"
            return
    seen.orders = len(venue.placed)
    for order_id, held in venue.alive.items():
        live = state.orders[order_id]
        if live.is_final:
            yield f"P21: order {order_id} is {live.status} here, alive there"
        elif held.quantity > live.filled + live.most_open:
            yield f"P6: order {order_id} may trade {held.quantity}, more than is counted with"


def broken_when_settled(history: History) -> Iterator[str]:
    """Properties of the end, after faults were healed and everything had time to settle."""
    yield from broken_while_running(history)
    rows, venue = history.rows(), history.venue
    written = [event.order.order_id for event in rows if isinstance(event, OrderSubmitted)]
    if len(written) != len(set(written)):
        yield "P1: an order id was written twice"
    for order_id in venue.orders:
        if order_id not in written:
            yield f"P2: order {order_id} is at the venue and in no row"
    found = verifying.verify(history.storage)
    if found.problem is not None:
        yield f"P19: {found.problem.message}"
    state = history.folded().state
    for live in state.orders.all():
        if live.status in IN_DOUBT:
            yield f"P11: order {live.order.order_id} is still {live.status}"
    for order_id, held in venue.alive.items():
        if (ours := state.orders[order_id].quantity) != held.quantity:
            yield f"P21: order {order_id} is of {ours} here, of {held.quantity} at the venue"
    book = state.books[MAIN].whole
    theirs = venue.positions(SYMBOLS)
    for symbol in SYMBOLS:
        ours = book.position(symbol).quantity
        if ours != theirs[symbol]:
            yield f"P3: {symbol} is {ours} here, {theirs[symbol]} at the venue"
    if abs(book.cash() - (CASH + venue.cash)) > Decimal("1e-9"):
        yield f"P4: cash is {book.cash()} here, {CASH + venue.cash} at the venue"
    told = {e.fill.trade_id for e in rows if isinstance(e, OrderFilled)}
    real = {fill.trade_id for fill in venue.fills}
    if told != real:
        yield f"P7: trades differ: {sorted(told ^ real)}"
    gap = book.statement(state.marks()).gap
    if gap != 0:
        yield f"P5: the books have a gap of {gap}"
    yield from broken_without_a_word(history)
    yield from broken_by_distrust(history)
    yield from broken_by_a_second_rebalance(history, history.fold.engine_to_spend)


def broken_against_memory(history: History) -> Iterator[str]:
    """P9: what the process holds in memory is the fold of its journal, once that is written."""
    if history.steps is None or not history.steps.is_written:
        return
    live, again = history.steps.engine.state, history.folded().state
    seen = history.seen_of(history.steps)
    same = (
        _are_equal(live.orders, again.orders, seen.compared)
        and live.books == again.books
        and live.modes == again.modes
        and live.rebalance == again.rebalance
        and live.awaited == again.awaited
    )
    seen.events, seen.slices = history.witness.count, history.slices
    if not same:
        yield "P9: memory differs from the fold of the journal"


def broken_against_memory_now_and_then(history: History) -> Iterator[str]:
    """P9 at each bar, and each 50 events."""
    if history.steps is None:
        return
    seen = history.seen_of(history.steps)
    if history.slices > seen.slices or history.witness.count - seen.events >= COMPARED_EACH:
        yield from broken_against_memory(history)


def _are_equal(
    ours: OrderBook, theirs: OrderBook, known: dict[OrderId, tuple[LiveOrder, LiveOrder]]
) -> bool:
    """Whether all orders are; two records that were equal once are not compared again."""
    if len(ours) != len(theirs):
        return False
    for one, other in zip(ours.all(), theirs.all(), strict=True):
        before = known.get(one.order.order_id)
        if before is not None and before[0] is one and before[1] is other:
            continue
        if one != other:
            return False
        known[one.order.order_id] = (one, other)
    return True


def _missing_for_long(history: History, seen: Seen) -> Iterator[str]:
    """F18: what the pushes lost is found by asking."""
    is_slow = history.plan.faults.delay_s > SLOW_S
    if history.steps is None or history.ready_ms is None or is_slow:
        return
    state, since = history.steps.engine.state, history.venue.now_ms() - FOUND_WITHIN_MS
    if history.ready_ms > since:
        return
    fills = history.venue.fills
    while seen.fills < len(fills) and state.knows_trade(fills[seen.fills].key):
        seen.fills += 1
    if seen.fills < len(fills) and utc_ms(fills[seen.fills].filled_at) < since:
        missing = fills[seen.fills]
        yield f"F18: trade {missing.trade_id} is unknown after {FOUND_WITHIN_MS / 1000:g} s"


def _beyond_limits(history: History) -> Iterator[str]:
    """P6: what is held and what may still be bought at the venue is within the money there is."""
    venue = history.venue
    held = venue.positions(SYMBOLS)
    value = sum(held[symbol] * venue.prices[symbol] for symbol in SYMBOLS if symbol in venue.prices)
    buying = sum(
        one.rest * venue.prices[one.order.instrument]
        for one in venue.alive.values()
        if one.order.side is Side.BUY
    )
    equity = CASH + venue.cash + value
    if value + buying > equity * LARGEST_SHARE:
        yield f"P6: {value + buying:.0f} held and being bought, equity {equity:.0f}"


def _unbalanced(book: Ledger) -> Iterator[str]:
    """P5: postings that each sum to zero leave balances that do, currency by currency."""
    sums: dict[Currency, Decimal] = {}
    with exact():
        for (_, currency), amount in book.balances.items():
            sums[currency] = sums.get(currency, ZERO) + amount
    for currency, amount in sums.items():
        if amount:
            yield f"P5: the postings of {currency} sum to {amount}"


def broken_by_distrust(history: History) -> Iterator[str]:
    """P20: this venue loses and delays but never lies, so nothing that it says is impossible."""
    for event in history.rows():
        if isinstance(event, ImpossibleReply):
            yield f"P20: an honest venue is not believed of {event.order_id}: {event.text}"


def broken_by_a_second_rebalance(
    history: History, engine_to_spend: Callable[[], Engine] | None = None
) -> Iterator[str]:
    """P14: where the targets stand, the same ones at the same prices send nothing.

    Tried on a copy of what the journal tells, or on an engine that nobody needs any more.
    """
    state = history.folded().state
    newest = state.slices.get(FRAME)
    places = {symbol: state.rebalance.get((RANDOM, symbol)) for symbol in SYMBOLS}
    stands = all(one is None or one.acted == one.standing for one in places.values())
    trades = state.modes[MAIN] is TradingMode.TRADING
    if newest is None or state.awaited or not trades or not stands or any(state.orders.open()):
        return
    engine = _copied(history) if engine_to_spend is None else engine_to_spend()
    now_ms = newest.decision_ts + FRAME_MS
    at = {"ts_event": now_ms, "ts_known": now_ms}
    for symbol in SYMBOLS:
        if (bar := state.closes.get(symbol)) is not None:
            engine.handle(replace(bar, ts=bar.ts + FRAME_MS, **at))
    engine.handle(replace(newest, decision_ts=now_ms, instruments=SYMBOLS, **at))
    wanted = tuple(
        TargetWanted(instrument=symbol, target=one.standing, features={})
        for symbol, one in places.items()
        if one is not None
    )
    answer = StrategyAnswered(
        **at, account=MAIN, strategy=RANDOM, decision_ts=now_ms,
        outcome=DecisionOutcome.DECIDED, wanted=wanted,
    )  # fmt: skip
    for command in engine.handle(answer).commands:
        if isinstance(command, Submit):
            yield f"P14: a second rebalance sends {command.approved.order.terms}"


def _copied(history: History) -> Engine:
    engine = Engine(history.fold.settings)
    engine.stand_at(state_of(image_of(history.folded().state)))
    return engine


def broken_without_a_word(history: History) -> Iterator[str]:
    """P20: what a person must know stands in the journal and was told; in a life without a crash."""
    if history.starts > 1:
        return
    for event in history.rows():
        halts = isinstance(event, RiskTripped) and event.action is RiskAction.HALT
        if halts and not any(notice.severity is Severity.CRITICAL for notice in history.notices):
            yield f"P20: nobody was told that {event.rule} halted"
