"""What OKX is asked, and what its answers prove: rows of the wrong shape prove nothing (F37)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from decimal import Decimal
from typing import Any, cast

import pytest
from tests.builders.okx_orders import BTC, KEYS, MAIN, SWAP, an_order, settings

from algotrader.core.events import Event, ModeChanged, OrderFilled, OrderNotFound, OrderSeen
from algotrader.core.orders import OrderStatus, Side
from algotrader.core.ports import Notice, SystemClock
from algotrader.core.timeframes import DAY_MS, HOUR_MS
from algotrader.data.adapters.okx.clock import measure_clock
from algotrader.data.adapters.okx.rest import Answer, NoAnswerError
from algotrader.data.adapters.okx.streams import Pushed
from algotrader.execution.adapters.okx.account import OkxAccount
from algotrader.execution.adapters.okx.broker import OkxBroker
from algotrader.execution.adapters.okx.client import OkxClient
from algotrader.execution.adapters.okx.liquidation import OkxLiquidationWatch
from algotrader.execution.adapters.okx.questions import OkxQuestions
from algotrader.execution.broker import BrokerUnavailableError

pytest.importorskip("ccxt", reason="not run: ccxt is not installed")

NOW = 100 * DAY_MS
ABSENT = Answer(code="51603", message="Order does not exist", rows=())
Answers = Callable[[str, Mapping[str, str]], Answer]


def ok(*rows: Any) -> Answer:
    return Answer(code="0", message="", rows=rows)


class Venue:
    """Answers as it is told to; knows the time, and no order."""

    def __init__(self, answers: Mapping[str, Answer] | Answers | None = None) -> None:
        self._answers = answers or {}
        self.asked: list[tuple[str, dict[str, str]]] = []

    async def get(self, path: str, params: Mapping[str, str]) -> Answer:
        self.asked.append((path, dict(params)))
        if callable(self._answers):
            return self._answers(path, params)
        usual = {
            "public/time": ok({"ts": str(NOW)}),
            "trade/order": ABSENT,
            "trade/order-algo": ABSENT,
        }
        return self._answers.get(path, usual.get(path, ok()))

    async def post(self, path: str, params: Any, *, deadline_ms: int | None = None) -> Answer:
        return ok({"sCode": "0"})

    def spans(self, path: str) -> list[tuple[int, int | None]]:
        """From when to when a list was asked for."""
        return [
            (int(params["begin"]), int(params["end"]) if "end" in params else None)
            for asked, params in self.asked
            if asked == path
        ]


def a_broker(venue: Venue, **changes: Any) -> tuple[OkxBroker, list[Event]]:
    """A broker on a venue, and what it tells."""
    broker = OkxBroker(
        MAIN, OkxClient(KEYS, base_url="http://127.0.0.1:9"), SystemClock(), settings(**changes)
    )
    broker._client = broker._questions._client = cast(OkxClient, venue)
    told: list[Event] = []
    broker._news._tell = lambda *events: told.extend(events)  # type: ignore[method-assign]
    return broker, told


def on(
    venue: Venue, work: Callable[[OkxBroker, list[Event]], Awaitable[Any]], **changes: Any
) -> Any:
    async def run() -> Any:
        broker, told = a_broker(venue, **changes)
        return await work(broker, told)

    return asyncio.run(run())


# Children that OKX has forgotten

STOP = an_order("1", symbol=SWAP, side=Side.SELL, stop=Decimal(90), reduce_only=True)


def a_stop(age_ms: int, **changes: Any) -> dict[str, Any]:
    """A stop that triggered so long ago, its child no longer shown."""
    return {
        "algoId": "7", "algoClOrdId": STOP.order_id, "instId": "BTC-USDT-SWAP", "ordType": "conditional",
        "state": "effective", "ordId": "99", "ordIdList": ["99"], "sz": "1", "side": "sell",
        "slTriggerPx": "90", "slOrdPx": "-1", "triggerTime": str(NOW - age_ms),
        "uTime": str(NOW - age_ms), "cTime": "1", **changes,
    }  # fmt: skip


def looked_up(row: Mapping[str, Any], **answers: Answer) -> OrderSeen:
    named = {path.replace("__", "/").replace("_", "-"): one for path, one in answers.items()}
    venue = Venue({"trade/order-algo": ok(row), **named})
    seen = on(venue, lambda broker, _: broker.look_up(STOP.order_id, SWAP))
    assert isinstance(seen, OrderSeen)
    return seen


def test_a_child_is_known_by_the_list_that_names_it_alone() -> None:
    """`ordId` of an algo order is to go; its children stand in `ordIdList`."""
    child = {"ordId": "99", "algoId": "7", "state": "filled", "accFillSz": "1", "sz": "1",
             "side": "sell", "uTime": "1", "cTime": "1", "instId": "BTC-USDT-SWAP", "px": ""}  # fmt: skip

    def answers(path: str, params: Mapping[str, str]) -> Answer:
        if path == "trade/order":
            return ok(child) if params.get("ordId") == "99" else ABSENT
        stop = a_stop(0, ordId="", ordIdList=["99"])
        return ok(stop) if path == "trade/order-algo" else ok({"ts": str(NOW)})

    seen = on(Venue(answers), lambda broker, _: broker.look_up(STOP.order_id, SWAP))
    assert isinstance(seen, OrderSeen)
    assert (seen.status, seen.filled_quantity) == (OrderStatus.FILLED, 1)


def test_a_stop_whose_child_was_cancelled_unfilled_and_is_forgotten_is_over() -> None:
    seen = looked_up(a_stop(2 * HOUR_MS))

    assert (seen.status, seen.filled_quantity) == (OrderStatus.CANCELLED, 0)
    assert (seen.venue_order_id, seen.quantity) == ("7", 1)


def test_of_a_pair_the_leg_that_was_forgotten_ends_it_as_well() -> None:
    pair = a_stop(3 * HOUR_MS, ordType="oco", tpTriggerPx="110", tpOrdPx="110", actualSide="tp")

    assert looked_up(pair).status is OrderStatus.CANCELLED


@pytest.mark.parametrize(
    "age_ms",
    [
        2 * HOUR_MS - 1,  # it would still be shown
        90 * DAY_MS,  # its trades would no longer be shown
    ],
)
def test_a_child_that_is_not_shown_may_yet_be_or_may_have_traded(age_ms: int) -> None:
    with pytest.raises(BrokerUnavailableError, match="its child 99 is not shown"):
        looked_up(a_stop(age_ms))


@pytest.mark.parametrize("row", [{"triggerTime": "", "uTime": ""}, {"triggerTime": "soon"}])
def test_a_child_of_which_nobody_says_when_it_was_made_is_not_called_over(row: Any) -> None:
    with pytest.raises(BrokerUnavailableError):
        looked_up(a_stop(3 * HOUR_MS, **row))


@pytest.mark.parametrize(
    "listed", ["trade__orders_pending", "trade__fills", "trade__fills_history"]
)
def test_a_child_that_is_open_or_has_traded_is_not_called_cancelled(listed: str) -> None:
    row = {"ordId": "99", "instId": "BTC-USDT-SWAP", "fillSz": "0.4", "clOrdId": ""}

    with pytest.raises(BrokerUnavailableError, match="its child 99 is not shown"):
        looked_up(a_stop(3 * HOUR_MS), **{listed: ok(row)})


def test_a_child_that_traded_in_part_before_it_was_cancelled_is_told_with_that_part() -> None:
    def answers(path: str, params: Mapping[str, str]) -> Answer:
        if path == "trade/order-algo":
            return ok(a_stop(3 * HOUR_MS))
        if path == "trade/order" and params.get("ordId") == "99":  # kept: it traded
            return ok(
                {"ordId": "99", "algoId": "7", "state": "canceled", "accFillSz": "0.4", "sz": "1"}
            )
        return ABSENT

    seen = on(Venue(answers), lambda broker, _: broker.look_up(STOP.order_id, SWAP))
    assert (seen.status, seen.filled_quantity) == (OrderStatus.CANCELLED, Decimal("0.4"))


def test_an_order_that_no_list_has_is_absent_and_an_answer_without_one_is_not() -> None:
    def look_up(venue: Venue) -> Any:
        return on(venue, lambda broker, _: broker.look_up(STOP.order_id, SWAP))

    assert isinstance(look_up(Venue()), OrderNotFound)
    for path in ("trade/order", "trade/order-algo"):
        for rows in ((), ([],), ({},), ({"ordId": ""},)):
            with pytest.raises(BrokerUnavailableError):
                look_up(Venue({path: ok(*rows)}))


# Answers of the wrong shape (F37)

ROW = {"instId": "BTC-USDT-SWAP", "ordId": "1", "clOrdId": STOP.order_id, "algoId": ""}
PLAIN = {**ROW, "state": "live", "side": "sell", "cTime": str(NOW), "accFillSz": "0", "sz": "1"}


def wrong(path: str, *rows: Any) -> Any:
    """A case: what a path answers."""
    return pytest.param(path, rows, id=f"{path} {rows!r}"[:70])


@pytest.mark.parametrize(
    ("path", "rows"),
    [
        wrong("account/balance"),
        wrong("account/balance", {}),
        wrong("account/balance", {"details": None}),
        wrong("account/balance", {"details": ["x"]}),
        wrong("account/balance", {"details": [{"eq": "1"}]}),
        wrong("account/balance", {"details": [{"ccy": "BTC"}]}),
        wrong("account/balance", {"details": [{"ccy": "BTC", "eq": None}]}),
        wrong("account/balance", {"details": [{"ccy": "BTC", "eq": ""}]}),
        wrong("account/balance", []),
        wrong("account/positions", []),
        wrong("account/positions", {}),
        wrong("account/positions", {"instId": "BTC-USDT-SWAP"}),
        wrong("account/positions", {"instId": "BTC-USDT-SWAP", "pos": []}),
        wrong("account/positions", {"instId": "BTC-USDT-SWAP", "pos": "1E+999999999"}),
    ],
)
def test_f37_what_is_held_is_not_known_from_an_answer_that_cannot_be_read(
    path: str, rows: tuple[Any, ...]
) -> None:
    fine = {"account/balance": ok({"details": []}), path: ok(*rows)}

    with pytest.raises(BrokerUnavailableError):
        on(Venue(fine), lambda broker, _: broker.positions((BTC, SWAP)))


@pytest.mark.parametrize(
    "row",
    [
        {**PLAIN, "accFillSz": None}, {**PLAIN, "accFillSz": ""}, {**PLAIN, "state": None},
        {**PLAIN, "uTime": "1E+99"}, {**PLAIN, "sz": {}, "accFillSz": {}},
    ],
)  # fmt: skip
def test_f37_an_order_that_cannot_be_read_is_asked_for_again(row: Any) -> None:
    venue = Venue({"trade/order": ok(row)})

    with pytest.raises(BrokerUnavailableError):
        on(venue, lambda broker, _: broker.look_up(STOP.order_id, SWAP))


@pytest.mark.parametrize("left_out", ["cTime", "side"])
def test_f35_an_order_that_does_not_say_what_it_is_is_not_taken_for_an_older_one(
    left_out: str,
) -> None:
    row = {name: value for name, value in PLAIN.items() if name != left_out}

    async def work(broker: OkxBroker, _: list[Event]) -> None:
        broker._remember(STOP)
        broker._gap_ms = 0
        with pytest.raises(BrokerUnavailableError, match=left_out):
            await broker.look_up(STOP.order_id, SWAP)

    on(Venue({"trade/order": ok(row)}), work)


FILL = {
    "instId": "BTC-USDT", "tradeId": "1", "ordId": "5", "clOrdId": "", "fillSz": "1", "fillPx": "100",
    "side": "buy", "fee": "-0.001", "feeCcy": "BTC", "ts": str(NOW), "fillTime": str(NOW),
    "execType": "T", "billId": "3",
}  # fmt: skip


@pytest.mark.parametrize("name", ["tradeId", "fillSz", "fillPx", "side", "fee", "feeCcy"])
@pytest.mark.parametrize("value", [None, [], ""])
def test_f37_a_trade_that_cannot_be_read_is_asked_for_again(name: str, value: Any) -> None:
    venue = Venue(
        {"trade/order": ok({**PLAIN, "accFillSz": "1"}), "trade/fills": ok({**FILL, name: value})}
    )

    with pytest.raises(BrokerUnavailableError):
        on(venue, lambda broker, _: broker.trades(STOP.order_id, SWAP))


QUESTIONS: dict[str, Callable[[OkxAccount], Awaitable[Any]]] = {
    "account/config": lambda account: account.configuration(),
    "account/leverage-info": lambda account: account.leverage(SWAP, "cross"),
    "account/trade-fee": lambda account: account.fees(SWAP),
    "public/funding-rate": lambda account: account.next_funding(SWAP),
    "public/mark-price": lambda account: account.mark_price(SWAP),
    "public/position-tiers": lambda account: account.tiers(SWAP, "cross"),
    "public/instruments": lambda account: account.rules(SWAP.kind),
    "public/time": lambda account: OkxQuestions(account._client).now_ms(),
}


@pytest.mark.parametrize("path", QUESTIONS)
@pytest.mark.parametrize("rows", [(), ([],), ("x",), (None,)])
def test_f37_no_question_about_the_account_is_answered_by_rows_that_are_none(
    path: str, rows: tuple[Any, ...]
) -> None:
    account = OkxAccount(cast(OkxClient, Venue({path: ok(*rows)})))

    with pytest.raises(BrokerUnavailableError):
        asyncio.run(cast(Any, QUESTIONS[path](account)))


@pytest.mark.parametrize("path", [one for one in QUESTIONS if one != "account/config"])
def test_f37_figures_that_are_not_told_are_not_zero(path: str) -> None:
    if path == "public/instruments":
        return  # of those that are traded the watch judges: see test_okx_watching.py
    account = OkxAccount(cast(OkxClient, Venue({path: ok({"instId": "BTC-USDT-SWAP"})})))

    with pytest.raises(BrokerUnavailableError):
        asyncio.run(cast(Any, QUESTIONS[path](account)))


@pytest.mark.parametrize("row", [{}, {"ts": "soon"}, {"ts": []}, {"ts": {}}])
def test_f37_a_clock_that_tells_no_time_is_no_answer(row: Any) -> None:
    with pytest.raises(NoAnswerError):
        asyncio.run(measure_clock(cast(Any, Venue({"public/time": ok(row)})), lambda: 0))


def test_f37_the_watch_of_liquidation_stands_a_balance_without_a_currency(
    caplog: pytest.LogCaptureFixture,
) -> None:
    class Nobody:
        async def notify(self, notice: Notice) -> None:
            raise AssertionError(notice)

    async def run() -> None:
        position = {"instId": "BTC-USDT-SWAP", "pos": "1", "liqPx": "1", "mgnMode": "cross"}
        venue = Venue({
            "account/positions": ok(position), "account/balance": ok({"details": [{"eq": "1"}]}),
        })  # fmt: skip
        watch = OkxLiquidationWatch(OkxAccount(cast(OkxClient, venue)), {}, Nobody())
        task = asyncio.create_task(watch.run())
        await asyncio.sleep(0.01)
        assert not task.done()
        task.cancel()

    asyncio.run(run())
    assert "prices of liquidation could not be compared: ccy is not told" in caplog.text


# The check by REST


async def checked(broker: OkxBroker, **open_orders: Any) -> BrokerUnavailableError | None:
    try:
        await broker._news._check_all(dict(open_orders))
    except BrokerUnavailableError as error:
        return error
    return None


def test_one_order_that_is_not_shown_hides_nothing_of_the_others() -> None:
    """Trades, funding, and orders of another instance (F65) are asked for all the same."""
    foreign = {**PLAIN, "clOrdId": "at" + "zzzz" + str(STOP.order_id)[6:]}
    bill = {
        "instId": "BTC-USDT-SWAP",
        "ts": str(NOW),
        "pnl": "-1",
        "ccy": "USDT",
        "sz": "3",
        "billId": "b",
    }
    venue = Venue({
        "trade/order-algo": ok(a_stop(HOUR_MS)), "trade/fills": ok(FILL), "account/bills": ok(bill),
        "trade/orders-pending": ok(foreign),
    })  # fmt: skip

    async def work(broker: OkxBroker, told: list[Event]) -> None:
        error = await checked(broker, **{str(STOP.order_id): SWAP})
        assert "is not shown" in str(error)
        assert [type(one).__name__ for one in told] == ["OrderFilled", "FundingPaid", "ModeChanged"]
        assert broker._news._since_ms == NOW  # trades were asked for: next time from here

    on(venue, work)


def test_f37_one_row_that_cannot_be_read_hides_none_beside_it_and_is_asked_for_again() -> None:
    def broken(row: Mapping[str, Any], name: str, rest: str) -> tuple[Any, Any]:
        return {**row, name: None, "billId": "1"}, {**row, name: rest, "billId": "2"}

    bill = {"instId": "BTC-USDT-SWAP", "ts": str(NOW), "pnl": "-1", "ccy": "USDT", "sz": "3"}
    venue = Venue({
        "trade/fills": ok(*broken(FILL, "tradeId", "1")),
        "account/bills": ok(*broken(bill, "ccy", "USDT")),
        "trade/orders-pending": ok(*broken(PLAIN, "accFillSz", "0")),
    })  # fmt: skip

    async def work(broker: OkxBroker, told: list[Event]) -> None:
        broker._news._since_ms = NOW - HOUR_MS
        error = await checked(broker)
        assert str(error) == "tradeId is not told; ccy is not told; accFillSz is not told"
        assert [type(one).__name__ for one in told] == ["OrderFilled", "FundingPaid", "OrderSeen"]
        assert broker._news._since_ms == NOW - HOUR_MS

    on(venue, work)


@pytest.mark.parametrize("rows", [([],), (None,), ("x",), ({"instId": []},), ({"ordId": "1"},)])
def test_f37_a_push_of_the_wrong_shape_is_asked_about_instead(rows: tuple[Any, ...]) -> None:
    good = {**PLAIN, "uTime": "5"}

    async def work(broker: OkxBroker, _: list[Event]) -> None:
        for channel in ("orders", "orders-algo"):
            pushed = Pushed(channel=channel, inst_id="", rows=(*rows, good))
            told = broker._news._read(pushed)
            assert [type(one) for one in told] == [OrderSeen]

    on(Venue(), work)


# From when trades and funding are asked for


def test_trades_just_before_the_last_decision_are_asked_for_after_a_restart() -> None:
    """What was on its way when the trader was killed was not booked."""
    venue = Venue()
    decided = NOW - HOUR_MS
    on(
        venue,
        lambda broker, _: checked(broker),
        trades_since_ms=decided,
        books_since_ms=NOW - DAY_MS,
    )

    assert venue.spans("trade/fills") == venue.spans("account/bills") == [(decided - 60_000, None)]


def test_nothing_is_asked_for_that_the_books_began_with() -> None:
    venue = Venue()
    decided = NOW - HOUR_MS
    chosen = {"trades_since_ms": decided, "books_since_ms": decided - 5}

    async def work(broker: OkxBroker, _: list[Event]) -> None:
        await checked(broker)
        await checked(broker)  # and a minute before the check after that

    on(venue, work, **chosen)
    assert venue.spans("trade/fills") == [(decided - 5, None), (NOW - 60_000, None)]


def test_books_that_began_by_another_clock_let_trades_be_asked_for_from_the_decision_on() -> None:
    venue = Venue()
    decided = NOW - HOUR_MS
    on(
        venue,
        lambda broker, _: checked(broker),
        trades_since_ms=decided,
        books_since_ms=NOW + DAY_MS,
    )

    assert venue.spans("trade/fills") == [(decided, None)]


def test_books_that_begin_now_take_what_follows_and_nothing_before() -> None:
    async def work(broker: OkxBroker, _: list[Event]) -> None:
        broker.begin_books(NOW - 7)
        await checked(broker)

    venue = Venue()
    on(venue, work)
    assert venue.spans("trade/fills") == [(NOW - 7, None)]


def test_what_is_older_than_the_quick_lists_is_asked_for_in_the_archives() -> None:
    """Trades are listed for three days and bills for seven; archives have three months of both."""
    venue = Venue()
    on(venue, lambda broker, _: checked(broker), trades_since_ms=NOW - 10 * DAY_MS)

    since, week = NOW - 10 * DAY_MS - 60_000, 7 * DAY_MS
    till = NOW - 3 * DAY_MS + HOUR_MS
    assert (
        venue.spans("trade/fills-history")
        == [(since, since + week)] * 2 + [(since + week, till)] * 2
    )
    kinds = [params["instType"] for path, params in venue.asked if path == "trade/fills-history"]
    assert kinds == ["SPOT", "SWAP"] * 2
    assert venue.spans("trade/fills") == [(NOW - 3 * DAY_MS, None)]
    assert venue.spans("account/bills-archive") == [(since, NOW - 7 * DAY_MS + HOUR_MS)]
    assert venue.spans("account/bills") == [(NOW - 7 * DAY_MS, None)]


def test_the_archives_are_left_alone_by_a_check_that_follows_another() -> None:
    venue = Venue()
    on(venue, lambda broker, _: checked(broker), trades_since_ms=NOW - DAY_MS)

    assert not [
        path for path, _ in venue.asked if path in ("trade/fills-history", "account/bills-archive")
    ]


def test_what_no_archive_keeps_is_said_to_be_unknown(caplog: pytest.LogCaptureFixture) -> None:
    venue = Venue()
    on(venue, lambda broker, _: checked(broker), trades_since_ms=NOW - 95 * DAY_MS)

    assert "only three months are kept" in caplog.text
    assert min(begin for begin, _ in venue.spans("trade/fills-history")) == NOW - 90 * DAY_MS


def test_an_archive_is_asked_for_page_by_page_the_oldest_told_first() -> None:
    kept = [
        {**FILL, "billId": str(n), "tradeId": str(n), "ordId": str(n)} for n in range(250, 0, -1)
    ]

    def answers(path: str, params: Mapping[str, str]) -> Answer:
        if path == "public/time":
            return ok({"ts": str(NOW)})
        if path == "trade/fills-history" and params["instType"] == "SPOT":
            older = [row for row in kept if int(row["billId"]) < int(params.get("after", "999"))]
            return ok(*older[: int(params["limit"])])
        return ABSENT if path == "trade/order" else ok()

    async def work(broker: OkxBroker, told: list[Event]) -> list[str]:
        assert await checked(broker) is None
        return [one.fill.trade_id for one in told if isinstance(one, OrderFilled)]

    assert on(Venue(answers), work, trades_since_ms=NOW - 5 * DAY_MS) == [
        str(n) for n in range(1, 251)
    ]


def test_an_order_of_many_trades_is_asked_for_page_by_page() -> None:
    whole = {"ordId": "5", "clOrdId": str(STOP.order_id), "instId": "BTC-USDT-SWAP", "px": "",
             "state": "filled", "accFillSz": "250", "sz": "250", "side": "sell", "uTime": "1",
             "cTime": "1"}  # fmt: skip
    kept = [
        {**FILL, "instId": "BTC-USDT-SWAP", "ordId": "5", "billId": str(n), "tradeId": str(n),
         "fillSz": "1"}
        for n in range(250, 0, -1)
    ]  # fmt: skip

    def answers(path: str, params: Mapping[str, str]) -> Answer:
        if path == "trade/fills":
            older = [row for row in kept if int(row["billId"]) < int(params.get("after", "999"))]
            return ok(*older[: int(params["limit"])])
        return ok(whole) if path == "trade/order" else ok({"ts": str(NOW)})

    told = on(Venue(answers), lambda broker, _: broker.trades(STOP.order_id, SWAP))
    assert [one.fill.trade_id for one in told] == [str(n) for n in range(1, 251)]


# Orders that should not be open (P21)


def an_algo(**changes: Any) -> dict[str, Any]:
    """A stop that waits."""
    return a_stop(0, **{"state": "live", "ordId": "", "ordIdList": [], **changes})


@pytest.mark.parametrize(
    ("path", "row", "status"),
    [
        ("trade/orders-pending", PLAIN, OrderStatus.ACCEPTED),
        ("trade/orders-pending", {**PLAIN, "algoId": "7"}, OrderStatus.TRIGGERED),  # a child
        ("trade/orders-algo-pending", an_algo(), OrderStatus.ACCEPTED),
        ("trade/orders-algo-pending", an_algo(state="pause"), OrderStatus.ACCEPTED),
    ],
)
def test_p21_an_order_that_an_earlier_process_sent_and_that_lives_is_told(
    path: str, row: Any, status: OrderStatus
) -> None:
    def answers(asked: str, params: Mapping[str, str]) -> Answer:
        if asked == "public/time":
            return ok({"ts": str(NOW)})
        fits = asked == path and params.get("ordType", "conditional") == "conditional"
        return ok(row) if fits else ok()

    async def work(broker: OkxBroker, told: list[Event]) -> None:
        assert await checked(broker) is None
        (seen,) = told
        assert isinstance(seen, OrderSeen)
        assert (seen.order_id, seen.status) == (STOP.order_id, status)
        assert seen.asked_ms is not None  # an answer, not an old push
        assert await checked(broker) is None
        assert len(told) == 1  # a minute later again, not with each check

    on(Venue(answers), work)


def test_an_order_that_is_known_to_be_open_is_not_told_as_one_that_should_not_be() -> None:
    venue = Venue({"trade/order": ok(PLAIN), "trade/orders-pending": ok(PLAIN)})

    async def work(broker: OkxBroker, told: list[Event]) -> None:
        assert await checked(broker, **{str(STOP.order_id): SWAP}) is None
        assert len(told) == 1  # by its look-up
        assert not any(isinstance(one, ModeChanged) for one in told)

    on(venue, work)
