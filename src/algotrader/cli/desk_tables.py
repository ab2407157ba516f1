"""What `trade`, `status`, `orders`, `positions` and `fills` show of a desk."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table

from algotrader.cli.output import Output, fits
from algotrader.core.instants import utc_at
from algotrader.core.units import ABSENT, format_money, format_percent, format_step
from algotrader.ops.desk_rows import account_rows

if TYPE_CHECKING:
    from algotrader.engine.state import EngineState
    from algotrader.ops.config import Configuration
    from algotrader.ops.desk import Desk


def configured(out: Output) -> Configuration:
    """The settings in force."""
    from algotrader.ops.config import load

    return load(out.config, environment=os.environ)


def desk_of(out: Output) -> Desk:
    """The desk of the settings in force, with its market data."""
    from algotrader.ops.desk import build_desk

    return build_desk(configured(out))


def print_accounts(console: Console, state: EngineState) -> None:
    """One line an account."""
    shown = [row | {"result": _result(row)} for row in account_rows(state)]
    print_rows(console, shown, ACCOUNTS, "no account")
    for row in shown:
        if row["no_equity"] is not None:
            console.print(f"{row['account']}: {row['no_equity']}")
        for symbol, held in row["left_alone"].items():
            console.print(f"{row['account']}: {held} of {symbol} at the venue are left alone")
        for hold in row["holds"]:
            where = hold["instrument"] or hold["strategy"] or row["account"]
            console.print(f"{where}: {hold['action']} by {hold['rule']}: {hold['why']}")


def _result(row: dict[str, Any]) -> str:
    """What was earned on what was paid in."""
    deposits = Decimal(row["deposits"])
    if row["equity"] is None or not deposits:
        return ABSENT
    return format_percent(Decimal(row["equity"]) / deposits - 1, signed=True)


def print_rows(
    console: Console, rows: Sequence[dict[str, Any]], columns: Mapping[str, str], none: str
) -> None:
    """Rows as a table: `columns` are heading by key; numbers stand to the right.

    Where the screen is too narrow the columns of `_FIRST_TO_GO` are left out, and named below.
    """
    if not rows:
        console.print(none)
        return
    kept = dict(columns)
    table = _table(rows, kept)
    dropped = []
    for key in _FIRST_TO_GO:
        if fits(console, table):
            break
        if key in kept:
            dropped.append(kept.pop(key))
            table = _table(rows, kept)
    console.print(table)
    if dropped:
        console.print(f"{', '.join(dropped)}: no room here, see --json", style="dim")


def _table(rows: Sequence[dict[str, Any]], columns: Mapping[str, str]) -> Table:
    table = Table(box=None, pad_edge=False)
    cells = []
    for key, heading in columns.items():
        texts = [_text(key, row[key]) for row in rows]
        is_exact = key in _PRICES | _QUANTITIES
        if is_exact:  # the table itself would put their last digits below each other
            heading, *texts = _on_the_point(heading, texts)
        right = key in _NUMBERS and not is_exact
        table.add_column(heading, justify="right" if right else "left", no_wrap=True)
        cells.append(texts)
    for line in zip(*cells, strict=True):
        table.add_row(*line)
    return table


def _on_the_point(heading: str, texts: Sequence[str]) -> list[str]:
    """A heading and numbers below each other by their decimal point, all of one width."""
    after = [len(text) - text.index(".") if "." in text else 0 for text in texts]
    most = max(after, default=0)
    spread = [
        text if text == ABSENT else text + " " * (most - here)
        for text, here in zip(texts, after, strict=True)
    ]
    width = max(map(len, (heading, *spread)))
    return [text.rjust(width) for text in (heading, *spread)]


ACCOUNTS = {
    "account": "account", "mode": "mode", "equity": "equity", "currency": "", "result": "result",
    "cash": "cash", "positions": "positions", "open_orders": "orders",
    "last_decision": "last decision",
}  # fmt: skip
POSITIONS = {
    "account": "account", "strategy": "strategy", "instrument": "instrument",
    "quantity": "quantity", "entry": "entry", "mark": "mark", "unrealised": "unrealised",
}  # fmt: skip
ORDERS = {
    "decided": "decided", "account": "account", "strategy": "strategy",
    "instrument": "instrument", "side": "side", "kind": "kind", "quantity": "quantity",
    "filled": "filled", "limit": "limit", "status": "status",
}  # fmt: skip
FILLS = {
    "time": "time", "account": "account", "instrument": "instrument", "side": "side",
    "quantity": "quantity", "price": "price", "fee": "fee", "fee_currency": "in",
}  # fmt: skip
_FIRST_TO_GO = ("strategy", "kind", "limit", "fee_currency", "fee", "cash", "mark", "account")
_MONEY = {"equity", "cash", "unrealised"}
_PRICES = {"price", "limit", "entry", "mark", "fee"}
_QUANTITIES = {"quantity", "filled"}
_NUMBERS = _MONEY | _PRICES | _QUANTITIES | {
    "result", "positions", "open_orders", "return", "drawdown", "sharpe",
}  # fmt: skip
_TIMES = {"time", "decided", "last_decision", "made"}


def _text(key: str, value: Any) -> str:
    if value is None:
        return ABSENT
    if key in _TIMES:
        return utc_at(value).strftime("%Y-%m-%d %H:%M")
    if key in _MONEY:
        return format_money(Decimal(value))
    if key in _PRICES:
        return format_step(Decimal(value), None)
    return f"{Decimal(value):,f}" if key in _QUANTITIES else str(value)
