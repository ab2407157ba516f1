"""Swaps, margin, funding, liquidation and algo orders of the simulated exchange, by hand."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from tests.builders.okx_venue import FIRST, FLAT, HOUR, Row, exchange, feed, listing

from algotrader.core.orders import Side
from algotrader.simulator.okx.exchange import Exchange
from algotrader.simulator.okx.orders import AlgoState, Attached, Exit, NewAlgo, NewOrder, State
from algotrader.simulator.okx.refusals import Refusal
from algotrader.simulator.okx.wallet import HeldKey

BUY, SELL = Side.BUY, Side.SELL
D = Decimal
LINEAR, INVERSE, SPOT = "BTC-USDT-SWAP", "BTC-USD-SWAP", "BTC-USDT"


def order(side: Side, size: str, price: str | None = None, **more: Any) -> NewOrder:
    wanted = {"inst_id": LINEAR, "mode": "cross", "kind": "market" if price is None else "limit"}
    price_of = None if price is None else D(price)
    return NewOrder(**(wanted | {"side": side, "size": D(size), "price": price_of} | more))


def algo(side: Side, size: str | None, **more: Any) -> NewAlgo:
    wanted = {"inst_id": LINEAR, "mode": "cross", "kind": "conditional", "side": side}
    return NewAlgo(**(wanted | {"size": None if size is None else D(size)} | more))


def swap(
    *rows: Row, inst_id: str = LINEAR, balances: dict[str, str] | None = None, **more: Any
) -> Exchange:
    return exchange((listing(inst_id), feed(rows, **more)), balances=balances)


def held(made: Exchange, inst_id: str = LINEAR, mode: str = "cross", side: str = "net") -> Any:
    return made.venue.wallet.held[HeldKey(inst_id, mode, side)]


def test_a_linear_round_trip_earns_the_move_less_fees() -> None:
    """1,000 contracts of 0.01: ten coins from 100.1 to 110; fees 0.05 % of 1001 and of 1100."""
    made = swap(FLAT, (110, 110, 110, 110))
    made.place(order(BUY, "1000"))
    made.step(FIRST + HOUR + 1)
    closing = made.place(order(SELL, "1000", reduce_only=True))

    assert closing.pnl == 99
    assert made.venue.wallet.cash["USDT"] == 10_000 + D(99) - D("0.5005") - D("0.55")
    assert held(made).quantity == 0


def test_an_inverse_position_earns_its_coin() -> None:
    """10 contracts of 100 USD from 100.1 to 125: 1000 × (1/100.1 − 1/125) coins."""
    made = swap(FLAT, (125, 125, 125, 125), inst_id=INVERSE, balances={"BTC": "10"})
    made.place(order(BUY, "10", inst_id=INVERSE))
    made.step(FIRST + HOUR + 1)
    closing = made.place(order(SELL, "10", inst_id=INVERSE))

    assert float(closing.pnl) == pytest.approx(1000 * (1 / 100.1 - 1 / 125))
    assert closing.fee_currency == "BTC"


def test_margin_is_needed_at_the_leverage_that_is_set() -> None:
    made = swap(FLAT, balances={"USDT": "100"})
    with pytest.raises(Refusal, match="51008"):
        made.place(order(BUY, "400"))  # four coins: 400.4 / 3 and a fee
    made.set_leverage(HeldKey(LINEAR, "cross", "net"), D(5))

    assert made.place(order(BUY, "400")).state is State.FILLED


def test_reduce_only_is_cut_at_the_position_and_refused_without_one() -> None:
    made = swap(FLAT)
    with pytest.raises(Refusal, match="51169"):
        made.place(order(SELL, "1", reduce_only=True))
    made.place(order(BUY, "2"))
    cut = made.place(order(SELL, "5", reduce_only=True))

    assert (cut.filled, cut.state, held(made).quantity) == (2, State.CANCELED, 0)


def test_a_sale_through_zero_is_one_order() -> None:
    made = swap(FLAT)
    made.place(order(BUY, "2"))
    made.place(order(SELL, "5"))

    assert held(made).quantity == -3


def test_hedged_positions_stand_side_by_side() -> None:
    made = swap(FLAT)
    made.set_hedged(True)
    made.place(order(BUY, "2", pos_side="long"))
    made.place(order(SELL, "3", pos_side="short"))

    assert (held(made, side="long").quantity, held(made, side="short").quantity) == (2, -3)
    with pytest.raises(Refusal, match="59000"):
        made.set_hedged(False)
    with pytest.raises(Refusal, match="51000"):
        made.place(order(BUY, "1"))


def test_longs_pay_a_positive_rate_on_the_mark_at_the_settlement() -> None:
    """Ten coins at a mark of 102: 1020 × 0.0001."""
    rows = [FLAT] * 3
    mark: list[Row] = [FLAT, (102, 102, 102, 102), FLAT]
    made = swap(*rows, mark=mark, funding=[(FIRST + HOUR + HOUR // 2, 0.0001)])
    made.place(order(BUY, "1000"))
    before = made.venue.wallet.cash["USDT"]
    made.step(FIRST + 2 * HOUR)

    assert made.venue.wallet.cash["USDT"] - before == pytest.approx(D("-0.102"))
    bill = made.venue.records.bills[-1]
    assert (bill.kind, bill.at_ms) == ("8", FIRST + HOUR + HOUR // 2)


def test_a_cross_position_is_liquidated_when_its_margin_is_gone() -> None:
    """Ten coins on 350: short of 0.45 % of notional at 350.5 − 10 × (100.1 − p) ≈ 0.045 p."""
    made = swap((100, 100, 60, 60), balances={"USDT": "351"})
    made.place(order(BUY, "1000"))
    resting = made.place(order(BUY, "1", "95", client_id="rest"))
    stop = made.place_algo(algo(SELL, "1", stop=Exit(trigger=D(50))))
    made.step(FIRST + HOUR)

    cash, entry = 351 - 0.5005, 100.1
    level = (10 * entry - cash) / (10 - 10 * 0.0045)
    closing = list(made.venue.records.orders.values())[-1]
    assert closing.category == "full_liquidation"
    mark = 100 - (closing.updated_ms - FIRST - 0.1 * HOUR) / (0.3 * HOUR) * 40
    assert mark == pytest.approx(level, abs=0.05)
    assert made.venue.wallet.cash["USDT"] == pytest.approx(D(0), abs=D("0.001"))
    assert (held(made).quantity, resting.state) == (0, State.FILLED)  # 95 was met before
    assert stop.state is AlgoState.CANCELED


def test_an_isolated_position_risks_its_own_margin_alone() -> None:
    made = swap((100, 100, 60, 60))
    made.place(order(BUY, "1000", mode="isolated"))
    margin = held(made, mode="isolated").margin
    assert margin == pytest.approx(D(1001) / 3)
    made.step(FIRST + HOUR)

    assert held(made, mode="isolated").quantity == 0
    left = made.venue.wallet.cash["USDT"]
    assert left == pytest.approx(10_000 - margin - D("0.5005"), abs=D("0.001"))


def test_a_stop_sends_a_child_that_names_it() -> None:
    """F84: the child has an id of its own and is found from the algo order."""
    made = swap((100, 100, 90, 95))
    made.place(order(BUY, "10"))
    stop = made.place_algo(
        algo(SELL, "10", stop=Exit(trigger=D(95)), reduce_only=True, client_id="stop1")
    )
    made.step(FIRST + HOUR)

    child = made.venue.records.orders[stop.order_ids[0]]
    assert (stop.state, stop.actual_side) == (AlgoState.EFFECTIVE, "sl")
    assert (child.algo_id, child.algo_client_id, child.source) == (stop.algo_id, "stop1", "7")
    assert child.average == D(95)
    assert held(made).quantity == 0


def test_one_exit_of_a_pair_ends_the_other() -> None:
    made = swap((100, 110, 99, 105))
    made.place(order(BUY, "10"))
    pair = made.place_algo(algo(
        SELL, "10", kind="oco", stop=Exit(trigger=D(90)), target=Exit(trigger=D(108)),
    ))  # fmt: skip
    made.step(FIRST + HOUR)

    assert (pair.state, pair.actual_side) == (AlgoState.EFFECTIVE, "tp")
    assert len(pair.order_ids) == 1


def test_a_trailing_stop_follows_the_best_price() -> None:
    """Low first (held long): 100 → 99 → 120 → 110. Five per cent under 120 is 114."""
    made = swap((100, 120, 99, 110))
    made.place(order(BUY, "10"))
    trail = made.place_algo(algo(SELL, "10", kind="move_order_stop", callback_ratio=D("0.05")))
    made.step(FIRST + HOUR)

    assert trail.state is AlgoState.EFFECTIVE
    assert made.venue.records.orders[trail.order_ids[0]].average == D(114)


def test_a_stop_on_the_mark_does_not_look_at_the_last_price() -> None:
    mark: list[Row] = [(100, 100, 97, 100)]
    made = swap((100, 100, 90, 100), mark=mark)
    made.place(order(BUY, "10"))
    stop = made.place_algo(algo(SELL, "10", stop=Exit(trigger=D(95), by="mark")))
    made.step(FIRST + HOUR)

    assert stop.state is AlgoState.LIVE


def test_a_stop_on_spot_freezes_the_coins() -> None:
    """F85: another sale needs the stop cancelled first."""
    made = exchange((listing(SPOT), feed([FLAT])), balances={"BTC": "1"})
    stop = made.place_algo(algo(SELL, "1", inst_id=SPOT, mode="cash", stop=Exit(trigger=D(90))))
    sale = order(SELL, "1", inst_id=SPOT, mode="cash")
    with pytest.raises(Refusal, match="51008"):
        made.place(sale)
    made.cancel_algo(SPOT, stop.algo_id)

    assert made.place(sale).state is State.FILLED


def test_attached_exits_come_to_life_with_what_was_filled() -> None:
    made = exchange((listing(SPOT), feed([FLAT, (100, 100, 80, 85)])))
    exits = Attached(attach_id="1", client_id="tp1", stop=Exit(trigger=D(90)))
    bought = made.place(order(BUY, "1", inst_id=SPOT, mode="cash", attached=(exits,)))
    stop = made.venue.records.live_algos()[0]
    assert (stop.size, stop.asked.client_id) == (D("0.999"), "tp1")  # less the fee in the coin
    made.step(FIRST + 2 * HOUR)

    assert bought.state is State.FILLED
    assert stop.state is AlgoState.EFFECTIVE
    assert made.venue.wallet.cash["BTC"] == 0


def test_leverage_stands_while_stops_wait() -> None:
    made = swap(FLAT)
    made.place(order(BUY, "1"))
    made.place_algo(algo(SELL, "1", stop=Exit(trigger=D(90))))
    with pytest.raises(Refusal, match="59668"):
        made.set_leverage(HeldKey(LINEAR, "cross", "net"), D(2))


@pytest.mark.parametrize(
    ("side", "exits", "code"),
    [
        (SELL, {"stop": Exit(trigger=D(101))}, "51280"),
        (SELL, {"target": Exit(trigger=D(99))}, "51279"),
        (BUY, {"stop": Exit(trigger=D(99))}, "51278"),
        (BUY, {"target": Exit(trigger=D(101))}, "51277"),
    ],
)
def test_exits_on_the_wrong_side_of_the_price_are_refused(
    side: Side, exits: dict[str, Exit], code: str
) -> None:
    made = swap(FLAT)
    with pytest.raises(Refusal, match=code):
        made.place_algo(algo(side, "1", **exits))


def test_the_books_close_over_any_number_of_trades() -> None:
    """P4: cash = start − trades − fees + funding, here with every bill added up."""
    made = exchange(
        (listing(SPOT), feed([(100, 104, 95, 101)] * 9)),
        (listing(LINEAR), feed([(100, 104, 95, 101)] * 9, funding=[(FIRST + 5 * HOUR, 0.001)])),
        balances={"USDT": "10000", "BTC": "1"},
    )
    for bar in range(9):
        made.place(order(BUY if bar % 2 else SELL, "7"))
        made.place(order(BUY, "0.3", "96", inst_id=SPOT, mode="cash"))
        made.place(order(SELL, "0.2", "103", inst_id=SPOT, mode="cash"))
        made.step(FIRST + (bar + 1) * HOUR)
    for currency, start in (("USDT", 10_000), ("BTC", 1)):
        changes = sum(b.change for b in made.venue.records.bills if b.currency == currency)
        assert made.venue.wallet.cash[currency] == start + changes
    assert len(made.venue.records.fills) > 20
