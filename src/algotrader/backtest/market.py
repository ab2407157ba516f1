"""What a run trades on: bars, instruments, funding, marks, and where all of it came from."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from algotrader.core.bars import Bars
from algotrader.core.instruments import Instrument
from algotrader.core.symbols import Symbol


@dataclass(frozen=True, slots=True, kw_only=True)
class FundingSeries:
    """Funding stamps of one perpetual: `ts` (F,) UTC ms ascending, `rate` (F,) fraction."""

    ts: NDArray[np.int64]
    rate: NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkSeries:
    """Mark-price bars on the same rows as the prices, shape (T,), NaN where absent."""

    open: NDArray[np.float64]
    high: NDArray[np.float64]
    low: NDArray[np.float64]
    close: NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """Where the data came from, as the report's last section and `rerun` need it."""

    source: str
    data_hash: str  # blake2b of the rows used
    licence: str = ""
    generated: bool = False  # made by the package's own generator, not by a market
    adjusted: str = ""  # how raw prices were adjusted on read, empty if they were not
    volume_known: bool = True  # False switches participation off (R20)


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """How well the data of the run fits its calendar. Fractions of what that expects."""

    expected: int
    present: int
    least: float = 1.0  # of the instrument with the fewest
    least_symbol: str = ""
    outside: int = 0  # bars where the calendar has none (F44)
    worst_outside: float = 0.0  # their share of the instrument that has most of them
    worst_symbol: str = ""
    months: tuple[tuple[str, float], ...] = ()  # ("2024-05", 0.998) for the report's strip
    funding: float | None = None  # settled stamps known; None without perpetuals
    funding_months: tuple[tuple[str, float], ...] = ()  # the same by month

    @property
    def bars(self) -> float:
        return 1.0 if self.expected == 0 else self.present / self.expected


@dataclass(frozen=True, slots=True, kw_only=True)
class SuspectBars:
    """Bars of one instrument that a rule of the quality check calls wrong (F44, F46)."""

    rule: str  # `unexplained_split`
    message: str  # what the rule means
    symbol: Symbol
    bars: int
    first_ts: int  # UTC ms


@dataclass(frozen=True, slots=True, kw_only=True)
class Market:
    """Bars with their instruments in the same order, and all else a simulation reads."""

    bars: Bars
    instruments: tuple[Instrument, ...]
    currency: str
    periods_per_year: float  # returns in a year by the calendar: of days, or of longer bars
    never_closes: bool
    provenance: Provenance
    coverage: Coverage
    suspects: tuple[SuspectBars, ...] = ()
    funding: dict[Symbol, FundingSeries] = field(default_factory=dict)
    marks: dict[Symbol, MarkSeries] = field(default_factory=dict)
    finer: Bars | None = None

    def __post_init__(self) -> None:
        named = tuple(instrument.symbol for instrument in self.instruments)
        if named != self.bars.symbols:
            raise ValueError("instruments must be in the order of the bars' symbols")
