"""`algotrader resume`."""

from __future__ import annotations

from algotrader.cli.commands import new_app
from algotrader.cli.halt import Accounts, Reason
from algotrader.cli.output import Output, with_output

app = new_app()


@app.command()
@with_output
def resume(out: Output, account: Accounts = None, reason: Reason = "asked by hand") -> None:
    """Let halted accounts trade again.

    A running trader obeys with its next step; one that is not running will when it starts.

    \b
    algotrader resume
    algotrader resume --account main --reason "looked at it"
    """
    from algotrader.cli.mode_requests import ask
    from algotrader.core.events import TradingMode

    ask(out, TradingMode.TRADING, account, reason)
