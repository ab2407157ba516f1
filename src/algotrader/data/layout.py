"""Where a series lies in the lake: `layer=/venue=/symbol=/timeframe=/PERIOD.parquet`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from urllib.parse import quote, unquote

import numpy as np
from numpy.typing import NDArray

from algotrader.core.symbols import Symbol
from algotrader.core.timeframes import DAY_MS, MINUTE_MS, Timeframe

FUNDING = "funding"
MARK = "mark-"
WHOLE = "all"


class Layer(StrEnum):
    """How far data has come."""

    RAW = "raw"  # as received, append-only
    CURATED = "curated"  # checked, ordered, without duplicates
    QUARANTINE = "quarantine"  # rows that are no bars, each with its reason
    FEATURES = "features"
    RECORDED = "recorded"  # quotes, trades and books of others, as heard


@dataclass(frozen=True, slots=True)
class SeriesKey:
    """One series: bars (`1h`), mark bars (`mark-1h`) or funding rates (`funding`) of a symbol."""

    symbol: Symbol
    name: str

    @classmethod
    def bars(cls, symbol: Symbol, timeframe: Timeframe) -> SeriesKey:
        return cls(symbol, str(timeframe))

    @classmethod
    def mark(cls, symbol: Symbol, timeframe: Timeframe) -> SeriesKey:
        return cls(symbol, MARK + str(timeframe))

    @classmethod
    def funding(cls, symbol: Symbol) -> SeriesKey:
        return cls(symbol, FUNDING)

    @property
    def timeframe(self) -> Timeframe | None:
        """`None` for funding, whose interval may change."""
        return None if self.name == FUNDING else Timeframe.parse(self.name.removeprefix(MARK))

    def __str__(self) -> str:
        return f"{self.symbol} {self.name}"

    def folder(self, root: Path, layer: Layer) -> Path:
        return (
            root
            / f"layer={layer}"
            / f"venue={self.symbol.venue}"
            / f"symbol={quote(self.symbol.code, safe='')}"
            / f"timeframe={self.name}"
        )


def key_of(folder: Path) -> SeriesKey:
    """The series whose folder it is."""
    parts = dict(part.split("=", 1) for part in folder.parts if "=" in part)
    symbol = Symbol.parse(f"{parts['venue']}:{unquote(parts['symbol'])}")
    return SeriesKey(symbol, parts["timeframe"])


def periods(ts: NDArray[np.int64], timeframe: Timeframe | None) -> list[tuple[str, slice]]:
    """Periods of ascending `ts`, each with its rows.

    One file a month up to 15m, one a year up to under a day, one in all from a day on.
    """
    if not len(ts):
        return []
    if timeframe is None or timeframe.ms >= DAY_MS:
        return [(WHOLE, slice(0, len(ts)))]
    unit = "M" if timeframe.ms <= 15 * MINUTE_MS else "Y"
    labels = ts.astype("datetime64[ms]").astype(f"datetime64[{unit}]")
    starts = np.flatnonzero(np.concatenate(([True], labels[1:] != labels[:-1])))
    ends = np.append(starts[1:], len(ts))
    return [(str(labels[a]), slice(int(a), int(b))) for a, b in zip(starts, ends, strict=True)]


def may_hold(period: str, start_ms: int | None, end_ms: int | None) -> bool:
    """False if no row of `[start_ms, end_ms)` can be in the file of `period`."""
    if period == WHOLE:
        return True
    first, last = _bounds(period)
    return (end_ms is None or first < end_ms) and (start_ms is None or start_ms < last)


def _bounds(period: str) -> tuple[int, int]:
    year, _, month = period.partition("-")
    first = datetime(int(year), int(month or 1), 1, tzinfo=UTC)
    if not month:
        last = first.replace(year=first.year + 1)
    else:
        last = first.replace(year=first.year + first.month // 12, month=first.month % 12 + 1)
    return int(first.timestamp() * 1000), int(last.timestamp() * 1000)
