"""What a command prints: results on standard output, everything else on standard error.

With `--json` standard output holds one JSON value and nothing else, errors included.
"""

from __future__ import annotations

import functools
import inspect
import json
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Concatenate, ParamSpec, get_type_hints

import typer

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

P = ParamSpec("P")
Json = Annotated[bool, typer.Option("--json", help="Machine-readable result on stdout.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress, no notes.")]
Verbose = Annotated[
    int,
    typer.Option("-v", count=True, show_default=False, help="More detail; -vv also traces."),
]
Config = Annotated[
    Path | None,
    typer.Option("--config", help="Settings file to use."),
]
COMMON: dict[str, Any] = {"json": Json, "quiet": Quiet, "verbose": Verbose, "config": Config}
DEFAULTS: dict[str, Any] = {"json": False, "quiet": False, "verbose": 0, "config": None}


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """The common options of one call, and the two streams they govern."""

    json: bool = False
    quiet: bool = False
    verbose: int = 0
    config: Path | None = None

    def show(self, value: Any, print_for_people: Callable[[Console], None]) -> None:
        """The result: `value` as JSON for programs, or drawn by `print_for_people`."""
        if self.json:
            print_json(value)
        else:
            print_for_people(self.console())

    def note(self, text: str) -> None:
        """One line of progress or advice, on standard error; nothing with `--quiet` or `--json`."""
        if not (self.quiet or self.json):
            with suppress(OSError):  # nobody listens, or a disk is full: what is done goes on
                typer.echo(text, err=True)

    def console(self) -> Console:
        """Standard output for people. Brackets in what others wrote are brackets."""
        from rich.console import Console

        return Console(highlight=False, markup=False, soft_wrap=not sys.stdout.isatty())


def fits(console: Console, table: Table) -> bool:
    """Whether the table can be printed without cutting a cell short."""
    unbounded = console.options.update(max_width=10_000)
    return bool(console.measure(table, options=unbounded).maximum <= console.width)


def shown_path(path: Path) -> Path:
    """From here where it lies below, so that it can be copied into the next command."""
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path


def print_json(value: Any) -> None:
    typer.echo(json.dumps(value, ensure_ascii=False, indent=2, allow_nan=False))


def with_output(
    function: Callable[Concatenate[Output, P], None],
) -> Callable[..., None]:
    """Give a command the common options: its first parameter `out` is made from them.

    Typer reads the signature of what this returns: the command's own parameters, then the four
    common ones, so that each command's help lists them.
    """
    own = list(inspect.signature(function).parameters.values())[1:]
    hints = get_type_hints(function, include_extras=True)
    shown = [parameter.replace(annotation=hints[parameter.name]) for parameter in own]
    common = [
        inspect.Parameter(
            name, inspect.Parameter.KEYWORD_ONLY, default=DEFAULTS[name], annotation=annotation
        )
        for name, annotation in COMMON.items()
    ]

    @functools.wraps(function)
    def command(*args: Any, **kwargs: Any) -> None:
        out = Output(**{name: kwargs.pop(name) for name in COMMON})
        function(out, *args, **kwargs)

    command.__signature__ = inspect.Signature([*shown, *common])  # type: ignore[attr-defined]
    command.__annotations__ = {p.name: p.annotation for p in [*shown, *common]}
    return command
