"""What `backtest` prints: a verdict, the figures, warnings; or one JSON object."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from algotrader.backtest.complete import Completed
from algotrader.backtest.metric_names import METRICS, Unit
from algotrader.backtest.remarks import warnings_of
from algotrader.backtest.report.headline import made
from algotrader.backtest.report.model import VerdictKind
from algotrader.backtest.reporting import costs_of
from algotrader.backtest.run import RunResult
from algotrader.backtest.summary import Value
from algotrader.cli.output import fits, shown_path
from algotrader.core.instants import utc_at
from algotrader.core.units import (
    ABSENT,
    format_duration,
    format_money,
    format_number,
    format_percent,
)

_SHOWN = (
    ("Result", ("final_equity", "net_profit", "total_return", "annual_return",
                "benchmark_return", "exposure", "turnover")),
    ("Risk", ("sharpe", "sortino", "calmar", "volatility", "max_drawdown",
              "max_drawdown_days", "es_95")),
    ("Trades", ("trades", "open_trades", "win_rate", "profit_factor", "expectancy",
                "average_trade_hours", "ambiguous_trades")),
    ("Costs", ("gross", "fees", "slippage", "funding", "cost_bps", "break_even_bps",
               "average_leverage")),
)  # fmt: skip
_SIGNED = {"net_profit", "total_return", "annual_return", "benchmark_return", "expectancy",
           "funding", "gross"}  # fmt: skip
HOUR_MS = 3_600_000


def print_run(console: Console, done: Completed, report: Path) -> None:
    """Identity, the sentence, figures in four blocks, warnings, and where the report is."""
    print_identity(console, done)
    console.print(Text(headline(done), style="bold"))
    reasons = done.judged.verdict.reasons
    for reason in reasons:
        if not reason.key.endswith("_unknown"):
            console.print(f"  {'·' if reason.holds else '△'} {reason.text('en')}")
    if any(reason.key.endswith("_unknown") for reason in reasons):
        console.print("  △ One set alone shows no overfitting: try its neighbours with `sweep`.")
    console.print()
    console.print(_fitting(console, done))
    print_warnings(console, done.result)
    if done.result.driver == "full":
        console.print("driver  full: the live engine, which held every rule of `risk`")
    console.print(f"again   algotrader rerun {done.record.run}")
    console.print(f"report  {shown_path(report)}", soft_wrap=True)


def print_warnings(console: Console, result: RunResult) -> None:
    for remark in warnings_of(result):
        console.print(Text(f"△ {remark.en}", style="yellow"))


def print_identity(console: Console, done: Completed) -> None:
    result = done.result
    bars = result.bars
    first, last = utc_at(int(bars.ts[0])), utc_at(int(bars.ts[-1]))
    symbols = ", ".join(str(symbol) for symbol in bars.symbols[:3])
    more = f" and {len(bars.symbols) - 3} more" if len(bars.symbols) > 3 else ""
    generated = "  GENERATED DATA" if result.market.provenance.generated else ""
    console.print(
        f"{done.record.strategy}  {symbols}{more}  {bars.timeframe}  "
        f"{first:%Y-%m-%d} → {last:%Y-%m-%d}  {format_number(len(bars), 0)} bars  "
        f"run {done.record.run}{generated}",
        soft_wrap=True,
    )


def headline(done: Completed) -> str:
    """`Made +50.5 % after costs in two years. That is not yet evidence of skill.`"""
    bars = done.result.bars
    return made(
        total_return=float(done.result.summary.values["total_return"] or 0.0),
        span_ms=int(bars.ts[-1] - bars.ts[0]) + bars.timeframe.ms,
        kind=VerdictKind(done.judged.verdict.outcome.value),
        trades=len(done.result.trades),
        costs=costs_of(done.result),
    ).text("en")


def _fitting(console: Console, done: Completed) -> Table:
    """As many blocks side by side as fit: a number cut short is another number."""
    for across in (4, 2):
        table = figures(done, across=across)
        if fits(console, table):
            return table
    return figures(done, across=1)


def figures(done: Completed, *, across: int) -> Table:
    """Blocks of figures, `across` of them side by side, numbers aligned to the right."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), show_header=False)
    for _ in range(across):
        table.add_column(no_wrap=True, style="dim")
        table.add_column(no_wrap=True, justify="right")
    values = done.result.summary.values
    for first in range(0, len(_SHOWN), across):
        blocks = _SHOWN[first : first + across]
        table.add_row(*(cell for title, _ in blocks for cell in (Text(title, "bold"), "")))
        for row in range(max(len(names) for _, names in blocks)):
            named = [names[row] for _, names in blocks]
            table.add_row(
                *(c for name in named for c in (METRICS[name].en, format_value(name, values[name])))
            )
        table.add_row()
    return table


def format_value(name: str, value: Value) -> str:
    """A metric as tables show it: unit by its name, a dash where it is undefined."""
    if value is None:
        return ABSENT
    signed = name in _SIGNED
    match METRICS[name].unit:
        case Unit.FRACTION:
            return format_percent(value, signed=signed)
        case Unit.MONEY:
            return format_money(value, signed=signed)
        case Unit.COUNT:
            return format_number(value, 0)
        case Unit.DAYS:
            return f"{format_number(value, 0)} d"
        case Unit.HOURS:
            return format_duration(round(value * HOUR_MS))
        case Unit.BPS:
            return f"{format_number(value, 1)} bps"
        case _:
            return format_number(value, 2)
