"""Beside a position stands where it is left: its stop, its target, its liquidation, and since when.

Equity is 10,000; a contract is worth 1 USDT at 100.
"""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from starlette.testclient import TestClient
from tests.builders.api_desk import token_for
from tests.builders.books import SPOT
from tests.builders.engines import HOUR, MAIN, T0, USDT, Desk, at, sent

from algotrader.api import desk_rows
from algotrader.api.access import Role
from algotrader.api.held_since import HeldSince
from algotrader.api.serving import Serving
from algotrader.api.view import _held_since, _read_past
from algotrader.core.accounts import MarginMode
from algotrader.core.events import OrderFilled
from algotrader.core.fills import Fill
from algotrader.core.ids import OrderId, TradeId
from algotrader.core.instants import utc_at
from algotrader.core.money import Currency
from algotrader.core.orders import Protection, Side
from algotrader.core.symbols import Symbol
from algotrader.ops.desk_rows import position_rows
from algotrader.ops.standing import folder_of, read_stood
from algotrader.portfolio.positions import Contract


def holding(desk: Desk, quantity: int, target: float = 0.5) -> dict[str, Any]:
    """The columns of a position that was entered at 100 and whose guards were accepted."""
    desk.bar(1)
    [entry] = desk.answer(1, target)
    for guard in sent(desk.fill(entry, quantity, T0 + HOUR + 20)):
        desk.accept(guard, T0 + HOUR + 30)
    return columns(desk)


def columns(desk: Desk) -> dict[str, Any]:
    [row] = position_rows(desk.engine.state)
    return desk_rows.guard_columns(desk.engine.state, row)


def crossed(desk: Desk) -> Desk:
    """All positions of the account share one margin."""
    state = desk.engine.state
    [account] = state.settings.accounts
    state.settings = replace(
        state.settings, accounts=(replace(account, margin_mode=MarginMode.CROSS),)
    )
    return desk


@pytest.mark.parametrize(
    ("target", "stop", "take_profit"), [(0.5, "95", "110"), (-0.5, "105", "90")]
)
def test_a_position_tells_its_stop_and_target_and_how_far_the_stop_is(
    target: float, stop: str, take_profit: str
) -> None:
    desk = Desk(protection=Protection(stop_loss=0.05, take_profit=0.1))
    row = holding(desk, 10, target)

    assert (row["stop"], row["take_profit"]) == (stop, take_profit)
    assert row["stop_distance"] == pytest.approx(0.05)
    assert row["trail"] is None


def test_the_distance_is_from_the_last_price_and_negative_once_it_is_past() -> None:
    desk = Desk(protection=Protection(stop_loss=0.05))
    holding(desk, 10)
    desk.bar(2, 190.0)
    above = columns(desk)
    desk.bar(3, 90.0)

    assert above["stop_distance"] == pytest.approx(0.5)
    assert columns(desk)["stop_distance"] == pytest.approx(-5 / 90)


def test_of_a_trail_the_fraction_is_told_and_no_level() -> None:
    row = holding(Desk(protection=Protection(trailing=0.2)), 10)

    assert (row["stop"], row["stop_distance"], row["trail"]) == (None, None, 0.2)


def test_a_position_without_guards_has_no_levels() -> None:
    assert set(holding(Desk(), 10).values()) == {None}


def test_a_long_of_twice_its_margin_is_liquidated_half_way_down() -> None:
    """20,000 contracts stand for 20,000 at 100, with 10,000 behind them and no tiers (R23)."""
    desk = crossed(Desk())
    holding(desk, 20_000)
    desk.bar(2, 80.0)
    row = columns(desk)

    assert Decimal(row["liquidation"]) == 50
    assert row["liquidation_distance"] == pytest.approx(30 / 80)


def test_what_no_price_liquidates_has_no_price_of_liquidation() -> None:
    """As much is behind it as it stands for."""
    assert holding(crossed(Desk()), 5_000)["liquidation"] is None
    assert holding(Desk(), 20_000)["liquidation"] is None  # nothing is borrowed


BASE = Contract.of(SPOT)
COIN = SPOT.symbol


def a_trade(side: Side, quantity: str, ms: int, fee: str = "0", own: bool = True) -> OrderFilled:
    return OrderFilled(
        **at(ms),
        fill=Fill(
            trade_id=TradeId(f"t{ms}"), order_id=OrderId("o") if own else None, account=MAIN,
            instrument=COIN, side=side, quantity=Decimal(quantity), price=Decimal(100),
            fee=Decimal(fee), fee_currency=Currency("BTC") if fee != "0" else USDT,
            filled_at=utc_at(ms),
        ),
    )  # fmt: skip


def since(*events: OrderFilled, held: str) -> int | None:
    found = HeldSince({MAIN: {COIN: BASE}}, lambda fill: fill.order_id is None)
    for event in events:
        found.hear(event)
    return found.of(MAIN, COIN, Decimal(held))


def test_a_position_is_held_since_its_first_fill_after_it_was_flat_but_for_dust() -> None:
    """A fee in the coin leaves less than a lot of what was bought."""
    buy = a_trade(Side.BUY, "1", 1_000, fee="0.001")
    more = a_trade(Side.BUY, "1", 2_000, fee="0.001")
    out = a_trade(Side.SELL, "1.99", 3_000)
    again = a_trade(Side.BUY, "0.5", 4_000)

    assert since(buy, more, held="1.998") == 1_000
    assert since(buy, more, out, held="0.008") is None
    assert since(buy, more, out, again, held="0.508") == 4_000


def test_a_position_that_turned_is_held_since_it_turned() -> None:
    buy, turn = a_trade(Side.BUY, "1", 1_000), a_trade(Side.SELL, "3", 2_000)

    assert since(buy, turn, held="-2") == 2_000


def test_a_trade_told_twice_or_left_alone_counts_for_nothing() -> None:
    buy = a_trade(Side.BUY, "1", 1_000)
    person = a_trade(Side.BUY, "9", 2_000, own=False)

    assert since(person, buy, buy, held="1") == 1_000


def test_what_did_not_come_by_fills_is_held_since_nobody_knows() -> None:
    assert since(a_trade(Side.BUY, "1", 1_000), held="7") is None


def test_the_past_of_a_journal_tells_since_when_was_held_then(
    api: tuple[TestClient, Serving],
) -> None:
    client, serving = api
    fills = client.get("/api/v1/fills?limit=1000", headers=token_for(serving, Role.VIEWER)).json()
    first = fills["items"][-1]
    folder = folder_of(serving.configuration)
    state = read_stood(serving.configuration).state
    past = _read_past(folder.rows(folder.chain), first["seq"], _held_since(state))

    held = past.held.of(MAIN, Symbol.parse("US:AAPL"), Decimal(first["quantity"]))
    assert (first["side"], held) == ("buy", first["time"])
