"""vectorbt: a batch of averages crossing, or a panel of weights. `BARS.npy ROWS SETS` or
`portfolio CLOSES.npy WEIGHTS.npy`. Compiled by a small run first, which does not count."""

from __future__ import annotations

import json
import sys
import time
from typing import Any

sys.path.pop(0)  # this file is called like the package it measures

import numpy as np
import pandas as pd
import vectorbt as vbt


def batch(bars: Any, sets: int) -> int:
    """As our grid: forty slow averages for each fast one; total return, Sharpe, drawdown, trades."""
    index = pd.to_datetime(bars[:, 0], unit="ms")
    close, opened = (pd.Series(bars[:, column], index) for column in (4, 1))
    spans = sorted(
        {*(6 + n // 40 * 3 for n in range(sets)), *(90 + 10 * (n % 40) for n in range(sets))}
    )
    average = {span: close.ewm(span=span, adjust=False).mean().to_numpy() for span in spans}
    above = np.column_stack(
        [average[6 + n // 40 * 3] > average[90 + 10 * (n % 40)] for n in range(sets)]
    )
    decided = pd.DataFrame(above, index).shift(1, fill_value=False)  # filled at the next open
    done = vbt.Portfolio.from_signals(
        close, decided, ~decided, price=opened, fees=0.001, init_cash=1e7, freq="1h"
    )
    _ = done.total_return(), done.sharpe_ratio(), done.max_drawdown()
    return int(done.trades.count().sum())


def portfolio(close: Any, weights: Any) -> int:
    done = vbt.Portfolio.from_orders(
        pd.DataFrame(close),
        size=pd.DataFrame(weights),
        size_type="targetpercent",
        group_by=True,
        cash_sharing=True,
        call_seq="auto",
        size_granularity=1.0,
        fees=5e-4,
        init_cash=1e6,
        freq="1D",
    )
    _ = done.value()
    return len(done.orders.records)


if sys.argv[1] == "portfolio":
    close, weights = np.load(sys.argv[2]), np.load(sys.argv[3])
    portfolio(close[:30], weights[:30])
    begun = time.perf_counter()
    trades = portfolio(close, weights)
else:
    bars = np.load(sys.argv[1])[: int(sys.argv[2])]
    batch(bars[:500], 2)
    begun = time.perf_counter()
    trades = batch(bars, int(sys.argv[3]))
seconds = time.perf_counter() - begun
print(json.dumps({"seconds": seconds, "trades": trades, "version": vbt.__version__}))
