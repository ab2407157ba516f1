"""`--path finer` reads the finer bars that the lake has (R17)."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.builders.markets import random_bars

from algotrader.backtest.finer import market_for
from algotrader.backtest.loading import DataRequest
from algotrader.backtest.run import run_backtest
from algotrader.backtest.settings import BacktestSettings
from algotrader.core.bars import Bars
from algotrader.core.calendars import load_calendar
from algotrader.core.errors import DataError
from algotrader.core.timeframes import Timeframe
from algotrader.data.lake import Lake
from algotrader.data.resample import resample
from algotrader.strategy.base import Features, Strategy, Targets


class Bracketed(Strategy):
    stop_loss = 0.01
    take_profit = 0.01
    reenter_after = 1

    def features(self, bars: Bars) -> Features:
        return {}

    def targets(self, bars: Bars, f: Features) -> Targets:
        return np.ones(len(bars))


REQUEST = DataRequest(symbols=("OKX:BTC/USDT",), timeframe="1h")
FINER = BacktestSettings(path="finer", participation=0)


def a_lake(folder: Path, *, finer: bool) -> Path:
    minutes = random_bars(60 * 24 * 20, timeframe="1m", seed=3)
    minutes = replace(
        minutes,
        close=np.round(minutes.close, 6),
        open=np.round(minutes.open, 6),
        high=np.round(minutes.high, 6) + 1e-6,
        low=np.round(minutes.low, 6) - 1e-6,
    )
    lake = Lake(folder)
    lake.write_bars(resample(minutes, Timeframe.parse("1h"), load_calendar("24/7")).bars)
    if finer:
        lake.write_bars(minutes)
    return folder


def test_finer_bars_decide_between_stop_and_target(tmp_path: Path) -> None:
    lake = a_lake(tmp_path, finer=True)
    market = market_for(REQUEST, FINER, lake)

    finer = run_backtest(Bracketed(), market, FINER)
    worst = run_backtest(Bracketed(), market, replace(FINER, path="worst"))
    best = run_backtest(Bracketed(), market, replace(FINER, path="best"))

    assert market.finer is not None
    assert len(market.finer) == 60 * len(market.bars)
    assert finer.simulation.counters["finer_fallback"] == 0
    assert worst.curve.equity[-1] < finer.curve.equity[-1] < best.curve.equity[-1]


def test_without_finer_bars_the_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="needs bars finer than 1h"):
        market_for(REQUEST, FINER, a_lake(tmp_path, finer=False))
