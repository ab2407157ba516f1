"""Tables of bars as somebody wrote them: CSV, Parquet and Feather, before any check."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from algotrader.core.errors import DataError
from algotrader.data.columns import EXTRAS, PRICES, recognise
from algotrader.data.stamps import to_utc_ms

if TYPE_CHECKING:
    import polars as pl

Floats = NDArray[np.float64]

_NULLS = ["", "NaN", "nan", "NA", "N/A", "null", "NULL", "None", "-"]
_BINANCE = ("ts", *PRICES, "volume", "close_time", "quote_volume", "trades", "taker_base",
            "taker_quote", "ignored")  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BarTable:
    """Rows of one instrument as received: perhaps disordered, perhaps wrong.

    `ts` (n,) is UTC ms; `columns` maps our names to float64 arrays (n,), and a column that the
    source does not have is not in it.
    """

    ts: NDArray[np.int64]
    columns: dict[str, Floats]
    source: str  # how messages name it
    symbol_text: str | None = None  # what the table itself says it holds
    metadata: dict[str, str] = field(default_factory=dict)

    def __len__(self) -> int:
        return int(self.ts.shape[0])

    @property
    def is_close_only(self) -> bool:
        return not any(name in self.columns for name in ("open", "high", "low"))

    def take(self, rows: NDArray[np.int64] | NDArray[np.bool_]) -> BarTable:
        """The chosen rows, in the order given."""
        return BarTable(
            ts=self.ts[rows],
            columns={name: values[rows] for name, values in self.columns.items()},
            source=self.source,
            symbol_text=self.symbol_text,
            metadata=self.metadata,
        )


def read_frame(path: Path) -> tuple[pl.DataFrame, dict[str, str]]:
    """The file as a polars frame, and the metadata of its schema. DataError if it cannot be read."""
    import polars as pl

    if not path.exists():
        raise DataError("data.file_missing", f"there is no file {path}",
                        hint="check the path; `algotrader data ls` shows what is in the lake")  # fmt: skip
    if path.is_dir():
        raise DataError("data.file_is_folder", f"{path} is a folder",
                        hint="name one file, or import the files of the folder one by one")  # fmt: skip
    suffix = path.suffix.lower()
    try:
        if suffix in (".parquet", ".pq"):
            return pl.read_parquet(path, glob=False), _metadata(path)
        if suffix in (".feather", ".arrow", ".ipc"):
            return pl.read_ipc(path), {}
        if suffix in (".csv", ".txt", ".tsv", ".gz"):
            return _read_csv(path), {}
    except DataError:
        raise
    except (pl.exceptions.PolarsError, OSError, ValueError) as error:
        raise DataError(
            "data.file_damaged",
            f"{path} cannot be read as {suffix[1:]}: {_first_line(error)}",
            hint="it is damaged or of another kind: fetch or export it again",
        ) from error
    raise DataError(
        "data.file_kind",
        f"{path}: files ending in {suffix or 'nothing'} are not understood",
        hint="give a .csv, .parquet or .feather file",
    )


def _metadata(path: Path) -> dict[str, str]:
    import pyarrow.parquet as pq

    raw = pq.read_schema(path).metadata or {}
    return {key.decode(): value.decode(errors="replace") for key, value in raw.items()
            if not key.startswith((b"ARROW", b"pandas"))}  # fmt: skip


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:200]


def _read_csv(path: Path) -> pl.DataFrame:
    import polars as pl

    raw = path.read_bytes()[:65536] if path.suffix != ".gz" else _gunzip_head(path)
    head = raw.decode("utf-8-sig", errors="replace").splitlines()
    if not head or not head[0].strip():
        raise DataError("data.empty", f"{path} is empty", hint="export it again")
    separator = max(",;\t|", key=head[0].count)
    names = [name.strip().strip('"') for name in head[0].split(separator)]
    has_header = not _is_number(names[0]) or any(not _is_number(name) for name in names[1:6])
    options: dict[str, object] = {
        "separator": separator, "has_header": has_header, "null_values": _NULLS,
        "truncate_ragged_lines": False,
    }  # fmt: skip
    if not has_header:
        options["new_columns"] = list(_BINANCE[: len(names)])
    try:
        return pl.read_csv(path, infer_schema_length=1000, **options)  # type: ignore[arg-type]
    except pl.exceptions.ComputeError:
        # A later row is not of the kind the first thousand were: as text, so that it can be named.
        return pl.read_csv(path, infer_schema=False, **options)  # type: ignore[arg-type]


def _gunzip_head(path: Path) -> bytes:
    import gzip

    with gzip.open(path) as file:
        return file.read(65536)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def read_tables(path: Path, mapping: Mapping[str, str] | None = None) -> list[BarTable]:
    """Every instrument of a file: one, or one a column of a panel of closes, or one a symbol.

    DataError names a missing file or column, a stamp or a number that cannot be read.
    """
    frame, metadata = read_frame(path)
    return tables_of(frame, str(path), mapping, metadata)


def tables_of(
    frame: pl.DataFrame,
    source: str,
    mapping: Mapping[str, str] | None = None,
    metadata: Mapping[str, str] | None = None,
) -> list[BarTable]:
    """The instruments of a polars frame; `source` is how messages name it."""
    if frame.height == 0:
        raise DataError("data.empty", f"{source} has no rows", hint="fetch or export it again")
    names = recognise(frame.columns, mapping)
    if "ts" not in names:
        raise _missing("ts", frame, source)
    ts = to_utc_ms(frame[names["ts"]], source)
    meta = dict(metadata or {})
    if "close" not in names and "funding_rate" in names:
        rates = {"funding_rate": _numbers(frame[names["funding_rate"]], source)}
        return [BarTable(ts=ts, columns=rates, source=source, metadata=meta)]
    if "close" not in names:
        return _panel_of_closes(frame, names, ts, source, meta)
    opens = [name for name in PRICES[:3] if name in names]
    if 0 < len(opens) < 3:
        raise _missing(next(n for n in PRICES if n not in names), frame, source)
    columns = {
        name: _numbers(frame[names[name]], source)
        for name in (*PRICES, "volume", *EXTRAS)
        if name in names
    }
    table = BarTable(ts=ts, columns=columns, source=source, metadata=meta)
    if "symbol" not in names:
        return [table]
    labels = frame[names["symbol"]].cast(str).to_numpy()
    return [
        _labelled(table.take(np.flatnonzero(labels == label)), str(label))
        for label in sorted(set(labels.tolist()))
    ]


def _labelled(table: BarTable, label: str) -> BarTable:
    return BarTable(ts=table.ts, columns=table.columns, source=f"{table.source} ({label})",
                    symbol_text=label, metadata=table.metadata)  # fmt: skip


def _panel_of_closes(
    frame: pl.DataFrame, names: Mapping[str, str], ts: NDArray[np.int64], source: str,
    metadata: dict[str, str],
) -> list[BarTable]:  # fmt: skip
    """A wide table, a column of closes for each instrument."""
    others = [name for name in frame.columns if name not in names.values()]
    if (
        not others
        or any(name in names for name in ("open", "high", "low", "volume"))
        or not all(frame[name].dtype.is_numeric() for name in others)
    ):
        raise _missing("close", frame, source)
    tables = []
    for name in others:
        closes = _numbers(frame[name], source)
        here = np.isfinite(closes)
        tables.append(BarTable(ts=ts[here], columns={"close": closes[here]}, metadata=metadata,
                               source=f"{source} ({name})", symbol_text=name))  # fmt: skip
    return tables


def _missing(name: str, frame: pl.DataFrame, source: str) -> DataError:
    what = "column of time stamps" if name == "ts" else f"column {name!r}"
    return DataError(
        "data.column_missing",
        f"{source} has no {what}; it has {', '.join(frame.columns)}",
        hint=f"import it and say which column it is: algotrader data import FILE --map {name}=COLUMN",
    )


def _numbers(column: pl.Series, source: str) -> Floats:
    """float64 with NaN for missing values; DataError names the first row that is no number."""
    import polars as pl

    if column.dtype == pl.String:
        parsed = column.str.strip_chars().str.replace_all("_", "").cast(pl.Float64, strict=False)
        bad = (parsed.is_null() & column.is_not_null()).arg_true()
        if len(bad):
            row = int(bad[0])
            raise DataError(
                "data.not_a_number",
                f"{source}: row {row + 1}, column {column.name!r} holds {column[row]!r}, "
                "which is no number",
                hint="correct the row, or delete it",
            )
        column = parsed
    return column.cast(pl.Float64).fill_null(np.nan).to_numpy().astype(np.float64)
