"""The rows that live strategies decide on: bars of a feed, put together as they become known."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from operator import attrgetter
from typing import Final

import numpy as np

from algotrader.core.bars import FIELDS
from algotrader.core.calendars import load_calendar
from algotrader.core.events import BarClosed, Event, SliceClosed, decode_event
from algotrader.core.symbols import Symbol
from algotrader.core.timeframes import Timeframe
from algotrader.live.journal.port import Rows
from algotrader.live.workers import LiveStrategy

_KEPT_ROWS: Final = 2_048  # in which a bar may still come late or be corrected
_PAGE: Final = 5_000
_figures: Final = attrgetter(*FIELDS)
_TOLD: Final = frozenset({BarClosed.__name__, SliceClosed.__name__})


def told_after(journal: Rows, ends: Mapping[str, int]) -> list[Event]:
    """Bars and slices of a journal that closed after `ends` (UTC ms by time frame), oldest first.

    A restart gives them to `LiveRows`, so that strategies see the bars as they were told then.
    """
    newest = journal.newest()
    last, missing = 0 if newest is None else newest.seq, set(ends)
    found: list[Event] = []
    while last > 0 and missing:
        first = max(last - _PAGE + 1, 1)
        told: list[Event] = []
        for row in journal.page(first, last - first + 1):
            event = decode_event(row.body) if row.kind in _TOLD else None
            if isinstance(event, BarClosed) and event.ts_event > ends.get(event.timeframe, 0):
                told.append(event)
            elif isinstance(event, SliceClosed):
                if event.decision_ts > ends.get(event.timeframe, 0):
                    told.append(event)
                else:
                    missing.discard(event.timeframe)
        found = told + found
        last = first - 1
    return found


class LiveRows:
    """Lets the histories of strategies grow by what a feed tells, a slice at a time.

    A bar that comes after its slice, or corrects one, is put in its place at the next slice, and
    the strategy is given all rows from there on (R25).
    """

    def __init__(self, strategies: Iterable[LiveStrategy]) -> None:
        self._strategies = list(strategies)
        self._bars: dict[tuple[str, int], dict[Symbol, BarClosed]] = {}
        self._touched: dict[str, int] = {}  # by time frame: first row that changed since a slice

    def hear(self, event: Event) -> bool:
        """Keep a bar; at a slice, give every strategy of its time frame the rows that are new.

        False for a bar that was told before with the same figures: after a restart a feed brings
        the newest closed bars again, decided on or not.
        """
        if isinstance(event, BarClosed):
            row = self._bars.setdefault((event.timeframe, event.ts), {})
            known = row.get(event.instrument)
            if known is not None and _figures(known) == _figures(event):
                return False
            row[event.instrument] = event
            first = self._touched.get(event.timeframe, event.ts)
            self._touched[event.timeframe] = min(first, event.ts)
        elif isinstance(event, SliceClosed):
            first_ts = self._touched.pop(event.timeframe, None)
            if first_ts is not None:
                for one in self._strategies:
                    if str(one.history.bars.timeframe) == event.timeframe:
                        self._grow(one, event.timeframe, first_ts)
            self._forget(event.timeframe)
        return True

    def _grow(self, one: LiveStrategy, frame: str, first_ts: int) -> None:
        symbols = one.history.bars.symbols
        stamps = sorted(ts for name, ts in self._bars if name == frame and ts >= first_ts)
        rows = [
            (ts, {s: b for s, b in self._bars[frame, ts].items() if s in symbols}) for ts in stamps
        ]
        rows = [(ts, held) for ts, held in rows if held]
        if not rows:
            return
        one.history.cut(rows[0][0])
        one.told_rows = min(one.told_rows, len(one.history))
        calendar = load_calendar(one.instruments[0].calendar)
        sessions = calendar.session_ids(
            np.array([ts for ts, _ in rows], dtype=np.int64), Timeframe.parse(frame)
        )
        for (ts, held), session in zip(rows, sessions, strict=True):
            values = {
                name: np.array(
                    [getattr(held[s], name) if s in held else _absent(name) for s in symbols]
                )
                for name in FIELDS
            }
            known = max(bar.ts_known for bar in held.values())
            one.history.append(ts, known, int(session), values)

    def _forget(self, frame: str) -> None:
        stamps = sorted(ts for name, ts in self._bars if name == frame)
        for ts in stamps[:-_KEPT_ROWS]:
            del self._bars[frame, ts]


def _absent(field: str) -> float:
    return 0.0 if field == "volume" else np.nan  # R3
