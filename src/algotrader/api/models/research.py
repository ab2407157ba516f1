"""Backtests, sweeps, data: what is asked for, and what came of it."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from algotrader.api.models.common import Ms, Shape, SymbolText, Wish
from algotrader.api.models.records import Scalar

Word = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^-\x00-\x1f][^\x00-\x1f]*$")]
Frame = Annotated[str, Field(pattern=r"^[0-9]{1,3}[mhdw]$", examples=["1h"])]
Day = Annotated[
    str, Field(pattern=r"^\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2})?Z?)?$", examples=["2024-01-01"])
]
ParameterName = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,63}$")]


class ResearchWish(Wish):
    """On what, and under which assumptions. What is absent is as the settings have it."""

    strategy: Word = Field(description="of GET /strategy-kinds", examples=["TrendFollow"])
    symbols: list[Word] = Field(min_length=1, max_length=500, examples=[["US:AAPL"]])
    timeframe: Frame | None = None
    start: Day | None = Field(None, description="first decision; earlier bars are the warm-up")
    end: Day | None = Field(None, description="not included")
    cash: Annotated[float, Field(gt=0)] | None = None
    parameters: dict[ParameterName, Scalar] = Field({}, examples=[{"fast": 12}])
    fees: Annotated[str, Field(max_length=60, pattern=r"^[a-z0-9=.,]+$")] | None = Field(
        None, description="venue, 10bps, maker=2bps,taker=5bps, or 0", examples=["venue"]
    )
    slippage_bps: Annotated[float, Field(ge=0, lt=10_000)] | None = None
    path: Literal["worst", "best", "near-far", "finer"] | None = None
    max_leverage: Annotated[float, Field(gt=0)] | None = None
    leverage: Annotated[float, Field(gt=0)] | None = None
    adjust: Literal["auto", "none", "splits", "total"] = "auto"
    allow_gaps: bool = False
    seed: Annotated[int, Field(ge=0)] | None = None


class BacktestWish(ResearchWish):
    """One run."""

    engine: Literal["fast", "full"] | None = Field(
        None, description="absent: as the limits of risk need"
    )
    execution: Literal["market", "capped", "twap", "chase"] | None = Field(
        None, description="twap and chase by the full driver alone"
    )
    work_for: Annotated[str, Field(pattern=r"^[0-9]{1,4}[smhd]$", examples=["10m"])] | None = None
    slices: Annotated[int, Field(ge=1, le=1_000)] | None = None
    cash_buffer: Annotated[float, Field(ge=0, lt=1)] | None = None


class SweepWish(ResearchWish):
    """Many parameter sets; every one counts as a trial."""

    execution: Literal["market", "capped"] | None = None
    ranges: dict[ParameterName, Annotated[str, Field(pattern=r"^[0-9A-Za-z_.,:+-]{1,200}$")]] = (
        Field({}, description="low:high:step, or values by comma", examples=[{"fast": "6:48:6"}])
    )
    sets: Annotated[int, Field(ge=1, le=100_000)] | None = Field(
        None, description="so many drawn at random instead of the whole grid"
    )
    without_limits: bool = Field(
        False, description="leave out limits that only the full driver holds; the report says which"
    )


class WalkForwardWish(SweepWish):
    """Choose on the past, trade on what follows, again and again."""

    train_days: Annotated[int, Field(ge=2, le=20_000)] = 504
    test_days: Annotated[int, Field(ge=1, le=20_000)] = 126
    anchored: bool = False
    embargo_days: Annotated[int, Field(ge=0, le=20_000)] | None = Field(
        None, description="left out between the two; absent: the longest warm-up"
    )


class DownloadWish(Wish):
    """Fetch what is missing, closed bars only."""

    symbols: list[Word] = Field(min_length=1, max_length=100, examples=[["OKX:BTC/USDT"]])
    timeframe: Frame = Field("1h")
    since: Day | None = Field(None, examples=["2024-01-01"])


class RepairWish(Wish):
    """Refill the holes of a series from its exchange."""

    symbol: Word = Field(examples=["OKX:BTC/USDT"])
    timeframe: Frame | None = None
    again: bool = Field(False, description="ask also for bars that the venue did not have")


class CheckWish(Wish):
    symbol: Word | None = Field(None, description="absent: the whole lake")
    timeframe: Frame | None = None


class StrategyCheckWish(Wish):
    """A strategy run on prefixes of its data: does a value change when the future arrives?"""

    strategy: str = Field(max_length=200, examples=["TrendFollow"])
    symbols: list[Word] = Field(min_length=1, max_length=20, examples=[["US:AAPL"]])
    timeframe: Frame | None = None


class RunRow(Shape):
    """A finished run. Figures are fractions; null where undefined, or not kept."""

    run: str = Field(examples=["7f3a19c2"])
    strategy: str
    driver: str
    symbols: list[str]
    timeframe: str | None
    first: Ms | None
    last: Ms | None
    made: Ms
    parameters: dict[str, Any]
    metrics: dict[str, float | None] = Field(description="the main ones")
    verdict: str | None = Field(description="`evidence`, `no_evidence_yet`, `evidence_against`")
    sharpe_interval: list[float] | None = Field(description="low and high, 90 %, bootstrap")
    coverage: float | None
    warnings: int
    kept: bool = Field(description="false: an older version kept its report alone")


class Curve(Shape):
    ts: list[int]
    equity: list[float]


class RunDetail(Shape):
    """All figures, the trades, and the course of equity in fewer points, extremes kept."""

    run: str
    strategy: str
    driver: str
    parameters: dict[str, Any]
    symbols: list[str]
    timeframe: str
    metrics: dict[str, Any]
    undefined: dict[str, str]
    trades: list[dict[str, Any]]
    data: dict[str, Any]
    overfitting: dict[str, Any]
    assumptions: dict[str, str]
    assumptions_zh: dict[str, str] = Field({}, description="the same; empty for older runs")
    warnings: list[dict[str, Any]]
    equity: Curve
    request: dict[str, Any] = Field(description="the data that was asked for")
    settings: dict[str, Any] = Field(description="what the run assumed, as it was resolved")


class Compared(Shape):
    """Two to six runs side by side."""

    runs: list[RunDetail] = Field(description="without their trades")
    differ_in: list[str] = Field(description="assumptions that differ: such figures do not compare")


class SeriesRow(Shape):
    """A series of the lake. `name` is `1h`, `mark-1h` or `funding`."""

    symbol: SymbolText
    name: str
    bars: int | None
    first: Ms | None
    last: Ms | None
    expected: int | None
    present: int | None
    coverage: float | None = Field(description="a fraction; under 0.995 a backtest refuses")
    grade: str = Field(description="A to D, or `damaged`")
    gaps: int | None
    generated: bool | None = Field(description="made up, not a market's")
    error: str | None


class Gap(Shape):
    begin: Ms
    end: Ms
    bars: int
    reason: str = Field(description="`no_trades`: the venue has none; `not_downloaded`")


class MonthShare(Shape):
    month: str = Field(examples=["2024-05"])
    coverage: float


class DayShare(Shape):
    """A day on which bars are due."""

    day: str = Field(examples=["2024-05-17"])
    expected: int
    present: int


class SeriesDetail(Shape):
    series: SeriesRow
    calendar: str
    months: list[MonthShare]
    gaps: list[Gap]
    findings: dict[str, int] = Field(description="by rule: bars")
    quarantined: dict[str, int] = Field(description="by reason: rows set aside")
    sources: list[dict[str, Any]]


class BarColumns(Shape):
    """Columns of equal length. Merged bars: `merged` of them make one."""

    symbol: SymbolText
    timeframe: str
    source: str = Field(description="`lake`, `live` or `sample`")
    merged: int
    total: int = Field(description="bars there are in the range")
    ts: list[int]
    open: list[float | None]
    high: list[float | None]
    low: list[float | None]
    close: list[float | None]
    volume: list[float | None]


class FormingRow(Shape):
    """A bar that is still open. Nothing is decided on it."""

    symbol: SymbolText
    timeframe: str
    ts: int = Field(description="its open, UTC ms")
    open: float
    high: float
    low: float
    close: float
    volume: float
    heard_ms: int = Field(description="when the feed told it, UTC ms")


class FeatureColumn(Shape):
    name: str = Field(examples=["fast"])
    on_price: bool = Field(description="whether it belongs on the axis of the price")
    values: list[float | None]


class FeatureColumns(Shape):
    """What a strategy computes, at the bars of a chart."""

    strategy: str
    symbol: SymbolText
    timeframe: str = Field(description="of the bars it is computed from")
    ts: list[int] = Field(description="of the chart's bars, as `/bars` gives them")
    features: list[FeatureColumn]


class WatchRow(Shape):
    """A line of the watch list."""

    symbol: SymbolText
    traded: bool
    last: float | None = Field(description="the newest close that is known here")
    at: int | None = Field(description="when that bar closed, UTC ms")
    change: float | None = Field(
        description="against the close of the trading day before, fraction"
    )
    is_open: bool | None = Field(description="whether the market trades now; null of a replay")
    opens_at: int | None = Field(description="of a market that is shut, UTC ms")


class InstrumentRow(Shape):
    """What is traded, with the precision its numbers are shown in."""

    symbol: SymbolText
    kind: str
    base: str | None
    quote: str | None
    tick: str
    lot: str
    price_digits: int | None = Field(description="digits after the point; null: any price")
    quantity_digits: int
    mark: str | None
    frozen: str | None = Field(description="why the venue takes no order of it")
    timeframes: list[str]
    traded: bool
