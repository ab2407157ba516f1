"""bt: a panel of weights. `CLOSES.npy WEIGHTS.npy`."""

from __future__ import annotations

import json
import sys
import time

sys.path.pop(0)  # this file is called like the package it measures

import bt
import numpy as np
import pandas as pd

close, weights = np.load(sys.argv[1]), np.load(sys.argv[2])
index = pd.date_range("2015-01-01", periods=len(close))
prices = pd.DataFrame(close, index, [f"S{column:03d}" for column in range(close.shape[1])])
wanted = pd.DataFrame(weights, index, prices.columns).dropna(how="all")
begun = time.perf_counter()
strategy = bt.Strategy("weights", [bt.algos.WeighTarget(wanted), bt.algos.Rebalance()])
test = bt.Backtest(
    strategy,
    prices,
    initial_capital=1e6,
    integer_positions=True,
    commissions=lambda quantity, price: abs(quantity) * price * 5e-4,
    progress_bar=False,
)
test.run()
seconds = time.perf_counter() - begun
found = {"seconds": seconds, "trades": len(test.strategy.get_transactions())}
print(json.dumps(found | {"version": bt.__version__}))
