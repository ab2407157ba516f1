"""From rows of bars to the events that an engine takes: the bars of a step, then its slice."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace

import msgspec

from algotrader.core.bars import Bars
from algotrader.core.events import BarClosed, SliceClosed
from algotrader.core.symbols import Symbol


class Slice(msgspec.Struct, frozen=True, kw_only=True):
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
    known_at, opened_at = panel.known_at.tolist(), panel.ts.tolist()
    columns = tuple(enumerate(panel.symbols))
    for row in range(first, len(panel)):
        known = known_at[row]
        open_, high, low, close, volume = (
            prices[row].tolist()
            for prices in (panel.open, panel.high, panel.low, panel.close, panel.volume)
        )
        here = tuple(
            [
                BarClosed(
                    ts_event=known,
                    ts_known=known,
                    instrument=symbol,
                    timeframe=frame,
                    ts=opened_at[row],
                    open=open_[column],
                    high=high[column],
                    low=low[column],
                    close=close[column],
                    volume=_known(volume[column]),
                    source=source,
                )
                for column, symbol in columns
                if not math.isnan(close[column])
            ]
        )
        present = [bar.instrument for bar in here]
        yield Slice(
            bars=here,
            closed=SliceClosed(
                ts_event=known,
                ts_known=known,
                timeframe=frame,
                decision_ts=known,
                instruments=tuple(present),
                missing=_absent(panel.symbols, present),
            ),
        )


def _absent(symbols: Sequence[Symbol], present: Sequence[Symbol]) -> tuple[Symbol, ...]:
    if len(present) == len(symbols):  # as in most rows
        return ()
    here = set(present)
    return tuple(symbol for symbol in symbols if symbol not in here)


def _known(volume: float) -> float:
    return volume if math.isfinite(volume) else 0.0
