"""What `halt`, `flatten` and `resume` leave for the trader."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import typer

from algotrader.cli.output import Output

if TYPE_CHECKING:
    from rich.console import Console

    from algotrader.core.errors import ConfigurationError
    from algotrader.core.events import TradingMode


def ask(
    out: Output,
    mode: TradingMode,
    accounts: list[str] | None,
    reason: str,
    *,
    flatten: bool = False,
) -> None:
    """Put a request for each account into the trader's inbox. UsageError for unknown accounts.

    What stops is asked for also while the settings cannot be read.
    """
    from algotrader.core.errors import ConfigurationError
    from algotrader.ops.asking import ask_mode, is_running
    from algotrader.ops.config import load

    what = "flatten" if flatten else {"halted": "halt", "trading": "resume"}[mode.value]
    try:
        configuration = load(out.config, environment=os.environ)
    except ConfigurationError as error:
        if mode.value != "halted":
            raise
        wanted, is_heard = _anyway(out, accounts, reason, flatten, error)
    else:
        wanted = ask_mode(configuration, mode, accounts, reason, flatten=flatten)
        is_heard = is_running(configuration)
    when = (
        "algotrader status shows when it is in force"
        if is_heard
        else "no trader runs: in force when it starts"
    )

    def lines(console: Console) -> None:
        for name in wanted:
            console.print(f"{name}: {what} asked; {when}")

    out.show([{"account": name, "asked": what, "reason": reason} for name in wanted], lines)


def _anyway(
    out: Output,
    accounts: list[str] | None,
    reason: str,
    flatten: bool,
    error: ConfigurationError,
) -> tuple[list[str], bool]:
    """A halt does not wait until the settings are mended. The error where no trader's journal is."""
    from algotrader.core.errors import UsageError
    from algotrader.ops.halting_anyway import halt_anyway

    try:
        found = halt_anyway(out.config, os.environ, accounts, reason, flatten=flatten)
    except UsageError:
        raise error from None
    typer.echo(f"△ the settings cannot be read: {error.message}", err=True)
    typer.echo("  asked for the accounts of the trader's last start", err=True)
    return found
