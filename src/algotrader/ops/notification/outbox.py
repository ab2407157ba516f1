"""What was heard and what waits to be sent, in a file of its own: it outlives the process.

A SQLite file beside the journal, which is the truth; this one may be lost without loss of money.
Any process may leave notices; the one that holds the courier's lock makes messages of them and
sends them. Bounded: beyond a channel's room the oldest information goes first and is counted,
what is critical never goes.
"""

from __future__ import annotations

import logging
import sqlite3
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import msgspec

from algotrader.core.ports import Notice, Severity
from algotrader.ops.notification.alerts import (
    LONGEST_WINDOW_MS,
    MINUTE_MS,
    RANK,
    Cause,
    Message,
    Waiting,
    close,
    fold,
)

log = logging.getLogger(__name__)
FOLDER: Final = "notification"
_IS_DUE: Final = (
    "SELECT EXISTS (SELECT 1 FROM heard) OR EXISTS (SELECT 1 FROM causes WHERE closes_ms <= ?"
    " OR closes_ms > ?)"
)
_IS_BEHIND: Final = "SELECT EXISTS (SELECT 1 FROM waiting WHERE channel = ? AND stood_in = 0)"
_IS_LEFT: Final = (
    "SELECT EXISTS (SELECT 1 FROM waiting WHERE channel NOT IN (SELECT value FROM json_each(?)))"
)
_IS_MADE: Final = "SELECT 1 FROM sqlite_schema WHERE name = 'audit'"
ROOM: Final = {Severity.INFO: 500, Severity.IMPORTANT: 5_000}  # messages a channel keeps
_AUDIT_ROWS: Final = 10_000
_LEFT_OUT: Final = "left_out:"
_TABLES: Final = """
CREATE TABLE IF NOT EXISTS heard (
    number INTEGER PRIMARY KEY AUTOINCREMENT, at_ms INTEGER NOT NULL, notice BLOB NOT NULL,
    picture BLOB
) STRICT;
CREATE TABLE IF NOT EXISTS causes (
    cause TEXT PRIMARY KEY, closes_ms INTEGER NOT NULL, body BLOB NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS waiting (
    number INTEGER PRIMARY KEY AUTOINCREMENT, channel TEXT NOT NULL, rank INTEGER NOT NULL,
    stood_in INTEGER NOT NULL DEFAULT 0, message BLOB NOT NULL, picture BLOB
) STRICT;
CREATE TABLE IF NOT EXISTS notes (name TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS equity (
    account TEXT NOT NULL, part TEXT NOT NULL, day TEXT NOT NULL, equity TEXT NOT NULL,
    PRIMARY KEY (account, part, day)
) STRICT;
CREATE TABLE IF NOT EXISTS audit (
    number INTEGER PRIMARY KEY AUTOINCREMENT, at_ms INTEGER NOT NULL, who TEXT NOT NULL,
    asked TEXT NOT NULL, answer TEXT NOT NULL
) STRICT;
"""


WHOLE: Final = ""
DEPOSITS: Final = "+"


@dataclass(frozen=True, slots=True, kw_only=True)
class DayEquity:
    """What an account, or a strategy's part of it, was worth at the end of a UTC day, so far."""

    account: str
    part: str  # strategy; `WHOLE`, or `DEPOSITS` for what was paid in so far
    day: str  # ISO date
    equity: str  # account currency, exact


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditRow:
    """What somebody asked through a messenger, and what became of it."""

    at_ms: int
    who: str
    asked: str
    answer: str


class Outbox:
    """The file. Any thread and any process may use it: each thread has a connection of its own.

    sqlite3.Error if it cannot be written within `wait_s`: nothing was changed then. A file that is
    damaged is set aside and begun anew: what it held may be told again, or not at all.
    """

    def __init__(self, path: Path, *, wait_s: float = 2.0) -> None:
        self._path = path
        self._wait_s = wait_s
        self._mine = threading.local()

    def hear(self, notice: Notice, now_ms: int, picture: bytes | None = None) -> None:
        """Leave a notice for the courier."""
        self.hear_all([(notice, now_ms, picture)])

    def hear_all(self, heard: Sequence[tuple[Notice, int, bytes | None]]) -> None:
        """Leave several, all or none."""
        rows = [(at_ms, _body(notice), picture) for notice, at_ms, picture in heard]
        with self._writing() as file:
            file.executemany("INSERT INTO heard (at_ms, notice, picture) VALUES (?, ?, ?)", rows)

    def sort(self, least: Mapping[str, Severity], now_ms: int, window_ms: int) -> int:
        """Make messages of what was heard, for each channel what it is told; their number.

        `least` is the least severity of each channel, by name.
        """
        with self._open() as file:
            far_ms = now_ms + LONGEST_WINDOW_MS + MINUTE_MS  # a clock that was set back since
            if not file.execute(_IS_DUE, (now_ms, far_ms)).fetchone()[0]:
                return 0  # without a write: it is asked for several times a second
        with self._writing() as file:
            told = list(_folded(file, now_ms, window_ms))
            for message, picture in told:
                _put(file, least, message, picture)
            for channel in least:
                _make_room(file, channel)
        return len(told)

    def waiting(self, channel: str) -> list[Waiting]:
        """What a channel has to send, the oldest first."""
        query = "SELECT number, message FROM waiting WHERE channel = ? ORDER BY number"
        with self._open() as file:
            rows = file.execute(query, (channel,)).fetchall()
        return [
            Waiting(number=number, message=msgspec.json.decode(body, type=Message))
            for number, body in rows
        ]

    def left_out(self, channel: str) -> int:
        """How many messages went for want of room, of all times."""
        return int(self.note(f"{_LEFT_OUT}{channel}") or 0)

    def picture(self, number: int) -> bytes | None:
        """What is sent with a message."""
        with self._open() as file:
            row = file.execute("SELECT picture FROM waiting WHERE number = ?", (number,)).fetchone()
        return None if row is None else row[0]

    def sent(self, numbers: Sequence[int]) -> None:
        """These were delivered."""
        with self._writing() as file:
            file.executemany("DELETE FROM waiting WHERE number = ?", [(n,) for n in numbers])

    def stand_in(self, broken: str, other: str, other_least: Severity) -> int:
        """Let `other` tell what `broken` cannot, once each, and more than information; how many.

        What `other` is told anyway is not told twice. The messages of `broken` keep waiting.
        """
        with self._open() as file:
            if not file.execute(_IS_BEHIND, (broken,)).fetchone()[0]:
                return 0
        with self._writing() as file:
            below = RANK[other_least]
            done = file.execute(
                "INSERT INTO waiting (channel, rank, stood_in, message, picture) "
                "SELECT ?, rank, 1, message, picture FROM waiting "
                "WHERE channel = ? AND stood_in = 0 AND rank > 0 AND rank < ?",
                (other, broken, below),
            )
            file.execute("UPDATE waiting SET stood_in = 1 WHERE channel = ?", (broken,))
        return done.rowcount

    def inherit(self, channels: Sequence[str], heir: str, least: Severity) -> int:
        """Let `heir` tell what waits for a channel that is no more, but for what another told.

        `least` is the heir's least severity; what is more than information it is told anyway.
        """
        named = msgspec.json.encode(channels).decode()
        with self._open() as file:
            if not file.execute(_IS_LEFT, (named,)).fetchone()[0]:
                return 0
        with self._writing() as file:
            done = file.execute(
                "INSERT INTO waiting (channel, rank, message, picture) SELECT ?, rank, message, "
                "picture FROM waiting WHERE channel NOT IN (SELECT value FROM json_each(?)) "
                "AND stood_in = 0 AND (rank > 0 OR rank >= ?) ORDER BY number",
                (heir, named, RANK[least]),
            )
            file.execute(
                "DELETE FROM waiting WHERE channel NOT IN (SELECT value FROM json_each(?))",
                (named,),
            )
        return done.rowcount

    def note(self, name: str) -> bytes | None:
        """What was kept under a name."""
        with self._open() as file:
            row = file.execute("SELECT value FROM notes WHERE name = ?", (name,)).fetchone()
        return None if row is None else row[0]

    def keep(self, name: str, value: bytes) -> None:
        """Keep something under a name, in place of what was there."""
        with self._writing() as file:
            _keep(file, name, value)

    def follow(
        self,
        heard: Sequence[tuple[Notice, int]],
        days: Sequence[DayEquity],
        name: str,
        value: bytes,
    ) -> None:
        """Leave notices and figures, and keep how far their source was read: all or nothing."""
        with self._writing() as file:
            file.executemany(
                "REPLACE INTO equity VALUES (?, ?, ?, ?)",
                [(one.account, one.part, one.day, one.equity) for one in days],
            )
            file.executemany(
                "INSERT INTO heard (at_ms, notice) VALUES (?, ?)",
                [(at_ms, _body(notice)) for notice, at_ms in heard],
            )
            _keep(file, name, value)

    def equity(self, account: str, since: str) -> list[DayEquity]:
        """By day; each part from the last day before `since` on."""
        query = (
            "SELECT account, part, day, equity FROM equity AS this WHERE account = ? AND day >= "
            "coalesce((SELECT max(day) FROM equity AS one WHERE one.account = this.account "
            "AND one.part = this.part AND one.day < ?), ?) ORDER BY day, part"
        )
        with self._open() as file:
            rows = file.execute(query, (account, since, since)).fetchall()
        return [DayEquity(account=a, part=p, day=d, equity=e) for a, p, d, e in rows]

    def audit(self, row: AuditRow) -> None:
        with self._writing() as file:
            file.execute(
                "INSERT INTO audit (at_ms, who, asked, answer) VALUES (?, ?, ?, ?)",
                (row.at_ms, row.who, row.asked, row.answer),
            )
            file.execute(
                "DELETE FROM audit WHERE number <= (SELECT max(number) FROM audit) - ?",
                (_AUDIT_ROWS,),
            )

    def audited(self) -> list[AuditRow]:
        """What was asked, the oldest first."""
        with self._open() as file:
            rows = file.execute("SELECT at_ms, who, asked, answer FROM audit ORDER BY number")
            return [
                AuditRow(at_ms=at_ms, who=who, asked=asked, answer=answer)
                for at_ms, who, asked, answer in rows
            ]

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        file = getattr(self._mine, "file", None)
        if file is None:
            file = self._mine.file = self._opened()
        try:
            yield file
        except sqlite3.DatabaseError:
            self._mine.file = None  # the next look opens it anew
            file.close()
            raise

    def _opened(self) -> sqlite3.Connection:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise sqlite3.OperationalError(f"{error.filename}: {error.strerror}") from error
        try:
            return self._connected()
        except sqlite3.OperationalError:
            raise  # locked, or no room: it may be whole
        except sqlite3.DatabaseError:
            damaged = self._path.with_suffix(".damaged")
            log.error("the outbox is damaged: it is kept as %s and begun anew", damaged)
            self._path.replace(damaged)
            return self._connected()

    def _connected(self) -> sqlite3.Connection:
        """The file, with its tables."""
        file = sqlite3.connect(self._path, timeout=self._wait_s)
        try:
            if not file.execute(_IS_MADE).fetchone():
                file.execute("PRAGMA journal_mode = WAL")
                file.executescript(_TABLES)
        except BaseException:
            file.close()
            raise
        return file

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with self._open() as file:
            file.execute("BEGIN IMMEDIATE")
            try:
                yield file
                file.commit()
            except BaseException:
                file.rollback()
                raise


def _body(notice: Notice) -> bytes:
    """A notice as it is kept. Half a character, of a file's name or a venue's text, is replaced:
    one that cannot be written would hold up all that come after it."""
    try:
        return msgspec.json.encode(notice)
    except UnicodeEncodeError:
        named = ("title", "text", "cause")
        sound = {name: getattr(notice, name).encode(errors="replace").decode() for name in named}
        return msgspec.json.encode(replace(notice, **sound))


def _folded(
    file: sqlite3.Connection, now_ms: int, window_ms: int
) -> Iterator[tuple[Message, bytes | None]]:
    """The messages that windows closed by now and what was heard lead to; both are written."""
    rows = file.execute("SELECT body FROM causes ORDER BY cause").fetchall()
    causes = {c.newest.cause: c for c in (msgspec.json.decode(r[0], type=Cause) for r in rows)}
    for name, cause in list(causes.items()):
        kept, message = close(cause, now_ms)
        if kept is not cause:
            _remember(file, name, kept)
        causes.pop(name) if kept is None else causes.update({name: kept})
        if message is not None:
            yield message, None
    heard = file.execute("SELECT number, notice, picture FROM heard ORDER BY number").fetchall()
    changed: set[str] = set()
    for _, body, picture in heard:
        notice = msgspec.json.decode(body, type=Notice)
        causes[notice.cause], message = fold(causes.get(notice.cause), notice, now_ms, window_ms)
        changed.add(notice.cause)
        if message is not None:
            yield message, picture
    for name in sorted(changed):
        _remember(file, name, causes[name])
    if heard:
        file.execute("DELETE FROM heard WHERE number <= ?", (heard[-1][0],))


def _remember(file: sqlite3.Connection, name: str, cause: Cause | None) -> None:
    if cause is None:
        file.execute("DELETE FROM causes WHERE cause = ?", (name,))
    else:
        row = (name, cause.closes_ms, msgspec.json.encode(cause))
        file.execute("REPLACE INTO causes VALUES (?, ?, ?)", row)


def _put(
    file: sqlite3.Connection, least: Mapping[str, Severity], message: Message, picture: bytes | None
) -> None:
    rank = RANK[message.notice.severity]
    body = msgspec.json.encode(message)
    file.executemany(
        "INSERT INTO waiting (channel, rank, message, picture) VALUES (?, ?, ?, ?)",
        [(name, rank, body, picture) for name, floor in least.items() if rank >= RANK[floor]],
    )


def _make_room(file: sqlite3.Connection, channel: str) -> None:
    for severity, room in ROOM.items():
        gone = file.execute(
            "DELETE FROM waiting WHERE channel = ? AND rank = ? AND number NOT IN "
            "(SELECT number FROM waiting WHERE channel = ? AND rank = ? "
            "ORDER BY number DESC LIMIT ?)",
            (channel, RANK[severity], channel, RANK[severity], room),
        )
        if gone.rowcount:
            name = f"{_LEFT_OUT}{channel}"
            before = file.execute("SELECT value FROM notes WHERE name = ?", (name,)).fetchone()
            count = gone.rowcount + (int(before[0]) if before else 0)
            _keep(file, name, str(count).encode())


def _keep(file: sqlite3.Connection, name: str, value: bytes) -> None:
    file.execute("REPLACE INTO notes VALUES (?, ?)", (name, value))
