"""The full driver (engine, gate, order life, ledger, paper venue) against the kernel alone (P16)."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest

from algotrader.backtest.full import FullRun, run_full
from algotrader.backtest.loading import DataRequest, load_market
from algotrader.backtest.run import RunResult, run_backtest
from algotrader.backtest.settings import BacktestSettings
from algotrader.core.events import BarClosed, OrderDenied, OrderFilled, OrderSubmitted
from algotrader.core.instants import utc_ms
from algotrader.core.ports import SystemClock
from algotrader.data import generator
from algotrader.data.lake import Lake
from algotrader.risk.settings import InstrumentLimits, RiskSettings
from algotrader.strategy.base import Strategy
from algotrader.strategy.library.momentum import CrossSectionalMomentum
from algotrader.strategy.library.multi_factor import MultiFactor
from algotrader.strategy.library.trend import TrendFollow


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("lake")
    generator.write_generated(Lake(folder), generator.generate(2_000, 7), SystemClock())
    return folder


def both(strategy: Strategy, request: DataRequest, lake: Path) -> tuple[RunResult, FullRun]:
    market = load_market(request, lake)
    settings = BacktestSettings()
    return run_backtest(strategy, market, settings), run_full(strategy, market, settings)


def fills_of(run: FullRun) -> list[tuple[int, Decimal, Decimal]]:
    fills = [event.fill for event in run.events if isinstance(event, OrderFilled)]
    return [(utc_ms(fill.filled_at), fill.signed_quantity, fill.price) for fill in fills]


@pytest.mark.parametrize(
    ("strategy", "request_"),
    [
        (TrendFollow(), DataRequest(symbols=("SIM:BTC/USDT",), timeframe="1h")),
        (TrendFollow(), DataRequest(symbols=("SIM:BTC/USDT:USDT",), timeframe="1h")),
        (MultiFactor(), DataRequest(data="sample:20names", end="2020-01-01")),
        (CrossSectionalMomentum(), DataRequest(data="sample:20names", end="2020-01-01")),
    ],
    ids=["spot", "perpetual", "multi-factor", "momentum"],
)
def test_every_fill_and_the_books_are_the_kernels(
    strategy: Strategy, request_: DataRequest, lake: Path
) -> None:
    fast, full = both(strategy, request_, lake)
    fills = fast.simulation.fills

    told = fills_of(full)
    assert len(told) == len(fills.row) > 10
    assert [ts for ts, _, _ in told] == list(fast.market.bars.ts[fills.row])
    np.testing.assert_allclose([float(q) for _, q, _ in told], fills.quantity, rtol=1e-12)
    np.testing.assert_allclose([float(p) for _, _, p in told], fills.price, rtol=1e-12)
    book = full.engine.state.books
    assert float(book[next(iter(book))].whole.cash()) == pytest.approx(
        float(fast.simulation.cash[-1]), abs=1e-6
    )


def test_the_books_equal_the_kernels_after_every_bar_of_spot(lake: Path) -> None:
    fast, full = both(TrendFollow(), DataRequest(symbols=("SIM:BTC/USDT",), timeframe="1h"), lake)

    np.testing.assert_allclose(
        [float(equity) for equity in full.equity], fast.simulation.equity, rtol=1e-12
    )


def test_a_limit_of_the_gate_cuts_targets_that_the_kernel_alone_would_not(lake: Path) -> None:
    market = load_market(DataRequest(symbols=("SIM:BTC/USDT",), timeframe="1h"), lake)
    risk = RiskSettings(instrument=InstrumentLimits(max_notional=Decimal(2_000)))

    limited = run_full(TrendFollow(), market, BacktestSettings(), risk=risk)

    orders = [event.order for event in limited.events if isinstance(event, OrderSubmitted)]
    first = orders[0]
    bar = next(
        b
        for b in limited.events
        if isinstance(b, BarClosed) and b.ts_known == utc_ms(first.intent.decided_at)
    )
    assert first.quantity < first.intent.terms.quantity
    assert 1_900 < float(first.quantity) * bar.close <= 2_000
    denied = [event for event in limited.events if isinstance(event, OrderDenied)]
    assert {reason.rule for event in denied for reason in event.reasons} == {"max_notional"}
