"""Tables of a desk: no number is cut short, no fee stands without its currency."""

from __future__ import annotations

import io
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest
from rich.console import Console

from algotrader.cli.desk_tables import (
    ACCOUNTS,
    FILLS,
    ORDERS,
    fee_text,
    print_positions,
    print_rows,
)
from algotrader.core.symbols import Symbol

FILL = {
    "time": 1_795_365_720_000, "account": "main", "instrument": "OKX:BTC/USDT", "side": "buy",
    "quantity": "0.01712193", "price": "29201.7", "fee_in": fee_text("0.00001712193", "BTC"),
}  # fmt: skip
ORDER = {
    "decided": 1_795_365_720_000, "account": "main", "strategy": "mine",
    "instrument": "OKX:BTC/USDT", "side": "buy", "kind": "limit", "quantity": "0.01712193",
    "filled": "0", "limit": "64012.55", "status": "accepted",
}  # fmt: skip
ACCOUNT = {
    "account": "main", "mode": "trading", "equity": "1234567.89", "currency": "USDT",
    "result": "+23.4 %", "cash": "1234567.89", "positions": 1, "open_orders": 0,
    "last_decision": 1_795_365_720_000,
}  # fmt: skip


def drawn(width: int, columns: dict[str, str], *rows: dict[str, Any]) -> str:
    console = Console(width=width, file=io.StringIO(), highlight=False)
    print_rows(console, rows, columns, "none")
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_a_fee_stands_with_its_currency_at_eighty_columns() -> None:
    said = drawn(80, FILLS, FILL, FILL | {"side": "sell", "fee_in": fee_text("0.499433", "USDT")})

    assert "0.0000171219 BTC" in said
    assert "0.499433 USDT" in said
    assert "in every row: account main" in said
    assert "no room" not in said


def test_a_limit_stands_whole_at_eighty_columns() -> None:
    said = drawn(80, ORDERS, ORDER)

    assert "64,012.55" in said
    assert "in every row: account main, strategy mine" in said


def test_accounts_that_differ_stay_in_the_table() -> None:
    said = drawn(80, FILLS, FILL, FILL | {"account": "carry"})

    assert "carry" in said
    assert "in every row" not in said


def test_a_rest_too_small_to_trade_is_told_from_a_position() -> None:
    console = Console(width=80, file=io.StringIO(), highlight=False)
    symbol = Symbol.parse("OKX:BTC/USDT")
    instrument = SimpleNamespace(symbol=symbol, lot=Decimal("0.00000001"))
    state: Any = SimpleNamespace(settings=SimpleNamespace(instruments={symbol: instrument}))
    row = {
        "account": "main", "strategy": "mine", "instrument": str(symbol),
        "quantity": "0.00000000192", "entry": "29507", "mark": "29494.9", "unrealised": "0",
    }  # fmt: skip
    held = row | {"quantity": "0.00000001"}

    print_positions(console, state, [row])
    assert isinstance(console.file, io.StringIO)
    rest = "OKX:BTC/USDT: a rest of less than one lot (0.00000001), too small to trade"
    assert rest in console.file.getvalue()
    print_positions(console, state, [held])
    assert console.file.getvalue().count("a rest of") == 1


@pytest.mark.parametrize("width", [20, 40, 60, 80])
@pytest.mark.parametrize(("columns", "row"), [(FILLS, FILL), (ORDERS, ORDER), (ACCOUNTS, ACCOUNT)])
def test_no_number_is_cut_short_however_narrow_the_screen(
    width: int, columns: dict[str, str], row: dict[str, Any]
) -> None:
    said = drawn(width, columns, row)

    assert "…" not in said
    assert row.get("quantity", "1,234,567.89") in said
