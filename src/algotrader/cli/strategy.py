"""`algotrader strategy`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from algotrader.cli.commands import new_app
from algotrader.cli.output import Output, with_output

app = new_app(
    """Begin a strategy from a template; list known ones.

\b
algotrader strategy new MyTrend
algotrader strategy ls
"""
)
Name = Annotated[str, typer.Argument(metavar="NAME", help="Of the class, such as MyTrend.")]
Style = Annotated[str, typer.Option(help="targets, on_bar or panel.")]
Folder = Annotated[Path | None, typer.Option("--folder", help="Default: strategies/ of here.")]


@app.command("new")
@with_output
def new(out: Output, name: Name, style: Style = "targets", folder: Folder = None) -> None:
    """Write a strategy file to start from.

    Refuses to overwrite. The file runs as it is, so change it step by step.

    \b
    algotrader strategy new MyTrend
    algotrader strategy new MyDip --style on_bar
    """
    from algotrader.strategy.templates import write_template

    path = write_template(name, style, folder or Path("strategies"))

    def lines(console: Console) -> None:
        console.print(f"made {path}")
        console.print(f"next: algotrader backtest {path} --symbol US:AAPL")

    out.show({"file": str(path)}, lines)


@app.command("ls")
@with_output
def ls(out: Output) -> None:
    """List the strategies that are known by name, with their parameters.

    \b
    algotrader strategy ls
    algotrader strategy ls --json
    """
    from algotrader.strategy.loader import load, registered
    from algotrader.strategy.parameters import describe_range, plain

    found = {name: load(name).kind for name in sorted(registered())}

    def lines(console: Console) -> None:
        for name, kind in found.items():
            console.print(f"{name}: {(kind.__doc__ or '').splitlines()[0]}", style="bold")
            table = Table(box=None, show_header=False, padding=(0, 2, 0, 2))
            for parameter, declared in kind.parameters.items():
                about = declared.help
                table.add_row(parameter, plain(declared.default), describe_range(declared), about)
            console.print(table)

    out.show(
        {
            name: {
                "about": (kind.__doc__ or "").splitlines()[0],
                "panel": kind.panel,
                "parameters": {
                    parameter: {
                        "default": declared.default,
                        "low": declared.low,
                        "high": declared.high,
                        "step": declared.step,
                        "choices": declared.choices,
                    }
                    for parameter, declared in kind.parameters.items()
                },
            }
            for name, kind in found.items()
        },
        lines,
    )
