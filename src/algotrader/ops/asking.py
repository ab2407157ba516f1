"""Ask a running trader for something, and hear what it made of it."""

from __future__ import annotations

import fcntl
import os
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import msgspec

from algotrader.core.errors import AlgotraderError, RunError, UsageError
from algotrader.core.events import Event, RunStarted, TradingMode, decode_event
from algotrader.core.ids import AccountId
from algotrader.core.instants import utc_ms
from algotrader.core.ports import SystemClock
from algotrader.core.spelling import hint_among
from algotrader.live.journal.folder import JournalFolder
from algotrader.live.journal.records import PREFIX
from algotrader.live.operator import Inbox
from algotrader.live.requests import CHANNEL, OPERATOR, Asked, Request, decode_asked, encode_asked
from algotrader.live.settings import StrategySettings
from algotrader.ops.config import Configuration
from algotrader.ops.standing import events_of, folder_of

WAIT_S: Final = 20.0
_LOOK_S: Final = 0.1
_PAGE: Final = 1_000
_LONGEST: Final = 4_096  # bytes of a request: the trader puts a longer one aside unread
_ACCOUNT: Final = str(StrategySettings.model_fields["account"].default)
_REASON: Final = 500  # characters; however they are written they leave room for the rest


def leave(configuration: Configuration, asked: Asked) -> None:
    """Leave a request for the trader, or for its next start.

    RunError if it cannot be left, UsageError for one that is too long to be read. A halt is never
    too long: its reason is cut.
    """
    put(folder_of(configuration).path, asked)


def put(journal: Path, asked: Asked) -> None:
    """Leave a request for the trader of a journal; errors as of `leave`."""
    request = readable(asked)
    try:
        with _as_owner_of(journal):
            Inbox(journal).put(request, utc_ms(SystemClock().now()))
    except OSError as error:
        raise RunError(
            "trading.inbox",
            f"{error.filename}: {(error.strerror or str(error)).lower()}",
            hint="end the trader's process instead: nothing is sent while it does not run",
        ) from error


@contextmanager
def _as_owner_of(journal: Path) -> Iterator[None]:
    """Root asks as who owns the journal: the trader has to read what is left, and to remove it."""
    if os.geteuid() != 0:
        yield
        return
    there = next(folder for folder in (journal, *journal.absolute().parents) if folder.exists())
    owner = there.stat()
    os.setegid(owner.st_gid)
    os.seteuid(owner.st_uid)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(0)


def readable(asked: Asked) -> Asked:
    """The request with a reason that fits, and that is text: a terminal of another encoding gives
    bytes that are none.

    UsageError for one that the trader could not read for all that.
    """
    reason = asked.reason.encode(errors="surrogateescape").decode(errors="replace")
    if len(reason) > _REASON:
        reason = f"{reason[: _REASON - 1]}…"
    kept = msgspec.structs.replace(asked, reason=reason)
    written = encode_asked(kept)
    if (size := len(written)) > _LONGEST:
        raise UsageError(
            "usage.too_long",
            f"the request has {size} bytes, and {_LONGEST} are read; nothing was asked",
            hint="ask for less at a time",
        )
    try:
        return decode_asked(written)  # as the trader will
    except msgspec.ValidationError as error:
        raise UsageError(
            "usage.request", f"the trader could not read this request: {error}; nothing was asked",
            hint="the name of a request has up to 64 letters, digits, - and _",
        ) from error  # fmt: skip


def ask_mode(
    configuration: Configuration,
    mode: TradingMode,
    accounts: Sequence[str] | None,
    reason: str,
    *,
    flatten: bool = False,
    by: str = OPERATOR,
    channel: str = CHANNEL,
) -> list[str]:
    """Leave a request for each account, all of them if None; the accounts that were asked for.

    UsageError for an account on which nothing trades, RunError if it cannot be left.
    """
    known = sorted({one.account for one in configuration.settings.strategies.values()})
    asked = Request(
        account=AccountId(""), mode=mode, reason=reason, by=by, channel=channel, flatten=flatten
    )
    return ask_of_accounts(folder_of(configuration).path, known, asked, accounts)


def ask_of_accounts(
    journal: Path, known: Sequence[str], asked: Request, accounts: Sequence[str] | None
) -> list[str]:
    """Leave a request for each account, of those that the settings know and those that are traded.

    The settings may have been changed since the trader started, or not be readable: what it trades
    says the journal, of which nothing is needed where the settings know every account that is named.
    """
    wanted = list(accounts or known)
    if all(name in known for name in wanted):
        _ask_each(journal, asked, wanted)  # before anything is read that may be slow, or damaged
        if accounts:
            return wanted
    found = sorted({*known, *_traded(journal)}) if is_held(journal) or not known else list(known)
    if not found:
        raise UsageError(
            "usage.account", "no strategy is configured here, so no account trades",
            hint="run this in the workspace of the trader, or name its settings by --config",
        )  # fmt: skip
    if unknown := [name for name in wanted if name not in found]:
        raise UsageError(
            "usage.account",
            f"no strategy trades on account {unknown[0]!r}",
            hint=hint_among(unknown[0], found, f"accounts are: {', '.join(found)}"),
        )
    if accounts:
        _ask_each(journal, asked, wanted)
        return wanted
    _ask_each(journal, asked, [name for name in found if name not in known])
    return found


def _ask_each(journal: Path, asked: Request, accounts: Sequence[str]) -> None:
    for name in accounts:
        put(journal, msgspec.structs.replace(asked, account=AccountId(name)))


def _traded(journal: Path) -> list[str]:
    """The accounts on which strategies traded at the last start; none where that cannot be read."""
    folder, started = JournalFolder(journal), None
    try:
        if folder.chain.is_dir():
            for event in events_of(folder, (RunStarted,)):
                started = event
    except (AlgotraderError, sqlite3.Error, OSError):
        return []
    strategies = started.settings.get("strategies") if isinstance(started, RunStarted) else None
    named = strategies.values() if isinstance(strategies, Mapping) else ()
    return sorted({one.get("account", _ACCOUNT) for one in named if isinstance(one, Mapping)})


def inbox_of(configuration: Configuration) -> Inbox:
    return Inbox(folder_of(configuration).path)


def is_running(configuration: Configuration) -> bool:
    """Whether a trader holds the journal of this workspace now."""
    return is_held(folder_of(configuration).path)


def is_held(journal: Path) -> bool:
    """Whether a trader writes the journal in a folder now."""
    lock = journal / "lock"
    try:
        descriptor = os.open(lock, os.O_RDONLY)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def answered(
    configuration: Configuration,
    asked: Asked,
    is_answer: Callable[[Event], bool],
    *,
    wait_s: float = WAIT_S,
) -> list[Event] | None:
    """Leave a request, and the step of the journal with its answer; None if nobody answers.

    A trader that does not run answers nothing: its next start does as it was asked.
    """
    runs = is_running(configuration)
    at = _head(configuration) + 1 if runs else 0
    leave(configuration, asked)
    until = time.monotonic() + wait_s
    while runs and time.monotonic() < until:
        for next_at, step in _steps(configuration, at):
            if any(is_answer(event) for event in step):
                return step
            at = next_at
        time.sleep(_LOOK_S)
    return None


def _head(configuration: Configuration) -> int:
    with folder_of(configuration).reading() as rows:
        newest = rows.newest()
    return 0 if newest is None else newest.seq


def _steps(configuration: Configuration, after: int) -> Iterator[tuple[int, list[Event]]]:
    """The whole steps from a row on, each with the number of the row after it."""
    with folder_of(configuration).reading() as rows:
        step: list[Event] = []
        for row in rows.page(after, _PAGE):
            if not row.kind.startswith(PREFIX):
                step.append(decode_event(row.body))
            if row.remaining == 0:
                yield row.seq + 1, step
                step = []
