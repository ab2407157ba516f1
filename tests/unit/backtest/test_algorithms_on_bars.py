"""Execution algorithms in the full driver: slices trade at the opens that follow them (R13)."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pytest
from tests.builders.both_drivers import HOUR, random_market, spot

from algotrader.backtest.assumptions import assumptions_of
from algotrader.backtest.full import FullRun, run_full
from algotrader.backtest.full_result import run_full_backtest
from algotrader.backtest.remarks import warnings_of
from algotrader.backtest.run import RunResult, run_backtest
from algotrader.backtest.settings import BacktestSettings, ExecutionName
from algotrader.core.bars import Bars
from algotrader.core.errors import UsageError
from algotrader.core.events import OrderFilled, OrderSubmitted, StopTriggered, WorkEnded
from algotrader.core.orders import PROTECTIVE, Purpose
from algotrader.engine.settings import Algorithm, AlgorithmKind
from algotrader.risk.settings import RiskSettings
from algotrader.strategy.base import Features, Strategy, Targets

TWAP = Algorithm(kind=AlgorithmKind.TWAP, over_ms=4 * HOUR, slices=4)
CHASE = Algorithm(kind=AlgorithmKind.CHASE, over_ms=3 * HOUR)


class Half(Strategy):
    """Half of the equity, once, until the end."""

    def features(self, bars: Bars) -> Features:
        return {"close": bars.close}

    def targets(self, bars: Bars, f: Features) -> Targets:
        return np.full(len(f["close"]), 0.5)


class Guarded(Half):
    stop_loss = 0.005


def run(strategy: Strategy, algorithm: Algorithm, seed: int = 3) -> tuple[FullRun, Bars]:
    market = random_market((spot("BTC", slippage_bps=0),), 60, seed, step=0.001, gap=0.0002)
    full = run_full(strategy, market, BacktestSettings(), algorithm=algorithm)
    return full, market.bars


def test_twap_buys_a_quarter_at_each_of_four_opens() -> None:
    full, bars = run(Half(), TWAP)
    fills = [one.fill for one in full.events if isinstance(one, OrderFilled)]
    whole = sum((fill.quantity for fill in fills), Decimal(0))

    assert [float(fill.price) for fill in fills] == list(bars.open[1:5])
    assert all(abs(fill.quantity - whole / 4) < Decimal("0.001") for fill in fills)
    ended = [one for one in full.events if isinstance(one, WorkEnded)]
    assert [(one.filled, one.left) for one in ended] == [(whole, 0)]


def test_a_chase_rests_as_maker_at_the_close_or_takes_the_rest_at_the_cap() -> None:
    for seed in range(5):
        full, bars = run(Half(), CHASE, seed)
        sent = [one.order for one in full.events if isinstance(one, OrderSubmitted)]
        first = sent[0]
        assert first.intent.purpose is Purpose.SLICE
        assert first.terms.post_only
        assert first.terms.limit == Decimal(str(bars.close[0]))
        fills = [one.fill for one in full.events if isinstance(one, OrderFilled)]
        assert sum(fill.quantity for fill in fills) == first.quantity


def test_what_a_slice_bought_is_guarded_and_an_exit_ends_the_work() -> None:
    exits = 0
    for seed in range(12):
        full, _ = run(Guarded(), TWAP, seed)
        sent = [one.order for one in full.events if isinstance(one, OrderSubmitted)]
        guards = [one for one in sent if one.intent.purpose in PROTECTIVE]
        assert guards
        assert all(one.terms.reduce_only for one in guards)
        at = next((k for k, one in enumerate(full.events) if isinstance(one, StopTriggered)), None)
        if at is not None:
            exits += 1
            later = full.events[at:]
            assert not any(
                isinstance(one, OrderSubmitted) and one.order.intent.purpose is Purpose.SLICE
                for one in later
            )
    assert exits > 3


@pytest.mark.parametrize("name", ["twap", "chase"])
def test_work_that_ends_inside_a_bar_fills_as_capped_orders_do_and_that_is_said(
    name: ExecutionName,
) -> None:
    market = random_market((spot("BTC", slippage_bps=0),), 60, 3, step=0.001, gap=0.0002)
    worked = run_full_backtest(
        Half(), market, BacktestSettings(execution=name, work_for=HOUR // 6), RiskSettings()
    )
    capped = run_full_backtest(Half(), market, BacktestSettings(execution="capped"), RiskSettings())

    assert worked.simulation.fills.price.tolist()[0] == capped.simulation.fills.price.tolist()[0]
    assert worked.simulation.position[-1] == pytest.approx(capped.simulation.position[-1], abs=1e-8)
    assert [one.code for one in warnings_of(worked)].count("coarse_bars") == 1
    assert "no bar ends before it does" in fill_text(worked)


@pytest.mark.parametrize(
    ("settings", "text", "is_coarse"),
    [
        (BacktestSettings(execution="twap", work_for=4 * HOUR, slices=4),
         "twap over 4 h in 4 slices, 1.0 a bar", False),
        (BacktestSettings(execution="twap", work_for=4 * HOUR, slices=10),
         "twap over 4 h in 10 slices, 2.5 a bar", True),
        (BacktestSettings(execution="chase", work_for=4 * HOUR), "chase over 4 h: rests", False),
    ],
)  # fmt: skip
def test_a_report_says_how_many_slices_a_bar_stands_for(
    settings: BacktestSettings, text: str, is_coarse: bool
) -> None:
    market = random_market((spot("BTC", slippage_bps=0),), 20, 3, step=0.001, gap=0.0002)
    result = run_full_backtest(Half(), market, settings, RiskSettings())

    assert text in fill_text(result)
    assert any(one.code == "coarse_bars" for one in warnings_of(result)) is is_coarse


def fill_text(result: RunResult) -> str:
    return next(one.en for one in assumptions_of(result) if one.code == "fill")


def test_the_fast_driver_refuses_what_takes_time() -> None:
    market = random_market((spot("BTC", slippage_bps=0),), 20, 3, step=0.001, gap=0.0002)

    with pytest.raises(UsageError, match="which the fast driver cannot"):
        run_backtest(Half(), market, BacktestSettings(execution="twap"))
