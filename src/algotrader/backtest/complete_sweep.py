"""A sweep from request to counted, judged, reported and stored result."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from algotrader.backtest import report
from algotrader.backtest.assumptions import assumptions_of
from algotrader.backtest.complete import Completed, complete_run
from algotrader.backtest.finer import market_for
from algotrader.backtest.judge import Overfitting, judge
from algotrader.backtest.judgement import (
    BOOTSTRAP_SEED,
    doubted,
    instruments_key,
    statistics_of,
    trial,
)
from algotrader.backtest.loading import DataRequest, parse_instant
from algotrader.backtest.plain_search import SWEEP_FILE, sweep_file, swept
from algotrader.backtest.remarks import warnings_of
from algotrader.backtest.reporting import (
    assumption_of,
    costs_of,
    coverage_of,
    identity_of,
    look_ahead_of,
    notice_of,
    overfitting_of,
    provenance_of,
)
from algotrader.backtest.returns import DailyReturns
from algotrader.backtest.settings import BacktestSettings
from algotrader.backtest.space import ParameterSet, SearchSpace
from algotrader.backtest.store import write_file
from algotrader.backtest.sweep import (
    OF_A_YEAR,
    Progress,
    SweepResult,
    plan_sweep,
    results_frame,
    run_sweep,
)
from algotrader.backtest.trials import TrialLedger
from algotrader.backtest.verdict import Unseen
from algotrader.backtest.workspace import Workspace
from algotrader.core.errors import RunError
from algotrader.core.instants import utc_at
from algotrader.strategy.decide import prepare_all
from algotrader.strategy.loader import LoadedStrategy

_SHOWN_METRICS = ("sharpe", "total_return", "annual_return", "max_drawdown", "trades")


@dataclass(frozen=True, slots=True, kw_only=True)
class CompletedSweep:
    """All sets, what luck makes of them, and the run of the best one."""

    result: SweepResult
    judged: Overfitting
    chosen: Completed
    folder: Path

    @property
    def report(self) -> Path:
        return self.folder / "report.html"

    @property
    def table(self) -> Path:
        return self.folder / "results.parquet"


def complete_sweep(
    loaded: LoadedStrategy,
    space: SearchSpace,
    request: DataRequest,
    settings: BacktestSettings,
    workspace: Workspace,
    *,
    count: int | None = None,
    workers: int | None = None,
    progress: Progress | None = None,
) -> CompletedSweep:
    """Run every set, count each as a trial, judge the best, write table and report."""
    market = market_for(request, settings, workspace.lake)
    start = parse_instant(request.start, "--start")
    plan = plan_sweep(loaded, space, market, settings, request=request, count=count, start=start)
    folder = workspace.sweeps / plan.sweep
    result = run_sweep(plan, market, folder, workers=workers, progress=progress)
    # Counted first, even if all failed: the best set's report must know of all that were tried
    # (R31).
    count_trials(loaded, result, workspace)
    best = result.best
    if best is None:
        raise RunError(
            "sweep.all_failed",
            f"none of {len(plan.sets)} sets has a Sharpe ratio; the first: "
            f"{result.results[0].failure or 'it never traded'}",
            hint="try one set with `algotrader backtest` first",
        )
    # From the first decision that all sets share, so that its report shows the table's figures; a
    # set of a longer warm-up than the search foresaw has decided nothing before its own.
    strategy = loaded.kind(**plan.sets[best])
    first = max(plan.first, prepare_all(strategy, market.bars).warmup_rows)
    window = replace(request, start=utc_at(int(market.bars.ts[first])).isoformat())
    chosen = complete_run(loaded, strategy, window, settings, workspace, market=market)
    judged = doubted(judge_sweep(loaded, result, workspace), chosen.result)
    done = CompletedSweep(result=result, judged=judged, chosen=chosen, folder=folder)
    _store(done, request, TrialLedger(workspace.trials).since())
    return done


def count_trials(loaded: LoadedStrategy, result: SweepResult, workspace: Workspace) -> None:
    """Enter every set of a sweep into the workspace's ledger, the failed ones too (R31)."""
    instruments = instruments_key(result.market)
    ts = result.market.bars.ts[result.plan.first :]
    TrialLedger(workspace.trials).record(
        trial(
            loaded,
            item.parameters,
            instruments,
            ts,
            None if item.returns is None else _as_daily(result, item.returns),
        )
        for item in result.results
    )


def judge_sweep(
    loaded: LoadedStrategy,
    result: SweepResult,
    workspace: Workspace,
    *,
    walk_forward: Unseen | None = None,
) -> Overfitting:
    """Judge the best of a counted sweep among every comparable trial (R31)."""
    ts = result.market.bars.ts[result.plan.first :]
    known = TrialLedger(workspace.trials).comparable(
        loaded.name, instruments_key(result.market), int(ts[0]), int(ts[-1]) + 1
    )
    return judge(
        result.returns,
        periods_per_year=result.market.periods_per_year,
        parameters=list(result.plan.sets),
        trials=statistics_of(known),
        chosen=result.best,
        walk_forward=walk_forward,
        rng=np.random.default_rng(BOOTSTRAP_SEED),
        ran=result.succeeded,
    )


def _as_daily(result: SweepResult, returns: NDArray[np.float64]) -> DailyReturns:
    cash = result.plan.settings.cash
    return DailyReturns(
        ts=result.days,
        equity=np.asarray(cash * np.cumprod(1.0 + returns)),
        returns=returns,
        initial=cash,
        ruined=False,
    )


def _store(done: CompletedSweep, request: DataRequest, since: str | None) -> None:
    from algotrader.backtest.report import render_sweep

    table = io.BytesIO()
    results_frame(done.result).write_parquet(table, compression="zstd")
    write_file(done.table, table.getvalue())
    write_file(done.report, render_sweep(sweep_report(done, since)).encode())
    write_file(done.folder / SWEEP_FILE, sweep_file(done, request))


def sweep_report(done: CompletedSweep, ledger_since: str | None = None) -> report.SweepReportData:
    """Everything the report of a sweep shows."""
    result, chosen = done.result, done.chosen
    failures = {
        row: item.failure for row, item in enumerate(result.results) if item.failure is not None
    }
    return report.SweepReportData(
        identity=identity_of(chosen.result, chosen.record),
        overfitting=overfitting_of(done.judged, result.market, ledger_since),
        parameters={name: _column(result.plan.sets, name) for name in swept(result)},
        metrics={
            name: result.metrics[name]
            for name in _SHOWN_METRICS
            if name not in OF_A_YEAR or not np.isnan(result.metrics[name]).all()
        },
        chosen=result.best or 0,
        failures=failures,
        look_ahead=look_ahead_of(chosen.checked),
        assumptions=tuple(map(assumption_of, assumptions_of(chosen.result))),
        warnings=tuple(map(notice_of, warnings_of(chosen.result))),
        costs=costs_of(chosen.result),
        coverage=coverage_of(result.market.coverage),
        provenance=provenance_of(chosen.result, chosen.record),
    )


def _column(sets: tuple[ParameterSet, ...], name: str) -> NDArray[np.float64]:
    """Values of a parameter as numbers; texts by their place among the values tried."""
    values = [parameters[name] for parameters in sets]
    if any(isinstance(value, str) for value in values):
        places: Mapping[object, int] = {v: i for i, v in enumerate(dict.fromkeys(values))}
        return np.array([places[value] for value in values], dtype=np.float64)
    return np.array(values, dtype=np.float64)
