"""No opinion: for instruments that a person alone trades."""

from __future__ import annotations

import numpy as np

from algotrader.core.bars import Bars
from algotrader.strategy.base import Features, Strategy, Targets


class ByHand(Strategy):
    """Wants nothing, ever: what is held is what a person ordered (R4).

    Its instruments have bars, books, limits and a share of the account like all others, and
    `algotrader order place` trades them.
    """

    def targets(self, bars: Bars, f: Features) -> Targets:
        return np.full_like(bars.close, np.nan)
