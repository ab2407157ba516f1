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


Configured = Annotated[str, typer.Argument(metavar="NAME", help="As algotrader.yaml calls it.")]
Reason = Annotated[str, typer.Option(help="Kept in the journal.")]
Flatten = Annotated[bool, typer.Option("--flatten", help="Close its positions first.")]


@app.command("stop")
@with_output
def stop(
    out: Output, name: Configured, flatten: Flatten = False, reason: Reason = "asked by hand"
) -> None:
    """Stop one strategy of a running trader: its entries are cancelled, the others go on.

    What it holds stays, with its stops, unless --flatten. It outlives restarts and `resume`.

    \b
    algotrader strategy stop trend
    algotrader strategy stop trend --flatten --reason "earnings"
    """
    from algotrader.cli.strategy_requests import ask_mode
    from algotrader.core.events import TradingMode

    ask_mode(out, name, TradingMode.HALTED, reason, flatten=flatten)


@app.command("start")
@with_output
def start(out: Output, name: Configured, reason: Reason = "asked by hand") -> None:
    """Let a strategy that was stopped go on.

    What a limit or a loss has stopped is not touched: `algotrader resume` is for that.

    \b
    algotrader strategy start trend
    algotrader strategy start trend --reason "checked"
    """
    from algotrader.cli.strategy_requests import ask_mode
    from algotrader.core.events import TradingMode

    ask_mode(out, name, TradingMode.TRADING, reason, flatten=False)


@app.command("load")
@with_output
def load_(out: Output, name: Configured, reason: Reason = "asked by hand") -> None:
    """Let a running trader decide with a strategy's file as it is now.

    A file that is broken changes nothing: the strategy that runs goes on. One that failed, or was
    unloaded, is taken up again. Other stops or another way to decide need a restart.

    \b
    algotrader strategy load trend
    algotrader strategy load trend --reason "mended"
    """
    from algotrader.cli.strategy_requests import ask_load

    ask_load(out, name, reason)


Values = Annotated[
    list[str], typer.Argument(metavar="KEY=VALUE...", help="`KEY=file` takes the file's again.")
]


@app.command("set")
@with_output
def set_(out: Output, name: Configured, values: Values, reason: Reason = "asked by hand") -> None:
    """Let a strategy of a running trader decide with other parameters from here on.

    They hold over restarts and in place of algotrader.yaml, until they are set to `file`. What it
    holds and what it has ordered stays. Stops, and the way orders are made, need a restart.

    \b
    algotrader strategy set trend fast=12 slow=90
    algotrader strategy set trend fast=file
    """
    from algotrader.cli.strategy_requests import ask_set

    ask_set(out, name, values, reason)


@app.command("unload")
@with_output
def unload(out: Output, name: Configured, reason: Reason = "asked by hand") -> None:
    """Put a strategy away: it is asked no more, and leaves the worker; the others go on.

    Refused while it holds a position or has an order open: stop it with --flatten first. It
    outlives restarts; `strategy load` brings it back.

    \b
    algotrader strategy unload trend
    algotrader strategy unload trend --reason "replaced"
    """
    from algotrader.cli.strategy_requests import ask_unload

    ask_unload(out, name, reason)
