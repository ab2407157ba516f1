"""Judging an idea on the past: run, sweep, walk-forward, metrics, overfitting statistics, report.

May import: execution, portfolio, strategy, features, data, core, _kernel.
Read first: `run.py` (one strategy over one history), then `summary.py` (its figures) and
`verdict.py` (what may be concluded from them).
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any


class _CallablePackage(ModuleType):
    """`algotrader.backtest` is this folder and, as `at.backtest(...)`, its main function.

    Importing any module below sets that name to the package, so the package itself can be called.
    """

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        from algotrader.backtest.api import backtest

        return backtest(*args, **kwargs)


sys.modules[__name__].__class__ = _CallablePackage
