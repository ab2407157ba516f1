"""`algotrader report`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.console import Console

from algotrader.cli.commands import new_app
from algotrader.cli.output import Output, with_output
from algotrader.cli.runs import Run, stored, workspace_of
from algotrader.core.errors import UsageError

app = new_app()
Lang = Annotated[
    str | None,
    typer.Option("--lang", help="en or zh: how the copy opens; default: your browser's."),
]
To = Annotated[Path | None, typer.Option("--to", metavar="FILE.html", help="Copy it here.")]


@app.command()
@with_output
def report(out: Output, run: Run, to: To = None, lang: Lang = None) -> None:
    """Show where the report of a run is, or copy it.

    The report is one file that works offline. Changes nothing but the copy asked for.

    \b
    algotrader report 7f3a19c2
    algotrader report 7f3a --to trend.html --lang zh
    """
    from algotrader.backtest.store import write_file

    spoken = _language(lang, to)
    _, folder = stored(workspace_of(out.config), run)
    path = folder / "report.html"
    if to is not None:
        write_file(to, _opening_in(path, spoken))
        path = to

    def lines(console: Console) -> None:
        console.print(str(path), soft_wrap=True)

    out.show({"report": str(path)}, lines)


def _language(lang: str | None, to: Path | None) -> Literal["en", "zh"] | None:
    if lang is None:
        return None
    if lang not in ("en", "zh"):
        raise UsageError(
            "report.language", f"--lang {lang!r} is not a language of reports", hint="en or zh"
        )
    if to is None:
        raise UsageError(
            "report.copy_needed",
            "--lang is how a copy opens, and no copy was asked for",
            hint="add --to FILE.html; the report itself has a switch at its top right",
        )
    return "zh" if lang == "zh" else "en"


def _opening_in(path: Path, lang: Literal["en", "zh"] | None) -> bytes:
    from algotrader.backtest.report import in_language

    html = path.read_text(encoding="utf-8")
    return (html if lang is None else in_language(html, lang)).encode()
