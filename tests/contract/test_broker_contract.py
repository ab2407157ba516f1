"""What every broker keeps to, whatever venue is behind it: the port's promises, one test each.

Run over the paper venue, over OKX's adapter on the simulated exchange, and over Binance's and
Bybit's with ccxt's real client on answers in the forms that they document. An adapter that is not
in `tests/builders/brokers.py` has proved none of this.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Any

import pytest
from tests.builders.brokers import BROKERS, Stage
from tests.builders.okx_orders import a_bracket, an_order, approved

from algotrader.core.events import (
    OrderAccepted,
    OrderAmended,
    OrderAmendRefused,
    OrderCancelRefused,
    OrderFilled,
    OrderNotFound,
    OrderRejected,
    OrderSeen,
    OrderSubmitted,
    OrderUnknown,
)
from algotrader.core.instants import utc_ms
from algotrader.core.orders import Order, OrderStatus, Side
from algotrader.execution.broker import BrokerUnavailableError
from algotrader.execution.order_life import LiveOrder, OrderEvent

Work = Callable[[Stage], Awaitable[None]]
FAR = Decimal(20_000)  # a limit that nothing reaches


@pytest.fixture(params=sorted(BROKERS))
def run(request: pytest.FixtureRequest) -> Callable[[Work], None]:
    """Runs a test's coroutine on each broker."""
    if request.param != "paper":
        pytest.importorskip("ccxt", reason="not run: ccxt is not installed")

    async def staged(work: Work) -> None:
        async with BROKERS[request.param]() as stage:
            await work(stage)

    return lambda work: asyncio.run(staged(work))


Run = Callable[[Work], None]


def order_of(stage: Stage, quantity: str, **terms: Any) -> Order:
    return an_order(quantity, symbol=stage.pair, **terms)


async def submit(stage: Stage, order: Order) -> Any:
    deadline = utc_ms(stage.clock.now()) + 5_000
    return await stage.broker.submit(approved(order), deadline)


async def place(stage: Stage, order: Order) -> OrderAccepted:
    answer = await submit(stage, order)
    assert isinstance(answer, OrderAccepted), answer
    return answer


async def seen(stage: Stage, order: Order) -> OrderSeen:
    answer = await stage.broker.look_up(order.order_id, order.instrument)
    assert isinstance(answer, OrderSeen), answer
    return answer


async def fill(stage: Stage, order: Order) -> OrderSeen:
    """Place a market order and let it fill."""
    await place(stage, order)
    for _ in range(5):
        await stage.pass_()
        found = await seen(stage, order)
        if found.status.is_final:
            return found
    raise AssertionError(f"{found.status} after five waits")


def own_fills(stage: Stage, order: Order) -> dict[str, OrderFilled]:
    told = (event for event in stage.told if isinstance(event, OrderFilled))
    return {one.fill.trade_id: one for one in told if one.fill.order_id == order.order_id}


def test_an_accepted_order_names_the_venues_id_and_is_found_by_ours(run: Run) -> None:
    async def work(stage: Stage) -> None:
        order = order_of(stage, "0.5", limit=FAR)
        answer = await place(stage, order)
        assert answer.venue_order_id
        assert (answer.account, answer.order_id, answer.instrument) == (
            order.account, order.order_id, order.instrument,
        )  # fmt: skip
        found = await seen(stage, order)
        assert found.venue_order_id == answer.venue_order_id
        assert (found.status, found.filled_quantity) == (OrderStatus.ACCEPTED, 0)

    run(work)


def test_an_order_that_was_never_sent_is_not_found_and_has_no_trades(run: Run) -> None:
    async def work(stage: Stage) -> None:
        order = order_of(stage, "0.5")
        before_ms = utc_ms(stage.clock.now())
        answer = await stage.broker.look_up(order.order_id, stage.pair)
        assert isinstance(answer, OrderNotFound)
        assert before_ms <= answer.asked_ms <= utc_ms(stage.clock.now())  # when it was asked
        assert list(await stage.broker.trades(order.order_id, stage.pair)) == []

    run(work)


def test_what_is_asked_is_stamped_with_when_the_question_left(run: Run) -> None:
    async def work(stage: Stage) -> None:
        order = order_of(stage, "0.5", limit=FAR)
        await place(stage, order)
        before_ms = utc_ms(stage.clock.now())
        found = await seen(stage, order)
        assert found.asked_ms is not None
        assert before_ms <= found.asked_ms <= found.ts_known

    run(work)


def test_trades_add_up_to_what_the_venue_calls_filled(run: Run) -> None:
    async def work(stage: Stage) -> None:
        order = order_of(stage, "0.5")
        found = await fill(stage, order)
        trades = await stage.broker.trades(order.order_id, stage.pair)
        assert (found.status, found.filled_quantity) == (OrderStatus.FILLED, Decimal("0.5"))
        assert sum(one.fill.quantity for one in trades) == Decimal("0.5")
        for one in trades:
            assert (one.fill.order_id, one.fill.account, one.fill.instrument, one.fill.side) == (
                order.order_id, order.account, order.instrument, Side.BUY,
            )  # fmt: skip

    run(work)


def test_fills_are_told_under_the_ids_that_the_trade_list_has(run: Run) -> None:
    async def work(stage: Stage) -> None:
        order = order_of(stage, "0.5")
        await fill(stage, order)
        listed = await stage.broker.trades(order.order_id, stage.pair)
        again = await stage.broker.trades(order.order_id, stage.pair)
        assert [one.fill for one in listed] == [one.fill for one in again]
        told = own_fills(stage, order)
        assert {one.fill.trade_id: one.fill for one in listed} == {
            name: event.fill for name, event in told.items()
        }

    run(work)


def test_promise_2_fees_are_positive_where_they_are_paid_and_name_their_currency(run: Run) -> None:
    async def work(stage: Stage) -> None:
        bought, sold = order_of(stage, "0.5"), order_of(stage, "0.25", side=Side.SELL, number=1)
        await fill(stage, bought)
        await fill(stage, sold)
        (buy,) = await stage.broker.trades(bought.order_id, stage.pair)
        (sale,) = await stage.broker.trades(sold.order_id, stage.pair)
        in_coin = stage.buys_pay_in_coin
        paid = (buy.fill.fee_currency, sale.fill.fee_currency)
        assert paid == ("BTC" if in_coin else "USDT", "USDT")
        of_buy = buy.fill.quantity if in_coin else buy.fill.value
        assert buy.fill.fee == pytest.approx(of_buy * stage.fee_rate)
        assert sale.fill.fee == pytest.approx(sale.fill.value * stage.fee_rate)

    run(work)


def test_positions_are_what_the_trades_say_less_the_fees_taken_in_coin(run: Run) -> None:
    async def work(stage: Stage) -> None:
        before = (await stage.broker.positions([stage.pair]))[stage.pair]
        order = order_of(stage, "0.5")
        await fill(stage, order)
        after = (await stage.broker.positions([stage.pair]))[stage.pair]
        taken = stage.fee_rate if stage.buys_pay_in_coin else Decimal(0)
        assert after - before == pytest.approx(Decimal("0.5") * (1 - taken))

    run(work)


def test_an_instrument_without_a_position_is_told_as_nothing_held(run: Run) -> None:
    async def work(stage: Stage) -> None:
        held = await stage.broker.positions([stage.pair])
        assert set(held) == {stage.pair}
        assert await stage.broker.positions([]) == {}

    run(work)


def test_an_id_is_never_two_orders(run: Run) -> None:
    async def work(stage: Stage) -> None:
        order = order_of(stage, "0.5", limit=FAR)
        first = await place(stage, order)
        again = await submit(stage, order)
        assert isinstance(again, OrderRejected | OrderUnknown)
        found = await seen(stage, order)
        assert (found.venue_order_id, found.status) == (
            first.venue_order_id, OrderStatus.ACCEPTED,
        )  # fmt: skip

    run(work)


def test_a_cancelled_order_is_over_and_a_second_cancel_changes_nothing(run: Run) -> None:
    async def work(stage: Stage) -> None:
        order = order_of(stage, "0.5", limit=FAR)
        await place(stage, order)
        await stage.broker.cancel(order.order_id, stage.pair)
        await stage.pass_()
        assert (await seen(stage, order)).status is OrderStatus.CANCELLED
        again = await stage.broker.cancel(order.order_id, stage.pair)
        assert again is None or isinstance(again, OrderSeen | OrderCancelRefused)
        found = await seen(stage, order)
        assert (found.status, found.filled_quantity) == (OrderStatus.CANCELLED, 0)

    run(work)


def test_f28_a_cancel_that_comes_too_late_leaves_the_order_filled(run: Run) -> None:
    async def work(stage: Stage) -> None:
        order = order_of(stage, "0.5")
        await fill(stage, order)
        await stage.broker.cancel(order.order_id, stage.pair)
        found = await seen(stage, order)
        assert (found.status, found.filled_quantity) == (OrderStatus.FILLED, Decimal("0.5"))

    run(work)


def test_a_cancel_of_an_order_nobody_knows_does_no_harm(run: Run) -> None:
    async def work(stage: Stage) -> None:
        order = order_of(stage, "0.5")
        answer = await stage.broker.cancel(order.order_id, stage.pair)
        assert answer is None or isinstance(answer, OrderSeen | OrderCancelRefused)
        assert isinstance(await stage.broker.look_up(order.order_id, stage.pair), OrderNotFound)

    run(work)


def test_an_order_is_amended_under_its_id_and_what_is_told_is_what_holds(run: Run) -> None:
    async def work(stage: Stage) -> None:
        order = order_of(stage, "0.5", limit=FAR)
        await place(stage, order)
        new = Decimal(19_000)
        answer = await stage.broker.amend(
            order.order_id, stage.pair, quantity=Decimal("0.25"), limit=new, stop=None
        )
        if "amend" in stage.unable:
            assert isinstance(answer, OrderAmendRefused)
            assert answer.code == "amend"  # said before it is asked for: cancel, and send anew
            return
        assert isinstance(answer, OrderAmended), answer
        assert (answer.quantity, answer.limit, answer.stop) == (Decimal("0.25"), new, None)
        found = await seen(stage, order)
        assert found.status is OrderStatus.ACCEPTED
        if stage.tells_terms:  # who never hears the answer learns it here
            assert (found.quantity, found.limit, found.stop) == (Decimal("0.25"), new, None)

    run(work)


def test_f27_what_is_over_is_not_amended(run: Run) -> None:
    async def work(stage: Stage) -> None:
        order = order_of(stage, "0.5")
        await fill(stage, order)
        answer = await stage.broker.amend(
            order.order_id, stage.pair, quantity=Decimal(1), limit=None, stop=None
        )
        assert isinstance(answer, OrderAmendRefused)
        found = await seen(stage, order)
        assert (found.status, found.filled_quantity) == (OrderStatus.FILLED, Decimal("0.5"))

    run(work)


def test_a_stop_rests_under_our_id_until_it_is_cancelled(run: Run) -> None:
    async def work(stage: Stage) -> None:
        await fill(stage, order_of(stage, "0.5"))
        stop = order_of(stage, "0.25", side=Side.SELL, number=1, stop=FAR)
        if "stop" in stage.unable:
            refused = await submit(stage, stop)
            assert isinstance(refused, OrderRejected)
            assert refused.code == "order_kind"
            return
        await place(stage, stop)
        await stage.pass_()
        assert (await seen(stage, stop)).status is OrderStatus.ACCEPTED
        assert list(await stage.broker.trades(stop.order_id, stage.pair)) == []
        await stage.broker.cancel(stop.order_id, stage.pair)
        await stage.pass_()
        assert (await seen(stage, stop)).status is OrderStatus.CANCELLED

    run(work)


def test_a_bracket_rests_as_one_order_or_is_refused_where_both_rest_apart(run: Run) -> None:
    async def work(stage: Stage) -> None:
        await fill(stage, order_of(stage, "0.5"))
        bracket = a_bracket("0.25", symbol=stage.pair, stop=FAR, target=FAR * 9)
        answer = await submit(stage, bracket)
        if isinstance(answer, OrderRejected):
            assert answer.code == "bracket"
            return
        await stage.pass_()
        assert (await seen(stage, bracket)).status is OrderStatus.ACCEPTED
        await stage.broker.cancel(bracket.order_id, stage.pair)
        await stage.pass_()
        assert (await seen(stage, bracket)).status is OrderStatus.CANCELLED
        assert list(await stage.broker.trades(bracket.order_id, stage.pair)) == []

    run(work)


def test_promise_2_an_orders_whole_life_is_told_without_a_step_that_cannot_follow(run: Run) -> None:
    async def work(stage: Stage) -> None:
        order = order_of(stage, "0.5")
        accepted = await place(stage, order)
        for _ in range(3):
            await stage.pass_()
        live = LiveOrder.submitted(
            OrderSubmitted(
                ts_event=1, ts_known=1, order=order, gate_sequence=1, state_hash="0",
                deadline_ms=5_000,
            )
        )  # fmt: skip
        listed = await stage.broker.trades(order.order_id, stage.pair)
        for event in [accepted, *stage.told, *listed, await seen(stage, order)]:
            of_it = event.fill if isinstance(event, OrderFilled) else event
            if isinstance(event, OrderEvent) and of_it.order_id == order.order_id:  # type: ignore[union-attr]
                live = live.hear(event)
        assert live.status is OrderStatus.FILLED
        assert live.filled == Decimal("0.5")

    run(work)


def test_silence_is_an_unknown_outcome_or_an_error_and_never_an_answer(run: Run) -> None:
    async def work(stage: Stage) -> None:
        if not stage.be_silent():
            return  # a venue in this very process always answers
        order = order_of(stage, "0.5")
        assert isinstance(await submit(stage, order), OrderUnknown)
        questions: list[Callable[[], Awaitable[Any]]] = [
            lambda: stage.broker.look_up(order.order_id, stage.pair),
            lambda: stage.broker.trades(order.order_id, stage.pair),
            lambda: stage.broker.positions([stage.pair]),
        ]
        for ask in questions:
            with pytest.raises(BrokerUnavailableError):
                await ask()

    run(work)


def test_connections_can_be_let_go_of_twice(run: Run) -> None:
    async def work(stage: Stage) -> None:
        await stage.broker.close()
        await stage.broker.close()

    run(work)
