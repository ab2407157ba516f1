"""Several price factors over a universe, added up."""

from __future__ import annotations

import numpy as np

from algotrader.core.bars import Bars
from algotrader.features import (
    cross_rank,
    cross_zscore,
    distance_from_high,
    low_volatility_factor,
    momentum_skip,
    reversal_factor,
)
from algotrader.strategy.base import Features, Strategy, Targets
from algotrader.strategy.parameters import param
from algotrader.strategy.rebalance import schedule


class MultiFactor(Strategy):
    """Hold the instruments that score best on four price factors taken together.

    Momentum without the last month (Jegadeesh and Titman 1993), short reversal (Jegadeesh 1990),
    low volatility (Ang, Hodrick, Xing and Zhang 2006) and nearness to the high of the year
    (George and Hwang 2004), each as a z-score across the universe, weighted equally.
    """

    year: int = param(252, low=126, high=252, step=21, help="bars")
    month: int = param(21, low=5, high=42, help="bars")
    top: float = param(0.25, low=0.05, high=0.5, help="fraction of the universe that is held")

    panel = True
    rebalance = schedule("monthly")

    def features(self, bars: Bars) -> Features:
        factors = (
            momentum_skip(bars.close, self.year, self.month),
            reversal_factor(bars.close, self.month),
            low_volatility_factor(bars.close, 3 * self.month),
            distance_from_high(bars.close, self.year),
        )
        return {"rank": cross_rank(sum(map(cross_zscore, factors), np.zeros_like(bars.close)))}

    def targets(self, bars: Bars, f: Features) -> Targets:
        chosen = f["rank"] > 1.0 - self.top
        count = np.maximum(chosen.sum(axis=1, keepdims=True), 1)
        return np.asarray(chosen / count)
