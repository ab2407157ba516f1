"""A first strategy. Try: algotrader backtest strategies/trend.py --symbol US:AAPL"""

import numpy as np

from algotrader import Bars, Features, Strategy, Targets, param
from algotrader.features import ema


class Trend(Strategy):
    """Long while the fast average is above the slow one, else in cash."""

    fast: int = param(20, low=5, high=60, step=5)
    slow: int = param(100, low=40, high=240, step=20)

    def features(self, bars: Bars) -> Features:
        return {"fast": ema(bars.close, self.fast), "slow": ema(bars.close, self.slow)}

    def targets(self, bars: Bars, f: Features) -> Targets:
        return np.where(f["fast"] > f["slow"], 1.0, 0.0)
