"""`algotrader positions`."""

from __future__ import annotations

from algotrader.cli.commands import new_app
from algotrader.cli.output import Output, with_output

app = new_app()


@app.command()
@with_output
def positions(out: Output) -> None:
    """List the positions by strategy, marked at the last close.

    Read from the journal, also while the trader runs. Writes nothing, asks no venue.

    \b
    algotrader positions
    algotrader positions --json
    """
    from algotrader.cli.desk_tables import configured, print_positions
    from algotrader.ops.desk_rows import position_rows
    from algotrader.ops.standing import read_state

    state = read_state(configured(out), out.note)
    rows = position_rows(state)
    out.show(rows, lambda console: print_positions(console, state, rows))
