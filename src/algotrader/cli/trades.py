"""`algotrader trades`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from algotrader.backtest.trades import TradeTable
from algotrader.cli.commands import new_app
from algotrader.cli.output import Output, with_output
from algotrader.cli.runs import Run, again, stored, workspace_of

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

    workspace = workspace_of(out.config)
    record, folder = stored(workspace, run)
    result = again(record, folder, workspace).result
    given = result.given
    table = trades_of(given.panel, given.instruments, given.settings, result.simulation, fifo=fifo)
    if csv is not None:
        write_file(csv, trades_csv(table).encode())
    shown = table if last == 0 or len(table) <= last else _last(table, last)

    def lines(console: Console) -> None:
        console.print(_drawn(shown))
        console.print(f"{len(shown)} of {len(table)} trades" + (f", all in {csv}" if csv else ""))

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


def _drawn(table: TradeTable) -> Table:
    from algotrader.core.instants import utc_at
    from algotrader.core.units import format_money, format_percent, format_step

    drawn = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    left = ("symbol", "side", "entry, UTC", "exit, UTC", "exit by")
    names = ("symbol", "side", "entry, UTC", "exit, UTC", "quantity", "entry", "exit", "profit",
             "return", "exit by")  # fmt: skip
    for name in names:
        drawn.add_column(
            name, header_style="dim", justify="left" if name in left else "right", no_wrap=True
        )
    for trade in table:
        drawn.add_row(
            trade.symbol,
            "▲ long" if trade.side > 0 else "▼ short",
            f"{utc_at(trade.entry_ts):%Y-%m-%d %H:%M}",
            f"{utc_at(trade.exit_ts):%Y-%m-%d %H:%M}",
            format_step(trade.quantity, None),
            format_step(trade.entry_price, None),
            format_step(trade.exit_price, None),
            format_money(trade.profit, signed=True),
            format_percent(trade.return_, signed=True),
            "open" if trade.is_open else trade.exit_reason.name.lower(),
        )
    return drawn
