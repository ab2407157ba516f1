"""Risk inside the engine, on the paper venue: what trips is obeyed, and a replay stands the same."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from algotrader import Bars, Features, Strategy, Targets
from algotrader.backtest.full import ACCOUNT, FullRun, run_full
from algotrader.backtest.full_result import run_full_backtest
from algotrader.backtest.loading import DataRequest, load_market
from algotrader.backtest.market import Market
from algotrader.backtest.remarks import warnings_of
from algotrader.backtest.settings import BacktestSettings
from algotrader.core.events import (
    AccountMarked,
    Event,
    HaltRequested,
    ModeChanged,
    OrderDenied,
    OrderFilled,
    OrderSubmitted,
    RearmRequested,
    RiskAction,
    RiskTripped,
    SliceClosed,
    TradingMode,
    decode_event,
    encode_event,
)
from algotrader.core.orders import Purpose
from algotrader.core.ports import Severity, SystemClock
from algotrader.data import generator
from algotrader.data.lake import Lake
from algotrader.engine.commands import Alert, Cancel, Submit
from algotrader.engine.engine import Engine
from algotrader.ops.desk_rows import limit_rows
from algotrader.risk.engine import RiskEngine
from algotrader.risk.settings import RiskSettings
from algotrader.strategy.library.trend import TrendFollow

DAY = 86_400_000


@pytest.fixture(scope="module")
def market(tmp_path_factory: pytest.TempPathFactory) -> Market:
    folder = tmp_path_factory.mktemp("lake")
    generator.write_generated(Lake(folder), generator.generate(800, 7), SystemClock())
    return load_market(DataRequest(symbols=("SIM:BTC/USDT",), timeframe="1h"), folder)


class Hold(Strategy):
    """Always in."""

    def features(self, bars: Bars) -> Features:
        return {"close": bars.close}

    def targets(self, bars: Bars, f: Features) -> Targets:
        return np.ones(len(f["close"]))


class FlipFlop(Strategy):
    """In, out, in, out."""

    def features(self, bars: Bars) -> Features:
        return {"close": bars.close}

    def targets(self, bars: Bars, f: Features) -> Targets:
        return np.where(np.arange(len(f["close"])) % 2 == 0, 1.0, 0.0)


def run(market: Market, strategy: Strategy | None = None, **risk: Any) -> FullRun:
    limits = RiskSettings.model_validate(risk)
    return run_full(strategy or TrendFollow(), market, BacktestSettings(), risk=limits)


def positions(full: FullRun) -> list[Decimal]:
    """What is held after each event."""
    held, seen = Decimal(0), []
    for event in full.events:
        if isinstance(event, OrderFilled):
            fill = event.fill
            coin = str(fill.fee_currency) == "BTC"
            held += fill.signed_quantity - (fill.fee if coin else 0)
        seen.append(held)
    return seen


def replayed(full: FullRun, events: list[Event] | None = None) -> Engine:
    engine = Engine(full.engine.state.settings)
    for event in full.events if events is None else events:
        engine.apply(event)
    return engine


ALL = {
    "account": {"max_daily_loss": "2%", "max_drawdown": "8%", "on_breach": "reduce_only",
                "max_leverage": 1, "max_turnover": 3},
    "protections": [{"kind": "losing_streak", "losses": 2, "pause": "2d"}],
    "rules": [
        {"name": "wild", "when": "volatility(20) > 1.2 * volatility(100)", "then": {"scale": 0.5}}
    ],
}  # fmt: skip


def test_a_replay_of_the_events_stands_where_the_run_stood(market: Market) -> None:
    full = run(market, **ALL)
    again = replayed(full, [decode_event(encode_event(event)) for event in full.events])

    kinds = {event.rule for event in full.events if isinstance(event, RiskTripped)}
    assert {"rule.wild", "account.max_daily_loss"} <= kinds
    assert again.state.risk.state.snapshot() == full.engine.state.risk.state.snapshot()
    assert again.state.books == full.engine.state.books


def test_a_drawdown_flattens_once_and_nothing_is_bought_again(market: Market) -> None:
    full = run(market, account={"max_drawdown": "3%", "on_breach": "flatten"})

    trips = [row for row, event in enumerate(full.events) if isinstance(event, RiskTripped)]
    (row,) = trips
    sold = [
        event.order for event in full.events[row:]
        if isinstance(event, OrderSubmitted) and event.order.intent.purpose is Purpose.RISK
    ]  # fmt: skip
    later = [event.order.intent.purpose for event in full.events[row:]
             if isinstance(event, OrderSubmitted)]  # fmt: skip
    held = positions(full)
    assert held[row] > 0
    assert set(later) == {Purpose.RISK}
    assert sum(order.quantity for order in sold) >= held[row] - Decimal("0.00001")
    assert abs(held[-1]) < Decimal("0.00001")
    denied = [event for event in full.events[row:] if isinstance(event, OrderDenied)]
    assert {reason.rule for event in denied for reason in event.reasons} == {"account.max_drawdown"}


def test_the_losses_of_all_accounts_flatten_them(market: Market) -> None:
    full = run(market, total={"max_drawdown": "3%", "max_leverage": 1})

    (tripped,) = [event for event in full.events if isinstance(event, RiskTripped)]
    assert (tripped.rule, tripped.account) == ("total.max_drawdown", None)
    assert abs(positions(full)[-1]) < Decimal("0.00001")


def test_a_loss_of_the_day_stops_for_the_day_and_trading_goes_on(market: Market) -> None:
    full = run(
        market,
        account={"max_daily_loss": "1%", "on_breach": "flatten", "after_daily_loss": "next_day"},
    )
    trips = [event for event in full.events if isinstance(event, RiskTripped)]
    days = [event.ts_known // DAY for event in trips]

    assert len(trips) > 3
    assert len(set(days)) == len(days)  # once a day
    assert all(event.until_ms == (event.ts_known // DAY + 1) * DAY for event in trips)
    bought = [event.ts_known for event in full.events if isinstance(event, OrderSubmitted)
              and event.order.side.sign > 0]  # fmt: skip
    for trip in trips:
        assert trip.until_ms is not None
        assert not any(trip.ts_known < at < trip.until_ms for at in bought)
    assert max(bought) > max(trip.ts_known for trip in trips[:3])


def test_a_scale_holds_no_more_than_its_part_of_the_target(market: Market) -> None:
    full = run(market, rules=ALL["rules"])

    risk = RiskEngine(RiskSettings(rules=ALL["rules"]), full.engine.state.settings.instruments,
                      full.engine.state.settings.run_id)  # fmt: skip
    since, checked = 0, 0
    for event, held in zip(full.events, positions(full), strict=True):
        risk.apply(event)
        scale = [hold for hold in risk.state.holds.values() if hold.scale is not None]
        if not scale:
            since = 0
        elif isinstance(event, SliceClosed):
            since += 1
        (latched,) = risk.state.latched.values() or (Decimal(0),)
        # One bar to decide and one to trade.
        if since > 2 and isinstance(event, SliceClosed):
            assert held <= latched / 2 + Decimal("0.0005")  # less cannot be sold by itself
            checked += held > 0
    assert checked > 10


def test_f60_a_fat_finger_is_refused_before_it_is_sent(market: Market) -> None:
    full = run(market, order={"max_notional": 2_000})

    notionals = [
        event.order.quantity * Decimal(repr(bar_close(full, event.ts_known)))
        for event in full.events
        if isinstance(event, OrderSubmitted) and event.order.side.sign > 0
    ]
    assert notionals
    assert max(notionals) <= 2_000


def bar_close(full: FullRun, at_ms: int) -> float:
    return next(
        event.close for event in reversed(full.events)
        if event.kind == "BarClosed" and event.ts_known <= at_ms
    )  # fmt: skip


def test_f61_a_strategy_that_flips_each_bar_is_stopped_by_its_turnover(market: Market) -> None:
    wild = run(market, FlipFlop())
    calm = run(market, FlipFlop(), account={"max_turnover": 2})

    def traded(full: FullRun) -> dict[int, Decimal]:
        days: dict[int, Decimal] = {}
        for event in full.events:
            if isinstance(event, OrderFilled):
                day = event.ts_known // DAY
                days[day] = days.get(day, Decimal(0)) + event.fill.value
        return days

    # Twice the equity of about 10,000, and the sale that may always follow.
    assert max(traded(wild).values()) > 100_000
    assert max(traded(calm).values()) < 32_000
    assert any(
        reason.rule == "max_turnover"
        for event in calm.events if isinstance(event, OrderDenied)
        for reason in event.reasons
    )  # fmt: skip


# The kill switch, on an engine that holds something


def holding(market: Market) -> FullRun:
    full = run(market, Hold(), account={"max_drawdown": "99%"})
    assert positions(full)[-1] > 0
    return full


def halt(full: FullRun, *, flatten: bool) -> HaltRequested:
    now = full.events[-1].ts_known
    return HaltRequested(
        ts_event=now, ts_known=now, account=ACCOUNT, by="owner", channel="file", reason="test",
        flatten=flatten,
    )  # fmt: skip


def test_f71_a_halt_is_told_kept_and_alerted_in_the_same_step(market: Market) -> None:
    full = holding(market)

    outcome = full.engine.handle(halt(full, flatten=False))

    assert [event.kind for event in outcome.events] == ["HaltRequested", "RiskTripped"]
    (alert,) = outcome.commands
    assert isinstance(alert, Alert)
    assert alert.severity is Severity.CRITICAL


def test_a_halt_that_flattens_sends_one_reduction_and_no_second_before_the_first_has_ended(
    market: Market,
) -> None:
    full = holding(market)
    engine = full.engine

    outcome = engine.handle(halt(full, flatten=True))
    again = engine.handle(halt(full, flatten=True))

    (submit,) = [one for one in outcome.commands if isinstance(one, Submit)]
    order = submit.approved.order
    assert order.terms.reduce_only
    assert order.quantity <= positions(full)[-1]
    assert not any(isinstance(one, Submit | Cancel) for one in again.commands)


def test_a_restart_between_halt_and_sale_sells_once_the_account_is_reconciled(
    market: Market,
) -> None:
    full = holding(market)
    now = full.events[-1].ts_known
    tripped = RiskTripped(
        ts_event=now, ts_known=now, account=ACCOUNT, rule="kill_switch", value=None, limit=None,
        action=RiskAction.FLATTEN, latched=True, by="owner", text="test",
    )  # fmt: skip
    engine = replayed(full, [*full.events, tripped])

    def mode(mode: TradingMode) -> ModeChanged:
        return ModeChanged(
            ts_event=now, ts_known=now, account=ACCOUNT, mode=mode, reason="test", by="recovery"
        )

    starting = engine.handle(mode(TradingMode.STARTING))
    engine.resume(now)
    trading = engine.handle(mode(TradingMode.TRADING))

    assert not any(isinstance(one, Submit) for one in starting.commands)
    assert len([one for one in trading.commands if isinstance(one, Submit)]) == 1


def test_re_arming_lets_the_strategy_go_on(market: Market) -> None:
    full = holding(market)
    engine = full.engine
    engine.handle(halt(full, flatten=False))
    now = full.events[-1].ts_known

    outcome = engine.handle(
        RearmRequested(
            ts_event=now, ts_known=now, account=ACCOUNT, by="owner", channel="cli", reason="test"
        )
    )

    assert [event.kind for event in outcome.events] == ["RearmRequested", "Rearmed"]
    assert engine.state.risk.state.holds == {}


def test_without_rules_nothing_is_marked_and_with_them_each_slice_is(market: Market) -> None:
    plain, watched = run(market), run(market, account={"max_drawdown": "90%"})

    marks = [event.equity for event in watched.events if isinstance(event, AccountMarked)]
    assert not any(isinstance(event, AccountMarked) for event in plain.events)
    assert len(marks) >= len(watched.equity)
    assert marks[-1] == watched.equity[-1]


def bought_at(full: FullRun) -> list[int]:
    return [
        event.ts_known for event in full.events
        if isinstance(event, OrderSubmitted) and event.order.side.sign > 0
    ]  # fmt: skip


def test_a_target_that_was_refused_is_tried_again_once_the_rule_is_lifted(market: Market) -> None:
    """`Hold` wants the same at every bar, so only a retry can buy (R10)."""
    rule = {"name": "calm", "when": "volatility(100) > 1_000", "then": "reduce_only"}
    plain, full = run(market, Hold()), run(market, Hold(), rules=[rule])

    # A hundred returns need 101 bars; until then the rule cannot be judged.
    (first,), (later,) = bought_at(plain), bought_at(full)
    assert later - first == 100 * 3_600_000


def test_the_end_of_a_scale_buys_nothing(market: Market) -> None:
    rule = {"name": "wild", "when": "volatility(3) > 1.5 * volatility(20)", "then": {"scale": 0.5}}
    full = run(market, Hold(), rules=[rule])

    scaled = [event for event in full.events if isinstance(event, RiskTripped) and event.scale]
    assert len(scaled) > 3
    assert len(bought_at(full)) == 1


@pytest.mark.parametrize("before", [TradingMode.HALTED, TradingMode.REDUCE_ONLY])
def test_a_person_who_re_arms_also_lifts_what_recovery_stopped_for(
    market: Market, before: TradingMode
) -> None:
    full = holding(market)
    engine, now = full.engine, full.events[-1].ts_known
    engine.handle(
        ModeChanged(
            ts_event=now, ts_known=now, account=ACCOUNT, mode=before, reason="positions differ",
            by="recovery",
        )
    )  # fmt: skip

    engine.handle(
        RearmRequested(
            ts_event=now, ts_known=now, account=ACCOUNT, by="owner", channel="cli", reason="seen"
        )
    )

    assert engine.state.modes[ACCOUNT] is TradingMode.TRADING


def test_a_backtest_goes_without_what_it_cannot_hold_and_says_so(market: Market) -> None:
    risk = RiskSettings.model_validate(
        {"instrument": {"max_quote_age": "60s"}, "account": {"max_drawdown": "90%"}}
    )

    result = run_full_backtest(Hold(), market, BacktestSettings(), risk)

    assert result.simulation.fills.price.size > 0
    said = {remark.code: remark.en for remark in warnings_of(result)}
    assert "risk.instrument.max_quote_age" in said["live_only"]


def test_status_shows_how_much_of_each_limit_is_used(market: Market) -> None:
    full = run(market, Hold(), account={"max_drawdown": "99%", "max_leverage": 2})

    rows = {row["rule"]: row for row in limit_rows(full.engine.state, ACCOUNT)}

    assert set(rows) == {"account.max_drawdown", "max_leverage"}
    assert rows["max_leverage"]["limit"] == "2"
    used, left = (float(rows["max_leverage"][name]) for name in ("used", "left"))
    assert used + left == pytest.approx(2)
    assert 0.9 < used < 1.1
