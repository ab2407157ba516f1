"""What `trade`, `status`, `orders`, `positions` and `fills` show of a desk."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table

from algotrader.cli.output import Output, fits
from algotrader.core.instants import utc_at, utc_ms
from algotrader.core.units import ABSENT, format_money, format_percent, format_step

if TYPE_CHECKING:
    from algotrader.core.fills import Fill
    from algotrader.core.ids import AccountId
    from algotrader.engine.state import EngineState
    from algotrader.execution.order_life import LiveOrder
    from algotrader.ops.config import Configuration
    from algotrader.ops.desk import Desk
    from algotrader.risk.holds import Hold


def configured(out: Output) -> Configuration:
    """The settings in force."""
    from algotrader.ops.config import load

    return load(out.config, environment=os.environ)


def desk_of(out: Output) -> Desk:
    """The desk of the settings in force, with its market data."""
    from algotrader.ops.desk import build_desk

    return build_desk(configured(out))


def account_rows(state: EngineState) -> list[dict[str, Any]]:
    """Each account as the journal has it. Amounts are text, exact."""
    marks = state.marks()
    rows = []
    for account in state.settings.accounts:
        name = account.account_id
        book = state.books[name].whole
        equity = book.equity(marks)
        risk, now_ms = state.risk.state, _newest(state)
        mode = risk.mode(state.modes[name], name, None, None, now_ms)
        rows.append(
            {
                "account": name,
                "mode": mode.value,
                "limits": limit_rows(state, name),
                "holds": [_hold_row(one) for one in risk.holds_of(name, now_ms)],
                "currency": str(account.currency),
                "equity": str(equity),
                "cash": str(book.cash()),
                "deposits": str(book.statement(marks).deposits),
                "positions": sum(book.position(symbol).quantity != 0 for symbol in book.contracts),
                "open_orders": len(list(state.orders.open(name))),
                "last_decision": _newest(state) or None,
                "left_alone": {
                    str(symbol): str(held) for symbol, held in state.left_alone.of(name).items()
                },
            }
        )
    return rows


def limit_rows(state: EngineState, account: AccountId) -> list[dict[str, Any]]:
    """How much of each limit is used, the fullest first; empty while a price is missing."""
    from algotrader.core.errors import DataError
    from algotrader.engine.exposures import account_exposure

    try:
        exposure = account_exposure(state, account, _newest(state))
    except DataError:
        return []
    return [
        {
            "rule": one.rule,
            "subject": one.subject,
            "used": f"{one.used:.8g}",
            "limit": f"{one.limit:.8g}",
            "left": f"{one.left:.8g}",
            "unit": one.unit.value,
            "action": one.action,
        }
        for one in state.risk.headroom(exposure)
    ]


def _hold_row(hold: Hold) -> dict[str, Any]:
    """What a rule or a person has stopped."""
    return {
        "rule": hold.rule,
        "action": hold.action.value,
        "strategy": hold.strategy,
        "instrument": None if hold.instrument is None else str(hold.instrument),
        "by": hold.by,
        "why": hold.text,
        "since": hold.since_ms,
        "until": hold.until_ms,
    }


def _newest(state: EngineState) -> int:
    """When was decided last, UTC ms; 0 before the first."""
    return max((one.decision_ts for one in state.slices.values()), default=0)


def print_accounts(console: Console, state: EngineState) -> None:
    """One line an account."""
    shown = []
    for row in account_rows(state):
        equity, deposits = Decimal(row["equity"]), Decimal(row["deposits"])
        result = format_percent(equity / deposits - 1, signed=True) if deposits else ABSENT
        shown.append(row | {"result": result})
    print_rows(console, shown, ACCOUNTS, "no account")
    for row in shown:
        for symbol, held in row["left_alone"].items():
            console.print(f"{row['account']}: {held} of {symbol} at the venue are left alone")
        for hold in row["holds"]:
            where = hold["instrument"] or hold["strategy"] or row["account"]
            console.print(f"{where}: {hold['action']} by {hold['rule']}: {hold['why']}")


def position_rows(state: EngineState) -> list[dict[str, Any]]:
    """Every position that is not flat, by strategy."""
    rows = []
    for account in state.settings.accounts:
        parts = state.books[account.account_id].parts
        for strategy in account.strategies:
            book = parts[strategy]
            for symbol in sorted(book.contracts):
                position = book.position(symbol)
                if position.quantity == 0:
                    continue
                mark = state.marks().get(symbol)
                rows.append(
                    {
                        "account": account.account_id,
                        "strategy": strategy,
                        "instrument": str(symbol),
                        "quantity": str(position.quantity),
                        "entry": None if position.entry is None else str(position.entry),
                        "mark": None if mark is None else str(mark),
                        "unrealised": None if mark is None else str(position.unrealised(mark)),
                    }
                )
    return rows


def order_row(live: LiveOrder) -> dict[str, Any]:
    order = live.order
    terms = order.terms
    return {
        "order": order.order_id,
        "account": order.account,
        "strategy": order.strategy,
        "instrument": str(order.instrument),
        "side": terms.side.value,
        "kind": terms.kind.value,
        "quantity": str(terms.quantity),
        "filled": str(live.filled),
        "limit": None if terms.limit is None else str(terms.limit),
        "status": live.status.value,
        "decided": utc_ms(order.intent.decided_at),
    }


def fill_row(fill: Fill) -> dict[str, Any]:
    return {
        "time": utc_ms(fill.filled_at),
        "account": fill.account,
        "instrument": str(fill.instrument),
        "side": fill.side.value,
        "quantity": str(fill.quantity),
        "price": str(fill.price),
        "fee": str(fill.fee),
        "fee_currency": str(fill.fee_currency),
        "order": fill.order_id,
        "trade": fill.trade_id,
    }


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
    for key, heading in columns.items():
        table.add_column(heading, justify="right" if key in _NUMBERS else "left", no_wrap=True)
    for row in rows:
        table.add_row(*(_text(key, row[key]) for key in columns))
    return table


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
_NUMBERS = _MONEY | _PRICES | _QUANTITIES | {"result", "positions", "open_orders"}
_TIMES = {"time", "decided", "last_decision"}


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
