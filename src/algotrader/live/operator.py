"""What a person asks of a running trader: small files in a folder, taken in their order.

A file needs no database, no port and no key, so a halt works when little else does. What was taken
is an event of the journal.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec

from algotrader.core.events import (
    Event,
    HaltRequested,
    ModeChanged,
    RearmRequested,
    TradingMode,
)
from algotrader.core.ids import AccountId

FOLDER: Final = "inbox"
_LONGEST: Final = 4_096
OPERATOR: Final = "operator"
CHANNEL: Final = "file"


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """A change of what an account may do."""

    account: AccountId
    mode: TradingMode
    reason: str
    by: str = OPERATOR
    channel: str = CHANNEL  # the door it came through
    flatten: bool = False  # a halt that first goes flat (R28)


class Inbox:
    """The folder beside a journal."""

    def __init__(self, journal: Path) -> None:
        self._folder = journal / FOLDER

    def put(self, request: Request, at_ms: int) -> Path:
        """Leave a request; whole or not at all. OSError if the folder cannot be written."""
        self._folder.mkdir(parents=True, exist_ok=True)
        name = f"{at_ms:015d}-{os.getpid()}-{request.account}.json"
        unfinished = self._folder / f".{name}"
        unfinished.write_bytes(msgspec.json.encode(request))
        unfinished.replace(self._folder / name)
        return self._folder / name

    def take(self, now_ms: int) -> Iterator[Event]:
        """The requests that are there, the oldest first; each file goes once it was read.

        A request is idempotent, so one that is taken twice after a crash does no harm.
        """
        if not self._folder.is_dir():
            return
        for path in sorted(self._folder.glob("[0-9]*.json")):
            try:
                if path.stat().st_size > _LONGEST:
                    raise msgspec.DecodeError("too long")
                request = msgspec.json.decode(path.read_bytes(), type=Request)
            except msgspec.DecodeError:
                path.rename(path.with_suffix(".refused"))
                continue
            path.unlink()
            yield _event(request, now_ms)


def _event(request: Request, now_ms: int) -> Event:
    """A halt and its end are kept as what a person asked for, with the name and the reason."""
    account, by, reason = request.account, request.by, request.reason
    if request.mode is TradingMode.HALTED:
        return HaltRequested(
            ts_event=now_ms, ts_known=now_ms, account=account, by=by, reason=reason,
            channel=request.channel, flatten=request.flatten,
        )  # fmt: skip
    if request.mode is TradingMode.TRADING:
        return RearmRequested(
            ts_event=now_ms,
            ts_known=now_ms,
            account=account,
            by=by,
            reason=reason,
            channel=request.channel,
        )
    return ModeChanged(
        ts_event=now_ms, ts_known=now_ms, account=account, by=by, reason=reason, mode=request.mode
    )
