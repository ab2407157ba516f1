"""Funding carry: hold the coin, sell its perpetual, and be paid for it."""

from __future__ import annotations

import numpy as np

from algotrader.core.bars import Bars
from algotrader.core.errors import StrategyError
from algotrader.features import rolling_mean
from algotrader.strategy.base import Features, Strategy
from algotrader.strategy.context import Context
from algotrader.strategy.parameters import param


class FundingCarry(Strategy):
    """Long spot and short the perpetual in equal size while funding has been paid to shorts.

    The price of the coin does not matter; what is earned is the funding less four fees. The two
    orders are legs of one group: if one cannot be filled, the other is reduced to match (R37).
    Give two symbols: the spot pair and its perpetual.
    """

    window: int = param(72, low=24, high=240, step=24, help="bars over which funding is averaged")
    enter: float = param(0.00008, low=0.00002, high=0.0003, step=0.00002, help="per settlement")
    leave: float = param(0.0, low=-0.0001, high=0.0001, step=0.00005, help="per settlement")
    size: float = param(0.45, low=0.1, high=0.48, help="of equity, on each leg")

    panel = True
    short = True

    def features(self, bars: Bars) -> Features:
        if bars.funding is None or len(bars.symbols) != 2:
            raise StrategyError(
                "strategy.carry_legs",
                "FundingCarry needs a spot pair and its perpetual with funding rates",
                hint="give --symbol OKX:BTC/USDT --symbol OKX:BTC/USDT:USDT, and download --funding",
            )
        rate = bars.funding[:, 1:]
        return {"funding": np.repeat(rolling_mean(rate, self.window), 2, axis=1)}

    def on_bars(self, ctx: Context) -> None:
        spot, perpetual = (ctx.of(symbol) for symbol in ctx.symbols)
        rate = perpetual["funding"]
        if perpetual.position.quantity == 0:  # a fee taken in the coin leaves dust of the spot
            if rate > self.enter:
                value = self.size * ctx.equity
                spot.buy(value=value, group="open")
                perpetual.sell(value=value, group="open")
        elif rate < self.leave:
            spot.close()
            perpetual.close()
