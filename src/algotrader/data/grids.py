"""The time frame that stamps lie on, and what each bar's calendar says of it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from algotrader.core.errors import DataError
from algotrader.core.timeframes import DAY_MS, MINUTE_MS, Timeframe

_LONGEST_MS = 7 * DAY_MS


def recognise_timeframe(ts: NDArray[np.int64], source: str) -> Timeframe:
    """The commonest step between neighbouring stamps. DataError if it is no time frame."""
    steps = np.diff(np.unique(ts))
    if not len(steps):
        raise DataError(
            "data.timeframe_unclear",
            f"{source} has one bar, from which no time frame can be recognised",
            hint="say it: --timeframe 1d",
        )
    values, counts = np.unique(steps, return_counts=True)
    step = int(values[np.argmax(counts)])
    if step % MINUTE_MS == 0 and step <= _LONGEST_MS:
        return Timeframe(step)
    raise DataError(
        "data.timeframe_unclear",
        f"{source}: most bars are {step / DAY_MS:.4g} days apart, which is no time frame",
        hint="use bars of whole minutes up to one week; months have no fixed length",
    )
