"""`algotrader version`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from algotrader.cli.commands import new_app
from algotrader.cli.output import Output, with_output

if TYPE_CHECKING:
    from rich.console import Console

app = new_app()


@app.command()
@with_output
def version(out: Output) -> None:
    """Print the versions that decide a result.

    Reads nothing but this installation. For a report of a problem, send all of it.

    \b
    algotrader version
    algotrader version --json
    """
    from algotrader.ops.versions import versions

    found = versions()

    def lines(console: Console) -> None:
        for name, value in found.items():
            console.print(f"{name:<20} {value}")

    out.show(found, lines)
