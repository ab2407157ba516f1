"""Published and recomputed numbers: every case of the groups `metrics` and `overfit`.

Where our definition differs from the source's, the case says which function follows the source
and the difference is written down in docs/concepts/metrics.md.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from algotrader.backtest import metrics as m
from algotrader.backtest import overfitting as o
from algotrader.backtest import relative
from algotrader.backtest.cscv import probability_of_overfitting
from algotrader.backtest.main_metrics import main_metrics
from algotrader.backtest.returns import DAY_MS, EquityCurve, daily_returns

Case = dict[str, Any]

# The named series that the cases of this source share.
SERIES: dict[str, list[float | None]] = {
    "flat1": [0.01] * 9,
    "simple_benchmark": [0.0, 0.01, 0.0, 0.01, 0.0, 0.01, 0.0, 0.01, 0.0],
    "mixed": [None, 0.01, 0.1, -0.04, 0.02, 0.03, 0.02, 0.01, -0.1],
    "negative": [0.0, -0.06, -0.07, -0.01, -0.09, -0.02, -0.06, -0.08, -0.05],
}


def raw(values: list[float | None]) -> np.ndarray:
    return np.array([np.nan if v is None else v for v in values], dtype=np.float64)


def series(case: Case) -> np.ndarray:
    """Absent days of the source are no observations."""
    values = raw(case["input"]["returns"])
    return values[np.isfinite(values)]


def beside(case: Case, key: str) -> tuple[np.ndarray, np.ndarray]:
    """The returns and the other series of the case, on the days that both have."""
    other = case["input"][key]
    values = raw(case["input"]["returns"])
    against = raw(SERIES[other] if isinstance(other, str) else other)
    both = np.isfinite(values) & np.isfinite(against)
    return values[both], against[both]


def level(case: Case, key: str) -> float | np.ndarray:
    value = case["input"].get(key, 0.0)
    return beside(case, key)[1] if isinstance(value, str) else float(value)


def per_year(case: Case) -> float:
    return float(case["input"]["periods_per_year"])


def all_days(case: Case) -> dict[str, Any]:
    """The source divides by all days for a rate per year, the absent ones too."""
    return {
        "periods_per_year": per_year(case),
        "years": len(case["input"]["returns"]) / per_year(case),
    }


def daily_rate(yearly: float, periods: float = 252.0) -> float:
    return (1.0 + yearly) ** (1.0 / periods) - 1.0


def rolling_drawdown(case: Case) -> list[float]:
    values, window = series(case), case["input"]["window"]
    return [m.max_drawdown(values[i : i + window]) for i in range(values.size - window + 1)]


def weekly(case: Case) -> list[float]:
    """Calendar weeks end on Sunday; the returns compound inside each."""
    start = datetime.fromisoformat(case["input"]["start"]).replace(tzinfo=UTC)
    first = int(start.timestamp() // 86_400)
    values = series(case)
    week = (first + np.arange(values.size) + 3) // 7  # 1970-01-01 was a Thursday
    return [m.total_return(values[week == w]) for w in np.unique(week)]


def undefined(function: Callable[[], float]) -> m.Reason | None:
    try:
        function()
    except m.UndefinedMetric as error:
        return error.reason
    return None


def empty_is_undefined(case: Case) -> str:
    for values in (np.array([]), np.array([0.01])):
        reasons = {
            undefined(lambda v=values: m.sharpe(v, 252.0)),
            undefined(lambda v=values: m.sortino(v, 252.0)),
            undefined(lambda v=values: m.calmar(v, 252.0)),
            undefined(lambda v=values: m.volatility(v, 252.0)),
        }
        assert reasons == {m.Reason.TOO_FEW_DAYS}
    return "nan"


def flat_is_undefined(case: Case) -> str:
    # The source prints +inf; ours has no value and says why (docs/concepts/metrics.md).
    assert undefined(lambda: m.sharpe(series(case), 252.0)) is m.Reason.ZERO_VARIANCE
    return "inf"


def gaussian_tail(case: Case) -> dict[str, float]:
    """The historical estimators on a large even sample of the law reach the closed form."""
    from scipy.stats import norm

    c = case["input"]
    tail = 1.0 - c["level"]
    z = norm.ppf(tail)
    sample = c["mu"] + c["sigma"] * norm.ppf((np.arange(2_000_000) + 0.5) / 2_000_000)
    assert m.value_at_risk(sample, c["level"]) == pytest.approx(c["mu"] + c["sigma"] * z, abs=1e-7)
    assert m.expected_shortfall(sample, c["level"]) == pytest.approx(
        c["mu"] - c["sigma"] * norm.pdf(z) / tail, abs=1e-6
    )
    return {
        "var": -float(c["mu"] + c["sigma"] * z),
        "es": float(-c["mu"] + c["sigma"] * norm.pdf(z) / tail),
    }


def absolute_drawdown(case: Case) -> dict[str, float]:
    equity = case["input"]["start"] + np.cumsum(case["input"]["profits"])
    base = np.concatenate(([case["input"]["start"]], equity[:-1]))
    fall = m.largest_loss_from_peak(equity, initial=case["input"]["start"])
    assert m.max_drawdown(equity / base - 1.0) == pytest.approx(-0.5)  # the deepest is another
    return {"high_day": fall.peak, "low_day": fall.trough, "abs": fall.amount, "rel": fall.share}


def buy_and_hold(case: Case, folder: Path) -> dict[str, Any]:
    bars = pl.read_parquet(folder / case["input"]["file"].removeprefix("shared/"))
    close, ts = bars["close"].to_numpy(), bars["ts"].to_numpy()
    curve = EquityCurve(ts=ts[1:], equity=close[1:], initial=float(close[0]), timeframe_ms=DAY_MS)
    values = daily_returns(curve).returns
    fall = m.deepest_drawdown(values)
    day = lambda index: str(ts[1:][index].astype("datetime64[ms]").astype("datetime64[D]"))  # noqa: E731
    main = {
        name: float(column[0])
        for name, column in main_metrics(values[None, :], 365.0, years=curve.years).items()
    }
    assert main["underwater_days"] == np.diff(m.longest_underwater(values))[0]
    found = {
        "total": m.total_return(values),
        "cagr": m.annual_return(values, 365.0, years=curve.years),
        "sharpe": m.sharpe(values, 365.0),
        "sortino": m.sortino(values, 365.0),
        "mdd": fall.depth,
        "var05": m.value_at_risk(values),
        "es05": m.expected_shortfall(values),
        "skew": m.skewness(values),
        "kurt_pearson": m.kurtosis(values),
    }
    native = ["total_return", "annual_return", "sharpe", "sortino", "max_drawdown"]
    native += ["var_95", "es_95", "skew", "kurtosis"]
    for ours, name in zip(found.values(), native, strict=True):
        assert main[name] == pytest.approx(ours, rel=1e-12)
    return found | {"peak": day(fall.peak), "trough": day(fall.trough)}


METRICS: dict[str, Callable[[Case], Any]] = {
    "cum_returns_final": lambda c: m.total_return(series(c)),
    "max_drawdown": lambda c: m.max_drawdown(series(c)),
    "annual_return": lambda c: m.annual_return(series(c), **all_days(c)),
    "cagr": lambda c: m.annual_return(series(c), **all_days(c)),
    "annual_volatility": lambda c: m.volatility(series(c), per_year(c)),
    "calmar_ratio": lambda c: m.calmar(series(c), **all_days(c)),
    "omega_ratio": lambda c: (
        m.omega(beside(c, "risk_free")[0] - beside(c, "risk_free")[1])
        if isinstance(c["input"]["risk_free"], str)
        else m.omega(series(c), threshold=daily_rate(c["input"]["required_return"]))
    ),
    "sharpe_ratio": lambda c: m.sharpe(
        beside(c, "risk_free")[0] if isinstance(c["input"]["risk_free"], str) else series(c),
        per_year(c),
        risk_free=level(c, "risk_free"),
    ),
    "downside_risk": lambda c: m.downside_risk(
        series(c), per_year(c), required=level(c, "required_return")
    ),
    "sortino_ratio": lambda c: m.sortino(
        series(c), per_year(c), required=level(c, "required_return")
    ),
    "excess_sharpe (information ratio, not annualised)": lambda c: relative.information_ratio(
        *beside(c, "factor"), 1.0
    ),
    "alpha": lambda c: relative.alpha(*beside(c, "factor"), per_year(c)),
    "stability_of_timeseries": lambda c: m.stability(series(c)),
    "tail_ratio": lambda c: m.tail_ratio(series(c)),
    # The source annualises both sides, each over the days it has.
    "capture": lambda c: (
        m.annual_return(series(c), 252.0)
        / m.annual_return(raw(SERIES[c["input"]["factor"]])[1:], 252.0, years=9 / 252.0)
    ),
    "down_capture": lambda c: relative.down_capture(*beside(c, "factor"), 252.0),
    "rolling 6-period max drawdown": rolling_drawdown,
    "compound returns to calendar weeks (Sun 2000-01-30 start)": weekly,
    "CAGR (end/start)^(365/days)-1": lambda c: m.growth_rate(
        c["input"]["start"], c["input"]["end"], days=c["input"]["days"], year_days=365.0
    ),
}

BY_ID: dict[str, Callable[[Case], Any]] = {
    "edge_empty": empty_is_undefined,
    "edge_flat_sharpe": flat_is_undefined,
    "var_pctile": lambda c: m.value_at_risk(series(c), 1.0 - c["input"]["cutoff"]),
    "var_es_gauss": gaussian_tail,
    "ft_dd_abs": absolute_drawdown,
}


def deflated_example(case: Case) -> dict[str, float]:
    c = case["input"]
    luck = o.expected_max_sharpe(c["N"], c["var_annual"] / c["q"])
    ratio = o.probabilistic_sharpe_ratio(
        c["sr_annual"] / c["q"] ** 0.5, c["T"], skew=c["skew"], kurtosis=c["kurt"], benchmark=luck
    )
    return {"sr0": luck, "dsr": ratio}


def psr_series(case: Case) -> dict[str, float]:
    values = series(case)
    ratio = m.sharpe(values, 1.0)
    moments = {"skew": m.skewness(values), "kurtosis": m.kurtosis(values)}
    return {
        "sr": ratio,
        "se": o.sharpe_standard_error(ratio, values.size, **moments),
        "psr": o.probabilistic_sharpe(values, 0.05),
        "min_trl": o.min_track_record_length(ratio, benchmark=0.05, confidence=0.9, **moments),
    }


def noise_overfitting(case: Case) -> dict[str, float]:
    c = case["input"]
    matrix = np.random.default_rng(c["rng"]).normal(0.0, 0.01, c["shape"])
    found = probability_of_overfitting(matrix.T, blocks=c["S"])
    return {
        "pbo": found.pbo,
        "splits": found.logits.size,
        "mean_logit": float(np.mean(found.logits)),
    }


OVERFIT: dict[str, Callable[[Case], Any]] = {
    "emax10": lambda c: o.expected_max_sharpe(c["input"]["n"], c["input"]["var"]),
    "emax100": lambda c: o.expected_max_sharpe(c["input"]["n"], 1.0),
    "dsr_example": deflated_example,
    "minbtl45": lambda c: o.min_backtest_length(c["input"]["n"], c["input"]["sr"]),
    "psr_24_normal": lambda c: o.probabilistic_sharpe_ratio(
        c["input"]["sr"], c["input"]["n"], skew=c["input"]["skew"], kurtosis=c["input"]["kurt"]
    ),
    "srstd_a": lambda c: o.sharpe_standard_error(
        c["input"]["sr"], c["input"]["n"], skew=c["input"]["skew"], kurtosis=c["input"]["kurt"]
    ),
    "srstd_b": lambda c: o.sharpe_standard_error(
        c["input"]["sr"], c["input"]["n"], skew=c["input"]["skew"], kurtosis=c["input"]["kurt"]
    ),
    # Monthly observations; the source states years.
    "mintrl_b": lambda c: (
        o.min_track_record_length(
            c["input"]["sr"],
            skew=c["input"]["skew"],
            kurtosis=c["input"]["kurt"],
            confidence=c["input"]["p"],
        )
        / 12.0
    ),
    "psr_series": psr_series,
    "pbo_noise": noise_overfitting,
}


def agree(found: Any, case: Case) -> None:
    expected, tolerance = case["expected"], case["tol"]
    if isinstance(expected, str):
        assert found == expected
    elif isinstance(expected, dict):
        assert found.keys() == expected.keys()
        for key, value in expected.items():
            close = value if isinstance(value, str) else pytest.approx(value, abs=tolerance)
            assert found[key] == close, key
    else:
        assert found == pytest.approx(expected, abs=tolerance)


def cases(folder: Path, group: str) -> list[Case]:
    document = json.loads((folder / "golden" / "golden.json").read_text())
    return [case for case in document["cases"] if case["group"] == group]


def test_all_published_metrics_agree(shared_data: Path) -> None:
    published = cases(shared_data, "metrics")
    assert len(published) >= 40
    for case in published:
        if case["id"] == "btc_1d_buyhold":
            found = buy_and_hold(case, shared_data)
        else:
            found = (BY_ID.get(case["id"]) or METRICS[case["what"]])(case)
        agree(found, case)


def test_all_published_overfitting_statistics_agree(shared_data: Path) -> None:
    published = cases(shared_data, "overfit")
    assert {case["id"] for case in published} == OVERFIT.keys()
    for case in published:
        agree(OVERFIT[case["id"]](case), case)
