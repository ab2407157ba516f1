"""The lake: series of bars, marks and funding in Parquet, one folder a series.

A bar's key is (symbol, time frame, ts, known_at): a restated bar is a new row with a later
`known_at`, and reading `as_of` an earlier time gives what was known then (R25, F45).
"""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import IO, TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from algotrader.core.bars import Bars
from algotrader.core.calendars import ALWAYS_OPEN, Calendar, load_calendar
from algotrader.core.errors import DataError
from algotrader.core.hashing import array_hash
from algotrader.core.instants import utc_ms
from algotrader.core.symbols import Symbol
from algotrader.core.timeframes import Timeframe
from algotrader.data import manifest as manifests
from algotrader.data.adjustment import Adjust, adjusted
from algotrader.data.columns import EXTRAS, PRICES
from algotrader.data.coverage import Coverage, coverage_of
from algotrader.data.files import bars_of
from algotrader.data.funding import funding_coverage
from algotrader.data.grids import calendar_for, sessions_of
from algotrader.data.layout import FUNDING, MARK, Layer, SeriesKey, key_of, may_hold, periods
from algotrader.data.manifest import Manifest
from algotrader.data.quality.check import check_table
from algotrader.data.quality.findings import Finding
from algotrader.data.rows import Quarantined
from algotrader.data.storage import locked, remove_leftovers, write_all
from algotrader.data.tables import BarTable, Floats

if TYPE_CHECKING:
    import polars as pl

_VALUES = (*PRICES, "volume", *EXTRAS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """What one write changed."""

    added: int  # bars that were not there
    revised: int  # bars whose values differ from the last version
    unchanged: int


class Lake:
    """A folder of series. Readers need no lock; writers of one series wait for each other."""

    def __init__(self, root: str | Path) -> None:
        self.root = Path(root)

    def write_bars(self, bars: Bars, *, received_at: datetime | None = None) -> Written:
        """Add bars of one instrument to the curated layer; see `write_table`."""
        columns = {name: getattr(bars, name) for name in (*PRICES, "volume")}
        if bars.close_only:
            columns = {"close": bars.close}
        elif bool(np.all(np.isnan(bars.volume))):
            del columns["volume"]
        table = BarTable(ts=bars.ts, columns=columns, source=str(bars.symbol))
        key = SeriesKey.bars(bars.symbol, bars.timeframe)
        return self.write_table(key, table, bars.known_at, received_at=received_at)

    def write_table(
        self,
        key: SeriesKey,
        table: BarTable,
        known_at: NDArray[np.int64],
        *,
        received_at: datetime | None = None,
    ) -> Written:
        """Merge clean, ascending rows into the curated series.

        A row equal to the last version of its bar adds nothing. A row that differs is a new
        version, known from `received_at` on (default: its own `known_at`, or 1 ms after the
        version it replaces where that is later). All files are written or none.
        """
        folder = key.folder(self.root, Layer.CURATED)
        received = None if received_at is None else utc_ms(received_at)
        files: dict[Path, bytes] = {}
        counts = np.zeros(3, dtype=np.int64)
        with locked(folder):
            for period, rows in periods(table.ts, key.timeframe):
                path = folder / f"{period}.parquet"
                old = _read_file(path) if path.exists() else None
                new = _frame(table.take(np.arange(rows.start, rows.stop)), known_at[rows])
                merged, change = _merge(old, new, received)
                counts += change
                if merged is not None:
                    files[path] = parquet_bytes(merged)
            if files:
                write_all(files)
        return Written(added=int(counts[0]), revised=int(counts[1]), unchanged=int(counts[2]))

    def append_raw(self, key: SeriesKey, table: BarTable) -> bool:
        """Keep rows as received. False if exactly these rows are kept already."""
        folder = key.folder(self.root, Layer.RAW)
        name = array_hash(table.ts, *(table.columns[c] for c in sorted(table.columns)))
        path = folder / f"received-{name[:16]}.parquet"
        with locked(folder):
            if path.exists():
                return False
            write_all({path: parquet_bytes(_plain_frame(table))})
        return True

    def keep_aside(self, key: SeriesKey, aside: Quarantined) -> None:
        """Keep rows that are no bars, each with its reason (F42)."""
        import polars as pl

        folder = key.folder(self.root, Layer.QUARANTINE)
        frame = _plain_frame(aside.table).with_columns(pl.Series("reason", list(aside.reasons)))
        content = parquet_bytes(frame)
        path = folder / f"aside-{sha256(content).hexdigest()[:16]}.parquet"
        with locked(folder):
            if not path.exists():
                write_all({path: content})

    def read_bars(
        self,
        symbol: Symbol | str,
        timeframe: Timeframe | str,
        start: datetime | None = None,
        end: datetime | None = None,
        adjust: Adjust = "auto",
        as_of: datetime | None = None,
    ) -> Bars:
        """Curated bars over `[start, end)`, as known `as_of` (default: as known last).

        DataError if the series is not in the lake or the range holds no bar.
        """
        symbol = Symbol.parse(symbol) if isinstance(symbol, str) else symbol
        frame = Timeframe.parse(timeframe) if isinstance(timeframe, str) else timeframe
        key = SeriesKey.bars(symbol, frame)
        table, known_at = self.read_table(key, start, end, as_of)
        trades = calendar_for(symbol, table.ts, frame, self._stated_calendar(key))
        session = sessions_of(trades, table.ts, frame)
        return bars_of(adjusted(table, adjust), symbol, frame, known_at, session)

    def _stated_calendar(self, key: SeriesKey) -> str | None:
        kept = manifests.read(key.folder(self.root, Layer.CURATED))
        return kept.calendar if kept else None

    def read_table(
        self,
        key: SeriesKey,
        start: datetime | None = None,
        end: datetime | None = None,
        as_of: datetime | None = None,
    ) -> tuple[BarTable, NDArray[np.int64]]:
        """Raw prices of a curated series and each row's `known_at`; see `read_bars`."""
        first, last = (None if at is None else utc_ms(at) for at in (start, end))
        paths = [p for p in self.files(key) if may_hold(p.stem, first, last)]
        if not paths:
            raise self._absent(key, start, end)
        frame = _scan(paths)
        table, known_at = _table_of(frame, str(key))
        keep = _visible(table.ts, known_at, first, last, None if as_of is None else utc_ms(as_of))
        if keep is not None:
            table, known_at = table.take(keep), known_at[keep]
        if not len(table):
            raise self._absent(key, start, end)
        return table, known_at

    def files(self, key: SeriesKey, layer: Layer = Layer.CURATED) -> list[Path]:
        """Finished files of a series, oldest period first."""
        return sorted(key.folder(self.root, layer).glob("*.parquet"))

    def series(self, layer: Layer = Layer.CURATED) -> list[SeriesKey]:
        """Every series of a layer, by symbol, then time frame."""
        folders = {path.parent for path in self.root.glob(f"layer={layer}/*/*/*/*.parquet")}
        keys = [key_of(folder.relative_to(self.root)) for folder in folders]
        return sorted(keys, key=lambda k: (k.symbol, k.timeframe.ms if k.timeframe else 0, k.name))

    def timeframes(self, symbol: Symbol) -> list[Timeframe]:
        """Time frames of the bars that are there, shortest first; marks and funding left out."""
        names = [key.name for key in self.series() if key.symbol == symbol]
        return sorted(Timeframe.parse(n) for n in names if n != FUNDING and not n.startswith(MARK))

    def read_mark(
        self, symbol: Symbol, timeframe: Timeframe,
        start: datetime | None = None, end: datetime | None = None,
    ) -> Bars:  # fmt: skip
        """Mark-price bars; see `read_bars`."""
        table, known_at = self.read_table(SeriesKey.mark(symbol, timeframe), start, end)
        return bars_of(table, symbol, timeframe, known_at)

    def read_funding(
        self, symbol: Symbol, start: datetime | None = None, end: datetime | None = None
    ) -> tuple[NDArray[np.int64], Floats]:
        """Settlement stamps (F,) UTC ms, and rates (F,): fraction of notional, longs pay above 0."""
        table, _ = self.read_table(SeriesKey.funding(symbol), start, end)
        return table.ts, table.columns["funding_rate"]

    def manifest(self, key: SeriesKey) -> Manifest:
        """What is known of a series; made anew if the files changed since it was written."""
        return self.kept_manifest(key) or self.describe(key)

    def kept_manifest(self, key: SeriesKey) -> Manifest | None:
        """The manifest as last written, if it still describes the files."""
        kept = manifests.read(key.folder(self.root, Layer.CURATED))
        return kept if kept is not None and dict(kept.files) == self._sizes(key) else None

    def describe(
        self,
        key: SeriesKey,
        change: Callable[[Manifest], Manifest] | None = None,
        calendar: str | None = None,
    ) -> Manifest:
        """Check the series, write its manifest, and return it; `change` may add to it."""
        folder = key.folder(self.root, Layer.CURATED)
        with locked(folder):
            before = manifests.read(folder)
            table, _ = self.read_table(key)
            trades, findings = self.judge(
                key, table, calendar or (before.calendar if before else None)
            )
            measured = self._measure(key, table, trades, before)
            made = manifests.describe(
                table, measured, trades, findings, before, symbol=str(key.symbol), name=key.name
            )
            made = replace(change(made) if change else made, files=self._sizes(key))
            write_all({folder / manifests.FILE: manifests.encode(made)})
        return made

    def _measure(
        self, key: SeriesKey, table: BarTable, calendar: Calendar, before: Manifest | None
    ) -> Coverage:
        if key.timeframe is None:
            return funding_coverage(table.ts)
        absent = before.absent_at_venue if before else ()
        return coverage_of(table.ts, key.timeframe, calendar, absent)

    def forget_absent(self, key: SeriesKey) -> None:
        """Forget what the venue said it does not have, so that it is asked again."""
        self.describe(key, lambda made: replace(made, absent_at_venue=()))
        self.describe(key)

    def judge(
        self, key: SeriesKey, table: BarTable, stated: str | None = None
    ) -> tuple[Calendar, list[Finding]]:
        """The calendar of a series and the findings of every rule; funding has no rules of bars."""
        if key.timeframe is None:
            return load_calendar(ALWAYS_OPEN), []
        calendar = calendar_for(key.symbol, table.ts, key.timeframe, stated)
        return calendar, check_table(table, key.timeframe, calendar, str(key))

    def _sizes(self, key: SeriesKey) -> dict[str, int]:
        return {path.name: path.stat().st_size for path in self.files(key)}

    def compact(self, key: SeriesKey) -> int:
        """Merge received parts of the raw layer into one file without repeated rows.

        Returns the number of files removed. Also clears what killed writers left aside.
        """
        import polars as pl

        for layer in (Layer.CURATED, Layer.RAW):
            if (folder := key.folder(self.root, layer)).exists():
                with locked(folder):
                    remove_leftovers(folder)
        folder = key.folder(self.root, Layer.RAW)
        with locked(folder):
            parts = self.files(key, Layer.RAW)
            if len(parts) < 2:
                return 0
            frames = [_read_file(path) for path in parts]
            whole = pl.concat(frames, how="diagonal").unique(maintain_order=True).sort("ts")
            write_all({folder / "received-compacted.parquet": parquet_bytes(whole)})
            removed = [path for path in parts if path.name != "received-compacted.parquet"]
            for path in removed:
                path.unlink()
        return len(removed)

    def _absent(self, key: SeriesKey, start: datetime | None, end: datetime | None) -> DataError:
        have = [other for other in self.series() if other.symbol == key.symbol]
        if any(other == key for other in have):
            spans = f"from {start or 'the beginning'} to {end or 'the end'}"
            return DataError(
                "data.range_empty",
                f"{key}: no bars {spans}",
                hint=f"`algotrader data show {key.symbol}` shows what is there",
            )
        if have:
            return DataError(
                "data.timeframe_missing",
                f"{key.symbol} has no {key.name} bars in {self.root}, "
                f"only {', '.join(other.name for other in have)}",
                hint=f"fetch them: algotrader data download {key.symbol} --timeframe {key.name}",
            )
        return DataError(
            "data.symbol_missing",
            f"there are no bars of {key.symbol} in {self.root}",
            hint=f"fetch them: algotrader data download {key.symbol} --timeframe {key.name}, "
            "or import a file: algotrader data import FILE --symbol " + str(key.symbol),
        )


def parquet_bytes(frame: pl.DataFrame) -> bytes:
    """The frame as one Parquet file: stamps as differences, all columns LZ4."""
    import polars as pl
    from pyarrow import parquet

    kinds = frame.schema.items()
    buffer = io.BytesIO()
    parquet.write_table(
        frame.to_arrow(),
        buffer,
        compression="lz4",
        use_dictionary=[name for name, kind in kinds if kind == pl.String],
        column_encoding={name: "DELTA_BINARY_PACKED" for name, kind in kinds if kind == pl.Int64},
    )
    return buffer.getvalue()


def _read_file(path: Path) -> pl.DataFrame:
    return _scan([path])


def _scan(paths: Sequence[Path]) -> pl.DataFrame:
    import polars as pl

    try:
        with ExitStack() as opened:
            # Each file is opened once: a path opened twice may name two files when a writer renames.
            files: list[IO[bytes]] = [opened.enter_context(path.open("rb")) for path in paths]
            kinds = [list(pl.read_parquet_schema(file).items()) for file in files]
            if all(kind == kinds[0] for kind in kinds):
                return pl.scan_parquet(files).collect().rechunk()  # on all cores
            frames = [pl.read_parquet(file) for file in files]
    except (pl.exceptions.PolarsError, OSError) as error:
        raise DataError(
            "data.file_damaged",
            f"{_damaged(paths)} cannot be read: {str(error).splitlines()[0][:160]}",
            hint="delete that file and import or download its range again",
        ) from error
    return pl.concat(frames, how="diagonal", rechunk=True)


def _damaged(paths: Sequence[Path]) -> Path:
    """The first of the files that cannot be read by itself."""
    import polars as pl

    for path in paths:
        try:
            pl.read_parquet(io.BytesIO(path.read_bytes()))
        except (pl.exceptions.PolarsError, OSError):
            return path
    return paths[0]


def _plain_frame(table: BarTable) -> pl.DataFrame:
    import polars as pl

    return pl.DataFrame({"ts": table.ts, **table.columns})


def _frame(table: BarTable, known_at: NDArray[np.int64]) -> pl.DataFrame:
    import polars as pl

    values = {name: table.columns[name] for name in _VALUES if name in table.columns}
    return pl.DataFrame({"ts": table.ts, "known_at": known_at, **values})


def _table_of(frame: pl.DataFrame, source: str) -> tuple[BarTable, NDArray[np.int64]]:
    columns: dict[str, Floats] = {
        name: frame[name].fill_null(np.nan).to_numpy() if frame[name].null_count()
        else frame[name].to_numpy()
        for name in frame.columns if name not in ("ts", "known_at")
    }  # fmt: skip
    table = BarTable(ts=frame["ts"].to_numpy(), columns=columns, source=source)
    return table, frame["known_at"].to_numpy()


def _visible(
    ts: NDArray[np.int64],
    known_at: NDArray[np.int64],
    first: int | None,
    last: int | None,
    as_of: int | None,
) -> NDArray[np.bool_] | None:
    """Rows of the range that are the last version known; `None` if that is all of them.

    Rows are ordered by (ts, known_at), so the last visible one of each stamp counts.
    """
    if (first, last, as_of) == (None, None, None) and bool(np.all(ts[1:] > ts[:-1])):
        return None
    keep = np.ones(len(ts), dtype=np.bool_)
    if first is not None:
        keep &= ts >= first
    if last is not None:
        keep &= ts < last
    if as_of is not None:
        keep &= known_at <= as_of
    rows = np.flatnonzero(keep)
    replaced = rows[:-1][ts[rows[1:]] == ts[rows[:-1]]]
    keep[replaced] = False
    return None if bool(keep.all()) else keep


def _merge(
    old: pl.DataFrame | None, new: pl.DataFrame, received: int | None
) -> tuple[pl.DataFrame | None, NDArray[np.int64]]:
    """The period's rows with the new ones, or `None` if nothing changes; and the three counts."""
    import polars as pl

    if old is None:
        return new, np.array([new.height, 0, 0])
    latest = old.unique("ts", keep="last", maintain_order=True)
    old_rows = np.searchsorted(latest["ts"].to_numpy(), new["ts"].to_numpy())
    old_rows = np.minimum(old_rows, latest.height - 1)
    there = latest["ts"].to_numpy()[old_rows] == new["ts"].to_numpy()
    same = there & _same_values(latest, old_rows, new)
    revised = there & ~same
    if not bool((~same).any()):
        return None, np.array([0, 0, new.height])
    known = new["known_at"].to_numpy().copy()
    after = latest["known_at"].to_numpy()[old_rows] + 1
    known[revised] = np.maximum(known if received is None else received, after)[revised]
    fresh = new.with_columns(pl.Series("known_at", known)).filter(pl.Series(~same))
    merged = pl.concat([old, fresh], how="diagonal").sort("ts", "known_at")
    counts = np.array([int((~there).sum()), int(revised.sum()), int(same.sum())])
    return merged, counts


def _same_values(
    latest: pl.DataFrame, rows: NDArray[np.int64], new: pl.DataFrame
) -> NDArray[np.bool_]:
    same = np.ones(new.height, dtype=np.bool_)
    for name in _VALUES:
        if name not in new.columns:
            continue
        fresh = new[name].to_numpy()
        kept = (
            latest[name].to_numpy()[rows] if name in latest.columns else np.full(len(rows), np.nan)
        )
        same &= (fresh == kept) | (np.isnan(fresh) & np.isnan(kept))
    return same
