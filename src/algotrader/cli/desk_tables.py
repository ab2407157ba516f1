"""What `trade`, `status`, `orders`, `positions` and `fills` show of a desk."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table

from algotrader.cli.output import Output, fits
from algotrader.core.errors import UsageError
from algotrader.core.instants import utc_at
from algotrader.core.units import ABSENT, format_money, format_percent, format_step
from algotrader.ops.desk_rows import account_rows

if TYPE_CHECKING:
    from algotrader.engine.state import EngineState
    from algotrader.ops.config import Configuration
    from algotrader.ops.desk import Desk


def configured(out: Output) -> Configuration:
    """The settings in force. UsageError where there are none, and nothing was ever traded."""
    from algotrader.ops.config import load

    configuration = load(out.config, environment=os.environ)
    journal = configuration.path(configuration.settings.workspace.journal)
    if configuration.file is None and not journal.exists():
        raise UsageError(
            "usage.no_workspace",
            f"there is no algotrader.yaml in {Path.cwd()} or above it, so there is no desk here",
            hint="run this in the workspace of the trader, or name its settings by --config",
        )
    return configuration


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


def print_positions(console: Console, state: EngineState, rows: Sequence[dict[str, Any]]) -> None:
    """What is held, and which of it is a rest too small to trade: so it stays after a flatten."""
    print_rows(console, rows, POSITIONS, "no position")
    instruments = {str(one.symbol): one for one in state.settings.instruments.values()}
    for row in rows:
        instrument = instruments.get(row["instrument"])
        if instrument is not None and abs(Decimal(row["quantity"])) < instrument.lot:
            lot = f"{instrument.lot:,f}"
            console.print(
                f"{row['instrument']}: a rest of less than one lot ({lot}), too small to trade",
                soft_wrap=True,
            )


def limit_text(value: str, unit: str) -> str:
    """How much of a limit, in its unit: `1.52 %` of equity; counts and amounts as they are."""
    if unit == "fraction":
        return format_percent(Decimal(value), 2)
    return format_money(Decimal(value)) if unit == "money" else value


def print_rows(
    console: Console, rows: Sequence[dict[str, Any]], columns: Mapping[str, str], none: str
) -> None:
    """Rows as a table: `columns` are heading by key; numbers stand to the right.

    Where the screen is too narrow, columns that say the same in every row go first, then those of
    `_FIRST_TO_GO`; what is gone is named below. Where even that is too wide each row is a list:
    no number is cut short.
    """
    if not rows:
        console.print(none)
        return
    kept = dict(columns)
    table = _table(rows, kept)
    dropped = []
    alike = _alike(rows, columns)
    for key in (*alike, *_FIRST_TO_GO):
        if fits(console, table):
            break
        if key in kept:
            dropped.append(key)
            del kept[key]
            table = _table(rows, kept)
    if not fits(console, table):
        _print_lists(console, rows, columns)
        return
    console.print(table)
    same = [f"{key} {alike[key]}" for key in dropped if key in alike]
    if same:
        console.print(f"in every row: {', '.join(same)}", style="dim")
    lost = [columns[key] for key in dropped if key not in alike]
    if lost:
        console.print(f"{', '.join(lost)}: no room here, see --json", style="dim")


def _alike(rows: Sequence[dict[str, Any]], columns: Mapping[str, str]) -> dict[str, Any]:
    """Of rows about instruments: whose they are, where that is the same in all of them."""
    keys = _OWNERS if "instrument" in columns else ()
    return {key: rows[0].get(key) for key in keys if len({row.get(key) for row in rows}) == 1}


def _print_lists(
    console: Console, rows: Sequence[dict[str, Any]], columns: Mapping[str, str]
) -> None:
    """One value a line, an empty line between two rows."""
    named = {key: heading or key for key, heading in columns.items()}
    width = max(map(len, named.values()))
    for number, row in enumerate(rows):
        if number:
            console.print()
        for key, heading in named.items():
            console.print(f"{heading:<{width}}  {_text(key, row[key])}", soft_wrap=True)


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
    "quantity": "quantity", "price": "price", "fee_in": "fee",
}  # fmt: skip
_OWNERS = ("account", "strategy")
_FIRST_TO_GO = ("strategy", "kind", "cash", "mark", "limit", "fee_in", "account")
_MONEY = {"equity", "cash", "unrealised"}
_PRICES = {"price", "limit", "entry", "mark"}
_QUANTITIES = {"quantity", "filled"}
_NUMBERS = _MONEY | _PRICES | _QUANTITIES | {
    "result", "positions", "open_orders", "return", "drawdown", "sharpe",
}  # fmt: skip
_TIMES = {"time", "decided", "last_decision", "made"}


def fee_text(fee: str, currency: str) -> str:
    """`0.000337218 BTC`: a fee is no number without its currency."""
    return f"{format_step(Decimal(fee), None)} {currency}"


def _text(key: str, value: Any) -> str:
    if value is None:
        return ABSENT
    if key in _TIMES:
        return utc_at(value).strftime("%Y-%m-%d %H:%M")
    if key in _MONEY:
        return format_money(Decimal(value))
    if key == "limit":  # as it stands at the venue: no digit of it is left out
        return f"{Decimal(value):,f}"
    if key in _PRICES:
        return format_step(Decimal(value), None)
    return f"{Decimal(value):,f}" if key in _QUANTITIES else str(value)
