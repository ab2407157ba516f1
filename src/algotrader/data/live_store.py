"""The newest bars, funding, balances and states of sources: one small SQLite file for who looks.

Everything in it stands elsewhere as well (lake, venue, journal) or may be lost, so a damaged file
is begun anew. The journal is another file: nothing here can hold up a decision.
"""

from __future__ import annotations

import json
import logging
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from threading import Lock
from typing import Any, Final

from algotrader.core.errors import RunError
from algotrader.core.events import BarClosed
from algotrader.core.symbols import Symbol

log = logging.getLogger(__name__)

FILE: Final = "live.db"
_KEPT_BARS: Final = 1_000  # of each series
_BUSY_S: Final = 5.0
_TABLES: Final = """
create table if not exists bars (
    symbol text not null, timeframe text not null, ts integer not null, open real not null,
    high real not null, low real not null, close real not null, volume real not null,
    known_at integer not null, revision integer not null, is_late integer not null,
    primary key (symbol, timeframe, ts)) without rowid;
create table if not exists funding (
    symbol text not null, ts integer not null, rate real not null,
    primary key (symbol, ts)) without rowid;
create table if not exists balances (
    account text not null, currency text not null, amount text not null, at_ms integer not null,
    primary key (account, currency)) without rowid;
create table if not exists sources (
    name text primary key, is_alive integer not null, says text not null,
    since_ms integer not null) without rowid;
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceState:
    """Whether a source delivers, since when it is so, and what is to be said of it."""

    name: str
    is_alive: bool
    says: str
    since_ms: int  # UTC ms


class LiveStore:
    """Written by the collector and the trader, read by everyone, from any thread or process."""

    def __init__(self, folder: Path, *, kept_bars: int = _KEPT_BARS) -> None:
        """RunError if the folder cannot be written. A damaged file is replaced by an empty one."""
        self.path = folder / FILE
        self._kept_bars = kept_bars
        self._lock = Lock()
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._rows = _opened(self.path)
        except OSError as error:
            raise _unwritable(self.path, error) from error

    def close(self) -> None:
        with self._lock:
            self._rows.close()

    def write_bars(self, bars: Iterable[BarClosed]) -> None:
        """Keep bars, each in place of what was known of it; the oldest of a series give way."""
        rows = [
            (str(b.instrument), b.timeframe, b.ts, b.open, b.high, b.low, b.close, b.volume,
             b.ts_known, b.revision, b.is_late)
            for b in bars
        ]  # fmt: skip
        with self._writing() as write:
            write.executemany("insert or replace into bars values (?,?,?,?,?,?,?,?,?,?,?)", rows)
            for symbol, frame in {row[:2] for row in rows}:
                write.execute(
                    "delete from bars where symbol = ?1 and timeframe = ?2 and ts < (select ts from"
                    " bars where symbol = ?1 and timeframe = ?2 order by ts desc limit 1 offset ?3)",
                    (symbol, frame, self._kept_bars - 1),
                )

    def bars(self, symbol: Symbol, timeframe: str, last: int = _KEPT_BARS) -> list[BarClosed]:
        """The newest bars of a series, the oldest of them first."""
        found = self._read(
            "select ts, open, high, low, close, volume, known_at, revision, is_late from bars"
            " where symbol = ? and timeframe = ? order by ts desc limit ?",
            (str(symbol), timeframe, last),
        )
        return [
            BarClosed(
                ts_event=known, ts_known=known, instrument=symbol, timeframe=timeframe, ts=ts,
                open=opened, high=high, low=low, close=close, volume=volume, source="live store",
                revision=revision, is_late=bool(late),
            )
            for ts, opened, high, low, close, volume, known, revision, late in reversed(found)
        ]  # fmt: skip

    def write_funding(self, symbol: Symbol, rates: Sequence[tuple[int, float]]) -> None:
        """Settlements: stamps (UTC ms) and rates (fraction of notional, longs pay above 0)."""
        with self._writing() as write:
            write.executemany(
                "insert or replace into funding values (?,?,?)",
                [(str(symbol), ts, rate) for ts, rate in rates],
            )
            write.execute(
                "delete from funding where symbol = ?1 and ts < (select ts from funding"
                " where symbol = ?1 order by ts desc limit 1 offset ?2)",
                (str(symbol), self._kept_bars - 1),
            )

    def funding(self, symbol: Symbol) -> list[tuple[int, float]]:
        rows = self._read(
            "select ts, rate from funding where symbol = ? order by ts", (str(symbol),)
        )
        return [(int(ts), float(rate)) for ts, rate in rows]

    def write_balances(self, account: str, amounts: Mapping[str, Decimal], at_ms: int) -> None:
        """What an account holds now, all of it: what is not named is gone."""
        with self._writing() as write:
            write.execute("delete from balances where account = ?", (account,))
            write.executemany(
                "insert into balances values (?,?,?,?)",
                [(account, currency, str(held), at_ms) for currency, held in amounts.items()],
            )

    def balances(self, account: str) -> dict[str, Decimal]:
        rows = self._read(
            "select currency, amount from balances where account = ? order by currency", (account,)
        )
        return {str(currency): Decimal(amount) for currency, amount in rows}

    def write_source(self, state: SourceState) -> None:
        with self._writing() as write:
            write.execute(
                "insert or replace into sources values (?,?,?,?)",
                (state.name, state.is_alive, state.says, state.since_ms),
            )

    def sources(self) -> list[SourceState]:
        rows = self._read("select name, is_alive, says, since_ms from sources order by name", ())
        return [
            SourceState(name=name, is_alive=bool(alive), says=says, since_ms=since)
            for name, alive, says, since in rows
        ]

    def forget_sources(self, kept: Iterable[str]) -> None:
        """Forget all but these: what nobody listens to any more is not silent."""
        names = json.dumps(sorted(kept))
        with self._writing() as write:
            write.execute(
                "delete from sources where name not in (select value from json_each(?))", (names,)
            )

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        """One transaction. RunError if the disk refuses it."""
        with self._lock:
            try:
                with self._rows:
                    yield self._rows
            except sqlite3.Error as error:
                if _is_damaged(error):
                    self._begin_anew(error)
                raise _unwritable(self.path, error) from error

    def _read(self, question: str, values: tuple[Any, ...]) -> list[tuple[Any, ...]]:
        with self._lock:
            try:
                return self._rows.execute(question, values).fetchall()
            except sqlite3.Error as error:
                if not _is_damaged(error):
                    raise
                log.warning("%s is damaged: %s; who writes it begins it anew", self.path, error)
                return []

    def _begin_anew(self, error: sqlite3.Error) -> None:
        """The next write finds an empty file: what was in it stands elsewhere, or may be lost."""
        self._rows.close()
        try:
            self._rows = _emptied(self.path, error)
        except (sqlite3.Error, OSError) as again:
            raise _unwritable(self.path, again) from error


def _opened(path: Path) -> sqlite3.Connection:
    try:
        return _connected(path)
    except sqlite3.DatabaseError as error:
        if not _is_damaged(error):
            raise _unwritable(path, error) from error
        return _emptied(path, error)


def _is_damaged(error: sqlite3.Error) -> bool:
    """Rather than locked, or without room."""
    return type(error) is sqlite3.DatabaseError


def _emptied(path: Path, error: sqlite3.Error) -> sqlite3.Connection:
    log.warning("%s is damaged and begun anew: %s", path, error)
    for name in (path.name, f"{path.name}-wal", f"{path.name}-shm"):
        path.with_name(name).unlink(missing_ok=True)
    return _connected(path)


def _connected(path: Path) -> sqlite3.Connection:
    rows = sqlite3.connect(path, timeout=_BUSY_S, check_same_thread=False)
    try:
        rows.execute("pragma journal_mode = wal")
        rows.execute("pragma synchronous = normal")  # what a power cut takes can be had again
        rows.executescript(_TABLES)
    except sqlite3.Error:
        rows.close()
        raise
    return rows


def _unwritable(path: Path, error: Exception) -> RunError:
    return RunError(
        "data.live_store",
        f"{path} cannot be written: {str(error).lower()}",
        hint="free space on the disk, mend its rights, or choose workspace.live anew",
    )
