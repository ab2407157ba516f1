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


def test_finer_bars_of_other_prices_are_refused(tmp_path: Path) -> None:
    """Hours adjusted for a split of four to one, minutes as they were traded."""
    lake = Lake(a_lake(tmp_path, finer=True))
    hours = lake.read_bars("OKX:BTC/USDT", "1h")
    parts = {name: getattr(hours, name) / 4 for name in ("open", "high", "low", "close")}
    lake.write_bars(replace(hours, **parts))

    with pytest.raises(DataError, match="the 1m bars of OKX:BTC/USDT are of other prices"):
        market_for(REQUEST, FINER, tmp_path)


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


def test_the_finest_bars_that_all_instruments_have_are_taken(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    calendar = load_calendar("24/7")
    for symbol, frames in (("OKX:A/USDT", ("5m", "15m", "1h")), ("OKX:B/USDT", ("15m", "1h"))):
        minutes = random_bars(60 * 24 * 4, timeframe="1m", seed=len(frames), symbol=symbol)
        for frame in frames:
            lake.write_bars(resample(minutes, Timeframe.parse(frame), calendar).bars)
    both = replace(REQUEST, symbols=("OKX:B/USDT", "OKX:A/USDT"))

    market = market_for(both, FINER, tmp_path)

    assert market.finer is not None
    assert str(market.finer.timeframe) == "15m"
    assert market.finer.symbols == market.bars.symbols
    assert len(market.finer) == 4 * len(market.bars)
    alone = market_for(replace(REQUEST, symbols=("OKX:A/USDT",)), FINER, tmp_path)
    assert alone.finer is not None
    assert str(alone.finer.timeframe) == "5m"


def test_only_finer_bars_of_the_run_are_taken_and_they_are_part_of_its_identity(
    tmp_path: Path,
) -> None:
    lake = a_lake(tmp_path, finer=True)
    cut = replace(REQUEST, end="2024-01-11")

    market = market_for(cut, FINER, lake)
    coarse = market_for(cut, replace(FINER, path="worst"), lake)

    assert market.finer is not None
    assert (market.finer.ts[0], market.finer.ts[-1]) == (
        market.bars.ts[0], market.bars.ts[-1] + 59 * 60_000,
    )  # fmt: skip
    assert coarse.finer is None
    assert market.provenance.data_hash != coarse.provenance.data_hash
    assert market.provenance.data_hash == market_for(cut, FINER, lake).provenance.data_hash


def test_a_bar_without_all_its_finer_bars_falls_back_to_the_worst_path_and_is_counted(
    tmp_path: Path,
) -> None:
    lake = a_lake(tmp_path, finer=True)
    market = market_for(REQUEST, FINER, lake)
    assert market.finer is not None
    keep = np.ones(len(market.finer), dtype=np.bool_)
    keep[[60 * 5 + 7, 60 * 9, 60 * 9 + 1]] = False  # one minute of an hour, two of another

    result = run_backtest(Bracketed(), replace(market, finer=market.finer.take(keep)), FINER)

    assert result.simulation.counters["finer_fallback"] == 2
