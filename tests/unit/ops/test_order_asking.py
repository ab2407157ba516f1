"""What a change of an order would come to is the engine's own word, and changes nothing."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from tests.builders.engines import HOUR, MAIN, T0, Desk, at, of_kind

from algotrader.core.events import HandAmendRequested, HandAnswered, HandOrderRequested
from algotrader.core.events import OrderSubmitted as Submitted
from algotrader.core.orders import Order, Side
from algotrader.engine.commands import Amend
from algotrader.engine.image import differences, image_of, state_of
from algotrader.live.requests import HandAmend
from algotrader.ops.order_asking import Preview, preview_change
from algotrader.portfolio.intents import Execution
from algotrader.risk.settings import AccountLimits, OrderLimits, RiskSettings

NOW = T0 + HOUR + 1_000
_BY: Any = {"by": "me", "channel": "cli", "reason": "the news", "account": MAIN}


def resting(filled: int = 0) -> tuple[Desk, Order]:
    """100 contracts wait to be bought at 99; an order may be worth 5,000."""
    limits = RiskSettings(
        account=AccountLimits(max_leverage=Decimal(1)),
        order=OrderLimits(max_notional=Decimal(5_000)),
    )
    desk = Desk(execution=Execution.MARKET, engine={"risk": limits})
    desk.bar(1)
    desk.tell(
        HandOrderRequested(
            **at(NOW), **_BY, request="r", instrument=desk.symbol, side=Side.BUY,
            quantity=Decimal(100), limit=Decimal(99),
        )
    )  # fmt: skip
    [order] = [one.order for one in desk.events if isinstance(one, Submitted)]
    desk.accept(order, NOW)
    if filled:
        desk.fill(order, filled, NOW, price=99)
    return desk, order


def preview(desk: Desk, order: Order, **terms: Any) -> Preview:
    asked = HandAmend(request="p", account=MAIN, reason="", order=order.order_id, **terms)
    return preview_change(desk.engine.state, asked, NOW)


def test_a_change_is_shown_on_ticks_and_lots_with_each_limit_as_it_would_leave_it() -> None:
    desk, order = resting(filled=30)
    found = preview(desk, order, quantity=Decimal("80.5"), limit=Decimal("98.97"))

    assert (found.reasons, found.is_allowed) == ((), True)
    assert found.intent is not None
    assert (found.intent.terms.quantity, found.intent.terms.limit) == (50, Decimal("98.9"))
    assert (found.position, found.after) == (30, 80)
    assert found.notional == Decimal("49.45")  # a contract is 0.01 of a coin
    rule = next(one for one in found.rules if one.rule == "max_leverage")
    assert float(rule.after) == pytest.approx(80 / 10_000, rel=0.02)  # its old form is not counted


def test_a_preview_of_a_change_changes_nothing() -> None:
    desk, order = resting()
    before = state_of(image_of(desk.engine.state))
    preview(desk, order, limit=Decimal(98))

    assert list(differences(before, desk.engine.state)) == []
    assert of_kind(desk.commands, Amend) == []


@pytest.mark.parametrize(
    ("terms", "rule"),
    [
        ({"stop": Decimal(90)}, "terms"),
        ({"limit": Decimal(99)}, "terms"),
        ({"quantity": Decimal(20)}, "terms"),
        ({"quantity": Decimal("0.1")}, "below_minimum"),
        ({"quantity": Decimal(6_000)}, "order.max_notional"),
        ({"quantity": Decimal(60_000)}, "cash"),
    ],
)
def test_what_the_preview_denies_the_engine_denies_for_the_same_reasons(
    terms: dict[str, Any], rule: str
) -> None:
    desk, order = resting(filled=30)
    found = preview(desk, order, **terms)
    desk.tell(HandAmendRequested(**at(NOW), **_BY, request="a", order=order.order_id, **terms))
    answer = [one for one in desk.events if isinstance(one, HandAnswered)][-1]

    assert [one.rule for one in found.reasons] == [rule]
    assert found.reasons == answer.reasons
