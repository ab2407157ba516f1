"""Bars of a vnpy SQLite database, table `dbbardata`."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import TYPE_CHECKING

from algotrader.core.errors import DataError
from algotrader.core.symbols import EQUITY_VENUES, FUTURES_VENUES, Symbol
from algotrader.core.timeframes import Timeframe
from algotrader.data.layout import SeriesKey
from algotrader.data.tables import BarTable, tables_of

if TYPE_CHECKING:
    import polars as pl

SUFFIXES = (".db", ".sqlite", ".sqlite3")
_INTERVALS = {"1m": "1m", "1h": "1h", "d": "1d", "w": "1w"}
_US = frozenset({"NYSE", "NASDAQ", "AMEX", "ARCA", "SMART", "BATS"})
_COLUMNS = ("datetime", "open_price", "high_price", "low_price", "close_price", "volume")


def read_database(
    path: Path, timezone: str, symbol: Symbol | None = None, timeframe: Timeframe | None = None
) -> list[tuple[SeriesKey, BarTable]]:
    """Every series of the database, or those of one vnpy time frame.

    vnpy writes local time without offset: `timezone` says whose. A crypto contract carries no
    pair that could be read back, so a database of one such needs `symbol`.
    """
    if not path.exists():
        raise DataError("data.file_missing", f"there is no file {path}", hint="check the path")
    try:
        with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as database:
            series = database.execute(
                "select distinct symbol, exchange, interval from dbbardata order by 1, 2, 3"
            ).fetchall()
            found = [
                (_key(path, code, exchange, interval, symbol, len(series)),
                 _rows(database, path, code, exchange, interval, timezone))
                for code, exchange, interval in series
                if timeframe is None or _INTERVALS.get(interval) == str(timeframe)
            ]  # fmt: skip
    except sqlite3.DatabaseError as error:
        raise DataError(
            "data.file_damaged",
            f"{path} is no vnpy database: {error}",
            hint="give the file database.db of vnpy, whose table dbbardata holds bars",
        ) from error
    if not found:
        raise DataError("data.empty", f"{path} has no such bars in dbbardata",
                        hint="leave out --timeframe, or record bars with vnpy first")  # fmt: skip
    return found


def _key(
    path: Path, code: str, exchange: str, interval: str, symbol: Symbol | None, count: int
) -> SeriesKey:
    if interval not in _INTERVALS:
        raise DataError("data.timeframe_unclear", f"{path}: {code} has interval {interval!r}",
                        hint="1m, 1h, d and w can be imported: choose one with --timeframe")  # fmt: skip
    frame = Timeframe.parse(_INTERVALS[interval])
    if symbol is not None and count == 1:
        return SeriesKey.bars(symbol, frame)
    if exchange in EQUITY_VENUES | FUTURES_VENUES:
        return SeriesKey.bars(Symbol.parse(f"{exchange}:{code}"), frame)
    if exchange in _US:
        return SeriesKey.bars(Symbol.parse(f"US:{code}"), frame)
    raise DataError(
        "data.venue_unknown",
        f"{path}: {code} of exchange {exchange} has no name here that follows from vnpy's",
        hint="import a database of that one contract and name it: --symbol OKX:BTC/USDT",
    )


def _rows(
    database: sqlite3.Connection, path: Path, code: str, exchange: str, interval: str, zone: str
) -> BarTable:
    import polars as pl

    rows = database.execute(
        f"select {', '.join(_COLUMNS)} from dbbardata "  # noqa: S608  our own column names
        "where symbol = ? and exchange = ? and interval = ? order by datetime",
        (code, exchange, interval),
    ).fetchall()
    names = ("ts", "open", "high", "low", "close", "volume")
    frame = pl.DataFrame(rows, schema=list(names), orient="row", infer_schema_length=None)
    stamps = _utc(frame["ts"].cast(pl.String), zone, daily=interval in ("d", "w"))
    [table] = tables_of(frame.with_columns(stamps.alias("ts")), f"{path} {code}.{exchange}")
    return table


def _utc(stamps: pl.Series, zone: str, *, daily: bool) -> pl.Series:
    """Local text as UTC; daily bars keep their date."""
    import polars as pl

    local = stamps.str.slice(0, 19).str.to_datetime("%Y-%m-%d %H:%M:%S", time_unit="ms")
    if daily:
        return local.dt.truncate("1d")
    try:
        return local.dt.replace_time_zone(zone, ambiguous="earliest").dt.convert_time_zone("UTC")
    except pl.exceptions.ComputeError as error:
        raise DataError("data.time_zone_unknown", f"time zone {zone!r} does not exist",
                        hint="use a name like Asia/Shanghai or UTC") from error  # fmt: skip
