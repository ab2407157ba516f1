"""The broker of OKX on a simulated exchange: what is pushed, what is lost, what is found again."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Any

import pytest
from tests.builders.engines import Desk as Books
from tests.builders.okx_orders import (
    BTC,
    KEYS,
    MAIN,
    SWAP,
    Desk,
    a_bracket,
    a_desk,
    an_order,
    approved,
    settings,
    soon,
)

from algotrader.core.errors import RunError
from algotrader.core.events import (
    FundingPaid,
    HeartbeatMissed,
    ImpossibleReply,
    Liquidated,
    ModeChanged,
    OrderAccepted,
    OrderAmended,
    OrderAmendRefused,
    OrderCancelled,
    OrderCancelRefused,
    OrderFilled,
    OrderNotFound,
    OrderRejected,
    OrderSeen,
    OrderSubmitted,
    OrderUnknown,
    StopTriggered,
    TradingMode,
)
from algotrader.core.orders import Order, OrderStatus, Purpose, Side
from algotrader.core.ports import Severity, SystemClock
from algotrader.engine.commands import Alert
from algotrader.execution.adapters.okx.broker import OkxBroker
from algotrader.execution.adapters.okx.client import OkxClient
from algotrader.execution.adapters.okx.requests import order_call
from algotrader.execution.broker import BrokerUnavailableError
from algotrader.execution.order_life import LiveOrder, OrderEvent
from algotrader.ops.other_runs import refuse_other_runs
from algotrader.simulator.okx.faults import FaultKind
from algotrader.simulator.okx.listings import usual_instrument
from algotrader.simulator.okx.records import UNFILLED_KEPT_MS

pytest.importorskip("ccxt", reason="not run: ccxt is not installed")


def on_a_desk(work: Callable[[Desk], Awaitable[None]], **chosen: Any) -> None:
    listens = chosen.pop("listens", True)

    async def run() -> None:
        async with a_desk(settings(**chosen), listens=listens) as desk:
            await work(desk)

    asyncio.run(run())


async def place(desk: Desk, order: Order) -> OrderAccepted:
    answer = await desk.broker.submit(approved(order), soon())
    assert isinstance(answer, OrderAccepted), answer
    return answer


async def seen(desk: Desk, order: Order) -> OrderSeen:
    answer = await desk.broker.look_up(order.order_id, order.instrument)
    assert isinstance(answer, OrderSeen), answer
    return answer


def life(desk: Desk, order: Order) -> LiveOrder:
    """The order as the engine would see it, from all that was told of it."""
    now: dict[str, Any] = {"ts_event": 1, "ts_known": 1}
    live = LiveOrder.submitted(
        OrderSubmitted(**now, order=order, gate_sequence=1, state_hash="0", deadline_ms=5_000)
    )
    for event in desk.told:
        of_it = event.fill if isinstance(event, OrderFilled) else event
        if isinstance(event, OrderEvent) and getattr(of_it, "order_id", None) == order.order_id:
            live = live.hear(event)
    return live


def test_fills_of_an_order_are_pushed_with_the_fee_that_was_taken() -> None:
    async def work(desk: Desk) -> None:
        order = an_order("0.1")
        await place(desk, order)
        await desk.until(lambda: bool(desk.filled(order)))
        (fill,) = {event.fill.trade_id: event.fill for event in desk.of(OrderFilled)}.values()
        listed = await desk.broker.trades(order.order_id, BTC)
        assert [one.fill for one in listed] == [fill]
        assert (fill.quantity, fill.fee_currency) == (Decimal("0.1"), "BTC")
        assert fill.fee == Decimal("0.1") * Decimal("0.001")
        await desk.until(lambda: life(desk, order).status is OrderStatus.FILLED)

    on_a_desk(work)


def test_f18_fills_whose_pushes_are_lost_are_found_by_the_check() -> None:
    async def work(desk: Desk) -> None:
        desk.fault(FaultKind.LOSE_PUSH, where="push orders")
        order = an_order("0.1")
        await place(desk, order)
        await desk.until(lambda: life(desk, order).status is OrderStatus.FILLED)
        assert list(desk.filled(order).values()) == [Decimal("0.1")]

    on_a_desk(work, news={"check_s": 0.3})


@pytest.mark.parametrize("kind", [FaultKind.DUPLICATE_PUSH, FaultKind.REORDER_PUSH])
def test_f16_f17_pushes_twice_and_out_of_order_end_in_the_same_books(kind: FaultKind) -> None:
    async def work(desk: Desk) -> None:
        desk.fault(kind, where="push *", delay_s=(0.0, 0.5))
        orders = [an_order("1", symbol=SWAP, number=n) for n in range(4)]
        for order in orders:
            await place(desk, order)
        for order in orders:
            await desk.until(lambda order=order: life(desk, order).is_final)
            assert sum(desk.filled(order).values()) == 1
        await asyncio.sleep(0.6)
        assert all(life(desk, order).status is OrderStatus.FILLED for order in orders)

    on_a_desk(work)


def test_f19_a_half_open_socket_is_found_replaced_and_made_up_for() -> None:
    async def work(desk: Desk) -> None:
        desk.fault(FaultKind.HALF_OPEN, where="connect private")
        order = an_order("0.1")
        await place(desk, order)
        await desk.until(lambda: bool(desk.of(HeartbeatMissed)))
        await desk.until(lambda: bool(desk.filled(order)))  # by REST, the stream being down
        missed = desk.of(HeartbeatMissed)
        assert [one.component for one in missed] == ["stream:OKX private of main"]
        desk.heal()
        await desk.until(lambda: len(desk.server.simulator.sessions) >= 2)
        await desk.until_open()
        later = an_order("0.1", number=1)
        await place(desk, later)
        await desk.until(lambda: bool(desk.filled(later)))

    on_a_desk(work)


def test_f21_refused_connects_are_told_once_and_end_in_a_stream() -> None:
    async def work(desk: Desk) -> None:
        desk.fault(FaultKind.CLOSE_SOCKET, where="connect *", times=2)
        desk.fault(FaultKind.REFUSE_CONNECT, where="connect private", times=3)
        await desk.until(lambda: not desk.server.simulator.sessions)
        order = an_order("0.1")
        await place(desk, order)
        await desk.until(lambda: bool(desk.filled(order)))
        await desk.until_open()
        told = sorted(one.component for one in desk.of(HeartbeatMissed))
        assert told == ["stream:OKX business of main", "stream:OKX private of main"]

    on_a_desk(work)


def test_f25_a_part_that_traded_is_booked_and_the_rest_can_be_ended() -> None:
    async def work(desk: Desk) -> None:
        order = an_order("0.1", limit=Decimal(20_000))
        await place(desk, order)
        desk.fault(FaultKind.PARTIAL_FILL, instrument="BTC-USDT", share=0.4)
        await desk.until(lambda: sum(desk.filled(order).values()) == Decimal("0.04"))
        assert life(desk, order).status is OrderStatus.PARTIALLY_FILLED
        assert life(desk, order).open_quantity == Decimal("0.06")
        assert await desk.broker.cancel(order.order_id, BTC) is None
        await desk.until(lambda: life(desk, order).status is OrderStatus.CANCELLED)
        assert life(desk, order).filled == Decimal("0.04")

    on_a_desk(work)


def test_f36_a_trade_by_hand_is_told_without_an_order_of_ours() -> None:
    async def work(desk: Desk) -> None:
        answer = await desk.broker._client.post(
            "trade/order",
            {"instId": "BTC-USDT", "tdMode": "cash", "side": "buy", "ordType": "market",
             "sz": "0.2", "tgtCcy": "base_ccy", "clOrdId": "byhand1"},
        )  # fmt: skip
        assert answer.row_code == "0"
        await desk.until(lambda: bool(desk.of(OrderFilled)))
        assert {(e.fill.order_id, e.fill.quantity) for e in desk.of(OrderFilled)} == {
            (None, Decimal("0.2"))
        }
        assert not desk.of(OrderSeen)

    on_a_desk(work)


def test_f65_an_order_of_another_run_halts_the_account() -> None:
    async def work(desk: Desk) -> None:
        foreign = an_order("0.1", limit=Decimal(20_000)).order_id.replace("at", "at", 1)
        other = "at" + ("aaaa" if foreign[2:6] != "aaaa" else "bbbb") + foreign[6:]
        await desk.broker._client.post(
            "trade/order",
            {"instId": "BTC-USDT", "tdMode": "cash", "side": "buy", "ordType": "limit",
             "px": "20000", "sz": "0.1", "clOrdId": other},
        )  # fmt: skip
        await desk.until(lambda: bool(desk.of(ModeChanged)))
        assert desk.of(ModeChanged)[0].mode is TradingMode.HALTED

    on_a_desk(work, news={"check_s": 0.2})


def test_f65_an_order_of_another_run_halts_the_account_as_soon_as_it_is_pushed() -> None:
    async def work(desk: Desk) -> None:
        ours = an_order("0.1").order_id
        other = "at" + ("aaaa" if ours[2:6] != "aaaa" else "bbbb") + ours[6:]
        await desk.broker._client.post(
            "trade/order",
            {"instId": "BTC-USDT", "tdMode": "cash", "side": "buy", "ordType": "market",
             "sz": "0.1", "tgtCcy": "base_ccy", "clOrdId": other},
        )  # fmt: skip
        await desk.until(lambda: bool(desk.of(ModeChanged)))
        assert desk.of(ModeChanged)[0].mode is TradingMode.HALTED

    on_a_desk(work, news={"check_s": 600.0})


def test_f65_orders_of_another_run_refuse_the_start() -> None:
    async def work(desk: Desk) -> None:
        ours = an_order("0.1").order_id
        tag = ours[2:6]
        await refuse_other_runs(desk.broker, tag)
        other = "at" + ("aaaa" if tag != "aaaa" else "bbbb") + ours[6:]
        await desk.broker._client.post(
            "trade/order",
            {"instId": "BTC-USDT", "tdMode": "cash", "side": "buy", "ordType": "limit",
             "px": "20000", "sz": "0.1", "clOrdId": other},
        )  # fmt: skip
        with pytest.raises(RunError, match="1 open orders on this account are of another run"):
            await refuse_other_runs(desk.broker, tag)

    on_a_desk(work)


def test_p21_an_order_that_lives_though_it_was_closed_here_is_told() -> None:
    async def work(desk: Desk) -> None:
        order = an_order("0.1", limit=Decimal(20_000))
        await place(desk, order)
        desk.broker._open.clear()  # as if it had been called absent
        await desk.until(lambda: bool(desk.of(OrderSeen)))
        found = desk.of(OrderSeen)[-1]
        assert (found.order_id, found.status) == (order.order_id, OrderStatus.ACCEPTED)

    on_a_desk(work, news={"check_s": 0.2})


def restarted(desk: Desk, **chosen: Any) -> tuple[OkxBroker, list[Any]]:
    """The broker of another process on the same account, and what it tells."""
    address = desk.broker._client.address
    broker = OkxBroker(MAIN, OkxClient(KEYS, address), SystemClock(), settings(**chosen))
    told: list[Any] = []
    broker._news._tell = lambda *events: told.extend(events)  # type: ignore[method-assign]
    return broker, told


def test_p21_a_stop_that_lives_though_the_journal_closed_it_is_told_after_a_restart() -> None:
    """It is told as impossible, to a person; it is not cancelled by itself."""

    async def work(desk: Desk) -> None:
        stop = an_order("2", symbol=SWAP, side=Side.SELL, stop=Decimal(20_000), reduce_only=True)
        await place(desk, stop)
        books = Books(instrument=usual_instrument(SWAP))
        now: dict[str, Any] = {"ts_event": 1, "ts_known": 1}
        names = {"account": MAIN, "order_id": stop.order_id, "instrument": SWAP}
        books.engine.apply(OrderSubmitted(
            **now, order=stop, gate_sequence=1, state_hash="0", deadline_ms=5_000,
        ))  # fmt: skip
        books.engine.apply(
            OrderCancelled(**now, **names, filled_quantity=Decimal(0), reason="as if")
        )
        broker, told = restarted(desk)
        try:
            await broker._news._check_all({})
            (seen,) = told
            assert (seen.order_id, seen.status) == (stop.order_id, OrderStatus.ACCEPTED)
            done = books.tell(seen)
            (reply,) = [one for one in books.events if isinstance(one, ImpossibleReply)]
            assert (reply.status, reply.told) == (OrderStatus.CANCELLED, OrderStatus.ACCEPTED)
            (alert,) = done  # and nothing that would cancel it
            assert isinstance(alert, Alert)
            assert alert.severity is Severity.CRITICAL
            await broker.cancel(stop.order_id, SWAP)  # as a person may
            assert await broker.open_orders() == []
        finally:
            await broker.close()

    on_a_desk(work, listens=False)


def test_trades_and_funding_of_a_long_absence_are_found_where_they_are_kept() -> None:
    """Of ten days: the quick lists show trades of three and funding of seven."""

    async def run() -> None:
        async with a_desk(settings(), listens=False, history_bars=60) as desk:
            since_ms = await desk.broker._questions.now_ms()
            orders = [an_order("10", symbol=SWAP), an_order("0.1", number=1)]
            for order in orders:
                await place(desk, order)
            await desk.move(10 * 86_400_000)
            assert not await desk.broker._questions.rows("trade/fills", {})
            broker, told = restarted(desk, trades_since_ms=since_ms, books_since_ms=since_ms)
            try:
                await broker._news._check_all({})
            finally:
                await broker.close()
            fills = {
                one.fill.order_id: one.fill.quantity for one in told if isinstance(one, OrderFilled)
            }
            assert fills == {orders[0].order_id: 10, orders[1].order_id: Decimal("0.1")}
            paid = {one.settlement_id: one for one in told if isinstance(one, FundingPaid)}
            listed = await desk.broker._questions.rows("account/bills-archive", {"type": "8"})
            assert set(paid) == {row["billId"] for row in listed}
            assert len(paid) > 27  # nine days of three each, and more
            assert {one.amount < 0 for one in paid.values()} == {True}
            # Each with the rate of its own time, so each says that the account was long.
            assert {one.quantity for one in paid.values()} == {10}

    asyncio.run(run())


def test_what_the_books_began_with_is_not_booked_again_after_a_restart() -> None:
    async def work(desk: Desk) -> None:
        await place(desk, an_order("0.1"))  # of before
        await desk.move(10_000)
        begun_ms = await desk.broker._questions.now_ms()
        await desk.move(10_000)
        await place(desk, an_order("0.2", number=1))
        await desk.move(10_000)
        decided_ms = await desk.broker._questions.now_ms()  # the fill of 0.2 was not booked by then
        for chosen, found in (
            ({"trades_since_ms": decided_ms, "books_since_ms": begun_ms}, ["0.2"]),
            ({"trades_since_ms": decided_ms, "books_since_ms": decided_ms}, []),
        ):  # fmt: skip
            broker, told = restarted(desk, **chosen)
            await broker._news._check_all({})
            await broker.close()
            assert [str(e.fill.quantity) for e in told if isinstance(e, OrderFilled)] == found

    on_a_desk(work, listens=False)


def test_f33_a_liquidation_is_told_as_one_with_its_fee() -> None:
    async def work(desk: Desk) -> None:
        await place(desk, an_order("10", symbol=SWAP))
        desk.fault(FaultKind.LIQUIDATE, instrument="BTC-USDT-SWAP")
        await desk.until(lambda: bool(desk.of(Liquidated)))
        (told,) = {event.trade_id: event for event in desk.of(Liquidated)}.values()
        assert (told.instrument, told.quantity) == (SWAP, Decimal(-10))
        assert (await desk.broker.positions([SWAP]))[SWAP] == 0

    on_a_desk(work)


# Algo orders


@pytest.mark.parametrize("margin_mode", ["cross", "isolated"])
def test_orders_and_stops_are_of_the_margin_mode_of_their_account(margin_mode: str) -> None:
    async def work(desk: Desk) -> None:
        await place(desk, an_order("2", symbol=SWAP))
        stop = an_order("2", symbol=SWAP, side=Side.SELL, number=1, stop=Decimal(29_980),
                        reduce_only=True, purpose=Purpose.STOP_LOSS)  # fmt: skip
        await place(desk, stop)
        venue = desk.server.simulator.api.desk.venue
        (held,) = venue.wallet.open_positions()
        assert held.key.mode == margin_mode
        assert (await desk.broker.positions([SWAP]))[SWAP] == 2
        await desk.move(60_000)
        await desk.until(lambda: life(desk, stop).is_final)
        assert {order.asked.mode for order in venue.records.orders.values()} == {margin_mode}
        assert (await desk.broker.positions([SWAP]))[SWAP] == 0

    on_a_desk(work, margin_mode=margin_mode)


def test_f84_a_stop_that_triggers_is_told_and_its_childs_fills_are_its_own() -> None:
    async def work(desk: Desk) -> None:
        await place(desk, an_order("2", symbol=SWAP))
        stop = an_order("2", symbol=SWAP, side=Side.SELL, number=1, stop=Decimal(29_980),
                        reduce_only=True, purpose=Purpose.STOP_LOSS)  # fmt: skip
        await place(desk, stop)
        assert (await seen(desk, stop)).status is OrderStatus.ACCEPTED
        await desk.move(60_000)
        await desk.until(lambda: life(desk, stop).is_final)
        assert life(desk, stop).status is OrderStatus.FILLED
        triggered = desk.of(StopTriggered)[0]
        assert (triggered.order_id, triggered.trigger_price) == (stop.order_id, Decimal(29_980))
        assert sum(desk.filled(stop).values()) == 2
        assert (await desk.broker.positions([SWAP]))[SWAP] == 0

    on_a_desk(work)


def test_the_end_of_a_trailing_stop_is_pushed_by_the_channel_of_its_kind() -> None:
    """OKX tells trailing stops by `algo-advance`, every other stop by `orders-algo`."""

    async def work(desk: Desk) -> None:
        await place(desk, an_order("2", symbol=SWAP))
        stop = an_order("1", symbol=SWAP, side=Side.SELL, number=1, trail=Decimal("0.05"),
                        reduce_only=True)  # fmt: skip
        told = await place(desk, stop)
        await desk.broker._client.post(  # as a person by the venue's own page: nobody asks here
            "trade/cancel-algos", [{"instId": "BTC-USDT-SWAP", "algoId": told.venue_order_id}]
        )
        await desk.until(lambda: life(desk, stop).is_final)
        last = [one for one in desk.of(OrderSeen) if one.order_id == stop.order_id][-1]
        assert (last.status, last.asked_ms) == (OrderStatus.CANCELLED, None)

    on_a_desk(work)


def test_f84_a_stop_that_triggered_while_we_were_away_is_found_by_its_own_id() -> None:
    async def work(desk: Desk) -> None:
        await place(desk, an_order("2", symbol=SWAP))
        stop = an_order("2", symbol=SWAP, side=Side.SELL, number=1, stop=Decimal(29_980),
                        reduce_only=True)  # fmt: skip
        await place(desk, stop)
        await desk.move(60_000)
        found = await seen(desk, stop)
        assert (found.status, found.filled_quantity) == (OrderStatus.FILLED, Decimal(2))
        fills = await desk.broker.trades(stop.order_id, SWAP)
        assert [(e.fill.order_id, e.fill.quantity) for e in fills] == [(stop.order_id, Decimal(2))]

    on_a_desk(work, listens=False)


@pytest.mark.parametrize("is_pair", [False, True])
def test_a_target_whose_child_was_ended_unfilled_is_over_when_the_venue_has_forgotten_it(
    is_pair: bool,
) -> None:
    async def work(desk: Desk) -> None:
        await place(desk, an_order("1", symbol=SWAP))
        await desk.move(60_000)
        target = an_order("1", symbol=SWAP, side=Side.SELL, number=2, purpose=Purpose.TAKE_PROFIT,
                          stop=Decimal(30_010), limit=Decimal(30_500), reduce_only=True)  # fmt: skip
        call = order_call(target, "cross")
        if is_pair:
            call.body.update(ordType="oco", slTriggerPx="29000", slOrdPx="-1")
        await desk.broker._client.post(call.path, call.body)
        await desk.move(5 * 60_000)
        assert (await seen(desk, target)).status is OrderStatus.TRIGGERED
        await desk.broker.cancel(target.order_id, SWAP)
        assert (await seen(desk, target)).status is OrderStatus.CANCELLED
        found = await desk.broker._questions.find(target.order_id, SWAP)
        assert found is not None
        assert found.child is not None
        await desk.move(UNFILLED_KEPT_MS + 60_000)  # the trader is started again two hours later
        assert await desk.broker._questions.order(str(found.child["ordId"]), SWAP) is None
        over = await seen(desk, target)
        assert (over.status, over.filled_quantity) == (OrderStatus.CANCELLED, 0)
        assert await desk.broker.trades(target.order_id, SWAP) == ()

    on_a_desk(work, listens=False)


def test_a_target_whose_child_traded_in_part_is_told_with_that_part_long_after_it_ended() -> None:
    async def work(desk: Desk) -> None:
        await place(desk, an_order("2", symbol=SWAP))
        await desk.move(60_000)
        target = an_order("2", symbol=SWAP, side=Side.SELL, number=2, purpose=Purpose.TAKE_PROFIT,
                          stop=Decimal(30_010), limit=Decimal(30_500), reduce_only=True)  # fmt: skip
        await place(desk, target)
        await desk.move(5 * 60_000)
        desk.fault(FaultKind.PARTIAL_FILL, share=0.5, instrument="BTC-USDT-SWAP")
        await desk.move(60_000)
        await desk.broker.cancel(target.order_id, SWAP)
        await desk.move(4 * 86_400_000)
        over = await seen(desk, target)
        assert (over.status, over.filled_quantity) == (OrderStatus.CANCELLED, 1)
        listed = await desk.broker.trades(target.order_id, SWAP)
        assert [one.fill.quantity for one in listed] == [1]

    on_a_desk(work, listens=False)


def test_fills_of_a_stop_are_attributed_by_the_check_alone() -> None:
    async def work(desk: Desk) -> None:
        desk.fault(FaultKind.LOSE_PUSH, where="push orders*")
        await place(desk, an_order("2", symbol=SWAP))
        stop = an_order("2", symbol=SWAP, side=Side.SELL, number=1, stop=Decimal(29_980),
                        reduce_only=True)  # fmt: skip
        await place(desk, stop)
        await desk.move(60_000)
        await desk.until(lambda: life(desk, stop).is_final)
        assert sum(desk.filled(stop).values()) == 2
        assert all(event.fill.order_id is not None for event in desk.of(OrderFilled))

    on_a_desk(work, news={"check_s": 0.2})


@pytest.mark.parametrize(
    ("symbol", "terms"),
    [
        (SWAP, {"trail": Decimal("0.0005"), "reduce_only": True}),
        (SWAP, {"stop": Decimal(29_985), "limit": Decimal(29_980), "reduce_only": True}),
        (BTC, {"stop": Decimal(29_980)}),
        (BTC, {"stop": Decimal(30_010), "purpose": Purpose.TAKE_PROFIT}),
    ],
    ids=["trailing", "stop-limit", "spot stop", "take profit"],
)
def test_algo_orders_of_each_kind_trigger_and_fill(symbol: Any, terms: dict[str, Any]) -> None:
    async def work(desk: Desk) -> None:
        await place(desk, an_order("2", symbol=symbol))
        exit_ = an_order("1", symbol=symbol, side=Side.SELL, number=1, **terms)
        await place(desk, exit_)
        for _ in range(6):
            await desk.move(30_000)
        await desk.until(lambda: life(desk, exit_).is_final)
        assert life(desk, exit_).status is OrderStatus.FILLED
        assert sum(desk.filled(exit_).values()) == 1

    on_a_desk(work)


def test_a_stop_that_may_open_a_position_waits_as_a_trigger_order() -> None:
    async def work(desk: Desk) -> None:
        entry = an_order("1", symbol=SWAP, stop=Decimal(30_010))
        await place(desk, entry)
        for _ in range(4):
            await desk.move(30_000)
        await desk.until(lambda: life(desk, entry).is_final)
        assert (await desk.broker.positions([SWAP]))[SWAP] == 1

    on_a_desk(work)


def test_of_a_pair_one_leg_ends_the_other_and_the_coins_are_frozen_once() -> None:
    async def work(desk: Desk) -> None:
        await place(desk, an_order("2"))
        stop = a_bracket("2", stop=Decimal(29_000), target=Decimal(30_010))
        answer = await desk.broker.submit(approved(stop), soon())
        assert isinstance(answer, OrderAccepted)
        for _ in range(4):
            await desk.move(30_000)
        await desk.until(lambda: life(desk, stop).is_final)
        assert sum(desk.filled(stop).values()) == 2
        assert not await desk.broker.open_orders()

    on_a_desk(work)


def test_a_bracket_is_changed_in_both_levels_and_its_size() -> None:
    async def work(desk: Desk) -> None:
        await place(desk, an_order("2"))
        bracket = a_bracket("1", stop=Decimal(29_000), target=Decimal(31_000))
        await desk.broker.submit(approved(bracket), soon())
        answer = await desk.broker.amend(
            bracket.order_id, BTC, quantity=Decimal(2), limit=Decimal(31_500), stop=Decimal(29_500)
        )
        assert isinstance(answer, OrderAmended)
        assert (answer.quantity, answer.limit, answer.stop) == (2, 31_500, 29_500)

    on_a_desk(work)


def test_orders_and_stops_are_amended_and_cancelled_by_our_id() -> None:
    async def work(desk: Desk) -> None:
        resting = an_order("1", limit=Decimal(29_000))
        await place(desk, resting)
        amended = await desk.broker.amend(
            resting.order_id, BTC, quantity=Decimal(2), limit=Decimal(29_100), stop=None
        )
        assert isinstance(amended, OrderAmended)
        assert (amended.quantity, amended.limit) == (2, 29_100)
        assert (await seen(desk, resting)).status is OrderStatus.ACCEPTED
        stop = an_order("1", side=Side.SELL, number=1, stop=Decimal(29_000))
        await place(desk, stop)
        new = {"quantity": Decimal(1), "limit": None, "stop": Decimal(29_500)}
        moved = await desk.broker.amend(stop.order_id, BTC, **new)
        assert isinstance(moved, OrderAmended)
        assert moved.stop == 29_500
        assert await desk.broker.cancel(stop.order_id, BTC) is None
        assert (await seen(desk, stop)).status is OrderStatus.CANCELLED
        refused = await desk.broker.cancel(stop.order_id, BTC)
        assert isinstance(refused, OrderCancelRefused)
        over = await desk.broker.amend(stop.order_id, BTC, **new)
        assert isinstance(over, OrderAmendRefused)

    on_a_desk(work)


def test_cancel_all_takes_ours_and_leaves_the_others() -> None:
    async def work(desk: Desk) -> None:
        await place(desk, an_order("1", limit=Decimal(29_000)))
        await place(desk, an_order("1", number=1, side=Side.SELL, stop=Decimal(29_000)))
        await place(desk, an_order("1", symbol=SWAP, number=2, limit=Decimal(29_000)))
        await desk.broker._client.post(
            "trade/order",
            {"instId": "BTC-USDT", "tdMode": "cash", "side": "buy", "ordType": "limit",
             "px": "20000", "sz": "0.1", "clOrdId": "byhand1"},
        )  # fmt: skip
        assert await desk.broker.cancel_all([SWAP]) == 1
        assert await desk.broker.cancel_all() == 2
        assert [row["clOrdId"] for row in await desk.broker.open_orders()] == ["byhand1"]

    on_a_desk(work, listens=False)


# Answers


def test_f24_a_rate_limit_is_sat_out_and_the_same_order_sent_again() -> None:
    async def work(desk: Desk) -> None:
        desk.fault(FaultKind.RATE_LIMIT, where="POST trade/order", times=1)
        order = an_order("0.1")
        await place(desk, order)
        records = desk.server.simulator.api.desk.exchange.venue.records
        assert len(records.orders) == 1

    on_a_desk(work, listens=False)


@pytest.mark.parametrize("kind", [FaultKind.RATE_LIMIT, FaultKind.ORDER_RATE_LIMIT])
def test_f24_a_cancel_that_is_too_often_is_asked_for_again(kind: FaultKind) -> None:
    async def work(desk: Desk) -> None:
        order = an_order("0.1", limit=Decimal(29_000))
        await place(desk, order)
        desk.fault(kind, where="POST trade/cancel-order", times=2)
        assert await desk.broker.cancel(order.order_id, BTC) is None
        assert (await seen(desk, order)).status is OrderStatus.CANCELLED

    on_a_desk(work, listens=False)


@pytest.mark.parametrize("code", ["50001", "50004", "50013", "59999", "12345"])
def test_a_cancel_of_which_nothing_is_known_is_not_called_refused(code: str) -> None:
    async def work(desk: Desk) -> None:
        order = an_order("0.1", limit=Decimal(29_000))
        await place(desk, order)
        desk.fault(FaultKind.REFUSE, where="POST trade/*", code=code, times=1)
        answer = await desk.broker.cancel(order.order_id, BTC)
        assert isinstance(answer, OrderCancelRefused) is code.startswith("59")

    on_a_desk(work, listens=False)


def test_f30_a_clock_that_is_off_is_set_once_and_the_order_goes_out() -> None:
    async def work(desk: Desk) -> None:
        desk.fault(FaultKind.CLOCK_SKEW, offset_ms=90_000)
        await place(desk, an_order("0.1"))

    on_a_desk(work, listens=False)


@pytest.mark.parametrize(
    "kind", [FaultKind.HTML, FaultKind.EMPTY_BODY, FaultKind.NULL_DATA, FaultKind.EMPTY_LIST,
             FaultKind.DROP_AFTER, FaultKind.MAINTENANCE],
)  # fmt: skip
def test_f37_an_answer_that_says_nothing_is_unknown_and_looked_up(kind: FaultKind) -> None:
    async def work(desk: Desk) -> None:
        where, more = "POST trade/order", {"times": 1}
        desk.fault(kind, where=where, **more)
        order = an_order("0.1")
        answer = await desk.broker.submit(approved(order), soon())
        assert isinstance(answer, OrderUnknown)
        desk.heal()
        found = await desk.broker.look_up(order.order_id, BTC)
        acted = kind is not FaultKind.MAINTENANCE
        assert isinstance(found, OrderSeen if acted else OrderNotFound)

    on_a_desk(work, listens=False)


def test_f29_in_maintenance_orders_are_probes_and_the_others_are_not_sent() -> None:
    async def work(desk: Desk) -> None:
        desk.fault(FaultKind.MAINTENANCE, where="POST trade/*", times=1)
        first = await desk.broker.submit(approved(an_order("0.1")), soon())
        assert isinstance(first, OrderUnknown)
        second = await desk.broker.submit(approved(an_order("0.1", number=1)), soon())
        assert isinstance(second, OrderRejected)
        assert second.code == "50001"
        desk.broker._closed_until_s = -1.0  # half a minute later
        await place(desk, an_order("0.1", number=2))

    on_a_desk(work, listens=False)


def test_f22_a_venue_that_cannot_be_reached_is_told_and_waited_for() -> None:
    async def run() -> None:
        client = OkxClient(KEYS, base_url="http://127.0.0.1:9")
        broker = OkxBroker(MAIN, client, SystemClock(), settings())
        told = []
        async with asyncio.timeout(20):
            async for event in broker.news():
                told.append(event)
                if len(told) == 2:
                    break
        order = an_order("0.1")
        assert isinstance(await broker.submit(approved(order), soon()), OrderUnknown)
        with pytest.raises(BrokerUnavailableError):
            await broker.look_up(order.order_id, BTC)
        await broker.close()
        assert sorted(event.component for event in told if isinstance(event, HeartbeatMissed)) == [
            "stream:OKX business of main", "stream:OKX private of main",
        ]  # fmt: skip

    asyncio.run(run())


def test_f26_a_refusal_is_told_with_the_venues_code_and_rights_lost_halt() -> None:
    async def work(desk: Desk) -> None:
        poor = await desk.broker.submit(approved(an_order("1000")), soon())
        assert isinstance(poor, OrderRejected)
        assert poor.code == "51008"
        assert not desk.of(ModeChanged)
        desk.fault(FaultKind.REFUSE, where="POST trade/order", code="50113", times=1)
        refused = await desk.broker.submit(approved(an_order("0.1", number=1)), soon())
        assert isinstance(refused, OrderRejected)
        await desk.until(lambda: bool(desk.of(ModeChanged)))
        assert desk.of(ModeChanged)[0].mode is TradingMode.HALTED

    on_a_desk(work)


def test_f34_a_second_order_of_an_id_is_unknown_until_it_is_looked_up() -> None:
    async def work(desk: Desk) -> None:
        order = an_order("0.1", limit=Decimal(29_000))
        await place(desk, order)
        again = await desk.broker.submit(approved(order), soon())
        assert isinstance(again, OrderUnknown)

    on_a_desk(work, listens=False)


def test_f35_an_older_order_of_the_same_id_is_not_taken_for_the_new_one() -> None:
    async def work(desk: Desk) -> None:
        order = an_order("0.1")
        await place(desk, order)  # done; OKX lets its id be used again
        await asyncio.sleep(2)  # longer than the clocks may be apart
        desk.fault(FaultKind.DROP_BEFORE, where="POST trade/order", times=1)
        assert isinstance(await desk.broker.submit(approved(order), soon()), OrderUnknown)
        assert isinstance(await desk.broker.look_up(order.order_id, BTC), OrderNotFound)

    async def run() -> None:
        # A busy machine misjudges the venue's clock by some tenths of a second.
        async with a_desk(settings(skew_ms=1_000), listens=False, speed=1.0) as desk:
            await work(desk)

    asyncio.run(run())


def test_funding_is_told_as_it_was_charged() -> None:
    async def run() -> None:
        chosen = settings(news={"check_s": 0.2})
        async with a_desk(chosen, history_bars=60) as desk:  # it settles half an hour later
            await place(desk, an_order("10", symbol=SWAP))
            await desk.until(lambda: bool(desk.of(OrderFilled)))
            await desk.move(31 * 60_000)
            await desk.until(lambda: bool(desk.of(FundingPaid)))
        told = {event.settlement_id: event for event in desk.of(FundingPaid)}
        (paid,) = told.values()
        # 10 contracts of 0.01 BTC at 30,000 and a rate of 0.0001: a long pays 0.3
        assert (paid.amount, paid.rate, paid.quantity) == (
            Decimal("-0.3"), Decimal("0.0001"), Decimal(10),
        )  # fmt: skip

    asyncio.run(run())


def test_f09_a_part_of_the_news_that_dies_is_started_again_and_three_times_stop_new_risk() -> None:
    async def work(desk: Desk) -> None:
        news = desk.broker._news
        whole, left = news._take, [3]

        def fails(access: str, heard: Any) -> None:
            if access == "private" and left[0]:
                left[0] -= 1
                raise RuntimeError("planted")
            whole(access, heard)

        news._take = fails  # type: ignore[method-assign]
        order = an_order("0.1")
        await place(desk, order)
        await desk.until(lambda: bool(desk.filled(order)))  # the check stands in
        await desk.until(lambda: bool(desk.of(ModeChanged)))
        assert desk.of(ModeChanged)[0].mode is TradingMode.REDUCE_ONLY
        await desk.until(lambda: not left[0] and not news._down)

    on_a_desk(work)
