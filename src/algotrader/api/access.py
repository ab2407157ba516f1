"""Who may come in: people, their sessions, tokens of programs, and what each of them did.

One SQLite file of mode 600 beside the journal. Of sessions and tokens it holds hashes alone, and
seeds of second factors sealed: who reads the file cannot come in with it.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from threading import Lock
from typing import Any, Final

import msgspec

from algotrader.api.sealing import Seal, is_sealed
from algotrader.core.errors import RunError
from algotrader.core.instants import utc_ms
from algotrader.core.ports import Clock

FOLDER: Final = "console"
FILE: Final = "access.sqlite"
OWNER: Final = "owner"
_IDLE_MS: Final = 24 * 3_600_000
_SEEN_MS: Final = 60_000  # a session's last use is written at most so often
_TABLES: Final = """
create table if not exists people (
    name text primary key, role text not null, password text, totp text,
    totp_step integer not null default 0, made_ms integer not null) strict;
create table if not exists sessions (
    hash text primary key, id text not null, person text not null, role text not null,
    csrf text not null, made_ms integer not null, seen_ms integer not null,
    ends_ms integer not null, address text not null, agent text not null) strict;
create table if not exists tokens (
    id text primary key, hash text not null unique, name text not null, role text not null,
    made_by text not null, made_ms integer not null, used_ms integer, ends_ms integer) strict;
create table if not exists audit (
    id integer primary key, at_ms integer not null, who text not null, role text not null,
    door text not null, address text not null, action text not null, object text not null,
    before text, after text, outcome text not null, says text not null) strict;
"""


class Role(StrEnum):
    """What somebody may do; each may do what those before it may."""

    VIEWER = "viewer"  # look
    TRADER = "trader"  # halt, resume, orders, limits
    ADMIN = "admin"  # people, tokens, settings, strategies' files

    def may(self, wanted: Role) -> bool:
        order = list(Role)
        return order.index(self) >= order.index(wanted)


class Person(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    role: Role
    password: str | None  # its hash; None: cannot sign in by one
    totp: str | None  # its seed, sealed
    totp_step: int


class Caller(msgspec.Struct, frozen=True, kw_only=True):
    """Who asks, and by which door."""

    name: str
    role: Role
    door: str  # `session`, `token`
    id: str  # of the session or token, never its secret
    address: str
    csrf: str | None = None
    ends_ms: int | None = None


class Access:
    """Every call is a transaction of its own. RunError if the file cannot be used."""

    def __init__(self, journal: Path, key: Path, clock: Clock) -> None:
        """`key` is the file that seeds of second factors are sealed with."""
        self._clock, self._seal = clock, Seal(key)
        self._path = journal / FOLDER / FILE
        self._lock = Lock()
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            os.close(os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600))
            self._path.chmod(0o600)
            self._rows = sqlite3.connect(self._path, timeout=5.0, check_same_thread=False)
            self._rows.execute("pragma journal_mode = wal")
            self._rows.executescript(_TABLES)
        except (sqlite3.Error, OSError) as error:
            raise self._unusable(error) from error
        self._seal_plain()

    def close(self) -> None:
        self._rows.close()

    def has_password(self) -> bool:
        """Whether anybody can sign in by password."""
        with self._used() as rows:
            found = rows.execute("select 1 from people where password is not null limit 1")
            return found.fetchone() is not None

    def person(self, name: str) -> Person | None:
        with self._used() as rows:
            found = rows.execute(
                "select name, role, password, totp, totp_step from people where name = ?", (name,)
            ).fetchone()
        if found is None:
            return None
        return Person(
            name=found[0], role=Role(found[1]), password=found[2], totp=found[3], totp_step=found[4]
        )

    def people(self) -> list[Person]:
        with self._used() as rows:
            names = [name for (name,) in rows.execute("select name from people order by name")]
        return [one for name in names if (one := self.person(name)) is not None]

    def keep_person(self, name: str, role: Role, password: str | None) -> None:
        """Add somebody, or change role and password; `None` leaves the password as it is."""
        with self._used() as rows:
            rows.execute(
                "insert into people (name, role, password, made_ms) values (:name, :role, :password, :now)"
                " on conflict (name) do update"
                " set role = :role, password = coalesce(:password, password)",
                {"name": name, "role": role.value, "password": password, "now": self._now_ms()},
            )

    def remove_person(self, name: str) -> None:
        with self._used() as rows:
            rows.execute("delete from people where name = ?", (name,))
            rows.execute("delete from sessions where person = ?", (name,))

    def keep_totp(self, name: str, secret: str | None) -> None:
        """Ask somebody for codes of `secret` from here on; None: for none any more."""
        sealed = None if secret is None else self._seal.close(name, secret)
        with self._used() as rows:
            rows.execute("update people set totp = ?, totp_step = 0 where name = ?", (sealed, name))

    def totp_secret(self, person: Person) -> str | None:
        """The seed of somebody's codes. RunError if the key that sealed it is not there."""
        return None if person.totp is None else self._seal.open(person.name, person.totp)

    def use_code(self, name: str, step: int) -> bool:
        """Mark a code as used; whether it had not been."""
        with self._used() as rows:
            done = rows.execute(
                "update people set totp_step = :step where name = :name and totp_step < :step",
                {"step": step, "name": name},
            )
            return done.rowcount == 1

    def begin_session(
        self, name: str, role: Role, address: str, agent: str, lasts_ms: int
    ) -> tuple[str, Caller]:
        """A new session: its secret, for the cookie alone, and who it is."""
        secret, csrf, now_ms = secrets.token_urlsafe(32), secrets.token_urlsafe(24), self._now_ms()
        kept, ends_ms = secrets.token_hex(6), now_ms + lasts_ms
        with self._used() as rows:
            rows.execute("delete from sessions where ends_ms < ?", (now_ms,))
            rows.execute(
                "insert into sessions values (?,?,?,?,?,?,?,?,?,?)",
                (_hash(secret), kept, name, role.value, csrf, now_ms, now_ms, ends_ms, address,
                 agent[:200]),
            )  # fmt: skip
        return secret, Caller(
            name=name, role=role, door="session", id=kept, address=address, csrf=csrf,
            ends_ms=ends_ms,
        )  # fmt: skip

    def of_session(self, secret: str, address: str) -> Caller | None:
        """Who holds a session; None if it is over. A person's role counts as it is now."""
        now_ms = self._now_ms()
        with self._used() as rows:
            found = rows.execute(
                "select s.id, s.person, coalesce(p.role, s.role), s.csrf, s.seen_ms, s.ends_ms"
                " from sessions s left join people p on p.name = s.person where s.hash = ?",
                (_hash(secret),),
            ).fetchone()
            if found is None:
                return None
            kept, person, role, csrf, seen_ms, ends_ms = found
            if now_ms >= ends_ms or now_ms - seen_ms > _IDLE_MS:
                rows.execute("delete from sessions where id = ?", (kept,))
                return None
            if now_ms - seen_ms > _SEEN_MS:
                rows.execute("update sessions set seen_ms = ? where id = ?", (now_ms, kept))
        return Caller(
            name=person, role=Role(role), door="session", id=kept, address=address, csrf=csrf,
            ends_ms=ends_ms,
        )  # fmt: skip

    def sessions(self) -> list[dict[str, Any]]:
        names = ("id", "person", "role", "made", "seen", "ends", "address", "agent")
        with self._used() as rows:
            found = rows.execute(
                "select id, person, role, made_ms, seen_ms, ends_ms, address, agent from sessions"
                " where ends_ms > ? order by seen_ms desc", (self._now_ms(),),
            ).fetchall()  # fmt: skip
        return [dict(zip(names, row, strict=True)) for row in found]

    def end_session(self, kept: str) -> bool:
        with self._used() as rows:
            return rows.execute("delete from sessions where id = ?", (kept,)).rowcount == 1

    def end_others(self, name: str, but: str) -> None:
        """All sessions of a person but one: when the password is another."""
        with self._used() as rows:
            rows.execute("delete from sessions where person = ? and id <> ?", (name, but))

    def still(self, caller: Caller) -> Role | None:
        """The role that somebody has who came in before; None if session or token ended since.

        Who only listens does not use the session: it grows idle all the same.
        """
        with self._used() as rows:
            if caller.door == "session":
                found = rows.execute(
                    "select coalesce(p.role, s.role), s.ends_ms from sessions s"
                    " left join people p on p.name = s.person where s.id = ?", (caller.id,),
                ).fetchone()  # fmt: skip
            else:
                found = rows.execute(
                    "select role, ends_ms from tokens where id = ?", (caller.id,)
                ).fetchone()
        if found is None or (found[1] is not None and self._now_ms() >= found[1]):
            return None
        return Role(found[0])

    def make_token(
        self, name: str, role: Role, made_by: str, lasts_ms: int | None
    ) -> tuple[str, str]:
        """Id and secret of a new token; the secret is shown once and never kept."""
        kept, secret, now_ms = (
            secrets.token_hex(6),
            "at_" + secrets.token_urlsafe(32),
            self._now_ms(),
        )
        ends_ms = None if lasts_ms is None else now_ms + lasts_ms
        with self._used() as rows:
            rows.execute(
                "insert into tokens values (?,?,?,?,?,?,null,?)",
                (kept, _hash(secret), name, role.value, made_by, now_ms, ends_ms),
            )
        return kept, secret

    def of_token(self, secret: str, address: str) -> Caller | None:
        now_ms = self._now_ms()
        with self._used() as rows:
            found = rows.execute(
                "select id, name, role, used_ms, ends_ms from tokens where hash = ?",
                (_hash(secret),),
            ).fetchone()
            if found is None or (found[4] is not None and now_ms >= found[4]):
                return None
            if found[3] is None or now_ms - found[3] > _SEEN_MS:
                rows.execute("update tokens set used_ms = ? where id = ?", (now_ms, found[0]))
        return Caller(
            name=found[1], role=Role(found[2]), door="token", id=found[0], address=address,
            ends_ms=found[4],
        )  # fmt: skip

    def tokens(self) -> list[dict[str, Any]]:
        names = ("id", "name", "role", "made_by", "made", "used", "ends")
        with self._used() as rows:
            found = rows.execute(
                "select id, name, role, made_by, made_ms, used_ms, ends_ms from tokens"
                " order by made_ms desc"
            ).fetchall()
        return [dict(zip(names, row, strict=True)) for row in found]

    def end_token(self, kept: str) -> bool:
        with self._used() as rows:
            return rows.execute("delete from tokens where id = ?", (kept,)).rowcount == 1

    def note(
        self, caller: Caller, action: str, what: str, *, before: Any = None, after: Any = None,
        outcome: str = "done", says: str = "",
    ) -> None:  # fmt: skip
        """Write down what somebody did, or was refused."""
        with self._used() as rows:
            rows.execute(
                "insert into audit (at_ms, who, role, door, address, action, object, before, after,"
                " outcome, says) values (?,?,?,?,?,?,?,?,?,?,?)",
                (self._now_ms(), caller.name, caller.role.value, caller.door, caller.address,
                 action, what, _text(before), _text(after), outcome, says),
            )  # fmt: skip

    def audit(self, before: int | None, limit: int) -> list[dict[str, Any]]:
        """What was done, the newest first."""
        names = ("id", "at", "who", "role", "door", "address", "action", "object", "before",
                 "after", "outcome", "says")  # fmt: skip
        with self._used() as rows:
            found = rows.execute(
                "select id, at_ms, who, role, door, address, action, object, before, after,"
                " outcome, says from audit where :before is null or id < :before"
                " order by id desc limit :most",
                {"before": before, "most": limit},
            ).fetchall()
        plain = [dict(zip(names, row, strict=True)) for row in found]
        for one in plain:
            for name in ("before", "after"):
                one[name] = None if one[name] is None else msgspec.json.decode(one[name])
        return plain

    def _seal_plain(self) -> None:
        """Seeds that an earlier version wrote plain."""
        with self._used() as rows:
            kept = rows.execute("select name, totp from people where totp is not null").fetchall()
            plain = [(name, seed) for name, seed in kept if not is_sealed(seed)]
            for name, seed in plain:
                sealed = self._seal.close(name, seed)
                rows.execute("update people set totp = ? where name = ?", (sealed, name))
        if plain:  # and what stood plain stands in no free page any more
            with self._used() as rows:
                rows.commit()
                rows.execute("vacuum")
                rows.execute("pragma wal_checkpoint(truncate)")

    def _now_ms(self) -> int:
        return utc_ms(self._clock.now())

    @contextmanager
    def _used(self) -> Iterator[sqlite3.Connection]:
        try:
            with self._lock, self._rows:
                yield self._rows
        except sqlite3.Error as error:
            raise self._unusable(error) from error

    def _unusable(self, error: Exception) -> RunError:
        return RunError(
            "access.unusable",
            f"{self._path} cannot be used: {str(error).lower()}",
            hint="free space on the disk or mend its rights",
        )


def _hash(secret: str) -> str:
    # Secrets of 256 random bits need no slow hash.
    return hashlib.blake2b(secret.encode(), digest_size=32).hexdigest()


def _text(value: Any) -> str | None:
    return None if value is None else msgspec.json.encode(value).decode()
