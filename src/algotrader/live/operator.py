"""What a person asks of a running trader: small files in a folder, taken in their order.

A file needs no database, no port and no key, so a halt works when little else does. What was taken
is an event of the journal.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

import msgspec

from algotrader.core.events import Event
from algotrader.live.requests import (
    CHANNEL,
    OPERATOR,
    Asked,
    HandAmend,
    HandCancel,
    HandOrder,
    LimitRequest,
    LoadRequest,
    Request,
    SetRequest,
    Told,
    UnloadRequest,
    decode_asked,
    encode_asked,
    event_of,
)

__all__ = ["CHANNEL", "FOLDER", "OPERATOR", "Inbox", "Request"]

FOLDER: Final = "inbox"
_LONGEST: Final = 4_096


class Inbox:
    """The folder beside a journal."""

    def __init__(self, journal: Path) -> None:
        self._folder = journal / FOLDER
        self._taken: set[Path] = set()  # read, and not yet in the journal

    def put(self, asked: Asked, at_ms: int) -> Path:
        """Leave a request; whole or not at all. OSError if the folder cannot be written.

        It is told after those that are there, also where the clock was set back since.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        stem = f"{max(at_ms, self._newest_ms() + 1):015d}-{os.getpid()}-{_subject(asked)}"
        unfinished = self._folder / f".{stem}.json"
        unfinished.write_bytes(encode_asked(asked))
        return unfinished.replace(self._folder / f"{stem}.json")

    def _newest_ms(self) -> int:
        """Of the requests that are there; -1 if there are none."""
        told = (path.name.partition("-")[0] for path in self._folder.glob("[0-9]*.json"))
        return max((int(ms) for ms in told if ms.isdecimal()), default=-1)

    def requests(self) -> Iterator[Asked]:
        """The requests that are there, the oldest first, each once; its file stays until `done`.

        A request is idempotent, so one that is taken twice after a crash does no harm.
        """
        if not self._folder.is_dir():
            return
        for path in sorted(self._folder.glob("[0-9]*.json")):
            if path in self._taken:
                continue
            try:
                if path.stat().st_size > _LONGEST:
                    raise msgspec.DecodeError("too long")
                asked = decode_asked(path.read_bytes())
            except msgspec.DecodeError:
                path.rename(path.with_suffix(".refused"))
                continue
            self._taken.add(path)
            yield asked

    def done(self) -> None:
        """What was read is in the journal: its files may go."""
        for path in self._taken:
            path.unlink(missing_ok=True)
        self._taken.clear()

    def waiting(self) -> Iterator[tuple[int, Asked]]:
        """The requests that nobody took yet, each with when it was left, UTC ms; none goes.

        A clock that was set back makes that later than it was.

        OSError if the folder is there and cannot be read.
        """
        try:
            names = sorted(path.name for path in self._folder.iterdir())
        except FileNotFoundError:
            return
        for name in names:
            if not (name.endswith(".json") and name[0].isdigit()):
                continue
            with suppress(
                OSError, ValueError, msgspec.DecodeError
            ):  # taken meanwhile, or no request
                yield int(name.partition("-")[0]), decode_asked((self._folder / name).read_bytes())

    def take(self, now_ms: int) -> Iterator[Event]:
        """As events for the engine, where nothing but the engine has to act on them."""
        for asked in self.requests():
            if isinstance(asked, Told):
                yield event_of(asked, now_ms)


def _subject(asked: Asked) -> str:
    """Of a file's name: what it is about, so that two at one moment do not meet."""
    match asked:
        case Request():
            return asked.account if asked.strategy is None else asked.strategy
        case LimitRequest():
            return asked.key.replace("/", "-").replace(":", "-").replace(" ", "-")
        case HandOrder() | HandAmend() | HandCancel():
            return f"{type(asked).__name__}-{asked.request}"
        case LoadRequest() | SetRequest() | UnloadRequest():
            return f"{type(asked).__name__}-{asked.strategy}"
        case _:
            return type(asked).__name__
