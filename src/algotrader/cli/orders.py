"""`algotrader orders`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from algotrader.cli.commands import new_app
from algotrader.cli.output import Output, with_output

if TYPE_CHECKING:
    from rich.console import Console

app = new_app()


@app.command()
@with_output
def orders(
    out: Output,
    all_: Annotated[bool, typer.Option("--all", help="Also those that have ended.")] = False,
    last: Annotated[int, typer.Option(help="How many, newest last; 0 shows all.", min=0)] = 20,
) -> None:
    """List open orders, or also those that ended.

    Of those that ended the newest thousands; `algotrader journal show` has all there were.

    Read from the journal, also while the trader runs. Times are UTC. Writes nothing, asks no venue.

    \b
    algotrader orders
    algotrader orders --all --last 50
    """
    from algotrader.cli.desk_tables import ORDERS, configured, print_rows
    from algotrader.ops.desk_rows import order_row
    from algotrader.ops.standing import read_state

    book = read_state(configured(out), out.note).orders
    rows = [order_row(live) for live in (book.all() if all_ else book.open())]
    shown = rows[-last:] if last else rows
    none = "no order yet" if all_ else "no open order; --all lists those that have ended"
    ended = {one["order"] for one in shown} - {live.order.order_id for live in book.open()}

    def lines(console: Console) -> None:
        print_rows(console, shown, ORDERS, none)
        rest = [row["order"] for row in shown if row["order"] not in ended]
        if rest:
            console.print("ids of what is open, in the same order, for algotrader order cancel ID:")
        for order in rest:
            console.print(f"  {order}")

    out.show(shown, lines)
