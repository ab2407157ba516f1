"""`algotrader data import | download | generate | ls | show | check | repair | features | compact`."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from algotrader.cli.commands import TABLE, new_app
from algotrader.cli.data_series import (
    about_empty,
    bar_keys,
    columns_of,
    instant_of,
    judged,
    lake_of,
    series_keys,
    source_of,
)
from algotrader.cli.data_tables import (
    by_rule,
    filled_row,
    manifest_row,
    plain,
    print_manifest,
    print_rows,
    print_rules,
    show_imported,
    show_rows,
)
from algotrader.cli.fetching import fetch
from algotrader.cli.output import Output, with_output
from algotrader.cli.progress import shown_progress
from algotrader.core.errors import DataError, UsageError
from algotrader.core.ports import SystemClock
from algotrader.core.symbols import InstrumentKind, Symbol
from algotrader.core.timeframes import Timeframe

if TYPE_CHECKING:
    from rich.console import Console

    from algotrader.data.downloading import Filled
    from algotrader.data.layout import SeriesKey

app = new_app(
    f"""{TABLE["data"].help}

\b
algotrader data import prices.csv --symbol US:AAPL
algotrader data download OKX:BTC/USDT --timeframe 1h --start 2024-01-01
"""
)

LakeFolder = Annotated[
    Path | None, typer.Option("--lake", help="Folder of the lake; default: the workspace's.")
]
Frame = Annotated[
    str | None, typer.Option("--timeframe", "-t", help="Length of a bar: 1m, 1h, 1d.")
]
Start = Annotated[str | None, typer.Option("--start", help="First bar, UTC: 2024-01-31.")]
End = Annotated[str | None, typer.Option("--end", help="End, not included, UTC.")]
BaseUrl = Annotated[
    str | None,
    typer.Option("--base-url", help="Another address for the venue, as of a look-alike."),
]


@app.command("import")
@with_output
def import_(
    out: Output,
    files: Annotated[
        list[Path],
        typer.Argument(metavar="FILE", help="CSV, Parquet, Feather, or a vnpy database."),
    ],
    symbol: Annotated[
        str | None, typer.Option("--symbol", "-s", help="What the file holds; default FILE:<name>.")
    ] = None,
    venue: Annotated[
        str | None, typer.Option("--venue", help="For files that name a pair and no venue.")
    ] = None,
    timeframe: Frame = None,
    mapping: Annotated[
        list[str] | None, typer.Option("--map", help="Which column is which: --map close=Last")
    ] = None,
    calendar: Annotated[
        str | None, typer.Option("--calendar", help="24/7, XNYS, XSHG, …; default: recognised.")
    ] = None,
    on_error: Annotated[
        str, typer.Option("--on-error", help="refuse, or quarantine: set wrong rows aside.")
    ] = "refuse",
    timezone: Annotated[
        str, typer.Option("--timezone", help="Of a vnpy database's stamps.")
    ] = "Asia/Shanghai",
    lake: LakeFolder = None,
) -> None:
    """Bring files into the lake.

    Checks every row first and writes a file whole or not at all; importing the same file again
    adds nothing. The file itself is not changed.

    \b
    algotrader data import AAPL.csv --symbol US:AAPL
    algotrader data import user_data/data/okx/BTC_USDT-1h.feather
    """
    from algotrader.data.importing import Wanted, import_file

    if on_error not in ("refuse", "quarantine"):
        raise UsageError("usage.on_error", f"--on-error {on_error!r} does not exist",
                         hint="use refuse or quarantine")  # fmt: skip
    wanted = Wanted(
        symbol=Symbol.parse(symbol) if symbol else None, venue=venue,
        timeframe=Timeframe.parse(timeframe) if timeframe else None,
        mapping=columns_of(mapping or []), calendar=calendar,
        on_error="quarantine" if on_error == "quarantine" else "refuse", timezone=timezone,
    )  # fmt: skip
    target, done = lake_of(out, lake), []
    for file in files:
        began = time.perf_counter()
        with shown_progress(out, file.name) as progress:
            done += import_file(target, file, SystemClock(), wanted, progress)
        out.note(f"{file.name}: imported in {time.perf_counter() - began:.1f} s")
    show_imported(out, done)


@app.command()
@with_output
def download(
    out: Output,
    symbols: Annotated[
        list[str], typer.Argument(metavar="SYMBOL", help="OKX:BTC/USDT, OKX:BTC/USDT:USDT, …")
    ],
    timeframe: Frame = "1h",
    start: Annotated[
        str | None, typer.Option(help="First bar, UTC: 2024-01-31; without it all there is.")
    ] = None,
    end: End = None,
    funding: Annotated[
        bool, typer.Option("--funding", help="Perpetuals: funding rates as well.")
    ] = False,
    mark: Annotated[
        bool, typer.Option("--mark", help="Perpetuals: mark-price bars as well.")
    ] = False,
    base_url: BaseUrl = None,
    lake: LakeFolder = None,
) -> None:
    """Fetch from an exchange what is missing, closed bars only.

    Uses public calls and no key. Interrupted, it keeps what arrived; run again, it goes on.

    \b
    algotrader data download OKX:BTC/USDT --timeframe 1h --start 2024-01-01
    algotrader data download OKX:BTC/USDT:USDT --timeframe 1h --funding --mark
    """
    target, clock = lake_of(out, lake), SystemClock()
    frame = Timeframe.parse(timeframe or "1h")
    wanted = [Symbol.parse(text) for text in symbols]
    span = (instant_of(start, "--start"), instant_of(end, "--end"))
    sources = {venue: source_of(venue, base_url) for venue in {symbol.venue for symbol in wanted}}
    keys = _wanted_series(wanted, frame, funding=funding, mark=mark)
    done: list[Filled] = []
    failed: dict[SeriesKey, DataError] = {}
    for key in keys:
        try:
            done.append(fetch(out, target, sources[key.symbol.venue], key, span, clock))
        except DataError as error:  # of one instrument that is gone: the others are fetched (F32)
            failed[key] = error
    if failed:
        raise _not_fetched(failed, len(done))
    show_rows(out, [filled_row(filled) for filled in done])


def _not_fetched(failed: dict[SeriesKey, DataError], fetched: int) -> DataError:
    """What was wrong with the first, and which others; all that could be fetched is there."""
    (_, first), *others = failed.items()
    if not others and not fetched:
        return first
    text = first.message
    if others:
        text += f"; nor were fetched: {', '.join(str(key) for key, _ in others)}"
    return DataError(first.code, f"{text}; {fetched} other series were fetched", hint=first.hint)


def _wanted_series(
    symbols: list[Symbol], frame: Timeframe, *, funding: bool, mark: bool
) -> list[SeriesKey]:
    """Bars of every symbol; funding and marks of those that have them. UsageError if none has."""
    from algotrader.data.layout import SeriesKey

    if (funding or mark) and not any(_is_perpetual(symbol) for symbol in symbols):
        option = "--funding" if funding else "--mark"
        raise UsageError("usage.no_perpetual", f"{option} is of perpetuals, and none is named",
                         hint="name one, as in OKX:BTC/USDT:USDT")  # fmt: skip
    keys = []
    for symbol in symbols:
        keys.append(SeriesKey.bars(symbol, frame))
        if mark and _is_perpetual(symbol):
            keys.append(SeriesKey.mark(symbol, frame))
        if funding and _is_perpetual(symbol):
            keys.append(SeriesKey.funding(symbol))
    return keys


def _is_perpetual(symbol: Symbol) -> bool:
    return symbol.kind is InstrumentKind.PERPETUAL


@app.command()
@with_output
def repair(
    out: Output,
    symbol: Annotated[str, typer.Argument(metavar="SYMBOL")],
    timeframe: Frame = None,
    again: Annotated[
        bool, typer.Option("--again", help="Ask also for bars that the venue did not have.")
    ] = False,
    base_url: BaseUrl = None,
    lake: LakeFolder = None,
) -> None:
    """Refill the holes of a series from its exchange, nothing else.

    What the exchange does not have is marked, never invented.

    \b
    algotrader data repair OKX:BTC/USDT --timeframe 1h
    algotrader data repair OKX:BTC/USDT:USDT
    """
    from algotrader.data.downloading import repair as refill

    target = lake_of(out, lake)
    rows = []
    for key in series_keys(target, symbol, timeframe):
        if again:
            target.forget_absent(key)
        with shown_progress(out, str(key), counted=False) as progress:
            filled = refill(
                target, source_of(key.symbol.venue, base_url), key, SystemClock(), progress
            )
        rows.append(filled_row(filled))
    show_rows(out, rows)


@app.command()
@with_output
def check(
    out: Output,
    target: Annotated[
        str | None,
        typer.Argument(
            metavar="SYMBOL|FILE", help="A series of the lake, or a bare file; default: all."
        ),
    ] = None,
    timeframe: Frame = None,
    calendar: Annotated[
        str | None, typer.Option("--calendar", help="Of a bare file; default: recognised.")
    ] = None,
    lake: LakeFolder = None,
) -> None:
    """Look for gaps, bad prints, drawn lines, unit switches, and more.

    Also for wrong time zones, repeated rows and a symbol that was another company before. Exit
    code 1 if there is an error. Changes no data.

    \b
    algotrader data check OKX:BTC/USDT --timeframe 1h
    algotrader data check prices.csv
    """
    findings, summary, damaged = judged(out, target, timeframe, calendar, lake)

    def people(console: Console) -> None:
        print_rows(console, summary)
        if findings:
            console.print()
            print_rows(console, by_rule(findings))
        elif summary:
            console.print("no fault was found")
        elif not damaged:
            console.print(about_empty(lake_of(out, lake)))

    told = {"series": summary, "findings": findings, "damaged": [e.as_dict() for e in damaged]}
    out.show(told, people)
    _note_damage(out, damaged)
    if damaged or any(f["level"] == "error" for f in findings):
        raise typer.Exit(1)


def _note_damage(out: Output, damaged: list[DataError]) -> None:
    for error in damaged if not out.json else ():
        typer.echo(f"error: {error.message}\nhint: {error.hint}", err=True)


@app.command()
@with_output
def ls(out: Output, lake: LakeFolder = None) -> None:
    """List what is in the lake: series, range, coverage, grade.

    \b
    algotrader data ls
    algotrader data ls --json
    """
    target = lake_of(out, lake)
    damaged: list[DataError] = []
    rows = [manifest_row(target, key, damaged) for key in target.series()]
    show_rows(out, rows)
    _note_damage(out, damaged)
    if not rows:
        out.note(about_empty(target))


@app.command()
@with_output
def show(
    out: Output,
    symbol: Annotated[str, typer.Argument(metavar="SYMBOL")],
    timeframe: Frame = None,
    lake: LakeFolder = None,
) -> None:
    """Show a series: range, missing spans, sources, hash, grade.

    \b
    algotrader data show OKX:BTC/USDT --timeframe 1h
    algotrader data show OKX:BTC/USDT:USDT --json
    """
    from algotrader.data.instruments import load_instrument

    target = lake_of(out, lake)
    manifests = [target.manifest(key) for key in series_keys(target, symbol, timeframe)]
    rules = load_instrument(target.root, Symbol.parse(symbol))

    def people(console: Console) -> None:
        for made in manifests:
            print_manifest(console, made)
            console.print()
        if rules is not None:
            print_rules(console, rules)

    out.show([plain(made) for made in manifests], people)


@app.command()
@with_output
def compact(out: Output, lake: LakeFolder = None) -> None:
    """Merge received parts and clear what interrupted writers left. Loses no row.

    \b
    algotrader data compact
    algotrader data compact --lake lake
    """
    target = lake_of(out, lake)
    rows = [{"series": str(key), "files_removed": target.compact(key)} for key in target.series()]
    show_rows(out, rows)
    if not rows:
        out.note(about_empty(target))


@app.command()
@with_output
def generate(
    out: Output,
    bars: Annotated[int, typer.Option("--bars", help="How many bars.")] = 17_520,
    seed: Annotated[int, typer.Option("--seed", help="The same seed gives the same bars.")] = 7,
    timeframe: Frame = "1h",
    start: Start = "2023-01-01",
    lake: LakeFolder = None,
) -> None:
    """Make up a BTC/USDT market, labelled as generated everywhere.

    Spot, perpetual, mark prices and funding, from a seed.

    \b
    algotrader data generate
    algotrader data generate --bars 8760 --seed 11
    """
    from algotrader.data.generator import generate as make
    from algotrader.data.generator import write_generated

    first = instant_of(start, "--start") or 0
    at = datetime.fromtimestamp(first / 1000, UTC)
    made = make(bars, seed, at, Timeframe.parse(timeframe or "1h"))
    show_imported(out, write_generated(lake_of(out, lake), made, SystemClock()))


@app.command()
@with_output
def resample(
    out: Output,
    symbol: Annotated[str, typer.Argument(metavar="SYMBOL")],
    to: Annotated[str, typer.Option("--to", help="The longer time frame: 4h, 1d.")],
    timeframe: Frame = None,
    lake: LakeFolder = None,
) -> None:
    """Write longer bars of a series into the lake, complete ones only.

    \b
    algotrader data resample OKX:BTC/USDT --timeframe 1m --to 1h
    algotrader data resample OKX:BTC/USDT --timeframe 1h --to 1d
    """
    from algotrader.data.importing import resample_series

    target = lake_of(out, lake)
    key = bar_keys(target, symbol, timeframe)[0]
    show_imported(out, [resample_series(target, key, Timeframe.parse(to), SystemClock())])


@app.command()
@with_output
def features(
    out: Output,
    strategy: Annotated[
        str, typer.Argument(metavar="STRATEGY", help="A file, FILE:Class, or a registered name.")
    ],
    symbol: Annotated[str, typer.Option("--symbol", "-s", help="A series of the lake.")],
    timeframe: Frame = None,
    lake: LakeFolder = None,
) -> None:
    """Compute a strategy's features and keep them in the lake.

    Kept with the hash of the strategy's source and of the bars; made again only if one changed.

    \b
    algotrader data features TrendFollow --symbol SIM:BTC/USDT --timeframe 1h
    algotrader data features strategies/trend.py --symbol OKX:BTC/USDT
    """
    import numpy as np

    from algotrader.data.feature_layer import write_features
    from algotrader.strategy.loader import load

    target, loaded = lake_of(out, lake), load(strategy)
    rows = []
    for key in bar_keys(target, symbol, timeframe):
        bars = target.read_bars(key.symbol, key.name)
        columns = {
            name: np.asarray(values, dtype=np.float64)
            for name, values in loaded.kind().features(bars).items()
        }
        made = write_features(target, key, loaded.name, bars.ts, columns, loaded.source_hash)
        rows.append({"series": str(key), "set": loaded.name, "rows": made.rows,
                     "columns": " ".join(made.columns)})  # fmt: skip
    show_rows(out, rows)
