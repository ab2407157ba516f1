"""Price and volume together: flows, and averages weighted by what traded."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from algotrader._kernel import indicators as kernel
from algotrader.features.arrays import Floats, complete, counts, floats, one
from algotrader.features.registry import feature


@feature
def obv(close: ArrayLike, volume: ArrayLike) -> Floats:
    """On-balance volume: volume of rising bars less that of falling ones, so far.

    Shape: (T,) or (T, N). Unit: that of `volume`. First row: 0. Gaps: carry.
    Formula: o[t] = o[t-1] + sign(close[t] - close[t-1]) volume[t], o[0] = volume[0].
    Source: Granville (1963), New Key to Stock Market Profits; TA-Lib OBV.

    >>> obv(np.array([1.0, 2.0, 1.0]), np.array([5.0, 3.0, 1.0]))
    array([5., 8., 7.])
    """
    return one(kernel.obv, (close, volume))


@feature
def accumulation_distribution(
    high: ArrayLike, low: ArrayLike, close: ArrayLike, volume: ArrayLike
) -> Floats:
    """Chaikin's accumulation and distribution line: volume by where the bar closed, so far.

    Shape: (T,) or (T, N). Unit: that of `volume`. First row: 0. Gaps: carry.
    Formula: sum of ((close - low) - (high - close)) / (high - low) volume; 0 without a range.
    Source: Chaikin, in Achelis (2000), Technical Analysis from A to Z; TA-Lib AD.

    >>> h, l, c = np.array([3.0]), np.array([1.0]), np.array([2.5])
    >>> accumulation_distribution(h, l, c, np.array([10.0]))
    array([5.])
    """
    return one(kernel.accumulation, (high, low, close, volume))


@feature
def chaikin_oscillator(
    high: ArrayLike,
    low: ArrayLike,
    close: ArrayLike,
    volume: ArrayLike,
    fast: int = 3,
    slow: int = 10,
) -> Floats:
    """Gap between a fast and a slow average of the accumulation line.

    Shape: (T,) or (T, N). Unit: that of `volume`. First row: max(fast, slow) - 1. Gaps: restart.
    Formula: ema(a, fast) - ema(a, slow), both begun with a[0]; a = `accumulation_distribution`.
    Source: Chaikin, in Achelis (2000), Technical Analysis from A to Z; TA-Lib ADOSC.

    >>> h, l = np.array([3.0, 3.0]), np.array([1.0, 1.0])
    >>> chaikin_oscillator(h, l, h, np.array([1.0, 2.0]), fast=1, slow=2).round(4)
    array([   nan, 0.6667])
    """
    counts(fast=fast, slow=slow)
    return one(kernel.accumulation_oscillator, (high, low, close, volume), fast, slow)


@feature
def chaikin_money_flow(
    high: ArrayLike, low: ArrayLike, close: ArrayLike, volume: ArrayLike, window: int = 20
) -> Floats:
    """Share of the window's volume that flowed in; NaN where nothing traded.

    Shape: (T,) or (T, N). Unit: -1 to 1. First row: window - 1. Gaps: restart.
    Formula: sum(((close - low) - (high - close)) / (high - low) volume) / sum(volume).
    Source: Chaikin, in Achelis (2000), Technical Analysis from A to Z.

    >>> h, l = np.array([3.0, 3.0]), np.array([1.0, 1.0])
    >>> chaikin_money_flow(h, l, np.array([3.0, 2.0]), np.array([1.0, 1.0]), 2)
    array([nan, 0.5])
    """
    counts(window=window)
    tops, bottoms, closes, traded = complete(high, low, close, volume)
    width = tops - bottoms
    place = ((closes - bottoms) - (tops - closes)) / np.where(width > 0.0, width, 1.0)
    flow = np.where(np.isnan(width), np.nan, np.where(width > 0.0, place * traded, 0.0))
    total = one(kernel.rolling_sum, (traded,), window)
    return one(kernel.rolling_sum, (flow,), window) / np.where(total == 0.0, np.nan, total)


@feature
def mfi(
    high: ArrayLike, low: ArrayLike, close: ArrayLike, volume: ArrayLike, window: int = 14
) -> Floats:
    """Money flow index: an RSI of traded value; 0 where nothing flowed.

    Shape: (T,) or (T, N). Unit: 0 to 100. First row: window. Gaps: restart.
    Formula: 100 P / (P + N), sums over `window` rows of p volume where p = (high + low + close) / 3
    rose or fell; a change of p within rounding (1e-14 of it) is none.
    Source: Quong and Soudack (1989), Stocks & Commodities 7:3; TA-Lib MFI.

    >>> x = np.array([1.0, 2.0, 1.0])
    >>> mfi(x, x, x, np.array([1.0, 1.0, 2.0]), 2)
    array([nan, nan, 50.])
    """
    counts(window=window)
    return one(kernel.mfi, (high, low, close, volume), window)


@feature
def rolling_vwap(
    high: ArrayLike, low: ArrayLike, close: ArrayLike, volume: ArrayLike, window: int
) -> Floats:
    """Volume-weighted average price of the last `window` rows; NaN where nothing traded.

    Shape: (T,) or (T, N). Unit: that of `close`. First row: window - 1. Gaps: restart.
    Formula: sum(p volume) / sum(volume), p = (high + low + close) / 3.
    Source: Berkowitz, Logue and Noser (1988), Journal of Finance 43:1.

    >>> x = np.array([1.0, 4.0])
    >>> rolling_vwap(x, x, x, np.array([2.0, 1.0]), 2)
    array([nan,  2.])
    """
    counts(window=window)
    return one(kernel.rolling_vwap, (high, low, close, volume), window)


@feature
def session_vwap(
    high: ArrayLike,
    low: ArrayLike,
    close: ArrayLike,
    volume: ArrayLike,
    session: ArrayLike,
) -> Floats:
    """Volume-weighted average price since the session began; NaN until something traded.

    `session` labels the rows with numbers, shape (T,) or that of the prices; a new label is a new
    session. For UTC days give `ts // 86_400_000`.
    Shape: (T,) or (T, N). Unit: that of `close`. First row: 0. Gaps: carry.
    Formula: sum(p volume) / sum(volume) since the label changed, p = (high + low + close) / 3.
    Source: Berkowitz, Logue and Noser (1988), Journal of Finance 43:1.

    >>> x = np.array([1.0, 4.0, 7.0])
    >>> session_vwap(x, x, x, np.array([2.0, 1.0, 5.0]), np.array([1, 1, 2]))
    array([1., 2., 7.])
    """
    shape = floats(close).shape
    labels = floats(session)
    if len(shape) == 2 and labels.ndim == 1 and len(labels) == shape[0]:
        labels = np.broadcast_to(labels[:, np.newaxis], shape)
    return one(kernel.session_vwap, (high, low, close, volume, labels))


@feature
def anchored_vwap(
    high: ArrayLike, low: ArrayLike, close: ArrayLike, volume: ArrayLike, anchor: int
) -> Floats:
    """Volume-weighted average price since row `anchor`; NaN before it and until something traded.

    Shape: (T,) or (T, N). Unit: that of `close`. First row: anchor. Gaps: carry.
    Formula: sum(p volume) / sum(volume) over [anchor, t], p = (high + low + close) / 3.
    Source: Shannon (2022), Maximum Trading Gains with Anchored VWAP.

    >>> x = np.array([9.0, 1.0, 4.0])
    >>> anchored_vwap(x, x, x, np.array([9.0, 2.0, 1.0]), anchor=1)
    array([nan,  1.,  2.])
    """
    counts(0, anchor=anchor)
    shape = floats(close).shape
    begun = (np.arange(shape[0]) >= anchor).reshape((-1,) + (1,) * (len(shape) - 1))
    labels = np.broadcast_to(begun.astype(np.float64), shape)
    since = one(kernel.session_vwap, (high, low, close, volume, labels))
    since[:anchor] = np.nan
    return since


@feature
def volume_price_trend(close: ArrayLike, volume: ArrayLike) -> Floats:
    """Volume weighted by the return of its bar, so far.

    Shape: (T,) or (T, N). Unit: that of `volume`. First row: 1. Gaps: carry.
    Formula: v[t] = v[t-1] + volume[t] (close[t] / close[t-1] - 1), v[0] = 0 and not shown.
    Source: Achelis (2000), Technical Analysis from A to Z.

    >>> volume_price_trend(np.array([1.0, 2.0, 1.0]), np.array([5.0, 3.0, 2.0]))
    array([nan,  3.,  2.])
    """
    return one(kernel.volume_price_trend, (close, volume))


@feature
def force_index(close: ArrayLike, volume: ArrayLike, window: int = 13) -> Floats:
    """Elder's force index: price change times volume, smoothed.

    Shape: (T,) or (T, N). Unit: that of `close` times `volume`. First row: window. Gaps: restart.
    Formula: ema((close[t] - close[t-1]) volume[t], window).
    Source: Elder (1993), Trading for a Living.

    >>> force_index(np.array([1.0, 2.0]), np.array([5.0, 3.0]), 1)
    array([nan,  3.])
    """
    counts(window=window)
    closes, traded = complete(close, volume)
    return one(kernel.ema, (one(kernel.change, (closes,), 1) * traded,), window)
