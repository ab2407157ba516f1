"""A strategy is put away where nothing of it is left behind; a trader that ends may withdraw."""

from __future__ import annotations

from typing import Any

from tests.builders.engines import BTC, HOUR, T0, TREND, Desk, at, bar_events, of_kind, sent

from algotrader.core.events import (
    EndRequested,
    OrderCancelRequested,
    ParametersSet,
    RunStarted,
    SettingChange,
    StrategyReloaded,
    StrategyReloadRefused,
    StrategyUnloaded,
    StrategyUnloadRequested,
    TimerFired,
)
from algotrader.core.ids import RunId
from algotrader.core.orders import OrderStatus, Protection
from algotrader.engine.commands import AskStrategy, Cancel, SetTimer
from algotrader.engine.inforce import InForce
from algotrader.portfolio.intents import Execution

_ASKED: Any = {"by": "me", "channel": "cli", "reason": "done", "account": "main", "strategy": TREND}


def unload(desk: Desk, ms: int) -> str | None:
    """Why it was refused, None if it was not."""
    told = desk.engine.handle(StrategyUnloadRequested(**at(ms), **_ASKED)).events
    refused = [one for one in told if isinstance(one, StrategyReloadRefused)]
    assert len(told) == 2
    assert refused or isinstance(told[1], StrategyUnloaded)
    return refused[0].text if refused else None


def test_a_strategy_goes_only_when_it_decides_nothing_has_nothing_open_and_holds_nothing() -> None:
    desk = Desk(execution=Execution.MARKET)
    desk.bar(1)
    assert "deciding at this moment" in str(unload(desk, T0 + HOUR))
    [order] = desk.answer(1, 0.5)
    assert "is open" in str(unload(desk, T0 + HOUR + 1))
    desk.accept(order, T0 + HOUR + 10)
    desk.fill(order, 5_000, T0 + HOUR + 20)
    assert f"holds 5000 of {BTC.symbol}" in str(unload(desk, T0 + HOUR + 30))
    desk.bar(2)
    [sale] = desk.answer(2, 0.0)
    desk.accept(sale, T0 + 2 * HOUR + 10)
    desk.fill(sale, 5_000, T0 + 2 * HOUR + 20)

    assert unload(desk, T0 + 2 * HOUR + 30) is None
    assert of_kind(desk.tell(*bar_events(3)), AskStrategy) == []
    assert desk.engine.state.awaited == {}


def test_a_strategy_that_was_loaded_again_is_asked_and_its_first_target_is_acted_on() -> None:
    desk = Desk(execution=Execution.MARKET)
    desk.bar(1)
    desk.answer(1, 0.0)
    unload(desk, T0 + HOUR + 1)
    desk.tell(*bar_events(2))
    loaded = StrategyReloaded(**at(T0 + 2 * HOUR), **_ASKED, parameters={}, source_hash="b")
    desk.tell(loaded)
    [asked] = of_kind(desk.tell(*bar_events(3)), AskStrategy)
    [order] = desk.answer(3, 0.5)

    assert asked.strategy == TREND
    assert order.quantity == 5_000


def test_what_adds_is_cancelled_at_the_end_and_what_guards_stays() -> None:
    desk = Desk(execution=Execution.CAPPED, protection=Protection(stop_loss=0.02))
    desk.bar(1)
    [entry] = desk.answer(1, 0.5)
    desk.accept(entry, T0 + HOUR + 10)
    [stop] = sent(desk.fill(entry, 2_000, T0 + HOUR + 20))
    desk.accept(stop, T0 + HOUR + 30)
    outcome = desk.engine.handle(EndRequested(**at(T0 + HOUR + 40), reason="at_exit"))

    cancels = of_kind(outcome.commands, Cancel)
    assert [one.order_id for one in cancels] == [entry.order_id]
    assert isinstance(outcome.events[1], OrderCancelRequested)
    assert desk.engine.state.orders[stop.order_id].status is OrderStatus.ACCEPTED


def test_what_a_person_set_and_put_away_outlives_a_start() -> None:
    change = SettingChange(key="strategies.trend.parameters.fast", before="10", after="12")
    events: list[Any] = [
        RunStarted(**at(1), run_id=RunId("r"), execution="paper", configuration_hash="a",
                   software="1", settings={"strategies": {TREND: {"use": "x"}}}, sources={TREND: "s"}),
        ParametersSet(**at(2), **_ASKED, by_hand={"fast": 12}, parameters={"fast": 12, "slow": 9},
                      changes=(change,), configuration_hash="b"),
        StrategyUnloaded(**at(3), **_ASKED),
        RunStarted(**at(4), run_id=RunId("r"), execution="paper", configuration_hash="c",
                   software="1", settings={"strategies": {TREND: {"use": "y"}}}, sources={TREND: "t"}),
    ]  # fmt: skip
    held = InForce()
    seen = [held := held.after(event) for event in events]

    assert seen[1].settings["strategies"][TREND] == {
        "use": "x", "parameters": {"fast": 12, "slow": 9}
    }  # fmt: skip
    assert seen[3].by_hand == {TREND: {"fast": 12}}
    assert seen[3].unloaded == {TREND}
    assert seen[3].settings == {"strategies": {TREND: {"use": "y"}}}
    again = StrategyReloaded(**at(5), **_ASKED, parameters={}, source_hash="u")
    assert seen[3].after(again).unloaded == frozenset()


def test_f07_nothing_new_goes_out_for_a_target_while_the_trader_ends() -> None:
    desk = Desk(execution=Execution.MARKET)
    desk.bar(1)
    [entry] = desk.answer(1, 0.5)
    desk.accept(entry, T0 + HOUR + 5)
    desk.fill(entry, 1_000, T0 + HOUR + 10)
    done = desk.tell(EndRequested(**at(T0 + HOUR + 1_000), reason="at_exit"))
    assert [one.order_id for one in of_kind(done, Cancel)] == [entry.order_id]
    assert sent(desk.seen(entry, OrderStatus.CANCELLED, 1_000, T0 + HOUR + 1_200)) == []

    desk.restart(T0 + HOUR + 60_000)
    assert sent(desk.recovery(T0 + HOUR + 61_000)) == []
    desk.bar(2)
    [rest] = desk.answer(2, 0.5)  # the first decision after it (R10)
    assert rest.quantity == 4_000


def test_f07_an_answer_that_comes_while_the_trader_ends_sends_nothing() -> None:
    desk = Desk(execution=Execution.MARKET)
    desk.bar(1)
    desk.tell(EndRequested(**at(T0 + HOUR + 50), reason="at_exit"))

    assert desk.answer(1, 0.5) == []


def test_f07_what_a_capped_order_left_is_not_tried_again_while_the_trader_ends() -> None:
    desk = Desk(execution=Execution.CAPPED)
    desk.bar(1)
    [entry] = desk.answer(1, 0.5)
    desk.accept(entry, T0 + HOUR + 5)
    desk.fill(entry, 1_000, T0 + HOUR + 10)
    [timer] = of_kind(desk.seen(entry, OrderStatus.EXPIRED, 1_000, T0 + HOUR + 20), SetTimer)
    desk.tell(EndRequested(**at(T0 + HOUR + 50), reason="at_exit"))

    assert sent(desk.tell(TimerFired(**at(timer.at_ms), name=timer.name))) == []
