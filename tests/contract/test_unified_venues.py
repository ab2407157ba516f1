"""Binance and Bybit by ccxt's real client, on answers in the forms that they document.

What is shown here is what our requests say and what their answers are taken for; not that a venue
does what it documents.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pytest
from tests.builders.brokers import a_unified_broker
from tests.builders.okx_orders import an_order, approved, soon
from tests.builders.unified_venues import (
    Binance,
    Book,
    Bybit,
    Forms,
    LookAlike,
    RefusedError,
)

from algotrader.core.events import (
    OrderAccepted,
    OrderAmended,
    OrderFilled,
    OrderNotFound,
    OrderRejected,
    OrderSeen,
    OrderUnknown,
)
from algotrader.core.orders import Order, OrderStatus, Side, TimeInForce
from algotrader.core.symbols import Symbol
from algotrader.execution.adapters.unified.binance import BINANCE
from algotrader.execution.adapters.unified.broker import UnifiedBroker
from algotrader.execution.adapters.unified.bybit import BYBIT
from algotrader.execution.adapters.unified.venue import UnifiedVenue

pytest.importorskip("ccxt", reason="not run: ccxt is not installed")

TABLES: dict[type[LookAlike], UnifiedVenue] = {Binance: BINANCE, Bybit: BYBIT}
EACH = [(made, kind) for made in (Binance, Bybit) for kind in ("spot", "perpetual")]
NEW = {
    (Binance, "spot"): "POST /api/v3/order", (Binance, "perpetual"): "POST /fapi/v1/order",
    (Bybit, "spot"): "POST /v5/order/create", (Bybit, "perpetual"): "POST /v5/order/create",
}  # fmt: skip
FAR = Decimal(20_000)


@dataclass
class At:
    """A broker and the venue it asks."""

    broker: UnifiedBroker
    venue: LookAlike
    pair: Symbol

    def order(self, quantity: str = "0.5", **terms: Any) -> Order:
        return an_order(quantity, symbol=self.pair, **terms)

    async def submit(self, order: Order, seconds: float = 5.0) -> Any:
        return await self.broker.submit(approved(order), soon(seconds))

    async def seen(self, order: Order) -> OrderSeen:
        found = await self.broker.look_up(order.order_id, order.instrument)
        assert isinstance(found, OrderSeen), found
        return found

    @property
    def new(self) -> str:
        return NEW[type(self.venue), self.venue.book.kind]

    def refuse(self, code: int, message: str = "no", status: int = 400, times: int = 1) -> None:
        self.venue.refusals += [(self.new, RefusedError(code, message, status))] * times

    def asked(self, method: str, end: str) -> list[dict[str, Any]]:
        return [
            one.params for one in self.venue.asked
            if one.method == method and one.path.endswith(end)
        ]  # fmt: skip


Work = Callable[[At], Awaitable[None]]


def at(made: type[LookAlike], kind: str, work: Work, **book: Any) -> LookAlike:
    venue = made(Book(kind, **book))

    async def run() -> None:
        async with a_unified_broker(TABLES[made], venue) as (broker, pair):
            venue.asked.clear()
            await work(At(broker, venue, pair))

    asyncio.run(run())
    assert venue.problems == []
    return venue


each = pytest.mark.parametrize(("made", "kind"), EACH, ids=[f"{m.name}-{k}" for m, k in EACH])


# What goes out


@each
def test_an_order_says_what_was_decided_and_no_more(made: type[LookAlike], kind: str) -> None:
    async def work(here: At) -> None:
        order = here.order("0.123", side=Side.SELL, limit=Decimal("30100.5"), tif=TimeInForce.IOC)
        assert isinstance(await here.submit(order), OrderAccepted)
        (sent,) = [one.params for one in here.venue.asked if one.method == "POST"]
        if made is Binance:
            signed = {name: sent.pop(name) for name in ("timestamp", "recvWindow", "signature")}
            assert 4_000 < int(signed["recvWindow"]) <= 5_000  # what is left until the deadline
            assert sent == {
                "symbol": "BTCUSDT", "side": "SELL", "type": "LIMIT", "timeInForce": "IOC",
                "quantity": "0.123", "price": "30100.5", "newClientOrderId": order.order_id,
                "newOrderRespType": "FULL" if kind == "spot" else "RESULT",
            }  # fmt: skip
        else:
            assert sent == {
                "category": "spot" if kind == "spot" else "linear", "symbol": "BTCUSDT",
                "side": "Sell", "orderType": "Limit", "timeInForce": "IOC", "qty": "0.123",
                "price": "30100.5", "orderLinkId": order.order_id,
            }  # fmt: skip

    at(made, kind, work)


@each
def test_a_market_order_is_in_base_units(made: type[LookAlike], kind: str) -> None:
    async def work(here: At) -> None:
        order = here.order("0.5")
        await here.submit(order)
        (sent,) = [one.params for one in here.venue.asked if one.method == "POST"]
        assert sent["quantity" if made is Binance else "qty"] == "0.5"
        assert "price" not in sent
        assert "quoteOrderQty" not in sent
        assert (await here.seen(order)).filled_quantity == Decimal("0.5")

    at(made, kind, work)


@each
def test_a_maker_only_order_and_one_that_only_reduces_say_so(
    made: type[LookAlike], kind: str
) -> None:
    async def work(here: At) -> None:
        maker = here.order("0.5", limit=Decimal(29_900), post_only=True)
        closing = here.order("0.5", side=Side.SELL, number=1, reduce_only=True)
        assert isinstance(await here.submit(maker), OrderAccepted)
        await here.submit(closing)
        first, second = [one.params for one in here.venue.asked if one.method == "POST"]
        if made is Binance:
            assert (first["type"], first.get("timeInForce")) == (
                ("LIMIT_MAKER", None) if kind == "spot" else ("LIMIT", "GTX")
            )
        else:
            assert first["timeInForce"] == "PostOnly"
        assert ("reduceOnly" in second) is (kind == "perpetual")  # spot has nothing to reduce

    at(made, kind, work)


@each
def test_what_the_client_would_cut_is_refused_before_it_is_sent(
    made: type[LookAlike], kind: str
) -> None:
    async def work(here: At) -> None:
        for order in (
            here.order("0.1234567891"),
            here.order("0.5", limit=Decimal("29000.05")),
            here.order("0.0000001"),
        ):
            answer = await here.submit(order)
            assert isinstance(answer, OrderRejected)
            assert answer.code == "precision"
        assert here.venue.asked == []

    at(made, kind, work)


@each
def test_an_order_whose_time_is_over_is_not_sent(made: type[LookAlike], kind: str) -> None:
    async def work(here: At) -> None:
        answer = await here.submit(here.order(), seconds=-1.0)
        assert isinstance(answer, OrderRejected | OrderUnknown)
        assert here.venue.book.orders == []

    at(made, kind, work)


@each
def test_the_venue_refuses_what_arrives_after_the_deadline(
    made: type[LookAlike], kind: str
) -> None:
    """Its clock is five seconds ahead and ours was not set: the window is over on arrival."""

    async def work(here: At) -> None:
        here.venue.book.skew_ms = 6_000
        answer = await here.submit(here.order(), seconds=2.0)
        assert isinstance(answer, OrderAccepted | OrderUnknown)
        # Refused for its time once, and sent with the venue's time after that.
        assert len(here.venue.book.orders) <= 1

    at(made, kind, work)


# What answers are taken for


@each
def test_f22_an_answer_that_is_lost_leaves_the_outcome_unknown_and_the_order_is_found(
    made: type[LookAlike], kind: str
) -> None:
    async def work(here: At) -> None:
        here.venue.loses = here.new
        order = here.order(limit=FAR)
        assert isinstance(await here.submit(order), OrderUnknown)
        here.venue.loses = None
        assert (await here.seen(order)).status is OrderStatus.ACCEPTED
        assert len(here.venue.book.orders) == 1  # it was sent once

    at(made, kind, work)


@each
def test_a_code_under_a_failure_of_the_venue_says_nothing_about_the_order(
    made: type[LookAlike], kind: str
) -> None:
    async def work(here: At) -> None:
        code = -1013 if made is Binance else 10001  # a refusal, if it came with another status
        here.refuse(code, status=500)
        assert isinstance(await here.submit(here.order()), OrderUnknown)
        here.refuse(code)
        answer = await here.submit(here.order(number=1))
        assert isinstance(answer, OrderRejected)
        assert answer.code == str(code)

    at(made, kind, work)


BINANCE_CODES: list[tuple[int, str, type]] = [
    (-2010, "Account has insufficient balance for requested action.", OrderRejected),
    (-2010, "Duplicate order sent.", OrderUnknown),  # our own may be the one that has the id
    (-2010, "Order would immediately match and take.", OrderRejected),
    (-1013, "Filter failure: NOTIONAL", OrderRejected),
    (-1111, "Parameter 'quantity' has too much precision.", OrderRejected),
    (-2019, "Margin is insufficient.", OrderRejected),
    (-2022, "ReduceOnly Order is rejected.", OrderRejected),
    (-4164, "Order's notional must be no smaller than 50", OrderRejected),
    (-5022, "Due to the order could not be executed as maker", OrderRejected),
    (-2015, "Invalid API-key, IP, or permissions for action.", OrderRejected),
    (-1121, "Invalid symbol.", OrderRejected),
    (-1000, "An unknown error occurred while processing the request.", OrderUnknown),
    (-1006, "Execution status unknown.", OrderUnknown),
    (-1007, "Timeout waiting for response from backend server.", OrderUnknown),
    (-4116, "ClientOrderId is duplicated.", OrderUnknown),
    (-9999, "a code nobody knows", OrderUnknown),
]
BYBIT_CODES: list[tuple[int, str, type]] = [
    (110007, "ab not enough for new order", OrderRejected),
    (110003, "Order price is out of permissible range", OrderRejected),
    (110017, "Reduce-only rule not satisfied", OrderRejected),
    (110094, "Order notional value below the lower limit", OrderRejected),
    (170131, "Balance insufficient", OrderRejected),
    (170136, "Order quantity lower than the minimum.", OrderRejected),
    (170140, "Transaction amount lower than the minimum.", OrderRejected),
    (10003, "API key is invalid.", OrderRejected),
    (10005, "Permission denied, please check your API key permissions.", OrderRejected),
    (10010, "Unmatched IP, please check your API key's bound IP addresses.", OrderRejected),
    (10028, "The API can only be accessed by unified account users.", OrderRejected),
    (110072, "OrderLinkedID is duplicate", OrderUnknown),
    (170141, "Duplicate clientOrderId", OrderUnknown),
    (10000, "Server Timeout", OrderUnknown),
    (10016, "Server error.", OrderUnknown),
    (170007, "Timeout waiting for response from backend server.", OrderUnknown),
    (170146, "Order creation timeout", OrderUnknown),
    (999999, "a code nobody knows", OrderUnknown),
]


@pytest.mark.parametrize(("made", "codes"), [(Binance, BINANCE_CODES), (Bybit, BYBIT_CODES)],
                         ids=["binance", "bybit"])  # fmt: skip
def test_each_code_of_an_order_is_taken_for_what_the_venue_documents(
    made: type[LookAlike], codes: list[tuple[int, str, type]]
) -> None:
    async def work(here: At) -> None:
        for number, (code, message, taken_for) in enumerate(codes):
            here.refuse(code, message)
            answer = await here.submit(here.order(number=number, limit=FAR))
            assert isinstance(answer, taken_for), (code, message, answer)
        assert here.venue.book.orders == []

    at(made, "spot", work)


@each
def test_f24_too_often_is_sent_again_after_a_wait_and_never_past_its_time(
    made: type[LookAlike], kind: str
) -> None:
    async def work(here: At) -> None:
        here.refuse(-1015 if made is Binance else 10006, "too many")
        order = here.order(limit=FAR)
        assert isinstance(await here.submit(order), OrderAccepted)
        assert len(here.venue.book.orders) == 1
        here.refuse(-1015 if made is Binance else 10006, "too many", times=50)
        sent = len(here.asked("POST", "order")) + len(here.asked("POST", "create"))
        assert isinstance(await here.submit(here.order(number=1), seconds=0.5), OrderUnknown)
        assert len(here.venue.book.orders) == 1
        assert len(here.asked("POST", "order")) + len(here.asked("POST", "create")) == sent + 1

    at(made, kind, work)


@each
def test_f30_a_clock_that_is_off_is_set_once_by_the_venues(
    made: type[LookAlike], kind: str
) -> None:
    async def work(here: At) -> None:
        here.venue.book.skew_ms = -90_000  # we are a minute and a half ahead
        order = here.order(limit=FAR)
        assert isinstance(await here.submit(order), OrderAccepted)
        assert abs(here.broker._client.offset_ms + 90_000) < 1_000
        assert (await here.seen(order)).status is OrderStatus.ACCEPTED

    at(made, kind, work)


@each
def test_f35_an_older_order_of_the_same_id_is_not_ours(made: type[LookAlike], kind: str) -> None:
    async def work(here: At) -> None:
        order = here.order(limit=FAR)
        here.refuse(-1007 if made is Binance else 10000)  # it never arrives
        assert isinstance(await here.submit(order), OrderUnknown)
        old = here.venue.book.place(
            client_id=order.order_id, side="buy", kind="limit", quantity=Decimal(1), price=FAR,
            tif="GTC", reduce_only=False,
        )  # fmt: skip
        old.state, old.created_ms = "cancelled", old.created_ms - 60_000
        assert isinstance(await here.broker.look_up(order.order_id, here.pair), OrderNotFound)
        old.created_ms += 60_000
        assert isinstance(await here.broker.look_up(order.order_id, here.pair), OrderSeen)

    at(made, kind, work)


@each
def test_all_trades_of_an_order_are_read_page_by_page(made: type[LookAlike], kind: str) -> None:
    parts = 2_500 if made is Binance else 250

    async def work(here: At) -> None:
        here.venue.book.parts = parts
        order = here.order("0.5")
        await here.submit(order)
        listed = await here.broker.trades(order.order_id, here.pair)
        assert len({one.fill.trade_id for one in listed}) == len(listed) == parts
        assert sum(one.fill.quantity for one in listed) == Decimal("0.5")
        assert [one.ts_event for one in listed] == sorted(one.ts_event for one in listed)
        pages = [one for one in here.venue.asked if "rades" in one.path or "execution" in one.path]
        assert len(pages) == 3

    at(made, kind, work)


@each
def test_an_order_filled_in_part_and_ended_tells_both(made: type[LookAlike], kind: str) -> None:
    async def work(here: At) -> None:
        order = here.order("0.5", limit=FAR)
        await here.submit(order)
        (kept,) = here.venue.book.orders
        here.venue.book.fill(kept, Decimal("0.2"))
        found = await here.seen(order)
        assert (found.status, found.filled_quantity) == (
            OrderStatus.PARTIALLY_FILLED, Decimal("0.2"),
        )  # fmt: skip
        await here.broker.cancel(order.order_id, here.pair)
        found = await here.seen(order)
        assert (found.status, found.filled_quantity) == (OrderStatus.CANCELLED, Decimal("0.2"))
        (trade,) = await here.broker.trades(order.order_id, here.pair)
        assert trade.fill.quantity == Decimal("0.2")

    at(made, kind, work)


@each
def test_a_short_position_is_told_as_less_than_nothing(made: type[LookAlike], kind: str) -> None:
    async def work(here: At) -> None:
        before = (await here.broker.positions([here.pair]))[here.pair]
        await here.submit(here.order("0.5", side=Side.SELL))
        after = (await here.broker.positions([here.pair]))[here.pair]
        assert after - before == Decimal("-0.5")
        assert before == (10 if kind == "spot" else 0)

    at(made, kind, work)


@each
def test_open_orders_of_others_are_shown_too(made: type[LookAlike], kind: str) -> None:
    async def work(here: At) -> None:
        here.venue.book.place(client_id="by-hand", side="buy", kind="limit", quantity=Decimal(1),
                              price=FAR, tif="GTC", reduce_only=False)  # fmt: skip
        (row,) = await here.broker.open_orders([here.pair])
        assert (row["clientOrderId"], row["side"], row["amount"]) == ("by-hand", "buy", "1")

    at(made, kind, work)


@each
def test_silence_while_news_are_asked_for_tells_nothing_and_goes_on(
    made: type[LookAlike], kind: str
) -> None:
    async def work(here: At) -> None:
        order = here.order("0.5", limit=FAR)
        await here.submit(order)
        news = here.broker.news()
        assert isinstance(await anext(news), OrderSeen)
        here.venue.is_silent = True
        waiting = asyncio.ensure_future(anext(news))
        await asyncio.sleep(0.05)
        assert not waiting.done()
        here.venue.is_silent = False
        here.venue.book.fill(here.venue.book.orders[0], Decimal("0.5"))
        told = await waiting
        assert isinstance(told, OrderFilled)  # the trade before the state that it led to
        done = await anext(news)
        assert isinstance(done, OrderSeen)
        assert done.status is OrderStatus.FILLED

    at(made, kind, work)


@pytest.mark.parametrize(("made", "kind"), [(Binance, "perpetual"), (Bybit, "spot"),
                                            (Bybit, "perpetual")])  # fmt: skip
def test_a_change_keeps_the_id_and_names_the_whole_quantity(
    made: type[LookAlike], kind: str
) -> None:
    async def work(here: At) -> None:
        order = here.order("0.5", limit=FAR)
        await here.submit(order)
        here.venue.book.fill(here.venue.book.orders[0], Decimal("0.2"))
        answer = await here.broker.amend(
            order.order_id, here.pair, quantity=Decimal("0.3"), limit=None, stop=None
        )
        assert isinstance(answer, OrderAmended)
        assert (answer.quantity, answer.limit) == (Decimal("0.3"), FAR)
        assert len(here.venue.book.orders) == 1

    at(made, kind, work)


@pytest.mark.parametrize("kind", ["spot", "perpetual"])
def test_an_account_of_bybit_that_is_not_unified_is_not_fit(kind: str) -> None:
    venue = Bybit(Book(kind))
    venue.is_unified = False

    async def run() -> None:
        async with a_unified_broker(BYBIT, venue):
            raise AssertionError("it was fit")

    with pytest.raises(AssertionError, match="upgrade to a unified account"):
        asyncio.run(run())


@each
def test_an_answer_about_another_order_is_no_answer(made: type[LookAlike], kind: str) -> None:
    async def work(here: At) -> None:
        order, other = here.order(limit=FAR), here.order(limit=FAR, number=1)
        place = here.venue.book.place
        here.venue.book.place = lambda **asked: place(  # type: ignore[method-assign]
            **{**asked, "client_id": other.order_id}
        )
        assert isinstance(await here.submit(order), OrderUnknown)

    at(made, kind, work)


@pytest.mark.parametrize("made", [Binance, Bybit], ids=["binance", "bybit"])
def test_each_form_names_the_page_that_documents_it(made: type[LookAlike]) -> None:
    forms = Forms(made.name)
    pages = {"binance": "https://developers.binance.com/docs/",
             "bybit": "https://bybit-exchange.github.io/docs/v5/"}  # fmt: skip
    for name in forms.names:
        assert forms._entries[name]["documented_at"].startswith(pages[made.name]), name
