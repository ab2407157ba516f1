"""Bring files into the lake: checked first, then written whole; a second time adds nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path

import numpy as np

from algotrader.core.calendars import load_calendar
from algotrader.core.errors import DataError
from algotrader.core.ports import Clock
from algotrader.core.symbols import Symbol
from algotrader.core.timeframes import Timeframe
from algotrader.data.adapters import freqtrade, vnpy
from algotrader.data.files import cleaned, file_symbol, timeframe_of
from algotrader.data.funding import clean_funding
from algotrader.data.grids import calendar_for
from algotrader.data.lake import Lake, Written
from algotrader.data.layout import SeriesKey
from algotrader.data.manifest import Manifest, Source, with_source
from algotrader.data.resample import resample
from algotrader.data.rows import OnError, Quarantined
from algotrader.data.tables import BarTable, read_tables

Progress = Callable[[int, int], None]  # done, of


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What a person says of a file; what is left out is recognised."""

    symbol: Symbol | None = None
    venue: str | None = None  # for files that name a pair and no venue
    timeframe: Timeframe | None = None
    mapping: Mapping[str, str] | None = None
    calendar: str | None = None
    on_error: OnError = "refuse"
    timezone: str = "Asia/Shanghai"  # of stamps without offset in a vnpy database
    licence: str = ""
    generated: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """One series of an import."""

    key: SeriesKey
    read: int
    written: Written
    quarantined: Mapping[str, int]  # reason → rows set aside
    manifest: Manifest


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Rows of one series on their way into the lake."""

    key: SeriesKey
    table: BarTable


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ready:
    key: SeriesKey
    received: BarTable
    clean: BarTable
    aside: Quarantined | None


def import_file(
    lake: Lake, path: str | Path, clock: Clock, wanted: Wanted | None = None,
    progress: Progress | None = None,
) -> list[Imported]:  # fmt: skip
    """Import a CSV, Parquet or Feather file, freqtrade's included, or a vnpy database.

    Every series of the file is checked before the first is written; DataError leaves the lake as
    it was.
    """
    path, wanted = Path(path), wanted or Wanted()
    batches = read_batches(path, wanted)
    source = Source(
        name=path.name, sha256=_file_hash(path), received_at=clock.now().isoformat(),
        rows=sum(len(batch.table) for batch in batches), licence=wanted.licence,
    )  # fmt: skip
    return store(lake, batches, source, clock, wanted, progress)


def read_batches(path: Path, wanted: Wanted) -> list[Batch]:
    """The series of a file, by the kind of file it is."""
    if path.suffix.lower() in vnpy.SUFFIXES:
        series = vnpy.read_database(path, wanted.timezone, wanted.symbol, wanted.timeframe)
        return [Batch(key=key, table=table) for key, table in series]
    if (named := freqtrade.parse_name(path)) is not None and wanted.symbol is None:
        key = freqtrade.key_of(path, named, wanted.venue)
        return [Batch(key=key, table=freqtrade.read_series(path, key))]
    tables = read_tables(path, wanted.mapping)
    if len(tables) == 1 and set(tables[0].columns) == {"funding_rate"}:
        symbol = wanted.symbol or file_symbol(path)
        return [Batch(key=SeriesKey.funding(symbol), table=tables[0])]
    frame = timeframe_of(tables, wanted.timeframe, str(path))
    batches = []
    for table in tables:
        symbol = _symbol(path, table, wanted, len(tables))
        batches += _without_funding(symbol, frame, table)
    return batches


def _without_funding(symbol: Symbol, frame: Timeframe, table: BarTable) -> list[Batch]:
    """Bars, and the funding rates that some vendors write beside them, as two series."""
    if "funding_rate" not in table.columns:
        return [Batch(key=SeriesKey.bars(symbol, frame), table=table)]
    columns = dict(table.columns)
    rate = columns.pop("funding_rate")
    known = np.isfinite(rate)
    funding = BarTable(
        ts=table.ts[known], columns={"funding_rate": rate[known]}, source=table.source
    )
    bars = BarTable(ts=table.ts, columns=columns, source=table.source, metadata=table.metadata)
    return [
        Batch(key=SeriesKey.bars(symbol, frame), table=bars),
        Batch(key=SeriesKey.funding(symbol), table=funding),
    ]


def _symbol(path: Path, table: BarTable, wanted: Wanted, count: int) -> Symbol:
    if wanted.symbol is not None and count == 1:
        return wanted.symbol
    if wanted.symbol is not None:
        raise DataError(
            "data.several_instruments",
            f"{path} holds {count} instruments, so one --symbol cannot name them",
            hint="leave out --symbol; with --venue US they become US:NAME",
        )
    label = table.symbol_text
    if label is not None and ":" in label:
        return Symbol.parse(label)
    if label is not None and wanted.venue is not None:
        return Symbol.parse(f"{wanted.venue}:{label}")
    return file_symbol(path, label)


def store(
    lake: Lake, batches: Sequence[Batch], source: Source, clock: Clock, wanted: Wanted,
    progress: Progress | None = None,
) -> list[Imported]:  # fmt: skip
    """Check every batch, then write them."""
    ready = [_checked(batch, wanted.on_error) for batch in batches]
    done = []
    for number, item in enumerate(ready):
        if progress is not None:
            progress(number, len(ready))
        done.append(_write(lake, item, source, clock, wanted))
    if progress is not None:
        progress(len(ready), len(ready))
    return done


def _checked(batch: Batch, on_error: OnError) -> _Ready:
    if batch.key.timeframe is None:
        clean = clean_funding(batch.table)
        return _Ready(key=batch.key, received=batch.table, clean=clean, aside=None)
    clean, aside = cleaned(batch.table, on_error)
    return _Ready(key=batch.key, received=batch.table, clean=clean, aside=aside)


def _write(lake: Lake, item: _Ready, source: Source, clock: Clock, wanted: Wanted) -> Imported:
    key, frame = item.key, item.key.timeframe
    lake.append_raw(key, item.received)
    counts = item.aside.counts() if item.aside else {}
    if item.aside is not None and len(item.aside.table):
        lake.keep_aside(key, item.aside)
    if frame is None:
        known_at, calendar = item.clean.ts, load_calendar("24/7")
    else:
        calendar = calendar_for(key.symbol, item.clean.ts, frame, wanted.calendar)
        known_at = calendar.known_at(item.clean.ts, frame)
    written = lake.write_table(key, item.clean, known_at, received_at=clock.now())
    if not (written.added or written.revised) and (kept := lake.kept_manifest(key)):
        return Imported(key=key, read=len(item.received), written=written,
                        quarantined=counts, manifest=kept)  # fmt: skip

    def told(manifest: Manifest) -> Manifest:
        manifest = with_source(manifest, source)
        total = {r: manifest.quarantined.get(r, 0) + counts.get(r, 0)
                 for r in sorted({*manifest.quarantined, *counts})}  # fmt: skip
        return replace(
            manifest, quarantined=total, generated=manifest.generated or wanted.generated
        )

    manifest = lake.describe(key, told, calendar.name)
    return Imported(key=key, read=len(item.received), written=written, quarantined=counts,
                    manifest=manifest)  # fmt: skip


def _file_hash(path: Path) -> str:
    digest = sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def resample_series(lake: Lake, key: SeriesKey, to: Timeframe, clock: Clock) -> Imported:
    """Longer bars of a series as a series of its own: complete ones only, `known_at` carried."""
    if key.timeframe is None or key.name != str(key.timeframe):
        raise DataError("data.resample_kind", f"{key} is no series of bars",
                        hint="name the time frame to resample from: --timeframe 1m")  # fmt: skip
    bars = lake.read_bars(key.symbol, key.timeframe, adjust="none")
    before = lake.manifest(key)
    made = resample(bars, to, load_calendar(before.calendar)).bars
    if not len(made):
        raise DataError("data.empty", f"{key} holds no complete {to} bar",
                        hint="download or import more of it")  # fmt: skip
    columns = {name: getattr(made, name) for name in ("open", "high", "low", "close")}
    if before.volume != "absent":
        columns["volume"] = made.volume
    target = SeriesKey.bars(key.symbol, to)
    table = BarTable(ts=made.ts, columns=columns, source=f"{target} from {key.name}")
    written = lake.write_table(target, table, made.known_at, received_at=clock.now())
    source = Source(name=f"resampled from {key}", sha256=before.sha256, rows=len(bars),
                    received_at=clock.now().isoformat())  # fmt: skip

    def told(manifest: Manifest) -> Manifest:
        return replace(with_source(manifest, source), generated=before.generated)

    return Imported(key=target, read=len(bars), written=written, quarantined={},
                    manifest=lake.describe(target, told, before.calendar))  # fmt: skip
