"""`algotrader check`."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console

from algotrader.cli import options as opt
from algotrader.cli.commands import new_app
from algotrader.cli.output import Output, with_output

app = new_app()
Cuts = Annotated[int, typer.Option(help="Random prefixes to compare, beside the short ones.")]


@app.command()
@with_output
def check(
    out: Output,
    strategy: opt.Reference,
    symbol: opt.Symbols = None,
    timeframe: opt.TimeframeOption = None,
    start: opt.Start = None,
    end: opt.End = None,
    data: opt.Data = None,
    set_: opt.Set = None,
    adjust: opt.Adjust = "auto",
    allow_gaps: opt.AllowGaps = False,
    cuts: Cuts = 32,
    seed: opt.Seed = None,
) -> None:
    """Find look-ahead, short warm-ups and hidden state.

    Runs the strategy on prefixes of its data: a value that changes when the future arrives is an
    error, named with its column and bar. Exit code 1 if there is one. Writes nothing.

    \b
    algotrader check strategies/trend.py --symbol US:AAPL
    algotrader check TrendFollow --data btc_1h.csv --json
    """
    from algotrader.backtest.loading import load_market, parse_instant
    from algotrader.backtest.lookahead import Level
    from algotrader.backtest.strategy_check import check_strategy
    from algotrader.ops.exit_codes import FINDING
    from algotrader.strategy.loader import load

    asked = opt.Asked(
        symbols=symbol,
        timeframe=timeframe,
        start=start,
        end=end,
        data=data,
        adjust=adjust,
        allow_gaps=allow_gaps,
        seed=seed,
        without_limits=True,  # what is wanted is checked, not what risk makes of it
    )
    resolved = opt.resolve(asked, out.config)
    made = opt.made(load(strategy), set_)
    market = load_market(resolved.request, resolved.workspace.lake)
    findings = check_strategy(
        made,
        market,
        resolved.settings,
        cuts=cuts,
        start=parse_instant(start, "--start"),
        remake=lambda: opt.made(load(strategy), set_),
    )
    errors = [finding for finding in findings if finding.level is Level.ERROR]

    def lines(console: Console) -> None:
        for finding in findings:
            mark = "△" if finding.level is Level.ERROR else "·"
            console.print(f"{mark} {finding.message}  ({finding.code})", soft_wrap=True)
        if not errors:
            console.print(
                f"{type(made).__name__}: no look-ahead, no hidden state; "
                f"{len(market.bars):,} bars, {cuts} random prefixes and the short ones compared"
            )

    out.show({"findings": [finding.as_dict() for finding in findings]}, lines)
    if errors:
        raise typer.Exit(FINDING)
