"""Bare files as bars: what `--data PATH` reads."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from algotrader.core.bars import Bars
from algotrader.core.errors import DataError
from algotrader.core.symbols import FILE_VENUE, Symbol
from algotrader.core.timeframes import Timeframe
from algotrader.data.adjustment import Adjust, adjusted
from algotrader.data.grids import recognise_timeframe
from algotrader.data.rows import OnError, Quarantined, quarantine, refuse
from algotrader.data.tables import BarTable, read_tables

_ODD = re.compile(r"[^\w.^=-]")


def file_symbol(path: Path, label: str | None = None) -> Symbol:
    """`FILE:<stem>`, or `FILE:<label>` for one column of a panel; odd characters become `_`."""
    text = label if label is not None else path.name.split(".")[0]
    return Symbol.parse(FILE_VENUE + ":" + _ODD.sub("_", text)[:64])


def read_bars(
    path: str | Path,
    symbol: Symbol | str | None = None,
    timeframe: Timeframe | str | None = None,
    mapping: Mapping[str, str] | None = None,
    adjust: Adjust = "auto",
    on_error: OnError = "refuse",
) -> Bars:
    """Bars of a CSV, Parquet or Feather file.

    Columns are recognised by name, or stated by `mapping` (our name → header: ts, open, high, low,
    close, volume, adj_close, symbol). A file of several instruments gives a panel. Without a
    symbol the instrument is `FILE:<stem>`. Raw prices with an adjustment column are adjusted
    unless `adjust="none"`. DataError names the row and the value of whatever is no bar;
    `on_error="quarantine"` leaves such rows out instead.
    """
    path = Path(path)
    tables = read_tables(path, mapping)
    frame = _timeframe_of(tables, timeframe, str(path))
    if len(tables) == 1:
        chosen = Symbol.parse(symbol) if isinstance(symbol, str) else symbol
        chosen = chosen or _symbol_of(path, tables[0])
        return table_to_bars(tables[0], chosen, frame, adjust, on_error)
    singles = [table_to_bars(t, _symbol_of(path, t), frame, adjust, on_error) for t in tables]
    if symbol is None:
        return Bars.stack(singles)
    for bars in singles:
        if str(symbol) in (bars.symbol.text, bars.symbol.code):
            return bars
    raise DataError(
        "data.symbol_unknown",
        f"{path} has no instrument {symbol}",
        hint="it has " + ", ".join(bars.symbol.code for bars in singles),
    )


def _symbol_of(path: Path, table: BarTable) -> Symbol:
    if table.symbol_text is not None and ":" in table.symbol_text:
        return Symbol.parse(table.symbol_text)
    return file_symbol(path, table.symbol_text)


def cleaned(table: BarTable, on_error: OnError) -> tuple[BarTable, Quarantined | None]:
    """The rows that are bars, in order; DataError if some are not and `on_error` is refuse."""
    if on_error == "refuse":
        return refuse(table), None
    good, aside = quarantine(table)
    if not len(good):
        raise DataError(
            "data.empty",
            f"{table.source}: not one of {len(table)} rows is a bar "
            f"({', '.join(f'{count} {reason}' for reason, count in aside.counts().items())})",
            hint="fetch or export it again",
        )
    return good, aside


def _timeframe_of(tables: list[BarTable], asked: Timeframe | str | None, source: str) -> Timeframe:
    """What the stamps of all tables together lie on; DataError if another one was asked for."""
    found = recognise_timeframe(np.concatenate([table.ts for table in tables]), source)
    wanted = Timeframe.parse(asked) if isinstance(asked, str) else asked or found
    if wanted != found:
        raise DataError(
            "data.timeframe_other",
            f"{source} has {found} bars, not {wanted}",
            hint=f"use --timeframe {found}",
        )
    return found


def table_to_bars(
    table: BarTable,
    symbol: Symbol,
    timeframe: Timeframe,
    adjust: Adjust = "auto",
    on_error: OnError = "refuse",
) -> Bars:
    """Checked, adjusted bars of one table."""
    good, _ = cleaned(table, on_error)
    return bars_of(adjusted(good, adjust), symbol, timeframe)


def bars_of(
    table: BarTable,
    symbol: Symbol,
    timeframe: Timeframe,
    known_at: NDArray[np.int64] | None = None,
) -> Bars:
    """Bars of clean rows. Without a volume column volume is NaN, and the manifest says absent."""
    close = table.columns["close"]
    volume = table.columns.get("volume")
    return Bars(
        ts=table.ts,
        open=table.columns.get("open", close),
        high=table.columns.get("high", close),
        low=table.columns.get("low", close),
        close=close,
        volume=np.full(len(table), np.nan) if volume is None else np.nan_to_num(volume, nan=0.0),
        known_at=table.ts + timeframe.ms if known_at is None else known_at,
        timeframe=timeframe,
        symbols=(symbol,),
        close_only=table.is_close_only,
    )
