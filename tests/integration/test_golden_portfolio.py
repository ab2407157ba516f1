"""Portfolio weights against published ones, on the closes of twenty names with different starts.

Mean: compounded, annual; covariance: pairwise, of simple returns, times 252.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from algotrader.portfolio.allocators import (
    Allocator,
    hierarchical_risk_parity,
    inverse_variance,
)
from algotrader.portfolio.moments import Floats, Moments, moments
from algotrader.portfolio.optimised import max_return, max_sharpe, max_utility, min_variance
from algotrader.portfolio.rolling import simple_returns

OPTIMA: dict[str, Callable[[Moments], Floats]] = {
    "minvol": min_variance,
    "maxsharpe": partial(max_sharpe, risk_free=0.02),
    "effrisk19": partial(max_return, volatility=0.19),
    "quad3": partial(max_utility, risk_aversion=3.0),
}


@cache
def published(folder: Path) -> dict[str, Any]:
    cases = json.loads((folder / "golden" / "golden.json").read_text())["cases"]
    return {case["id"]: case for case in cases if case["group"] == "portfolio"}


@cache
def returns_by_name(folder: Path) -> tuple[tuple[str, ...], Floats]:
    table = pl.read_parquet(folder / "golden" / "pypfopt_20names_close.parquet").drop("ts")
    returns = simple_returns(table.to_numpy().astype(np.float64))
    return tuple(table.columns), returns[np.isfinite(returns).any(axis=1)]


def annual(returns: Floats) -> Moments:
    counts = np.isfinite(returns).sum(axis=0)
    growth = np.nanprod(1.0 + returns, axis=0)
    return Moments(
        mean=growth ** (252.0 / counts) - 1.0, covariance=moments(returns).covariance * 252.0
    )


@pytest.mark.parametrize("case_id", list(OPTIMA))
def test_optimal_weights_are_those_published(shared_data: Path, case_id: str) -> None:
    case = published(shared_data)[case_id]
    names, returns = returns_by_name(shared_data)
    given = annual(returns)

    weights = OPTIMA[case_id](given)

    expected = [case["expected"]["weights"][name] for name in names]
    assert weights == pytest.approx(expected, abs=case["tol"])
    mean, volatility, _ = case["expected"]["performance_ret_vol_sharpe"]
    assert weights @ given.mean == pytest.approx(mean, abs=1e-4)
    assert np.sqrt(weights @ given.covariance @ weights) == pytest.approx(volatility, abs=1e-4)


@pytest.mark.parametrize(
    ("case_id", "allocator"), [("inv_var", inverse_variance), ("hrp", hierarchical_risk_parity)]
)
def test_weights_by_formula_are_those_published(
    shared_data: Path, case_id: str, allocator: Allocator
) -> None:
    case = published(shared_data)[case_id]
    names, returns = returns_by_name(shared_data)

    weights = allocator(returns)

    assert weights == pytest.approx([case["expected"][name] for name in names], abs=case["tol"])
