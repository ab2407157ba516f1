"""A pair: two prices that usually move together."""

from __future__ import annotations

import numpy as np

from algotrader.core.bars import Bars
from algotrader.core.errors import StrategyError
from algotrader.features import zscore
from algotrader.strategy.base import Features, Strategy
from algotrader.strategy.context import Context
from algotrader.strategy.parameters import param


class Pair(Strategy):
    """Sell the dear one and buy the cheap one when their ratio strays, until it is back.

    The z-score of the log ratio decides. Both legs have equal value and are one group (R37), and
    both must be instruments that can be sold short. After Gatev, Goetzmann and Rouwenhorst
    (2006), Pairs Trading: Performance of a Relative-Value Arbitrage Rule.
    """

    window: int = param(120, low=40, high=480, step=40)
    enter: float = param(2.0, low=1.0, high=3.0, step=0.25, help="standard deviations")
    leave: float = param(0.5, low=0.0, high=1.0, step=0.25, help="standard deviations")
    size: float = param(0.4, low=0.1, high=0.5, help="of equity, on each leg")

    panel = True
    short = True

    def features(self, bars: Bars) -> Features:
        if len(bars.symbols) != 2:
            raise StrategyError(
                "strategy.pair_legs",
                f"Pair trades two instruments, {len(bars.symbols)} were given",
                hint="give --symbol twice",
            )
        ratio = np.log(bars.close[:, :1]) - np.log(bars.close[:, 1:])
        return {"z": np.repeat(zscore(ratio, self.window), 2, axis=1)}

    def on_bars(self, ctx: Context) -> None:
        first, second = (ctx.of(symbol) for symbol in ctx.symbols)
        z = first["z"]
        if first.position.quantity == 0 and second.position.quantity == 0:
            value = self.size * ctx.equity
            if z > self.enter:
                first.sell(value=value, group="open")
                second.buy(value=value, group="open")
            elif z < -self.enter:
                first.buy(value=value, group="open")
                second.sell(value=value, group="open")
        elif self._is_back(z, first.position.quantity, second.position.quantity):
            first.close()
            second.close()

    def _is_back(self, z: float, first: float, second: float) -> bool:
        """Whether the ratio is no longer strayed the way that the legs bet on, or is beyond it.

        Between two bars it may come back and stray the other way: what was earned is taken then.
        """
        bets_on_rise = first > 0 or second < 0
        return z > -self.leave if bets_on_rise else z < self.leave
