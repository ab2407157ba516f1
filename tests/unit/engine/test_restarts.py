"""What a start goes on with, what it lets go of, and what is then wanted anew (R10, R24, P8)."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import msgspec
import pytest
from tests.builders.engines import (
    BTC,
    HOUR,
    MAIN,
    T0,
    TREND,
    Desk,
    at,
    bar_events,
    of_kind,
    sent,
)

from algotrader.core.events import (
    AskedAmend,
    AskedCancel,
    AskedOrder,
    DecisionOutcome,
    OrderExpired,
    OrderNotFound,
    OrderSeen,
    StrategyAnswered,
    TargetWanted,
    TimerFired,
    TradingMode,
)
from algotrader.core.ids import StrategyId, VenueOrderId
from algotrader.core.orders import Order, OrderStatus, Side
from algotrader.core.symbols import Symbol
from algotrader.engine.commands import Alert, AskStrategy, Cancel, Command, SetTimer
from algotrader.engine.engine import Engine
from algotrader.engine.settings import StrategyInstance
from algotrader.portfolio.intents import Execution

ETH = replace(BTC, symbol=Symbol.parse("OKX:ETH/USDT:USDT"))
FAST = StrategyId("fast")
MS = T0 + HOUR


def fire(desk: Desk, commands: list[Command], kind: str) -> list[Command]:
    """All timers of a kind that were set, at their time."""
    timers = [one for one in of_kind(commands, SetTimer) if one.name.startswith(kind)]
    return desk.tell(*(TimerFired(**at(one.at_ms), name=one.name) for one in timers))


def not_found(desk: Desk, order: Order, ms: int) -> None:
    desk.tell(OrderNotFound(**desk.news(order, ms), asked_ms=ms - 100))
    assert desk.engine.state.orders[order.order_id].status is OrderStatus.ABSENT


def next_bars(desk: Desk, hours: range, target: float) -> list[Order]:
    found = []
    for hour in hours:
        desk.bar(hour)
        found += desk.answer(hour, target)
    return found


def test_r10_a_target_whose_order_never_left_is_acted_on_again_at_the_next_bar() -> None:
    desk = Desk(execution=Execution.CAPPED)
    desk.bar(1)
    [lost] = desk.answer(1, 0.5)
    ms = MS + 3 * HOUR
    desk.restart(ms)
    not_found(desk, lost, ms + 200)
    assert sent(desk.recovery(ms + 1_000)) == []  # its bar is over (R24)

    desk.bar(5)
    [again] = desk.answer(5, 0.5)
    assert again.quantity == 5_000


def test_r10_an_exit_that_waited_for_a_cancel_is_wanted_again_at_the_next_bar() -> None:
    desk = Desk(execution=Execution.MARKET)
    desk.bar(1)
    [entry] = desk.answer(1, 0.5)
    desk.accept(entry, MS + 5)
    desk.fill(entry, 1_000, MS + 10)
    desk.bar(2)
    assert desk.answer(2, 0.0) == []
    ms = MS + 5 * HOUR
    desk.restart(ms)
    desk.seen(entry, OrderStatus.CANCELLED, 1_000, ms + 200)
    assert sent(desk.recovery(ms + 1_000)) == []

    [sale, *_] = next_bars(desk, range(7, 9), 0.0)
    assert (sale.side, sale.quantity) == (Side.SELL, 1_000)


def test_a_reduction_that_a_start_refused_goes_out_when_only_reductions_may() -> None:
    desk = Desk(execution=Execution.MARKET)
    desk.bar(1)
    [entry] = desk.answer(1, 0.5)
    desk.fill(entry, 5_000, MS + 10)
    desk.bar(2)
    [lost] = desk.answer(2, 0.0)
    ms = MS + HOUR + 60_000
    desk.restart(ms)
    not_found(desk, lost, ms + 200)

    [sale] = sent(desk.recovery(ms + 1_000, TradingMode.REDUCE_ONLY))
    assert (sale.side, sale.quantity) == (Side.SELL, 5_000)
    assert desk.engine.state.risk.state.refused == {}


def test_r13_the_tries_inside_a_bar_go_on_after_a_restart() -> None:
    desk = Desk(execution=Execution.CAPPED)
    desk.bar(1)
    [first] = desk.answer(1, 0.5)
    desk.accept(first, MS + 5)
    desk.fill(first, 2_000, MS + 10)
    desk.tell(OrderExpired(**desk.news(first, MS + 20), filled_quantity=Decimal(2_000)))
    desk.restart(MS + 1_000)

    [second] = sent(fire(desk, desk.recovery(MS + 1_500), "again:"))
    assert second.quantity == 3_000


def test_a_cancel_that_never_left_goes_out_where_nothing_is_watched() -> None:
    desk = Desk(by_bar=True, engine={"watch_every_ms": None})
    desk.bar(1)
    rests = AskedOrder(number=0, instrument=BTC.symbol, side=Side.BUY, quantity=10.0, limit=95.0)
    [limit] = desk.answer(1, asked=[rests])
    desk.accept(limit, MS + 5)
    desk.bar(2)
    desk.answer(2, asked=[AskedCancel(number=0)])
    ms = MS + HOUR + 60_000
    begun = desk.restart(ms)
    desk.seen(limit, OrderStatus.ACCEPTED, 0, ms + 200)
    desk.recovery(ms + 500)

    [again] = of_kind(fire(desk, begun, "lookup:"), Cancel)
    assert again.order_id == limit.order_id


def two_lengths() -> Desk:
    """A strategy of 4-hour bars and one of 1-hour bars on one account."""
    desk = Desk()
    [slow] = desk.settings.strategies
    slow = replace(slow, timeframe="4h", cash_share=0.5)
    fast = StrategyInstance(
        strategy=FAST, account=MAIN, instruments=(ETH.symbol,), timeframe="1h", cash_share=0.5
    )
    symbols = (BTC.symbol, ETH.symbol)
    [account] = desk.settings.accounts
    account = replace(account, instruments=symbols, strategies=(TREND, FAST))
    desk.settings = replace(
        desk.settings, accounts=(account,), strategies=(slow, fast),
        instruments={BTC.symbol: BTC, ETH.symbol: ETH},
    )  # fmt: skip
    desk.engine = Engine(desk.settings)
    begun, desk.events = desk.events, []
    desk.tell(*begun)
    return desk


def both_close(desk: Desk, hour: int) -> None:
    for frame, symbol in (("4h", BTC.symbol), ("1h", ETH.symbol)):
        desk.tell(*(msgspec.structs.replace(one, timeframe=frame)
                    for one in bar_events(hour, symbol=symbol)))  # fmt: skip


def reply(desk: Desk, strategy: StrategyId, target: float, ms: int) -> list[Order]:
    """The answer to what was asked at the fourth hour."""
    symbol = BTC.symbol if strategy == TREND else ETH.symbol
    answer = StrategyAnswered(
        **at(ms), account=MAIN, strategy=strategy, decision_ts=T0 + 4 * HOUR,
        outcome=DecisionOutcome.DECIDED, state={},
        wanted=(TargetWanted(instrument=symbol, target=target, features={}),),
    )  # fmt: skip
    return sent(desk.tell(answer))


def test_r24_what_is_too_old_to_be_asked_again_is_not_waited_for() -> None:
    desk = two_lengths()
    both_close(desk, 4)
    ms = T0 + 6 * HOUR
    desk.restart(ms)
    asked = of_kind(desk.recovery(ms + 1_000), AskStrategy)

    assert [one.strategy for one in asked] == [TREND]
    assert [one.instrument for one in reply(desk, TREND, 0.5, ms + 1_100)] == [BTC.symbol]
    assert reply(desk, FAST, 0.5, ms + 1_200) == []  # an answer of the time before


def test_r24_an_answer_that_waited_for_one_that_is_too_old_is_acted_on_by_the_start() -> None:
    desk = two_lengths()
    both_close(desk, 4)
    assert reply(desk, TREND, 0.5, T0 + 4 * HOUR + 100) == []  # the other has not answered (R1)
    ms = T0 + 6 * HOUR
    desk.restart(ms)
    done = desk.recovery(ms + 1_000)

    assert of_kind(done, AskStrategy) == []
    assert [one.instrument for one in sent(done)] == [BTC.symbol]


def test_r24_an_answer_whose_own_bar_is_over_is_not_acted_on_by_a_start() -> None:
    desk = two_lengths()
    both_close(desk, 4)
    assert reply(desk, FAST, 0.5, T0 + 4 * HOUR + 100) == []
    ms = T0 + 6 * HOUR
    desk.restart(ms)
    desk.recovery(ms + 1_000)

    assert [one.instrument for one in reply(desk, TREND, 0.5, ms + 1_100)] == [BTC.symbol]


@pytest.mark.parametrize(("shown", "told"), [("95", 1), ("90", 0)], ids=["lost", "came"])
def test_a_change_that_the_venue_does_not_show_is_told(shown: str, told: int) -> None:
    desk = Desk(by_bar=True)
    desk.bar(1)
    rests = AskedOrder(number=0, instrument=BTC.symbol, side=Side.BUY, quantity=10.0, limit=95.0)
    [limit] = desk.answer(1, asked=[rests])
    desk.accept(limit, MS + 5)
    desk.bar(2)
    desk.answer(2, asked=[AskedAmend(number=0, limit=90.0)])
    ms = MS + HOUR + 60_000
    desk.restart(ms)
    seen = OrderSeen(
        **desk.news(limit, ms + 200), asked_ms=ms + 100, venue_order_id=VenueOrderId("v"),
        status=OrderStatus.ACCEPTED, filled_quantity=Decimal(0), quantity=Decimal(10),
        limit=Decimal(shown),
    )  # fmt: skip
    causes = [one.cause for one in of_kind(desk.tell(seen, seen), Alert)]

    assert causes == [f"unchanged:{limit.order_id}"] * told
    assert desk.engine.state.orders[limit.order_id].limit == Decimal(shown)
