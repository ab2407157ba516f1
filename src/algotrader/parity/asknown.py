"""What a strategy would have wanted on the bars as they were known: the proof that bars are why."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterator
from typing import Final

import numpy as np

from algotrader.core.bars import FIELDS, Bars
from algotrader.core.symbols import Symbol
from algotrader.parity.record import Heard, Key, Record
from algotrader.strategy.base import Strategy
from algotrader.strategy.newest import decide_newest

_SAME: Final = 1e-9


class AsKnown:
    """One strategy whose targets are a function of history alone.

    Decisions are to be asked about in the order in which they were made.
    """

    def __init__(self, strategy: Strategy, bars: Bars, live: Record, first_ms: int) -> None:
        self._strategy = strategy
        self._bars = bars.as_panel()
        self._places = live.slice_places
        self._frame = str(bars.timeframe)
        self._values = {name: np.array(getattr(self._bars, name)) for name in FIELDS}
        begin = int(np.searchsorted(self._bars.known_at, first_ms))
        for name, array in self._values.items():
            array[begin:] = 0.0 if name == "volume" else np.nan
        self._coming = deque(sorted(self._told(live, begin), key=lambda one: one[0].place))
        self._wanted: tuple[int, dict[Symbol, float | None]] = (-1, {})

    def gives(self, key: Key, target: float | None) -> bool:
        """Whether the bars known at a decision lead to its target."""
        if self._wanted[0] != key.decision_ts:
            newest = decide_newest(self._strategy, self._known_by(key.decision_ts))
            wanted = {one.instrument: one.target for one in newest.wanted}
            self._wanted = (key.decision_ts, wanted)
        again = self._wanted[1].get(key.instrument)
        if again is None or target is None:
            return again is target
        return math.isclose(again, target, rel_tol=_SAME, abs_tol=_SAME)

    def _told(self, live: Record, begin: int) -> Iterator[tuple[Heard, int, int]]:
        """Every bar that was told, with its row and column in today's."""
        rows = {int(ts): row for row, ts in enumerate(self._bars.ts) if row >= begin}
        columns = {symbol: column for column, symbol in enumerate(self._bars.symbols)}
        for (frame, symbol, ts), told in live.bars.items():
            if frame == self._frame and symbol in columns and ts in rows:
                yield from ((one, rows[ts], columns[symbol]) for one in told)

    def _known_by(self, decision_ts: int) -> Bars:
        """Today's bars before the journal began, then what had been told by the decision."""
        closed = self._places[self._frame, decision_ts]
        while self._coming and self._coming[0][0].place < closed:
            heard, row, column = self._coming.popleft()
            for name in FIELDS:
                self._values[name][row, column] = getattr(heard.bar, name)
        stop = int(np.searchsorted(self._bars.known_at, decision_ts, side="right"))
        kept = np.isfinite(self._values["close"][:stop]).any(axis=1)
        head = self._bars.rows(0, stop)
        return Bars(
            ts=head.ts[kept], known_at=head.known_at[kept],
            session=None if head.session is None else head.session[kept],
            timeframe=head.timeframe, symbols=head.symbols, panel=True,
            close_only=head.close_only,
            funding=None if head.funding is None else head.funding[kept],
            **{name: array[:stop][kept] for name, array in self._values.items()},
        )  # fmt: skip
