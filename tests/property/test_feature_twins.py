"""Features against plain twins: pandas where it has them, a slow loop where it has not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from algotrader import features as f

Array = np.ndarray[Any, Any]

# Steps of a quarter make ties; the level tests what large prices do to small differences.
series = hnp.arrays(
    np.float64, st.integers(0, 60), elements=st.integers(-40, 40).map(lambda k: 1000.0 + k / 4)
)
gappy = hnp.arrays(
    np.float64,
    st.integers(0, 60),
    elements=st.one_of(
        st.integers(-40, 40).map(lambda k: 1000.0 + k / 4), st.just(np.nan), st.just(np.inf)
    ),
)
windows = st.integers(1, 20)

PANDAS: dict[str, tuple[Callable[[Array, int], Array], Callable[[Any], Any], int]] = {
    "sum": (f.rolling_sum, lambda r: r.sum(), 1),
    "mean": (f.sma, lambda r: r.mean(), 1),
    "min": (f.rolling_min, lambda r: r.min(), 1),
    "max": (f.rolling_max, lambda r: r.max(), 1),
    "median": (f.rolling_median, lambda r: r.median(), 1),
    "quantile": (lambda x, w: f.rolling_quantile(x, w, 0.3), lambda r: r.quantile(0.3), 1),
    "rank": (f.rolling_rank, lambda r: r.rank(pct=True), 1),
    "var": (f.rolling_var, lambda r: r.var(), 2),
    "std": (lambda x, w: f.rolling_std(x, w, ddof=0), lambda r: r.std(ddof=0), 1),
    "argmax": (
        f.rolling_argmax,
        lambda r: r.apply(lambda w: float(np.argmax(w[::-1])), raw=True),
        1,
    ),
    "argmin": (
        f.rolling_argmin,
        lambda r: r.apply(lambda w: float(np.argmin(w[::-1])), raw=True),
        1,
    ),
    "product": (f.rolling_product, lambda r: r.apply(np.prod, raw=True), 1),
}


@pytest.mark.parametrize("name", PANDAS)
@settings(deadline=None, max_examples=25)
@given(x=gappy, window=windows)
def test_a_window_statistic_equals_pandas(name: str, x: Array, window: int) -> None:
    ours, theirs, least = PANDAS[name]
    window = max(window, least)
    finite = pd.Series(np.where(np.isfinite(x), x, np.nan))
    expected = theirs(finite.rolling(window)).to_numpy()

    np.testing.assert_allclose(ours(x, window), expected, rtol=1e-9, atol=1e-9)


@settings(deadline=None, max_examples=25)
@given(x=series, window=st.integers(4, 20))
def test_skew_and_kurtosis_equal_the_textbook(x: Array, window: int) -> None:
    skew, kurt = f.rolling_skew(x, window), f.rolling_kurt(x, window)
    for t in range(window - 1, len(x)):
        part = pd.Series(x[t - window + 1 : t + 1])
        if part.nunique() == 1:
            assert np.isnan(skew[t])
            assert np.isnan(kurt[t])
        else:
            assert skew[t] == pytest.approx(part.skew(), rel=1e-7, abs=1e-9)
            assert kurt[t] == pytest.approx(part.kurt(), rel=1e-7, abs=1e-9)


@settings(deadline=None, max_examples=25)
@given(data=st.data(), window=st.integers(2, 20))
def test_joint_statistics_equal_numpy(data: st.DataObject, window: int) -> None:
    x = data.draw(series)
    y = data.draw(hnp.arrays(np.float64, len(x), elements=st.integers(-20, 20).map(float)))
    cov, corr, beta = (
        f.rolling_cov(x, y, window),
        f.rolling_corr(x, y, window),
        f.rolling_beta(x, y, window),
    )
    for t in range(window - 1, len(x)):
        a, b = x[t - window + 1 : t + 1], y[t - window + 1 : t + 1]
        joint = np.cov(a, b)
        assert cov[t] == pytest.approx(joint[0, 1], abs=1e-8)
        if np.ptp(b) == 0:
            assert np.isnan(beta[t])
        else:
            assert beta[t] == pytest.approx(joint[0, 1] / joint[1, 1], abs=1e-8)
        if np.ptp(a) == 0 or np.ptp(b) == 0:
            assert np.isnan(corr[t])
        else:
            assert corr[t] == pytest.approx(np.corrcoef(a, b)[0, 1], abs=1e-8)


@settings(deadline=None, max_examples=25)
@given(x=series, window=st.integers(2, 20), ahead=st.integers(0, 3))
def test_the_fitted_line_equals_numpy(x: Array, window: int, ahead: int) -> None:
    slope, end = f.rolling_slope(x, window), f.linear_regression(x, window, ahead)
    for t in range(window - 1, len(x)):
        a, b = np.polyfit(np.arange(window), x[t - window + 1 : t + 1], 1)
        assert slope[t] == pytest.approx(a, abs=1e-8)
        assert end[t] == pytest.approx(b + a * (window - 1 + ahead), abs=1e-7)


@settings(deadline=None, max_examples=25)
@given(x=series, window=windows)
def test_averages_equal_a_plain_loop(x: Array, window: int) -> None:
    weights = np.arange(1.0, window + 1)
    wma, ema, wilder = f.wma(x, window), f.ema(x, window), f.wilder(x, window)
    fast, slow = np.nan, np.nan
    for t in range(window - 1, len(x)):
        part = x[t - window + 1 : t + 1]
        first = t == window - 1
        fast = part.mean() if first else fast + 2 / (window + 1) * (x[t] - fast)
        slow = part.mean() if first else slow + (x[t] - slow) / window
        assert wma[t] == pytest.approx(part @ weights / weights.sum(), rel=1e-12)
        assert ema[t] == pytest.approx(fast, rel=1e-12)
        assert wilder[t] == pytest.approx(slow, rel=1e-12)


def bars(rows: int, seed: int) -> dict[str, Array]:
    random = np.random.default_rng(seed)
    close = 100 * np.exp(np.cumsum(random.normal(0, 0.02, rows)))
    open_ = close * np.exp(random.normal(0, 0.01, rows))
    high = np.maximum(open_, close) * (1 + random.uniform(0, 0.01, rows))
    low = np.minimum(open_, close) * (1 - random.uniform(0, 0.01, rows))
    return {
        "open": open_,
        "high": high,
        "low": low,
        "close": close,
        "volume": random.uniform(1, 9, rows),
    }


@pytest.mark.parametrize("seed", range(5))
def test_supertrend_equals_a_plain_loop(seed: int) -> None:
    b = bars(400, seed)
    high, low, close = b["high"], b["low"], b["close"]
    atr = f.atr(high, low, close, 10)
    level, direction = f.supertrend(high, low, close, 10, 3.0)
    upper = lower = 0.0
    up = True
    turns = 0
    for t in range(10, 400):
        mid = (high[t] + low[t]) / 2
        above, below = mid + 3 * atr[t], mid - 3 * atr[t]
        if t == 10:
            upper, lower, up = above, below, bool(close[t] >= mid)
        else:
            upper = above if above < upper or close[t - 1] > upper else upper
            lower = below if below > lower or close[t - 1] < lower else lower
            turned = close[t] <= lower if up else close[t] >= upper
            turns += int(turned)
            up = up != bool(turned)
        assert level[t] == (lower if up else upper)
        assert direction[t] == (1 if up else -1)
    assert turns > 0


@pytest.mark.parametrize("seed", range(3))
def test_volatilities_equal_their_formulas(seed: int) -> None:
    b = bars(80, seed)
    o, h, low, c = (np.log(b[n]) for n in ("open", "high", "low", "close"))
    n, t = 10, 60
    rows = slice(t - n + 1, t + 1)
    returns = np.diff(c)[t - n : t]
    parkinson = np.sqrt(np.mean((h - low)[rows] ** 2) / (4 * np.log(2)))
    klass = np.sqrt(np.mean(0.5 * (h - low)[rows] ** 2 - (2 * np.log(2) - 1) * (c - o)[rows] ** 2))
    rs = np.mean(((h - c) * (h - o) + (low - c) * (low - o))[rows])
    k = 0.34 / (1.34 + (n + 1) / (n - 1))
    night = o[1:] - c[:-1]
    zhang = np.sqrt(night[t - n : t].var(ddof=1) + k * (c - o)[rows].var(ddof=1) + (1 - k) * rs)
    prices = (b["open"], b["high"], b["low"], b["close"])

    assert f.realised_volatility(b["close"], n)[t] == pytest.approx(returns.std(ddof=1))
    assert f.realised_volatility(b["close"], n, 365.0)[t] == pytest.approx(
        returns.std(ddof=1) * np.sqrt(365)
    )
    assert f.parkinson_volatility(b["high"], b["low"], n)[t] == pytest.approx(parkinson)
    assert f.garman_klass_volatility(*prices, n)[t] == pytest.approx(klass)
    assert f.rogers_satchell_volatility(*prices, n)[t] == pytest.approx(np.sqrt(rs))
    assert f.yang_zhang_volatility(*prices, n)[t] == pytest.approx(zhang)


@pytest.mark.parametrize("seed", range(3))
def test_vwaps_equal_plain_sums(seed: int) -> None:
    b = bars(50, seed)
    prices = (b["high"], b["low"], b["close"], b["volume"])
    typical = (b["high"] + b["low"] + b["close"]) / 3
    value, volume = typical * b["volume"], b["volume"]
    session = np.arange(50) // 12

    def vwap(first: int, last: int) -> float:
        return float(value[first : last + 1].sum() / volume[first : last + 1].sum())

    for t in range(20, 50):
        assert f.rolling_vwap(*prices, 9)[t] == pytest.approx(vwap(t - 8, t))
        assert f.session_vwap(*prices, session)[t] == pytest.approx(vwap(t // 12 * 12, t))
        assert f.anchored_vwap(*prices, 17)[t] == pytest.approx(vwap(17, t))
        assert f.vwma(b["close"], volume, 9)[t] == pytest.approx(
            np.average(b["close"][t - 8 : t + 1], weights=volume[t - 8 : t + 1])
        )


def test_the_cloud_is_the_one_drawn_ahead_on_an_earlier_row() -> None:
    b = bars(150, 1)
    cloud = f.ichimoku(b["high"], b["low"])
    t = 120

    def middle(end: int, rows: int) -> float:
        part = slice(end - rows + 1, end + 1)
        return float((b["high"][part].max() + b["low"][part].min()) / 2)

    assert cloud.conversion[t] == middle(t, 9)
    assert cloud.base[t] == middle(t, 26)
    assert cloud.span_a[t] == (middle(t - 26, 9) + middle(t - 26, 26)) / 2
    assert cloud.span_b[t] == middle(t - 26, 52)


panels = hnp.arrays(
    np.float64,
    st.tuples(st.integers(1, 6), st.integers(1, 8)),
    elements=st.one_of(st.integers(-9, 9).map(float), st.just(np.nan)),
)


@settings(deadline=None, max_examples=40)
@given(panel=panels)
def test_cross_sections_equal_pandas(panel: Array) -> None:
    frame = pd.DataFrame(panel)
    rows = frame.sub(frame.mean(axis=1), axis=0)
    flat = frame.std(axis=1).fillna(0.0) == 0.0
    scores = rows.div(frame.std(axis=1).where(~flat, 1.0), axis=0)
    scores[flat] = rows[flat] * 0.0
    low, high = frame.quantile(0.1, axis=1), frame.quantile(0.9, axis=1)

    np.testing.assert_allclose(f.cross_rank(panel), frame.rank(axis=1, pct=True))
    np.testing.assert_allclose(f.cross_demean(panel), rows, atol=1e-12)
    np.testing.assert_allclose(f.cross_zscore(panel), scores, atol=1e-12)
    np.testing.assert_allclose(
        f.cross_winsorise(panel, 0.1, 0.9), frame.clip(low, high, axis=0), atol=1e-12
    )


@settings(deadline=None, max_examples=40)
@given(panel=panels, gross=st.floats(0.1, 5))
def test_scaled_weights_have_the_wanted_size(panel: Array, gross: float) -> None:
    size = np.nansum(np.abs(f.cross_scale(panel, gross)), axis=1)
    moved = np.nansum(np.abs(panel), axis=1) > 0

    np.testing.assert_allclose(size, np.where(moved, gross, 0.0))


@settings(deadline=None, max_examples=40)
@given(panel=panels, count=st.integers(1, 9))
def test_the_top_of_a_row_is_the_largest_of_its_known_values(panel: Array, count: int) -> None:
    top = f.cross_top(panel, count)
    for row, chosen in zip(panel, top, strict=True):
        known = int(np.isfinite(row).sum())
        assert chosen.sum() == min(count, known)
        if chosen.any() and chosen.sum() < known:
            assert row[chosen].min() >= np.nanmax(np.where(chosen, np.nan, row))


def test_a_neutral_value_has_no_mean_in_any_group_and_no_group_is_nan() -> None:
    panel = np.random.default_rng(1).normal(size=(5, 7))
    groups = np.array([0, 1, 0, 1, 2, 2, -1])
    neutral = f.cross_neutralise(panel, groups)

    for label in (0, 1, 2):
        np.testing.assert_allclose(neutral[:, groups == label].mean(axis=1), 0.0, atol=1e-15)
    assert np.isnan(neutral[:, 6]).all()


@pytest.mark.parametrize("seed", range(3))
def test_a_residual_is_what_least_squares_leaves(seed: int) -> None:
    random = np.random.default_rng(seed)
    panel, factors = random.normal(size=(4, 30)), random.normal(size=(4, 30, 3))
    factors[:, :, 2] = 2.0 * factors[:, :, 0] - 1.0  # says nothing new
    panel[1, 4] = np.nan
    factors[2, 5, 1] = np.nan
    rest = f.cross_residual(panel, factors)
    for t in range(4):
        known = np.isfinite(panel[t]) & np.isfinite(factors[t]).all(axis=1)
        design = np.column_stack([np.ones(known.sum()), factors[t][known]])
        fit, *_ = np.linalg.lstsq(design, panel[t][known], rcond=None)
        np.testing.assert_allclose(rest[t][known], panel[t][known] - design @ fit, atol=1e-12)
        assert np.isnan(rest[t][~known]).all()


def test_a_crossing_is_seen_once_and_never_beside_a_missing_value() -> None:
    fast = np.array([1.0, 2.0, 3.0, 3.0, np.nan, 1.0, 3.0, 2.0])
    slow = np.full(8, 2.0)

    # equal before and above now is a crossing; NaN before or now is none (R35)
    assert f.crossed_above(fast, slow).nonzero()[0].tolist() == [2, 6]
    assert f.crossed_below(fast, slow).nonzero()[0].tolist() == []
    assert f.crossed_below(np.array([2.0, 1.0]), 2.0).tolist() == [False, True]


def test_price_factors_by_hand() -> None:
    close = np.array([100.0, 110.0, 121.0, 60.5, 121.0])

    # from row t - 4 to row t - 1: 60.5 / 100 - 1
    assert f.momentum_skip(close, window=4, skip=1)[4] == pytest.approx(-0.395)
    assert f.momentum_skip(close, window=4, skip=0)[4] == pytest.approx(0.21)
    assert f.reversal_factor(close, 1)[3] == pytest.approx(0.5)
    assert f.distance_from_high(close, 3)[3] == pytest.approx(-0.5)
    # abs returns 0.5 and 1.0 over money 60.5 * 2 and 121 * 4: mean of 0.5/121 and 1/484
    volume = np.array([1.0, 1.0, 1.0, 2.0, 4.0])
    assert f.amihud_illiquidity(close, volume, 2)[4] == pytest.approx((0.5 / 121 + 1 / 484) / 2)


def test_a_missing_bar_costs_a_momentum_factor_one_row_not_a_year() -> None:
    close = np.linspace(100.0, 130.0, 30)
    close[10] = np.nan
    factor = f.momentum_skip(close, window=5, skip=1)

    assert np.flatnonzero(np.isnan(factor)).tolist() == [0, 1, 2, 3, 4, 11, 15]


def test_money_flow_of_rows_without_trades_is_not_defined() -> None:
    high, low, close = np.full(5, 3.0), np.full(5, 1.0), np.array([3.0, 3.0, 3.0, 2.0, 3.0])
    volume = np.array([0.0, 0.0, 1.0, 3.0, 0.0])

    flow = f.chaikin_money_flow(high, low, close, volume, 2)

    # nothing traded over rows 0 and 1; then 1 of 1, 1 of 4 and 0 of 3
    np.testing.assert_array_equal(flow, [np.nan, np.nan, 1.0, 0.25, 0.0])


@pytest.mark.parametrize("statistic", [f.rolling_var, f.rolling_std])
@pytest.mark.parametrize(("window", "ddof"), [(1, 1), (2, 2), (2, 3)])
def test_a_window_without_a_degree_of_freedom_is_refused(
    statistic: Callable[..., np.ndarray], window: int, ddof: int
) -> None:
    with pytest.raises(ValueError, match="window must be above ddof"):
        statistic(np.arange(5.0), window, ddof=ddof)


def test_covariance_needs_a_degree_of_freedom() -> None:
    with pytest.raises(ValueError, match="window must be above ddof"):
        f.rolling_cov(np.arange(5.0), np.arange(5.0), 1)
