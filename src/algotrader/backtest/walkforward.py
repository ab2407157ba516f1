"""Walk-forward (R30): choose on the past, trade what was not seen, as one continuous account.

Every set is first run over the whole history once; because decisions depend on the past alone,
its daily returns inside a training window are what a run of that window would have shown. The
chosen sets then trade one account: at a boundary the parameters change, positions and cash carry
over, and the new set's features use all earlier rows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from algotrader.backtest.evaluate import Evaluator
from algotrader.backtest.kernel_input import traded
from algotrader.backtest.metrics import UndefinedMetric, sharpe, total_return
from algotrader.backtest.run import KernelInput, RunResult
from algotrader.backtest.space import ParameterSet
from algotrader.backtest.sweep import SweepResult
from algotrader.backtest.switching import Turn, simulate_turns
from algotrader.core.errors import StrategyError, UsageError
from algotrader.core.timeframes import DAY_MS
from algotrader.execution.simulated import simulate
from algotrader.strategy.base import Style
from algotrader.strategy.session import LogLine

Floats = NDArray[np.float64]

_PROTECTION = ("stop_loss", "take_profit", "trailing", "reenter_after")


@dataclass(frozen=True, slots=True, kw_only=True)
class Windows:
    """Lengths in trading days. An anchored training window begins at the first day always."""

    train_days: int
    test_days: int
    anchored: bool = False
    embargo_days: int = 0

    def __post_init__(self) -> None:
        if self.embargo_days < 0:
            raise UsageError(
                "walkforward.embargo",
                f"an embargo of {self.embargo_days} days: must be 0 or more",
                hint="leave --embargo-days out: the longest warm-up is left out then",
            )
        if self.train_days < 20 or self.test_days < 1:
            raise UsageError(
                "walkforward.windows",
                f"windows of {self.train_days} and {self.test_days} days cannot be walked",
                hint="train on at least 20 days, test on at least 1",
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class FoldResult:
    """One fold: row spans of days, the set chosen on the first, traded on the second."""

    train: range  # rows of `SweepResult.days`
    test: range
    chosen: int  # row of the set
    train_sharpe: float | None  # per year
    train_return: float
    test_sharpe: float | None
    test_return: float
    test_trades: int  # that ended in the test window


@dataclass(frozen=True, slots=True, kw_only=True)
class WalkForward:
    """The folds, and the one out-of-sample account that they make."""

    sweep: SweepResult
    windows: Windows
    folds: tuple[FoldResult, ...]
    run: RunResult  # of the joined account, from the first test day on
    efficiency: float | None  # annual return out of sample / in sample, means of the folds


def split(days: int, windows: Windows) -> list[tuple[range, range]]:
    """Training and test spans, in rows of days. UsageError if not even one fold fits."""
    folds = []
    test_start = windows.train_days + windows.embargo_days
    while test_start < days:
        train_end = test_start - windows.embargo_days
        train_start = 0 if windows.anchored else train_end - windows.train_days
        test_end = min(test_start + windows.test_days, days)
        folds.append((range(train_start, train_end), range(test_start, test_end)))
        test_start = test_end
    if not folds:
        raise UsageError(
            "walkforward.too_short",
            f"{windows.train_days} days of training and {windows.embargo_days} of embargo leave "
            f"none of {days} days to test on",
            hint="give more data, or shorter windows: --train-days, --test-days",
        )
    return folds


def walk_forward(sweep: SweepResult, windows: Windows) -> WalkForward:
    """Choose the set with the best Sharpe ratio of each training window and trade the next."""
    spans = split(len(sweep.days), windows)
    chosen = [_best(sweep, train) for train, _ in spans]
    result = _joined(sweep, spans, chosen)
    run_days = {int(ts): row for row, ts in enumerate(result.daily.ts)}
    folds = tuple(
        _fold(sweep, result, run_days, train, test, best)
        for (train, test), best in zip(spans, chosen, strict=True)
    )
    return WalkForward(
        sweep=sweep, windows=windows, folds=folds, run=result, efficiency=_efficiency(sweep, folds)
    )


def _best(sweep: SweepResult, train: range) -> int:
    """Row of the set with the highest Sharpe ratio of the training days; of equals the first."""
    returns = sweep.returns[:, train.start : train.stop]
    deviation = returns.std(axis=1, ddof=1)
    usable = (deviation > 0.0) & sweep.succeeded
    if not usable.any():
        raise UsageError(
            "walkforward.no_choice",
            "no set traded in one of the training windows",
            hint="train on longer windows: --train-days",
        )
    ratio = np.where(usable, returns.mean(axis=1) / np.where(usable, deviation, 1.0), -np.inf)
    return int(np.argmax(ratio))


def _joined(
    sweep: SweepResult, spans: Sequence[tuple[range, range]], chosen: Sequence[int]
) -> RunResult:
    """One account over all test spans."""
    plan, market = sweep.plan, sweep.market
    _refuse_swept_protection(plan.sets)
    starts = [_first_row(sweep, test.start) for _, test in spans]
    strategies = [plan.loaded.kind(**plan.sets[row]) for row in chosen]
    evaluator = Evaluator(plan.loaded.kind, market, plan.settings, plan.first)
    given = _looked_at(evaluator.input_for(strategies[0]), starts)
    lines: tuple[LogLine, ...] = ()
    if strategies[0].style is Style.TARGETS:
        targets = np.full(market.bars.as_panel().close.shape, np.nan)
        for fold, strategy in enumerate(strategies):
            stop = starts[fold + 1] if fold + 1 < len(starts) else len(market.bars)
            targets[starts[fold] : stop] = evaluator.targets(strategy)[starts[fold] : stop]
        simulation = simulate(given.panel, given.instruments, given.settings, targets=targets)
    else:
        turns = [
            Turn(strategy=strategy, train=_first_row(sweep, train.start), start=start)
            for strategy, (train, _), start in zip(strategies, spans, starts, strict=True)
        ]
        simulation, lines = simulate_turns(market, given, turns)
    return RunResult(
        strategy=strategies[-1],
        market=market,
        settings=plan.settings,
        first=starts[0],
        prepared=None,
        instruments=tuple(traded(one, plan.settings) for one in market.instruments),
        given=given,
        simulation=simulation,
        log=lines,
    )


def _looked_at(given: KernelInput, starts: Sequence[int]) -> KernelInput:
    """A schedule looks at the targets at each new set's first decision too (R30)."""
    if given.panel.schedule is None:
        return given
    schedule = given.panel.schedule.copy()
    schedule[list(starts)] = True
    return replace(given, panel=replace(given.panel, schedule=schedule))


def _first_row(sweep: SweepResult, day: int) -> int:
    """First row of the market that belongs to a day."""
    bars = sweep.market.bars
    days = bars.ts // DAY_MS if bars.session is None else bars.session
    last = int(np.searchsorted(bars.ts, sweep.days[day]))
    return int(np.searchsorted(days, days[last]))


def _refuse_swept_protection(sets: Sequence[ParameterSet]) -> None:
    for name in _PROTECTION:
        if len({parameters.get(name) for parameters in sets}) > 1:
            raise StrategyError(
                "walkforward.protection",
                f"{name} differs between the sets, and one account has one protection",
                hint=f"fix it with --set {name}=…",
            )


def _fold(
    sweep: SweepResult,
    result: RunResult,
    run_days: Mapping[int, int],
    train: range,
    test: range,
    chosen: int,
) -> FoldResult:
    periods = sweep.market.periods_per_year
    inside = sweep.returns[chosen, train.start : train.stop]
    closed = result.trades.closed()
    since = int(sweep.market.bars.ts[_first_row(sweep, test.start)])
    until = int(sweep.days[test.stop - 1]) + 1
    first = run_days.get(int(sweep.days[test.start]))
    outside = (
        np.zeros(len(test))
        if first is None  # the account was ruined before
        else result.daily.returns[first : first + len(test)]
    )
    return FoldResult(
        train=train,
        test=test,
        chosen=chosen,
        train_sharpe=_sharpe(inside, periods),
        train_return=total_return(inside),
        test_sharpe=_sharpe(outside, periods),
        test_return=total_return(outside),
        test_trades=int(np.sum((closed.exit_ts >= since) & (closed.exit_ts < until))),
    )


def _sharpe(returns: Floats, periods: float) -> float | None:
    try:
        return sharpe(returns, periods)
    except UndefinedMetric:
        return None


def _efficiency(sweep: SweepResult, folds: Sequence[FoldResult]) -> float | None:
    """Mean annual return out of sample over the mean in sample; `None` unless the latter gains."""
    periods = sweep.market.periods_per_year

    def yearly(total: float, days: int) -> float:
        return float(max(1.0 + total, 0.0) ** (periods / max(days, 1)) - 1.0)

    inside = float(np.mean([yearly(fold.train_return, len(fold.train)) for fold in folds]))
    grown = np.prod([1.0 + fold.test_return for fold in folds])
    outside = yearly(float(grown) - 1.0, sum(len(fold.test) for fold in folds))
    return outside / inside if inside > 0.0 else None
