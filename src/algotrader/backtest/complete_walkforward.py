"""A walk-forward from request to judged, reported and stored result."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from algotrader.backtest import report
from algotrader.backtest.assumptions import assumptions_of
from algotrader.backtest.bootstrap import sharpe_interval
from algotrader.backtest.complete import log_lines, quick_check
from algotrader.backtest.complete_sweep import count_trials, judge_sweep
from algotrader.backtest.finer import market_for
from algotrader.backtest.judge import Overfitting
from algotrader.backtest.judgement import BOOTSTRAP_SEED, doubted
from algotrader.backtest.loading import DataRequest, parse_instant
from algotrader.backtest.metrics import UndefinedMetric
from algotrader.backtest.overfitting import probabilistic_sharpe
from algotrader.backtest.plain_search import WALKFORWARD_FILE, walkforward_file
from algotrader.backtest.remarks import warnings_of
from algotrader.backtest.reporting import (
    assumption_of,
    costs_of,
    coverage_of,
    equity_of,
    identity_of,
    look_ahead_of,
    notice_of,
    overfitting_of,
    provenance_of,
)
from algotrader.backtest.returns import EquityCurve, monthly_returns
from algotrader.backtest.run import RunResult
from algotrader.backtest.settings import BacktestSettings
from algotrader.backtest.space import SearchSpace, corners
from algotrader.backtest.store import RunRecord, record_of, write_file
from algotrader.backtest.sweep import Progress, SweepPlan, SweepResult, plan_sweep, run_sweep
from algotrader.backtest.trials import TrialLedger
from algotrader.backtest.verdict import Unseen
from algotrader.backtest.walkforward import WalkForward, Windows, split, walk_forward
from algotrader.backtest.workspace import Workspace
from algotrader.core.bars import Bars
from algotrader.core.errors import AlgotraderError
from algotrader.core.timeframes import DAY_MS
from algotrader.strategy.decide import prepare_all
from algotrader.strategy.loader import LoadedStrategy


@dataclass(frozen=True, slots=True, kw_only=True)
class CompletedWalkForward:
    """The folds, the joined account, and what luck makes of it."""

    name: str
    walked: WalkForward
    judged: Overfitting
    record: RunRecord
    swept: tuple[str, ...]  # names of the parameters that were searched
    report: Path

    @property
    def in_sample(self) -> NDArray[np.float64] | None:
        """Equity of the set that all the data would choose, at the stamps of the account."""
        return hindsight(self.walked.sweep, self.walked.run.curve)


def complete_walkforward(
    loaded: LoadedStrategy,
    space: SearchSpace,
    request: DataRequest,
    settings: BacktestSettings,
    workspace: Workspace,
    *,
    train_days: int,
    test_days: int,
    anchored: bool = False,
    embargo_days: int | None = None,
    count: int | None = None,
    workers: int | None = None,
    progress: Progress | None = None,
) -> CompletedWalkForward:
    """Sweep once, choose fold by fold, trade the joined account, judge and report."""
    market = market_for(request, settings, workspace.lake)
    start = parse_instant(request.start, "--start")
    windows = Windows(
        train_days=train_days, test_days=test_days, anchored=anchored,
        embargo_days=embargo_days or 0,
    )  # fmt: skip
    plan = plan_sweep(loaded, space, market, settings, request=request, count=count, start=start)
    embargo = longest_warmup_days(plan, market.bars) if embargo_days is None else embargo_days
    windows = replace(windows, embargo_days=embargo)
    days = _days(market.bars.rows(plan.first, len(market.bars)))
    split(days, windows)  # what cannot be walked is refused before any set is run
    result = run_sweep(
        plan, market, workspace.sweeps / plan.sweep, workers=workers, progress=progress
    )
    count_trials(loaded, result, workspace)
    walked = walk_forward(result, windows)
    unseen = _unseen(walked.run)
    judged = doubted(judge_sweep(loaded, result, workspace, walk_forward=unseen), walked.run)
    name = f"{plan.sweep}-{train_days}-{test_days}{'a' if anchored else ''}-{embargo}"
    done = CompletedWalkForward(
        name=name,
        walked=walked,
        judged=judged,
        record=record_of(loaded, walked.run, request),
        swept=tuple(space.values),
        report=workspace.runs / "walkforwards" / name / "report.html",
    )
    page = report.render_walkforward(
        walkforward_report(done, TrialLedger(workspace.trials).since())
    )
    write_file(done.report.with_name(WALKFORWARD_FILE), walkforward_file(done, request))
    write_file(done.report, page.encode())
    if walked.run.log:
        write_file(done.report.with_name("log.jsonl"), log_lines(walked.run.log))
    return done


def _unseen(run: RunResult) -> Unseen:
    total = float(run.summary.values["total_return"] or 0.0)
    try:
        return Unseen(total=total, probability=probabilistic_sharpe(run.daily.returns))
    except UndefinedMetric:
        return Unseen(total=total, probability=None)


def longest_warmup_days(plan: SweepPlan, bars: Bars) -> int:
    """The embargo that R30 asks for by default: the longest warm-up of any set, in days."""
    tried = {name: dict.fromkeys(one[name] for one in plan.sets) for name in plan.sets[0]}
    longest = 0
    for parameters in corners(tried):
        with suppress(AlgotraderError):  # a corner that the strategy refuses was no set either
            prepared = prepare_all(plan.loaded.kind(**parameters), bars)
            longest = max(longest, prepared.warmup_rows)
    return _days(bars.rows(0, longest))


def _days(bars: Bars) -> int:
    """How many days the bars lie on, by the market's own count."""
    days = bars.ts // DAY_MS if bars.session is None else bars.session
    return len(np.unique(days))


def walkforward_report(
    done: CompletedWalkForward, ledger_since: str | None = None
) -> report.WalkForwardReportData:
    """Everything the report of a walk-forward shows."""
    walked = done.walked
    run, sweep = walked.run, walked.sweep
    return report.WalkForwardReportData(
        identity=_identity(done),
        overfitting=overfitting_of(done.judged, sweep.market, ledger_since),
        folds=tuple(
            report.Fold(
                train_start=int(sweep.days[fold.train.start]),
                train_end=int(sweep.days[fold.train.stop - 1]),
                test_start=int(sweep.days[fold.test.start]),
                test_end=int(sweep.days[fold.test.stop - 1]),
                parameters={name: sweep.plan.sets[fold.chosen][name] for name in done.swept},
                train_return=fold.train_return,
                train_sharpe=fold.train_sharpe,
                test_return=fold.test_return,
                test_sharpe=fold.test_sharpe,
                test_trades=fold.test_trades,
            )
            for fold in walked.folds
        ),
        equity=equity_of(run),
        in_sample=done.in_sample,
        efficiency=walked.efficiency,
        sharpe_interval=interval_of(run),
        metrics=run.summary.values,
        reasons={name: str(reason) for name, reason in run.summary.undefined.items()},
        months=monthly_returns(run.daily),
        look_ahead=look_ahead_of(quick_check(run)),
        assumptions=tuple(map(assumption_of, assumptions_of(run))),
        warnings=tuple(map(notice_of, warnings_of(run))),
        costs=costs_of(run),
        coverage=coverage_of(run.market.coverage),
        provenance=replace(provenance_of(run, done.record), run=done.name, again=False),
    )


def _identity(done: CompletedWalkForward) -> report.Identity:
    """Its own name, and the parameters that were the same all along: no run has the last set's."""
    own = identity_of(done.walked.run, done.record)
    kept = {name: value for name, value in own.parameters.items() if name not in done.swept}
    return replace(own, run=done.name, parameters=kept)


def interval_of(run: RunResult) -> tuple[float, float] | None:
    """Bounds of the account's own Sharpe ratio: those of the judgement are of the best set on all
    the data, which was chosen knowing it."""
    rng = np.random.default_rng(BOOTSTRAP_SEED)
    try:
        found = sharpe_interval(run.daily.returns, run.market.periods_per_year, rng=rng)
    except UndefinedMetric:
        return None
    return found.low, found.high


def hindsight(sweep: SweepResult, curve: EquityCurve) -> NDArray[np.float64] | None:
    """Equity of the one set that all the data would choose, over the same stamps.

    What a single sweep promises; the distance to the walked account is what choosing in hindsight
    adds. It changes once a day, at the day's last bar.
    """
    if sweep.best is None:
        return None
    first = int(np.searchsorted(sweep.days, curve.ts[0]))
    grown = curve.initial * np.cumprod(1.0 + sweep.returns[sweep.best, first:])
    known = np.searchsorted(sweep.days[first:], curve.ts, side="right")
    return np.concatenate(([curve.initial], grown))[known]
