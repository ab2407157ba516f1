"""Fault rules: when they strike, how often, and that a seed fixes it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.builders.okx_venue import a_clock, simulator

from algotrader.core.errors import ConfigurationError
from algotrader.core.instants import utc_ms
from algotrader.simulator.okx.faults import Fault, FaultKind, Faults, read_faults
from algotrader.simulator.okx.signing import signature
from algotrader.simulator.okx.simulator import Simulator
from algotrader.simulator.okx.sockets import Session
from algotrader.simulator.okx.wire import Reply, Request

AT = utc_ms(a_clock().now())


def signed(name: str, body: Any, at_ms: int = AT, **headers: str) -> Request:
    from datetime import UTC, datetime

    text = json.dumps(body)
    stamp = datetime.fromtimestamp(at_ms / 1000, UTC).isoformat(timespec="milliseconds")
    sign = signature("sim-secret", f"{stamp}POST/api/v5/{name}{text}")
    return Request(method="POST", path=f"/api/v5/{name}", body=text, at_ms=at_ms, headers={
        "OK-ACCESS-KEY": "sim-key", "OK-ACCESS-PASSPHRASE": "sim-pass",
        "OK-ACCESS-TIMESTAMP": stamp, "OK-ACCESS-SIGN": sign, **headers,
    })  # fmt: skip


def limit(price: str = "29000", **more: str) -> dict[str, str]:
    return {"instId": "BTC-USDT", "tdMode": "cash", "side": "buy", "ordType": "limit",
            "sz": "0.01", "px": price} | more  # fmt: skip


def said(reply: Reply | None) -> Any:
    assert reply is not None
    return json.loads(reply.body)


def private(venue: Simulator) -> Session:
    session = venue.connect("private")
    stamp = str(AT // 1000)
    login = {"apiKey": "sim-key", "passphrase": "sim-pass", "timestamp": stamp,
             "sign": signature("sim-secret", f"{stamp}GET/users/self/verify")}  # fmt: skip
    orders = {"channel": "orders", "instType": "ANY"}
    for asked in ({"op": "login", "args": [login]}, {"op": "subscribe", "args": [orders]}):
        assert "error" not in venue.receive(session, json.dumps(asked), AT)[0]
    return session


def states(pushed: list[tuple[Session, str]]) -> list[str]:
    return [json.loads(text)["data"][0]["state"] for _, text in pushed]


def test_f16_f17_f18_pushes_are_doubled_lost_or_held_back() -> None:
    venue = simulator()
    private(venue)

    def pushed_under(fault: Fault, *, later_ms: int = 0) -> list[str]:
        venue.faults.clear()
        venue.faults.add(fault, AT)
        venue.request(signed("trade/order", limit("30100", ordType="ioc")))
        return states(venue.pushes(AT + later_ms))

    assert pushed_under(Fault(kind=FaultKind.LOSE_PUSH, where="push orders", times=1)) == ["filled"]
    doubled = pushed_under(Fault(kind=FaultKind.DUPLICATE_PUSH, where="push orders"))
    assert sorted(doubled) == ["filled", "filled", "live", "live"]
    held = Fault(kind=FaultKind.REORDER_PUSH, where="push orders", delay_s=(2, 3), times=1)
    assert pushed_under(held) == ["filled"]
    assert states(venue.pushes(AT + 3000)) == ["live"]  # after what came after it


def test_f19_a_half_open_socket_answers_nothing_until_it_heals() -> None:
    venue = simulator()
    session = private(venue)
    venue.faults.add(Fault(kind=FaultKind.HALF_OPEN, where="connect private", for_s=10), AT)
    assert venue.receive(session, "ping", AT + 1) == []
    venue.request(signed("trade/order", limit(), AT + 2))
    assert venue.pushes(AT + 3) == []

    assert venue.receive(session, "ping", AT + 11_000) == ["pong"]


def test_f15_a_request_that_arrives_after_its_deadline_is_dropped() -> None:
    venue = simulator()
    late = signed("trade/order", limit(), AT + 5001, expTime=str(AT + 5000))
    assert said(venue.request(late))["code"] == "50004"
    in_time = signed("trade/order", limit(), AT + 5002, expTime=str(AT + 5002))
    assert said(venue.request(in_time))["code"] == "0"


def test_f25_part_of_an_order_fills_and_then_nothing() -> None:
    venue = simulator()
    order = said(venue.request(signed("trade/order", limit())))["data"][0]["ordId"]
    venue.faults.add(
        Fault(kind=FaultKind.PARTIAL_FILL, instrument="BTC-USDT", share=0.4, after_s=1), AT
    )
    venue.advance(AT + 999)
    kept = venue.api.desk.venue.records.orders[order]
    assert kept.filled == 0
    venue.advance(AT + 1000)
    assert (float(kept.filled), kept.is_open, kept.is_stuck) == (0.004, True, True)


def test_f33_liquidation_and_deleveraging_are_pushed_under_their_category() -> None:
    venue = simulator()
    private(venue)
    wanted = {"instId": "BTC-USDT-SWAP", "tdMode": "cross", "side": "buy", "ordType": "market",
              "sz": "10"}  # fmt: skip
    venue.request(signed("trade/order", wanted))
    venue.faults.add(Fault(kind=FaultKind.ADL, instrument="BTC-USDT-SWAP", share=0.5), AT)
    venue.faults.add(Fault(kind=FaultKind.LIQUIDATE, instrument="BTC-USDT-SWAP", after_s=1), AT)
    venue.pushes(AT)
    venue.advance(AT + 1000)
    rows = [json.loads(text)["data"][0] for _, text in venue.pushes(AT + 1000)]

    assert [(r["category"], r["accFillSz"]) for r in rows] == [
        ("adl", "5"), ("full_liquidation", "5"),
    ]  # fmt: skip


def test_chance_and_times_are_drawn_from_the_seed() -> None:
    rule = Fault(kind=FaultKind.DROP_AFTER, where="POST trade/*", chance=0.3, delay_s=(0, 2))

    def drawn(seed: int) -> list[tuple[bool, float]]:
        faults = Faults([rule], seed=seed)
        treated = [faults.for_request("POST trade/order", 0) for _ in range(50)]
        return [(t.is_dropped, t.wait_after_s) for t in treated]

    assert drawn(1) == drawn(1) != drawn(2)
    assert 5 < sum(dropped for dropped, _ in drawn(1)) < 25
    thrice = Faults([Fault(kind=FaultKind.DROP_AFTER, times=3)])
    assert sum(thrice.for_request("GET x", 0).is_dropped for _ in range(9)) == 3


def test_a_fault_strikes_only_what_and_when_it_says() -> None:
    rule = Fault(kind=FaultKind.RATE_LIMIT, where="POST trade/order", after_s=1, for_s=2)
    faults = Faults([rule])
    struck = [
        bool(faults.for_request("POST trade/order", at).faults) for at in (999, 1000, 2999, 3000)
    ]

    assert struck == [False, True, True, False]
    assert not faults.for_request("POST trade/cancel-order", 1500).faults
    assert faults.for_push("orders", 1500) == [0.0]


def test_f30_a_clock_drifts_from_where_it_was_set() -> None:
    faults = Faults([Fault(kind=FaultKind.CLOCK_SKEW, offset_ms=40_000, drift_ms=1000)])
    assert [faults.skew_ms(minute * 60_000) for minute in (0, 1, 10)] == [40_000, 41_000, 50_000]


def test_faults_are_read_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "faults.yaml"
    path.write_text(
        "faults:\n"
        "  - {kind: drop_after, where: POST trade/*, chance: 0.1, times: 2}\n"
        "  - {kind: delay_after, delay_s: [0.5, 3]}\n"
        "  - {kind: precision, instrument: BTC-USDT, rules: {lot: 0.01}}\n"
    )
    read = read_faults(path)

    assert [f.kind for f in read] == ["drop_after", "delay_after", "precision"]
    assert read[1].delay_s == (0.5, 3.0)
    assert read[2].rules == {"lot": "0.01"}


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("faults: 3", "no list of faults"),
        ("- {kind: explode}", "fault 1: 'explode'"),
        ("- {kind: drop_after, chance: 2}", "fractions"),
        ("- {kind: drop_after, wen: 2}", "'wen' is no property"),
        ("- drop_after", "no mapping"),
        ("- {kind: suspend}", "needs an instrument"),
        ("- {kind: delay_after, delay_s: soon}", "delay_s"),
        ("a: [", "no YAML"),
    ],
)
def test_a_wrong_fault_is_refused_with_its_place(tmp_path: Path, content: str, told: str) -> None:
    path = tmp_path / "faults.yaml"
    path.write_text(content)
    with pytest.raises(ConfigurationError, match=told):
        read_faults(path)
