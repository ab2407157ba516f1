"""From finished runs to the data of their comparison."""

from __future__ import annotations

from collections.abc import Sequence

from algotrader import __version__
from algotrader.backtest import report
from algotrader.backtest.assumptions import assumptions_of
from algotrader.backtest.complete import Completed
from algotrader.backtest.reporting import identity_of


def compare_report(runs: Sequence[Completed]) -> report.CompareReportData:
    """Two to six runs side by side."""
    return report.CompareReportData(
        runs=tuple(_compared(done) for done in runs), version=__version__
    )


def _compared(done: Completed) -> report.ComparedRun:
    result = done.result
    return report.ComparedRun(
        identity=identity_of(result, done.record),
        verdict=report.VerdictKind(done.judged.verdict.outcome.value),
        metrics=result.summary.values,
        assumptions=tuple(
            report.Assumption(key=remark.code, en=remark.en, zh=remark.zh)
            for remark in assumptions_of(result)
        ),
        ts=result.curve.ts,
        equity=result.curve.equity,
        coverage=result.market.coverage.bars,
    )
