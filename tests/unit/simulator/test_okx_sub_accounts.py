"""Several accounts on the look-alike: each with its own key, money, orders and faults."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from tests.builders.okx_venue import a_clock, simulator

from algotrader.core.instants import utc_ms
from algotrader.simulator.okx.control import status
from algotrader.simulator.okx.desk import Credentials
from algotrader.simulator.okx.faults import Fault, FaultKind
from algotrader.simulator.okx.signing import signature
from algotrader.simulator.okx.simulator import Simulator
from algotrader.simulator.okx.sockets import Session
from algotrader.simulator.okx.wire import Request

AT = utc_ms(a_clock().now())
MINUTE = 60_000
CARRY = Credentials(key="carry-key", secret="carry-secret", passphrase="carry-pass")
BUY = {"instId": "BTC-USDT", "tdMode": "cash", "side": "buy", "ordType": "limit", "sz": "0.01"}


def venue() -> Simulator:
    return simulator(sub_accounts=(CARRY,))


def ask(
    made: Simulator, name: str, method: str, path: str, body: Any = None, *, secret: str = ""
) -> Any:
    """A request signed by the keys of an account, `sim` or `carry`; None if nothing came back."""
    path, _, query = path.partition("?")
    text = "" if body is None else json.dumps(body)
    stamp = datetime.fromtimestamp(AT / 1000, UTC).isoformat(timespec="milliseconds")
    target = f"/api/v5/{path}" + (f"?{query}" if query else "")
    signed = signature(secret or f"{name}-secret", stamp + method + target + text)
    headers = {"OK-ACCESS-KEY": f"{name}-key", "OK-ACCESS-PASSPHRASE": f"{name}-pass",
               "OK-ACCESS-TIMESTAMP": stamp, "OK-ACCESS-SIGN": signed}  # fmt: skip
    reply = made.request(Request(method=method, path=f"/api/v5/{path}", query=query, body=text,
                                 headers=headers, at_ms=AT))  # fmt: skip
    return None if reply is None else json.loads(reply.body)


def logged_in(made: Simulator, name: str) -> Session:
    session = made.connect("private")
    stamp = str(AT // 1000)
    login = {"apiKey": f"{name}-key", "passphrase": f"{name}-pass", "timestamp": stamp,
             "sign": signature(f"{name}-secret", f"{stamp}GET/users/self/verify")}  # fmt: skip
    made.receive(session, json.dumps({"op": "login", "args": [login]}), AT)
    orders = {"channel": "orders", "instType": "ANY"}
    made.receive(session, json.dumps({"op": "subscribe", "args": [orders]}), AT)
    return session


def pending(made: Simulator, name: str) -> list[str]:
    rows = ask(made, name, "GET", "trade/orders-pending")["data"]
    return [row["clOrdId"] for row in rows]


def test_orders_and_money_of_one_account_are_not_seen_by_another() -> None:
    made = venue()
    ask(made, "carry", "POST", "trade/order", BUY | {"px": "29000", "clOrdId": "of1carry"})
    ask(made, "sim", "POST", "trade/order", BUY | {"px": "30100", "clOrdId": "of1main"})

    assert pending(made, "carry") == ["of1carry"]
    assert pending(made, "sim") == []  # it took the offer
    told = status(made)
    assert told["cash"]["BTC"] != told["sub_accounts"]["carry-key"]["cash"]["BTC"]
    assert told["sub_accounts"]["carry-key"]["fills"] == 0
    uids = [ask(made, name, "GET", "account/config")["data"][0] for name in ("sim", "carry")]
    assert uids[0]["uid"] != uids[1]["uid"]
    assert uids[0]["uid"] == uids[0]["mainUid"] == uids[1]["mainUid"]


def test_the_same_client_id_may_be_used_on_each_account_and_ids_of_the_venue_differ() -> None:
    made = venue()
    rows = [
        ask(made, name, "POST", "trade/order", BUY | {"px": "29000", "clOrdId": "same"})["data"][0]
        for name in ("sim", "carry")
    ]

    assert [row["sCode"] for row in rows] == ["0", "0"]
    assert rows[0]["ordId"] != rows[1]["ordId"]


def test_a_key_signed_with_the_secret_of_another_account_is_refused() -> None:
    made = venue()

    assert ask(made, "carry", "GET", "account/balance", secret="sim-secret")["code"] == "50113"


def test_news_of_orders_go_to_the_account_that_has_them() -> None:
    made = venue()
    main, carry = logged_in(made, "sim"), logged_in(made, "carry")
    made.pushes(AT)
    ask(made, "carry", "POST", "trade/order", BUY | {"px": "29000", "clOrdId": "of1carry"})

    heard = [(session, text) for session, text in made.pushes(AT) if "of1carry" in text]
    assert [session for session, _ in heard] == [carry]
    assert main is not carry


def test_resting_orders_of_every_account_fill_as_prices_pass() -> None:
    made = venue()
    for name in ("sim", "carry"):
        ask(made, name, "POST", "trade/order", BUY | {"px": "29980"})
    made.advance_venue(2 * MINUTE)

    assert pending(made, "sim") == pending(made, "carry") == []
    told = status(made)
    assert told["fills"] == told["sub_accounts"]["carry-key"]["fills"] == 1


def test_a_fault_of_one_account_leaves_the_others_alone() -> None:
    made = venue()
    main, carry = logged_in(made, "sim"), logged_in(made, "carry")
    made.faults.add(Fault(kind=FaultKind.DROP_BEFORE, key="carry-key"), AT)
    made.faults.add(Fault(kind=FaultKind.CLOSE_SOCKET, key="carry-key"), AT)

    assert ask(made, "carry", "GET", "account/balance") is None
    assert ask(made, "sim", "GET", "account/balance")["code"] == "0"
    assert carry.is_closed
    assert not main.is_closed
