"""Backtests, sweeps and portfolios through the functions that the commands call.

python -m benchmarks.bench_simulator WORK [--rows N] [--sets N] [--repeats N]

Prints one JSON object: seconds of the fastest run, and what shows that the work was done.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from algotrader import Bars, Features, Strategy, Targets, param
from algotrader.backtest.evaluate import Evaluator
from algotrader.backtest.full_result import run_full_backtest
from algotrader.backtest.loading import DataRequest, frame_market
from algotrader.backtest.main_metrics import main_metrics
from algotrader.backtest.market import Market
from algotrader.backtest.run import RunResult, run_backtest
from algotrader.backtest.settings import BacktestSettings
from algotrader.backtest.space import SearchSpace
from algotrader.backtest.sweep import (
    MEMO_BYTES,
    SETS_A_PART,
    SweepPlan,
    evaluate_part,
    plan_sweep,
    run_sweep,
)
from algotrader.execution.simulated import simulate
from algotrader.execution.simulation import Panel, SimulatedInstrument, SimulationSettings
from algotrader.features import ema
from algotrader.features.memo import memoised
from algotrader.risk.settings import RiskSettings
from algotrader.strategy.context import Context
from algotrader.strategy.loader import LoadedStrategy
from benchmarks.series import START, closes, walk, weights

DAY_MS = 86_400_000
SETTINGS = BacktestSettings(fees="10bps")
Figures = dict[str, Any]


class Averages(Strategy):
    """Two averages; the rule that the peers follow too."""

    fast: int = param(20, low=2, high=200)
    slow: int = param(100, low=2, high=2_000)

    def features(self, bars: Bars) -> Features:
        return {"fast": ema(bars.close, self.fast), "slow": ema(bars.close, self.slow)}


class CrossingByBar(Averages):
    """Orders at each crossing, and every fill heard of."""

    def on_bar(self, ctx: Context) -> None:
        if ctx.crossed_above("fast", "slow"):
            ctx.buy(weight=0.9)
        elif ctx.crossed_below("fast", "slow"):
            ctx.close()

    def on_fill(self, ctx: Context, fill: object) -> None:
        ctx.state["fills"] = ctx.state.get("fills", 0) + 1


class Crossing(Averages):
    def targets(self, bars: Bars, f: Features) -> Targets:
        return np.where(f["fast"] > f["slow"], 1.0, 0.0)


class CrossingStopped(Crossing):
    """With a stop and a target inside the bar."""

    stop_loss = 0.02
    take_profit = 0.06


def market(rows: int, timeframe: str, step_ms: int) -> Market:
    """The walk as a market: OKX spot."""
    b = walk(rows)
    frame = pl.DataFrame(
        {"ts": START + step_ms * np.arange(rows), "open": b.open_, "high": b.high}
        | {"low": b.low, "close": b.close, "volume": b.volume}
    )
    return frame_market(frame, DataRequest(symbols=("OKX:BTC/USDT",), timeframe=timeframe))


def fastest(work: Callable[[], object], repeats: int) -> float:
    times = []
    for _ in range(repeats):
        begun = time.perf_counter()
        work()
        times.append(time.perf_counter() - begun)
    return min(times)


def event(rows: int, _sets: int, repeats: int) -> Figures:
    """One `on_bar` strategy over minutes, from features to equity and fills."""
    traded = market(rows, "1m", 60_000)
    done = run_backtest(CrossingByBar(), traded, SETTINGS)
    seconds = fastest(lambda: run_backtest(CrossingByBar(), traded, SETTINGS), repeats)
    return {"seconds": seconds, "trades": len(done.trades.closed())}


def full_of(kind: type[Strategy]) -> Callable[[int, int, int], Figures]:
    """The same through the live engine: gate, order life, Decimal books, paper venue."""

    def full(rows: int, _sets: int, repeats: int) -> Figures:
        traded = market(rows, "1h", 3_600_000)

        def run() -> RunResult:
            return run_full_backtest(kind(), traded, SETTINGS, RiskSettings())

        trades = len(run().trades.closed())
        return {"seconds": fastest(run, repeats), "trades": trades}

    return full


def grid(kind: type[Strategy], sets: int, traded: Market) -> SweepPlan:
    """`sets` pairs of averages, forty slow ones for each fast one; TrendFollow's own ranges."""
    slow = tuple(range(90, 490, 10))[:sets]
    fast = tuple(range(6, 6 + 3 * -(-sets // len(slow)), 3))
    space = SearchSpace(values={"fast": fast, "slow": slow}, fixed={})
    loaded = LoadedStrategy(kind=kind, origin=__name__, source="", source_hash="")
    return plan_sweep(loaded, space, traded, SETTINGS, request=DataRequest(), count=sets)


def evaluate_all(plan: SweepPlan, traded: Market) -> int:
    """Return, Sharpe, drawdown and trades of every set; gives the number of trades.

    The metrics are those of `main_metrics`, as in a sweep, over the sets of a part at a time.
    """
    evaluator = Evaluator(plan.loaded.kind, traded, SETTINGS, plan.first)
    returns = np.empty((SETS_A_PART, evaluator.days.size))
    trades = 0
    with memoised(MEMO_BYTES):
        for start in range(0, len(plan.sets), SETS_A_PART):
            sets = plan.sets[start : start + SETS_A_PART]
            part = evaluate_part(evaluator, sets, returns)
            failures = [done.failure for done in part if done.failure is not None]
            if failures:
                raise ValueError(failures[0])
            metrics = main_metrics(returns[: len(part)], traded.periods_per_year, threads=1)
            _ = [metrics[name] for name in ("total_return", "sharpe", "max_drawdown")]
            trades += sum(done.trades for done in part)
    return trades


def sweep_of(kind: type[Strategy]) -> Callable[[int, int, int], Figures]:
    def sweep(rows: int, sets: int, repeats: int) -> Figures:
        traded = market(rows, "1h", 3_600_000)
        plan = grid(kind, sets, traded)
        found = {"trades": evaluate_all(plan, traded)}
        return found | {"seconds": fastest(lambda: evaluate_all(plan, traded), repeats)}

    return sweep


def sweep_metrics(rows: int, sets: int, repeats: int) -> Figures:
    """The whole of `algotrader sweep` on one core: all metrics, parts written to disk."""
    traded = market(rows, "1h", 3_600_000)
    plan = grid(Crossing, sets, traded)

    def once() -> float:
        with tempfile.TemporaryDirectory() as folder:
            return fastest(lambda: run_sweep(plan, traded, Path(folder), workers=1), 1)

    return {"seconds": min(once() for _ in range(repeats))}


def portfolio(rows: int, columns: int, every: int, repeats: int) -> Figures:
    """Target weights of a panel: whole shares, fees, no more bought than there is cash for."""
    close = closes(rows, columns)
    opened = np.vstack((close[:1], close[:-1]))
    panel = Panel(
        ts=START + DAY_MS * np.arange(rows),
        timeframe_ms=DAY_MS,
        open=opened,
        high=np.maximum(opened, close) * 1.001,
        low=np.minimum(opened, close) * 0.999,
        close=close,
        volume=np.full(close.shape, 1e6),
    )
    shares = [
        SimulatedInstrument(symbol=f"S{column:03d}", lot=1.0, tick=0.01, taker_fee=5e-4)
        for column in range(columns)
    ]
    settings, wanted = SimulationSettings(cash=1e6), weights(rows, columns, every)
    done = simulate(panel, shares, settings, targets=wanted)
    seconds = fastest(lambda: simulate(panel, shares, settings, targets=wanted), repeats)
    return {"seconds": seconds, "fills": done.fills.row.size, "equity": float(done.equity[-1])}


WORKS: dict[str, Callable[[int, int, int], Figures]] = {
    "event": event,
    "full": full_of(Crossing),
    "full-on-bar": full_of(CrossingByBar),
    "sweep": sweep_of(Crossing),
    "sweep-metrics": sweep_metrics,
    "sweep-stops": sweep_of(CrossingStopped),
    "sweep-on-bar": sweep_of(CrossingByBar),
    "portfolio-monthly": lambda rows, sets, repeats: portfolio(rows, sets, 21, repeats),
    "portfolio-daily": lambda rows, sets, repeats: portfolio(rows, sets, 1, repeats),
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("work", choices=WORKS)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--sets", type=int, default=1_000, help="sets, or instruments")
    parser.add_argument("--repeats", type=int, default=3)
    asked = parser.parse_args()
    print(json.dumps(WORKS[asked.work](asked.rows, asked.sets, asked.repeats)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
