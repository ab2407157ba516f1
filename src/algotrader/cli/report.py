"""`algotrader report`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from algotrader.cli.commands import new_app
from algotrader.cli.output import Output, with_output
from algotrader.cli.runs import Run, stored, workspace_of

app = new_app()
To = Annotated[Path | None, typer.Option("--to", metavar="FILE.html", help="Copy it here.")]


@app.command()
@with_output
def report(out: Output, run: Run, to: To = None) -> None:
    """Show where the report of a run is, or copy it.

    The report is one file that works offline. Changes nothing but the copy asked for.

    \b
    algotrader report 7f3a19c2
    algotrader report 7f3a --to trend.html
    """
    from algotrader.backtest.store import write_file

    _, folder = stored(workspace_of(out.config), run)
    path = folder / "report.html"
    if to is not None:
        write_file(to, path.read_bytes())
        path = to

    def lines(console: Console) -> None:
        console.print(str(path), soft_wrap=True)

    out.show({"report": str(path)}, lines)
