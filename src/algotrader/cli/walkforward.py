"""`algotrader walkforward`."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from algotrader.cli import options as opt
from algotrader.cli.commands import new_app
from algotrader.cli.output import Output, shown_path, with_output
from algotrader.cli.sweep import Ranges, Sets, Workers

app = new_app()
Train = Annotated[int, typer.Option(help="Trading days to choose on, or longer bars.")]
Test = Annotated[int, typer.Option(help="Trading days, or longer bars, to trade what was chosen.")]
Anchored = Annotated[
    bool, typer.Option("--anchored/--rolling", help="Train from the first day on, or on a window.")
]
Embargo = Annotated[
    int | None, typer.Option(help="Days left out between the two; default the longest warm-up.")
]


@app.command()
@with_output
def walkforward(
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
    train_days: Train = 504,
    test_days: Test = 126,
    anchored: Anchored = False,
    embargo_days: Embargo = None,
    workers: Workers = None,
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
    """Choose parameters on the past, trade them on what follows, and repeat.

    The out-of-sample spans are one continuous account: positions and cash carry over. Every set
    counts as a trial. Writes a report into the runs folder; opens no socket.

    \b
    algotrader walkforward TrendFollow --symbol US:AAPL
    algotrader walkforward strategies/trend.py --data btc_1h.csv --train-days 180 --test-days 30
    """
    from algotrader.backtest.complete_walkforward import complete_walkforward
    from algotrader.backtest.space import space_of
    from algotrader.cli.progress import shown_progress
    from algotrader.strategy.loader import load

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
        done = complete_walkforward(
            loaded,
            space,
            resolved.request,
            resolved.settings,
            resolved.workspace,
            train_days=train_days,
            test_days=test_days,
            anchored=anchored,
            embargo_days=embargo_days,
            count=sets,
            workers=workers,
            progress=progress,
        )
    out.show(walkforward_json(done), lambda console: print_walkforward(console, done))


def print_walkforward(console: Console, done: Any) -> None:
    """The sentence, a row for each fold, and the joined account."""
    from algotrader.cli.run_tables import print_warnings
    from algotrader.core.instants import utc_at
    from algotrader.core.units import format_number, format_percent

    walked = done.walked
    values = walked.run.summary.values
    total = values["total_return"]
    console.print(
        Text(
            f"Out of sample {format_percent(total, signed=True)} in {_folds(len(walked.folds))}. "
            + done.judged.verdict.text("en"),
            style="bold",
        )
    )
    console.print(
        f"  Sharpe {format_number(values['sharpe'])}, drawdown "
        f"{format_percent(values['max_drawdown'])}, {format_number(values['trades'], 0)} trades, "
        f"efficiency {format_number(walked.efficiency)} (annual return out of sample / in sample)"
    )
    for reason in done.judged.verdict.reasons:
        console.print(f"  {'·' if reason.holds else '△'} {reason.text('en')}")
    console.print()
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for name in ("trained until", "traded", "in sample", "out of sample", "chosen"):
        right = "sample" in name
        table.add_column(
            name, header_style="dim", justify="right" if right else "left", no_wrap=not right
        )
    days = [f"{utc_at(int(ts)):%Y-%m-%d}" for ts in walked.sweep.days]
    for fold in walked.folds:
        chosen = walked.sweep.plan.sets[fold.chosen]
        table.add_row(
            days[fold.train.stop - 1],
            f"{days[fold.test.start]} → {days[fold.test.stop - 1]}",
            format_percent(fold.train_return, signed=True),
            format_percent(fold.test_return, signed=True),
            ", ".join(f"{name} {chosen[name]}" for name in done.swept),
        )
    console.print(table)
    print_warnings(console, walked.run)
    console.print(f"report  {shown_path(done.report)}", soft_wrap=True)


def walkforward_json(done: Any) -> dict[str, Any]:
    """The object that `walkforward --json` prints."""
    from algotrader.backtest.plain_search import plain_walkforward
    from algotrader.backtest.remarks import warnings_of

    warnings = [remark.as_dict() for remark in warnings_of(done.walked.run)]
    return plain_walkforward(done) | {"warnings": warnings, "report": str(done.report)}


def _folds(count: int) -> str:
    return "1 fold" if count == 1 else f"{count} folds"
