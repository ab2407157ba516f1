"""Help in a trader's words: an option takes a `NUMBER` or a `PATH`, not Python's `<int>`."""

from __future__ import annotations

import re
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

_TYPE = re.compile(r"<(?:list\[)?(\w+)[^>]*>(?:\.\.\.)?$")
_WHOLE = 1_000  # characters, which no first sentence has
_WORDS = {"int": "NUMBER", "float": "NUMBER", "path": "PATH", "Path": "PATH", "str": "TEXT"}


class PlainCommand(TyperCommand):
    """A command whose help names kinds of values in words, and each argument by its name alone."""

    def format_options(self, ctx: typer.Context, formatter: Any) -> None:  # type: ignore[override]  # Typer's own Context
        rows: dict[str, list[tuple[str, str]]] = {"Arguments": [], "Options": []}
        for parameter in self.get_params(ctx):
            record = parameter.get_help_record(ctx)
            if record is None:
                continue
            if parameter.param_type_name == "argument":
                rows["Arguments"].append((_TYPE.sub("", record[0]).rstrip(), record[1]))
            else:
                rows["Options"].append((_TYPE.sub(_in_words, record[0]), record[1]))
        for title, lines in rows.items():
            if lines:
                with formatter.section(title):
                    formatter.write_dl(lines)


class PlainGroup(TyperGroup):
    """A group that tells what each of its commands does in a whole sentence, not its beginning."""

    def format_commands(self, ctx: typer.Context, formatter: Any) -> None:  # type: ignore[override]  # Typer's own Context
        known = ((name, self.get_command(ctx, name)) for name in self.list_commands(ctx))
        rows = [(name, one.get_short_help_str(_WHOLE)) for name, one in known if one is not None]
        with formatter.section("Commands"):
            formatter.write_dl(rows)


class PlainTyper(typer.Typer):
    """An app whose commands are `PlainCommand`s, in a `PlainGroup`."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"cls": PlainGroup, **options})

    def command(self, name: str | None = None, **options: Any) -> Any:
        return super().command(name, **{"cls": PlainCommand, **options})


def _in_words(found: re.Match[str]) -> str:
    return _WORDS.get(found[1], found[1].upper())
