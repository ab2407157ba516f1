"""Increases wait for the reductions of their step and are paid from real cash (R11, R13)."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

from tests.builders.books import SPOT
from tests.builders.engines import HOUR, MAIN, T0, TREND, Desk, at, of_kind, sent

from algotrader.core.events import (
    BarClosed,
    DecisionOutcome,
    IntentRaised,
    ModeChanged,
    OrderDenied,
    OrderFilled,
    SliceClosed,
    StrategyAnswered,
    TargetWanted,
    TimerFired,
    TradingMode,
)
from algotrader.core.fills import Fill
from algotrader.core.ids import TradeId
from algotrader.core.instants import utc_at
from algotrader.core.instruments import FeeSchedule
from algotrader.core.money import Currency
from algotrader.core.orders import Order, OrderStatus, Side
from algotrader.core.symbols import Symbol
from algotrader.engine.commands import Command, SetTimer
from algotrader.portfolio.intents import Execution

ETH = replace(SPOT, fees=FeeSchedule(), symbol=Symbol.parse("OKX:ETH/USDT"), base="ETH")
BTC = replace(SPOT, fees=FeeSchedule())


class Two(Desk):
    """Two coins at 100 each, 10,000 USDT, a panel."""

    def __init__(self, **changes: Any) -> None:
        wait = {"cash_wait_ms": 10_000} | changes.pop("engine", {})
        super().__init__(BTC, engine=wait, others=(ETH,), panel=True, **changes)

    def step(self, hour: int, btc: float | None, eth: float | None, price: float = 100.0) -> Any:
        ms = T0 + hour * HOUR
        bars = [
            BarClosed(**at(ms), instrument=one.symbol, timeframe="1h", ts=ms - HOUR, open=price,
                      high=price, low=price, close=price, volume=1e6, source="test")
            for one in (BTC, ETH)
        ]  # fmt: skip
        self.tell(*bars, SliceClosed(**at(ms), timeframe="1h", decision_ts=ms,
                                     instruments=(BTC.symbol, ETH.symbol)))  # fmt: skip
        wanted = tuple(
            TargetWanted(instrument=symbol, target=target, features={})
            for symbol, target in ((BTC.symbol, btc), (ETH.symbol, eth))
        )
        done = self.tell(StrategyAnswered(
            **at(ms), account=MAIN, strategy=TREND, decision_ts=ms,
            outcome=DecisionOutcome.DECIDED, wanted=wanted,
        ))  # fmt: skip
        self.last = done
        return sent(done)

    def trade(self, order: Order, quantity: str, ms: int, price: str = "100") -> list[Command]:
        self.trades += 1
        fill = Fill(
            trade_id=TradeId(f"t{self.trades}"), order_id=order.order_id, account=MAIN,
            instrument=order.instrument, side=order.side, quantity=Decimal(quantity),
            price=Decimal(price), fee=Decimal(0), fee_currency=Currency("USDT"),
            filled_at=utc_at(ms),
        )  # fmt: skip
        return self.tell(OrderFilled(**at(ms), fill=fill))


def held(desk: Two, weight: float = 0.9) -> None:
    """All of it in one coin, bought at 100."""
    [bought] = desk.step(1, weight, 0.0)
    desk.trade(bought, str(bought.quantity), T0 + HOUR + 100)


def timer(commands: list[Command]) -> SetTimer:
    return next(one for one in of_kind(commands, SetTimer) if one.name.startswith("cash:"))


def test_r11_a_purchase_waits_for_the_sale_and_is_sized_on_what_it_brought() -> None:
    desk = Two(execution=Execution.MARKET)
    held(desk)
    first = desk.step(2, 0.0, 0.9)
    ms = T0 + 2 * HOUR
    during = sent(desk.trade(first[0], "40", ms + 200, price="90"))
    after = sent(desk.trade(first[0], "50", ms + 400, price="90"))

    assert [(one.instrument, one.side) for one in first] == [(BTC.symbol, Side.SELL)]
    assert during == []
    # 9,000 were left of the sale and 1,000 beside it less the 900 lost: 90 % of 9,100 at 100.
    assert [(one.instrument, one.quantity) for one in after] == [(ETH.symbol, Decimal("81.9"))]
    assert desk.engine.state.cash_waits == {}


def test_r11_after_ten_seconds_what_cash_is_there_is_spent() -> None:
    desk = Two(execution=Execution.MARKET)
    held(desk)
    [sale] = desk.step(2, 0.0, 0.9)
    wakes = timer(desk.last)
    desk.trade(sale, "40", T0 + 2 * HOUR + 200)
    [bought] = sent(desk.tell(TimerFired(**at(wakes.at_ms), name=wakes.name)))

    assert wakes.at_ms == T0 + 2 * HOUR + 10_000
    assert bought.quantity == 50  # 1,000 and 4,000 of the sale: half of what 9,000 would buy


def test_r11_what_all_increases_cost_at_their_worst_prices_is_paid_by_one_factor() -> None:
    desk = Two(execution=Execution.CAPPED)
    orders = desk.step(1, 0.5, 0.5)

    # 50 coins each at up to 100.5 cost 10,050; 10,000 are there: 49.7512... of each.
    assert [one.quantity for one in orders] == [Decimal("49.75"), Decimal("49.75")]
    assert {one.terms.limit for one in orders} == {Decimal("100.5")}


def test_where_nothing_waits_all_goes_out_at_once_and_uncut() -> None:
    desk = Two(execution=Execution.CAPPED, engine={"cash_wait_ms": None})
    held(desk)
    orders = desk.step(2, 0.0, 0.9)

    assert [one.side for one in orders] == [Side.SELL, Side.BUY]


def test_a_sale_that_is_refused_lets_the_purchase_go_on_with_what_is_there() -> None:
    desk = Two(execution=Execution.MARKET)
    held(desk)
    [sale] = desk.step(2, 0.0, 0.9)
    [bought] = sent(desk.seen(sale, OrderStatus.CANCELLED, 0, T0 + 2 * HOUR + 50))

    assert (bought.instrument, bought.quantity) == (ETH.symbol, 10)


def test_a_newer_target_takes_the_place_of_a_purchase_that_waits() -> None:
    desk = Two(execution=Execution.MARKET)
    held(desk)
    [sale] = desk.step(2, 0.0, 0.9)
    desk.step(3, 0.0, 0.0)
    done = sent(desk.trade(sale, "90", T0 + 3 * HOUR + 10))

    assert done == []
    assert desk.engine.state.cash_waits == {}


def test_a_restart_while_a_purchase_waits_buys_once_the_books_are_compared() -> None:
    desk = Two(execution=Execution.MARKET)
    held(desk)
    [sale] = desk.step(2, 0.0, 0.9)
    again = Two(execution=Execution.MARKET)
    for event in desk.events:
        again.engine.apply(event)
    again.trades = desk.trades
    ms = T0 + 2 * HOUR + 500
    mode = {"account": MAIN, "reason": "", "by": "recovery"}
    again.tell(ModeChanged(**at(ms), mode=TradingMode.STARTING, **mode))
    assert sent(again.trade(sale, "90", ms + 10)) == []
    done = again.tell(ModeChanged(**at(ms + 20), mode=TradingMode.TRADING, **mode))

    assert [(one.instrument, one.quantity) for one in sent(done)] == [(ETH.symbol, 90)]


def test_a_purchase_that_waited_past_its_bar_is_dropped() -> None:
    desk = Two(execution=Execution.MARKET)
    held(desk)
    [sale] = desk.step(2, 0.0, 0.9)
    desk.step(3, None, None)
    done = sent(desk.trade(sale, "90", T0 + 3 * HOUR + 10))

    assert done == []
    rules = [r.rule for one in desk.events if isinstance(one, OrderDenied) for r in one.reasons]
    assert rules == ["overtaken"]
    assert len([one for one in desk.events if isinstance(one, IntentRaised)]) == 1


def test_r10_a_purchase_that_was_dropped_with_its_bar_is_wanted_at_the_next_one() -> None:
    desk = Two(execution=Execution.MARKET)
    held(desk)
    [sale] = desk.step(2, 0.0, 0.9)
    late = T0 + 6 * HOUR
    desk.restart(late)
    desk.trade(sale, "90", late + 100)
    assert sent(desk.recovery(late + 1_000)) == []

    [bought] = desk.step(7, 0.0, 0.9)
    assert (bought.instrument, bought.quantity) == (ETH.symbol, 90)


def test_r11_what_waits_for_cash_has_its_bound_again_after_a_restart() -> None:
    desk = Two(execution=Execution.MARKET)
    held(desk, 0.5)
    [sale] = desk.step(2, 0.0, 0.4)
    ms = T0 + 2 * HOUR + 5_000
    desk.restart(ms)
    desk.seen(sale, OrderStatus.ACCEPTED, 0, ms + 200)
    bound = timer(desk.recovery(ms + 1_000))
    desk.recovery(ms + 2_000)  # compared again while trading: the bound stays

    assert bound.at_ms == ms + 11_000
    assert [one.at_ms for one in of_kind(desk.commands, SetTimer) if one.name == bound.name] == [
        T0 + 2 * HOUR + 10_000,
        bound.at_ms,
    ]
    done = desk.tell(TimerFired(**at(bound.at_ms), name=bound.name))
    assert [(one.instrument, one.quantity) for one in sent(done)] == [(ETH.symbol, 40)]
