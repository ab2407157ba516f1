"""The desk as it was: states folded from the journal apart from the one that is shown.

Folding goes from the nearest state that is kept, by snapshot or from an earlier question, and ends
after a while: who asks again goes on from where it got. So a question about the past costs the
process seconds at most, and the trader nothing.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from threading import Lock
from typing import Final

from algotrader.api.errors import ApiError
from algotrader.core.events import BarClosed, Event, decode_event
from algotrader.engine.image import image_of, state_of
from algotrader.engine.settings import EngineSettings
from algotrader.engine.state import EngineState
from algotrader.live.journal.chain import Row
from algotrader.live.journal.port import Rows
from algotrader.live.journal.records import PREFIX
from algotrader.live.journal.segments import SegmentRows
from algotrader.live.journal.verifying import read
from algotrader.live.snapshots import newest_state
from algotrader.ops.config import Configuration
from algotrader.ops.standing import folder_of

LONGEST_S: Final = 4.0  # that one question folds
_KEEP_EVERY: Final = 20_000  # rows between states that are kept on the way
_MOST_KEPT: Final = 12
_PAGE: Final = 2_000
_REST: Final = 500  # rows after which other requests get the interpreter


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A state after a row of the journal. It is changed by the next one."""

    state: EngineState
    row: Row
    event: Event | None  # None: the journal's own row
    is_whole: bool  # whether no row of the same step follows


class Past:
    """Asked in threads, one at a time."""

    def __init__(self, configuration: Configuration) -> None:
        self._folder = folder_of(configuration)
        self._lock = Lock()
        self._images: dict[int, bytes] = {}  # states by row
        self._has_looked = False  # for a snapshot: one that cannot be used is told of once

    def forget(self) -> None:
        """The journal is another one."""
        with self._lock:
            self._images.clear()
            self._has_looked = False

    def at(self, settings: EngineSettings, seq: int) -> tuple[EngineState, Row]:
        """The state after row `seq`, of one's own, and that row. ApiError 404, 503."""
        with self._lock, self._folder.reading() as rows:
            row = next(iter(rows.picked([seq])), None)
            if row is None:
                raise ApiError(
                    404, "journal.no_row", f"the journal has no row {seq}",
                    hint="GET /api/v1/journal lists those it has",
                )  # fmt: skip
            return self._folded(rows, settings, seq), row

    def steps(self, settings: EngineSettings, first: int, last: int) -> Iterator[Step]:
        """The states after each of the rows `first` to `last`, in a state of the caller's own.

        ApiError 503 when the time is over before the state before `first` is reached; what comes
        after that is the caller's to bound.
        """
        with self._folder.reading() as rows:
            with self._lock:
                state = self._folded(rows, settings, first - 1)
            for count, row in enumerate(read(rows, first)):
                if row.seq > last:
                    return
                event = _told(state, row)
                yield Step(state=state, row=row, event=event, is_whole=row.remaining == 0)
                if count % _REST == 0:
                    time.sleep(0)

    def bars_before(self, seq: int, back_ms: int) -> Iterator[BarClosed]:
        """The closed bars of so long before row `seq`, the oldest first."""
        with self._folder.reading() as rows:
            end_ms = _time_of(rows, seq)
        at = self.seq_at(end_ms - back_ms) + 1
        with self._folder.reading() as rows:
            while page := rows.page(at, _PAGE, ["BarClosed"]):
                at = page[-1].seq + 1
                for row in page:
                    if row.seq >= seq:
                        return
                    event = decode_event(row.body)
                    assert isinstance(event, BarClosed)
                    yield event

    def seq_at(self, at_ms: int) -> int:
        """The last row that was written up to an instant, UTC ms; 0 before the first."""
        with self._folder.reading() as rows:
            newest = rows.newest()
            low, high = 0, 0 if newest is None else newest.seq
            while low < high:
                middle = (low + high + 1) // 2
                if _time_of(rows, middle) <= at_ms:
                    low = middle
                else:
                    high = middle - 1
        return low

    def _folded(self, rows: Rows, settings: EngineSettings, seq: int) -> EngineState:
        state, at = self._nearest(rows, settings, seq)
        if at == seq:
            return state
        ends = time.monotonic() + LONGEST_S
        for row in read(rows, at + 1):
            _told(state, row)
            at = row.seq
            if at >= seq:
                break
            if at % _REST == 0:
                time.sleep(0)
            if at % _KEEP_EVERY == 0:
                self._keep(at, state)
            if time.monotonic() > ends:
                self._keep(at, state)
                raise ApiError(
                    503, "api.reading", f"the past is still being read: row {at} of {seq}",
                    hint="ask again: it goes on from there", headers={"Retry-After": "1"},
                )  # fmt: skip
        self._keep(at, state)
        return state

    def _nearest(self, rows: Rows, settings: EngineSettings, seq: int) -> tuple[EngineState, int]:
        """The newest state that is kept of a row up to `seq`, or the one before all rows."""
        if not self._has_looked:
            self._has_looked = True
            if (stood := newest_state(rows)) is not None:
                self._keep(stood.seq, stood.state)
        known = max((one for one in self._images if one <= seq), default=0)
        return (state_of(self._images[known]), known) if known else (EngineState(settings), 0)

    def _keep(self, seq: int, state: EngineState) -> None:
        self._images[seq] = image_of(state)
        while len(self._images) > _MOST_KEPT:
            del self._images[next(iter(self._images))]


def _told(state: EngineState, row: Row) -> Event | None:
    if row.kind.startswith(PREFIX):
        return None
    event = decode_event(row.body)
    state.apply(event)
    return event


def _time_of(rows: SegmentRows, seq: int) -> int:
    """When what a row tells was known. A segment's own rows carry the time of the machine."""
    found = rows.picked(list(range(seq, seq + 8)))
    return next((row.time_ms for row in found if not row.kind.startswith(PREFIX)), 0)
