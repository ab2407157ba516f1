"""Orders by hand beside a running trader: seen before, done once, also across its death."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient
from tests.builders.api_desk import an_api, getting, signed_in, trading, until

from algotrader.cli.main import main
from algotrader.core.events import HandAnswered, OrderSubmitted, decode_event
from algotrader.core.orders import Purpose
from algotrader.live.journal.records import PREFIX
from algotrader.ops.config import load
from algotrader.ops.standing import folder_of

SETTINGS = """
accounts:
  main: {currency: USD, cash: 10_000}
strategies:
  hand: {use: ByHand, symbols: [US:AAPL], timeframe: 1d, share: 0.5}
  trend: {use: TrendFollow, symbols: [US:IBM], timeframe: 1d, share: 0.5}
risk:
  account: {max_leverage: 1}
  order: {max_notional: 3_000}
trading: {start: 2011-01-03, end: 2019-01-01}
api: {beside: false}
"""


def decides(client: TestClient) -> None:
    """Wait until it does."""
    accounts = getting(client, "accounts")
    until(accounts, lambda rows: bool(rows) and rows[0]["mode"] == "trading")
    first = accounts()[0]["last_decision"] or 0
    until(accounts, lambda rows: (rows[0]["last_decision"] or 0) > first)


def is_amended(life: dict[str, Any]) -> bool:
    return any(one["kind"] == "OrderAmended" for one in life["events"])


def status_of(client: TestClient, order: str) -> Callable[[], Any]:
    return lambda: client.get(f"/api/v1/orders/{order}").json()["order"]["status"]


def test_an_order_is_seen_placed_changed_and_withdrawn(tmp_path: Path) -> None:
    (tmp_path / "algotrader.yaml").write_text(SETTINGS)
    buy = {"instrument": "US:AAPL", "side": "buy", "value": "2000"}
    with an_api(tmp_path) as (client, serving), trading(tmp_path):
        csrf = signed_in(client, serving)
        decides(client)

        seen = client.post("/api/v1/orders/preview", json=buy, headers=csrf).json()
        assert (seen["allowed"], seen["strategy"], seen["rebalance"]) == (True, "hand", None)
        assert [one["rule"] for one in seen["rules"]] == ["order.max_notional", "max_leverage"]
        assert float(seen["after"]) == float(seen["quantity"]) > 0
        twice = [
            client.post("/api/v1/orders", json={**buy, "request": "one"}, headers=csrf)
            for _ in range(2)
        ]
        assert [one.status_code for one in twice] == [202, 202]
        first, again = (one.json() for one in twice)
        assert (first["outcome"], first["order"]) == ("accepted", again["order"])
        until(status_of(client, first["order"]), lambda status: status == "filled")
        held = until(
            getting(client, "positions"),
            lambda rows: any(one["strategy"] == "hand" for one in rows),
        )
        assert [one["instrument"] for one in held if one["strategy"] == "hand"] == ["US:AAPL"]

        far = {"instrument": "US:AAPL", "side": "sell", "quantity": "5", "limit": "9000"}
        rests = client.post("/api/v1/orders", json=far, headers=csrf).json()
        until(status_of(client, rests["order"]), lambda status: status == "accepted")
        path = f"/api/v1/orders/{rests['order']}"
        changed = client.patch(path, json={"limit": "9500", "quantity": "3"}, headers=csrf).json()
        assert changed["outcome"] == "accepted"
        life = until(getting(client, f"orders/{rests['order']}"), is_amended)
        assert (float(life["order"]["limit"]), life["order"]["quantity"]) == (9500, "3")
        gone = client.delete(path, headers=csrf).json()
        assert (gone["outcome"], gone["follow"]) == ("accepted", path)
        until(status_of(client, rests["order"]), lambda status: status == "cancelled")
        over = client.delete(path, headers=csrf).json()
        assert (over["outcome"], over["reasons"][0]["rule"]) == ("denied", "order")

        too_much = client.post("/api/v1/orders", json={**buy, "value": "3500"}, headers=csrf).json()
        assert (too_much["outcome"], too_much["order"]) == ("denied", None)
        assert [one["rule"] for one in too_much["reasons"]] == ["order.max_notional"]

        done = Counter(row["action"] for row in serving.access.audit(None, 50))
        assert (done["place an order"], done["amend an order"], done["cancel an order"]) == (
            4,
            1,
            2,
        )


def test_a_request_asked_again_after_a_kill_is_done_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed as soon as its order may be on its way, then asked once more by the same name."""
    (tmp_path / "algotrader.yaml").write_text(SETTINGS)
    monkeypatch.chdir(tmp_path)
    place = ["order", "place", "US:AAPL", "buy", "--quantity", "5", "--request", "once", "--quiet"]
    with an_api(tmp_path) as (client, _):
        with trading(tmp_path):
            signed_in(client, _)
            decides(client)
            assert main(place) == 0
        with trading(tmp_path):
            decides(client)
            assert main(place) == 0

    told = list(journal(tmp_path))
    answers = [one for one in told if isinstance(one, HandAnswered)]
    by_hand = [one.order for one in told if isinstance(one, OrderSubmitted)
               and one.order.intent.purpose is Purpose.OPERATOR]  # fmt: skip
    assert len(by_hand) == 1
    assert {one.order for one in answers} == {by_hand[0].order_id}
    assert len(answers) == 2


def test_without_a_trader_nothing_is_kept_for_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "algotrader.yaml").write_text(SETTINGS)
    monkeypatch.chdir(tmp_path)

    assert main(["order", "place", "US:AAPL", "buy", "--quantity", "5"]) == 2
    assert "order is not kept for a later start" in capfd.readouterr().err
    with an_api(tmp_path) as (client, serving):
        asked = {"instrument": "US:AAPL", "side": "buy", "quantity": "5"}
        answer = client.post("/api/v1/orders", json=asked, headers=signed_in(client, serving))
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "order.no_trader")


def journal(folder: Path) -> Iterator[Any]:
    with folder_of(load(folder / "algotrader.yaml", environment={})).reading() as rows:
        for row in rows.page(1, 1_000_000):
            if not row.kind.startswith(PREFIX):
                yield decode_event(row.body)
