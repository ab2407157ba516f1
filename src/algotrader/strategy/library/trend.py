"""Trend following on one instrument."""

from __future__ import annotations

import numpy as np

from algotrader.core.bars import Bars
from algotrader.features import ema, returns, rolling_std
from algotrader.strategy.base import Features, Strategy, Targets
from algotrader.strategy.parameters import param
from algotrader.strategy.rebalance import band


class TrendFollow(Strategy):
    """Hold while the fast average is above the slow one, always at about the same risk.

    The weight is `risk` divided by the volatility of a bar's return, at most `most`; so a calm
    market is held in full and a wild one in part. After Moskowitz, Ooi and Pedersen (2012),
    Time Series Momentum.
    """

    fast: int = param(24, low=6, high=96, step=6)
    slow: int = param(120, low=48, high=480, step=24)
    risk: float = param(0.004, low=0.001, high=0.02, help="volatility per bar, fraction of equity")
    most: float = param(1.0, low=0.1, high=3.0, help="largest weight")

    rebalance = band(0.1)

    def features(self, bars: Bars) -> Features:
        return {
            "fast": ema(bars.close, self.fast),
            "slow": ema(bars.close, self.slow),
            "volatility": rolling_std(returns(bars.close), self.slow),
        }

    def targets(self, bars: Bars, f: Features) -> Targets:
        weight = np.minimum(self.most, self.risk / f["volatility"])
        return np.where(f["fast"] > f["slow"], weight, 0.0)
