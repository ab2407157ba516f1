"""`algotrader status`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from algotrader.cli.commands import new_app
from algotrader.cli.output import Output, with_output

if TYPE_CHECKING:
    from rich.console import Console

app = new_app()
STYLES = {"paper": "green", "sandbox": "yellow", "live": "bold red"}
"""Whether orders are real is seen at a glance, and stands there in words too."""


@app.command()
@with_output
def status(out: Output) -> None:
    """Show each account: mode, equity, cash, positions, open orders, and how the trader is.

    Read from the journal, also while the trader runs. Writes nothing, asks no venue.

    \b
    algotrader status
    algotrader status --json
    """
    from algotrader.cli.desk_tables import configured, print_accounts, print_positions
    from algotrader.cli.trader_lines import print_trader
    from algotrader.cli.waiting_lines import print_strategies, print_waiting, waiting_line
    from algotrader.live.journal.errors import JournalMissingError
    from algotrader.ops.desk_rows import account_rows, position_rows
    from algotrader.ops.observing.summary import as_plain, read_summary
    from algotrader.ops.standing import read_state
    from algotrader.ops.waiting_rows import strategy_rows, waiting_rows

    configuration = configured(out)
    waiting = waiting_rows(configuration)
    try:
        state = read_state(configuration, out.note)
    except JournalMissingError:
        for row in waiting:  # asked before the first start
            out.note(waiting_line(row))
        raise
    trader = read_summary(configuration.path(configuration.settings.workspace.logs))
    positions = position_rows(state)
    strategies = strategy_rows(state)
    execution = state.inforce.execution or None

    def lines(console: Console) -> None:
        if execution is not None:
            console.print(execution.upper(), style=STYLES[execution])
        print_accounts(console, state)
        print_strategies(console, strategies)
        print_waiting(console, waiting)
        print_positions(console, state, positions)
        print_trader(console, trader)

    shown = None if trader is None else as_plain(trader)
    found = {
        "execution": execution,
        "accounts": account_rows(state),
        "positions": positions,
        "strategies": strategies,
        "waiting": waiting,
    }
    out.show({**found, "trader": shown}, lines)
