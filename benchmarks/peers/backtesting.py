"""backtesting.py: averages crossing, orders at the next open. `BARS.npy ROWS`."""

from __future__ import annotations

import json
import sys
import time

sys.path.pop(0)  # this file is called like the package it measures

import backtesting
import numpy as np
import pandas as pd


class Crossing(backtesting.Strategy):
    def init(self) -> None:
        close = pd.Series(self.data.Close)
        self.fast = self.I(lambda: close.ewm(span=20, adjust=False).mean())
        self.slow = self.I(lambda: close.ewm(span=100, adjust=False).mean())

    def next(self) -> None:
        fast, slow = self.fast, self.slow
        if fast[-2] <= slow[-2] and fast[-1] > slow[-1]:
            self.buy(size=0.9)
        elif fast[-2] >= slow[-2] and fast[-1] < slow[-1]:
            self.position.close()


bars = np.load(sys.argv[1])[: int(sys.argv[2])]
frame = pd.DataFrame(bars[:, 1:], columns=["Open", "High", "Low", "Close", "Volume"])
frame.index = pd.to_datetime(bars[:, 0], unit="ms")
test = backtesting.Backtest(
    frame, Crossing, cash=1e7, commission=0.001, trade_on_close=False, finalize_trades=True
)
begun = time.perf_counter()
found = test.run()
seconds = time.perf_counter() - begun
print(
    json.dumps(
        {
            "seconds": seconds,
            "rows": len(bars),
            "trades": int(found["# Trades"]),
            "version": backtesting.__version__,
        }
    )
)
