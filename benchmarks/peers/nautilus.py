"""nautilus_trader: averages crossing, market orders filled by the next bar. `BARS.npy ROWS`."""

from __future__ import annotations

import json
import sys
import time
from decimal import Decimal

sys.path.pop(0)  # this file is called like the package it measures

import nautilus_trader
import numpy as np
import pandas as pd
from nautilus_trader.backtest.engine import BacktestEngine
from nautilus_trader.config import BacktestEngineConfig, LoggingConfig
from nautilus_trader.indicators import ExponentialMovingAverage
from nautilus_trader.model.currencies import USDT
from nautilus_trader.model.data import Bar, BarType
from nautilus_trader.model.enums import AccountType, OmsType, OrderSide
from nautilus_trader.model.identifiers import Venue
from nautilus_trader.model.objects import Money
from nautilus_trader.persistence.wranglers import BarDataWrangler
from nautilus_trader.test_kit.providers import TestInstrumentProvider
from nautilus_trader.trading.strategy import Strategy

INSTRUMENT = TestInstrumentProvider.btcusdt_binance()
BARS = BarType.from_str(f"{INSTRUMENT.id}-1-MINUTE-LAST-EXTERNAL")


class Crossing(Strategy):
    def on_start(self) -> None:
        self.fast, self.slow = ExponentialMovingAverage(20), ExponentialMovingAverage(100)
        self.above = False
        self.register_indicator_for_bars(BARS, self.fast)
        self.register_indicator_for_bars(BARS, self.slow)
        self.subscribe_bars(BARS)

    def on_bar(self, bar: Bar) -> None:
        if not self.indicators_initialized():
            return
        above, before = self.fast.value > self.slow.value, self.above
        self.above = above
        if above and not before and self.portfolio.is_flat(INSTRUMENT.id):
            quantity = INSTRUMENT.make_qty(Decimal("1e5") / bar.close.as_decimal())
            order = self.order_factory.market(INSTRUMENT.id, OrderSide.BUY, quantity)
            self.submit_order(order)
        elif before and not above:
            self.close_all_positions(INSTRUMENT.id)


bars = np.load(sys.argv[1])[: int(sys.argv[2])]
frame = pd.DataFrame(bars[:, 1:], columns=["open", "high", "low", "close", "volume"])
frame.index = pd.to_datetime(bars[:, 0], unit="ms", utc=True)
engine = BacktestEngine(BacktestEngineConfig(logging=LoggingConfig(bypass_logging=True)))
engine.add_venue(
    venue=Venue("BINANCE"),
    oms_type=OmsType.NETTING,
    account_type=AccountType.CASH,
    starting_balances=[Money(10_000_000, USDT)],
)
engine.add_instrument(INSTRUMENT)
engine.add_data(BarDataWrangler(BARS, INSTRUMENT).process(frame))
engine.add_strategy(Crossing())
begun = time.perf_counter()
engine.run()
seconds = time.perf_counter() - begun
sold = [order for order in engine.cache.orders_closed() if order.is_sell and order.filled_qty > 0]
found = {"seconds": seconds, "rows": len(bars), "trades": len(sold)}
print(json.dumps(found | {"version": nautilus_trader.__version__}))
