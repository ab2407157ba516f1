"""Bars out of single trades."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from algotrader.core.timeframes import Timeframe
from algotrader.data.tables import BarTable, Floats


def bars_of_trades(
    ts: NDArray[np.int64], price: Floats, quantity: Floats, timeframe: Timeframe, source: str
) -> BarTable:
    """Rows of `timeframe` from trades (n,) ordered by time; equal stamps keep the order given.

    A bar without trades has no row: nothing is invented. ValueError if the trades are disordered.
    """
    if bool(np.any(np.diff(ts) < 0)):
        raise ValueError("trades must be ordered by time")
    opens = ts - ts % timeframe.ms
    starts = np.flatnonzero(np.concatenate(([True], np.diff(opens) > 0))) if len(ts) else ts
    ends = np.append(starts[1:], len(ts)) - 1
    columns = {
        "open": price[starts],
        "high": np.maximum.reduceat(price, starts) if len(ts) else price,
        "low": np.minimum.reduceat(price, starts) if len(ts) else price,
        "close": price[ends] if len(ts) else price,
        "volume": np.add.reduceat(quantity, starts) if len(ts) else quantity,
    }
    return BarTable(ts=opens[starts], columns=columns, source=source)
