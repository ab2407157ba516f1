"""`algotrader report`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from rich.console import Console

from algotrader.cli.commands import new_app
from algotrader.cli.output import Output, with_output
from algotrader.cli.runs import stored, workspace_of
from algotrader.core.errors import UsageError
from algotrader.core.units import ABSENT, format_number, format_percent

app = new_app()
Lang = Annotated[
    str | None,
    typer.Option("--lang", help="en or zh: how the copy opens; default: your browser's."),
]
MaybeRun = Annotated[
    str | None,
    typer.Argument(metavar="[RUN]", help="Id of a run, or its beginning.", show_default=False),
]
To = Annotated[Path | None, typer.Option("--to", metavar="FILE.html", help="Copy it here.")]
_LISTED = 20
_COLUMNS = {
    "made": "made", "run": "run", "strategy": "strategy", "symbols": "symbols", "timeframe": "bars",
    "return": "return", "drawdown": "drawdown", "sharpe": "Sharpe",
}  # fmt: skip


@app.command()
@with_output
def report(out: Output, run: MaybeRun = None, to: To = None, lang: Lang = None) -> None:
    """Show where the report of a run is, or copy it.

    The report is one file that works offline. Without a run the newest ones are listed. Changes
    nothing but the copy asked for.

    \b
    algotrader report
    algotrader report 7f3a19c2
    algotrader report 7f3a --to trend.html --lang zh
    """
    from algotrader.backtest.store import write_file

    spoken = _language(lang, to)
    if run is None:
        _list(out, to)
        return
    _, folder = stored(workspace_of(out.config), run)
    path = folder / "report.html"
    if to is not None:
        write_file(to, _opening_in(path, spoken))
        path = to

    def lines(console: Console) -> None:
        console.print(str(path), soft_wrap=True)

    out.show({"report": str(path)}, lines)


def _list(out: Output, to: Path | None) -> None:
    """The newest runs, the last made last. UsageError where one of them was to be copied."""
    from algotrader.backtest.run_rows import file_of_row, run_row
    from algotrader.backtest.store import RunStore
    from algotrader.cli.desk_tables import print_rows

    if to is not None:
        raise UsageError(
            "usage.run",
            "--to copies one report",
            hint="name its run: `algotrader report` lists them",
        )
    store = RunStore(workspace_of(out.config).runs)
    folders = sorted(
        map(store.path, store.list()), key=lambda one: file_of_row(one).stat().st_mtime
    )
    shown = [run_row(one) for one in folders[-_LISTED:]]

    def lines(console: Console) -> None:
        none = "no run yet: algotrader backtest makes the first"
        print_rows(console, [_line(row) for row in shown], _COLUMNS, none)
        if shown:
            console.print(f"report of one: algotrader report {shown[-1]['run']}")

    out.show(shown, lines)


def _line(row: dict[str, Any]) -> dict[str, Any]:
    figures, symbols = row["metrics"], row["symbols"]
    more = f" +{len(symbols) - 1}" if len(symbols) > 1 else ""
    return {
        "made": row["made"], "run": row["run"], "strategy": row["strategy"],
        "symbols": f"{symbols[0]}{more}", "timeframe": row["timeframe"],
        "return": _percent(figures.get("total_return"), signed=True),
        "drawdown": _percent(figures.get("max_drawdown"), signed=False),
        "sharpe": ABSENT if (sharpe := figures.get("sharpe")) is None else format_number(sharpe),
    }  # fmt: skip


def _percent(value: float | None, *, signed: bool) -> str:
    return ABSENT if value is None else format_percent(value, signed=signed)


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
