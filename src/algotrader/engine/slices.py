"""From rows of bars to the events that an engine takes: the bars of a step, then its slice."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

from algotrader.core.bars import Bars
from algotrader.core.events import BarClosed, SliceClosed


@dataclass(frozen=True, slots=True, kw_only=True)
class Slice:
    """All closed bars of one decision time."""

    bars: tuple[BarClosed, ...]
    closed: SliceClosed

    @property
    def events(self) -> tuple[BarClosed | SliceClosed, ...]:
        """In the order in which an engine takes them."""
        return (*self.bars, self.closed)


def slices_of(bars: Bars, *, first: int = 0, source: str = "replay") -> Iterator[Slice]:
    """The slices of rows `first` and later. Closes alone are bars of one price without volume."""
    panel = bars.as_panel()
    frame = str(panel.timeframe)
    if panel.close_only:  # R38
        panel = replace(panel, open=panel.close, high=panel.close, low=panel.close)
    for row in range(first, len(panel)):
        known = int(panel.known_at[row])
        here = tuple(
            BarClosed(
                ts_event=known,
                ts_known=known,
                instrument=symbol,
                timeframe=frame,
                ts=int(panel.ts[row]),
                open=float(panel.open[row, column]),
                high=float(panel.high[row, column]),
                low=float(panel.low[row, column]),
                close=float(panel.close[row, column]),
                volume=_known(float(panel.volume[row, column])),
                source=source,
            )
            for column, symbol in enumerate(panel.symbols)
            if not math.isnan(panel.close[row, column])
        )
        present = {bar.instrument for bar in here}
        yield Slice(
            bars=here,
            closed=SliceClosed(
                ts_event=known,
                ts_known=known,
                timeframe=frame,
                decision_ts=known,
                instruments=tuple(symbol for symbol in panel.symbols if symbol in present),
                missing=tuple(symbol for symbol in panel.symbols if symbol not in present),
            ),
        )


def _known(volume: float) -> float:
    return volume if math.isfinite(volume) else 0.0
