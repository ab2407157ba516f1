"""How the simulated exchange fills: by the rule book, on prices by hand."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.builders.okx_venue import FIRST, FLAT, HOUR, Row, exchange, feed, listing

from algotrader.core.orders import Side
from algotrader.simulator.okx.exchange import Exchange, PathRule
from algotrader.simulator.okx.orders import NewOrder, Order, State
from algotrader.simulator.okx.refusals import Refusal

BUY, SELL = Side.BUY, Side.SELL
D = Decimal


def order(side: Side, size: str, price: str | None = None, **more: Any) -> NewOrder:
    wanted = {"inst_id": "BTC-USDT", "mode": "cash", "kind": "market" if price is None else "limit"}
    price_of = None if price is None else D(price)
    return NewOrder(**(wanted | {"side": side, "size": D(size), "price": price_of} | more))


def spot(*rows: Row, balances: dict[str, str] | None = None, **more: Any) -> Exchange:
    volume = more.pop("volume", 1e6)
    return exchange((listing(), feed(rows, volume=volume)), balances=balances, **more)


def refused(made: Exchange, asked: NewOrder) -> str:
    with pytest.raises(Refusal) as caught:
        made.place(asked)
    return caught.value.code


def test_a_market_buy_takes_the_offer_and_pays_its_fee_in_the_coin() -> None:
    made = spot(FLAT)
    taken = made.place(order(BUY, "2"))

    assert (taken.state, taken.average) == (State.FILLED, D("100.1"))  # a tick above the bid
    cash = made.venue.wallet.cash
    assert cash == {"USDT": D("9799.8"), "BTC": D("1.998")}  # 0.1 % of two coins


def test_a_market_sale_takes_the_bid_and_pays_its_fee_in_money() -> None:
    made = spot(FLAT, balances={"BTC": "1"})
    made.place(order(SELL, "1"))

    assert made.venue.wallet.cash == {"BTC": D(0), "USDT": D("99.9")}


def test_a_limit_fills_at_its_price_as_maker_once_price_trades_through_it() -> None:
    made = spot((100, 100, 95, 97))
    resting = made.place(order(BUY, "1", "96"))
    touched = made.place(order(BUY, "1", "95"))  # R15: the low is the limit, not a tick below
    made.step(FIRST + HOUR)

    assert (resting.state, resting.average) == (State.FILLED, D(96))
    assert made.venue.records.fills[0].maker
    assert resting.fee == D("-0.0008")
    assert touched.state is State.LIVE


def test_a_limit_better_than_the_book_fills_at_the_book_as_taker() -> None:
    made = spot(FLAT)
    taken = made.place(order(BUY, "1", "105"))

    assert (taken.average, made.venue.records.fills[0].maker) == (D("100.1"), False)


def test_a_gap_fills_a_resting_limit_at_the_limit() -> None:
    made = spot(FLAT, (90, 90, 90, 90))
    resting = made.place(order(BUY, "1", "95"))
    made.step(FIRST + HOUR + 1)

    assert (resting.average, resting.updated_ms) == (D(95), FIRST + HOUR)


def test_fills_happen_at_the_time_the_path_says() -> None:
    """Open 100, low 90 first: a tenth of the bar at 100, then 100 → 90 in 18 minutes."""
    made = spot((100, 100, 90, 95))
    resting = made.place(order(BUY, "1", "95"))
    made.step(FIRST + HOUR)

    down = 0.9 * HOUR / 3
    assert resting.updated_ms == int(FIRST + 0.1 * HOUR + down * (100 - 94.9) / 10)


def test_participation_fills_a_part_in_each_bar() -> None:
    made = spot((100, 100, 90, 95), (95, 95, 90, 95), (95, 95, 90, 95), volume=10)
    resting = made.place(order(BUY, "2.5", "96"))
    seen = []
    for bar in (1, 2, 3):
        made.step(FIRST + bar * HOUR)
        seen.append(resting.filled)

    assert seen == [D(1), D(2), D("2.5")]  # R20: a tenth of ten coins in each bar


def test_what_a_market_order_cannot_take_is_cancelled() -> None:
    made = spot(FLAT, volume=10)
    taken = made.place(order(BUY, "3"))

    assert (taken.state, taken.filled) == (State.CANCELED, D(1))


def test_a_bar_without_volume_fills_nothing() -> None:
    made = spot((100, 100, 90, 95), volume=0)
    resting = made.place(order(BUY, "1", "96"))
    made.step(FIRST + HOUR)

    assert resting.state is State.LIVE


def test_post_only_ioc_and_fok_do_as_their_names_say() -> None:
    made = spot(FLAT, volume=10)
    crossing = made.place(order(BUY, "1", "100.1", kind="post_only"))
    resting = made.place(order(BUY, "1", "100", kind="post_only"))
    behind = made.place(order(BUY, "1", "99", kind="ioc"))
    too_large = made.place(order(BUY, "2", "101", kind="fok"))
    part = made.place(order(BUY, "2", "101", kind="ioc"))

    states = [o.state for o in (crossing, resting, behind, too_large, part)]
    gone = State.CANCELED
    assert states == [gone, State.LIVE, gone, gone, gone]
    assert [o.filled for o in (too_large, part)] == [0, 1]


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        (order(BUY, "0.000015"), None),
        (order(BUY, "0.000000005"), "51121"),
        (order(BUY, "0.000001"), "51020"),
        (order(BUY, "1", "100.05"), "51000"),
        (order(BUY, "1", "111"), "51006"),
        (order(SELL, "1"), "51008"),
        (order(BUY, "100"), "51008"),
        (order(BUY, "1", "90", client_id="no-dash"), "51000"),
        (order(BUY, "1", "90", mode="cross"), "51000"),
        (order(BUY, "1", "90", inst_id="XYZ-USDT"), "51001"),
    ],
)
def test_orders_are_refused_as_the_venue_would(asked: NewOrder, code: str | None) -> None:
    made = spot(FLAT)
    if code is None:
        assert made.place(asked).state is State.FILLED
    else:
        assert refused(made, asked) == code
        assert made.venue.wallet.cash == {"USDT": D(10_000)}


def test_a_client_id_is_taken_while_its_order_is_open_and_free_after() -> None:
    """F34, F35: the look-up by id then returns the latest order."""
    made = spot(FLAT)
    first = made.place(order(BUY, "1", "90", client_id="at1"))
    assert refused(made, order(BUY, "1", "90", client_id="at1")) == "51016"
    made.cancel("BTC-USDT", first.order_id)
    second = made.place(order(BUY, "1", "91", client_id="at1"))

    assert made.venue.records.find("", "at1", made.now_ms) is second


def test_open_orders_freeze_what_they_may_cost() -> None:
    made = spot(FLAT, balances={"USDT": "150", "BTC": "1"})
    made.place(order(BUY, "1", "95"))
    made.place(order(SELL, "0.6", "105"))

    assert refused(made, order(BUY, "0.6", "95")) == "51008"
    assert refused(made, order(SELL, "0.5", "105")) == "51008"
    assert made.place(order(BUY, "0.5", "95")).state is State.LIVE


def test_amending_moves_an_order_and_counts_what_was_filled() -> None:
    made = spot((100, 100, 90, 95), volume=10)
    resting = made.place(order(BUY, "3", "96"))
    made.step(FIRST + HOUR)
    assert resting.filled == 1
    with pytest.raises(Refusal, match="51000"):
        made.amend(resting, D("0.5"), None)
    with pytest.raises(Refusal, match="51502"):
        made.amend(resting, D(200), None)
    made.amend(resting, D(2), D(90))

    assert (resting.rest, resting.price, resting.asked.size) == (1, 90, 2)
    made.cancel("BTC-USDT", resting.order_id)
    with pytest.raises(Refusal, match="51509"):
        made.amend(resting, D(3), None)


def test_an_unfilled_cancelled_order_is_forgotten_after_two_hours() -> None:
    made = spot(*[FLAT] * 5)
    gone = made.place(order(BUY, "1", "90", client_id="at1"))
    made.cancel("BTC-USDT", gone.order_id)

    two_hours = made.now_ms + 2 * HOUR
    assert made.venue.records.find(gone.order_id, "", two_hours - 1) is gone
    assert made.venue.records.find(gone.order_id, "", two_hours) is None


@pytest.mark.parametrize(
    ("path", "side", "first_fill"),
    [
        (PathRule.WORST, BUY, "stop below"),  # nothing held: the nearest entry is the buy below
        (PathRule.NEAR_FAR, BUY, "stop below"),
        (PathRule.NEAR_FAR, SELL, "above"),
    ],
)
def test_the_extreme_that_comes_first_follows_the_path_rule(
    path: PathRule, side: Side, first_fill: str
) -> None:
    row: Row = (100, 108, 94, 100) if side is BUY else (100, 104, 90, 100)
    made = spot(row, balances={"USDT": "10000", "BTC": "0"}, path=path)
    below = made.place(order(BUY, "1", "95"))
    made.step(FIRST + HOUR // 2)
    filled = below.state is State.FILLED

    assert filled is (first_fill == "stop below")


@given(st.lists(st.integers(1, 3 * HOUR - 1), max_size=12))
def test_how_often_the_venue_is_stepped_changes_nothing(stops: list[int]) -> None:
    rows: list[Row] = [(100, 103, 96, 101), (101, 104, 95, 97), (97, 99, 92, 98)]

    def run(times: list[int]) -> tuple[Any, ...]:
        made = spot(*rows, volume=20)
        orders: list[Order] = [
            made.place(order(BUY, "3", "98")),
            made.place(order(BUY, "1", "96.5")),
        ]
        for at in sorted(times):
            made.step(FIRST + at)
        made.step(FIRST + 3 * HOUR)
        fills = [(f.at_ms, f.price, f.size, f.trade_id) for f in made.venue.records.fills]
        return fills, made.venue.wallet.cash, [o.state for o in orders]

    assert run(stops) == run([])


def test_the_same_seed_and_requests_give_the_same_trace() -> None:
    """P10: another seed gives other ids, and so another trace."""

    def run(seed: int) -> bytes:
        made = spot((100, 103, 96, 101), (101, 104, 95, 97), seed=seed)
        made.place(order(BUY, "3", "98"))
        made.place(order(BUY, "1"))
        made.step(FIRST + 2 * HOUR)
        return made.venue.trace

    assert run(1) == run(1) != run(2)
