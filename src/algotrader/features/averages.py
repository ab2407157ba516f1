"""Moving averages, and oscillators made of two or three of them."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from algotrader._kernel import indicators as kernel
from algotrader.features.arrays import Floats, counts, floats, fraction, one, several
from algotrader.features.registry import feature


@feature
def sma(close: ArrayLike, window: int) -> Floats:
    """Simple moving average: the mean of the last `window` values.

    Shape: (T,) or (T, N). Unit: that of `close`. First row: window - 1. Gaps: restart.
    Formula: sum of close over (t - window, t] / window.
    Source: Murphy (1999), Technical Analysis of the Financial Markets; TA-Lib SMA.

    >>> sma(np.array([1.0, 2.0, 3.0, 6.0]), 2)
    array([nan, 1.5, 2.5, 4.5])
    """
    counts(window=window)
    return one(kernel.sma, (close,), window)


@feature
def ema(x: ArrayLike, window: int) -> Floats:
    """Exponential moving average, begun with the mean of the first `window` values.

    Shape: (T,) or (T, N). Unit: that of `x`. First row: window - 1. Gaps: restart.
    Formula: e[t] = k x[t] + (1 - k) e[t-1], k = 2 / (window + 1).
    Source: Murphy (1999), Technical Analysis of the Financial Markets; TA-Lib EMA.

    >>> ema(np.array([1.0, 3.0, 5.0]), 2)
    array([nan,  2.,  4.])
    """
    counts(window=window)
    return one(kernel.ema, (x,), window)


@feature
def wilder(x: ArrayLike, window: int) -> Floats:
    """Wilder's smoothing (RMA, SMMA): an exponential average with weight 1 / window.

    Shape: (T,) or (T, N). Unit: that of `x`. First row: window - 1. Gaps: restart.
    Formula: e[t] = x[t] / window + (1 - 1 / window) e[t-1], begun with a mean.
    Source: Wilder (1978), New Concepts in Technical Trading Systems.

    >>> wilder(np.array([1.0, 3.0, 5.0]), 2)
    array([nan, 2. , 3.5])
    """
    counts(window=window)
    return one(kernel.wilder, (x,), window)


@feature
def wma(x: ArrayLike, window: int) -> Floats:
    """Linearly weighted average, newest heaviest; also known as linear decay.

    Shape: (T,) or (T, N). Unit: that of `x`. First row: window - 1. Gaps: restart.
    Formula: sum of i x[t - window + i] / (window (window + 1) / 2), i = 1..window.
    Source: Kaufman (2013), Trading Systems and Methods; TA-Lib WMA.

    >>> wma(np.array([1.0, 4.0, 7.0]), 2)
    array([nan,  3.,  6.])
    """
    counts(window=window)
    return one(kernel.wma, (x,), window)


@feature
def dema(x: ArrayLike, window: int) -> Floats:
    """Double exponential average: an EMA less its own lag.

    Shape: (T,) or (T, N). Unit: that of `x`. First row: 2 * (window - 1). Gaps: restart.
    Formula: 2 ema(x) - ema(ema(x)).
    Source: Mulloy (1994), Stocks & Commodities 12:1; TA-Lib DEMA.

    >>> dema(np.array([1.0, 2.0, 3.0, 4.0]), 2)
    array([nan, nan,  3.,  4.])
    """
    counts(window=window)
    return one(kernel.dema, (x,), window)


@feature
def tema(x: ArrayLike, window: int) -> Floats:
    """Triple exponential average.

    Shape: (T,) or (T, N). Unit: that of `x`. First row: 3 * (window - 1). Gaps: restart.
    Formula: 3 e1 - 3 e2 + e3, each the EMA of the one before, e1 of x.
    Source: Mulloy (1994), Stocks & Commodities 12:2; TA-Lib TEMA.

    >>> tema(np.array([1.0, 2.0, 3.0, 4.0, 5.0]), 2)
    array([nan, nan, nan,  4.,  5.])
    """
    counts(window=window)
    return one(kernel.tema, (x,), window)


@feature
def t3(x: ArrayLike, window: int, volume_factor: float = 0.7) -> Floats:
    """Tillson's T3: three generalised DEMAs in a row; `volume_factor` 0 is three EMAs.

    Shape: (T,) or (T, N). Unit: that of `x`. First row: 6 * (window - 1). Gaps: restart.
    Formula: -v^3 e6 + 3 (v^2 + v^3) e5 - (6 v^2 + 3 (v + v^3)) e4 + (1 + 3 v + v^3 + 3 v^2) e3.
    Source: Tillson (1998), Stocks & Commodities 16:1; TA-Lib T3.

    >>> t3(np.arange(8.0), 2).round(2)
    array([ nan,  nan,  nan,  nan,  nan,  nan, 5.55, 6.55])
    """
    counts(window=window)
    fraction(volume_factor=volume_factor)
    return one(kernel.t3, (x,), window, volume_factor)


@feature
def trima(x: ArrayLike, window: int) -> Floats:
    """Triangular average: a mean of means, heaviest in the middle of the window.

    Shape: (T,) or (T, N). Unit: that of `x`. First row: window - 1. Gaps: restart.
    Formula: sma(sma(x, (window + 1) // 2), window // 2 + 1).
    Source: Kaufman (2013), Trading Systems and Methods; TA-Lib TRIMA.

    >>> trima(np.array([1.0, 2.0, 6.0, 4.0]), 3)
    array([ nan,  nan, 2.75, 4.5 ])
    """
    counts(window=window)
    return one(kernel.trima, (x,), window)


@feature
def hma(x: ArrayLike, window: int) -> Floats:
    """Hull average: fast and smooth by subtracting half its lag.

    Shape: (T,) or (T, N). Unit: that of `x`. First row: window + isqrt(window) - 2. Gaps: restart.
    Formula: wma(2 wma(x, window // 2) - wma(x, window), isqrt(window)). At least 2 rows.
    Source: Hull (2005), alanhull.com/hull-moving-average.

    >>> hma(np.array([1.0, 2.0, 3.0, 4.0, 5.0]), 4)
    array([nan, nan, nan, nan,  5.])
    """
    counts(2, window=window)
    fast = one(kernel.wma, (x,), window // 2)
    slow = one(kernel.wma, (x,), window)
    return one(kernel.wma, (2.0 * fast - slow,), math.isqrt(window))


@feature
def kama(close: ArrayLike, window: int, fast: int = 2, slow: int = 30) -> Floats:
    """Kaufman's adaptive average: quick when the price goes straight, slow when it does not.

    Shape: (T,) or (T, N). Unit: that of `close`. First row: window. Gaps: restart.
    Formula: k[t] = k[t-1] + c^2 (close[t] - k[t-1]), c = E (2/(fast+1) - 2/(slow+1)) + 2/(slow+1),
    E = `efficiency_ratio`; k begins with the close of row window - 1.
    Source: Kaufman (1995), Smarter Trading; TA-Lib KAMA.

    >>> kama(np.array([1.0, 2.0, 3.0, 4.0]), 2).round(4)
    array([   nan,    nan, 2.4444, 3.1358])
    """
    counts(window=window, fast=fast, slow=slow)
    return one(kernel.kama, (close,), window, fast, slow)


@feature
def vwma(close: ArrayLike, volume: ArrayLike, window: int) -> Floats:
    """Average of closes weighted by volume; NaN where the window traded nothing.

    Shape: (T,) or (T, N). Unit: that of `close`. First row: window - 1. Gaps: restart.
    Formula: sum(close volume) / sum(volume) over (t - window, t].
    Source: Arms (1996), Trading Without Fear.

    >>> vwma(np.array([1.0, 4.0]), np.array([2.0, 1.0]), 2)
    array([nan,  2.])
    """
    counts(window=window)
    return one(kernel.vwma, (close, volume), window)


class Macd(NamedTuple):
    """Line, its average, and what is between them; unit of the price."""

    line: Floats
    signal: Floats
    histogram: Floats


@feature
def macd(close: ArrayLike, fast: int = 12, slow: int = 26, signal: int = 9) -> Macd:
    """Moving average convergence and divergence: (line, signal, histogram).

    Shape: (T,) or (T, N). Unit: that of `close`. First row: slow + signal - 2. Gaps: restart.
    Formula: line = ema(close, fast) - ema(close, slow); signal = ema(line, signal). The fast
    average begins at row slow - 1 with the mean of the last `fast` rows there, as in TA-Lib.
    Source: Appel (2005), Technical Analysis: Power Tools for Active Investors; TA-Lib MACD.

    >>> macd(np.array([1.0, 2.0, 3.0, 4.0]), fast=1, slow=2, signal=2).line
    array([nan, nan, 0.5, 0.5])
    """
    counts(fast=fast, slow=slow, signal=signal)
    if fast > slow:
        raise ValueError(f"fast ({fast}) must not be above slow ({slow})")
    return Macd(*several(kernel.macd, 3, (close,), fast, slow, signal))


@feature
def apo(close: ArrayLike, fast: int = 12, slow: int = 26) -> Floats:
    """Absolute price oscillator: the gap between two exponential averages.

    Shape: (T,) or (T, N). Unit: that of `close`. First row: max(fast, slow) - 1. Gaps: restart.
    Formula: ema(close, fast) - ema(close, slow).
    Source: Achelis (2000), Technical Analysis from A to Z; TA-Lib APO with exponential averages.

    >>> apo(np.array([1.0, 2.0, 3.0]), fast=1, slow=2)
    array([nan, 0.5, 0.5])
    """
    counts(fast=fast, slow=slow)
    return one(kernel.ema_difference, (close,), fast, slow)


@feature
def ppo(close: ArrayLike, fast: int = 12, slow: int = 26) -> Floats:
    """Percentage price oscillator; on volume it is known as PVO.

    Shape: (T,) or (T, N). Unit: percent. First row: max(fast, slow) - 1. Gaps: restart.
    Formula: 100 (ema(close, fast) / ema(close, slow) - 1).
    Source: Achelis (2000), Technical Analysis from A to Z; TA-Lib PPO with exponential averages.

    >>> ppo(np.array([1.0, 3.0, 7.0]), fast=1, slow=2)
    array([  nan, 50.  , 31.25])
    """
    counts(fast=fast, slow=slow)
    return one(kernel.ema_ratio, (close,), fast, slow)


@feature
def trix(close: ArrayLike, window: int = 15) -> Floats:
    """One-row rate of change of a triple exponential average.

    Shape: (T,) or (T, N). Unit: percent. First row: 3 * (window - 1) + 1. Gaps: restart.
    Formula: 100 (e3[t] / e3[t-1] - 1), e3 = ema(ema(ema(close))).
    Source: Hutson (1983), Stocks & Commodities 1:5; TA-Lib TRIX.

    >>> trix(np.array([1.0, 1.0, 2.0, 4.0]), 1)
    array([ nan,   0., 100., 100.])
    """
    counts(window=window)
    return one(kernel.trix, (close,), window)


@feature
def tsi(close: ArrayLike, slow: int = 25, fast: int = 13) -> Floats:
    """True strength index: momentum smoothed twice over its own size; 0 when nothing moved.

    Shape: (T,) or (T, N). Unit: -100 to 100. First row: slow + fast - 1. Gaps: restart.
    Formula: 100 ema(ema(m, slow), fast) / ema(ema(abs(m), slow), fast), m = close[t] - close[t-1].
    Source: Blau (1991), Stocks & Commodities 9:11.

    >>> tsi(np.array([1.0, 2.0, 3.0, 4.0]), slow=2, fast=1)
    array([ nan,  nan, 100., 100.])
    """
    counts(slow=slow, fast=fast)
    step = np.diff(floats(close), axis=0, prepend=np.nan)
    net = one(kernel.ema, (one(kernel.ema, (step,), slow),), fast)
    size = one(kernel.ema, (one(kernel.ema, (np.abs(step),), slow),), fast)
    moved = size != 0.0
    return np.where(moved, 100.0 * net / np.where(moved, size, 1.0), 0.0)
