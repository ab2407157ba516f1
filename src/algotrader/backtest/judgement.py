"""A run among all trials of its family: what of it luck explains (R31)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from algotrader.backtest.judge import Overfitting, judge
from algotrader.backtest.market import Market
from algotrader.backtest.metrics import UndefinedMetric, sharpe
from algotrader.backtest.returns import DAY_MS, DailyReturns
from algotrader.backtest.run import RunResult, looks_ahead
from algotrader.backtest.trial_statistics import TrialStatistics, trial_statistics
from algotrader.backtest.trials import Trial, TrialLedger
from algotrader.backtest.verdict import of_look_ahead
from algotrader.strategy.loader import LoadedStrategy

BOOTSTRAP_SEED = 0  # the same run has the same interval whenever it is judged


def trial_of(loaded: LoadedStrategy, result: RunResult, family: str | None = None) -> Trial:
    """The run as the ledger counts it."""
    return trial(
        loaded,
        result.strategy.values,
        instruments_key(result.market),
        result.curve.ts,
        result.daily,
        family,
    )


def instruments_key(market: Market) -> tuple[str, ...]:
    """What was traded, as trials are compared: symbols and the time frame."""
    bars = market.bars
    return (*(str(symbol) for symbol in bars.symbols), str(bars.timeframe))


def trial(
    loaded: LoadedStrategy,
    parameters: dict[str, int | float | bool | str],
    instruments: tuple[str, ...],
    ts: np.ndarray[tuple[int], np.dtype[np.int64]],
    daily: DailyReturns | None,
    family: str | None = None,
) -> Trial:
    """One evaluation over the bars `ts`; `daily` is `None` if it failed."""
    return Trial(
        family=family or loaded.name,
        source_hash=loaded.source_hash,
        parameters=parameters,
        instruments=instruments,
        start_ms=int(ts[0]),
        end_ms=int(ts[-1]) + 1,
        sharpe=None if daily is None else _ratio(daily),
        days=None if daily is None else daily.ts // DAY_MS,
        returns=None if daily is None else daily.returns,
    )


def _ratio(daily: DailyReturns) -> float | None:
    try:
        return sharpe(daily.returns, 1.0)
    except UndefinedMetric:
        return None


def judge_run(
    loaded: LoadedStrategy, result: RunResult, ledger: TrialLedger, family: str | None = None
) -> Overfitting:
    """Count the run in the ledger and judge it among all comparable trials."""
    own = trial_of(loaded, result, family)
    ledger.record([own])
    known = ledger.comparable(own.family, own.instruments, own.start_ms, own.end_ms)
    return judge(
        result.daily.returns[None, :],
        periods_per_year=result.market.periods_per_year,
        trials=statistics_of(known),
        rng=np.random.default_rng(BOOTSTRAP_SEED),
    )


def doubted(judged: Overfitting, result: RunResult) -> Overfitting:
    """No statistics make evidence of decisions that knew the future."""
    columns = {finding.column for finding in result.checked or () if looks_ahead(finding)}
    if not columns:
        return judged
    return replace(judged, verdict=of_look_ahead(judged.verdict, len(columns)))


def statistics_of(trials: Sequence[Trial]) -> TrialStatistics:
    """Statistics of trials that may cover different days of one calendar."""
    known = [item.days for item in trials if item.days is not None and len(item.days)]
    calendar = np.unique(np.concatenate(known)) if known else np.zeros(0, dtype=np.int64)
    first = [
        0
        if item.days is None or not len(item.days)
        else int(np.searchsorted(calendar, item.days[0]))
        for item in trials
    ]
    return trial_statistics([item.returns for item in trials], first_days=first)
