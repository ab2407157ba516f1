"""`algotrader backtest`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from algotrader.cli import options as opt
from algotrader.cli.commands import new_app
from algotrader.cli.output import Output, with_output

if TYPE_CHECKING:
    from rich.console import Console

    from algotrader.backtest.audit import AuditResult
    from algotrader.backtest.complete import Completed
    from algotrader.backtest.run import RunResult

app = new_app()
ReportFile = Annotated[
    Path | None, typer.Option("--report", metavar="FILE.html", help="Also write the report here.")
]


@app.command()
@with_output
def backtest(
    out: Output,
    strategy: opt.Reference,
    symbol: opt.Symbols = None,
    timeframe: opt.TimeframeOption = None,
    start: opt.Start = None,
    end: opt.End = None,
    data: opt.Data = None,
    cash: opt.Cash = None,
    set_: opt.Set = None,
    fees: opt.Fees = None,
    slippage_bps: opt.SlippageBps = None,
    path: opt.Path_ = None,
    execution: opt.Execution = None,
    work_for: opt.WorkFor = None,
    slices: opt.Slices = None,
    size_at: opt.SizeAt = None,
    cash_buffer: opt.CashBuffer = None,
    max_leverage: opt.MaxLeverage = None,
    leverage: opt.Leverage = None,
    adjust: opt.Adjust = "auto",
    allow_gaps: opt.AllowGaps = False,
    seed: opt.Seed = None,
    engine: Annotated[
        str | None,
        typer.Option(help="fast, or full: the live engine, which holds every rule of `risk`."),
    ] = None,
    audit: Annotated[
        bool, typer.Option("--audit", help="Book every fill again in Decimal and compare.")
    ] = False,
    report: ReportFile = None,
) -> None:
    """Run a strategy over history: figures, trades, and an HTML report.

    Reads bars from the workspace's lake, the bundled sample, or the file of --data. Writes the
    run into the workspace's runs folder; sends no order, and opens no socket but to tell you of a
    long run where notification.channels are set up.

    \b
    algotrader backtest TrendFollow --symbol US:AAPL
    algotrader backtest strategies/trend.py --data btc_1h.csv --set fast=12 --json
    """
    from algotrader.backtest.complete import complete_run
    from algotrader.backtest.store import refuse_folder, write_file
    from algotrader.cli.finished import now_s, tell
    from algotrader.cli.run_tables import print_run
    from algotrader.ops.exit_codes import FINDING
    from algotrader.strategy.loader import load

    began_s = now_s()
    asked = opt.Asked(
        symbols=symbol, timeframe=timeframe, start=start, end=end, data=data, cash=cash, fees=fees,
        slippage_bps=slippage_bps, path=path, execution=execution, work_for=work_for,
        slices=slices, size_at=size_at,
        cash_buffer=cash_buffer, max_leverage=max_leverage, leverage=leverage, adjust=adjust,
        allow_gaps=allow_gaps, seed=seed,
    )  # fmt: skip
    resolved = opt.resolve(asked, out.config, engine=engine)
    loaded = load(strategy)
    if report is not None:
        refuse_folder(report)
    done: Completed = complete_run(
        loaded,
        opt.made(loaded, set_),
        resolved.request,
        resolved.settings,
        resolved.workspace,
        risk=resolved.risk,
    )
    if report is not None:
        write_file(report, done.report.read_bytes())
    checked = audit_run(done.result) if audit else None
    shown: Any = (
        done.plain()
        | {"report": str(done.report)}
        | ({} if checked is None else {"audit": audit_json(checked)})
    )

    def lines(console: Console) -> None:
        print_run(console, done, report or done.report)
        if checked is not None:
            print_audit(console, checked)

    out.show(shown, lines)
    tell(out, "backtest", done, done.judged, report or done.report, began_s=began_s)
    if checked is not None and not checked.agrees:
        raise typer.Exit(FINDING)


def audit_run(result: RunResult) -> AuditResult:
    """The run's fills and funding through the Decimal ledger."""
    from algotrader.backtest.audit import audit

    given = result.given
    return audit(given.panel, given.instruments, given.settings, result.simulation)


def print_audit(console: Console, checked: AuditResult) -> None:
    verdict = "books agree" if checked.agrees else "△ books differ"
    console.print(
        f"audit   {verdict}: {checked.fills:,} fills over {checked.rows:,} bars booked again in "
        f"Decimal, largest gap {checked.largest_gap:.1e} of the account"
    )


def audit_json(checked: AuditResult) -> dict[str, Any]:
    return {
        "agrees": checked.agrees,
        "fills": checked.fills,
        "bars": checked.rows,
        "cash_gap": checked.cash_gap,
        "equity_gap": checked.equity_gap,
    }
