"""`algotrader reload`."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Annotated

import typer

from algotrader.cli.commands import new_app
from algotrader.cli.output import Output, with_output

if TYPE_CHECKING:
    from rich.console import Console

    from algotrader.core.events import SettingsReloaded

app = new_app()
Reason = Annotated[str, typer.Option(help="Kept in the journal.")]


@app.command()
@with_output
def reload(out: Output, reason: Reason = "asked by hand") -> None:
    """Let a running trader read algotrader.yaml again, and say what holds from here on.

    Limits, parameters of strategies, notification and log levels change at once. The rest needs a
    restart, and stays as it was. A file that is wrong changes nothing.

    \b
    algotrader reload
    algotrader reload --reason "calmer weeks"
    """
    from algotrader.ops.asking import is_running
    from algotrader.ops.config import load
    from algotrader.ops.reload_asking import ask_to_reload

    configuration = load(out.config, environment=os.environ)
    if not is_running(configuration):
        shown = {"running": False, "changes": []}
        out.show(shown, lambda console: console.print("no trader runs: its next start reads it"))
        return
    if (told := ask_to_reload(configuration, reason)) is not None:
        _show(out, told)
        return
    out.show(
        {"running": True, "changes": None},
        lambda console: console.print("asked; the trader has not answered yet"),
    )


def _show(out: Output, event: SettingsReloaded) -> None:
    changes = [
        {"key": one.key, "before": one.before, "after": one.after, "refused": one.refused}
        for one in event.changes
    ]

    def lines(console: Console) -> None:
        for one in event.changes:
            before, after = one.before or "not set", one.after or "not set"
            ends = f"stays {before}: {one.refused}" if one.refused else f"{after}, was {before}"
            console.print(f"{one.key}: {ends}", markup=False)
        if not event.changes:
            console.print("nothing changed in the settings")

    out.show({"running": True, "changes": changes}, lines)
