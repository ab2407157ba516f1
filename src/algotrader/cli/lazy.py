"""A Typer group that imports a command when it is called, not when it is listed."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

from algotrader.cli.commands import PANELS, TABLE
from algotrader.core.spelling import nearest


class LazyGroup(TyperGroup):
    """Lists the table; loads the one command that is called or completed."""

    def list_commands(self, ctx: typer.Context) -> list[str]:  # type: ignore[override]  # Typer's own Context
        return list(TABLE)

    def get_command(self, ctx: typer.Context, cmd_name: str) -> Any:  # type: ignore[override]
        return self.commands.get(cmd_name) or _listed(cmd_name)

    def format_commands(self, ctx: typer.Context, formatter: Any) -> None:  # type: ignore[override]
        for panel in PANELS:
            rows = [(name, entry.help) for name, entry in TABLE.items() if entry.panel == panel]
            with formatter.section(panel):
                formatter.write_dl(rows)

    def resolve_command(self, ctx: typer.Context, args: list[str]) -> Any:  # type: ignore[override]
        if args and args[0] in TABLE:
            self.commands[args[0]] = load(args[0])
        elif args and (near := nearest(args[0], TABLE)):
            ctx.fail(f"No such command '{args[0]}'. Did you mean '{near}'?")
        return super().resolve_command(ctx, args)


def load(name: str) -> Any:
    """The command of that name, imported; `name` must stand in the table."""
    module = import_module(f"algotrader.cli.{TABLE[name].module}")
    command = typer.main.get_command(module.app)
    command.name = name
    return command


def _listed(name: str) -> TyperCommand | None:
    """What the list of commands needs to know of one: its name and help."""
    entry = TABLE.get(name)
    if entry is None:
        return None
    return TyperCommand(
        name, help=entry.help, short_help=entry.help, rich_help_panel=entry.panel, callback=None
    )
