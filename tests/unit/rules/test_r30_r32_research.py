"""R30: walk-forward. R31: trials and what luck makes of them. R32: trades."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.builders.markets import START_MS
from tests.builders.research import FREE, a_market, a_plan, from_class
from tests.builders.small_market import buy, market, sell, settings, spot

from algotrader.backtest.market import Market
from algotrader.backtest.overfitting import expected_max_sharpe
from algotrader.backtest.sweep import run_sweep
from algotrader.backtest.trade_list import trades_of
from algotrader.backtest.trade_metrics import win_rate
from algotrader.backtest.trial_statistics import luck, trial_statistics
from algotrader.backtest.trials import Trial, TrialLedger
from algotrader.backtest.walkforward import WalkForward, Windows, walk_forward
from algotrader.core.bars import Bars
from algotrader.core.symbols import Symbol
from algotrader.core.timeframes import DAY_MS, Timeframe
from algotrader.execution.simulated import simulate
from algotrader.execution.simulation import InstrumentKind
from algotrader.strategy.base import Features, Strategy, Targets
from algotrader.strategy.parameters import param


def daily(closes: list[float]) -> Market:
    """Bars that open at the close before."""
    close = np.array(closes, dtype=np.float64)
    opening = np.concatenate([close[:1], close[:-1]])
    ts = START_MS + DAY_MS * np.arange(len(closes), dtype=np.int64)
    bars = Bars(
        ts=ts,
        open=opening,
        high=np.maximum(opening, close),
        low=np.minimum(opening, close),
        close=close,
        volume=np.full(len(closes), 1e9),
        known_at=ts + DAY_MS,
        timeframe=Timeframe.parse("1d"),
        symbols=(Symbol.parse("OKX:BTC/USDT"),),
        session=ts // DAY_MS,
    )
    return a_market(bars)


class Early(Strategy):
    """Set 1 holds everything until row 25; set 2 holds half from row 18 on."""

    which: int = param(1, low=1, high=2, step=1)

    def targets(self, bars: Bars, f: Features) -> Targets:
        rows = np.arange(len(bars))
        if self.which == 1:
            return np.where(rows < 25, 1.0, 0.0)
        return np.where(rows >= 18, 0.5, 0.0)


# Rows 0 to 19 go up 2 and down 1.9, and end at 100 (row 20 opens and closes there), then the
# price rises by 1 a day to 104 and by 6 to 110 at row 25.
SAW = [100.0 - 0.1 * (10 - (row + 1) // 2) + 2.0 * (row % 2 == 0) for row in range(20)]
CLOSES = [*SAW[:19], 100.0, 100.0, 101.0, 102.0, 103.0, 104.0, 110.0, 110.0, 111.0, 112.0, 113.0]


def walked(folder: Path) -> WalkForward:
    plan = a_plan(from_class(Early), daily(CLOSES), settings=FREE)
    sweep = run_sweep(plan, daily(CLOSES), folder, workers=1)
    return walk_forward(sweep, Windows(train_days=20, test_days=5))


def test_r30_the_segments_out_of_sample_are_one_account(tmp_path: Path) -> None:
    # R30: trained on days 0 to 19, where set 2 only loses the last one, set 1 is chosen: at its
    # first decision, row 20, it wants all of 10,000 at 100: 100 bought at the open of row 21. On
    # days 5 to 24 set 2 had the steady days alone and is chosen. Position and cash carry over to
    # row 25, whose close of 110 makes 11,000: set 2 wants half, 50, and sells the difference of 50
    # at the open of row 26 at 110. Nothing is sold and bought again; 5,500 are cash from then on.
    result = walked(tmp_path)

    chosen = [result.sweep.plan.sets[fold.chosen]["which"] for fold in result.folds]
    fills = result.run.simulation.fills
    assert chosen == [1, 2]
    assert [fold.test for fold in result.folds] == [range(20, 25), range(25, 30)]
    assert fills.row.tolist() == [21, 26]
    assert fills.quantity == pytest.approx([100.0, -50.0])
    assert fills.price == pytest.approx([100.0, 110.0])
    assert result.run.simulation.cash[-1] == pytest.approx(5_500.0)
    assert result.run.simulation.equity[-1] == pytest.approx(5_500.0 + 50 * 113)


TRIAL = Trial(
    family="Early",
    source_hash="a",
    parameters={"which": 1},
    instruments=("OKX:BTC/USDT", "1d"),
    start_ms=0,
    end_ms=100 * DAY_MS,
    sharpe=0.1,
)


def test_r31_distinct_sets_are_trials_and_repetitions_are_not(tmp_path: Path) -> None:
    # R31: two sets are 2 trials; the first again adds none; a failed one and a changed source
    # count: 4. Another family's trial and one on days 100 to 200 are not among them.
    ledger = TrialLedger(tmp_path / "trials.sqlite")
    later = {"start_ms": 100 * DAY_MS, "end_ms": 200 * DAY_MS, "parameters": {"which": 9}}
    for one in (
        TRIAL,
        replace(TRIAL, parameters={"which": 2}),
        TRIAL,
        replace(TRIAL, parameters={"which": 3}, sharpe=None),
        replace(TRIAL, source_hash="b"),
        replace(TRIAL, family="Later"),
        replace(TRIAL, **later),  # type: ignore[arg-type]
    ):
        ledger.record([one])

    assert len(ledger.comparable("Early", TRIAL.instruments, 0, 100 * DAY_MS)) == 4


def test_r31_luck_is_the_best_of_the_trials_by_the_variance_of_their_ratios() -> None:
    # R31: 10 trials, variance 0.0004 per observation, so a deviation of 0.02:
    # Z(1 - 1/10) = 1.281552, Z(1 - 1/(10 e)) = 1.789242, Euler's constant 0.577216:
    # 0.02 * (0.422784 * 1.281552 + 0.577216 * 1.789242) = 0.02 * 1.574598 = 0.031492
    assert expected_max_sharpe(10, 0.0004) == pytest.approx(0.031492, abs=5e-7)


def test_r31_the_effective_number_counts_bets() -> None:
    # R31: two sets earn +1 %, -1 % in turn, the second twice as much: one bet. The third earns
    # in pairs of days, uncorrelated with them: a second. The fourth failed: a trial, and no bet.
    turns = np.tile([0.01, -0.01, 0.01, -0.01], 25) + 0.001
    pairs = np.tile([0.01, 0.01, -0.01, -0.01], 25) + 0.002

    found = trial_statistics([turns, 2 * turns, pairs, None])

    # Sharpe ratios: 0.001 / s, the same, 0.002 / s with s = 0.01 * sqrt(100 / 99); their variance
    # is (1/3) * (0.001 / s)^2, that of the two bets (1/2) * (0.001 / s)^2
    s_squared = 1e-4 * 100 / 99
    assert (found.n_trials, found.effective_trials) == (4, 2)
    assert found.sharpe_variance == pytest.approx(1e-6 / s_squared / 3)
    assert found.effective_variance == pytest.approx(1e-6 / s_squared / 2)
    assert luck(found, observations=100).n_trials == 4


def test_r32_a_trade_runs_flat_to_flat_or_to_a_flip_and_the_open_one_is_apart() -> None:
    # R32: 2 bought at 100 and 2 at 110: average 105. 1 sold at 120, then 5 at 108: 3 of them close
    # the trade, at (120 + 3 * 108) / 4 = 111, profit 4 * 6 = 24; 2 open a short at 108, marked
    # at the last close of 112: -8, in no win rate. Lot by lot: 100 -> 120 and 108, 110 -> 108
    # twice: 20 + 8 - 4 = 24.
    panel = market([(100,) * 4, (100,) * 4, (110,) * 4, (120,) * 4, (108, 112, 108, 112)])
    items = [spot(kind=InstrumentKind.LINEAR, leverage=10.0)]
    script = {0: [buy(2)], 1: [buy(2)], 2: [sell(1)], 3: [sell(5)]}
    result = simulate(panel, items, settings(), script=script)

    trades = trades_of(panel, items, settings(), result)
    assert trades.side.tolist() == [1, -1]
    assert trades.entry_price == pytest.approx([105.0, 108.0])
    assert trades.exit_price == pytest.approx([111.0, 112.0])
    assert trades.profit == pytest.approx([24.0, -8.0])
    assert trades.is_open.tolist() == [False, True]
    assert len(trades.closed()) == 1
    assert win_rate(trades) == 1.0

    lots = trades_of(panel, items, settings(), result, fifo=True).closed()
    assert lots.profit == pytest.approx([20.0, 8.0, -4.0])
    assert win_rate(lots) == pytest.approx(2 / 3)
