"""Oscillators: where the price stands in its range, and how strong its moves are."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from algotrader._kernel import indicators as kernel
from algotrader.features.arrays import Floats, complete, counts, one, same_shape, several
from algotrader.features.registry import feature


@feature
def rsi(close: ArrayLike, window: int = 14) -> Floats:
    """Wilder's relative strength index; 0 where the price never moved.

    Shape: (T,) or (T, N). Unit: 0 to 100. First row: window. Gaps: restart.
    Formula: 100 g / (g + l), g and l Wilder's averages of gains and losses.
    Source: Wilder (1978), New Concepts in Technical Trading Systems; TA-Lib RSI.

    >>> rsi(np.array([1.0, 3.0, 2.0]), 2).round(4)
    array([    nan,     nan, 66.6667])
    """
    counts(window=window)
    return one(kernel.rsi, (close,), window)


@feature
def cmo(close: ArrayLike, window: int = 14) -> Floats:
    """Chande momentum oscillator in its smoothed form; 0 where the price never moved.

    Shape: (T,) or (T, N). Unit: -100 to 100. First row: window. Gaps: restart.
    Formula: 100 (g - l) / (g + l), g and l Wilder's averages of gains and losses. Chande's own
    takes plain sums; the two agree on the first row only.
    Source: Chande and Kroll (1994), The New Technical Trader; TA-Lib CMO (smoothed).

    >>> cmo(np.array([1.0, 3.0, 2.0]), 2).round(4)
    array([    nan,     nan, 33.3333])
    """
    counts(window=window)
    return one(kernel.cmo, (close,), window)


@feature
def cci(high: ArrayLike, low: ArrayLike, close: ArrayLike, window: int = 20) -> Floats:
    """Commodity channel index; 0 where the typical price stood still.

    Shape: (T,) or (T, N). Unit: none. First row: window - 1. Gaps: restart.
    Formula: (p - sma(p)) / (0.015 mean(abs(p - sma(p)))), p = (high + low + close) / 3.
    Source: Lambert (1980), Commodities 9:10; TA-Lib CCI.

    >>> x = np.array([1.0, 2.0, 6.0])
    >>> cci(x, x, x, 3)
    array([ nan,  nan, 100.])
    """
    counts(window=window)
    return one(kernel.cci, (high, low, close), window)


@feature
def williams_r(high: ArrayLike, low: ArrayLike, close: ArrayLike, window: int = 14) -> Floats:
    """Williams %R: how far the close is below the window's high; 0 where there is no range.

    Shape: (T,) or (T, N). Unit: -100 to 0. First row: window - 1. Gaps: restart.
    Formula: 100 (close - highest high) / (highest high - lowest low).
    Source: Williams (1973), How I Made One Million Dollars; TA-Lib WILLR.

    >>> williams_r(np.array([4.0, 5.0]), np.array([1.0, 2.0]), np.array([3.0, 4.0]), 2)
    array([ nan, -25.])
    """
    counts(window=window)
    return one(kernel.williams_r, (high, low, close), window)


class Stochastic(NamedTuple):
    """%K and its average %D, 0 to 100."""

    k: Floats
    d: Floats


@feature
def stochastic(
    high: ArrayLike,
    low: ArrayLike,
    close: ArrayLike,
    window: int = 14,
    slowing: int = 3,
    signal: int = 3,
) -> Stochastic:
    """Slow stochastic (k, d); a window without a range counts as 0. `slowing=1` is the fast one.

    Shape: (T,) or (T, N). Unit: 0 to 100. First row: window + slowing + signal - 3. Gaps: restart.
    Formula: k = sma(100 (close - lowest low) / (highest high - lowest low), slowing),
    d = sma(k, signal).
    Source: Lane (1984), Stocks & Commodities 2:3; TA-Lib STOCH, and STOCHF for slowing = 1.

    >>> x = np.array([1.0, 3.0, 2.0])
    >>> stochastic(x, x, x, window=2, slowing=1, signal=2).d
    array([nan, nan, 50.])
    """
    counts(window=window, slowing=slowing, signal=signal)
    series = (high, low, close)
    return Stochastic(*several(kernel.stochastic, 2, series, window, slowing, signal))


@feature
def stoch_rsi(
    close: ArrayLike, window: int = 14, span: int = 14, slowing: int = 1, signal: int = 3
) -> Stochastic:
    """Stochastic of the RSI (k, d): where the RSI stands in its own range of `span` rows.

    Shape: (T,) or (T, N). Unit: 0 to 100. First row: window + span + slowing + signal - 3.
    Gaps: restart.
    Formula: `stochastic` of r, r, r with r = rsi(close, window).
    Source: Chande and Kroll (1994), The New Technical Trader; TA-Lib STOCHRSI for slowing = 1.

    >>> stoch_rsi(np.array([1.0, 2.0, 1.0, 3.0, 5.0]), 2, span=2, signal=1).k
    array([ nan,  nan,  nan, 100., 100.])
    """
    counts(window=window, span=span, slowing=slowing, signal=signal)
    strength = one(kernel.rsi, (close,), window)
    series = (strength, strength, strength)
    return Stochastic(*several(kernel.stochastic, 2, series, span, slowing, signal))


@feature
def ultimate_oscillator(
    high: ArrayLike,
    low: ArrayLike,
    close: ArrayLike,
    fast: int = 7,
    middle: int = 14,
    slow: int = 28,
) -> Floats:
    """Buying pressure over three spans, the shortest weighted most.

    Shape: (T,) or (T, N). Unit: 0 to 100. First row: max(fast, middle, slow). Gaps: restart.
    Formula: 100 (4 a(fast) + 2 a(middle) + a(slow)) / 7, a = sum(close - true low) / sum(true
    range), 0 where there was no range.
    Source: Williams (1985), Stocks & Commodities 3:4; TA-Lib ULTOSC.

    >>> up = np.array([1.0, 2.0, 3.0])
    >>> ultimate_oscillator(up, up, up, fast=1, middle=1, slow=2)
    array([ nan,  nan, 100.])
    """
    counts(fast=fast, middle=middle, slow=slow)
    return one(kernel.ultimate, (high, low, close), fast, middle, slow)


class Aroon(NamedTuple):
    """How new the window's high and low are, 0 to 100."""

    up: Floats
    down: Floats


@feature
def aroon(high: ArrayLike, low: ArrayLike, window: int = 25) -> Aroon:
    """Aroon (up, down): 100 when the extreme is this row, 0 when it is `window` rows old.

    Shape: (T,) or (T, N). Unit: 0 to 100. First row: window. Gaps: restart.
    Formula: 100 (window - age of the highest high, or lowest low, of window + 1 rows) / window.
    Source: Chande (1995), Stocks & Commodities 13:9; TA-Lib AROON, which gives (down, up).

    >>> aroon(np.array([1.0, 3.0, 2.0]), np.array([1.0, 3.0, 2.0]), 2)
    Aroon(up=array([nan, nan, 50.]), down=array([nan, nan,  0.]))
    """
    counts(window=window)
    return Aroon(*several(kernel.aroon, 2, (high, low), window))


@feature
def balance_of_power(open_: ArrayLike, high: ArrayLike, low: ArrayLike, close: ArrayLike) -> Floats:
    """Who won the bar: +1 from the low to the high, -1 the other way; 0 without a range.

    Shape: (T,) or (T, N). Unit: -1 to 1. First row: 0. Gaps: endpoints.
    Formula: (close - open) / (high - low).
    Source: Livshin (2001), Stocks & Commodities 19:8; TA-Lib BOP.

    >>> balance_of_power(np.array([1.0]), np.array([3.0]), np.array([1.0]), np.array([2.0]))
    array([0.5])
    """
    return one(kernel.balance_of_power, (open_, high, low, close))


@feature
def awesome_oscillator(high: ArrayLike, low: ArrayLike, fast: int = 5, slow: int = 34) -> Floats:
    """Gap between a fast and a slow average of the bar's middle.

    Shape: (T,) or (T, N). Unit: that of `high`. First row: max(fast, slow) - 1. Gaps: restart.
    Formula: sma(m, fast) - sma(m, slow), m = (high + low) / 2.
    Source: Williams (1998), New Trading Dimensions.

    >>> awesome_oscillator(np.array([1.0, 3.0]), np.array([1.0, 3.0]), fast=1, slow=2)
    array([nan,  1.])
    """
    counts(fast=fast, slow=slow)
    tops, bottoms = same_shape(high, low)
    middle = (tops + bottoms) / 2.0
    return one(kernel.sma, (middle,), fast) - one(kernel.sma, (middle,), slow)


class Vortex(NamedTuple):
    """Movement up and down over the true range."""

    plus: Floats
    minus: Floats


@feature
def vortex(high: ArrayLike, low: ArrayLike, close: ArrayLike, window: int = 14) -> Vortex:
    """Vortex (plus, minus); NaN where the window had no range.

    Shape: (T,) or (T, N). Unit: none. First row: window. Gaps: restart.
    Formula: sum(abs(high - low[-1])) / sum(true range), sum(abs(low - high[-1])) / the same.
    Source: Botes and Siepman (2010), Stocks & Commodities 28:1.

    >>> x = np.array([1.0, 2.0, 3.0])
    >>> vortex(x, x, x, 2).plus
    array([nan, nan,  1.])
    """
    counts(window=window)
    tops, bottoms, closes = complete(high, low, close)
    before_low = np.concatenate([np.full_like(bottoms[:1], np.nan), bottoms[:-1]])
    before_high = np.concatenate([np.full_like(tops[:1], np.nan), tops[:-1]])
    ranges = one(kernel.rolling_sum, (one(kernel.true_range, (tops, bottoms, closes)),), window)
    ranges = np.where(ranges == 0.0, np.nan, ranges)
    plus = one(kernel.rolling_sum, (np.abs(tops - before_low),), window)
    minus = one(kernel.rolling_sum, (np.abs(bottoms - before_high),), window)
    return Vortex(plus / ranges, minus / ranges)
