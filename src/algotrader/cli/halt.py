"""`algotrader halt`."""

from __future__ import annotations

from typing import Annotated

import typer

from algotrader.cli.commands import new_app
from algotrader.cli.output import Output, with_output

app = new_app()
Accounts = Annotated[
    list[str] | None, typer.Option("--account", help="Which; repeatable; default: every account.")
]
Reason = Annotated[str, typer.Option(help="Kept in the journal.")]


@app.command()
@with_output
def halt(out: Output, account: Accounts = None, reason: Reason = "asked by hand") -> None:
    """Stop trading: cancel what is open and send nothing more, until resumed.

    Positions stay as they are. A running trader obeys with its next step; one that is not running
    will be halted when it starts. A halt outlives restarts.

    \b
    algotrader halt
    algotrader halt --account main --reason "news"
    """
    from algotrader.cli.mode_requests import ask
    from algotrader.core.events import TradingMode

    ask(out, TradingMode.HALTED, account, reason)
