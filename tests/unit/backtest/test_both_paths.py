"""What hangs on the order of prices inside a bar is counted and shown both ways (promise 4)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.builders.markets import START_MS
from tests.builders.research import a_market, from_class

from algotrader.backtest.complete import Completed, complete_run
from algotrader.backtest.loading import DataRequest
from algotrader.backtest.settings import BacktestSettings
from algotrader.backtest.workspace import Workspace
from algotrader.core.bars import Bars
from algotrader.core.symbols import Symbol
from algotrader.core.timeframes import HOUR_MS, Timeframe
from algotrader.strategy.base import Strategy

FLAT = (100.0, 101.0, 99.0, 100.0)
WIDE = (100.0, 108.0, 95.0, 101.0)  # of open, high, low, close: reaches 96 and 104


class Guarded(Strategy):
    """Half of the equity once, with a stop and a target four percent away."""

    def on_bar(self, ctx: Any) -> None:
        if ctx.index == 0:
            ctx.buy(weight=0.5, stop_loss=0.04, take_profit=0.04)


def completed(folder: Path, second: tuple[float, ...]) -> Completed:
    prices = np.array([FLAT, FLAT, second, FLAT, FLAT])
    ts = START_MS + HOUR_MS * np.arange(len(prices), dtype=np.int64)
    bars = Bars(
        ts=ts, known_at=ts + HOUR_MS, open=prices[:, 0], high=prices[:, 1], low=prices[:, 2],
        close=prices[:, 3], volume=np.full(len(prices), 1e6), timeframe=Timeframe.parse("1h"),
        symbols=(Symbol.parse("OKX:BTC/USDT"),),
    )  # fmt: skip
    return complete_run(
        from_class(Guarded), Guarded(), DataRequest(),
        BacktestSettings(cash=10_000.0, slippage_bps=0.0, fees="0"),
        Workspace(lake=folder / "lake", runs=folder / "runs"), market=a_market(bars, fee="0"),
    )  # fmt: skip


def test_promise_4_a_trade_that_hangs_on_the_path_is_counted_and_shown_both_ways(
    tmp_path: Path,
) -> None:
    done = completed(tmp_path, WIDE)
    page = (done.folder / "report.html").read_text()

    # 50 bought at 100, sold at 96 under the worst path and at 104 under the best one.
    assert done.paths is not None
    assert (done.paths.worst, done.paths.best) == pytest.approx((-200.0, 200.0))
    assert int(done.result.trades.ambiguous.sum()) == 1
    assert done.result.curve.equity[-1] == pytest.approx(9_800.0)
    assert "−200" in page
    assert "+200" in page


def test_a_run_in_which_no_path_matters_is_shown_once(tmp_path: Path) -> None:
    done = completed(tmp_path, (100.0, 103.0, 95.0, 96.0))

    assert done.paths is None
    assert not done.result.trades.ambiguous.any()
