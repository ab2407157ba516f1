"""`algotrader fills`."""

from __future__ import annotations

from typing import Annotated

import typer

from algotrader.cli.commands import new_app
from algotrader.cli.output import Output, with_output

app = new_app()


@app.command()
@with_output
def fills(
    out: Output,
    last: Annotated[int, typer.Option(help="How many, newest last; 0 shows all.", min=0)] = 20,
) -> None:
    """List the fills, as the venue told them.

    Read from the journal, also while the trader runs. Times are UTC. Writes nothing, asks no venue.

    \b
    algotrader fills
    algotrader fills --last 0 --json
    """
    from algotrader.cli.desk_tables import FILLS, configured, fee_text, print_rows
    from algotrader.core.events import OrderFilled
    from algotrader.ops.desk_rows import fill_row
    from algotrader.ops.standing import events_of, folder_of

    folder = folder_of(configured(out))
    events = events_of(folder, (OrderFilled,))
    by_trade = {  # told twice, shown once
        event.fill.key: fill_row(event.fill) for event in events if isinstance(event, OrderFilled)
    }
    rows = list(by_trade.values())
    shown = rows[-last:] if last else rows
    drawn = [row | {"fee_in": fee_text(row["fee"], row["fee_currency"])} for row in shown]
    out.show(shown, lambda console: print_rows(console, drawn, FILLS, "no fill yet"))
