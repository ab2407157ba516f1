"""What a strategy would have wanted on the bars as they were known: the proof that bars are why."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from algotrader.core.bars import FIELDS, Bars
from algotrader.core.symbols import Symbol
from algotrader.parity.record import Key, Record
from algotrader.strategy.base import Strategy
from algotrader.strategy.newest import decide_newest

_SAME: Final = 1e-9


class AsKnown:
    """One strategy whose targets are a function of history alone."""

    def __init__(self, strategy: Strategy, bars: Bars, live: Record, first_ms: int) -> None:
        self._strategy = strategy
        self._bars = bars.as_panel()
        self._is_single = not bars.panel
        self._live = live
        self._first_ms = first_ms
        self._frame = str(bars.timeframe)
        self._wanted: dict[int, dict[Symbol, float | None]] = {}

    def gives(self, key: Key, target: float | None) -> bool:
        """Whether the bars known at a decision lead to its target."""
        if key.decision_ts not in self._wanted:
            newest = decide_newest(self._strategy, self._known_by(key.decision_ts))
            self._wanted[key.decision_ts] = {one.instrument: one.target for one in newest.wanted}
        again = self._wanted[key.decision_ts].get(key.instrument)
        if again is None or target is None:
            return again is target
        return math.isclose(again, target, rel_tol=_SAME, abs_tol=_SAME)

    def _known_by(self, decision_ts: int) -> Bars:
        """Today's bars before the journal began, then what had been told by the decision."""
        closed = self._live.slice_places[self._frame, decision_ts]
        stop = int(np.searchsorted(self._bars.known_at, decision_ts, side="right"))
        start = int(np.searchsorted(self._bars.known_at[:stop], self._first_ms))
        values = {name: np.array(getattr(self._bars, name)[:stop]) for name in FIELDS}
        for row in range(start, stop):
            for column, symbol in enumerate(self._bars.symbols):
                place = (self._frame, symbol, int(self._bars.ts[row]))
                told = [one.bar for one in self._live.bars.get(place, []) if one.place < closed]
                for name in FIELDS:
                    absent = 0.0 if name == "volume" else np.nan
                    values[name][row, column] = getattr(told[-1], name) if told else absent
        kept = np.isfinite(values["close"]).any(axis=1)
        return self._rows(values, kept, stop)

    def _rows(
        self, values: dict[str, NDArray[np.float64]], kept: NDArray[np.bool_], stop: int
    ) -> Bars:
        head, bars = self._bars.rows(0, stop), self._bars
        return Bars(
            ts=head.ts[kept], known_at=head.known_at[kept],
            session=None if head.session is None else head.session[kept],
            timeframe=bars.timeframe, symbols=bars.symbols, panel=True,
            close_only=bars.close_only,
            funding=None if head.funding is None else head.funding[kept],
            **{name: array[kept] for name, array in values.items()},
        )  # fmt: skip
