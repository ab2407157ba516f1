"""From what a person asked for (symbols, a file, a range) to the market of a run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from algotrader.backtest.completeness import (
    absent_at_venues,
    coverage_of,
    of_the_run,
    refuse_foreign_bars,
    refuse_gaps,
)
from algotrader.backtest.derivatives import (
    funding_coverage,
    funding_months,
    funding_of,
    marks_of,
    settled_rates,
)
from algotrader.backtest.market import FundingSeries, Market, MarkSeries, Provenance
from algotrader.backtest.suspect_data import suspects_in, without_mixed_volume
from algotrader.core.bars import Bars
from algotrader.core.calendars import Calendar, calendar_of, load_calendar, recognise
from algotrader.core.errors import DataError, UsageError
from algotrader.core.hashing import array_hash
from algotrader.core.instants import utc_at, utc_ms
from algotrader.core.instruments import Instrument
from algotrader.core.spelling import hint_among_symbols
from algotrader.core.symbols import InstrumentKind, Symbol
from algotrader.core.timeframes import DAY_MS, Timeframe
from algotrader.data import files, sample
from algotrader.data.adjustment import Adjust, explained_jumps
from algotrader.data.instruments import load_instrument
from algotrader.data.lake import Lake
from algotrader.data.layout import SeriesKey
from algotrader.data.tables import BarTable, read_tables, tables_of

if TYPE_CHECKING:
    import polars as pl

SAMPLE_PANEL = "sample:20names"


@dataclass(frozen=True, slots=True, kw_only=True)
class DataRequest:
    """Which data a run uses. Times are ISO dates or instants, UTC; `end` is not included."""

    symbols: tuple[str, ...] = ()
    timeframe: str | None = None
    start: str | None = None  # first decision; earlier rows are the warm-up
    end: str | None = None
    data: str | None = None  # a file, or `sample:20names`
    adjust: Adjust = "auto"
    allow_gaps: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class _Origin:
    source: str
    licence: str = ""
    adjustable: bool = False  # the source has an adjustment column
    generated: bool = False


def load_market(request: DataRequest, lake: Path) -> Market:
    """Read, join, and describe the data. DataError says what is missing and how to get it."""
    store = Lake(lake)
    bars, origin = _bars(request, store)
    return _described(bars, origin, request, store)


def frame_market(frame: object, request: DataRequest) -> Market:
    """The market of a polars or pandas frame with a time column and OHLCV."""
    tables = tables_of(_polars(frame), "the frame given")
    symbol = request.symbols[0] if len(request.symbols) == 1 else None
    bars = files.tables_to_bars(tables, Path("frame"), symbol, request.timeframe, request.adjust)
    return _described(bars, _Origin(source="a frame"), request, None)


def _polars(frame: object) -> pl.DataFrame:
    import polars as pl

    if isinstance(frame, pl.DataFrame):
        return frame
    if type(frame).__module__.startswith("pandas"):
        return pl.from_pandas(frame, include_index=True)
    raise UsageError(
        "usage.data",
        f"data is a {type(frame).__name__}",
        hint="give a path, or a polars or pandas frame with a time column and OHLCV",
    )


def _described(bars: Bars, origin: _Origin, request: DataRequest, store: Lake | None) -> Market:
    """Bars with everything else a run reads; `store` knows funding, marks and instruments."""
    bars = _cut(bars, request)
    calendar = _calendar(bars)
    bars = replace(
        bars,
        session=calendar.session_ids(bars.ts, bars.timeframe),
        known_at=calendar.known_at(bars.ts, bars.timeframe),
    )
    suspects = suspects_in(bars, calendar)
    bars = without_mixed_volume(bars, suspects)
    adjusted = request.adjust != "none" and origin.adjustable
    instruments = tuple(
        (load_instrument(store.root, symbol) if store else None)
        or _instrument(symbol, calendar.name, adjusted=adjusted)
        for symbol in bars.symbols
    )
    funding: dict[Symbol, FundingSeries] = {}
    marks: dict[Symbol, MarkSeries] = {}
    for instrument in instruments:
        if store is None:
            break  # a frame has neither
        if (rates := funding_of(store, instrument, bars)) is not None:
            funding[instrument.symbol] = rates
        if (mark := marks_of(store, instrument, bars)) is not None:
            marks[instrument.symbol] = mark
    bars = replace(bars, funding=settled_rates(bars, funding))
    start = parse_instant(request.start, "--start")
    first = 0 if start is None else int(np.searchsorted(bars.ts, start))
    traded = bars.rows(first, len(bars))  # nothing is settled in a warm-up
    absent = absent_at_venues(store, bars)
    measured = replace(
        of_the_run(coverage_of(bars, calendar, None, absent), bars, calendar, first, absent),
        funding=funding_coverage(instruments, funding, traded),
        funding_months=funding_months(instruments, funding, traded),
    )
    refuse_foreign_bars(measured, calendar, origin.source)
    if not request.allow_gaps:
        refuse_gaps(measured, origin.source)
    return Market(
        bars=bars,
        instruments=instruments,
        currency=_currency(instruments),
        periods_per_year=_returns_a_year(calendar, bars.timeframe),
        never_closes=calendar.never_closes,
        provenance=Provenance(
            source=origin.source,
            licence=origin.licence,
            data_hash=_data_hash(bars, funding, marks),
            generated=origin.generated,
            adjusted="splits and dividends, on read" if adjusted else "",
            volume_known=not bool(np.isnan(bars.volume).all()),
        ),
        coverage=measured,
        suspects=suspects,
        funding=funding,
        marks=marks,
    )


def _returns_a_year(calendar: Calendar, timeframe: Timeframe) -> float:
    """A day has one return at most, and a bar longer than a day one for all of its days."""
    if timeframe.ms <= DAY_MS:
        return float(calendar.sessions_per_year)
    return calendar.periods_per_year(timeframe)


def _data_hash(
    bars: Bars, funding: dict[Symbol, FundingSeries], marks: dict[Symbol, MarkSeries]
) -> str:
    """Of every number that the simulation reads."""
    arrays = [bars.ts, bars.open, bars.high, bars.low, bars.close, bars.volume]
    for series in funding.values():
        arrays += [series.ts, series.rate]
    for mark in marks.values():
        arrays += [mark.open, mark.high, mark.low, mark.close]
    return array_hash(*arrays)


def _refuse_repeated(symbols: Sequence[str]) -> None:
    repeated = [text for place, text in enumerate(symbols) if text in symbols[:place]]
    if repeated:
        raise UsageError(
            "backtest.symbol_twice",
            f"--symbol {repeated[0]} is given twice",
            hint="name each instrument once",
        )


def _bars(request: DataRequest, lake: Lake) -> tuple[Bars, _Origin]:
    _refuse_repeated(request.symbols)
    if request.data == SAMPLE_PANEL:
        panel = sample.sample_panel()
        licence = "BSD-3-Clause, sample_data/LICENCES.txt"
        return _chosen(panel, request), _Origin(source="bundled sample, 20 names", licence=licence)
    if request.data is not None:
        return _from_file(Path(request.data), request)
    if not request.symbols:
        raise UsageError(
            "backtest.no_symbol",
            "nothing to trade was named",
            hint="give --symbol OKX:BTC/USDT, or a file with --data PATH",
        )
    parts = [_from_store(_symbol(text, lake), request, lake) for text in request.symbols]
    frames = {str(bars.timeframe): str(bars.symbol) for bars, _ in parts}
    if len(frames) > 1:
        listed = ", ".join(f"{symbol} {frame}" for frame, symbol in sorted(frames.items()))
        raise UsageError(
            "backtest.timeframes",
            f"instruments of one run share one time frame, here are {listed}",
            hint="choose one that all of them have: --timeframe 1d",
        )
    origins = {origin for _, origin in parts}
    origin = _Origin(
        source=", ".join(sorted({origin.source for origin in origins})),
        licence=", ".join(sorted({origin.licence for origin in origins if origin.licence})),
        adjustable=any(origin.adjustable for origin in origins),
        generated=any(origin.generated for origin in origins),
    )
    return (parts[0][0] if len(parts) == 1 else Bars.stack([bars for bars, _ in parts])), origin


def _from_file(path: Path, request: DataRequest) -> tuple[Bars, _Origin]:
    tables = read_tables(path)
    for table in tables:
        _refuse_raw_jumps(table, request.adjust)
    one = request.symbols[0] if len(request.symbols) == 1 else None
    bars = files.tables_to_bars(tables, path, one, request.timeframe, request.adjust)
    adjustable = any("adj_close" in table.columns for table in tables)
    return (bars if one else _chosen(bars, request)), _Origin(
        source=path.name, adjustable=adjustable
    )


def _refuse_raw_jumps(table: BarTable, adjust: Adjust) -> None:
    """Raw prices across a split are no returns (F46)."""
    if adjust != "none" or not len(jumps := explained_jumps(table)):
        return
    day = utc_at(int(jumps[0]))
    raise DataError(
        "data.raw_split",
        f"{table.source}: the raw price jumps at {day:%Y-%m-%d} by what its adjustment explains "
        "(a split), so a backtest on raw prices would trade a jump that nobody saw",
        hint="leave out --adjust none, or choose a range without the split",
    )


def _symbol(text: str, lake: Lake) -> Symbol:
    """UsageError names the instrument here that was probably meant: `AAPL` for `US:AAPL`."""
    try:
        return Symbol.parse(text)
    except UsageError as error:
        hint = hint_among_symbols(text, _known(lake), error.hint or "")
        raise UsageError(error.code, error.message, hint=hint) from error


def _known(lake: Lake) -> list[str]:
    """Every instrument with bars here, of the lake and of the bundled sample."""
    return sorted({str(symbol) for symbol in (*(k.symbol for k in lake.series()), *sample.files())})


def _from_store(symbol: Symbol, request: DataRequest, lake: Lake) -> tuple[Bars, _Origin]:
    """The workspace's lake first, then the bundled sample."""
    frames = lake.timeframes(symbol)
    wanted = Timeframe.parse(request.timeframe) if request.timeframe else None
    chosen = wanted or (frames[0] if len(frames) == 1 else None)
    if chosen is not None and chosen in frames:
        return _from_lake(symbol, chosen, request, lake)
    if not frames and symbol in sample.files() and wanted in (None, sample.DAILY):
        table = sample.sample_table(symbol)
        _refuse_raw_jumps(table, request.adjust)
        return sample.sample_bars(symbol, request.adjust), _Origin(
            source="bundled sample",
            licence="BSD-3-Clause and NCSA, sample_data/LICENCES.txt",
            adjustable="adj_close" in table.columns,
        )
    raise _missing(symbol, wanted, frames, lake)


def _from_lake(
    symbol: Symbol, timeframe: Timeframe, request: DataRequest, lake: Lake
) -> tuple[Bars, _Origin]:
    key = SeriesKey.bars(symbol, timeframe)
    manifest = lake.manifest(key)
    if request.adjust == "none" and manifest.adjustment:
        _refuse_raw_jumps(lake.read_table(key)[0], request.adjust)
    names = sorted({source.name for source in manifest.sources})
    licences = sorted({source.licence for source in manifest.sources if source.licence})
    bars = lake.read_bars(symbol, timeframe, adjust=request.adjust)
    if manifest.volume == "other":  # not in the unit of quantities: no share of it is known (R20)
        bars = replace(bars, volume=np.full(len(bars), np.nan))
    return bars, _Origin(
        source=", ".join(names) or "lake",
        licence=", ".join(licences),
        adjustable=bool(manifest.adjustment),
        generated=manifest.generated,
    )


def _missing(
    symbol: Symbol, wanted: Timeframe | None, frames: Sequence[Timeframe], lake: Lake
) -> DataError:
    if frames and wanted is None:
        listed = " ".join(str(frame) for frame in sorted(frames))
        return DataError(
            "data.timeframe_needed",
            f"{symbol} is in the lake with several time frames: {listed}",
            hint=f"choose one, for example --timeframe {min(frames)}",
        )
    here = frames or ([sample.DAILY] if symbol in sample.files() else [])
    have = f", only {' '.join(map(str, sorted(here)))}" if here else ""
    known = [] if here else _known(lake)
    nearby = f"use --timeframe {min(here)}, or " if here else ""
    return DataError(
        "data.symbol_missing",
        f"there are no {wanted or ''} bars of {symbol} here".replace("  ", " ") + have,
        hint=hint_among_symbols(str(symbol), known, nearby + _ways_to_get(symbol, wanted, frames)),
    )


def _ways_to_get(symbol: Symbol, wanted: Timeframe | None, frames: Sequence[Timeframe]) -> str:
    """The command that would bring these bars in."""
    shorter = [frame for frame in frames if wanted is not None and wanted.ms % frame.ms == 0]
    if shorter:
        return f"algotrader data resample {symbol} --timeframe {max(shorter)} --to {wanted}"
    file = f"algotrader data import FILE --symbol {symbol}"
    if symbol.quote is None:  # no exchange that downloads know
        return file
    return f"algotrader data download {symbol} --timeframe {wanted or '1h'}, or {file}"


def _chosen(panel: Bars, request: DataRequest) -> Bars:
    """The symbols asked for of a panel, by symbol or by code alone; all where none is named."""
    if not request.symbols:
        return panel
    if not panel.panel:
        return panel
    places = {str(symbol): place for place, symbol in enumerate(panel.symbols)}
    places |= {symbol.code: place for place, symbol in enumerate(panel.symbols)}
    unknown = [text for text in request.symbols if text not in places]
    if unknown:
        raise DataError(
            "data.symbol_missing",
            f"{request.data} has no instrument {unknown[0]}",
            hint="it has " + ", ".join(str(symbol) for symbol in panel.symbols),
        )
    columns = [panel.column(places[text]) for text in request.symbols]
    return columns[0] if len(columns) == 1 else Bars.stack(columns)


def _cut(bars: Bars, request: DataRequest) -> Bars:
    """Rows before `end`; rows before `start` stay, they are the warm-up (R5)."""
    start, end = parse_instant(request.start, "--start"), parse_instant(request.end, "--end")
    stop = len(bars) if end is None else int(np.searchsorted(bars.ts, end))
    empty = stop == 0 or (
        start is not None and (start > bars.ts[stop - 1] or (end or start + 1) <= start)
    )
    if start is not None and end is not None and start >= end:
        raise UsageError(
            "usage.range",
            f"--start {request.start} is not before --end {request.end}",
            hint="exchange them, or leave one out",
        )
    if empty:
        first, last = utc_at(int(bars.ts[0])), utc_at(int(bars.ts[-1]))
        raise DataError(
            "data.range_empty",
            f"no bar lies between {request.start or 'the beginning'} and {request.end or 'the end'}",
            hint=f"the data reaches from {first:%Y-%m-%d %H:%M} to {last:%Y-%m-%d %H:%M} UTC",
        )
    return bars.rows(0, stop)


def parse_instant(text: str | None, option: str) -> int | None:
    """UTC milliseconds of an ISO date or time; without a zone it is UTC. UsageError if unreadable."""
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise UsageError(
            "usage.date",
            f"{option} {text!r} is not a date",
            hint="write 2024-01-31, or 2024-01-31T08:00 (UTC)",
        ) from error
    return utc_ms(moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC))


def _calendar(bars: Bars) -> Calendar:
    named = {name for symbol in bars.symbols if (name := calendar_of(symbol)) is not None}
    if len(named) > 1:
        raise UsageError(
            "backtest.calendars",
            f"instruments of different calendars cannot share one run yet: {', '.join(sorted(named))}",
            hint="run them apart",
        )
    return load_calendar(named.pop() if named else recognise(bars.ts, bars.timeframe).calendar)


def _currency(instruments: Sequence[Instrument]) -> str:
    settled = {instrument.settle for instrument in instruments}
    if len(settled) > 1:  # R26
        raise UsageError(
            "backtest.currencies",
            f"one account has one settlement currency, these have {', '.join(sorted(settled))}",
            hint="run them apart; accounts in several currencies need exchange rates, which are not there yet",
        )
    return settled.pop()


_QUOTES = {"US": "USD", "SSE": "CNY", "SZSE": "CNY", "BSE": "CNY", "SEHK": "HKD", "FILE": "USD"}


def _instrument(symbol: Symbol, calendar: str, *, adjusted: bool) -> Instrument:
    """What is known of an instrument from its name alone. Adjusted prices have no tick."""
    quote = symbol.quote or _QUOTES.get(symbol.venue, "USD")
    is_share = symbol.kind is InstrumentKind.EQUITY
    return Instrument(
        symbol=symbol,
        kind=symbol.kind,
        base=symbol.base or symbol.code,
        quote=quote,
        settle=symbol.settle or quote,
        tick=Decimal("0.01") if is_share and not adjusted else Decimal(0),
        lot=Decimal(1) if is_share else Decimal("1e-8"),
        calendar=calendar,
    )
