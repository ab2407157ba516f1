"""`algotrader trades`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from algotrader.backtest.trades import Trade, TradeTable
from algotrader.cli.commands import new_app
from algotrader.cli.output import Output, fits, with_output
from algotrader.cli.runs import Run, again, note_otherwise, stored, workspace_of
from algotrader.core.errors import UsageError

app = new_app()
Csv = Annotated[Path | None, typer.Option("--csv", metavar="FILE.csv", help="Export them here.")]
Last = Annotated[int, typer.Option(help="How many to print, newest last; 0 prints all.")]
Fifo = Annotated[bool, typer.Option("--fifo", help="Match lots first in, first out.")]


@app.command()
@with_output
def trades(out: Output, run: Run, csv: Csv = None, last: Last = 20, fifo: Fifo = False) -> None:
    """Print or export the trades of a run.

    A trade goes from flat to flat, or to a flip. Times are UTC; money is the account's currency.

    \b
    algotrader trades 7f3a19c2
    algotrader trades 7f3a --csv trades.csv
    """
    from algotrader.backtest.complete import trades_csv
    from algotrader.backtest.store import write_file
    from algotrader.backtest.trade_list import trades_of

    if last < 0:
        raise UsageError("usage.last", f"--last {last}: must be 0 or more", hint="--last 20")
    workspace = workspace_of(out.config)
    record, folder = stored(workspace, run)
    done = again(record, folder, workspace)
    note_otherwise(out, record, done.record)
    result = done.result
    given = result.given
    table = trades_of(given.panel, given.instruments, given.settings, result.simulation, fifo=fifo)
    if csv is not None:
        write_file(csv, trades_csv(table).encode())
    shown = table if last == 0 or len(table) <= last else _last(table, last)

    def lines(console: Console) -> None:
        dropped = _print(console, shown)
        if dropped:
            console.print(f"{', '.join(dropped)}: no room here, see --csv or --json", style="dim")
        console.print(f"{_counted(len(shown), len(table))}" + (f", all in {csv}" if csv else ""))

    out.show([_plain(shown, row) for row in range(len(shown))], lines)


def _last(table: TradeTable, count: int) -> TradeTable:
    import numpy as np

    return table.where(np.arange(len(table)) >= len(table) - count)


def _plain(table: TradeTable, row: int) -> dict[str, object]:
    from dataclasses import asdict

    trade = asdict(table.row(row))
    trade["return"] = trade.pop("return_")
    trade["exit_reason"] = table.row(row).exit_reason.name.lower()
    return trade


def _counted(shown: int, of: int) -> str:
    if of == 0:
        return "no trade was made"
    return f"{of} trades" if shown == of else f"the last {shown} of {of} trades"


_LEFT = {"symbol", "side", "entry, UTC", "exit, UTC", "exit by"}
_SPARED_FIRST = (
    "symbol",
    "quantity",
    "exit by",
    "return",
    "exit",
    "entry",
)  # where the terminal is narrow
_EXITS = {"target": "target weight"}


def _print(console: Console, table: TradeTable) -> list[str]:
    """Every cell in full: columns that find no room are left out, and returned by name."""
    rows = _cells(table)
    names = list(rows[0]) if rows else []
    left_out: list[str] = []
    spare = [name for name in _SPARED_FIRST if name in names]
    while rows and not fits(console, drawn := _drawn(rows, names)) and spare:
        left_out.append(spare.pop(0))
        names.remove(left_out[-1])
        drawn = _drawn(rows, names)
    if rows:
        console.print(drawn)
    return left_out


def _cells(table: TradeTable) -> list[dict[str, str]]:
    from algotrader.core.instants import utc_at
    from algotrader.core.timeframes import DAY_MS
    from algotrader.core.units import format_money, format_percent, format_step

    trades = list(table)
    daily = all(t.entry_ts % DAY_MS == 0 and t.exit_ts % DAY_MS == 0 for t in trades)
    when = "%Y-%m-%d" if daily else "%Y-%m-%d %H:%M"
    return [
        {
            "symbol": trade.symbol,
            "side": "▲ long" if trade.side > 0 else "▼ short",
            "entry, UTC": format(utc_at(trade.entry_ts), when),
            "exit, UTC": format(utc_at(trade.exit_ts), when),
            "quantity": format_step(trade.quantity, None),
            "entry": format_step(trade.entry_price, None),
            "exit": format_step(trade.exit_price, None),
            "profit": format_money(trade.profit, signed=True),
            "return": format_percent(trade.return_, signed=True),
            "exit by": _left_by(trade),
        }
        for trade in trades
    ]


def _left_by(trade: Trade) -> str:
    if trade.is_open:
        return "still open"
    name = trade.exit_reason.name.lower()
    return _EXITS.get(name, name.replace("_", " "))


def _drawn(rows: list[dict[str, str]], names: list[str]) -> Table:
    drawn = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for name in names:
        drawn.add_column(
            name, header_style="dim", justify="left" if name in _LEFT else "right", no_wrap=True
        )
    for row in rows:
        drawn.add_row(*(row[name] for name in names))
    return drawn
