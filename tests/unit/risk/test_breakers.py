"""Rules while trading: what trips them, what ends them, and that a restart changes neither."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from tests.builders.books import SPOT, SWAP
from tests.builders.risk import (
    ETH,
    HOUR,
    MAIN,
    NOON_MS,
    TREND,
    Orders,
    a_risk,
    allowed,
    an_exposure,
    asked,
    bars,
    here,
    told,
    wants,
    watched,
    written,
)

from algotrader.core.events import (
    Decided,
    DecisionOutcome,
    Event,
    OrderAccepted,
    OrderRejected,
    OrderSubmitted,
    RearmRefused,
    RearmRequested,
    RiskAction,
    RiskCleared,
    RiskTripped,
    SliceClosed,
    StrategyMark,
)
from algotrader.core.ids import AccountId, VenueOrderId
from algotrader.core.instruments import MarginSchedule, MarginTier
from algotrader.core.orders import Purpose
from algotrader.risk.catalogue import RULES, Phase
from algotrader.risk.exposure import AccountExposure

MIDNIGHT = NOON_MS + 12 * HOUR
SPOT_ONE = wants("1")


def tripped(events: list[Event]) -> list[tuple[str, RiskAction]]:
    return [(event.rule, event.action) for event in events if isinstance(event, RiskTripped)]


def cleared(events: list[Event]) -> list[tuple[str, int]]:
    return [(event.rule, event.after_bars) for event in events if isinstance(event, RiskCleared)]


def rearm(account: AccountId | None = MAIN, rule: str | None = None, at_ms: int = NOON_MS) -> Event:
    return RearmRequested(
        ts_event=at_ms, ts_known=at_ms, account=account, by="owner", channel="cli",
        reason="checked", rule=rule,
    )  # fmt: skip


def at(equity: str, hours: float = 0.0, **changes: Any) -> AccountExposure:
    return an_exposure(equity=equity, now_ms=NOON_MS + int(hours * HOUR), **changes)


# The loss of the day


@pytest.mark.parametrize(
    ("on_breach", "action"),
    [("warn", "warn"), ("reduce_only", "reduce_only"), ("halt", "halt"), ("flatten", "flatten")],
)
def test_account_max_daily_loss_acts_when_it_is_reached(on_breach: str, action: str) -> None:
    risk = a_risk(account={"max_daily_loss": "3%", "on_breach": on_breach})
    assert watched(risk, at("10000")) == []
    assert watched(risk, at("9701", 1)) == []

    events = watched(risk, at("9700", 2))

    assert tripped(events) == [("account.max_daily_loss", RiskAction(action))]
    assert watched(risk, at("9600", 3)) == []  # told once


def test_the_loss_of_the_day_leaves_deposits_out() -> None:
    risk = a_risk(**written("account.max_daily_loss"))
    watched(risk, at("10000"))

    # 5,000 paid in and 5,000 made no difference; 299 lost of 10,000 is 2.99 %.
    assert watched(risk, at("14701", 1, deposits=15_000)) == []
    assert tripped(watched(risk, at("14700", 2, deposits=15_000))) != []


def test_the_loss_of_the_day_starts_at_the_last_equity_before_midnight() -> None:
    risk = a_risk(account={"max_daily_loss": "3%", "on_breach": "reduce_only"})
    watched(risk, at("10000"))
    watched(risk, at("9800", 11))

    # The bar that ends at midnight closes its day: 2.5 % of 10,000.
    assert watched(risk, at("9750", 12)) == []
    # The next day begins at 9,750: 3 % of that is 292.5.
    assert watched(risk, at("9458", 13)) == []
    assert tripped(watched(risk, at("9457.5", 14))) != []


def test_a_gap_over_midnight_does_not_hide_what_was_lost_in_it() -> None:
    risk = a_risk(account={"max_daily_loss": "3%"})
    watched(risk, at("10000", 11))

    # No mark at midnight; at 05:00 the day starts at the last one known, 10,000.
    assert tripped(watched(risk, at("9700", 17))) != []


def test_a_daily_bar_is_judged_on_its_own_day_and_stops_the_next() -> None:
    risk = a_risk(account={"max_daily_loss": "3%", "on_breach": "reduce_only"})
    watched(risk, at("10000", 12))

    events = watched(risk, at("9700", 36))

    assert tripped(events) == [("account.max_daily_loss", RiskAction.REDUCE_ONLY)]
    assert allowed(risk.judge(SPOT_ONE, at("9700", 36))) == ["account.max_daily_loss"]
    assert cleared(watched(risk, at("9700", 60))) == [("account.max_daily_loss", 0)]


def test_a_pause_for_the_day_lasts_until_midnight_even_if_the_loss_is_made_good() -> None:
    risk = a_risk(account={"max_daily_loss": "3%", "on_breach": "reduce_only"})
    watched(risk, at("10000"))
    watched(risk, at("9700", 1))
    watched(risk, at("10000", 2))

    assert allowed(risk.judge(SPOT_ONE, at("10000", 11.9))) == ["account.max_daily_loss"]
    assert allowed(risk.judge(SPOT_ONE, at("10000", 12))) == 1
    assert cleared(watched(risk, at("10000", 12))) == [("account.max_daily_loss", 0)]


def test_a_halt_for_the_days_loss_waits_for_a_person_and_the_person_for_midnight() -> None:
    risk = a_risk(account={"max_daily_loss": "3%", "on_breach": "halt"})
    watched(risk, at("10000"))
    watched(risk, at("9600", 1))

    refused = asked(risk, rearm())
    watched(risk, at("9600", 13))
    assert allowed(risk.judge(SPOT_ONE, at("9600", 13))) == ["account.max_daily_loss"]
    asked(risk, rearm(at_ms=MIDNIGHT + HOUR))

    assert isinstance(refused[0], RearmRefused)
    assert "4.00%" in refused[0].reason
    assert allowed(risk.judge(SPOT_ONE, at("9600", 13))) == 1


def test_after_daily_loss_next_day_ends_a_halt_at_midnight() -> None:
    risk = a_risk(
        account={"max_daily_loss": "3%", "on_breach": "halt", "after_daily_loss": "next_day"}
    )
    watched(risk, at("10000"))
    watched(risk, at("9600", 1))

    assert allowed(risk.judge(SPOT_ONE, at("9600", 11))) == ["account.max_daily_loss"]
    assert allowed(risk.judge(SPOT_ONE, at("9600", 12))) == 1


def test_the_day_begins_at_midnight_of_its_zone() -> None:
    # Noon UTC is 20:00 in Shanghai: its day ends four hours later.
    risk = a_risk(account={"max_daily_loss": "3%", "on_breach": "reduce_only"}, day="Asia/Shanghai")
    watched(risk, at("10000"))
    watched(risk, at("9700", 1))

    assert allowed(risk.judge(SPOT_ONE, at("9700", 3.9))) == ["account.max_daily_loss"]
    assert allowed(risk.judge(SPOT_ONE, at("9700", 4))) == 1


# Drawdown


def test_account_max_drawdown_counts_from_the_peak_since_re_arming() -> None:
    risk = a_risk(account={"max_drawdown": "15%", "on_breach": "halt"})
    watched(risk, at("10000"))
    watched(risk, at("12000", 1))
    assert watched(risk, at("10201", 2)) == []

    events = watched(risk, at("10200", 3))
    asked(risk, rearm(at_ms=NOON_MS + 4 * HOUR))

    assert tripped(events) == [("account.max_drawdown", RiskAction.HALT)]
    assert watched(risk, at("10200", 5)) == []  # 15 % from here again
    assert watched(risk, at("8671", 6)) == []
    assert tripped(watched(risk, at("8670", 7))) != []
    record = risk.state.equities[MAIN, None]
    assert record.run_drawdown == Decimal("0.2775")  # 8,670 of 12,000: shown, and never reset


def test_a_drawdown_is_not_over_when_it_is_made_good() -> None:
    risk = a_risk(account={"max_drawdown": "15%", "on_breach": "reduce_only"})
    watched(risk, at("10000"))
    watched(risk, at("8500", 1))

    assert watched(risk, at("11000", 2)) == []
    assert allowed(risk.judge(SPOT_ONE, at("11000", 500))) == ["account.max_drawdown"]


def test_a_withdrawal_is_no_drawdown_and_a_deposit_no_recovery() -> None:
    risk = a_risk(account={"max_drawdown": "15%"})
    watched(risk, at("11000"))
    watched(risk, at("10000", 1))

    # Half is taken out: 9.1 % below the peak before and after.
    assert watched(risk, at("5000", 2, deposits=5_000)) == []
    record = risk.state.equities[MAIN, None]
    assert record.peak == 5_500
    assert watched(risk, at("50000", 3, deposits=50_000)) == []
    assert risk.state.equities[MAIN, None].peak == 55_000


# Strategies and all accounts


def parts(equity: str) -> tuple[StrategyMark, ...]:
    return (StrategyMark(strategy=TREND, equity=Decimal(equity), deposits=Decimal(5_000)),)


@pytest.mark.parametrize(
    ("code", "equity"), [("strategy.max_daily_loss", "4850"), ("strategy.max_drawdown", "4500")]
)
def test_a_strategy_is_stopped_by_its_own_losses_alone(code: str, equity: str) -> None:
    risk = a_risk(**written(code))
    two = (here(), here(ETH, owner="other"))
    watched(risk, an_exposure(*two, strategies=parts("5000")))

    events = watched(risk, an_exposure(*two, strategies=parts(equity)))

    assert tripped(events) == [(code, RiskAction.FLATTEN)]
    account = an_exposure(*two)
    assert allowed(risk.judge(SPOT_ONE, account)) == [code]
    assert allowed(risk.judge(wants("1", strategy="other", instrument=ETH), account)) == 1


@pytest.mark.parametrize(
    ("code", "equity"), [("total.max_daily_loss", "9400"), ("total.max_drawdown", "8000")]
)
def test_the_losses_of_all_accounts_stop_every_one(code: str, equity: str) -> None:
    risk = a_risk(**written(code))
    other = replace(an_exposure(), account=AccountId("other"))
    watched(risk, an_exposure())
    watched(risk, other)

    events = watched(risk, an_exposure(equity=equity))

    assert tripped(events) == [(code, RiskAction.FLATTEN)]
    assert allowed(risk.judge(SPOT_ONE, other)) == [code]


@pytest.mark.parametrize(
    ("code", "account"), [("strategy.max_daily_loss", MAIN), ("total.max_daily_loss", None)]
)
def test_no_loss_of_the_day_is_forgiven_by_re_arming(code: str, account: AccountId | None) -> None:
    risk = a_risk(**written(code))
    watched(risk, an_exposure(strategies=parts("5000")))
    watched(risk, an_exposure(equity="9000", strategies=parts("4000")))

    (refused,) = asked(risk, rearm(account))

    assert isinstance(refused, RearmRefused)
    assert code in refused.reason


# Margin and exposure

LEVERED = replace(
    SWAP,
    margin=MarginSchedule(
        leverage=Decimal(10),
        tiers=(MarginTier(upper_notional=Decimal(10**6), maintenance_rate=Decimal("0.05")),),
    ),
)


@pytest.mark.parametrize("code", ["account.min_margin_ratio", "account.min_liquidation_distance"])
def test_margin_rules_act_at_their_limit_and_clear_above_it(code: str) -> None:
    settings = written(code)
    settings["account"]["on_breach"] = "reduce_only"
    risk = a_risk(**settings)
    held = here(LEVERED, position="10000")
    assert watched(risk, an_exposure(held, equity="1501")) == []

    events = watched(risk, an_exposure(held, equity="1500"))

    assert tripped(events) == [(code, RiskAction.REDUCE_ONLY)]
    assert cleared(watched(risk, an_exposure(held, equity="1600"))) == [(code, 0)]


def test_spot_holdings_are_no_collateral() -> None:
    risk = a_risk(**written("account.min_margin_ratio"))
    # 20 BTC at 100 are 2,000 of an equity of 3,500: 1,500 are left for the contracts.
    held = (here(LEVERED, position="10000"), here(position="20"))

    assert tripped(watched(risk, an_exposure(*held, equity="3500"))) != []


def test_prices_alone_that_carry_leverage_over_its_limit_are_told_and_sell_nothing() -> None:
    risk = a_risk(account={"max_leverage": 2})
    assert watched(risk, an_exposure(here(position="150"))) == []

    events = watched(risk, an_exposure(here(position="150", price="150"), equity="11000"))

    assert tripped(events) == [("over.max_leverage", RiskAction.WARN)]
    assert cleared(watched(risk, an_exposure(here(position="150")))) == [("over.max_leverage", 0)]


# Execution and data


def test_execution_max_reject_rate_pauses_and_then_counts_anew() -> None:
    risk, orders = a_risk(**written("execution.max_reject_rate")), Orders()
    sent = [orders.sent("1") for _ in range(10)]
    told(risk, *sent, *(refused(one) for one in sent[:5]), *(taken(one) for one in sent[5:9]))
    assert watched(risk, an_exposure()) == []  # nine are too few to know
    told(risk, taken(sent[9]), taken(sent[9]))  # heard twice, counted once

    events = watched(risk, an_exposure())

    assert tripped(events) == [("execution.max_reject_rate", RiskAction.REDUCE_ONLY)]
    assert allowed(risk.judge(SPOT_ONE, at("10000", 0.99))) == ["execution.max_reject_rate"]
    assert cleared(watched(risk, at("10000", 1))) == [("execution.max_reject_rate", 0)]
    assert risk.state.activity.reject_rate(MAIN) is None


def test_execution_max_slippage_is_against_the_price_decided_on() -> None:
    risk, orders = told(a_risk(**written("execution.max_slippage")), *bars([100.0])), Orders()
    for _ in range(9):
        told(risk, *orders.filled("1", "100.50"))
    assert watched(risk, an_exposure()) == []
    # A sale at 99.50 is as dear as a purchase at 100.50.
    told(risk, *orders.filled("-1", "99.50"))

    assert tripped(watched(risk, an_exposure())) == [
        ("execution.max_slippage", RiskAction.REDUCE_ONLY)
    ]


def refused(sent: OrderSubmitted) -> OrderRejected:
    order = sent.order
    return OrderRejected(
        ts_event=NOON_MS, ts_known=NOON_MS, account=MAIN, order_id=order.order_id,
        instrument=order.instrument, code="51008", reason="no money",
    )  # fmt: skip


def taken(sent: OrderSubmitted) -> OrderAccepted:
    order = sent.order
    return OrderAccepted(
        ts_event=NOON_MS, ts_known=NOON_MS, account=MAIN, order_id=order.order_id,
        instrument=order.instrument, venue_order_id=VenueOrderId("v"),
    )  # fmt: skip


def test_a_stale_price_is_told_once_and_when_it_is_over() -> None:
    risk = told(a_risk(**written("stale")), *bars([100.0]))

    events = watched(risk, at("10000", 3.1))
    again = watched(risk, at("10000", 3.2))
    told(risk, *bars([100.0], NOON_MS + 4 * HOUR))

    assert tripped(events) == [("stale", RiskAction.WARN)]
    assert again == []
    assert cleared(watched(risk, at("10000", 4))) == [("stale", 0)]


# Rules of one's own

CALM = {"name": "calm", "when": "volatility(2) > 2 * volatility(4)", "then": {"scale": "50%"}}


def latched(quantity: str) -> Event:
    return Decided(
        ts_event=NOON_MS, ts_known=NOON_MS, account=MAIN, strategy=TREND,
        instrument=here().instrument.symbol, decision_ts=NOON_MS, outcome=DecisionOutcome.DECIDED,
        features={}, target=1.0, latched_quantity=Decimal(quantity), equity=Decimal(10_000),
        price=100.0, configuration_hash="",
    )  # fmt: skip


def slice_at(at_ms: int) -> SliceClosed:
    return SliceClosed(
        ts_event=at_ms, ts_known=at_ms, timeframe="1h", decision_ts=at_ms,
        instruments=(here().instrument.symbol,),
    )  # fmt: skip


def test_a_scale_halves_targets_while_true_and_three_bars_more() -> None:
    risk = a_risk(rules=[{**CALM, "when": "close > 100"}])
    seen = []
    for hour, close in enumerate([100.0, 101.0, 99.0, 99.0, 99.0, 99.0, 99.0]):
        now = NOON_MS + hour * HOUR
        told(risk, *bars([close], now), slice_at(now))
        watched(risk, at("10000", hour))
        told(risk, latched("40"))
        seen.append(allowed(risk.judge(wants("40"), at("10000", hour))))

    # True at the second bar alone: that one and three more are halved.
    assert seen == [40, 20, 20, 20, 20, 40, 40]


def test_a_scale_that_is_true_again_starts_its_three_bars_again() -> None:
    risk = a_risk(rules=[{**CALM, "when": "close > 100"}])
    factors = []
    for hour, close in enumerate([101.0, 99.0, 101.0, 99.0, 99.0, 99.0, 99.0]):
        now = NOON_MS + hour * HOUR
        told(risk, *bars([close], now), slice_at(now))
        watched(risk, at("10000", hour))
        factors.append(risk.scale(MAIN, TREND, here().instrument.symbol, now))

    assert [str(factor) for factor in factors] == ["0.50"] * 6 + ["1"]


def test_a_scale_concerns_targets_and_no_order_asked_for() -> None:
    risk = told(a_risk(rules=[{**CALM, "when": "close > 100"}]), *bars([101.0]), latched("40"))
    watched(risk, an_exposure())

    assert allowed(risk.judge(wants("40"), an_exposure())) == 20
    assert allowed(risk.judge(wants("40", Purpose.ORDER), an_exposure())) == 40


def test_what_a_rule_cannot_know_yet_adds_nothing_and_sells_nothing() -> None:
    risk = told(a_risk(rules=[{**CALM, "then": "flatten"}]), *bars([100.0, 101.0, 102.0, 103.0]))

    events = watched(risk, an_exposure(here(position="5")))
    assert tripped(events) == [("rule.calm", RiskAction.REDUCE_ONLY)]
    assert allowed(risk.judge(SPOT_ONE, an_exposure())) == ["rule.calm"]

    told(risk, *bars([103.0], NOON_MS + HOUR))  # five closes: four returns
    assert cleared(watched(risk, at("10000", 1))) == [("rule.calm", 0)]


def test_a_warning_that_cannot_be_known_stops_nothing() -> None:
    risk = a_risk(rules=[{**CALM, "then": "warn"}])

    assert watched(risk, an_exposure()) == []
    assert allowed(risk.judge(SPOT_ONE, an_exposure())) == 1


def test_a_rule_of_an_instrument_stops_that_one_alone() -> None:
    dear = {"name": "dear", "when": "close > 100", "then": "reduce_only"}
    risk = told(a_risk(rules=[dear]), *bars([101.0]), *bars([99.0], instrument=ETH))
    both = an_exposure(here(), here(ETH))
    watched(risk, both)

    assert allowed(risk.judge(SPOT_ONE, both)) == ["rule.dear"]
    assert allowed(risk.judge(wants("1", instrument=ETH), both)) == 1


def test_a_rule_that_was_taken_out_of_the_settings_holds_nothing_any_more() -> None:
    dear = {"name": "dear", "when": "close > 100", "then": "reduce_only"}
    before = told(a_risk(rules=[dear]), *bars([101.0]))
    journal = [*bars([101.0]), *watched(before, an_exposure())]

    after = told(a_risk(), *journal)
    assert allowed(after.judge(SPOT_ONE, an_exposure())) == ["rule.dear"]
    watched(after, an_exposure())

    assert allowed(after.judge(SPOT_ONE, an_exposure())) == 1


def test_a_halt_by_a_rule_waits_for_a_person() -> None:
    dear = {"name": "dear", "when": "equity > 10_500", "then": "halt"}
    risk = a_risk(rules=[dear])
    watched(risk, at("10600"))
    watched(risk, at("10000", 1))

    assert allowed(risk.judge(SPOT_ONE, at("10000", 1))) == ["rule.dear"]
    asked(risk, rearm())
    assert allowed(risk.judge(SPOT_ONE, at("10000", 1))) == 1


def test_one_rule_can_be_lifted_alone_and_trips_again_if_it_is_still_broken() -> None:
    risk = a_risk(rules=[{"name": "dear", "when": "equity > 10_500", "then": "halt"}])
    watched(risk, at("10600"))

    assert cleared(asked(risk, rearm(rule="rule.dear"))) == [("rule.dear", 0)]
    assert tripped(watched(risk, at("10600", 1))) == [("rule.dear", RiskAction.HALT)]
    assert isinstance(asked(risk, rearm(rule="rule.dare"))[0], RearmRefused)


def test_impossible_reply_holds_one_instrument_until_a_person_re_arms() -> None:
    trip = RiskTripped(
        ts_event=NOON_MS, ts_known=NOON_MS, account=MAIN, instrument=SPOT.symbol,
        rule="impossible_reply", value=None, limit=None, action=RiskAction.REDUCE_ONLY,
        latched=True, text="6 of 5 has traded",
    )  # fmt: skip
    risk = told(a_risk(), trip)
    held = an_exposure(here(position="6"), here(ETH))
    watched(risk, held)  # no mark ends it

    assert allowed(risk.judge(wants("1"), held)) == ["impossible_reply"]
    assert allowed(risk.judge(wants("-6"), held)) == 6
    assert allowed(risk.judge(wants("1", instrument=ETH), held)) == 1
    asked(risk, rearm())
    assert allowed(risk.judge(wants("1"), held)) == 1


def test_every_rule_while_trading_is_worked_by_hand_in_these_files() -> None:
    text = "".join(
        path.read_text(encoding="utf-8") for path in sorted(Path(__file__).parent.glob("test_*.py"))
    )
    named = [rule.code for rule in RULES if rule.phase in (Phase.WHILE, Phase.PAUSES)]

    assert [code for code in named if code not in text] == []


def test_orders_that_ended_are_forgotten_and_open_ones_are_not() -> None:
    risk, orders = a_risk(), Orders()
    resting = orders.sent("1")
    told(risk, resting, taken(resting))  # an answer is no end: it may rest for months
    for _ in range(1_100):
        sent = orders.sent("1")
        told(risk, sent, taken(sent))
        risk.state.activity.ended(sent.order.order_id)

    assert resting.order.order_id in risk.state.activity.orders
    assert len(risk.state.activity.orders) <= 1_001
