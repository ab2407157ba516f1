"""Sweeps, walk-forwards, parity: what came of them, and what of it is luck."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from algotrader.api.models.common import Amount, Ms, Shape


class BothLanguages(Shape):
    en: str
    zh: str


class Why(BothLanguages):
    """A reason of a verdict."""

    holds: bool | None = Field(description="whether it speaks for the strategy; null: not kept")


class Neighbours(Shape):
    sets: list[int] = Field(description="rows of the sets that differ least from the best")
    ratio: float = Field(description="their median Sharpe ratio over the best's: 1 is a plateau")


class Judgement(Shape):
    """What luck makes of the best of many trials. Sharpe ratios are annual."""

    verdict: str = Field(
        description="`evidence`, `no_evidence_yet` or `evidence_against`", examples=["evidence"]
    )
    sentence: BothLanguages
    why: list[Why] = Field(description="what decided comes first")
    trials: int | None = Field(description="comparable ones of the workspace, these included")
    effective_trials: int | None = Field(description="bets among them that are not alike")
    sharpe: float | None
    sharpe_interval: list[float] | None = Field(description="low and high, 90 %, bootstrap")
    luck_sharpe: float | None = Field(description="best of so many trials by luck alone")
    deflated_sharpe: float | None = Field(description="DSR, a probability; evidence needs 0.95")
    probabilistic_sharpe: float | None
    pbo: float | None = Field(description="probability of overfitting; evidence needs under 0.20")
    neighbours: Neighbours | None


class Basis(Shape):
    """On what a search was made. Null where its files are of an older version."""

    symbols: list[str]
    timeframe: str | None
    first: Ms | None
    last: Ms | None
    coverage: float | None
    assumptions: dict[str, BothLanguages] = Field(description="by their code")
    warnings: list[dict[str, Any]]


class SweepRow(Shape):
    sweep: str
    strategy: str
    symbols: list[str]
    timeframe: str | None
    sets: int
    swept: list[str] = Field(description="names of the parameters that were searched")
    chosen: str = Field(description="id of the best set's run")
    verdict: str | None
    sharpe: float | None
    luck_sharpe: float | None
    made: Ms


class SweepDetail(Basis):
    """Every set by column, and the verdict on the best."""

    sweep: str
    strategy: str
    sets: int
    made: Ms
    chosen: str = Field(description="id of the best set's run")
    best: int | None = Field(description="its row in the columns")
    failed: int = Field(description="sets that raised")
    idle: int = Field(description="sets that never traded")
    parameters: list[str]
    swept: list[str]
    judgement: Judgement | None
    columns: dict[str, list[Any]] = Field(description="parameters and figures, a row each set")


class WalkForwardRow(Shape):
    """Figures are of the joined account, out of sample."""

    walkforward: str = Field(examples=["5d69475f-504-126-240"])
    strategy: str | None = Field(description="null: made by an older version, its report tells")
    symbols: list[str]
    timeframe: str | None
    folds: int | None
    won: int | None = Field(description="folds that made money")
    total_return: float | None
    sharpe: float | None
    max_drawdown: float | None
    efficiency: float | None
    verdict: str | None
    made: Ms


class Fold(Shape):
    """Chosen on the first span, traded on the second. Times are the first and last day's."""

    train: list[int] = Field(min_length=2, max_length=2)
    test: list[int] = Field(min_length=2, max_length=2)
    parameters: dict[str, Any]
    train_return: float
    train_sharpe: float | None
    test_return: float
    test_sharpe: float | None
    test_trades: int


class WalkedCurve(Shape):
    """The joined account; `in_sample` is the set that all the data would choose in hindsight."""

    ts: list[int]
    equity: list[float]
    in_sample: list[float] | None


class WalkWindows(Shape):
    train_days: int
    test_days: int
    anchored: bool
    embargo_days: int


class WalkForwardDetail(Basis):
    walkforward: str
    sweep: str
    strategy: str
    sets: int
    swept: list[str]
    made: Ms
    currency: str
    windows: WalkWindows
    folds: list[Fold]
    efficiency: float | None = Field(
        description="annual return out of sample over the one in sample; null unless that gained"
    )
    metrics: dict[str, Any]
    undefined: dict[str, str]
    equity: WalkedCurve
    judgement: Judgement


class ParityRow(Shape):
    """One comparison of the journal with a backtest of its range."""

    work: str
    run: str
    made: Ms
    first: Ms
    last: Ms
    decisions: int
    equal: int
    equal_in_weight: int
    different: int
    unknown: int = Field(description="differences without a cause: findings")
    replay_equal: bool = Field(description="the journal came out again byte for byte")
    clean: bool


class ParitySide(Shape):
    target: float | None = Field(description="weight wanted")
    towards: str | None = Field(description="position worked towards, signed")
    equity: Amount
    ordered: str
    filled: str
    fill_price: str | None


class ParityGap(Shape):
    """Journal less backtest, by what made it."""

    whole: Amount
    fills: Amount
    fees: Amount
    prices: Amount
    funding: Amount
    cash: Amount
    rest: Amount


class ParityDecision(Shape):
    """One that is not equal. Null for a side that did not decide."""

    decision: Ms
    strategy: str
    instrument: str
    sameness: str = Field(examples=["equal in weight"])
    cause: str | None
    text: str
    equal_before: int | None = Field(description="equal decisions since the one before")
    journal: ParitySide | None
    backtest: ParitySide | None
    equity_gap: ParityGap | None


class ParityEquity(Shape):
    journal: float
    backtest: float
    gap: ParityGap | None = Field(description="null: they are equal")


class ParityDetail(ParityRow):
    not_compared: int = Field(description="decisions after the end of today's data")
    causes: dict[str, int]
    rows: int = Field(description="of the journal")
    commands: int
    steps: int
    equal_steps: int
    optimism_bps: float | None = Field(description="by how much paper's prices were better")
    paper_orders: int
    equity: ParityEquity | None
    differences: list[ParityDecision] = Field(description="the newest, at most `limit`")
    more: int = Field(description="differences before those")


class ResearchDefaults(Shape):
    """What a run assumes that is asked for nothing else, as the settings have it."""

    timeframe: str | None
    cash: float
    fees: str
    slippage_bps: float | None
    path: str
    execution: str | None
    max_leverage: float
    cash_buffer: float
    seed: int
    beyond_fast: list[str] = Field(
        description="limits that only the full driver holds: a search must be told to leave them out"
    )
