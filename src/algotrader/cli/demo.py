"""`algotrader demo`: the whole path on the bundled data, as `make demo` runs it."""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.rule import Rule

from algotrader.cli.commands import new_app
from algotrader.cli.demo_trading import rehearse
from algotrader.cli.output import Output, shown_path, with_output
from algotrader.core.errors import RunError

if TYPE_CHECKING:
    from algotrader.backtest.complete import Completed
    from algotrader.backtest.workspace import Workspace
    from algotrader.core.symbols import Symbol
    from algotrader.data.lake import Lake

app = new_app()
Online = Annotated[
    bool, typer.Option("--online", help="Download real BTC/USDT bars from OKX instead.")
]
Serve = Annotated[
    bool, typer.Option("--serve", help="Then show it all in the console, until Ctrl-C.")
]
Folder = Annotated[Path, typer.Option(help="Where its lake, runs and reports go.")]
BaseUrl = Annotated[
    str | None,
    typer.Option("--base-url", help="Another address for OKX, as of a look-alike."),
]
BARS = 17_520  # two years of hours
SEED = 7


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One backtest of the demo."""

    title: str
    strategy: str
    parameters: Mapping[str, Any]
    symbols: tuple[str, ...] = ()
    data: str | None = None
    timeframe: str | None = None
    cash: float = 100_000.0


@app.command()
@with_output
def demo(
    out: Output,
    online: Online = False,
    base_url: BaseUrl = None,
    folder: Folder = Path(".demo"),
    serve: Serve = False,
) -> None:
    """See the whole path on the bundled data, in under a minute.

    Checks data, runs six backtests, a sweep and a walk-forward, then trades two weeks of bars on
    a look-alike exchange, kills the trader in the middle and starts it again. The shares are real
    daily data. BTC/USDT comes from a seeded generator and is labelled so; --online downloads real
    bars from OKX. Without it nothing leaves this machine. Writes into .demo only.

    \b
    algotrader demo
    algotrader demo --serve
    """
    from algotrader.backtest.workspace import Workspace
    from algotrader.cli.init import make_workspace

    began = time.monotonic()
    console = _screen(out)
    if not (folder / "algotrader.yaml").exists():
        make_workspace(folder)
    workspace = Workspace(lake=folder / "lake", runs=folder / "runs")
    pair = _prepare(out, workspace, base_url, online=online)
    console.print(Rule("Data", align="left"))
    _quality(console, workspace)
    reports = [_backtest(console, workspace, case) for case in cases(pair)]
    reports.append(_sweep(console, workspace))
    reports.append(_walkforward(console, workspace))
    rehearsed = rehearse(out, console, workspace.lake, pair, folder / "trading")
    if rehearsed is not None:
        reports.append(Path(rehearsed["report"]))
    seconds = round(time.monotonic() - began)

    def lines(screen: Console) -> None:
        screen.print(Rule(align="left"))
        screen.print(_next_steps(folder), soft_wrap=True)
        screen.print(f"done in {seconds} s; open a report in a browser:")
        for report in reports:
            screen.print(str(report), soft_wrap=True)

    told = {"workspace": str(folder), "reports": [str(report) for report in reports]}
    out.show(told | {"trading": rehearsed}, lines)
    shown = folder / "trading" if rehearsed is not None else folder
    if serve:
        _serve(out, shown)
    else:
        out.note(f"all of it in a browser: cd {shown} && algotrader run api")


def _serve(out: Output, workspace: Path) -> None:
    """The console over what was just traded and tested, until Ctrl-C."""
    from algotrader.api.serve import serve
    from algotrader.ops.config import load
    from algotrader.ops.stopping import run_until_stopped

    configuration = load(workspace / "algotrader.yaml", environment=os.environ)
    out.note(f"Ctrl-C ends the console; another time: cd {workspace} && algotrader run api")
    run_until_stopped(serve(configuration, out.note), None)


def _screen(out: Output) -> Console:
    """Where the steps are told; nowhere with --json, whose one value comes at the end."""
    return Console(quiet=True) if out.json else out.console()


def _next_steps(folder: Path) -> str:
    """Names the environment's own program where the shell would not find it."""
    program = "algotrader"
    if shutil.which(program) is None:
        return f"to go on from here: source {shown_path(Path(sys.executable).parent / 'activate')} && cd {folder}"
    return f"to go on from here: cd {folder} && {program} --help"


def cases(pair: tuple[Symbol, Symbol]) -> tuple[Case, ...]:
    """The backtests, in the order in which they are shown."""
    spot, perpetual = map(str, pair)
    names = "sample:20names"
    return (
        Case(title="Cross-sectional momentum, twenty US shares",
             strategy="CrossSectionalMomentum", parameters={}, data=names),
        Case(title="Four price factors, twenty US shares",
             strategy="MultiFactor", parameters={}, data=names),
        Case(title="Trend following, Apple",
             strategy="TrendFollow", parameters={"risk": 0.015}, symbols=("US:AAPL",)),
        Case(title="Mean reversion, Microsoft",
             strategy="MeanReversion", parameters={}, symbols=("US:MSFT",)),
        Case(title="Trend following, BTC/USDT 1h",
             strategy="TrendFollow", parameters={"fast": 48, "slow": 240}, symbols=(spot,),
             timeframe="1h"),
        Case(title="Funding carry, BTC/USDT spot against its perpetual",
             strategy="FundingCarry", parameters={}, symbols=(spot, perpetual), timeframe="1h"),
    )  # fmt: skip


def _prepare(
    out: Output, workspace: Workspace, base_url: str | None, *, online: bool
) -> tuple[Symbol, Symbol]:
    """Fill the lake: the sample's shares, and a BTC/USDT market. Symbols of spot and perpetual."""
    from algotrader.core.ports import SystemClock
    from algotrader.data import generator, sample
    from algotrader.data.importing import Wanted, import_file
    from algotrader.data.lake import Lake

    lake, clock = Lake(workspace.lake), SystemClock()
    licence = "see sample_data/LICENCES.txt"
    for symbol, path in sample.files().items():
        if not lake.timeframes(symbol):
            import_file(lake, path, clock, Wanted(symbol=symbol, licence=licence))
    if online:
        return _download(out, lake, base_url)
    if not lake.timeframes(generator.SPOT):
        generator.write_generated(lake, generator.generate(BARS, SEED), clock)
    return generator.SPOT, generator.PERPETUAL


def _download(out: Output, lake: Lake, base_url: str | None) -> tuple[Symbol, Symbol]:
    from algotrader.cli.fetching import fetch
    from algotrader.core.ports import SystemClock
    from algotrader.core.symbols import Symbol
    from algotrader.core.timeframes import HOUR_MS, Timeframe
    from algotrader.data.adapters.ccxt_source import CcxtSource
    from algotrader.data.layout import SeriesKey

    spot, perpetual = Symbol.parse("OKX:BTC/USDT"), Symbol.parse("OKX:BTC/USDT:USDT")
    frame, clock, nothing = Timeframe(HOUR_MS), SystemClock(), (None, None)
    source = CcxtSource("OKX", base_url, pause=time.sleep)
    keys = (
        SeriesKey.bars(spot, frame),
        SeriesKey.bars(perpetual, frame),
        SeriesKey.funding(perpetual),
    )
    for key in keys:
        try:
            filled = fetch(out, lake, source, key, nothing, clock)
        except RunError as error:
            hint = "what arrived is kept; without --online the demo needs no network"
            raise RunError(error.code, error.message, hint=hint) from error
        out.console().print(f"downloaded {key}: {filled.written.added:,} new rows")
    return spot, perpetual


def _quality(console: Console, workspace: Workspace) -> None:
    """A line for each series: how much is there, what is wrong with it, its grade."""
    from rich.table import Table

    from algotrader.core.units import format_number, format_percent
    from algotrader.data.lake import Lake
    from algotrader.data.rows import stamp_text

    lake = Lake(workspace.lake)
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for name in ("series", "from", "to", "bars", "present", "grade", "prices"):
        right = name in ("bars", "present")
        table.add_column(
            name, header_style="dim", justify="right" if right else "left", no_wrap=True
        )
    noted = []
    for key in lake.series():
        made = lake.manifest(key)
        noted += [f"{key}: {count} × {rule}" for rule, count in made.findings.items()]
        table.add_row(
            str(key),
            stamp_text(made.first_ts)[:7],
            stamp_text(made.last_ts)[:7],
            format_number(made.rows, 0),
            format_percent(made.coverage),
            made.grade,
            "generated" if made.generated else "real",
        )
    console.print(table)
    console.print("\n".join(noted) or "no gap, spike, stale run or other fault was found")
    console.print(
        "twenty US shares, adjusted closes 2013–2022, are read from the package as one panel"
    )


def _backtest(console: Console, workspace: Workspace, case: Case) -> Path:
    from algotrader.backtest.complete import complete_run
    from algotrader.backtest.loading import DataRequest
    from algotrader.backtest.settings import BacktestSettings
    from algotrader.cli.run_tables import print_run
    from algotrader.strategy.loader import load

    console.print(Rule(case.title, align="left"))
    loaded = load(case.strategy)
    done: Completed = complete_run(
        loaded,
        loaded.kind(**case.parameters),
        DataRequest(symbols=case.symbols, timeframe=case.timeframe, data=case.data),
        BacktestSettings(cash=case.cash),
        workspace,
    )
    print_run(console, done, done.report)
    return done.report


_SEARCHED = {"fast": "6:48:6", "slow": "48:288:48"}
_FIXED = {"risk": 0.015, "most": 1.0}


def _sweep(console: Console, workspace: Workspace) -> Path:
    from algotrader.backtest.complete_sweep import complete_sweep
    from algotrader.backtest.loading import DataRequest
    from algotrader.backtest.settings import BacktestSettings
    from algotrader.backtest.space import space_of
    from algotrader.cli.sweep import print_sweep
    from algotrader.strategy.loader import load

    console.print(Rule("Sweep: trend following, IBM", align="left"))
    loaded = load("TrendFollow")
    done = complete_sweep(
        loaded,
        space_of(loaded.kind, _FIXED, _SEARCHED),
        DataRequest(symbols=("US:IBM",)),
        BacktestSettings(cash=100_000.0),
        workspace,
    )
    print_sweep(console, done, 5)
    return done.report


def _walkforward(console: Console, workspace: Workspace) -> Path:
    from algotrader.backtest.complete_walkforward import complete_walkforward
    from algotrader.backtest.loading import DataRequest
    from algotrader.backtest.settings import BacktestSettings
    from algotrader.backtest.space import space_of
    from algotrader.cli.walkforward import print_walkforward
    from algotrader.strategy.loader import load

    console.print(Rule("Walk-forward: trend following, IBM", align="left"))
    loaded = load("TrendFollow")
    done = complete_walkforward(
        loaded,
        space_of(loaded.kind, _FIXED, _SEARCHED),
        DataRequest(symbols=("US:IBM",)),
        BacktestSettings(cash=100_000.0),
        workspace,
        train_days=504,
        test_days=252,
    )
    print_walkforward(console, done)
    return done.report
