"""`algotrader doctor`."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Annotated

import typer

from algotrader.cli.commands import new_app
from algotrader.cli.output import Output, with_output
from algotrader.core.errors import UsageError

if TYPE_CHECKING:
    from rich.console import Console

    from algotrader.ops.health import Check

app = new_app()
MARKS = {"ok": "ok     ", "missing": "missing", "broken": "broken "}


Venue = Annotated[str | None, typer.Argument(metavar="[VENUE]", help="okx: also ask the exchange.")]
Account = Annotated[str | None, typer.Option(help="Whose key; default: main, or the only one.")]


@app.command()
@with_output
def doctor(out: Output, venue: Venue = None, account: Account = None) -> None:
    """Say what works, what is missing, and how to mend it.

    Looks at this installation and this workspace, and opens no connection. With VENUE it asks the
    exchange about the account and its key, and changes nothing there. Ends with 1 if something is
    broken; what is merely missing is optional.

    \b
    algotrader doctor
    algotrader doctor okx
    """
    checks = _venue_checks(out, venue, account) if venue else _own_checks(out)

    def lines(console: Console) -> None:
        for check in checks:
            console.print(f"{MARKS[check.state]}  {check.subject}: {check.says}", markup=False)
            if check.mend:
                console.print(f"         {check.mend}", markup=False)

    out.show({"checks": [check.as_dict() for check in checks]}, lines)
    if any(check.state == "broken" for check in checks):
        raise typer.Exit(1)


def _own_checks(out: Output) -> list[Check]:
    from algotrader.ops.health import examine

    return examine(out.config)


def _venue_checks(out: Output, venue: str, account: str | None) -> list[Check]:
    if venue.lower() != "okx":
        raise UsageError("usage.venue", f"no account can be had at {venue!r} yet", hint="use okx")
    from algotrader.ops.config import load
    from algotrader.ops.venue_health import examine_account

    return examine_account(load(out.config, environment=os.environ), os.environ, account)
