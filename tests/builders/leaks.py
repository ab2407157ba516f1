"""Strategies that look ahead, each as people really write it, and others that do not.

Fifteen leak in a column, five more only while they decide bar by bar; twenty and five are honest.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import polars as pl
from scipy.signal import argrelextrema
from tests.builders.markets import random_bars

from algotrader.core.bars import Bars
from algotrader.features import (
    atr,
    bollinger,
    donchian,
    ema,
    macd,
    obv,
    returns,
    rolling_max,
    rolling_min,
    rolling_quantile,
    rolling_rank,
    rolling_std,
    rsi,
    sma,
    zscore,
)
from algotrader.strategy.base import Features, Strategy, Targets
from algotrader.strategy.rebalance import band


class _Signal(Strategy):
    """Long while the feature `x` is above zero."""

    def targets(self, bars: Bars, f: Features) -> Targets:
        return np.where(f["x"] > 0, 1.0, 0.0)


def _stamps(bars: Bars) -> pd.DatetimeIndex:
    return pd.to_datetime(bars.ts, unit="ms", utc=True)


class ShiftedReturn(_Signal):
    def features(self, bars: Bars) -> Features:
        return {"x": pd.Series(bars.close).pct_change().shift(-1).to_numpy()}


class CentredAverage(_Signal):
    def features(self, bars: Bars) -> Features:
        average = pd.Series(bars.close).rolling(21, center=True).mean().to_numpy()
        return {"x": bars.close - average}


class GlobalScore(_Signal):
    def features(self, bars: Bars) -> Features:
        return {"x": (bars.close - bars.close.mean()) / bars.close.std()}


class ResampledLabel(_Signal):
    def features(self, bars: Bars) -> Features:
        daily = pd.Series(bars.close, index=_stamps(bars)).resample("1D", label="left").last()
        return {"x": bars.close - daily.reindex(_stamps(bars), method="ffill").to_numpy()}


class ForwardJoin(_Signal):
    def features(self, bars: Bars) -> Features:
        left = pl.DataFrame({"ts": bars.ts})
        right = pl.DataFrame({"ts": bars.ts[::6], "value": bars.close[::6]})
        joined = left.join_asof(right, on="ts", strategy="forward")
        return {"x": bars.close - joined["value"].to_numpy()}


class InformativeMerge(_Signal):
    def features(self, bars: Bars) -> Features:
        hour4 = bars.ts // (4 * 3_600_000)
        frame = pl.DataFrame({"group": hour4, "high": bars.high})
        high = frame.with_columns(pl.col("high").max().over("group"))["high"].to_numpy()
        return {"x": bars.close / high - 0.995}


class WholeSeriesFit(_Signal):
    def features(self, bars: Bars) -> Features:
        rows = np.arange(len(bars), dtype=np.float64)
        slope, level = np.polyfit(rows, bars.close, 1)
        return {"x": bars.close - (slope * rows + level)}


class BackwardFill(_Signal):
    def features(self, bars: Bars) -> Features:
        return {"x": pd.Series(sma(bars.close, 50)).bfill().to_numpy() - bars.close}


class FutureUniverse(Strategy):
    panel = True

    def features(self, bars: Bars) -> Features:
        winners = bars.close[-1] / bars.close[0]
        chosen = winners >= np.sort(winners)[-2]
        return {"x": np.where(chosen, bars.close, 0.0)}

    def targets(self, bars: Bars, f: Features) -> Targets:
        return np.where(f["x"] > 0, 0.5, 0.0)


class LabelAsFeature(_Signal):
    def features(self, bars: Bars) -> Features:
        future = np.full(len(bars), np.nan)
        future[:-5] = bars.close[5:] / bars.close[:-5] - 1.0
        return {"x": np.nan_to_num(future)}


class ReversedDrawup(_Signal):
    def features(self, bars: Bars) -> Features:
        highest_to_come = np.maximum.accumulate(bars.high[::-1])[::-1]
        return {"x": highest_to_come / bars.close - 1.05}


class FullSampleQuantile(Strategy):
    def features(self, bars: Bars) -> Features:
        return {"change": returns(bars.close)}

    def targets(self, bars: Bars, f: Features) -> Targets:
        return np.where(f["change"] < np.nanquantile(f["change"], 0.2), 1.0, 0.0)


class Extrema(_Signal):
    def features(self, bars: Bars) -> Features:
        turn = np.zeros(len(bars))
        turn[argrelextrema(bars.close, np.less, order=5)[0]] = 1.0
        return {"x": turn}


class FourierFilter(_Signal):
    def features(self, bars: Bars) -> Features:
        spectrum = np.fft.rfft(bars.close)
        spectrum[len(spectrum) // 10 :] = 0
        return {"x": bars.close - np.fft.irfft(spectrum, len(bars))}


class InterpolatedGap(_Signal):
    def features(self, bars: Bars) -> Features:
        sparse = pd.Series(np.where(np.arange(len(bars)) % 8 == 0, bars.close, np.nan))
        return {"x": bars.close - sparse.interpolate().to_numpy()}


LEAKS: dict[type[Strategy], str] = {
    ShiftedReturn: "x",
    CentredAverage: "x",
    GlobalScore: "x",
    ResampledLabel: "x",
    ForwardJoin: "x",
    InformativeMerge: "x",
    WholeSeriesFit: "x",
    BackwardFill: "x",
    FutureUniverse: "x",
    LabelAsFeature: "x",
    ReversedDrawup: "x",
    FullSampleQuantile: "targets",
    Extrema: "x",
    FourierFilter: "x",
    InterpolatedGap: "x",
}


def _honest(name: str, feature: object, **attributes: object) -> type[Strategy]:
    def features(self: Strategy, bars: Bars) -> Features:
        return {"x": feature(bars)}  # type: ignore[operator]

    return type(name, (_Signal,), {"features": features, "__module__": __name__, **attributes})


def _hysteresis(bars: Bars) -> np.ndarray:
    score = zscore(bars.close, 30)
    held = np.zeros(len(bars))
    for row in range(1, len(bars)):
        held[row] = 1.0 if score[row] < -1 else 0.0 if score[row] > 0 else held[row - 1]
    return np.where(np.isnan(score), np.nan, held)


def _last_day_close(bars: Bars) -> np.ndarray:
    day = bars.ts // 86_400_000
    ends = np.flatnonzero(np.diff(day))
    index = np.searchsorted(ends, np.arange(len(bars)), side="left") - 1
    value = np.where(index >= 0, bars.close[ends[np.maximum(index, 0)]], np.nan)
    return bars.close - value


HONEST: list[type[Strategy]] = [
    _honest("SmaCross", lambda b: sma(b.close, 10) - sma(b.close, 30)),
    _honest("EmaCross", lambda b: ema(b.close, 10) - ema(b.close, 30)),
    _honest("Rsi", lambda b: rsi(b.close, 14) - 50),
    _honest("Macd", lambda b: macd(b.close).histogram),
    _honest("Bollinger", lambda b: b.close - bollinger(b.close, 20).upper),
    _honest("Donchian", lambda b: b.close - donchian(b.high, b.low, 20).middle),
    _honest("Atr", lambda b: returns(b.close) - atr(b.high, b.low, b.close, 14) / b.close),
    _honest("Obv", lambda b: obv(b.close, b.volume) - sma(obv(b.close, b.volume), 20)),
    _honest("Score", lambda b: -zscore(b.close, 40)),
    _honest("Quantile", lambda b: b.close - rolling_quantile(b.close, 50, 0.8)),
    _honest("Rank", lambda b: rolling_rank(b.close, 30) - 0.5),
    _honest("Channel", lambda b: b.close - rolling_max(b.high, 50) * 0.98),
    _honest("Low", lambda b: b.close / rolling_min(b.low, 50) - 1.03),
    _honest("Calm", lambda b: 0.01 - rolling_std(returns(b.close), 24)),
    _honest("PandasRolling", lambda b: b.close - pd.Series(b.close).rolling(25).mean().to_numpy()),
    _honest("PandasEwm", lambda b: b.close - pd.Series(b.close).ewm(span=20).mean().to_numpy()),
    _honest("ExpandingHigh", lambda b: b.close / np.maximum.accumulate(b.high) - 0.9),
    _honest("Hysteresis", _hysteresis, rebalance=band(0.1)),
    _honest("YesterdaysClose", _last_day_close),
    _honest("Hour", lambda b: ((b.ts // 3_600_000) % 24).astype(np.float64) - 12),
]


# What a notebook leaves behind: the same bars, read once more when the module is loaded.
CLOSES = random_bars(400).close
NEXT_RETURN = dict(
    zip(random_bars(400).ts.tolist(), np.append(np.diff(CLOSES), 0.0).tolist(), strict=True)
)


class ModuleArray(Strategy):
    def on_bar(self, ctx: Any) -> None:
        tomorrow = min(ctx.index + 1, len(CLOSES) - 1)
        ctx.target(1.0 if CLOSES[tomorrow] > ctx.bar.close else 0.0)


class ModuleLookup(Strategy):
    def on_bar(self, ctx: Any) -> None:
        if NEXT_RETURN.get(ctx.bar.ts, 0.0) > 0.5:
            ctx.buy(weight=0.2)
        elif ctx.position.quantity > 0:
            ctx.close()


class KeptSeries(Strategy):
    """`features` sees all rows, and keeps them where `on_bar` finds them."""

    def features(self, bars: Bars) -> Features:
        self.closes = bars.close
        return {}

    def on_bar(self, ctx: Any) -> None:
        ahead = self.closes[ctx.index + 1 : ctx.index + 4]
        if len(ahead) and ahead.max() > 1.01 * ctx.bar.close:
            ctx.buy(weight=0.2)
        elif ctx.position.quantity > 0:
            ctx.close()


class WholeMean(Strategy):
    def features(self, bars: Bars) -> Features:
        self.mean = float(bars.close.mean())
        return {}

    def on_bar(self, ctx: Any) -> None:
        ctx.target(1.0 if ctx.bar.close < self.mean else 0.0)


class HighOfTheDay(Strategy):
    """Merges the day's high into each of its hours."""

    def __init__(self) -> None:
        super().__init__()
        bars = random_bars(400)
        days = bars.ts // 86_400_000
        self.high = np.array([bars.high[days == day].max() for day in days])

    def on_bar(self, ctx: Any) -> None:
        ctx.target(1.0 if ctx.bar.close < 0.99 * self.high[ctx.index] else 0.0)


LEAKS_BY_BAR: dict[type[Strategy], str] = {
    ModuleArray: "decisions",
    ModuleLookup: "NEXT_RETURN",
    KeptSeries: "decisions",
    WholeMean: "decisions",
    HighOfTheDay: "self.high",
}


class Counting(Strategy):
    """Remembers in `ctx.state`."""

    def on_bar(self, ctx: Any) -> None:
        ctx.state["bars"] = ctx.state.get("bars", 0) + 1
        ctx.target(float(ctx.state["bars"] % 9 < 4))


class Yesterday(Strategy):
    def on_bar(self, ctx: Any) -> None:
        closes = ctx.bars().close
        if len(closes) > 24:
            ctx.target(1.0 if closes[-1] > closes[-25] else 0.0)


class KeptPast(Strategy):
    def features(self, bars: Bars) -> Features:
        self.closes = bars.close
        return {}

    def on_bar(self, ctx: Any) -> None:
        before = self.closes[max(ctx.index - 5, 0)]
        ctx.target(1.0 if ctx.bar.close > before else 0.0)


class Stopped(Strategy):
    def features(self, bars: Bars) -> Features:
        return {"x": sma(bars.close, 10) - sma(bars.close, 30)}

    def on_bar(self, ctx: Any) -> None:
        if ctx["x"] > 0 and ctx.position.quantity == 0 and not ctx.orders:
            ctx.buy(weight=0.5, limit=0.995 * ctx.bar.close, stop_loss=0.02, tag="dip")

    def on_fill(self, ctx: Any, fill: Any) -> None:
        ctx.state["fills"] = ctx.state.get("fills", 0) + 1


class Calendar(Strategy):
    """Brings along a long table of its own, which is noted and no error."""

    quiet = tuple(range(0, 1000, 7))

    def on_bar(self, ctx: Any) -> None:
        ctx.target(0.0 if ctx.index in self.quiet else 0.5)


HONEST_BY_BAR: list[type[Strategy]] = [Counting, Yesterday, KeptPast, Stopped, Calendar]
