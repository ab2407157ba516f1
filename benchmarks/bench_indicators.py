"""Indicators beside TA-Lib on the same series in the same run: `python -m benchmarks.bench_indicators`.

A million rows as one series, as ten and as a hundred, each call through the public function. Both
sides are called in turn, several times, and the fastest round of each counts. Settings are TA-Lib's
defaults. Prints Markdown tables; the ratio is our time over TA-Lib's, less is better.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import fields
from math import exp, log
from typing import Any

import talib

from algotrader import features as f
from benchmarks.series import Bars, walk

LENGTHS = (1_000_000, 100_000, 10_000)
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


def cut(bars: Bars, length: int) -> list[Bars]:
    """The bars in pieces of `length` rows: no call meets a series that it has seen just before."""
    columns = {field.name: getattr(bars, field.name) for field in fields(bars)}
    return [
        Bars(**{name: column[at : at + length].copy() for name, column in columns.items()})
        for at in range(0, len(bars.close), length)
    ]


def seconds(works: Sequence[Callable[[], object]]) -> float:
    begun = time.perf_counter()
    for work in works:
        work()
    return time.perf_counter() - begun


def measured(pieces: list[Pair], repeats: int) -> tuple[float, float]:
    """Seconds of each side for all pieces, the two in turn; the fastest round of each counts."""
    ours, theirs = zip(*pieces, strict=True)
    rounds = [(seconds(ours), seconds(theirs)) for _ in range(repeats)]
    return min(ours for ours, _ in rounds), min(theirs for _, theirs in rounds)


def compared(bars: Bars, length: int, repeats: int, only: str) -> dict[str, tuple[float, float]]:
    pieces = [pairs(piece) for piece in cut(bars, length)]
    return {
        name: measured([piece[name] for piece in pieces], repeats)
        for name in pieces[0]
        if only in name
    }


def judged(times: dict[str, tuple[float, float]]) -> dict[str, Any]:
    ratios = {name: ours / theirs for name, (ours, theirs) in times.items()}
    worst = max(ratios, key=lambda name: ratios[name])
    mean = exp(sum(log(ratio) for ratio in ratios.values()) / len(ratios))
    return {"mean": mean, "worst": ratios[worst], "worst_name": worst, "count": len(ratios)}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=1_000_000, help="in all")
    parser.add_argument("--lengths", type=int, nargs="+", default=LENGTHS, help="of a series")
    parser.add_argument("--repeats", type=int, default=15)
    parser.add_argument("--only", default="", help="part of a name")
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    bars = walk(asked.rows)
    found = {n: compared(bars, n, asked.repeats, asked.only) for n in asked.lengths}
    if asked.json:
        lengths = [{"length": length} | judged(times) for length, times in found.items()]
        print(json.dumps({"version": talib.__version__, "lengths": lengths}))
        return 0
    for length, times in found.items():
        show(length, asked.rows // length, times)
    return 0


def show(length: int, pieces: int, times: dict[str, tuple[float, float]]) -> None:
    print(f"\n| {length:,} rows a call | algotrader μs | TA-Lib μs | ratio |\n|---|---:|---:|---:|")
    for name, (ours, theirs) in times.items():
        a, b = ours * 1e6 / pieces, theirs * 1e6 / pieces
        print(f"| {name} | {a:.1f} | {b:.1f} | {a / b:.2f} |")
    verdict = judged(times)
    print(f"| geometric mean of {verdict['count']} | | | {verdict['mean']:.2f} |")
    print(f"| worst: {verdict['worst_name']} | | | {verdict['worst']:.2f} |")


if __name__ == "__main__":
    sys.exit(main())
