"""Mean reversion on one instrument, bar by bar with orders of its own."""

from __future__ import annotations

from algotrader.core.bars import Bars
from algotrader.features import sma, zscore
from algotrader.strategy.base import Features, Strategy
from algotrader.strategy.context import Context
from algotrader.strategy.parameters import param


class MeanReversion(Strategy):
    """Buy an unusual dip inside a rising market, sell when the price is back at its average.

    Each purchase carries its own stop. After Connors and Alvarez (2009), Short Term Trading
    Strategies That Work: dips are bought only above the long average.
    """

    window: int = param(20, low=5, high=60, step=5)
    trend: int = param(200, low=50, high=300, step=50)
    entry: float = param(1.5, low=0.5, high=3.0, step=0.25, help="standard deviations below")
    stop: float = param(0.08, low=0.02, high=0.2, step=0.02, help="fraction below the entry")

    def features(self, bars: Bars) -> Features:
        return {
            "z": zscore(bars.close, self.window),
            "trend": bars.close - sma(bars.close, self.trend),
        }

    def on_bar(self, ctx: Context) -> None:
        if ctx.position.quantity > 0:
            if ctx["z"] > 0:
                ctx.close()
        elif ctx["z"] < -self.entry and ctx["trend"] > 0:
            ctx.buy(weight=0.98, stop_loss=self.stop)
