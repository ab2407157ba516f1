"""vnpy's CTA engine: averages crossing, orders at the next open. `BARS.npy ROWS`.

The averages are kept by two lines of arithmetic, which is quicker than its own ArrayManager. A
limit order far through the market fills at the next open, as its market orders do.
"""

from __future__ import annotations

import json
import sys
import time
from datetime import UTC, datetime, timedelta
from typing import Any

sys.path.pop(0)  # this file is called like the package it measures

import numpy as np
import vnpy
from vnpy.trader.constant import Exchange, Interval
from vnpy.trader.object import BarData
from vnpy_ctastrategy.backtesting import BacktestingEngine
from vnpy_ctastrategy.template import CtaTemplate

START = datetime(2020, 1, 1, tzinfo=UTC)


class Crossing(CtaTemplate):
    def on_init(self) -> None:
        self.fast = self.slow = self.closes = 0.0
        self.above, self.seen = False, 0

    def on_bar(self, bar: BarData) -> None:
        close = bar.close_price
        self.fast += 2.0 / 21.0 * (close - self.fast) if self.seen else close
        self.slow += 2.0 / 101.0 * (close - self.slow) if self.seen else close
        above, before = self.fast > self.slow, self.above
        self.above, self.seen = above, self.seen + 1
        if self.seen < 100:
            return
        if above and not before and self.pos == 0:
            self.buy(close * 1.1, np.floor(0.9e7 / close))
        elif before and not above and self.pos > 0:
            self.sell(close * 0.9, self.pos)


def bar_of(row: Any, minute: int) -> BarData:
    opened, high, low, close, volume = row
    return BarData(
        gateway_name="BACKTESTING",
        symbol="BTC",
        exchange=Exchange.LOCAL,
        datetime=START + timedelta(minutes=minute),
        interval=Interval.MINUTE,
        open_price=opened,
        high_price=high,
        low_price=low,
        close_price=close,
        volume=volume,
    )


bars = np.load(sys.argv[1])[: int(sys.argv[2]), 1:].tolist()
engine = BacktestingEngine()
engine.output = lambda _: None
engine.set_parameters(
    vt_symbol="BTC.LOCAL",
    interval=Interval.MINUTE,
    start=START,
    rate=0.001,
    slippage=0.0,
    size=1.0,
    pricetick=0.01,
    capital=10_000_000,
)
engine.add_strategy(Crossing, {})
engine.history_data = [bar_of(row, minute) for minute, row in enumerate(bars)]
begun = time.perf_counter()
engine.run_backtesting()
engine.calculate_result()
engine.calculate_statistics(output=False)
seconds = time.perf_counter() - begun
found = {"seconds": seconds, "rows": len(bars), "trades": len(engine.trades) // 2}
print(json.dumps(found | {"version": vnpy.__version__}))
