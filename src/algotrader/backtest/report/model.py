"""What a report is made from: plain arrays, numbers and strings.

Times are UTC milliseconds, ratios are fractions, money is in `Identity.currency`. Absent is `None`;
a NaN among the metrics is a bug and refused. Series may hold NaN only where the chart shall have a
gap (features during warm-up, equity before the first bar).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from algotrader.backtest.attribution import Attribution
from algotrader.backtest.returns import PeriodReturns
from algotrader.backtest.trades import TradeTable
from algotrader.backtest.waterfall import Step
from algotrader.core.timeframes import DAY_MS, Timeframe

Scalar: TypeAlias = float | int | str | bool
Metrics: TypeAlias = Mapping[str, float | int | None]
Floats: TypeAlias = NDArray[np.float64]
Stamps: TypeAlias = NDArray[np.int64]

LEAST_COVERAGE = 0.995  # of bars; below it a run must be told --allow-gaps, and the report says so


class VerdictKind(StrEnum):
    """What the statistics of overfitting allow to be said."""

    EVIDENCE = "evidence"
    NO_EVIDENCE_YET = "no_evidence_yet"
    EVIDENCE_AGAINST = "evidence_against"
    NOT_JUDGED = "not_judged"  # no statistics: too few days, or none asked for


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """What was run, on what, with what."""

    strategy: str
    symbols: tuple[str, ...]
    timeframe: str  # "4h", "1d"
    start: int  # open of the first bar, UTC ms
    end: int  # open of the last bar, UTC ms
    currency: str
    capital: float
    parameters: Mapping[str, Scalar] = field(default_factory=dict)
    run: str
    generated: bool = False  # prices come from a seeded generator, not from a market
    driver: str = "fast"

    @property
    def years(self) -> float:
        return self.span_ms / (365.25 * DAY_MS)

    @property
    def span_ms(self) -> int:
        """From the first open to the last close, milliseconds."""
        return self.end + Timeframe.parse(self.timeframe).ms - self.start

    @property
    def has_long_bars(self) -> bool:
        """Whether bars are longer than a day: what gives a return is then a bar, and no day."""
        return Timeframe.parse(self.timeframe).ms > DAY_MS


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """A warning in both languages. `code` is stable: the report leaves out what it would repeat."""

    code: str
    en: str
    zh: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Assumption:
    """One line of "Assumptions". `key` names `assumption.<key>` in the catalogue, or is shown."""

    key: str
    en: str
    zh: str | None = None  # None: the English text is a code or a number and serves both


@dataclass(frozen=True, slots=True, kw_only=True)
class VerdictReason:
    """One sentence of the verdict, and whether it speaks for the strategy."""

    en: str
    zh: str
    holds: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Overfitting:
    """Statistics of the search this result comes from. Sharpe ratios are per year."""

    kind: VerdictKind
    trials: int = 0
    sharpe: float | None = None
    sharpe_interval: tuple[float, float] | None = None  # 90 %, bootstrap
    luck_sharpe: float | None = None  # expected maximum of `trials` worthless ones
    trial_sharpes: Floats = field(default_factory=lambda: np.zeros(0))
    deflated_sharpe: float | None = None
    pbo: float | None = None
    pbo_splits: int | None = None
    probabilistic_sharpe: float | None = None
    min_track_record_days: float | None = None
    effective_trials: float | None = None
    ledger_since: str | None = None  # ISO date of the first trial counted
    neighbours_mean_sharpe: float | None = None
    reasons: tuple[VerdictReason, ...] = ()  # what decided comes first

    @property
    def searched(self) -> bool:
        """Whether there was a search whose luck can be measured."""
        return self.trials > 1


@dataclass(frozen=True, slots=True, kw_only=True)
class LookAhead:
    """What `algotrader check` found. `findings` 0 with `prefixes` > 0 is a clean bill."""

    prefixes: int
    findings: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class CostFacts:
    """Costs per side in bps of notional."""

    paid_bps: float | None
    break_even_bps: float | None = None
    zero_fees: bool = False  # asked for by hand; never a default
    zero_slippage: bool = False

    @property
    def zero(self) -> bool:
        return self.zero_fees and self.zero_slippage


@dataclass(frozen=True, slots=True, kw_only=True)
class PathGuess:
    """Trades whose result hangs on the order of prices inside a bar. R17, R18"""

    trades: int
    of: int
    reported: str = "worst"  # the path whose profit this report shows
    worst_profit: float | None = None
    best_profit: float | None = None
    finer_profit: float | None = None
    finer_timeframe: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CoverageMonth:
    month: str  # "2024-04"
    ratio: float | None  # None: nothing listed


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """Share of expected rows that exist. `kind` is "bars", "funding" or "mark"."""

    kind: str
    ratio: float
    rows: int
    missing: int = 0  # expected rows that do not exist
    months: tuple[CoverageMonth, ...] = ()
    assumed_rate: float | None = None  # funding: the rate used where none is known
    assumed_since: int | None = None  # UTC ms


@dataclass(frozen=True, slots=True, kw_only=True)
class EquitySeries:
    """Books after every bar: all of shape (n,). Drawdown is <= 0, exposure is signed, 1 = equity."""

    ts: Stamps
    equity: Floats
    drawdown: Floats
    benchmark: Floats | None = None  # buy and hold with the same capital
    exposure: Floats | None = None

    def __post_init__(self) -> None:
        _same_length(self, ("ts", "equity", "drawdown", "benchmark", "exposure"))


@dataclass(frozen=True, slots=True, kw_only=True)
class ChartFeature:
    """A feature the strategy decided by. NaN in its warm-up."""

    name: str
    values: Floats
    on_price: bool = True  # drawn over the candles; else in a pane below


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceSeries:
    """Bars of one instrument; `open`, `high`, `low` are None for a panel of closes (R38)."""

    symbol: str
    ts: Stamps
    close: Floats
    open: Floats | None = None
    high: Floats | None = None
    low: Floats | None = None
    features: tuple[ChartFeature, ...] = ()
    tick: float | None = None
    lot: float | None = None

    def __post_init__(self) -> None:
        _same_length(self, ("ts", "open", "high", "low", "close"))
        for feature in self.features:
            if len(feature.values) != len(self.ts):
                raise ValueError(
                    f"feature {feature.name} of {self.symbol} has {len(feature.values)} values "
                    f"for {len(self.ts)} bars"
                )


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """What makes the run repeatable: everything `algotrader rerun` checks before it runs."""

    run: str
    version: str
    driver: str = "fast"
    seed: int | None = None
    data_hash: str | None = None
    data_source: str | None = None
    data_licence: str | None = None
    code_hash: str | None = None
    parameters_hash: str | None = None
    configuration_hash: str | None = None
    created_at: int | None = None  # UTC ms
    versions: Mapping[str, str] = field(default_factory=dict)
    again: bool = True  # whether `algotrader rerun` knows it by the name of `run`


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportData:
    """A run."""

    identity: Identity
    metrics: Metrics
    reasons: Mapping[str, str] = field(default_factory=dict)  # why a metric is None
    overfitting: Overfitting
    equity: EquitySeries
    prices: tuple[PriceSeries, ...]
    trades: TradeTable
    months: PeriodReturns
    waterfall: tuple[Step, ...]
    attribution: Attribution | None
    costs: CostFacts
    coverage: tuple[Coverage, ...] = ()
    path: PathGuess | None = None
    look_ahead: LookAhead | None = None
    assumptions: tuple[Assumption, ...] = ()
    warnings: tuple[Notice, ...] = ()
    provenance: Provenance

    def __post_init__(self) -> None:
        _finite(self.metrics)


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepReportData:
    """All sets of a sweep. `parameters` and `metrics` hold one column per name, one row per set.

    A set that failed has NaN metrics and a reason in `failures` (index of the set -> sentence).
    """

    identity: Identity
    overfitting: Overfitting
    parameters: Mapping[str, Floats]  # the swept ones, in the order they were declared
    metrics: Mapping[str, Floats]  # at least "sharpe"
    chosen: int  # index of the set taken
    failures: Mapping[int, str] = field(default_factory=dict)
    look_ahead: LookAhead | None = None
    assumptions: tuple[Assumption, ...] = ()
    warnings: tuple[Notice, ...] = ()
    costs: CostFacts | None = None
    coverage: tuple[Coverage, ...] = ()
    provenance: Provenance

    def __post_init__(self) -> None:
        columns = {**self.parameters, **self.metrics}
        if "sharpe" not in self.metrics or not self.parameters:
            raise ValueError("a sweep report needs swept parameters and the metric `sharpe`")
        if len({len(column) for column in columns.values()}) != 1:
            raise ValueError("the columns of a sweep differ in length")
        if not 0 <= self.chosen < len(self.metrics["sharpe"]):
            raise ValueError(f"chosen set {self.chosen} is not one of the sweep")


@dataclass(frozen=True, slots=True, kw_only=True)
class Fold:
    """One step of a walk-forward. Returns are fractions, of the window alone. R30"""

    train_start: int
    train_end: int
    test_start: int
    test_end: int
    parameters: Mapping[str, Scalar]
    train_return: float | None
    train_sharpe: float | None
    test_return: float
    test_sharpe: float | None
    test_trades: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WalkForwardReportData:
    """A walk-forward: `equity` is the joined out-of-sample account (R30)."""

    identity: Identity
    overfitting: Overfitting
    folds: tuple[Fold, ...]
    equity: EquitySeries
    in_sample: Floats | None  # equity of the set that all data would choose, same stamps
    efficiency: float | None  # annual return out of sample / in sample
    sharpe_interval: tuple[float, float] | None = None  # 90 %, bootstrap, of the joined account
    metrics: Metrics
    months: PeriodReturns
    reasons: Mapping[str, str] = field(default_factory=dict)
    look_ahead: LookAhead | None = None
    assumptions: tuple[Assumption, ...] = ()
    warnings: tuple[Notice, ...] = ()
    costs: CostFacts | None = None
    coverage: tuple[Coverage, ...] = ()
    provenance: Provenance

    def __post_init__(self) -> None:
        _finite(self.metrics)
        if self.in_sample is not None and len(self.in_sample) != len(self.equity.ts):
            raise ValueError("in-sample and out-of-sample equity differ in length")


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparedRun:
    identity: Identity
    verdict: VerdictKind
    metrics: Metrics
    assumptions: tuple[Assumption, ...]
    ts: Stamps
    equity: Floats
    coverage: float | None = None

    def __post_init__(self) -> None:
        _finite(self.metrics)
        _same_length(self, ("ts", "equity"))


@dataclass(frozen=True, slots=True, kw_only=True)
class CompareReportData:
    runs: tuple[ComparedRun, ...]
    version: str

    def __post_init__(self) -> None:
        if not 2 <= len(self.runs) <= 6:  # as many series as eyes tell apart
            raise ValueError(f"a comparison takes 2 to 6 runs, not {len(self.runs)}")


def _finite(metrics: Metrics) -> None:
    for name, value in metrics.items():
        if value is not None and not math.isfinite(value):
            raise ValueError(f"metric {name} is {value}; absent is None")


def _same_length(record: object, names: tuple[str, ...]) -> None:
    lengths = {name: len(c) for name in names if (c := getattr(record, name)) is not None}
    if len(set(lengths.values())) > 1:
        raise ValueError(f"{type(record).__name__}: columns differ in length: {lengths}")
