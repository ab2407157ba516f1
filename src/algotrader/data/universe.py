"""Universes from a table: who belonged when, the delisted included (promise 19)."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from algotrader.core.errors import DataError
from algotrader.core.symbols import Symbol
from algotrader.core.universes import Membership, Universe
from algotrader.data.stamps import to_utc_ms
from algotrader.data.tables import read_frame


def read_universe(path: str | Path) -> Universe:
    """Memberships of a CSV or Parquet file with columns `symbol, start` and, if any ended, `end`.

    `start` is when a membership was in force and known; an empty `end` is still a member. An
    instrument that was delisted stays in the table with its end, so that a backtest trades it
    while it was there. DataError names a missing column or a row that cannot be read.
    """
    path = Path(path)
    frame, _ = read_frame(path)
    for name in ("symbol", "start"):
        if name not in frame.columns:
            raise DataError(
                "data.column_missing",
                f"{path} has no column {name!r}; it has {', '.join(frame.columns)}",
                hint="a universe is a table of symbol, start, end",
            )
    starts = to_utc_ms(frame["start"], str(path))
    ends = _ends(frame, path) if "end" in frame.columns else [None] * frame.height
    spans = []
    for row, text in enumerate(frame["symbol"].to_list()):
        try:
            span = Membership(
                symbol=Symbol.parse(str(text)), start_ms=int(starts[row]), end_ms=ends[row]
            )
        except ValueError as error:
            raise DataError("data.universe_row", f"{path}: row {row + 1}: {error}",
                            hint="`end` must be after `start`") from error  # fmt: skip
        spans.append(span)
    try:
        return Universe.from_spans(spans)
    except ValueError as error:
        raise DataError("data.universe_overlap", f"{path}: {error}",
                        hint="join the two spans into one row") from error  # fmt: skip


def _ends(frame: object, path: Path) -> list[int | None]:
    import polars as pl

    assert isinstance(frame, pl.DataFrame)
    column = frame["end"]
    if column.dtype == pl.String:
        column = pl.Series("end", [text or None for text in column.to_list()], dtype=pl.String)
    known = np.flatnonzero(column.is_not_null().to_numpy())
    ends: list[int | None] = [None] * len(column)
    if len(known):
        stamps = to_utc_ms(column.drop_nulls(), str(path))
        for row, stamp in zip(known.tolist(), stamps.tolist(), strict=True):
            ends[row] = stamp
    return ends
