"""Order terms, intents, approvals, and the table of order states."""

from __future__ import annotations

import copy
import pickle
from dataclasses import FrozenInstanceError, replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from algotrader.core.fills import Fill, Liquidity
from algotrader.core.ids import AccountId, OrderId, RunId, StrategyId, TradeId
from algotrader.core.instants import utc_at, utc_ms
from algotrader.core.money import Currency
from algotrader.core.orders import (
    LEGAL_TRANSITIONS,
    Approved,
    DenialReason,
    Denied,
    GateSeal,
    Intent,
    Order,
    OrderKind,
    OrderStatus,
    OrderTerms,
    Side,
    TimeInForce,
)
from algotrader.core.symbols import Symbol

BTC = Symbol.parse("OKX:BTC/USDT")
NOON = datetime(2024, 3, 1, 12, tzinfo=UTC)
RUN = RunId("run")


def some_terms(**changes: Any) -> OrderTerms:
    return OrderTerms(**({"instrument": BTC, "side": Side.BUY, "quantity": Decimal(2)} | changes))


def an_intent(**changes: Any) -> Intent:
    given: dict[str, Any] = {
        "account": AccountId("main"),
        "strategy": StrategyId("trend"),
        "decided_at": NOON,
        "terms": some_terms(limit=Decimal(100)),
    }
    return Intent(**(given | changes))


def a_seal() -> GateSeal:
    """The seal as the gate's module would make it."""
    gate: dict[str, Any] = {"__name__": "algotrader.risk.gate", "GateSeal": GateSeal}
    exec("seal = GateSeal()", gate)
    seal = gate["seal"]
    assert isinstance(seal, GateSeal)
    return seal


def a_fill(side: Side, quantity: str, price: str, **changes: Any) -> Fill:
    given: dict[str, Any] = {
        "trade_id": TradeId("t1"),
        "order_id": OrderId("o1"),
        "account": AccountId("main"),
        "instrument": BTC,
        "side": side,
        "quantity": Decimal(quantity),
        "price": Decimal(price),
        "fee": Decimal("0.1"),
        "fee_currency": Currency("USDT"),
        "filled_at": NOON,
        "liquidity": Liquidity.TAKER,
    }
    return Fill(**(given | changes))


def test_sides_have_signs_and_opposites() -> None:
    assert (Side.BUY.sign, Side.SELL.sign) == (1, -1)
    assert Side.BUY.opposite is Side.SELL
    assert Side.SELL.opposite is Side.BUY
    assert some_terms(side=Side.SELL).signed_quantity == Decimal(-2)


@pytest.mark.parametrize(
    ("prices", "kind"),
    [
        ({}, OrderKind.MARKET),
        ({"limit": Decimal(1)}, OrderKind.LIMIT),
        ({"stop": Decimal(1)}, OrderKind.STOP),
        ({"stop": Decimal(1), "limit": Decimal(1)}, OrderKind.STOP_LIMIT),
        ({"trail": Decimal("0.05")}, OrderKind.TRAILING_STOP),
    ],
)
def test_the_kind_of_an_order_follows_from_its_prices(
    prices: dict[str, Decimal], kind: OrderKind
) -> None:
    assert some_terms(**prices).kind is kind


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"quantity": Decimal(0)}, "quantity must be"),
        ({"quantity": Decimal(-1)}, "quantity must be"),
        ({"quantity": Decimal("NaN")}, "quantity must be"),
        ({"quantity": Decimal("Infinity")}, "quantity must be"),
        ({"limit": Decimal(0)}, "limit must be"),
        ({"stop": Decimal(-1)}, "stop must be"),
        ({"trail": Decimal(0)}, "trail must be"),
        ({"trail": Decimal("0.1"), "stop": Decimal(1)}, "give `trail` alone"),
        ({"trail": Decimal("0.1"), "limit": Decimal(1)}, "give `trail` alone"),
        ({"tif": TimeInForce.GTD}, "GTD"),
        ({"expires_at": NOON}, "GTD"),
        ({"tif": TimeInForce.GTD, "expires_at": NOON.replace(tzinfo=None)}, "zone"),
        ({"post_only": True}, "post-only"),
        ({"post_only": True, "limit": Decimal(1), "tif": TimeInForce.IOC}, "rests"),
        ({"post_only": True, "limit": Decimal(1), "tif": TimeInForce.FOK}, "rests"),
    ],
)
def test_terms_that_contradict_themselves_cannot_be_written(
    changes: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(ValueError, match=sentence):
        some_terms(**changes)


def test_good_till_date_and_post_only_terms_can_be_written() -> None:
    assert some_terms(tif=TimeInForce.GTD, expires_at=NOON).expires_at == NOON
    assert some_terms(limit=Decimal(1), post_only=True).kind is OrderKind.LIMIT


def test_records_cannot_be_changed() -> None:
    for record in (some_terms(), an_intent(), a_fill(Side.BUY, "1", "1"), BTC):
        for name in record.__slots__:
            with pytest.raises(FrozenInstanceError):
                setattr(record, name, None)


@pytest.mark.parametrize("changes", [{"leg": -1}, {"attempt": -1}])
def test_legs_and_attempts_count_from_zero(changes: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="count from 0"):
        an_intent(**changes)


def test_a_decision_without_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="zone"):
        an_intent(decided_at=NOON.replace(tzinfo=None))


def test_an_intent_names_its_order_the_same_every_time() -> None:
    assert an_intent().order_id(RUN) == an_intent().order_id(RUN)
    assert an_intent(attempt=1).order_id(RUN) != an_intent().order_id(RUN)


def test_protection_is_named_after_its_cause_and_not_after_the_hour() -> None:
    protection = an_intent(cause_sequence=77)

    assert replace(protection, decided_at=utc_at(5)).order_id(RUN) == protection.order_id(RUN)
    assert replace(protection, cause_sequence=78).order_id(RUN) != protection.order_id(RUN)


def test_an_order_keeps_the_intents_terms() -> None:
    order = Order.from_intent(an_intent(), RUN)

    assert order.terms == an_intent().terms
    assert order.order_id == an_intent().order_id(RUN)
    assert (order.account, order.strategy, order.instrument) == ("main", "trend", BTC)
    assert (order.side, order.quantity) == (Side.BUY, Decimal(2))


def test_risk_may_cut_an_order_but_never_raise_or_bend_it() -> None:
    intent = an_intent()

    assert Order.from_intent(intent, RUN, Decimal("0.5")).quantity == Decimal("0.5")
    with pytest.raises(ValueError, match="more than"):
        Order.from_intent(intent, RUN, Decimal(3))
    with pytest.raises(ValueError, match="only the quantity"):
        Order(
            order_id=OrderId("x"),
            intent=intent,
            terms=some_terms(limit=Decimal(100), side=Side.SELL),
        )


def test_only_the_gate_can_make_a_seal() -> None:
    assert isinstance(a_seal(), GateSeal)
    with pytest.raises(PermissionError, match="only algotrader"):
        GateSeal()


def test_an_approval_without_the_gates_seal_cannot_be_constructed() -> None:
    order = Order.from_intent(an_intent(), RUN)
    approved = Approved(order=order, gate_sequence=3, state_hash="h", seal=a_seal())

    assert (approved.order, approved.gate_sequence, approved.state_hash) == (order, 3, "h")
    for forged in (None, object(), object.__new__(type("GateSeal", (GateSeal,), {}))):
        with pytest.raises(PermissionError):
            Approved(order=order, gate_sequence=3, state_hash="h", seal=forged)  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        Approved(order=order, gate_sequence=3, state_hash="h")  # type: ignore[call-arg]
    with pytest.raises((TypeError, ValueError)):
        replace(approved, gate_sequence=4)  # another sequence needs the gate again
    with pytest.raises(FrozenInstanceError):
        approved.gate_sequence = 4  # type: ignore[misc]


def test_records_survive_copies_and_pickles() -> None:
    order = Order.from_intent(an_intent(), RUN)

    assert copy.deepcopy(order) == order
    assert pickle.loads(pickle.dumps(order)) == order


def test_a_denial_gives_every_reason_and_at_least_one() -> None:
    reason = DenialReason(rule="max_weight", message="31% of equity, the limit is 25%")
    denied = Denied(intent=an_intent(), reasons=(reason,), gate_sequence=1, state_hash="h")

    assert denied.reasons == (reason,)
    with pytest.raises(ValueError, match="at least one"):
        replace(denied, reasons=())


FINAL = {"filled", "cancelled", "rejected", "expired", "absent"}


def test_the_table_knows_every_state_and_five_are_final() -> None:
    assert set(LEGAL_TRANSITIONS) == set(OrderStatus)
    assert {str(status) for status in OrderStatus if status.is_final} == FINAL


def test_every_state_can_be_reached_and_every_open_one_can_end() -> None:
    reached = {OrderStatus.PENDING}
    while new := {after for status in reached for after in LEGAL_TRANSITIONS[status]} - reached:
        reached |= new
    assert reached == set(OrderStatus)

    for status in OrderStatus:
        if not status.is_final:
            assert any(after.is_final for after in LEGAL_TRANSITIONS[status]), status


@pytest.mark.parametrize(
    ("now", "later", "legal"),
    [
        ("pending", "filled", True),  # the fill overtook the acceptance
        ("pending", "unknown", True),
        ("pending", "absent", False),  # absence must be proved: by way of unknown
        ("unknown", "absent", True),
        ("unknown", "pending", False),
        ("accepted", "triggered", True),
        ("accepted", "accepted", True),  # heard twice
        ("triggered", "accepted", False),
        ("partially_filled", "rejected", False),  # what has traded is not rejected
        ("partially_filled", "accepted", False),
        ("pending_cancel", "filled", True),  # the fill crossed the cancel
        ("pending_cancel", "accepted", True),  # the cancel was refused
        ("pending_amend", "pending_cancel", True),
        ("pending_cancel", "pending_amend", False),
        ("settling", "cancelled", True),
        ("settling", "accepted", False),
        ("settling", "unknown", False),
        ("filled", "cancelled", False),
        ("absent", "filled", False),  # an impossible reply: stop and reconcile
        ("cancelled", "cancelled", True),
    ],
)
def test_which_state_may_follow_which(now: str, later: str, legal: bool) -> None:
    assert OrderStatus(now).may_become(OrderStatus(later)) is legal


def test_a_fill_has_signs_a_value_and_one_key() -> None:
    sold = a_fill(Side.SELL, "0.5", "120")

    assert sold.signed_quantity == Decimal("-0.5")
    assert sold.value == Decimal(60)
    assert sold.key == ("main", "OKX:BTC/USDT", "t1")
    assert a_fill(Side.BUY, "1", "1", fee=Decimal("-0.2")).fee == Decimal("-0.2")  # a rebate


@pytest.mark.parametrize(
    "changes",
    [
        {"quantity": Decimal(0)},
        {"price": Decimal("NaN")},
        {"price": Decimal(-1)},
        {"fee": Decimal("NaN")},
        {"filled_at": NOON.replace(tzinfo=None)},
    ],
)
def test_an_impossible_fill_cannot_be_written(changes: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"must be|zone"):
        replace(a_fill(Side.BUY, "1", "1"), **changes)


def test_instants_cross_between_datetimes_and_milliseconds() -> None:
    assert utc_ms(NOON) == 1_709_294_400_000
    assert utc_at(1_709_294_400_000) == NOON
    assert utc_ms(NOON.replace(microsecond=1_999)) == 1_709_294_400_001
    assert utc_ms(utc_at(-1)) == -1
    with pytest.raises(ValueError, match="zone"):
        utc_ms(NOON.replace(tzinfo=None))
