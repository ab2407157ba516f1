"""`algotrader flatten`."""

from __future__ import annotations

from algotrader.cli.commands import new_app
from algotrader.cli.halt import Accounts, Reason
from algotrader.cli.output import Output, with_output

app = new_app()


@app.command()
@with_output
def flatten(out: Output, account: Accounts = None, reason: Reason = "asked by hand") -> None:
    """Close every position at the market, then halt, until resumed.

    Open orders that increase are cancelled, positions are closed with reduce-only orders until
    nothing is held, and the account is halted. It goes on over restarts.

    \b
    algotrader flatten
    algotrader flatten --account main --reason "going away"
    """
    from algotrader.cli.mode_requests import ask
    from algotrader.core.events import TradingMode

    ask(out, TradingMode.HALTED, account, reason, flatten=True)
