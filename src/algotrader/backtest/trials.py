"""The trial ledger: every parameter set ever tried in a workspace, counted, not confessed (R31).

One trial is one distinct (strategy source, parameters, length of bars) evaluated on overlapping time
of the same instruments. Trying the same again adds none; trying it on hours, on days and on quarter
hours is three trials. Failed and pruned ones count, with no return.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from algotrader.core.errors import RunError, VersionError
from algotrader.core.hashing import content_hash
from algotrader.core.timeframes import DAY_MS, Timeframe
from algotrader.strategy.parameters import ParameterValue

SCHEMA_VERSION = 2  # 1 had no days
_SCHEMA = """
CREATE TABLE trials (
    family TEXT NOT NULL,          -- class name, or the name a person gave a new family
    source_hash TEXT NOT NULL,     -- sha256 of the strategy's module
    parameters TEXT NOT NULL,      -- canonical JSON
    instruments TEXT NOT NULL,     -- symbols and time frame, canonical JSON
    start_ms INTEGER NOT NULL,     -- first decision
    end_ms INTEGER NOT NULL,       -- last bar
    sharpe REAL,                   -- per day, not annualised; NULL if the trial failed
    days BLOB,                     -- days since 1970-01-01 of the returns, little-endian int32
    returns BLOB,                  -- daily returns, little-endian float64; NULL if it failed
    PRIMARY KEY (family, source_hash, parameters, instruments, start_ms, end_ms)
) STRICT, WITHOUT ROWID
"""
_INSERT = """
INSERT INTO trials (family, source_hash, parameters, instruments, start_ms, end_ms,
    sharpe, days, returns) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT DO UPDATE SET sharpe = excluded.sharpe, days = excluded.days, returns = excluded.returns
    WHERE excluded.returns IS NOT NULL
"""
_COMPARABLE = """
SELECT family, source_hash, parameters, instruments, start_ms, end_ms, sharpe, days, returns
FROM trials WHERE family = ? AND substr(instruments, 1, ?) = ? AND start_ms < ? AND end_ms > ?
ORDER BY sharpe IS NOT NULL, end_ms - start_ms, start_ms, source_hash, parameters
"""
# Ledgers made before this table was thought of lack it, and their reports then name no day.
_BEGUN = "CREATE TABLE begun AS SELECT date('now') AS day"


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One evaluation. `returns` are daily, shape (days,), or `None` if it failed."""

    family: str
    source_hash: str
    parameters: Mapping[str, ParameterValue]
    instruments: tuple[str, ...]  # symbols, then the time frame
    start_ms: int
    end_ms: int
    sharpe: float | None = None
    days: NDArray[np.int64] | None = None  # since 1970-01-01, one for each return
    returns: NDArray[np.float64] | None = None

    @property
    def identity(self) -> str:
        """Equal for two evaluations of the same source and parameters on bars of one length."""
        return content_hash(
            {
                "source": self.source_hash,
                "parameters": dict(self.parameters),
                "timeframe": self.instruments[-1],
            }
        )


class TrialLedger:
    """The trials of one workspace, in one SQLite file beside its runs."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def record(self, trials: Iterable[Trial]) -> None:
        """Add trials. Of those already known the newest figures stand, unless it failed this time:
        what is judged on mended data, or at other costs, is not judged by the figures before.
        """
        rows = [_row(trial) for trial in trials]
        with self._open() as connection:
            connection.executemany(_INSERT, rows)

    def comparable(
        self, family: str, instruments: tuple[str, ...], start_ms: int, end_ms: int
    ) -> list[Trial]:
        """Distinct trials of a family on the same instruments and overlapping time.

        Bars of another length are another look at the same prices, so trials on them are among
        these as long as both give a return a day; `instruments` ends with the time frame. Of
        several evaluations of one source and parameters on one time frame the longest is given that
        has a Sharpe ratio.
        """
        if not self._path.exists():
            return []
        with self._open() as connection:
            rows = connection.execute(
                _COMPARABLE,
                (
                    family,
                    len(begin := _json([*instruments[:-1], ""])[:-2]),
                    begin,
                    end_ms,
                    start_ms,
                ),
            ).fetchall()
        longest = {
            trial.identity: trial
            for trial in map(_trial, rows)
            if _are_alike(trial.instruments, instruments)
        }
        return list(longest.values())

    def since(self) -> str | None:
        """ISO date (UTC) since when trials are counted here; `None` if nobody noted it."""
        if not self._path.exists():
            return None
        with self._open() as connection:
            noted = connection.execute(
                "SELECT name FROM sqlite_master WHERE name = 'begun'"
            ).fetchone()
            row = connection.execute("SELECT day FROM begun").fetchone() if noted else None
        return None if row is None else str(row[0])

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            connection = sqlite3.connect(self._path, timeout=30)
        except (OSError, sqlite3.Error) as error:
            raise self._unusable(error) from error
        try:
            with connection:
                connection.execute("BEGIN IMMEDIATE")
                self._prepare(connection)
                yield connection
        except sqlite3.Error as error:
            raise self._unusable(error) from error
        finally:
            connection.close()

    def _prepare(self, connection: sqlite3.Connection) -> None:
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        if version == 0:
            connection.execute(_SCHEMA)
            connection.execute(_BEGUN)
        elif version == 1:
            _add_days(connection)
        elif version != SCHEMA_VERSION:
            raise VersionError(
                "trials.version",
                f"{self._path} was written by a newer version (schema {version})",
                hint="upgrade, or work in another workspace",
            )
        if version != SCHEMA_VERSION:
            connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")

    def _unusable(self, error: Exception) -> RunError:
        return RunError(
            "trials.unusable",
            f"the trial ledger {self._path} cannot be used: {error}",
            hint="check free space and rights; a damaged ledger may be moved aside, its counts are then lost",
        )


def _add_days(connection: sqlite3.Connection) -> None:
    """From schema 1. Returns whose days nobody noted count, and are compared with no others."""
    known = {column[1] for column in connection.execute("PRAGMA table_info(trials)")}
    if "days" not in known:
        connection.execute("ALTER TABLE trials ADD COLUMN days BLOB")
        connection.execute("UPDATE trials SET returns = NULL")


def _row(trial: Trial) -> tuple[object, ...]:
    returns = trial.returns
    return (
        trial.family,
        trial.source_hash,
        _json(dict(trial.parameters)),
        _json(list(trial.instruments)),
        trial.start_ms,
        trial.end_ms,
        trial.sharpe,
        None if trial.days is None else np.ascontiguousarray(trial.days, dtype="<i4").tobytes(),
        None if returns is None else np.ascontiguousarray(returns, dtype="<f8").tobytes(),
    )


def _trial(
    row: tuple[str, str, str, str, int, int, float | None, bytes | None, bytes | None],
) -> Trial:
    returns = None if row[8] is None else np.frombuffer(row[8], dtype="<f8").astype(np.float64)
    return Trial(
        family=row[0],
        source_hash=row[1],
        parameters=msgspec.json.decode(row[2]),
        instruments=tuple(msgspec.json.decode(row[3])),
        start_ms=row[4],
        end_ms=row[5],
        sharpe=row[6],
        days=None if row[7] is None else np.frombuffer(row[7], dtype="<i4").astype(np.int64),
        returns=returns,
    )


def _are_alike(one: tuple[str, ...], other: tuple[str, ...]) -> bool:
    """Whether two trials were of the same symbols, and each return of both is of as long a time."""
    if one[:-1] != other[:-1]:
        return False
    ours, theirs = Timeframe.parse(one[-1]), Timeframe.parse(other[-1])
    return ours == theirs or max(ours.ms, theirs.ms) <= DAY_MS


def _json(value: object) -> str:
    return msgspec.json.encode(value, order="sorted").decode()
