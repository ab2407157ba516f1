"""`algotrader order`: what it says before, what it refuses, and what spends real money."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from tests.builders.api_desk import copied, traded_desk

from algotrader.cli.main import main
from algotrader.core.events import HandAction, HandAnswered
from algotrader.core.ids import AccountId, OrderId
from algotrader.core.orders import DenialReason, Side, TimeInForce
from algotrader.live.operator import Inbox
from algotrader.live.requests import Hand, HandAmend, HandCancel, HandOrder, event_of
from algotrader.ops import order_asking

MAIN = AccountId("main")
BUY = ["order", "place", "US:AAPL", "buy", "--value", "500"]


@pytest.fixture(scope="module")
def traded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return traded_desk(tmp_path_factory.mktemp("order") / "desk")


@dataclass
class Trader:
    """Seems to run: what was left for it, and what it answers."""

    left: list[Hand] = field(default_factory=list)
    reasons: tuple[DenialReason, ...] | None = ()  # None: it says nothing

    def ask(self, _: Any, one: Hand) -> HandAnswered | None:
        self.left.append(one)
        if self.reasons is None:
            return None
        return HandAnswered(
            ts_event=0, ts_known=0, request=one.request, action=HandAction.PLACE,
            account=one.account, order=OrderId("atx"), reasons=self.reasons,
        )  # fmt: skip


@pytest.fixture
def trader(traded: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Trader:
    monkeypatch.chdir(copied(traded, tmp_path / "desk"))
    found = Trader()
    monkeypatch.setattr(order_asking, "ask", found.ask)
    monkeypatch.setattr(order_asking, "is_running", lambda _: True)
    return found


def said(capfd: pytest.CaptureFixture[str], *words: str) -> Any:
    main([*words, "--json"])
    return json.loads(capfd.readouterr().out)


def test_a_dry_run_says_each_rules_word_and_asks_for_nothing(
    trader: Trader, capfd: pytest.CaptureFixture[str]
) -> None:
    found = said(capfd, *BUY, "--dry-run")

    assert (found["allowed"], found["strategy"]) == (True, "trend")
    price, quantity = Decimal(found["price"]), Decimal(found["quantity"])
    assert Decimal(found["notional"]) == price * quantity <= 500
    assert [one["rule"] for one in found["rules"]] == ["max_leverage"]
    assert trader.left == []


@pytest.mark.parametrize(("value", "code"), [("500", 0), ("1_000_000", 1)])
def test_a_dry_run_ends_by_what_risk_says(
    trader: Trader, capfd: pytest.CaptureFixture[str], value: str, code: int
) -> None:
    assert main(["order", "place", "US:AAPL", "buy", "--value", value, "--dry-run"]) == code
    assert ("denied" in capfd.readouterr().out) is (code == 1)


def test_a_dry_run_says_limits_in_percent_of_equity(
    trader: Trader, capfd: pytest.CaptureFixture[str]
) -> None:
    main([*BUY, "--dry-run"])
    said = capfd.readouterr().out

    [line] = [one for one in said.splitlines() if one.startswith("max_leverage")]
    assert line.count("%") == 3
    assert line.endswith("limit 100.00\u202f%")
    assert "fraction" not in said


def test_an_order_is_left_as_it_was_typed(
    trader: Trader, capfd: pytest.CaptureFixture[str]
) -> None:
    terms = ["--quantity", "2", "--limit", "9.5", "--tif", "gtd", "--expires", "2026-01-31T16:00"]
    found = said(capfd, "order", "place", "US:AAPL", "buy", *terms, "--post-only", "--request", "n")

    assert found["order"] == "atx"
    [left] = trader.left
    assert isinstance(left, HandOrder)
    assert (left.request, left.account, left.side) == ("n", MAIN, Side.BUY)
    assert (left.quantity, left.limit, left.tif) == (2, Decimal("9.5"), TimeInForce.GTD)
    assert left.expires_ms == 1_769_875_200_000
    assert left.post_only
    assert left.until_ms is not None


@pytest.mark.parametrize(
    ("reasons", "code", "says"),
    [
        ((DenialReason(rule="max_weight", message="too much"),), "order.denied", "max_weight"),
        (None, "order.unanswered", "has not answered"),
    ],
)
def test_a_denial_says_its_rule_and_a_silence_how_to_ask_again(
    trader: Trader, capfd: pytest.CaptureFixture[str], reasons: Any, code: str, says: str
) -> None:
    trader.reasons = reasons
    error = said(capfd, *BUY)["error"]

    assert error["code"] == code
    assert says in error["message"]


def test_real_money_asks_for_the_account_by_name(
    trader: Trader, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    file = Path("algotrader.yaml")
    file.write_text(file.read_text().replace("trading: {", "trading: {mode: live, "))
    monkeypatch.setattr(order_asking, "now_of", lambda _, state: max(
        one.decision_ts for one in state.slices.values()
    ))  # fmt: skip

    assert said(capfd, *BUY)["error"]["code"] == "order.unconfirmed"
    assert said(capfd, *BUY, "--confirm-live", "other")["error"]["code"] == "order.unconfirmed"
    assert trader.left == []
    assert said(capfd, *BUY, "--confirm-live", "main")["accepted"] is True


def test_real_money_that_would_be_denied_now_is_not_asked_for_without_its_account(
    trader: Trader, capfd: pytest.CaptureFixture[str]
) -> None:
    file = Path("algotrader.yaml")
    file.write_text(file.read_text().replace("trading: {", "trading: {mode: live, "))
    much = ["order", "place", "US:AAPL", "buy", "--value", "900000000"]

    assert said(capfd, *much)["error"]["code"] == "order.denied"
    assert said(capfd, *much, "--confirm-live", "other")["error"]["code"] == "order.denied"
    assert trader.left == []
    assert said(capfd, *much, "--confirm-live", "main")["accepted"] is True  # the trader's word


@pytest.mark.parametrize(
    ("rule", "mends"),
    [
        ("terms", "order place --help"),
        ("kill_switch", "algotrader resume"),
        ("stale", "algotrader status"),
        ("max_weight", "algotrader limits show"),
        ("order", "algotrader orders --all"),
        ("below_minimum", "larger --quantity"),
        ("cash", "smaller --quantity"),
    ],
)
def test_a_denial_says_what_helps_against_it(
    trader: Trader, capfd: pytest.CaptureFixture[str], rule: str, mends: str
) -> None:
    trader.reasons = (DenialReason(rule=rule, message="no"),)

    assert mends in said(capfd, *BUY)["error"]["hint"]


def test_a_denial_for_an_old_price_on_a_look_alike_says_at_which_speed_it_takes_orders(
    trader: Trader, capfd: pytest.CaptureFixture[str]
) -> None:
    file = Path("algotrader.yaml")
    url = "trading: {mode: sandbox, url: 'http://127.0.0.1:9443', "
    file.write_text(file.read_text().replace("trading: {", url))
    trader.reasons = (DenialReason(rule="stale", message="closed 91194959 s ago"),)

    assert "--speed 1" in said(capfd, *BUY)["error"]["hint"]


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["order", "place", "US:NONE", "buy", "--quantity", "1"], "usage.symbol"),
        (["order", "place", "US:AAPL", "hold", "--quantity", "1"], "usage.choice"),
        (["order", "place", "US:AAPL", "buy", "--tif", "ever"], "usage.choice"),
        (["order", "place", "US:AAPL", "buy", "--expires", "soon"], "usage.time"),
        (["order", "place", "US:AAPL", "buy", "--account", "mine"], "usage.account"),
        (["order", "place", "US:AAPL", "buy", "--quantity", "1O"], "usage.number"),
        (["order", "place", "US:AAPL", "buy", "--value", "five"], "usage.number"),
        (["order", "place", "US:AAPL", "sell", "--quantity", "1", "--trail", "x%"], "usage.number"),
        (["order", "cancel", "nobody"], "usage.order"),
        (["order", "amend", "nobody", "--limit", "2"], "usage.order"),
    ],
)
def test_what_cannot_be_meant_is_said_before_anything_is_asked(
    trader: Trader, capfd: pytest.CaptureFixture[str], words: list[str], code: str
) -> None:
    assert said(capfd, *words)["error"]["code"] == code
    assert trader.left == []


@pytest.mark.parametrize(
    "asked_for",
    [
        HandAmend(request="a", account=MAIN, reason="", order=OrderId("x"), limit=Decimal("1.50")),
        HandCancel(request="c", account=MAIN, reason="", order=OrderId("x")),
    ],
)
def test_a_request_is_read_from_its_file_as_it_was_left(tmp_path: Path, asked_for: Hand) -> None:
    inbox = Inbox(tmp_path)
    inbox.put(asked_for, 1)
    inbox.put(asked_for, 2)  # asked twice: two files, one name

    read = list(inbox.requests())
    assert read == [asked_for, asked_for]
    told = event_of(asked_for, 5)
    assert (told.ts_known, told.order) == (5, "x")  # type: ignore[union-attr]


def test_a_file_of_no_request_is_put_aside(tmp_path: Path) -> None:
    left = Inbox(tmp_path).put(
        HandCancel(request="c", account=MAIN, reason="", order=OrderId("x")), 1
    )
    left.write_bytes(left.read_bytes().replace(b'"request":"c"', b'"request":"../c"'))

    assert list(Inbox(tmp_path).requests()) == []
    assert [path.suffix for path in left.parent.iterdir()] == [".refused"]
