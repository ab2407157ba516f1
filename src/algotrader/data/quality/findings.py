"""What a rule found, and how findings of many rows become one line a month."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from algotrader.core.timeframes import Timeframe
from algotrader.data.tables import BarTable, Floats


class Level(StrEnum):
    """How bad a finding is: errors must be repaired, warnings looked at, notes known."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True, slots=True, kw_only=True)
class Hits:
    """Rows where one rule struck: a stamp and a number of bars for each place."""

    rule: str
    level: Level
    ts: NDArray[np.int64]  # (k,) one stamp a place, ascending
    message: str  # about one place: what it means
    weights: NDArray[np.int64] | None = None  # (k,) bars of each place, default 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One rule in one month of one series."""

    rule: str
    level: Level
    series: str  # "OKX:BTC/USDT 1h"
    month: str  # "2024-03"
    first_ts: int  # UTC ms
    last_ts: int
    places: int
    bars: int
    message: str

    def as_dict(self) -> dict[str, object]:
        return asdict(self)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Series:
    """What rules look at: the rows as received and, in order and once each, what can be measured."""

    name: str
    timeframe: Timeframe
    received: BarTable
    ordered: BarTable  # ascending, first of equal stamps
    factor: Floats | None  # adjusted / raw of `ordered`
    never_closes: bool
    moves: Floats  # (n - 1,) log returns of adjusted closes; 0 where one is no positive price
    scale: Floats  # (n - 1,) robust standard deviation around each


def by_month(hits: Hits, series: str) -> list[Finding]:
    """One finding for each month in which the rule struck."""
    if not len(hits.ts):
        return []
    weights = hits.weights if hits.weights is not None else np.ones(len(hits.ts), dtype=np.int64)
    months = hits.ts.astype("datetime64[ms]").astype("datetime64[M]")
    found = []
    for month in np.unique(months):
        here = months == month
        found.append(
            Finding(
                rule=hits.rule, level=hits.level, series=series, month=str(month),
                first_ts=int(hits.ts[here].min()), last_ts=int(hits.ts[here].max()),
                places=int(here.sum()), bars=int(weights[here].sum()), message=hits.message,
            )
        )  # fmt: skip
    return found
