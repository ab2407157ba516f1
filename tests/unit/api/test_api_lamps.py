"""A lamp is dark when it knows that all is well, lit when it knows that it is not, else unknown."""

from __future__ import annotations

import os
import threading
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
from starlette.testclient import TestClient
from tests.builders.api_desk import an_api, token_for
from tests.builders.engines import BTC, HOUR, T0, Desk, sent

from algotrader.api import lamps as lamps_module
from algotrader.api.access import Role
from algotrader.api.lamps import _stops as lamps_of_stops
from algotrader.api.models.desk import Lamp
from algotrader.api.serving import Serving
from algotrader.core.events import OrderAmended, OrderCancelled
from algotrader.core.instants import utc_ms
from algotrader.core.orders import Order, Protection
from algotrader.core.ports import SystemClock
from algotrader.ops.observing.summary import Queue, Summary, read_summary, write_summary

Api = tuple[TestClient, Serving]


def lamps(api: Api) -> dict[str, Any]:
    client, serving = api
    answer = client.get("/api/v1/system/lamps", headers=token_for(serving, Role.VIEWER))
    assert answer.status_code == 200, answer.text
    return {one["lamp"]: one for one in answer.json()}


def a_running_trader(folder: Path, **changes: Any) -> Summary:
    """The figures that the trader left, as if this process were it and still ran."""
    summary = read_summary(folder / "logs")
    assert summary is not None
    now_ms = utc_ms(SystemClock().now())
    fresh: dict[str, Any] = {
        "pid": os.getpid(),
        "ended": False,
        "written_ms": now_ms,
        "reasons": (),
    }
    return msgspec.structs.replace(summary, **(fresh | changes))


def test_after_a_replay_what_no_trader_tells_is_unknown_with_the_reason(api: Api) -> None:
    found = lamps(api)

    assert (found["trader"]["state"], found["trader"]["reason"]) == ("unknown", "ended")
    assert (found["clock"]["state"], found["clock"]["reason"]) == ("unknown", "no_trader")
    assert (found["notifier"]["state"], found["notifier"]["reason"]) == ("unknown", "no_channel")
    assert (found["feed"]["state"], found["feed"]["reason"]) == ("well", "replay")
    assert found["disk"]["value"] > found["disk"]["of"]
    assert not [name for name, one in found.items() if one["state"] == "wrong"]


@pytest.mark.parametrize(
    ("changes", "lamp", "state", "reason"),
    [
        ({}, "trader", "well", "running"),
        ({"reasons": ("account main: halted",)}, "trader", "wrong", "refuses"),
        ({"written_ms": 1}, "trader", "wrong", "silent"),
        ({"pid": 2**22 + 5}, "trader", "wrong", "died"),
        ({"offsets_ms": {"OKX": 12.0}}, "clock", "well", "fine"),
        ({"offsets_ms": {"OKX": -640.0}}, "clock", "wrong", "off"),
        ({"queues": {"trader": Queue(depth=3)}}, "journal", "well", "behind"),
        ({"queues": {"log": Queue(depth=0, dropped=2)}}, "journal", "wrong", "dropped"),
        ({}, "reconciled", "well", "equal"),
    ],
)
def test_a_lamp_says_what_the_traders_figures_say(
    api: Api, desk: Path, changes: dict[str, Any], lamp: str, state: str, reason: str
) -> None:
    write_summary(desk / "logs", a_running_trader(desk, **changes))
    found = lamps(api)[lamp]

    assert (found["state"], found["reason"]) == (state, reason)


def test_live_bars_that_stopped_coming_light_the_feed(desk: Path) -> None:
    """The last slice of the desk is years old: its bars are a day long, two may be missed."""
    write_summary(desk / "logs", a_running_trader(desk))
    with an_api(
        desk, **{"trading.data": "live", "trading.start": None, "trading.end": None}
    ) as api:
        stale = lamps(api)["feed"]
        write_summary(desk / "logs", a_running_trader(desk, reasons=("feed: no bars of US:AAPL",)))
        silent = lamps(api)["feed"]

    assert (stale["state"], stale["reason"], stale["subject"]) == ("wrong", "stale", "US")
    assert (silent["state"], silent["reason"]) == ("wrong", "silent")
    assert silent["says"] == "US:AAPL"


def test_what_is_watched_has_its_last_price_and_the_days_change(api: Api) -> None:
    client, serving = api
    headers = token_for(serving, Role.VIEWER)
    rows = {one["symbol"]: one for one in client.get("/api/v1/watch", headers=headers).json()}
    bars = client.get(
        "/api/v1/bars?symbol=US:AAPL&timeframe=1d&points=20000", headers=headers
    ).json()

    apple = rows["US:AAPL"]
    assert apple["traded"] is True
    assert apple["last"] == bars["close"][-1]
    assert apple["change"] == pytest.approx(bars["close"][-1] / bars["close"][-2] - 1)
    assert apple["is_open"] is None  # a replay has no hours
    assert rows["US:GOOG"]["traded"] is False


def test_a_chart_of_a_replay_ends_where_the_desk_is(api: Api) -> None:
    client, serving = api
    headers = token_for(serving, Role.VIEWER)
    (account,) = client.get("/api/v1/accounts", headers=headers).json()
    traded = client.get(
        "/api/v1/bars?symbol=US:AAPL&timeframe=1d&points=20000", headers=headers
    ).json()
    other = client.get("/api/v1/bars?symbol=US:GOOG&timeframe=1d", headers=headers).json()

    assert traded["ts"][-1] < account["last_decision"] < other["ts"][-1]


def test_a_strategy_tells_its_exposure_and_thirty_days(api: Api) -> None:
    client, serving = api
    headers = token_for(serving, Role.VIEWER)
    (row,) = client.get("/api/v1/strategies", headers=headers).json()
    (account,) = client.get("/api/v1/accounts", headers=headers).json()
    positions = client.get("/api/v1/positions", headers=headers).json()
    worth = sum(float(one["quantity"]) * float(one["mark"]) for one in positions)

    assert row["exposure"] == pytest.approx(worth / float(account["equity"]), abs=1e-6)
    assert row["spark"][-1] == pytest.approx(float(row["profit"]), abs=0.01)
    assert float(row["month_profit"]) == pytest.approx(row["spark"][-1] - row["spark"][0], abs=0.02)


def test_turns_are_the_decisions_after_which_another_quantity_was_worked_towards(api: Api) -> None:
    client, serving = api
    headers = token_for(serving, Role.VIEWER)
    every = client.get("/api/v1/decisions?acted=true&limit=1000", headers=headers).json()["items"]
    cursor: str | None = ""
    turns: list[dict[str, Any]] = []
    while cursor is not None:
        page = client.get(f"/api/v1/decisions?turned=true&limit=3{cursor}", headers=headers).json()
        turns += page["items"]
        cursor = None if page["next"] is None else f"&cursor={page['next']}"
    wanted = [one["latched_quantity"] for one in every][::-1]
    changed = [
        after
        for before, after in zip(["0", *wanted], wanted, strict=False)
        if float(before) != float(after)
    ]

    assert [one["latched_quantity"] for one in turns][::-1] == changed
    assert 0 < len(turns) < len(every)


def stopped(desk: Desk, hour: int) -> Order:
    """Ten contracts are held, and their stop rests."""
    desk.bar(hour)
    [entry] = desk.answer(hour, 0.5)
    [stop] = sent(desk.fill(entry, 10, T0 + hour * HOUR + 20))
    desk.accept(stop, T0 + hour * HOUR + 30)
    return stop


def stops_of(desk: Desk) -> Lamp:
    seen: Any = SimpleNamespace(state=desk.engine.state)
    return lamps_of_stops(seen)


def test_a_stop_smaller_than_its_position_lights_the_lamp_with_what_is_uncovered() -> None:
    desk = Desk(protection=Protection(stop_loss=0.1))
    stop = stopped(desk, 1)
    well = stops_of(desk)
    desk.tell(
        OrderAmended(**desk.news(stop, T0 + HOUR + 40), quantity=Decimal(4), limit=None,
                     stop=Decimal(90))
    )  # fmt: skip
    partly = stops_of(desk)

    assert (well.state, well.reason, well.value, well.of) == ("well", "live", 1, 1)
    assert (partly.state, partly.reason, partly.value, partly.of) == ("wrong", "partly", 0, 1)
    assert partly.says == f"{BTC.symbol} (trend) 6/10"


def test_a_position_without_any_stop_is_named_as_missing_one() -> None:
    desk = Desk(protection=Protection(stop_loss=0.1))
    stop = stopped(desk, 1)
    desk.tell(
        OrderCancelled(**desk.news(stop, T0 + HOUR + 40), filled_quantity=Decimal(0), reason="")
    )
    bare = stops_of(desk)

    assert (bare.state, bare.reason, bare.says) == ("wrong", "missing", f"{BTC.symbol} (trend)")


def test_a_stop_and_a_trail_of_one_position_do_not_cover_it_twice() -> None:
    """One cancels the other: two of half its size are not the whole of it."""
    desk = Desk(protection=Protection(stop_loss=0.1, trailing=0.2))
    desk.bar(1)
    [entry] = desk.answer(1, 0.5)
    guards = sent(desk.fill(entry, 10, T0 + HOUR + 20))
    for one in guards:
        desk.accept(one, T0 + HOUR + 30)
        desk.tell(
            OrderAmended(**desk.news(one, T0 + HOUR + 40), quantity=Decimal(5), limit=None,
                         stop=None)
        )  # fmt: skip

    assert len(guards) == 2
    assert (stops_of(desk).reason, stops_of(desk).says) == ("partly", f"{BTC.symbol} (trend) 5/10")


def test_lamps_are_told_from_the_state_where_it_changes(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the thread of the event loop; what may take long is read in another."""
    threads: dict[str, int] = {}

    def noted(name: str) -> None:
        told = getattr(lamps_module, name)

        def kept(*arguments: Any) -> Any:
            threads[name] = threading.get_ident()
            return told(*arguments)

        monkeypatch.setattr(lamps_module, name, kept)

    for name in ("_stops", "_reconciled", "_disk", "_notifier"):
        noted(name)
    lamps(api)
    portal = api[0].portal
    assert portal is not None
    loop = portal.call(threading.get_ident)

    assert threads["_stops"] == threads["_reconciled"] == loop
    assert loop not in (threads["_disk"], threads["_notifier"])
