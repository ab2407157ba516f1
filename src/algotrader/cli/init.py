"""`algotrader init`."""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from algotrader.cli.commands import new_app
from algotrader.cli.output import Output, with_output
from algotrader.core.errors import RunError, UsageError
from algotrader.data.storage import write_all

app = new_app()
FILES = {
    "algotrader.yaml": "algotrader.yaml",
    "strategies/trend.py": "trend.py",
    ".env.example": "env.example",
    ".gitignore": "gitignore",
}


@app.command()
@with_output
def init(
    out: Output,
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Made if it is not there.")],
) -> None:
    """Make a workspace: algotrader.yaml, strategies/, .env.example.

    Writes four small files into DIR and nothing else; refuses if one of them is already there.

    \b
    algotrader init my-trading
    algotrader init .
    """
    written = make_workspace(folder)

    def lines(console: Console) -> None:
        for path in written:
            console.print(f"made {path}")
        console.print(f"next: cd {folder}")
        console.print("      algotrader backtest strategies/trend.py --symbol US:AAPL")
        console.print("      algotrader trade")

    out.show({"workspace": str(folder.resolve()), "files": [str(path) for path in written]}, lines)


def make_workspace(folder: Path) -> list[Path]:
    """Write the files of a new workspace; UsageError, and nothing written, if one exists."""
    present = [name for name in FILES if (folder / name).exists()]
    if present:
        raise UsageError(
            "workspace.exists",
            f"{folder} holds {', '.join(present)} already; nothing was changed",
            hint="choose another folder, or remove what you no longer need",
        )
    templates = resources.files("algotrader.cli") / "templates"
    try:
        write_all({folder / name: (templates / own).read_bytes() for name, own in FILES.items()})
    except RunError as error:
        cause = error.__cause__
        if not isinstance(cause, PermissionError | FileExistsError | NotADirectoryError):
            raise  # a full disk
        raise UsageError(
            "workspace.unwritable",
            f"{cause.filename}: {(cause.strerror or str(cause)).lower()}",
            hint="choose a folder you may write to",
        ) from error
    return [folder / name for name in FILES]
