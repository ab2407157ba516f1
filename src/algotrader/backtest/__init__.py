"""Judging an idea on the past: run, sweep, walk-forward, metrics, overfitting statistics, report.

May import: execution, portfolio, strategy, features, data, core, _kernel.
Read first: `run.py` (one strategy over one history), then `summary.py` (its figures) and
`verdict.py` (what may be concluded from them).
"""
