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
from algotrader.data.grids import calendar_for, recognise_timeframe, sessions_of
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
    calendar: str | None = None,
    adjust: Adjust = "auto",
    on_error: OnError = "refuse",
) -> Bars:
    """Bars of a CSV, Parquet or Feather file.

    Columns are recognised by name, or stated by `mapping` (our name → header: ts, open, high, low,
    close, volume, adj_close, symbol). A file of several instruments gives a panel. Without a
    symbol the instrument is `FILE:<stem>`, whose calendar is recognised from the stamps unless
    stated. Raw prices with an adjustment column are adjusted unless `adjust="none"`. DataError
    names the row and the value of whatever is no bar; `on_error="quarantine"` leaves such rows
    out instead.
    """
    path = Path(path)
    tables = read_tables(path, mapping)
    return tables_to_bars(tables, path, symbol, timeframe, adjust, on_error, calendar)


def tables_to_bars(
    tables: list[BarTable],
    path: Path,
    symbol: Symbol | str | None = None,
    timeframe: Timeframe | str | None = None,
    adjust: Adjust = "auto",
    on_error: OnError = "refuse",
    calendar: str | None = None,
) -> Bars:
    """The second half of `read_bars`, for callers that need the tables as well."""
    if any("close" not in table.columns for table in tables):
        raise DataError(
            "data.no_bars",
            f"{path} holds funding rates and no prices",
            hint="bring them beside the bars of their perpetual: "
            f"`algotrader data import {path.name} --symbol SYMBOL`",
        )
    frame = timeframe_of(tables, timeframe, str(path))
    if len(tables) == 1:
        chosen = Symbol.parse(symbol) if isinstance(symbol, str) else symbol
        chosen = chosen or _symbol_of(path, tables[0])
        return table_to_bars(tables[0], chosen, frame, adjust, on_error, calendar)
    wanted = [
        (table, own) for table in tables
        if (own := _symbol_of(path, table)) and (symbol is None or str(symbol) in (own.text, own.code))
    ]  # fmt: skip
    if not wanted:
        raise DataError(
            "data.symbol_unknown",
            f"{path} has no instrument {symbol}",
            hint="it has " + ", ".join(_symbol_of(path, table).code for table in tables),
        )
    if calendar is None:
        every = np.unique(np.concatenate([table.ts for table, _ in wanted]))
        calendar = calendar_for(wanted[0][1], every, frame).name
    singles = [table_to_bars(t, own, frame, adjust, on_error, calendar) for t, own in wanted]
    return singles[0] if symbol is not None else Bars.stack(singles)


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


def timeframe_of(tables: list[BarTable], asked: Timeframe | str | None, source: str) -> Timeframe:
    """What the stamps of all tables together lie on; DataError if another one was asked for."""
    wanted = Timeframe.parse(asked) if isinstance(asked, str) else asked
    stamps = np.concatenate([table.ts for table in tables])
    if wanted is not None and len(stamps) == 1:
        return wanted  # one bar tells no other
    found = recognise_timeframe(stamps, source)
    if wanted not in (None, found):
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
    calendar: str | None = None,
) -> Bars:
    """Checked, adjusted bars of one table, each known at its calendar's close."""
    good, _ = cleaned(table, on_error)
    trades = calendar_for(symbol, good.ts, timeframe, calendar)
    return bars_of(
        adjusted(good, adjust), symbol, timeframe,
        trades.known_at(good.ts, timeframe), sessions_of(trades, good.ts, timeframe),
    )  # fmt: skip


def bars_of(
    table: BarTable,
    symbol: Symbol,
    timeframe: Timeframe,
    known_at: NDArray[np.int64],
    session: NDArray[np.int64] | None = None,
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
        volume=np.full(len(table), np.nan) if volume is None else _no_nan(volume),
        known_at=known_at,
        timeframe=timeframe,
        symbols=(symbol,),
        session=session,
        close_only=table.is_close_only,
    )


def _no_nan(volume: NDArray[np.float64]) -> NDArray[np.float64]:
    """Bars without a volume traded none; a column without any number is absent and stays NaN."""
    missing = np.isnan(volume)
    if not bool(missing.any()) or bool(missing.all()):
        return volume
    return np.where(missing, 0.0, volume)
