"""backtrader: averages crossing, orders at the next open. `BARS.npy ROWS`."""

from __future__ import annotations

import json
import sys
import time

sys.path.pop(0)  # this file is called like the package it measures

import backtrader as bt
import numpy as np
import pandas as pd


class Crossing(bt.Strategy):
    def __init__(self) -> None:
        fast, slow = (bt.ind.EMA(self.data.close, period=period) for period in (20, 100))
        self.crossing = bt.ind.CrossOver(fast, slow)
        self.trades = 0

    def next(self) -> None:
        if self.crossing[0] > 0:
            self.order_target_percent(target=0.9)
        elif self.crossing[0] < 0:
            self.close()

    def notify_trade(self, trade: bt.Trade) -> None:
        self.trades += trade.isclosed


bars = np.load(sys.argv[1])[: int(sys.argv[2])]
frame = pd.DataFrame(bars[:, 1:], columns=["open", "high", "low", "close", "volume"])
frame.index = pd.to_datetime(bars[:, 0], unit="ms")
begun = time.perf_counter()
cerebro = bt.Cerebro()
cerebro.adddata(bt.feeds.PandasData(dataname=frame))
cerebro.addstrategy(Crossing)
cerebro.broker.setcash(1e7)
cerebro.broker.setcommission(commission=0.001)
(run,) = cerebro.run()
seconds = time.perf_counter() - begun
print(
    json.dumps(
        {"seconds": seconds, "rows": len(bars), "trades": run.trades, "version": bt.__version__}
    )
)
