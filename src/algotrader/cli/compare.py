"""`algotrader compare`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from algotrader.cli.commands import new_app
from algotrader.cli.output import Output, with_output
from algotrader.cli.runs import again, note_otherwise, stored, workspace_of
from algotrader.core.errors import UsageError

app = new_app()
Runs = Annotated[list[str], typer.Argument(metavar="RUN", help="Two to six runs.")]
To = Annotated[Path, typer.Option("--report", metavar="FILE.html", help="Where the report goes.")]
_SHOWN = ("total_return", "annual_return", "sharpe", "sortino", "max_drawdown", "volatility",
          "trades", "win_rate", "profit_factor", "turnover", "fees", "exposure")  # fmt: skip


@app.command()
@with_output
def compare(out: Output, runs: Runs, report: To = Path("compare.html")) -> None:
    """Lay runs side by side, in the terminal and a report.

    Equity is rebased to one start; assumptions that differ come first, because figures made
    under different costs do not compare.

    \b
    algotrader compare 7f3a19c2 82f9c0e8
    algotrader compare 7f3a 82f9 --report both.html
    """
    from algotrader.backtest.comparing import compare_report
    from algotrader.backtest.report import differences, render_compare
    from algotrader.backtest.store import write_file
    from algotrader.cli.run_tables import format_value

    if not 2 <= len(runs) <= 6:
        given = "1 run was given" if len(runs) == 1 else f"{len(runs)} runs were given"
        raise UsageError("compare.count", given, hint="compare two to six runs")
    workspace = workspace_of(out.config)
    records = [stored(workspace, run) for run in runs]
    _refuse_twice([record.run for record, _ in records])
    done = [again(record, folder, workspace) for record, folder in records]
    for (record, _), one in zip(records, done, strict=True):
        note_otherwise(out, record, one.record)
    data = compare_report(done)
    differing = differences(data)
    write_file(report, render_compare(data).encode())

    def lines(console: Console) -> None:
        from algotrader.backtest.metric_names import METRICS

        table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
        table.add_column("", style="dim")
        for one in done:
            table.add_column(f"{one.record.run} {one.record.strategy}", justify="right")
        for name in _SHOWN:
            cells = (format_value(name, one.result.summary.values[name]) for one in done)
            table.add_row(METRICS[name].en, *cells)
        if differing:
            console.print(
                f"△ They differ in {', '.join(name.lower() for name in differing)}: part of the "
                "difference is not the strategy's.",
                style="yellow", soft_wrap=True,
            )  # fmt: skip
        console.print(table)
        console.print(f"report  {report}", soft_wrap=True)

    shown: dict[str, Any] = {
        "runs": [
            {
                "run": record.run,
                "metrics": dict(one.result.summary.values),
                "as_stored": one.record.result_hash == record.result_hash,
            }
            for (record, _), one in zip(records, done, strict=True)
        ],
        "differ_in": differing,
        "report": str(report),
    }
    out.show(shown, lines)


def _refuse_twice(runs: list[str]) -> None:
    for place, run in enumerate(runs):
        if run in runs[:place]:
            raise UsageError(
                "compare.twice", f"run {run} was given twice", hint="name each run once"
            )
