"""The sixteen main metrics of one or of many series of daily returns, in one native call.

The same definitions as the functions of `metrics.py`, at the speed that a sweep needs.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from algotrader import _kernel

Floats = NDArray[np.float64]

COLUMNS = (
    "total_return",
    "annual_return",
    "volatility",
    "sharpe",
    "sortino",
    "calmar",
    "max_drawdown",
    "underwater_days",
    "var_95",
    "es_95",
    "var_99",
    "es_99",
    "skew",
    "kurtosis",
    "best_day",
    "worst_day",
    "underwater_peak",
    "underwater_end",
)


def main_metrics(
    returns: Floats, periods_per_year: float, *, years: float | None = None, threads: int = 0
) -> dict[str, Floats]:
    """One array of shape (S,) per name of `COLUMNS`, for daily returns of shape (S, D).

    NaN where a metric is undefined. `underwater_days` counts rows, from `underwater_peak` (-1 is
    the start) to `underwater_end`. `years` is elapsed calendar time; None: D / periods_per_year.
    `threads` 0 uses all cores; the bits do not depend on it (R34). ValueError on NaN or inf.
    """
    if returns.ndim != 2:
        raise ValueError(f"returns has the shape (series, days), not {returns.shape}")
    if years is not None and not years > 0.0:
        raise ValueError(f"years is positive, not {years}")
    table = _kernel.metrics.main(
        np.ascontiguousarray(returns, dtype=np.float64), periods_per_year, years or 0.0, threads
    )
    return dict(zip(COLUMNS, table, strict=True))
