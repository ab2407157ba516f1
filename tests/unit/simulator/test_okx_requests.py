"""Rate limits, unknown fields, pages and memory of the simulated API, in virtual time."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from tests.builders.okx_venue import FIRST, FLAT, RICH, a_clock, feed, listing, simulator

from algotrader.core.instants import utc_ms
from algotrader.core.timeframes import DAY_MS, HOUR_MS
from algotrader.simulator.okx.api import ENDPOINTS
from algotrader.simulator.okx.build import SimulatorSettings, build
from algotrader.simulator.okx.desk import Credentials
from algotrader.simulator.okx.signing import signature
from algotrader.simulator.okx.simulator import Simulator
from algotrader.simulator.okx.wire import Request

AT = utc_ms(a_clock().now())
SPOT = {"instId": "BTC-USDT", "tdMode": "cash", "side": "buy", "ordType": "limit", "sz": "0.01",
        "px": "29000"}  # fmt: skip


def call(venue: Simulator, method: str, path: str, body: Any = None, at: int = AT) -> Any:
    path, _, query = path.partition("?")
    text = "" if body is None else json.dumps(body)
    stamp = datetime.fromtimestamp(at / 1000, UTC).isoformat(timespec="milliseconds")
    target = f"/api/v5/{path}" + (f"?{query}" if query else "")
    headers = {"OK-ACCESS-KEY": "sim-key", "OK-ACCESS-PASSPHRASE": "sim-pass",
               "OK-ACCESS-TIMESTAMP": stamp,
               "OK-ACCESS-SIGN": signature("sim-secret", stamp + method + target + text)}  # fmt: skip
    reply = venue.request(Request(method=method, path=f"/api/v5/{path}", query=query, body=text,
                                  headers=headers, at_ms=at))  # fmt: skip
    assert reply is not None
    return json.loads(reply.body)


def test_no_path_ignores_a_field_it_does_not_know() -> None:
    """Every path of the table, with the fields it needs and one nobody knows."""
    for (method, name), endpoint in ENDPOINTS.items():
        venue = simulator()
        needed = dict.fromkeys(endpoint.needed, "1") | {"nobodyKnows": "1"}
        if method == "GET":
            query = "&".join(f"{k}={v}" for k, v in needed.items())
            told = call(venue, method, f"{name}?{query}")
        else:
            told = call(venue, method, name, needed | {"instId": "BTC-USDT"})
        row = told["data"][0] if told["data"] else {"sCode": told["code"], "sMsg": told["msg"]}
        assert (row["sCode"], row["sMsg"]) == ("51000", "Parameter nobodyKnows error"), name


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"sz": "much"}, "51000"),
        ({"sz": "-1"}, "51000"),
        ({"side": "hold"}, "51000"),
        ({"px": "NaN"}, "51000"),
        ({"clOrdId": "with_line"}, "51000"),
        ({"tag": "x" * 17}, "51000"),
        ({"posSide": "up"}, "51000"),
        ({"instId": ""}, "50014"),
        ({"sz": ""}, "50014"),
        ({"instId": "BTC-EUR"}, "51001"),
        ({"attachAlgoOrds": [{"slTriggerPx": "28000"}]}, "50014"),
        ({"attachAlgoOrds": [{}]}, "50015"),
        ({"attachAlgoOrds": [{"slTriggerPy": "28000"}]}, "51000"),
    ],
)
def test_a_malformed_order_is_refused_with_the_field(change: dict[str, Any], code: str) -> None:
    told = call(simulator(), "POST", "trade/order", SPOT | change)
    assert (told["code"], told["data"][0]["sCode"]) == ("1", code)


def test_f24_each_path_has_its_limit_and_recovers_after_the_window() -> None:
    venue = simulator()
    codes = [call(venue, "GET", "account/balance")["code"] for _ in range(11)]
    assert codes == ["0"] * 10 + ["50011"]
    assert call(venue, "GET", "account/config")["code"] == "0"
    assert call(venue, "GET", "account/balance", at=AT + 2000)["code"] == "0"


def test_orders_of_the_account_are_limited_together() -> None:
    venue = simulator()
    names = ("BTC-USDT", "ETH-USDT", "LTC-USDT", "BTC-USDT-SWAP")
    codes = []
    for name in names:
        for _ in range(15):
            batch = [SPOT | {"instId": name}] * 20
            codes.append(call(venue, "POST", "trade/batch-orders", batch)["code"])
    assert codes.count("50061") == 10  # 1,200 orders asked for, 1,000 allowed


def test_orders_fills_and_bills_are_kept_as_long_as_the_venue_says() -> None:
    rows = [FLAT] * (24 * 100)
    venue = build([(listing(), feed(rows, step=HOUR_MS))],
                  SimulatorSettings(balances=RICH, history_bars=1), AT)  # fmt: skip
    bought = SPOT | {"ordType": "market", "sz": "1", "tgtCcy": "base_ccy"}
    del bought["px"]
    assert call(venue, "POST", "trade/order", bought)["code"] == "0"
    kept = {
        "trade/fills": 3, "trade/fills-history?instType=SPOT": 90,
        "trade/orders-history?instType=SPOT": 7, "trade/orders-history-archive?instType=SPOT": 90,
        "account/bills": 7, "account/bills-archive": 90,
    }  # fmt: skip
    for days in (3, 7, 90):
        last = AT + days * DAY_MS - 1
        paths = [path for path, kept_days in kept.items() if kept_days == days]
        assert all(call(venue, "GET", path, at=last)["data"] for path in paths), days
        assert not any(call(venue, "GET", path, at=last + 3)["data"] for path in paths), days


def test_the_archive_of_bills_is_asked_for_five_times_in_two_seconds() -> None:
    venue = simulator()

    codes = [call(venue, "GET", "account/bills-archive")["code"] for _ in range(6)]
    assert codes == ["0"] * 5 + ["50011"]


def test_each_settlement_of_funding_has_its_rate_in_the_history_of_rates() -> None:
    """Those after the recorded ones as well: a venue settles whatever is known of it here."""
    rows = [FLAT] * 24
    funded = feed(rows, step=HOUR_MS, funding=[(FIRST + 8 * HOUR_MS, 0.0005)])
    venue = build([(listing("BTC-USDT-SWAP"), funded)],
                  SimulatorSettings(balances=RICH, history_bars=1), AT)  # fmt: skip
    swap = SPOT | {"instId": "BTC-USDT-SWAP", "tdMode": "cross", "ordType": "market", "sz": "1"}
    del swap["px"]
    assert call(venue, "POST", "trade/order", swap)["code"] == "0"
    later = AT + 3 * DAY_MS
    bills = call(venue, "GET", "account/bills?type=8", at=later)["data"]
    path = "public/funding-rate-history?instId=BTC-USDT-SWAP"
    rates = {
        row["fundingTime"]: row["realizedRate"]
        for row in call(venue, "GET", path, at=later)["data"]
    }

    assert len(bills) >= 9
    assert {row["ts"] for row in bills} <= set(rates)
    assert sorted(set(rates.values())) == ["0.0001", "0.0005"]


def test_pages_go_back_by_id_and_by_time() -> None:
    venue = simulator()
    ids = [call(venue, "POST", "trade/order", SPOT, at=AT + n)["data"][0]["ordId"]
           for n in range(5)]  # fmt: skip

    def pending(query: str) -> list[str]:
        told = call(venue, "GET", f"trade/orders-pending?{query}", at=AT + 9)
        return [row["ordId"] for row in told["data"]]

    assert pending("limit=2") == [ids[4], ids[3]]
    assert pending(f"after={ids[3]}&limit=2") == [ids[2], ids[1]]
    assert pending(f"before={ids[2]}") == [ids[4], ids[3]]
    assert pending(f"begin={AT + 1}&end={AT + 2}") == [ids[2], ids[1]]


def test_candles_page_back_and_end_with_the_one_that_forms() -> None:
    venue = simulator()
    venue.advance_venue(90_000)

    def candles(query: str) -> list[list[str]]:
        rows: list[list[str]] = call(venue, "GET", f"market/candles?instId=BTC-USDT&{query}")[
            "data"
        ]
        return rows

    newest = candles("bar=1m&limit=3")
    assert [row[-1] for row in newest] == ["0", "1", "1"]
    older = candles(f"bar=1m&limit=2&after={newest[2][0]}")
    assert int(newest[2][0]) - int(older[0][0]) == 60_000
    whole = candles("bar=1H&limit=2")[1]
    assert whole[1:5] == ["30000", "30030", "29970", "30000"]
    assert float(whole[5]) == 60e6
    told = call(venue, "GET", "market/candles?instId=BTC-USDT&bar=45m")
    assert told["code"] == "51000"


def test_the_dead_mans_switch_cancels_unless_it_is_renewed() -> None:
    venue = simulator()
    call(venue, "POST", "trade/order", SPOT)
    told = call(venue, "POST", "trade/cancel-all-after", {"timeOut": "10"})
    assert told["data"][0]["triggerTime"] == str(AT + 10_000)
    call(venue, "POST", "trade/cancel-all-after", {"timeOut": "10"}, at=AT + 9_000)
    venue.advance(AT + 18_999)
    assert len(venue.api.desk.venue.records.working) == 1
    venue.advance(AT + 19_000)
    assert not venue.api.desk.venue.records.working
    told = call(venue, "POST", "trade/cancel-all-after", {"timeOut": "5"}, at=AT + 30_000)
    assert told["code"] == "51000"


def test_a_key_without_the_right_to_trade_may_only_look() -> None:
    own = Credentials(key="sim-key", secret="sim-secret", passphrase="sim-pass",
                      permissions="read_only")  # fmt: skip
    venue = simulator(credentials=own)
    assert call(venue, "GET", "account/config")["data"][0]["perm"] == "read_only"
    assert call(venue, "POST", "trade/order", SPOT)["code"] == "50120"


def test_a_socket_needs_a_login_for_what_is_private() -> None:
    venue = simulator()
    session = venue.connect("private")

    def told(**asked: Any) -> Any:
        return json.loads(session.receive(json.dumps(asked), AT)[0])

    assert told(op="subscribe", args=[{"channel": "orders", "instType": "ANY"}])["code"] == "60011"
    assert told(op="subscribe", args=[{"channel": "tickers"}])["code"] == "60018"
    assert told(op="dance")["code"] == "60012"
    assert told(op="login", args=[{"apiKey": "other"}])["code"] == "60005"
    assert session.is_closed


def test_candles_on_sockets_close_before_the_next_one_opens() -> None:
    """F43: every bar is confirmed once, in order, also when many close in one step."""
    venue = simulator()
    session = venue.connect("business")
    arg = {"channel": "candle1m", "instId": "BTC-USDT"}
    session.receive(json.dumps({"op": "subscribe", "args": [arg]}), AT)
    venue.advance_venue(5 * 60_000 + 30_000)
    rows = [json.loads(text)["data"][0] for _, text in venue.pushes(AT)]
    confirmed = [int(row[0]) for row in rows if row[-1] == "1"]

    assert confirmed == sorted(set(confirmed))
    assert len(confirmed) == 5
    assert rows[-1][-1] == "0"


def test_books_follow_from_their_changes_and_their_numbers_connect() -> None:
    venue = simulator()
    session = venue.connect("public")
    arg = {"channel": "books", "instId": "BTC-USDT"}
    asked = json.dumps({"op": "subscribe", "args": [arg]})
    first = json.loads(session.receive(asked, AT)[1])["data"][0]
    held = {side: {level[0]: level for level in first[side]} for side in ("asks", "bids")}
    last = first["seqId"]
    for _ in range(8):
        venue.advance_venue(7_000)
        for _, text in venue.pushes(AT):
            row = json.loads(text)["data"][0]
            assert row["prevSeqId"] == last
            last = row["seqId"]
            for side in ("asks", "bids"):
                for level in row[side]:
                    held[side].pop(level[0], None)
                    if level[1] != "0":
                        held[side][level[0]] = level
    from algotrader.simulator.okx.books import book

    now = book(venue.api.desk.market("BTC-USDT"))
    assert sorted(held["asks"].values()) == sorted(now.asks)
    assert sorted(held["bids"].values()) == sorted(now.bids)
    assert last > first["seqId"]
