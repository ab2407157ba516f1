"""Orders by hand over HTTP: what is said before, what is refused, what spends real money."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient
from tests.builders.api_desk import an_api, token_for

from algotrader.api.access import Role
from algotrader.api.serving import Serving
from algotrader.ops import order_asking

Api = tuple[TestClient, Serving]
BUY = {"instrument": "US:AAPL", "side": "buy", "value": "500"}


def asked(api: Api, path: str, body: dict[str, Any], method: str = "POST") -> Any:
    client, serving = api
    return client.request(
        method, f"/api/v1/{path}", json=body, headers=token_for(serving, Role.TRADER)
    )


def code(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


def test_a_preview_is_every_rules_word_and_changes_nothing(api: Api) -> None:
    seen = asked(api, "orders/preview", BUY).json()

    assert (seen["allowed"], seen["strategy"], seen["reasons"]) == (True, "trend", [])
    [rule] = seen["rules"]
    assert (rule["rule"], rule["allows"]) == ("max_leverage", True)
    added = Decimal(rule["after"]) - Decimal(rule["used"])
    equity = Decimal(
        api[0].get("/api/v1/accounts", headers=token_for(api[1], Role.VIEWER)).json()[0]["equity"]
    )
    assert abs(added * equity - Decimal(seen["notional"])) < 1
    assert Decimal(seen["after"]) - Decimal(seen["position"]) == Decimal(seen["quantity"])


@pytest.mark.parametrize(
    ("terms", "rule"),
    [
        ({"value": "1000000"}, "cash"),
        ({"value": "1"}, "below_minimum"),
        ({"quantity": "1", "reduce_only": True, "value": None}, "reduce_only"),
        ({"quantity": "1"}, "terms"),  # two sizes
        ({"limit": "10", "tif": "gtd"}, "terms"),
    ],
)
def test_a_preview_says_which_rule_would_deny(api: Api, terms: dict[str, Any], rule: str) -> None:
    seen = asked(api, "orders/preview", BUY | terms).json()

    assert (seen["allowed"], [one["rule"] for one in seen["reasons"]]) == (False, [rule])


@pytest.mark.parametrize(
    ("terms", "status"),
    [
        ({"instrument": "US:NONE"}, (422, "usage.symbol")),
        ({"instrument": "nothing"}, (422, "symbol.malformed")),
        ({"value": "-5"}, (422, "api.value")),
        ({"value": "1e9"}, (422, "api.value")),
        ({"side": "hold"}, (422, "api.value")),
        ({"leverage": 3}, (422, "api.value")),
    ],
)
def test_what_is_no_order_is_refused(
    api: Api, terms: dict[str, Any], status: tuple[int, str]
) -> None:
    found = code(asked(api, "orders", BUY | terms))

    assert found == status


def test_an_order_that_nobody_knows_is_not_found(api: Api) -> None:
    assert code(asked(api, "orders/none", {"limit": "5"}, "PATCH")) == (404, "order.unknown")
    assert code(asked(api, "orders/none", {}, "DELETE")) == (404, "order.unknown")
    assert code(asked(api, "orders/none/preview", {"limit": "5"})) == (404, "order.unknown")


def test_a_preview_of_a_change_says_why_an_order_that_is_over_stays(api: Api) -> None:
    client, serving = api
    path, reader = "/api/v1/orders?status=all", token_for(serving, Role.VIEWER)
    order = client.get(path, headers=reader).json()["items"][0]
    seen = asked(api, f"orders/{order['order']}/preview", {"quantity": "5"}).json()

    assert (seen["allowed"], [one["rule"] for one in seen["reasons"]]) == (False, ["order"])


def test_real_money_asks_for_the_account_before_anything_is_left(
    desk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(order_asking, "is_running", lambda _: True)
    file = desk / "algotrader.yaml"
    file.write_text(file.read_text().replace("trading: {", "trading: {mode: live, "))
    with an_api(desk) as api:
        assert code(asked(api, "orders", BUY)) == (409, "order.unconfirmed")
        wrong = BUY | {"confirm": "US:AAPL"}
        assert code(asked(api, "orders", wrong)) == (409, "order.unconfirmed")
    assert list((desk / "journal").rglob("inbox/*")) == []


def test_a_trader_that_does_not_answer_leaves_it_unanswered_and_in_the_audit(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("algotrader.api.routes.orders._WAIT_S", 0.0)
    monkeypatch.setattr(order_asking, "is_running", lambda _: True)
    answer = asked(api, "orders", BUY | {"request": "mine"})

    assert answer.status_code == 202
    assert answer.json() | {"reasons": []} == {
        "request": "mine", "action": "place", "account": "main", "order": None,
        "outcome": "unanswered", "reasons": [], "follow": None,
    }  # fmt: skip
    [row] = [one for one in api[1].access.audit(None, 10) if one["action"] == "place an order"]
    assert row["after"]["outcome"] == "unanswered"
