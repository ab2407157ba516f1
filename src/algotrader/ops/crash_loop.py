"""A trader whose starts keep failing is not let near the venue again for a while (F08)."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Final

from algotrader.core.errors import ConfigurationError, RunError, UsageError
from algotrader.core.instants import utc_ms
from algotrader.core.ports import Clock, Notice, Severity
from algotrader.data.storage import write_all

log = logging.getLogger(__name__)
FILE: Final = "starts.json"
WITHIN: Final = timedelta(minutes=10)
MOST: Final = 3


class Starts:
    """The starts of the last minutes that came to nothing, in a small file of the folder."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        self._path = folder / FILE
        self._clock = clock

    @contextmanager
    def counted(self, tell: Callable[[Notice], None] = lambda _: None) -> Iterator[None]:
        """One start, as long as the block lasts. RunError if three before it failed, and `tell`.

        It counts as failed unless `succeeded` was called, or the block ended by itself, or what
        was wrong was told before anything began: settings and usage are a person's to mend.
        """
        now_ms = utc_ms(self._clock.now())
        before = self._read(now_ms)
        if len(before) >= MOST:
            error = self._too_many(before, now_ms)
            tell(_refused(error))
            raise error
        self._write([*before, now_ms])
        try:
            yield
        except (ConfigurationError, UsageError):
            self._write(before)
            raise
        self.succeeded()

    def succeeded(self) -> None:
        """The books agree with the venue: what failed before is over."""
        try:
            self._path.unlink(missing_ok=True)
        except OSError as error:  # a trader that trades does not end for the sake of a note
            log.warning("%s cannot be deleted: %s", self._path, error)

    def _too_many(self, before: list[int], now_ms: int) -> RunError:
        wait_s = (before[-MOST] + WITHIN // timedelta(milliseconds=1) - now_ms) // 1000 + 1
        return RunError(
            "trading.crash_loop",
            f"the last {MOST} starts failed within {WITHIN.seconds // 60} minutes; "
            "this one is refused, and nothing was sent",
            hint=f"the log says why they failed; starts are let in again in {wait_s} s, "
            f"or at once when {self._path} is deleted",
        )

    def _read(self, now_ms: int) -> list[int]:
        """An unreadable file counts for nothing: it only ever keeps a start back."""
        try:
            found = json.loads(self._path.read_text(encoding="utf-8"))
        except (OSError, ValueError, RecursionError):
            return []
        since = now_ms - WITHIN // timedelta(milliseconds=1)
        times = found if isinstance(found, list) else []
        return [one for one in times if isinstance(one, int) and since < one <= now_ms]

    def _write(self, times: list[int]) -> None:
        """Whole or not at all: a kill or a full disk in between must not forget earlier failures."""
        try:
            write_all({self._path: json.dumps(times).encode()})
        except (OSError, RunError) as error:  # a disk that takes nothing is the journal's to tell
            log.warning("%s cannot be written: %s", self._path, error)


def _refused(error: RunError) -> Notice:
    """What a person is told of a start that was kept back."""
    return Notice(
        severity=Severity.CRITICAL, title="the trader is not started again",
        text=error.message, cause="crash_loop",
    )  # fmt: skip
