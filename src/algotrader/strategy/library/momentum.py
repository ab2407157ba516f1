"""Cross-sectional momentum over a universe."""

from __future__ import annotations

import numpy as np

from algotrader.core.bars import Bars
from algotrader.features import cross_rank, momentum_skip
from algotrader.strategy.base import Features, Strategy, Targets
from algotrader.strategy.parameters import param
from algotrader.strategy.rebalance import schedule


class CrossSectionalMomentum(Strategy):
    """Hold, in equal parts and for a month, the instruments that rose most over the past year.

    The last month is left out, because it tends to reverse. After Jegadeesh and Titman (1993),
    Returns to Buying Winners and Selling Losers.
    """

    lookback: int = param(252, low=63, high=252, step=21, help="bars")
    skip: int = param(21, low=0, high=42, step=21, help="latest bars left out")
    top: float = param(0.25, low=0.05, high=0.5, help="fraction of the universe that is held")

    panel = True
    rebalance = schedule("monthly")

    def features(self, bars: Bars) -> Features:
        return {"rank": cross_rank(momentum_skip(bars.close, self.lookback, self.skip))}

    def targets(self, bars: Bars, f: Features) -> Targets:
        chosen = f["rank"] > 1.0 - self.top
        count = np.maximum(chosen.sum(axis=1, keepdims=True), 1)
        return np.asarray(chosen / count)
