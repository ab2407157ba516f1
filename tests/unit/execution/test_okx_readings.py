"""Rows of OKX as events, orders as its requests, its answers as verdicts: pure functions."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from tests.builders.okx_orders import BTC, MAIN, RUN, SWAP, a_bracket, an_order

from algotrader.core.events import Liquidated, OrderFilled, OrderSeen, StopTriggered
from algotrader.core.ids import OrderId, run_tag
from algotrader.core.orders import OrderStatus, Purpose, Side, TimeInForce
from algotrader.core.symbols import Symbol
from algotrader.data.adapters.okx.names import inst_id, symbol_of
from algotrader.data.adapters.okx.rest import Answer, NoAnswerError, read_answer
from algotrader.execution.adapters.numbers import decimal, integer
from algotrader.execution.adapters.okx.funding import funding_paid
from algotrader.execution.adapters.okx.readings import Reader
from algotrader.execution.adapters.okx.requests import order_call
from algotrader.execution.adapters.okx.verdicts import Accepted, Again, Refused, Unknown, verdict_on
from algotrader.execution.adapters.sent_orders import Sent
from algotrader.execution.broker import BrokerUnavailableError

OWN = an_order().order_id
READER = Reader(account=MAIN, run_tag=run_tag(RUN), watched=frozenset({BTC, SWAP}))
PUSH = {
    "instId": "BTC-USDT", "ordId": "7", "clOrdId": OWN, "algoId": "", "algoClOrdId": "",
    "state": "partially_filled", "side": "buy", "accFillSz": "0.3", "tradeId": "t1",
    "fillSz": "0.1", "fillPx": "30000", "fillFee": "-0.0001", "fillFeeCcy": "BTC",
    "fee": "-0.0003", "feeCcy": "BTC", "fillTime": "1700000000000", "uTime": "1700000000001",
    "cTime": "1700000000000", "execType": "M", "category": "normal",
}  # fmt: skip


def told(**changes: Any) -> list[Any]:
    return list(READER.pushed_order(PUSH | changes, 5))


def test_a_push_tells_its_execution_with_its_own_fee_and_then_the_order() -> None:
    fill, seen = told()

    assert isinstance(fill, OrderFilled)
    assert (fill.fill.quantity, fill.fill.fee, fill.fill.order_id) == (
        Decimal("0.1"), Decimal("0.0001"), OWN,
    )  # fmt: skip
    assert isinstance(seen, OrderSeen)
    assert (seen.status, seen.filled_quantity) == (OrderStatus.PARTIALLY_FILLED, Decimal("0.3"))


def test_an_execution_without_its_own_fee_is_left_to_the_trade_list() -> None:
    (seen,) = told(fillFeeCcy="", fillFee="")

    assert isinstance(seen, OrderSeen)


def test_what_others_trade_is_told_where_it_is_watched_and_has_no_order() -> None:
    (fill,) = told(clOrdId="byhand")

    assert isinstance(fill, OrderFilled)
    assert fill.fill.order_id is None
    assert told(clOrdId="byhand", instId="ETH-USDT") == []


def test_an_order_of_another_run_is_not_ours() -> None:
    other = OWN[:2] + "zzzz" + OWN[6:]

    assert READER.own_id({"clOrdId": other}) is None
    assert Reader(account=MAIN).own_id({"clOrdId": other}) == other


def test_a_childs_news_are_its_parents_by_our_id_or_by_the_venues() -> None:
    by_ours = told(clOrdId="", algoClOrdId=OWN, algoId="99", state="live", tradeId="", fillSz="0")
    assert [(one.order_id, one.status, one.venue_order_id) for one in by_ours] == [
        (OWN, OrderStatus.TRIGGERED, "99")
    ]
    known = Reader(account=MAIN, run_tag=run_tag(RUN), parents={"99": OrderId(OWN)})
    row = PUSH | {"clOrdId": "99_0", "linkedAlgoOrd": {"algoId": "99"}, "state": "filled"}
    fill, seen = known.pushed_order(row, 5)
    assert isinstance(fill, OrderFilled)
    assert fill.fill.order_id == OWN
    assert isinstance(seen, OrderSeen)
    assert seen.order_id == OWN


def test_of_a_child_whose_parent_is_not_known_nothing_is_told_until_it_is() -> None:
    orphan = {"clOrdId": "", "linkedAlgoOrd": {"algoId": "99"}}

    assert READER.is_orphan(PUSH | orphan)
    assert told(**orphan) == []
    foreign = Reader(account=MAIN, run_tag=run_tag(RUN), watched=frozenset({BTC}),
                     parents={"99": None})  # fmt: skip
    (fill,) = foreign.pushed_order(PUSH | orphan, 5)
    assert isinstance(fill, OrderFilled)
    assert fill.fill.order_id is None


@pytest.mark.parametrize("category", ["full_liquidation", "partial_liquidation", "adl"])
def test_f33_what_the_venue_closed_itself_is_a_liquidation(category: str) -> None:
    (event,) = told(clOrdId="", category=category, side="sell")

    assert isinstance(event, Liquidated)
    assert event.quantity == Decimal("-0.1")


@pytest.mark.parametrize(
    ("state", "status"),
    [("live", OrderStatus.ACCEPTED), ("canceled", OrderStatus.CANCELLED),
     ("order_failed", OrderStatus.CANCELLED)],
)  # fmt: skip
def test_algo_orders_are_seen_as_what_they_are(state: str, status: OrderStatus) -> None:
    row = {"instId": "BTC-USDT-SWAP", "algoId": "99", "algoClOrdId": OWN, "ordId": "",
           "state": state, "uTime": "7", "slTriggerPx": "29000"}  # fmt: skip
    (seen,) = READER.pushed_algo(row, 9)

    assert isinstance(seen, OrderSeen)
    assert (seen.status, seen.venue_order_id, seen.filled_quantity) == (status, "99", 0)


def test_an_algo_order_that_acts_names_its_child_and_its_level() -> None:
    row = {"instId": "BTC-USDT-SWAP", "algoId": "99", "algoClOrdId": OWN, "ordId": "100",
           "state": "effective", "triggerTime": "6", "uTime": "7", "slTriggerPx": "29000",
           "tpTriggerPx": "31000", "actualSide": "tp"}  # fmt: skip
    (event,) = READER.pushed_algo(row, 9)

    assert isinstance(event, StopTriggered)
    assert (event.child_order_id, event.trigger_price) == ("100", Decimal(31_000))


@pytest.mark.parametrize("text", ["NaN", "inf", "<html>", "1,5", "1E+99"])
def test_f37_what_is_no_number_is_no_answer(text: str) -> None:
    with pytest.raises(BrokerUnavailableError):
        decimal({"sz": text}, "sz")


@pytest.mark.parametrize(
    "raw",
    ["<!DOCTYPE html>", "", None, [], {}, {"code": 0, "data": []}, {"code": "0", "data": None},
     {"code": "0", "data": ["x"]}],
)  # fmt: skip
def test_f37_what_is_no_envelope_is_no_answer(raw: object) -> None:
    with pytest.raises(NoAnswerError):
        read_answer(raw, "POST trade/order")


# Requests


def test_orders_go_out_in_the_venues_words() -> None:
    market = order_call(an_order("0.5"), "cross")
    assert (market.path, market.body) == ("trade/order", {
        "instId": "BTC-USDT", "tdMode": "cash", "side": "buy", "sz": "0.5", "clOrdId": OWN,
        "ordType": "market", "tgtCcy": "base_ccy",
    })  # fmt: skip
    limit = order_call(
        an_order("3", symbol=SWAP, limit=Decimal("29000.5"), reduce_only=True), "isolated"
    )
    assert limit.body["tdMode"] == "isolated"
    assert (limit.body["px"], limit.body["reduceOnly"]) == ("29000.5", True)
    kinds = {
        "post_only": {"post_only": True}, "ioc": {"tif": TimeInForce.IOC},
        "fok": {"tif": TimeInForce.FOK}, "limit": {},
    }  # fmt: skip
    for kind, terms in kinds.items():
        made = order_call(an_order("3", symbol=SWAP, limit=Decimal(1), **terms), "cross")
        assert made.body["ordType"] == kind


def test_stops_are_judged_by_the_mark_on_swaps_and_by_the_last_price_on_spot() -> None:
    stop = {"side": Side.SELL, "stop": Decimal(29_000)}
    swap = order_call(an_order("1", symbol=SWAP, reduce_only=True, **stop), "cross")
    spot = order_call(an_order("1", **stop), "cross")

    assert swap.path == spot.path == "trade/order-algo"
    assert "clOrdId" not in swap.body
    assert (swap.body["ordType"], swap.body["slTriggerPxType"]) == ("conditional", "mark")
    assert (spot.body["slTriggerPx"], spot.body["slOrdPx"], spot.body["slTriggerPxType"]) == (
        "29000", "-1", "last",
    )  # fmt: skip


def test_a_stop_that_may_open_a_position_is_a_trigger_order() -> None:
    entry = order_call(
        an_order("1", symbol=SWAP, stop=Decimal(31_000), limit=Decimal(31_010)), "cross"
    )
    assert (entry.body["ordType"], entry.body["triggerPx"], entry.body["orderPx"]) == (
        "trigger", "31000", "31010",
    )  # fmt: skip
    assert order_call(an_order("1", stop=Decimal(31_000)), "cross").body["tgtCcy"] == "base_ccy"


def test_targets_and_trails_have_fields_of_their_own() -> None:
    target = order_call(
        an_order("1", side=Side.SELL, stop=Decimal(31_000), purpose=Purpose.TAKE_PROFIT), "cross"
    )
    assert (target.body["ordType"], target.body["tpTriggerPx"]) == ("conditional", "31000")
    trail = order_call(
        an_order("1", symbol=SWAP, side=Side.SELL, trail=Decimal("0.02"), reduce_only=True), "cross"
    )
    assert (trail.body["ordType"], trail.body["callbackRatio"]) == ("move_order_stop", "0.02")


def test_a_bracket_is_one_order_with_both_levels() -> None:
    bracket = a_bracket("1", stop=Decimal(29_000), target=Decimal(31_000))
    body = order_call(bracket, "cross").body

    assert (body["ordType"], body["algoClOrdId"], body["sz"]) == ("oco", bracket.order_id, "1")
    assert (body["slTriggerPx"], body["slOrdPx"]) == ("29000", "-1")
    assert (body["tpTriggerPx"], body["tpOrdPx"]) == ("31000", "31000")
    with pytest.raises(ValueError, match="bracket"):
        order_call(an_order(side=Side.SELL, purpose=Purpose.BRACKET, stop=Decimal(1)), "cross")


# Verdicts


def answer(code: str, row: dict[str, Any] | None = None) -> Answer:
    return Answer(code=code, message="m", rows=() if row is None else (row,))


def test_accepted_is_only_what_names_an_order_with_code_0() -> None:
    assert verdict_on(answer("0", {"ordId": "7", "sCode": "0"}), "ordId") == Accepted(
        venue_order_id="7"  # type: ignore[arg-type]
    )
    for row in (None, {}, {"ordId": ""}, {"ordId": None, "sCode": "0"}, {"algoId": "7"}):
        assert isinstance(verdict_on(answer("0", row), "ordId"), Unknown)


def test_a_refused_row_under_a_fine_envelope_is_refused() -> None:
    row = {"ordId": "", "sCode": "51008", "sMsg": "no money"}
    for code in ("0", "1", "2"):
        assert verdict_on(answer(code, row), "ordId") == Refused(code="51008", reason="no money")


def test_limits_wait_the_clock_is_set_once_and_the_rest_is_unknown() -> None:
    assert verdict_on(answer("50011"), "ordId") == Again(code="50011", reason="m", with_clock=False)
    assert verdict_on(answer("50102"), "ordId") == Again(code="50102", reason="m", with_clock=True)
    assert isinstance(verdict_on(answer("50102"), "ordId", clock_was_set=True), Refused)
    for code in ("50001", "50004", "51016", "99999", "1", ""):
        assert isinstance(verdict_on(answer(code), "ordId"), Unknown)


def test_f35_an_order_created_before_it_was_sent_is_another_one() -> None:
    sent = Sent(order=an_order("1", side=Side.BUY), at_ms=3_000)
    clocks = {"gap_ms": -1_500, "skew_ms": 500}  # the venue is behind, and may be off

    assert sent.is_shown(side="buy", created_ms=1_000, **clocks)
    assert not sent.is_shown(side="buy", created_ms=999, **clocks)
    assert not sent.is_shown(side="sell", created_ms=1_000, **clocks)


# Funding, names


@pytest.mark.parametrize(
    ("amount", "rate", "quantity"),
    [("-0.3", "0.0001", 10), ("0.3", "0.0001", -10), ("-0.3", "-0.0001", -10),
     ("0.3", "-0.0001", 10)],
)  # fmt: skip
def test_who_pays_tells_the_side_of_the_position(amount: str, rate: str, quantity: int) -> None:
    bill = {"billId": "b", "ccy": "USDT", "pnl": amount, "sz": "10", "px": "30000", "ts": "1007"}
    rates = [{"fundingTime": "1000", "realizedRate": rate}]

    paid = funding_paid(bill, rates, SWAP, MAIN, 9)
    assert (paid.amount, paid.quantity, paid.rate) == (Decimal(amount), quantity, Decimal(rate))


@pytest.mark.parametrize("amount", ["-0.3", "0.3"])
@pytest.mark.parametrize(
    "rates",
    [
        [],
        [{"fundingTime": "1000", "realizedRate": "0", "fundingRate": "0"}],
        [{"fundingTime": "1008", "realizedRate": "0.0001"}],  # of the next settlement
    ],
)
def test_funding_of_which_the_rate_is_not_known_names_no_side_and_keeps_its_amount(
    rates: list[Any], amount: str
) -> None:
    bill = {"billId": "b", "ccy": "USDT", "pnl": amount, "sz": "10", "px": "30000", "ts": "1007"}

    paid = funding_paid(bill, rates, SWAP, MAIN, 9)
    assert (paid.amount, paid.quantity, paid.rate) == (Decimal(amount), 0, 0)


@pytest.mark.parametrize("name", ["billId", "ccy", "ts", "balChg"])
def test_f37_funding_that_cannot_be_read_is_no_answer(name: str) -> None:
    bill = {"billId": "b", "ccy": "USDT", "balChg": "-1", "sz": "10", "ts": "1007", name: None}

    with pytest.raises(BrokerUnavailableError, match=f"{name} is not told"):
        funding_paid(bill, [], SWAP, MAIN, 9)


@pytest.mark.parametrize("text", ["OKX:BTC/USDT", "OKX:BTC/USDT:USDT", "OKX:BTC/USD:BTC"])
def test_names_go_there_and_back(text: str) -> None:
    symbol = Symbol.parse(text)

    assert symbol_of(inst_id(symbol)) == symbol


@pytest.mark.parametrize("named", ["BTC-USD-261225", "BTC-USD-261225-100000-C", "BTC", ""])
def test_what_we_do_not_trade_has_no_symbol(named: str) -> None:
    assert symbol_of(named) is None


# Recorded rows


@pytest.mark.parametrize(
    "name", ["ws_orders", "ws_orders_trigger", "ws_orders_liquidation", "ws_orders_adl",
             "ws_orders_fok", "ws_orders_ioc", "ws_orders_option", "ws_orders_optimal_limit_ioc"],
)  # fmt: skip
def test_recorded_pushes_of_orders_can_be_read(shared_data: Path, name: str) -> None:
    message = json.loads((shared_data / f"data/okx_fixtures/nautilus/{name}.json").read_text())
    reader = Reader(account=MAIN, watched=frozenset({SWAP}))

    for row in message["data"]:
        reader.pushed_order(row, 1)
        assert integer(row, "uTime") > 0


def test_recorded_pushes_of_algo_orders_can_be_read(shared_data: Path) -> None:
    path = shared_data / "data/okx_fixtures/nautilus/ws_orders_algo.json"
    rows = json.loads(path.read_text())["data"]
    ours = [row | {"algoClOrdId": OWN} for row in rows]
    swaps = [row for row in ours if row["instId"].endswith("-SWAP")]
    told = [type(event) for row in swaps for event in READER.pushed_algo(row, 1)]

    assert told[:3] == [OrderSeen, OrderSeen, StopTriggered]
