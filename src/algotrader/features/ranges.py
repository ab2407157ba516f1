"""Ranges, bands and trailing levels made of highs, lows and closes."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from algotrader._kernel import indicators as kernel
from algotrader.features.arrays import (
    Floats,
    complete,
    counts,
    one,
    positive,
    several,
    shifted,
    unbroken,
)
from algotrader.features.registry import feature


@feature
def true_range(high: ArrayLike, low: ArrayLike, close: ArrayLike) -> Floats:
    """Range of the bar, the gap from the last close included.

    Shape: (T,) or (T, N). Unit: that of `close`. First row: 1. Gaps: endpoints.
    Formula: max(high, close[t-1]) - min(low, close[t-1]).
    Source: Wilder (1978), New Concepts in Technical Trading Systems; TA-Lib TRANGE.

    >>> true_range(np.array([2.0, 5.0]), np.array([1.0, 4.0]), np.array([1.5, 4.5]))
    array([nan, 3.5])
    """
    return one(kernel.true_range, (high, low, close))


@feature
def atr(high: ArrayLike, low: ArrayLike, close: ArrayLike, window: int = 14) -> Floats:
    """Average true range, by Wilder's smoothing.

    Shape: (T,) or (T, N). Unit: that of `close`. First row: window. Gaps: restart.
    Formula: `wilder` of `true_range`, begun with the mean of rows 1 to `window`.
    Source: Wilder (1978), New Concepts in Technical Trading Systems; TA-Lib ATR.

    >>> x = np.array([1.0, 2.0, 4.0, 4.0])
    >>> atr(x, x, x, 2)
    array([ nan,  nan, 1.5 , 0.75])
    """
    counts(window=window)
    return one(kernel.atr, (high, low, close), window)


@feature
def natr(high: ArrayLike, low: ArrayLike, close: ArrayLike, window: int = 14) -> Floats:
    """Average true range as a share of the close.

    Shape: (T,) or (T, N). Unit: percent. First row: window. Gaps: restart.
    Formula: 100 atr / close.
    Source: Forman (2006), Stocks & Commodities 24:5; TA-Lib NATR.

    >>> x = np.array([1.0, 2.0, 4.0])
    >>> natr(x, x, x, 2)
    array([ nan,  nan, 37.5])
    """
    counts(window=window)
    return one(kernel.natr, (high, low, close), window)


@feature
def plus_di(high: ArrayLike, low: ArrayLike, close: ArrayLike, window: int = 14) -> Floats:
    """Wilder's directional indicator up; 0 where there was no range.

    Shape: (T,) or (T, N). Unit: 0 to 100. First row: window. Gaps: restart.
    Formula: 100 S(+DM) / S(true range), S[t] = S[t-1] (1 - 1/window) + x[t], begun with the sum of
    rows 1 to window - 1; +DM = high - high[t-1] when that is above 0 and above the move of the low.
    Source: Wilder (1978), New Concepts in Technical Trading Systems; TA-Lib PLUS_DI.

    >>> x = np.array([1.0, 2.0, 4.0])
    >>> plus_di(x, x, x, 2)
    array([ nan,  nan, 100.])
    """
    counts(window=window)
    return one(kernel.plus_di, (high, low, close), window)


@feature
def minus_di(high: ArrayLike, low: ArrayLike, close: ArrayLike, window: int = 14) -> Floats:
    """Wilder's directional indicator down; 0 where there was no range.

    Shape: (T,) or (T, N). Unit: 0 to 100. First row: window. Gaps: restart.
    Formula: 100 S(-DM) / S(true range) as in `plus_di`; -DM = low[t-1] - low.
    Source: Wilder (1978), New Concepts in Technical Trading Systems; TA-Lib MINUS_DI.

    >>> x = np.array([4.0, 2.0, 1.0])
    >>> minus_di(x, x, x, 2)
    array([ nan,  nan, 100.])
    """
    counts(window=window)
    return one(kernel.minus_di, (high, low, close), window)


@feature
def adx(high: ArrayLike, low: ArrayLike, close: ArrayLike, window: int = 14) -> Floats:
    """Average directional index: how strong the trend is, whichever way.

    Shape: (T,) or (T, N). Unit: 0 to 100. First row: 2 * window - 1. Gaps: restart.
    Formula: Wilder's average of DX = 100 abs(+DI - -DI) / (+DI + -DI), begun with the mean of
    `window` of them; a row without movement leaves it as it was.
    Source: Wilder (1978), New Concepts in Technical Trading Systems; TA-Lib ADX.

    >>> x = np.array([1.0, 2.0, 4.0, 5.0])
    >>> adx(x, x, x, 2)
    array([ nan,  nan,  nan, 100.])
    """
    counts(window=window)
    return one(kernel.adx, (high, low, close), window)


class Bands(NamedTuple):
    """Upper, middle and lower band; unit of the price."""

    upper: Floats
    middle: Floats
    lower: Floats


@feature
def bollinger(close: ArrayLike, window: int = 20, deviations: float = 2.0) -> Bands:
    """Bollinger bands (upper, middle, lower) by the population's standard deviation.

    Shape: (T,) or (T, N). Unit: that of `close`. First row: window - 1. Gaps: restart.
    Formula: sma(close) +- deviations rolling_std(close, ddof=0).
    Source: Bollinger (2001), Bollinger on Bollinger Bands; TA-Lib BBANDS.

    >>> bollinger(np.array([1.0, 3.0]), 2).upper
    array([nan,  4.])
    """
    counts(window=window)
    positive(deviations=deviations)
    return Bands(*several(kernel.bollinger, 3, (close,), window, float(deviations)))


@feature
def keltner(
    high: ArrayLike,
    low: ArrayLike,
    close: ArrayLike,
    window: int = 20,
    multiplier: float = 2.0,
    atr_window: int = 10,
) -> Bands:
    """Keltner channel (upper, middle, lower) around an exponential average.

    Shape: (T,) or (T, N). Unit: that of `close`. First row: max(window - 1, atr_window).
    Gaps: restart.
    Formula: ema(close, window) +- multiplier atr(atr_window).
    Source: Keltner (1960), in the form of Raschke (1996), Street Smarts.

    >>> x = np.array([1.0, 2.0, 3.0])
    >>> keltner(x, x, x, window=1, multiplier=1.0, atr_window=2).upper
    array([nan, nan,  4.])
    """
    counts(window=window, atr_window=atr_window)
    positive(multiplier=multiplier)
    tops, bottoms, closes = complete(high, low, close)
    away = multiplier * one(kernel.atr, (tops, bottoms, closes), atr_window)
    middle = one(kernel.ema, (closes,), window)
    middle = np.where(np.isnan(away), np.nan, middle)
    return Bands(middle + away, middle, middle - away)


@feature
def donchian(high: ArrayLike, low: ArrayLike, window: int = 20) -> Bands:
    """Donchian channel (upper, middle, lower) of rows (t - window, t], this row included.

    For a breakout compare the close with `lag(upper)`: it can never be above its own bar's high.
    Shape: (T,) or (T, N). Unit: that of `high`. First row: window - 1. Gaps: restart.
    Formula: highest high, the middle of both, lowest low.
    Source: Donchian (1960); TA-Lib MAX, MIDPRICE and MIN.

    >>> donchian(np.array([2.0, 4.0]), np.array([1.0, 2.0]), 2).middle
    array([nan, 2.5])
    """
    counts(window=window)
    return Bands(*several(kernel.donchian, 3, (high, low), window))


@feature
def midprice(high: ArrayLike, low: ArrayLike, window: int = 14) -> Floats:
    """Middle of the window's range.

    Shape: (T,) or (T, N). Unit: that of `high`. First row: window - 1. Gaps: restart.
    Formula: (highest high + lowest low) / 2.
    Source: elementary; TA-Lib MIDPRICE, and MIDPOINT when both are the same series.

    >>> midprice(np.array([2.0, 4.0]), np.array([1.0, 2.0]), 2)
    array([nan, 2.5])
    """
    counts(window=window)
    return one(kernel.midrange, (high, low), window)


class Supertrend(NamedTuple):
    """Trailing level in the unit of the price, and direction: 1 rising, -1 falling."""

    level: Floats
    direction: Floats


@feature
def supertrend(
    high: ArrayLike,
    low: ArrayLike,
    close: ArrayLike,
    window: int = 10,
    multiplier: float = 3.0,
) -> Supertrend:
    """Supertrend (level, direction): a band that trails the price and turns when it is closed through.

    Shape: (T,) or (T, N). Unit: that of `close`; direction 1 or -1. First row: window.
    Gaps: restart.
    Formula: bands (high + low) / 2 +- multiplier atr(window); the upper only falls, the lower only
    rises while the last close is inside; the level is the lower band when rising. The first
    direction is up when the close is at or above the bar's middle.
    Source: Seban (2008), Tout le monde mérite d'être riche.

    >>> x = np.array([1.0, 2.0, 3.0])
    >>> supertrend(x, x, x, window=1, multiplier=1.0).level
    array([nan,  1.,  2.])
    """
    counts(window=window)
    positive(multiplier=multiplier)
    series = (high, low, close)
    return Supertrend(*several(kernel.supertrend, 2, series, window, float(multiplier)))


@feature
def sar(high: ArrayLike, low: ArrayLike, step: float = 0.02, limit: float = 0.2) -> Floats:
    """Parabolic stop and reverse.

    Shape: (T,) or (T, N). Unit: that of `high`. First row: 1. Gaps: restart.
    Formula: s[t+1] = s[t] + a (extreme - s[t]), a grows by `step` at each new extreme up to `limit`,
    never inside the range of the last two rows; the first direction is that of the larger move of
    rows 0 and 1, up when equal.
    Source: Wilder (1978), New Concepts in Technical Trading Systems; TA-Lib SAR.

    >>> sar(np.array([2.0, 3.0, 4.0]), np.array([1.0, 2.0, 3.0]))
    array([ nan, 1.  , 1.04])
    """
    positive(step=step, limit=limit)
    return one(kernel.sar, (high, low), float(step), float(limit))


@feature
def chandelier_exit(
    high: ArrayLike,
    low: ArrayLike,
    close: ArrayLike,
    window: int = 22,
    multiplier: float = 3.0,
) -> Floats:
    """Chandelier exit of a long: so many average ranges below the window's high.

    Shape: (T,) or (T, N). Unit: that of `close`. First row: window. Gaps: restart.
    Formula: highest high - multiplier atr(window).
    Source: Le Beau, in Elder (2002), Come into My Trading Room.

    >>> x = np.array([1.0, 2.0, 3.0])
    >>> chandelier_exit(x, x, x, window=2, multiplier=1.0)
    array([nan, nan,  2.])
    """
    counts(window=window)
    positive(multiplier=multiplier)
    tops, bottoms, closes = complete(high, low, close)
    highest = one(kernel.rolling_max, (tops,), window)
    return highest - multiplier * one(kernel.atr, (tops, bottoms, closes), window)


class Ichimoku(NamedTuple):
    """Conversion and base line, and both edges of the cloud under today's bar."""

    conversion: Floats
    base: Floats
    span_a: Floats
    span_b: Floats


@feature
def ichimoku(
    high: ArrayLike, low: ArrayLike, conversion: int = 9, base: int = 26, span: int = 52
) -> Ichimoku:
    """Ichimoku (conversion, base, span_a, span_b), each as known on its row.

    The cloud of row t is the one drawn `base` rows ahead on row t - base, so nothing looks ahead.
    The lagging span is left out: it is the close, to be compared with that of `base` rows ago.
    Shape: (T,) or (T, N). Unit: that of `high`. First row: max(conversion, base, span) - 1 + base.
    Gaps: restart.
    Formula: lines are `midprice` of their windows; span_a[t] = (conversion + base line) / 2 and
    span_b[t] = midprice(span), both of row t - base.
    Source: Hosoda (1969), Ichimoku Kinko Hyo.

    >>> x = np.array([1.0, 3.0, 5.0])
    >>> ichimoku(x, x, conversion=1, base=2, span=1).span_a
    array([nan, nan, nan])
    """
    counts(conversion=conversion, base=base, span=span)
    tops, bottoms = complete(high, low)
    quick, steady, wide = (
        one(kernel.midrange, (tops, bottoms), rows) for rows in (conversion, base, span)
    )
    whole = unbroken(tops, base + 1)
    ahead = [np.where(whole, shifted(line, base), np.nan) for line in ((quick + steady) / 2, wide)]
    return Ichimoku(quick, steady, *ahead)


@feature
def ulcer_index(close: ArrayLike, window: int = 14) -> Floats:
    """Depth and length of the drawdowns within a window.

    Shape: (T,) or (T, N). Unit: percent. First row: window - 1. Gaps: restart.
    Formula: sqrt(mean(d^2)), d = 100 (close / highest close so far in the window - 1).
    Source: Martin and McCann (1989), The Investor's Guide to Fidelity Funds.

    >>> ulcer_index(np.array([4.0, 3.0, 3.0]), 2).round(4)
    array([    nan, 17.6777,  0.    ])
    """
    counts(window=window)
    return one(kernel.ulcer_index, (close,), window)
