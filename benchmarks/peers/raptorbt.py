"""raptorbt: averages crossing, bar by bar or as a batch. `BARS.npy ROWS [SETS]`."""

from __future__ import annotations

import json
import sys
import time
from typing import Any

sys.path.pop(0)  # this file is called like the package it measures

import numpy as np
import raptorbt
from raptorbt import strategy

CONFIG = raptorbt.BacktestConfig(initial_capital=1e7, fees=0.001, fill_timing="next_bar_open")


class Crossing(strategy.Strategy):
    def on_start(self, ctx: strategy.StrategyContext) -> None:
        self.fast, self.slow = raptorbt.ema(ctx.close, 20), raptorbt.ema(ctx.close, 100)

    def on_bar(self, ctx: strategy.StrategyContext) -> None:
        now, fast, slow = ctx.idx, self.fast, self.slow
        if now == 0:
            return
        if fast[now - 1] <= slow[now - 1] and fast[now] > slow[now]:
            self.enter(size_frac=0.9)
        elif fast[now - 1] >= slow[now - 1] and fast[now] < slow[now]:
            self.close_position()


def by_bar(ts: Any, columns: list[Any]) -> int:
    done = strategy.run_strategy_backtest(Crossing, ts, *columns, config=CONFIG)
    return int(done.metrics.total_closed_trades)


def batch(ts: Any, columns: list[Any], sets: int) -> int:
    """As our grid: forty slow averages for each fast one."""
    averages: dict[int, Any] = {}

    def average(span: int) -> Any:
        if span not in averages:
            averages[span] = raptorbt.ema(columns[3], span)
        return averages[span]

    items = []
    for number in range(sets):
        above = average(6 + number // 40 * 3) > average(90 + 10 * (number % 40))
        items.append(raptorbt.BatchSingleItem(str(number), above, ~above))
    done = raptorbt.batch_single_backtest(ts, *columns, items, CONFIG)
    return sum(int(result.metrics.total_closed_trades) for _, result in done)


bars = np.load(sys.argv[1])[: int(sys.argv[2])]
ts = bars[:, 0].astype(np.int64) * 1_000_000
columns = [np.ascontiguousarray(bars[:, column]) for column in range(1, 6)]
begun, used = time.perf_counter(), time.process_time()
trades = batch(ts, columns, int(sys.argv[3])) if len(sys.argv) > 3 else by_bar(ts, columns)
found = {"seconds": time.perf_counter() - begun, "cpu": time.process_time() - used}
print(json.dumps(found | {"rows": len(bars), "trades": trades, "version": raptorbt.__version__}))
