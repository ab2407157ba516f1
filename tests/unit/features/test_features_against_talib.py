"""Features against TA-Lib over whole histories: same rows defined, same values.

Known differences, by choice (both sides are right by their own definition):
- mfi: TA-Lib gives 0 where the window's flow is below 1.0; here only where it is 0.
- rolling_corr, rolling_beta: TA-Lib gives 0 where a series stood still; here NaN.
- roc, returns: TA-Lib gives 0 where the earlier price is 0; here NaN.
- rolling_argmin, rolling_argmax: of equal values TA-Lib takes now the oldest, now the newest; here
  always the newest, so the values at those rows are compared.
- rolling_std, rolling_var, bollinger: TA-Lib subtracts squares, which loses digits when the spread
  is small beside the price; the comparison allows for TA-Lib's loss.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import talib

from algotrader import features as f

Array = np.ndarray[Any, Any]
Series = dict[str, Array]
Pair = tuple[Callable[[Series], Any], Callable[[Series], Any]]


def bar(*names: str) -> Callable[[Series], list[Array]]:
    return lambda s: [s[name] for name in names]


HLC = bar("high", "low", "close")
HL = bar("high", "low")
HLCV = bar("high", "low", "close", "volume")

PAIRS: dict[str, Pair] = {
    "sma": (lambda s: f.sma(s["close"], 20), lambda s: talib.SMA(s["close"], 20)),
    "ema": (lambda s: f.ema(s["close"], 20), lambda s: talib.EMA(s["close"], 20)),
    "wma": (lambda s: f.wma(s["close"], 20), lambda s: talib.WMA(s["close"], 20)),
    "dema": (lambda s: f.dema(s["close"], 20), lambda s: talib.DEMA(s["close"], 20)),
    "tema": (lambda s: f.tema(s["close"], 20), lambda s: talib.TEMA(s["close"], 20)),
    "t3": (lambda s: f.t3(s["close"], 5), lambda s: talib.T3(s["close"], 5, 0.7)),
    "trima odd": (lambda s: f.trima(s["close"], 9), lambda s: talib.TRIMA(s["close"], 9)),
    "trima even": (lambda s: f.trima(s["close"], 10), lambda s: talib.TRIMA(s["close"], 10)),
    "kama": (lambda s: f.kama(s["close"], 10), lambda s: talib.KAMA(s["close"], 10)),
    "macd": (lambda s: f.macd(s["close"]), lambda s: talib.MACD(s["close"])),
    "apo": (lambda s: f.apo(s["close"]), lambda s: talib.APO(s["close"], 12, 26, 1)),
    "ppo": (lambda s: f.ppo(s["close"]), lambda s: talib.PPO(s["close"], 12, 26, 1)),
    "trix": (lambda s: f.trix(s["close"], 15), lambda s: talib.TRIX(s["close"], 15)),
    "rsi": (lambda s: f.rsi(s["close"], 14), lambda s: talib.RSI(s["close"], 14)),
    "cmo": (lambda s: f.cmo(s["close"], 14), lambda s: talib.CMO(s["close"], 14)),
    "cci": (lambda s: f.cci(*HLC(s), 20), lambda s: talib.CCI(*HLC(s), 20)),
    "williams_r": (lambda s: f.williams_r(*HLC(s), 14), lambda s: talib.WILLR(*HLC(s), 14)),
    "stochastic": (
        lambda s: f.stochastic(*HLC(s), window=5, slowing=3, signal=4),
        lambda s: talib.STOCH(*HLC(s), 5, 3, 0, 4, 0),
    ),
    "stochastic fast": (
        lambda s: f.stochastic(*HLC(s), window=14, slowing=1, signal=3),
        lambda s: talib.STOCHF(*HLC(s), 14, 3, 0),
    ),
    "stoch_rsi": (
        lambda s: f.stoch_rsi(s["close"], 14, span=5, signal=3),
        lambda s: talib.STOCHRSI(s["close"], 14, 5, 3, 0),
    ),
    "ultimate_oscillator": (
        lambda s: f.ultimate_oscillator(*HLC(s)),
        lambda s: talib.ULTOSC(*HLC(s)),
    ),
    "aroon": (lambda s: f.aroon(*HL(s), 25), lambda s: talib.AROON(*HL(s), 25)[::-1]),
    "balance_of_power": (
        lambda s: f.balance_of_power(s["open"], *HLC(s)),
        lambda s: talib.BOP(s["open"], *HLC(s)),
    ),
    "momentum": (lambda s: f.momentum(s["close"], 10), lambda s: talib.MOM(s["close"], 10)),
    "roc": (lambda s: f.roc(s["close"], 10), lambda s: talib.ROC(s["close"], 10)),
    "returns": (lambda s: f.returns(s["close"], 3), lambda s: talib.ROCP(s["close"], 3)),
    "true_range": (lambda s: f.true_range(*HLC(s)), lambda s: talib.TRANGE(*HLC(s))),
    "atr": (lambda s: f.atr(*HLC(s), 14), lambda s: talib.ATR(*HLC(s), 14)),
    "natr": (lambda s: f.natr(*HLC(s), 14), lambda s: talib.NATR(*HLC(s), 14)),
    "plus_di": (lambda s: f.plus_di(*HLC(s), 14), lambda s: talib.PLUS_DI(*HLC(s), 14)),
    "minus_di": (lambda s: f.minus_di(*HLC(s), 14), lambda s: talib.MINUS_DI(*HLC(s), 14)),
    "adx": (lambda s: f.adx(*HLC(s), 14), lambda s: talib.ADX(*HLC(s), 14)),
    "bollinger": (lambda s: f.bollinger(s["close"], 20), lambda s: talib.BBANDS(s["close"], 20)),
    "midprice": (lambda s: f.midprice(*HL(s), 14), lambda s: talib.MIDPRICE(*HL(s), 14)),
    "midpoint": (
        lambda s: f.midprice(s["close"], s["close"], 14),
        lambda s: talib.MIDPOINT(s["close"], 14),
    ),
    "donchian upper": (lambda s: f.donchian(*HL(s), 20).upper, lambda s: talib.MAX(s["high"], 20)),
    "donchian lower": (lambda s: f.donchian(*HL(s), 20).lower, lambda s: talib.MIN(s["low"], 20)),
    "sar": (lambda s: f.sar(*HL(s)), lambda s: talib.SAR(*HL(s))),
    "sar fast": (
        lambda s: f.sar(*HL(s), step=0.1, limit=0.15),
        lambda s: talib.SAR(*HL(s), 0.1, 0.15),
    ),
    "obv": (lambda s: f.obv(s["close"], s["volume"]), lambda s: talib.OBV(s["close"], s["volume"])),
    "accumulation_distribution": (
        lambda s: f.accumulation_distribution(*HLCV(s)),
        lambda s: talib.AD(*HLCV(s)),
    ),
    "chaikin_oscillator": (
        lambda s: f.chaikin_oscillator(*HLCV(s)),
        lambda s: talib.ADOSC(*HLCV(s)),
    ),
    "mfi": (lambda s: f.mfi(*HLCV(s), 14), lambda s: talib.MFI(*HLCV(s), 14)),
    "rolling_sum": (lambda s: f.rolling_sum(s["close"], 9), lambda s: talib.SUM(s["close"], 9)),
    "rolling_std": (
        lambda s: f.rolling_std(s["close"], 20, ddof=0),
        lambda s: talib.STDDEV(s["close"], 20),
    ),
    "rolling_var": (
        lambda s: f.rolling_var(s["close"], 20, ddof=0),
        lambda s: talib.VAR(s["close"], 20),
    ),
    "rolling_min": (lambda s: f.rolling_min(s["low"], 9), lambda s: talib.MIN(s["low"], 9)),
    "rolling_max": (lambda s: f.rolling_max(s["high"], 9), lambda s: talib.MAX(s["high"], 9)),
    "rolling_argmin": (
        lambda s: value_ago(s["low"], f.rolling_argmin(s["low"], 9)),
        lambda s: value_ago(s["low"], aged(talib.MININDEX(s["low"], 9), 9)),
    ),
    "rolling_argmax": (
        lambda s: value_ago(s["high"], f.rolling_argmax(s["high"], 9)),
        lambda s: value_ago(s["high"], aged(talib.MAXINDEX(s["high"], 9), 9)),
    ),
    "rolling_corr": (lambda s: f.rolling_corr(*HL(s), 30), lambda s: talib.CORREL(*HL(s), 30)),
    "rolling_beta": (
        lambda s: f.rolling_beta(f.returns(s["low"]), f.returns(s["high"]), 5),
        lambda s: talib.BETA(*HL(s), 5),
    ),
    "rolling_slope": (
        lambda s: f.rolling_slope(s["close"], 14),
        lambda s: talib.LINEARREG_SLOPE(s["close"], 14),
    ),
    "linear_regression": (
        lambda s: f.linear_regression(s["close"], 14),
        lambda s: talib.LINEARREG(s["close"], 14),
    ),
    "linear_regression ahead": (
        lambda s: f.linear_regression(s["close"], 14, ahead=1),
        lambda s: talib.TSF(s["close"], 14),
    ),
}
LOSSY = {"rolling_std", "rolling_var", "bollinger"}  # TA-Lib loses digits here
SIGNED = {  # passes through zero: 1e-9 of its typical size
    "macd",
    "apo",
    "ppo",
    "trix",
    "cmo",
    "cci",
    "momentum",
    "roc",
    "returns",
    "chaikin_oscillator",
    "rolling_corr",
    "rolling_beta",
    "rolling_slope",
    "obv",
    "accumulation_distribution",
    "balance_of_power",
    "williams_r",
    "stochastic",
    "stochastic fast",
    "stoch_rsi",
    "adx",
    "mfi",
}


def aged(index: Array, window: int) -> Array:
    age = np.arange(len(index)) - index.astype(np.float64)
    age[: window - 1] = np.nan
    return age


def value_ago(x: Array, age: Array) -> Array:
    known = ~np.isnan(age)
    rows = np.arange(len(x)) - np.where(known, age, 0.0).astype(np.int64)
    return np.where(known, x[rows], np.nan)


def walk(rows: int, seed: int, start: float = 100.0) -> Series:
    random = np.random.default_rng(seed)
    close = start * np.exp(np.cumsum(random.normal(0.0, 0.01, rows)))
    open_ = np.concatenate([close[:1], close[:-1]])
    return {
        "open": open_,
        "close": close,
        "high": np.maximum(open_, close) * (1.0 + random.uniform(0.0, 0.01, rows)),
        "low": np.minimum(open_, close) * (1.0 - random.uniform(0.0, 0.01, rows)),
        "volume": random.uniform(1.0, 1e4, rows),
    }


def listed(answer: Any) -> list[Array]:
    return list(answer) if isinstance(answer, tuple) else [answer]


def assert_equal(name: str, series: Series) -> None:
    ours, theirs = PAIRS[name]
    for mine, other in zip(listed(ours(series)), listed(theirs(series)), strict=True):
        np.testing.assert_array_equal(np.isnan(mine), np.isnan(other))
        size = np.nanmean(np.abs(other)) if name in SIGNED else 0.0
        tolerance = 1e-9 * size
        if name in LOSSY:
            tolerance = 1e-9 * float(np.max(series["close"]))
        np.testing.assert_allclose(mine, other, rtol=1e-9, atol=tolerance)


@pytest.mark.parametrize("name", PAIRS)
@pytest.mark.parametrize("seed", [1, 2])
def test_a_feature_equals_talib_on_a_random_walk(name: str, seed: int) -> None:
    assert_equal(name, walk(3000, seed))


@pytest.mark.parametrize("name", PAIRS)
@pytest.mark.parametrize(
    "file",
    ["crypto_spot/binance_BTCUSDT_1h_2024-2026.parquet", "sample/registry/us_AAPL_1d.parquet"],
)
def test_a_feature_equals_talib_on_real_bars(name: str, file: str, shared_data: Path) -> None:
    frame = pl.read_parquet(shared_data / "data" / file)
    names = ("open", "high", "low", "close", "volume")

    assert_equal(name, {n: frame[n].to_numpy().astype(np.float64) for n in names})


def test_a_weighted_average_does_not_drift_over_a_million_rows() -> None:
    x = walk(1_000_000, 3)["close"]
    window = 30
    weights = np.arange(1.0, window + 1.0)
    last = np.array([x[t - window + 1 : t + 1] @ weights for t in range(999_000, 1_000_000)])

    np.testing.assert_allclose(f.wma(x, window)[-1000:], last / weights.sum(), rtol=1e-13)


def test_money_flow_ignores_a_change_that_is_only_rounding() -> None:
    # (0.1 + 0.2 + 0.3) / 3 and (0.3 + 0.2 + 0.1) / 3 differ in the last bit
    high, low, close = np.array([0.3, 0.3]), np.array([0.1, 0.2]), np.array([0.2, 0.1])

    assert f.mfi(high, low, close, np.array([1.0, 1.0]), 1)[1] == 0.0


def test_small_money_flows_count_as_well() -> None:
    rising = np.array([1e-6, 2e-6, 3e-6])

    assert f.mfi(rising, rising, rising, np.ones(3), 2)[2] == 100.0


@pytest.mark.parametrize("value", [0.1, 0.3, 1e8 + 0.7])
@pytest.mark.parametrize("window", [2, 5, 13, 30])
def test_a_price_that_stands_still_has_no_spread_after_any_move(value: float, window: int) -> None:
    x = np.concatenate([np.array([1.0, 5e9, 2.0]), np.full(200, value)])

    assert (f.rolling_std(x, window)[3 + window :] == 0.0).all()
    assert (f.sma(x, window)[3 + window :] == value).all()
    assert (f.rolling_slope(x, window)[3 + window :] == 0.0).all()
    assert np.isnan(f.zscore(x, window)[3 + window :]).all()


def test_a_spread_survives_a_large_level_and_an_outlier_that_left() -> None:
    random = np.random.default_rng(5)
    noise = random.normal(0.0, 1.0, 400)
    x = noise + 1e7
    x[100] = 1e12
    expected = [np.std(x[t - 19 : t + 1], ddof=1) for t in range(121, 400)]

    np.testing.assert_allclose(f.rolling_std(x, 20)[121:], expected, rtol=1e-12)
