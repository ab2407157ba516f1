"""What prices are replayed from: bars of each instrument, its marks, its funding."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from algotrader.core.bars import Bars
from algotrader.core.errors import DataError

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
FUNDING_MS = 8 * 3_600_000


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Feed:
    """Bars of one instrument. `ohlc` and `mark` have shape (T, 4); `ts` are opens, UTC ms.

    Volume is in the unit of an order's quantity (base units or contracts); NaN throughout means
    that it is not known, and then no order is cut by participation (R20).
    """

    ts: Ints
    timeframe_ms: int
    ohlc: Floats
    volume: Floats
    mark: Floats | None = None
    funding_ts: Ints = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    funding_rate: Floats = field(default_factory=lambda: np.empty(0))  # fraction; longs pay above 0

    def __post_init__(self) -> None:
        if not len(self.ts):
            raise DataError("simulator.no_bars", "there is no bar to replay", hint="give more data")

    @classmethod
    def of(
        cls, bars: Bars, mark: Bars | None = None, funding: tuple[Ints, Floats] | None = None
    ) -> Feed:
        """Bars that have prices; missing ones are left out and their price stands still (R3)."""
        ohlc = _ohlc(bars)
        kept = ~np.isnan(ohlc).any(axis=1)
        feed = cls(
            ts=bars.ts[kept], timeframe_ms=bars.timeframe.ms, ohlc=ohlc[kept],
            volume=np.asarray(bars.volume, dtype=np.float64)[kept],
            mark=None if mark is None else _aligned(mark, bars.ts[kept], ohlc[kept]),
        )  # fmt: skip
        if funding is None:
            return feed
        return replace(feed, funding_ts=funding[0], funding_rate=funding[1])

    def shifted(self, by_ms: int) -> Feed:
        """The same prices at other times."""
        return replace(self, ts=self.ts + by_ms, funding_ts=self.funding_ts + by_ms)

    @property
    def end_ms(self) -> int:
        return int(self.ts[-1]) + self.timeframe_ms


def _ohlc(bars: Bars) -> Floats:
    return np.column_stack([bars.open, bars.high, bars.low, bars.close])


def _aligned(mark: Bars, ts: Ints, prices: Floats) -> Floats:
    """Marks on the rows of the bars; where one is missing the price stands for it (R23)."""
    rows = np.searchsorted(mark.ts, ts)
    found = (rows < len(mark.ts)) & (mark.ts[np.minimum(rows, len(mark.ts) - 1)] == ts)
    values = _ohlc(mark)[np.minimum(rows, len(mark.ts) - 1)]
    return np.where(found[:, None] & ~np.isnan(values), values, prices)
