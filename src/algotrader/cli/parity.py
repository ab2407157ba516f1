"""`algotrader parity`."""

from __future__ import annotations

import gc
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from algotrader.cli.commands import new_app
from algotrader.cli.output import Output, with_output

if TYPE_CHECKING:
    from algotrader.parity.comparing import Parity

app = new_app()


@app.command()
@with_output
def parity(
    out: Output,
    run: Annotated[
        Path | None,
        typer.Argument(metavar="[RUN]", help="Folder of a journal; default: the workspace's."),
    ] = None,
    last: Annotated[
        int, typer.Option("--last", min=0, help="How many differences to list; 0 lists all.")
    ] = 20,
    html: Annotated[
        Path | None, typer.Option("--html", metavar="FILE.html", help="Also write it as a page.")
    ] = None,
) -> None:
    """Prove that what was tested is what was traded, and name the cause of each difference.

    Replays the journal through this build: every row must come out byte for byte. Then runs its
    range as a backtest on today's data and compares each decision. Exit code 1 on a finding, 4
    where most decisions could not be compared: today's data does not reach them. The journal is
    only read; also while the trader runs.

    \b
    algotrader parity
    algotrader parity backup/journal --html parity.html
    """
    from algotrader.cli.desk_tables import configured
    from algotrader.cli.parity_tables import plain_parity, print_parity
    from algotrader.ops.exit_codes import FINDING, INCONCLUSIVE
    from algotrader.ops.parity import compare_workspace

    gc.disable()  # all that is read is kept to the end: looking for garbage costs a third more
    try:
        found = compare_workspace(configured(out), run)
    finally:
        gc.enable()
    if html is not None:
        write_parity(html, found)
    out.show(plain_parity(found, html), lambda console: print_parity(console, found, last, html))
    if found.has_finding:
        raise typer.Exit(FINDING)
    if not found.is_conclusive:
        raise typer.Exit(INCONCLUSIVE)


def write_parity(file: Path, found: Parity) -> None:
    """The comparison as one HTML page."""
    from algotrader.backtest.report import write_report
    from algotrader.parity.page import render_parity

    write_report(file, render_parity(found))
