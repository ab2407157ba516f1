"""Real data through an independent engine: every trade must be the same (R33)."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from backtesting import Backtest
from backtesting import Strategy as TheirStrategy

from algotrader.backtest.loading import DataRequest, load_market
from algotrader.backtest.run import RunResult, run_backtest
from algotrader.backtest.settings import BacktestSettings
from algotrader.core.bars import Bars
from algotrader.features import sma
from algotrader.strategy.base import Features, Strategy, Targets
from algotrader.strategy.parameters import param

CASH = 100_000_000.0  # their engine trades whole units only
FEE = 0.001
CASES = {
    "binance_BTCUSDT_15m_2024-2026": ("crypto_spot", 48, 192),
    "bitvavo_BTCEUR_1h": ("crypto_spot", 20, 100),
    "binance_BTCUSDT_1h_2024-2026": ("crypto_spot", 24, 96),
}


class SmaCross(Strategy):
    """Long while the fast average is above the slow one; equal averages change nothing (R4)."""

    fast: int = param(10, low=2, high=500)
    slow: int = param(20, low=3, high=500)

    def features(self, bars: Bars) -> Features:
        return {"fast": sma(bars.close, self.fast), "slow": sma(bars.close, self.slow)}

    def targets(self, bars: Bars, f: Features) -> Targets:
        equal = np.where(f["fast"] == f["slow"], np.nan, 0.0)
        return np.where(f["fast"] > f["slow"], 1.0, equal)


def theirs(result: RunResult, fast: int, slow: int) -> pd.DataFrame:
    """The trades of backtesting.py on the same bars, deciding from the same bar on."""
    bars = result.market.bars
    frame = pd.DataFrame(
        {name.capitalize(): getattr(bars, name) for name in ("open", "high", "low", "close")},
        index=pd.to_datetime(bars.ts, unit="ms"),
    )
    averages = (sma(bars.close, fast), sma(bars.close, slow))

    class Cross(TheirStrategy):
        def init(self) -> None:
            self.fast = self.I(lambda: averages[0], name="fast")
            self.slow = self.I(lambda: averages[1], name="slow")

        def next(self) -> None:
            if not self.position and self.fast[-1] > self.slow[-1]:
                self.buy()
            elif self.position and self.fast[-1] < self.slow[-1]:
                self.position.close()

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        stats = Backtest(frame, Cross, cash=CASH, commission=FEE, finalize_trades=False).run()
    return stats["_trades"].sort_values("EntryBar").reset_index(drop=True)


def ours(shared_data: Path, name: str) -> RunResult:
    folder, fast, slow = CASES[name]
    request = DataRequest(data=str(shared_data / "data" / folder / f"{name}.parquet"))
    market = load_market(request, shared_data)
    settings = BacktestSettings(
        cash=CASH, fees="10bps", slippage_bps=0, execution="market", size_at="fill",
        participation=0, lot=1.0,
    )  # fmt: skip
    strategy = SmaCross(fast=fast, slow=slow)
    # backtesting.py decides for the first time one bar after its indicators are defined.
    return run_backtest(strategy, market, settings, start=int(market.bars.ts[slow]))


@pytest.mark.parametrize("name", CASES)
def test_every_trade_is_that_of_backtesting_py(shared_data: Path, name: str) -> None:
    result = ours(shared_data, name)
    _, fast, slow = CASES[name]
    expected = theirs(result, fast, slow)
    bars = result.market.bars
    trades = result.trades.closed()

    assert len(trades) >= 100
    assert len(trades) == len(expected)
    rows = np.searchsorted(bars.ts, trades.entry_ts)
    assert rows.tolist() == expected["EntryBar"].tolist()
    exits = np.searchsorted(bars.ts, trades.exit_ts)
    assert exits.tolist() == expected["ExitBar"].tolist()
    np.testing.assert_allclose(trades.entry_price, expected["EntryPrice"], rtol=0, atol=1e-9)
    np.testing.assert_allclose(trades.exit_price, expected["ExitPrice"], rtol=0, atol=1e-9)
    assert trades.quantity.tolist() == expected["Size"].tolist()


def test_at_least_two_hundred_trades_are_compared(shared_data: Path) -> None:
    assert sum(len(ours(shared_data, name).trades.closed()) for name in CASES) >= 200
