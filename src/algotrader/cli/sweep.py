"""`algotrader sweep`."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from algotrader.cli import options as opt
from algotrader.cli.commands import new_app
from algotrader.cli.output import Output, shown_path, with_output

app = new_app()
Ranges = Annotated[
    list[str] | None,
    typer.Option("--range", metavar="NAME=LOW:HIGH:STEP", help="Narrow a range; or NAME=5,10,20."),
]
Sets = Annotated[
    int | None, typer.Option(help="Try this many sets drawn at random instead of the whole grid.")
]
Workers = Annotated[int | None, typer.Option(help="Processes; default one a core.")]
Top = Annotated[int, typer.Option(min=0, help="How many of the best sets to print.")]


@app.command()
@with_output
def sweep(
    out: Output,
    strategy: opt.Reference,
    symbol: opt.Symbols = None,
    timeframe: opt.TimeframeOption = None,
    start: opt.Start = None,
    end: opt.End = None,
    data: opt.Data = None,
    cash: opt.Cash = None,
    set_: opt.Set = None,
    range_: Ranges = None,
    sets: Sets = None,
    workers: Workers = None,
    top: Top = 10,
    fees: opt.Fees = None,
    slippage_bps: opt.SlippageBps = None,
    path: opt.Path_ = None,
    execution: opt.Execution = None,
    max_leverage: opt.MaxLeverage = None,
    leverage: opt.Leverage = None,
    adjust: opt.Adjust = "auto",
    allow_gaps: opt.AllowGaps = False,
    seed: opt.Seed = None,
    without_limits: opt.WithoutLimits = False,
) -> None:
    """Try many parameter sets, and say what luck alone would have found.

    Every set counts as a trial of this workspace. Stopped or killed, the same command goes on
    where it was. Writes a table and a report into the runs folder; opens no socket but
    to tell you of a long sweep where notification.channels are set up.

    \b
    algotrader sweep TrendFollow --symbol US:AAPL
    algotrader sweep strategies/trend.py --data btc_1h.csv --range fast=6:48:6 --sets 200
    """
    from algotrader.backtest.complete_sweep import complete_sweep
    from algotrader.backtest.space import space_of
    from algotrader.cli.finished import now_s, tell
    from algotrader.cli.progress import shown_progress
    from algotrader.strategy.loader import load

    began_s = now_s()
    asked = opt.Asked(
        symbols=symbol, timeframe=timeframe, start=start, end=end, data=data, cash=cash, fees=fees,
        slippage_bps=slippage_bps, path=path, execution=execution, max_leverage=max_leverage,
        leverage=leverage, adjust=adjust, allow_gaps=allow_gaps, seed=seed,
        without_limits=without_limits,
    )  # fmt: skip
    resolved = opt.resolve(asked, out.config)
    loaded = load(strategy)
    space = space_of(loaded.kind, opt.given_parameters(loaded, set_), opt.ranges(range_))
    with shown_progress(out, "sets") as progress:
        done = complete_sweep(
            loaded,
            space,
            resolved.request,
            resolved.settings,
            resolved.workspace,
            count=sets,
            workers=workers,
            progress=progress,
        )
    out.show(sweep_json(done), lambda console: print_sweep(console, done, top))
    tell(out, "sweep", done.chosen, done.judged, done.report, began_s=began_s)


def print_sweep(console: Console, done: Any, top: int) -> None:
    """Verdict, its reasons, and the best sets."""
    from algotrader.cli.run_tables import format_value, print_identity, print_warnings

    result = done.result
    print_identity(console, done.chosen)
    console.print(f"{_counted(result)}; best {described(result.plan.sets[result.best])}")
    console.print(Text(done.judged.verdict.text("en"), style="bold"))
    for reason in done.judged.verdict.reasons:
        console.print(f"  {'·' if reason.holds else '△'} {reason.text('en')}")
    console.print()
    names = [name for name in result.plan.sets[0] if _varies(result.plan.sets, name)]
    shown = ("sharpe", "total_return", "max_drawdown", "trades")
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for name in (*names, *shown):
        table.add_column(name, justify="right", header_style="dim")
    for row in best_rows(result, top):
        cells = [f"{result.plan.sets[row][name]}" for name in names]
        table.add_row(*cells, *(format_value(n, float(result.metrics[n][row])) for n in shown))
    console.print(table)
    print_warnings(console, done.chosen.result)
    console.print(f"table   {shown_path(done.table)}", soft_wrap=True)
    console.print(f"report  {shown_path(done.report)}", soft_wrap=True)


def _counted(result: Any) -> str:
    """`48 sets, 1 never traded`: a set that raised is another thing than one without a trade."""
    from algotrader.core.units import format_number

    counts = {
        "failed": sum(item.failure is not None for item in result.results),
        "never traded": int(result.idle.sum()),
    }
    said = [f"{format_number(count, 0)} {what}" for what, count in counts.items() if count]
    return ", ".join([f"{format_number(len(result.plan.sets), 0)} sets", *said])


def best_rows(result: Any, count: int) -> list[int]:
    """Rows of the best sets by Sharpe ratio, those without one left out."""
    import numpy as np

    order = np.argsort(-result.metrics["sharpe"], kind="stable")
    return [int(row) for row in order if np.isfinite(result.metrics["sharpe"][row])][:count]


def described(parameters: dict[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in parameters.items())


def sweep_json(done: Any) -> dict[str, Any]:
    """The object that `sweep --json` prints: every set, and what luck makes of them."""
    import math

    from algotrader.backtest.plain import plain_overfitting
    from algotrader.backtest.remarks import warnings_of

    result = done.result
    rows = [
        {
            "parameters": item.parameters,
            "metrics": {
                name: None if math.isnan(values[row]) else float(values[row])
                for name, values in result.metrics.items()
            },
            "failure": item.failure,
        }
        for row, item in enumerate(result.results)
    ]
    return {
        "sweep": result.plan.sweep,
        "strategy": result.plan.loaded.name,
        "best": result.best,
        "sets": rows,
        "overfitting": plain_overfitting(done.judged),
        "warnings": [remark.as_dict() for remark in warnings_of(done.chosen.result)],
        "table": str(done.table),
        "report": str(done.report),
    }


def _varies(sets: Any, name: str) -> bool:
    return len({parameters[name] for parameters in sets}) > 1
