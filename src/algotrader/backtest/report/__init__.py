"""The report: one offline HTML file that judges a run, a sweep, a walk-forward or several runs.

Plain numbers in (`model`), one self-contained page out. Nothing here knows how a run was made, and
the page asks nothing of the network. May import `core` and numpy. Read `render_run` first.
"""

from algotrader.backtest.report.compare import differences, render_compare
from algotrader.backtest.report.model import (
    Assumption,
    ChartFeature,
    ComparedRun,
    CompareReportData,
    CostFacts,
    Coverage,
    CoverageMonth,
    EquitySeries,
    Fold,
    Identity,
    LookAhead,
    Notice,
    Overfitting,
    PathGuess,
    PriceSeries,
    Provenance,
    ReportData,
    SweepReportData,
    VerdictKind,
    VerdictReason,
    WalkForwardReportData,
)
from algotrader.backtest.report.page import in_language, write_report
from algotrader.backtest.report.run import render_run
from algotrader.backtest.report.sweep import render_sweep
from algotrader.backtest.report.walkforward import render_walkforward

__all__ = [
    "Assumption",
    "ChartFeature",
    "CompareReportData",
    "ComparedRun",
    "CostFacts",
    "Coverage",
    "CoverageMonth",
    "EquitySeries",
    "Fold",
    "Identity",
    "LookAhead",
    "Notice",
    "Overfitting",
    "PathGuess",
    "PriceSeries",
    "Provenance",
    "ReportData",
    "SweepReportData",
    "VerdictKind",
    "VerdictReason",
    "WalkForwardReportData",
    "differences",
    "in_language",
    "render_compare",
    "render_run",
    "render_sweep",
    "render_walkforward",
    "write_report",
]
