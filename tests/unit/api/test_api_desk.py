"""What the API shows of a desk is what its journal and the command line say."""

from __future__ import annotations

import json
from decimal import Decimal
from io import StringIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from rich.console import Console
from starlette.testclient import TestClient
from tests.builders.api_desk import an_api, signed_in, token_for
from tests.builders.engines import BTC, MAIN, T0, Desk, at

from algotrader.api import desk_rows
from algotrader.api.access import Role
from algotrader.api.equity import WHOLE, EquityHistory
from algotrader.api.routes import settings
from algotrader.api.serving import Serving
from algotrader.cli.desk_tables import print_accounts
from algotrader.cli.main import main
from algotrader.core.errors import RunError
from algotrader.core.events import (
    CashMoved,
    Decided,
    DecisionOutcome,
    OrderFilled,
    SettingChange,
    SettingsReloaded,
)
from algotrader.core.fills import Fill
from algotrader.core.ids import AccountId, StrategyId, TradeId
from algotrader.core.instants import utc_at
from algotrader.core.money import Currency
from algotrader.core.orders import Side
from algotrader.core.symbols import Symbol
from algotrader.core.units import ABSENT
from algotrader.engine.state import EngineState
from algotrader.live.journal.chain import Row
from algotrader.portfolio.positions import Booking, Contract

Api = tuple[TestClient, Serving]


def test_accounts_are_those_of_the_command_line(
    api: Api, desk: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    client, serving = api
    (shown,) = client.get("/api/v1/accounts", headers=token_for(serving, Role.VIEWER)).json()
    capfd.readouterr()
    main(["status", "--json", "--config", str(desk / "algotrader.yaml")])
    (told,) = json.loads(capfd.readouterr().out)["accounts"]

    assert {name: shown[name] for name in told} == told
    assert shown["day_profit"] is not None


def held_without_a_price() -> EngineState:
    """Two contracts came before any bar."""
    desk = Desk()
    fill = Fill(
        trade_id=TradeId("t"), order_id=None, account=MAIN, instrument=BTC.symbol, side=Side.BUY,
        quantity=Decimal(2), price=Decimal(100), fee=Decimal(0), fee_currency=Currency("USDT"),
        filled_at=utc_at(T0),
    )  # fmt: skip
    desk.tell(OrderFilled(**at(T0), fill=fill))
    return desk.engine.state


def test_an_account_that_holds_something_without_a_price_is_told_without_equity(api: Api) -> None:
    client, serving = api
    headers = token_for(serving, Role.VIEWER)
    client.get("/api/v1/accounts", headers=headers)  # the journal was read
    serving.view._state = held_without_a_price()
    serving.view._known.clear()
    answer = client.get("/api/v1/accounts", headers=headers)
    (row,) = answer.json()

    assert answer.status_code == 200
    assert (row["equity"], row["day_profit"]) == (None, None)
    assert row["no_equity"] == f"{BTC.symbol} is held and has no price to mark it at"
    assert (Decimal(row["deposits"]), row["positions"]) == (10_000, 1)


def test_the_command_line_shows_such_an_account_with_a_dash_and_the_reason() -> None:
    console = Console(file=StringIO(), width=200)
    print_accounts(console, held_without_a_price())
    told = console.file.getvalue()  # type: ignore[attr-defined]

    assert ABSENT in told
    assert f"main: {BTC.symbol} is held and has no price to mark it at" in told


def test_a_page_of_fills_ends_where_the_next_begins(api: Api) -> None:
    client, serving = api
    headers = token_for(serving, Role.VIEWER)
    whole = client.get("/api/v1/fills?limit=1000", headers=headers).json()
    cursor: str | None = ""
    pages: list[dict[str, Any]] = []
    while cursor is not None:
        page = client.get(f"/api/v1/fills?limit=2{cursor}", headers=headers).json()
        pages += page["items"]
        cursor = None if page["next"] is None else f"&cursor={page['next']}"

    assert len(pages) == whole["total"] > 4
    assert pages == whole["items"]
    assert [one["seq"] for one in pages] == sorted((one["seq"] for one in pages), reverse=True)


def test_pages_of_orders_hold_each_order_once(api: Api) -> None:
    client, serving = api
    headers = token_for(serving, Role.VIEWER)
    cursor: str | None = ""
    ids: list[str] = []
    while cursor is not None:
        page = client.get(f"/api/v1/orders?status=all&limit=3{cursor}", headers=headers).json()
        ids += [one["order"] for one in page["items"]]
        cursor = None if page["next"] is None else f"&cursor={page['next']}"

    assert len(ids) == len(set(ids)) == page["total"]


def test_the_life_of_an_order_begins_with_its_submission_and_counts_from_there(api: Api) -> None:
    client, serving = api
    headers = token_for(serving, Role.VIEWER)
    (order,) = client.get("/api/v1/orders?status=all&limit=1", headers=headers).json()["items"]
    life = client.get(f"/api/v1/orders/{order['order']}", headers=headers).json()

    assert life["order"] == order
    assert [one["kind"] for one in life["events"]][:2] == ["OrderSubmitted", "OrderAccepted"]
    assert life["events"][0]["since_first_ms"] == 0
    assert "OrderFilled" in [one["kind"] for one in life["events"]]


def test_what_is_unchanged_is_not_sent_again(api: Api) -> None:
    client, serving = api
    headers = token_for(serving, Role.VIEWER)
    first = client.get("/api/v1/positions", headers=headers)
    again = client.get(
        "/api/v1/positions", headers=headers | {"If-None-Match": first.headers["etag"]}
    )

    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize(
    ("booking", "multiplier", "quantity", "mark", "notional", "currency"),
    [
        (Booking.SPOT, "1", "0.5", "40000", "20000", "USDT"),
        (Booking.LINEAR, "0.01", "-3", "50000", "-1500", "USDT"),
        (Booking.INVERSE, "100", "4", "50000", "0.008", "BTC"),
    ],
)
def test_a_position_stands_for_what_its_contract_says(
    booking: Booking, multiplier: str, quantity: str, mark: str, notional: str, currency: str
) -> None:
    """Three swaps of a hundredth of a coin at 50,000 are 1,500, not 150,000."""
    contract = Contract(
        booking=booking, base=Currency("BTC"), settle=Currency(currency),
        multiplier=Decimal(multiplier),
    )  # fmt: skip
    symbol = Symbol.parse("OKX:BTC/USDT")
    book = SimpleNamespace(whole=SimpleNamespace(contracts={symbol: contract}))
    row = {"account": "main", "instrument": str(symbol), "quantity": quantity, "mark": mark}
    state: Any = SimpleNamespace(books={"main": book})

    assert desk_rows._with_worth(state, row)["notional"] == notional
    assert desk_rows._with_worth(state, row | {"mark": None})["notional"] is None
    assert desk_rows._with_worth(state, row)["currency"] == currency


def test_equity_keeps_the_extremes_in_fewer_points(api: Api) -> None:
    client, serving = api
    headers = token_for(serving, Role.VIEWER)
    whole = client.get("/api/v1/equity?account=main&points=20000", headers=headers).json()
    few = client.get("/api/v1/equity?account=main&points=20", headers=headers).json()

    assert len(few["ts"]) <= 22 < len(whole["ts"]) == whole["total"]
    assert (max(few["equity"]), min(few["equity"])) == (max(whole["equity"]), min(whole["equity"]))
    assert few["ts"][-1] == whole["ts"][-1]


def test_a_workspace_that_never_traded_is_empty_and_says_so(tmp_path: Path) -> None:
    (tmp_path / "algotrader.yaml").write_text("{}\n")
    with an_api(tmp_path) as (client, serving):
        headers = token_for(serving, Role.VIEWER)
        shown = {
            path: client.get(f"/api/v1/{path}", headers=headers).json()
            for path in ("system", "accounts", "positions", "fills", "risk")
        }

    assert shown["system"]["journal"] is None
    assert shown["accounts"] == shown["positions"] == shown["fills"]["items"] == []
    assert shown["risk"]["modes"] == {}


def test_a_change_of_a_limit_that_the_engine_refused_is_written_down(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    client, serving = api

    def refused(*_: Any, **__: Any) -> bool:
        raise RunError("risk.limit_refused", "account.max_leverage stays 1: not now")

    monkeypatch.setattr(settings, "change_limit", refused)
    answer = client.put(
        "/api/v1/risk/limits/account.max_leverage", json={"value": "0.5", "reason": "calm"},
        headers=token_for(serving, Role.TRADER),
    )  # fmt: skip
    (noted,) = serving.access.audit(None, 2)

    assert answer.status_code == 409
    assert (noted["action"], noted["outcome"]) == ("change a limit", "refused")


@pytest.fixture
def is_trading(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "is_running", lambda _: True)


def shown_settings(client: TestClient, headers: dict[str, str]) -> dict[str, Any]:
    rows = client.get("/api/v1/settings", headers=headers).json()
    return {one["key"]: one for one in rows}


@pytest.mark.usefixtures("is_trading")
def test_settings_that_the_trader_holds_as_well_differ_in_nothing(api: Api) -> None:
    client, serving = api
    headers = token_for(serving, Role.VIEWER)
    client.get("/api/v1/accounts", headers=headers)  # the journal was read
    shown = shown_settings(client, headers)

    assert not [key for key, one in shown.items() if one["differs"] or one["held"] is not None]


def test_settings_of_a_file_that_the_trader_has_not_read_are_told_beside_its_own(
    desk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = desk / "algotrader.yaml"
    changed = file.read_text().replace("fast: 6", "fast: 9").replace("60%", "50%, max_gross: 2")
    file.write_text(changed)
    with an_api(desk) as (client, serving):
        headers = token_for(serving, Role.VIEWER)
        client.get("/api/v1/accounts", headers=headers)
        resting = shown_settings(client, headers)
        monkeypatch.setattr(settings, "is_running", lambda _: True)
        shown = shown_settings(client, headers)

    parameters = shown["strategies.trend.parameters"]
    assert (parameters["value"]["fast"], parameters["held"]) == (9, "fast: 6")
    assert shown["risk.account.max_drawdown"]["held"] == "0.60"
    assert (shown["risk.account.max_gross"]["differs"], shown["risk.account.max_gross"]["held"]) == (
        True, None,
    )  # fmt: skip
    assert shown["risk.account.max_leverage"]["differs"] is False
    assert not any(one["differs"] for one in resting.values())  # no trader holds anything


def test_settings_are_those_that_hold_since_a_reload_by_the_command_line(
    api: Api, desk: Path
) -> None:
    client, serving = api
    headers = token_for(serving, Role.VIEWER)
    file = desk / "algotrader.yaml"
    file.write_text(file.read_text().replace("60%", "50%").replace("10_000", "20_000"))
    changes = (
        SettingChange(key="risk.account.max_drawdown", before="0.6", after="0.5"),
        SettingChange(
            key="accounts.main.cash", before="10000", after="20000", refused="needs a restart"
        ),
    )
    reloaded = SettingsReloaded(
        **at(T0), by="operator", channel="cli", reason="", configuration_hash="", settings={},
        changes=changes,
    )  # fmt: skip
    serving.view._on_event(Row(1, T0, 0, "SettingsReloaded", b"", b""), reloaded)
    shown = shown_settings(client, headers)

    assert float(shown["risk.account.max_drawdown"]["value"]) == 0.5
    assert float(shown["accounts.main.cash"]["value"]) == 10_000


def test_a_halt_is_left_for_the_trader_with_the_name_of_who_asked(api: Api, desk: Path) -> None:
    client, serving = api
    csrf = signed_in(client, serving)
    answer = client.post("/api/v1/halt", json={"reason": "news"}, headers=csrf)
    (left,) = [json.loads(one.read_text()) for one in (desk / "journal/inbox").glob("*.json")]

    assert answer.status_code == 202
    assert answer.json() == {"asked": "halt", "accounts": ["main"], "running": False}
    assert (left["mode"], left["by"], left["channel"]) == ("halted", "owner", "console")
    (noted, *_) = serving.access.audit(None, 10)
    assert (noted["action"], noted["who"], noted["before"]) == (
        "halt", "owner", {"main": "trading"},
    )  # fmt: skip


def test_a_halt_is_left_also_where_the_journal_cannot_be_read(api: Api, desk: Path) -> None:
    client, serving = api
    csrf = signed_in(client, serving)
    serving.view.failure = RunError("journal.damaged", "row 7 is damaged")

    assert client.post("/api/v1/halt", json={"reason": "news"}, headers=csrf).status_code == 202
    assert len(list((desk / "journal/inbox").glob("*.json"))) == 1


def test_an_order_that_the_state_let_go_of_is_told_from_its_rows(api: Api) -> None:
    client, serving = api
    headers = token_for(serving, Role.VIEWER)
    before = client.get("/api/v1/orders?status=all&limit=1000", headers=headers).json()
    assert serving.view.state is not None
    for order in list(serving.view.state.orders._orders):
        del serving.view.state.orders._orders[order]
    after = client.get("/api/v1/orders?status=all&limit=1000", headers=headers).json()
    life = client.get(f"/api/v1/orders/{before['items'][0]['order']}", headers=headers)

    assert after == before
    assert life.json()["order"] == before["items"][0]


def test_the_parts_of_strategies_add_up_to_the_account(api: Api) -> None:
    client, serving = api
    headers = token_for(serving, Role.VIEWER)
    whole = client.get("/api/v1/equity?account=main", headers=headers).json()
    part = client.get("/api/v1/equity?account=main&strategy=trend", headers=headers).json()

    assert part["strategy"] == "trend"
    assert part["equity"][-1] == pytest.approx(whole["equity"][-1], abs=1e-9)


def decided(strategy: str, symbol: str, hour: int, price: float, equity: str) -> Decided:
    return Decided(
        ts_event=hour, ts_known=hour, account=AccountId("main"), strategy=StrategyId(strategy),
        instrument=Symbol.parse(symbol), decision_ts=hour, outcome=DecisionOutcome.DECIDED,
        features={}, target=None, latched_quantity=None, equity=Decimal(equity), price=price,
        configuration_hash="",
    )  # fmt: skip


def test_buy_and_hold_is_of_what_could_be_bought_at_the_first_instant_shown() -> None:
    told = EquityHistory()
    told.hear(deposited("1000", 0))
    for hour, one, other, trend in ((1, 10.0, 4.0, 5.0), (2, 20.0, 4.0, 5.0), (3, 20.0, 2.0, 10.0)):
        told.hear(decided("pair", "OKX:BTC/USDT", hour, one, "600"))
        told.hear(decided("pair", "OKX:ETH/USDT", hour, other, "600"))
        if hour > 1:
            told.hear(decided("pair", "OKX:SOL/USDT", hour, 1.0, "600"))  # came later
        told.hear(decided("trend", "OKX:XRP/USDT", hour, trend, "400"))

    assert told.series("main", WHOLE, None, None, 100).hold == [1000.0, 1300.0, 1550.0]
    told.hear(deposited("50", 4))
    told.hear(decided("trend", "OKX:XRP/USDT", 4, 5.0, "400"))
    later = told.series("main", WHOLE, 2, None, 100)
    assert later.equity[0] == 1000.0
    assert later.hold == pytest.approx(
        [1000.0, 1000 * 1550 / 1300, 1000 * 1150 / 1300 + 50], abs=1e-9
    )
    assert told.series("main", "nobody", None, None, 100).hold == []


def deposited(amount: str, hour: int) -> CashMoved:
    return CashMoved(
        ts_event=hour, ts_known=hour, account=AccountId("main"), movement_id=f"m{hour}",
        reason="deposit", amount=Decimal(amount), currency=Currency("USDT"),
    )  # fmt: skip
