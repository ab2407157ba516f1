"""What holds ask for: cancels, reductions until flat, and the same again after a restart (R28)."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from tests.builders.books import SPOT, SWAP
from tests.builders.risk import (
    ETH,
    MAIN,
    NOON_MS,
    TREND,
    Orders,
    a_risk,
    an_exposure,
    asked,
    bars,
    here,
    told,
    watched,
)

from algotrader.core.events import (
    Decided,
    DecisionOutcome,
    Event,
    HaltRequested,
    RiskAction,
    RiskTripped,
    TradingMode,
)
from algotrader.core.orders import OrderStatus, OrderTerms, Purpose, Side, TimeInForce
from algotrader.execution.order_life import LiveOrder
from algotrader.risk.engine import RiskEngine
from algotrader.risk.remedy import RETRY_MS, Remedy

SENDS = Orders()  # each order under an id of its own


def tripped(action: RiskAction, **scope: Any) -> Event:
    return RiskTripped(
        ts_event=NOON_MS, ts_known=NOON_MS, account=MAIN, rule="rule.test", value=None, limit=None,
        action=action, latched=True, text="tested", **scope,
    )  # fmt: skip


def an_order(quantity: str, purpose: Purpose = Purpose.TARGET, **terms: Any) -> LiveOrder:
    live = LiveOrder.submitted(SENDS.sent(quantity, purpose=purpose, **terms))
    return msgspec.structs.replace(live, status=OrderStatus.ACCEPTED)


def held(risk: RiskEngine, action: RiskAction, **scope: Any) -> RiskEngine:
    return told(risk, tripped(action, **scope))


FIVE = an_exposure(here(position="5"))
ADDS, REDUCES = an_order("1", limit=Decimal(99)), an_order("-2", limit=Decimal(101))
TURNS = an_order("-9", instrument=SWAP, limit=Decimal(101))
STOP = an_order("-5", Purpose.STOP_LOSS, stop=Decimal(90), reduce_only=True)


def cancelled(remedy: Remedy, *orders: LiveOrder) -> list[bool]:
    return [order.order.order_id in remedy.cancels for order in orders]


@pytest.mark.parametrize(
    ("action", "adds", "reduces", "stop"),
    [
        (RiskAction.WARN, False, False, False),
        (RiskAction.REDUCE_ONLY, True, False, False),
        (RiskAction.HALT, True, False, False),
        (RiskAction.FLATTEN, True, True, True),
    ],
)
def test_what_is_cancelled(action: RiskAction, adds: bool, reduces: bool, stop: bool) -> None:
    remedy = held(a_risk(), action).remedy(FIVE, [ADDS, REDUCES, STOP])

    assert cancelled(remedy, ADDS, REDUCES, STOP) == [adds, reduces, stop]
    assert remedy.intents == ()


def test_what_would_turn_a_position_over_adds() -> None:
    account = an_exposure(here(SWAP, position="5"))

    remedy = held(a_risk(), RiskAction.REDUCE_ONLY).remedy(account, [TURNS])

    assert cancelled(remedy, TURNS) == [True]


def test_flatten_sells_all_with_a_capped_order_once_nothing_is_open() -> None:
    remedy = held(a_risk(), RiskAction.FLATTEN).remedy(FIVE, [])

    (intent,) = remedy.intents
    # 50 bps under the last price of 100.
    assert intent.terms == OrderTerms(
        instrument=SPOT.symbol, side=Side.SELL, quantity=Decimal(5), limit=Decimal("99.5"),
        tif=TimeInForce.IOC, reduce_only=True,
    )  # fmt: skip
    assert (intent.purpose, intent.strategy, intent.tag) == (Purpose.RISK, TREND, "rule.test")


def test_flatten_buys_shorts_back_and_does_every_instrument() -> None:
    account = an_exposure(here(position="5"), here(SWAP, position="-300"))

    remedy = held(a_risk(), RiskAction.FLATTEN).remedy(account, [])

    sides = {
        str(one.terms.instrument): (one.terms.side, one.terms.quantity) for one in remedy.intents
    }
    assert sides == {
        "OKX:BTC/USDT": (Side.SELL, 5),
        "OKX:BTC/USDT:USDT": (Side.BUY, 300),
    }


@pytest.mark.parametrize(
    "position",
    ["0", "0.009", "0.04"],  # flat; less than a lot; worth 4, less than the venue's 5
)
def test_what_cannot_be_sold_is_flat(position: str) -> None:
    remedy = held(a_risk(), RiskAction.FLATTEN).remedy(an_exposure(here(position=position)), [])

    assert remedy == Remedy()


def test_without_a_price_flattening_waits() -> None:
    account = an_exposure(here(position="5", price=None))

    assert held(a_risk(), RiskAction.FLATTEN).remedy(account, []) == Remedy()


def test_until_the_venue_is_compared_nothing_is_asked_for() -> None:
    starting = replace(FIVE, mode=TradingMode.STARTING)

    assert held(a_risk(), RiskAction.FLATTEN).remedy(starting, [ADDS]) == Remedy()


def test_a_reduction_on_its_way_is_waited_for_and_the_next_comes_after_a_pause() -> None:
    risk = held(a_risk(), RiskAction.FLATTEN)
    (intent,) = risk.remedy(FIVE, []).intents
    sent = Orders().sent("-5", purpose=Purpose.RISK, reduce_only=True, limit=intent.terms.limit)
    told(risk, sent)

    assert risk.remedy(FIVE, [LiveOrder.submitted(sent)]) == Remedy()
    early = risk.remedy(replace(FIVE, now_ms=NOON_MS + RETRY_MS - 1), [])
    assert early == Remedy(wake_ms=NOON_MS + RETRY_MS)
    (again,) = risk.remedy(replace(FIVE, now_ms=NOON_MS + RETRY_MS), []).intents
    assert again.terms == intent.terms


def test_flattening_goes_on_after_a_restart_where_it_was() -> None:
    before = a_risk()
    journal = asked(
        before,
        HaltRequested(
            ts_event=NOON_MS, ts_known=NOON_MS, account=MAIN, by="owner", channel="file",
            reason="now", flatten=True,
        ),
    )  # fmt: skip
    partly = an_exposure(here(position="2"))

    after = told(a_risk(), *journal)

    assert after.remedy(partly, []) == before.remedy(partly, [])
    assert after.remedy(partly, []).intents[0].terms.quantity == 2
    assert after.remedy(an_exposure(), []) == Remedy()
    assert after.status(an_exposure()).mode is TradingMode.HALTED  # it stays halted when flat


@pytest.mark.parametrize(
    ("scope", "sold"),
    [
        ({}, ["OKX:BTC/USDT", "OKX:ETH/USDT"]),
        ({"instrument": ETH.symbol}, ["OKX:ETH/USDT"]),
        ({"strategy": TREND}, ["OKX:BTC/USDT"]),
    ],
)
def test_only_what_a_hold_concerns_is_sold(scope: dict[str, Any], sold: list[str]) -> None:
    account = an_exposure(here(position="5"), here(ETH, position="5", owner="other"))

    remedy = held(a_risk(), RiskAction.FLATTEN, **scope).remedy(account, [])

    assert [str(intent.terms.instrument) for intent in remedy.intents] == sold


# Scale


def latched(quantity: str) -> Event:
    return Decided(
        ts_event=NOON_MS, ts_known=NOON_MS, account=MAIN, strategy=TREND, instrument=SPOT.symbol,
        decision_ts=NOON_MS, outcome=DecisionOutcome.DECIDED, features={}, target=1.0,
        latched_quantity=Decimal(quantity), equity=Decimal(10_000), price=100.0,
        configuration_hash="",
    )  # fmt: skip


def scaled(*events: Event) -> RiskEngine:
    rule = {"name": "dear", "when": "close > 100", "then": {"scale": "50%"}}
    risk = told(a_risk(rules=[rule]), *bars([101.0]), *events)
    watched(risk, an_exposure())
    return risk


@pytest.mark.parametrize(
    ("wanted", "position", "sold"),
    [
        ("40", "40", 20),
        ("40", "30", 10),
        ("40", "20", None),
        ("40", "5", None),
        ("40", "-4", 4),  # held against what is wanted
        ("0", "4", 4),
    ],
)
def test_a_scale_sells_what_is_beyond_its_part_of_the_target(
    wanted: str, position: str, sold: int | None
) -> None:
    remedy = scaled(latched(wanted)).remedy(an_exposure(here(position=position)), [])

    assert [intent.terms.quantity for intent in remedy.intents] == ([] if sold is None else [sold])


def test_a_scale_leaves_stops_and_waits_for_what_reduces_already() -> None:
    account = an_exposure(here(position="40"))

    waiting = scaled(latched("40")).remedy(account, [ADDS, REDUCES, STOP])
    guarded = scaled(latched("40")).remedy(account, [STOP])

    assert cancelled(waiting, ADDS, REDUCES, STOP) == [True, False, False]
    assert waiting.intents == ()
    assert guarded.cancels == ()
    assert guarded.intents[0].terms.quantity == 20


def test_a_scale_of_orders_without_a_target_sells_nothing() -> None:
    assert scaled().remedy(an_exposure(here(position="40")), []) == Remedy()
