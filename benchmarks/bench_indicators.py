"""Indicators beside TA-Lib on the same series in the same run: `python -m benchmarks.bench_indicators`.

Both sides are called in turn, several times, and the fastest run of each counts. Settings are
TA-Lib's defaults. Prints a Markdown table; the ratio is our time over TA-Lib's, less is better.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from math import exp, log

import talib

from algotrader import features as f
from benchmarks.series import Bars, walk

Pair = tuple[Callable[[], object], Callable[[], object]]


def averages(b: Bars) -> dict[str, Pair]:
    c = b.close
    return {
        "sma": (lambda: f.sma(c, 30), lambda: talib.SMA(c, 30)),
        "ema": (lambda: f.ema(c, 30), lambda: talib.EMA(c, 30)),
        "wma": (lambda: f.wma(c, 30), lambda: talib.WMA(c, 30)),
        "dema": (lambda: f.dema(c, 30), lambda: talib.DEMA(c, 30)),
        "tema": (lambda: f.tema(c, 30), lambda: talib.TEMA(c, 30)),
        "t3": (lambda: f.t3(c, 5), lambda: talib.T3(c, 5)),
        "trima": (lambda: f.trima(c, 30), lambda: talib.TRIMA(c, 30)),
        "kama": (lambda: f.kama(c, 30), lambda: talib.KAMA(c, 30)),
        "macd": (lambda: f.macd(c), lambda: talib.MACD(c)),
        "apo": (lambda: f.apo(c), lambda: talib.APO(c, 12, 26, 1)),
        "ppo": (lambda: f.ppo(c), lambda: talib.PPO(c, 12, 26, 1)),
        "trix": (lambda: f.trix(c, 30), lambda: talib.TRIX(c, 30)),
    }


def oscillators(b: Bars) -> dict[str, Pair]:
    h, l, c = b.high, b.low, b.close  # noqa: E741
    o = b.open_
    return {
        "rsi": (lambda: f.rsi(c, 14), lambda: talib.RSI(c, 14)),
        "cmo": (lambda: f.cmo(c, 14), lambda: talib.CMO(c, 14)),
        "cci": (lambda: f.cci(h, l, c, 14), lambda: talib.CCI(h, l, c, 14)),
        "williams_r": (lambda: f.williams_r(h, l, c, 14), lambda: talib.WILLR(h, l, c, 14)),
        "stochastic": (lambda: f.stochastic(h, l, c, 5, 3, 3), lambda: talib.STOCH(h, l, c)),
        "stochastic fast": (
            lambda: f.stochastic(h, l, c, 5, 1, 3),
            lambda: talib.STOCHF(h, l, c),
        ),
        "stoch_rsi": (lambda: f.stoch_rsi(c, 14, 5), lambda: talib.STOCHRSI(c)),
        "ultimate_oscillator": (
            lambda: f.ultimate_oscillator(h, l, c),
            lambda: talib.ULTOSC(h, l, c),
        ),
        "aroon": (lambda: f.aroon(h, l, 14), lambda: talib.AROON(h, l, 14)),
        "balance_of_power": (
            lambda: f.balance_of_power(o, h, l, c),
            lambda: talib.BOP(o, h, l, c),
        ),
        "momentum": (lambda: f.momentum(c, 10), lambda: talib.MOM(c, 10)),
        "roc": (lambda: f.roc(c, 10), lambda: talib.ROC(c, 10)),
        "returns": (lambda: f.returns(c, 10), lambda: talib.ROCP(c, 10)),
    }


def ranges(b: Bars) -> dict[str, Pair]:
    h, l, c = b.high, b.low, b.close  # noqa: E741
    return {
        "true_range": (lambda: f.true_range(h, l, c), lambda: talib.TRANGE(h, l, c)),
        "atr": (lambda: f.atr(h, l, c, 14), lambda: talib.ATR(h, l, c, 14)),
        "natr": (lambda: f.natr(h, l, c, 14), lambda: talib.NATR(h, l, c, 14)),
        "plus_di": (lambda: f.plus_di(h, l, c, 14), lambda: talib.PLUS_DI(h, l, c, 14)),
        "minus_di": (lambda: f.minus_di(h, l, c, 14), lambda: talib.MINUS_DI(h, l, c, 14)),
        "adx": (lambda: f.adx(h, l, c, 14), lambda: talib.ADX(h, l, c, 14)),
        "bollinger": (lambda: f.bollinger(c, 20), lambda: talib.BBANDS(c, 20)),
        "midprice": (lambda: f.midprice(h, l, 14), lambda: talib.MIDPRICE(h, l, 14)),
        "midpoint": (lambda: f.midprice(c, c, 14), lambda: talib.MIDPOINT(c, 14)),
        "sar": (lambda: f.sar(h, l), lambda: talib.SAR(h, l)),
    }


def volumes(b: Bars) -> dict[str, Pair]:
    h, l, c, v = b.high, b.low, b.close, b.volume  # noqa: E741
    return {
        "obv": (lambda: f.obv(c, v), lambda: talib.OBV(c, v)),
        "accumulation_distribution": (
            lambda: f.accumulation_distribution(h, l, c, v),
            lambda: talib.AD(h, l, c, v),
        ),
        "chaikin_oscillator": (
            lambda: f.chaikin_oscillator(h, l, c, v),
            lambda: talib.ADOSC(h, l, c, v),
        ),
        "mfi": (lambda: f.mfi(h, l, c, v, 14), lambda: talib.MFI(h, l, c, v, 14)),
    }


def statistics(b: Bars) -> dict[str, Pair]:
    h, l, c = b.high, b.low, b.close  # noqa: E741
    return {
        "rolling_sum": (lambda: f.rolling_sum(c, 30), lambda: talib.SUM(c, 30)),
        "rolling_std": (lambda: f.rolling_std(c, 5, ddof=0), lambda: talib.STDDEV(c, 5)),
        "rolling_var": (lambda: f.rolling_var(c, 5, ddof=0), lambda: talib.VAR(c, 5)),
        "rolling_min": (lambda: f.rolling_min(c, 30), lambda: talib.MIN(c, 30)),
        "rolling_max": (lambda: f.rolling_max(c, 30), lambda: talib.MAX(c, 30)),
        "rolling_argmin": (lambda: f.rolling_argmin(c, 30), lambda: talib.MININDEX(c, 30)),
        "rolling_argmax": (lambda: f.rolling_argmax(c, 30), lambda: talib.MAXINDEX(c, 30)),
        "rolling_corr": (lambda: f.rolling_corr(h, l, 30), lambda: talib.CORREL(h, l, 30)),
        "rolling_slope": (lambda: f.rolling_slope(c, 14), lambda: talib.LINEARREG_SLOPE(c, 14)),
        "linear_regression": (
            lambda: f.linear_regression(c, 14),
            lambda: talib.LINEARREG(c, 14),
        ),
        "linear_regression ahead": (
            lambda: f.linear_regression(c, 14, ahead=1),
            lambda: talib.TSF(c, 14),
        ),
    }


def pairs(b: Bars) -> dict[str, Pair]:
    return averages(b) | oscillators(b) | ranges(b) | volumes(b) | statistics(b)


def seconds(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def measured(pair: Pair, repeats: int) -> tuple[float, float]:
    """The fastest run of each side, the two in turn."""
    runs = [(seconds(pair[0]), seconds(pair[1])) for _ in range(repeats)]
    return min(ours for ours, _ in runs), min(theirs for _, theirs in runs)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--repeats", type=int, default=15)
    parser.add_argument("--only", default="", help="part of a name")
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    times = {
        name: measured(pair, chosen.repeats)
        for name, pair in pairs(walk(chosen.rows)).items()
        if chosen.only in name
    }
    ratios = {name: ours / theirs for name, (ours, theirs) in times.items()}
    worst = max(ratios, key=lambda name: ratios[name])
    mean = exp(sum(log(ratio) for ratio in ratios.values()) / len(ratios))
    if chosen.json:
        found = {"mean": mean, "worst": ratios[worst], "worst_name": worst, "count": len(ratios)}
        print(json.dumps(found | {"version": talib.__version__}))
        return 0
    print("| indicator | algotrader ms | TA-Lib ms | ratio |\n|---|---:|---:|---:|")
    for name, (ours, theirs) in times.items():
        print(f"| {name} | {ours * 1e3:.2f} | {theirs * 1e3:.2f} | {ratios[name]:.2f} |")
    print(f"| geometric mean of {len(ratios)} | | | {mean:.2f} |")
    print(f"| worst: {worst} | | | {ratios[worst]:.2f} |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
