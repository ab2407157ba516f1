"""`algotrader doctor`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from algotrader.cli.commands import new_app
from algotrader.cli.output import Output, with_output

if TYPE_CHECKING:
    from rich.console import Console

app = new_app()
MARKS = {"ok": "ok     ", "missing": "missing", "broken": "broken "}


@app.command()
@with_output
def doctor(out: Output) -> None:
    """Say what works, what is missing, and how to mend it.

    Looks at this installation and this workspace, and opens no connection. Ends with 1 if
    something is broken; what is merely missing is optional.

    \b
    algotrader doctor
    algotrader doctor --json
    """
    from algotrader.ops.health import examine

    checks = examine(out.config)

    def lines(console: Console) -> None:
        for check in checks:
            console.print(f"{MARKS[check.state]}  {check.subject}: {check.says}", markup=False)
            if check.mend:
                console.print(f"         {check.mend}", markup=False)

    out.show({"checks": [check.as_dict() for check in checks]}, lines)
    if any(check.state == "broken" for check in checks):
        raise typer.Exit(1)
