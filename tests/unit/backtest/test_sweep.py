"""Sweeps: the same table however it was made, and every set like a run of its own."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.builders.markets import random_bars
from tests.builders.research import TREND_SOURCE, Hold, a_market, a_plan, from_class, from_file

from algotrader.backtest import sweep as module
from algotrader.backtest.run import run_backtest
from algotrader.backtest.sweep import SweepResult, results_frame, run_sweep
from algotrader.core.bars import Bars
from algotrader.core.errors import RunError, StrategyError, UsageError
from algotrader.strategy.base import Features, Strategy, Targets
from algotrader.strategy.loader import LoadedStrategy
from algotrader.strategy.parameters import param

MARKET = a_market(random_bars(900))


def same(a: SweepResult, b: SweepResult) -> bool:
    return (
        a.returns.tobytes() == b.returns.tobytes()
        and a.metrics.keys() == b.metrics.keys()
        and all(a.metrics[name].tobytes() == b.metrics[name].tobytes() for name in a.metrics)
        and [r.failure for r in a.results] == [r.failure for r in b.results]
    )


@pytest.mark.parametrize("name", ["Cross", "CrossByBar"])
def test_a_set_of_a_sweep_is_a_run_of_its_own(tmp_path: Path, name: str) -> None:
    loaded = from_file(tmp_path, name)
    plan = a_plan(loaded, MARKET)
    result = run_sweep(plan, MARKET, tmp_path / "sweep", workers=1)

    for row in (0, 17, len(plan.sets) - 1):
        run = run_backtest(
            loaded.kind(**plan.sets[row]),
            MARKET,
            plan.settings,
            start=int(MARKET.bars.ts[plan.first]),
        )
        assert result.results[row].final_equity == run.curve.equity[-1]
        assert result.results[row].trades == len(run.trades.closed())
        assert np.array_equal(result.returns[row], run.daily.returns)
        assert result.metrics["sharpe"][row] == pytest.approx(run.summary.values["sharpe"])
        assert result.metrics["fees"][row] == pytest.approx(run.costs.fees)


def test_both_ways_to_decide_sweep_to_the_same_equity(tmp_path: Path) -> None:
    by_targets, by_bar = from_file(tmp_path), from_file(tmp_path, "CrossByBar")
    first = run_sweep(a_plan(by_targets, MARKET), MARKET, tmp_path / "a", workers=1)
    second = run_sweep(a_plan(by_bar, MARKET), MARKET, tmp_path / "b", workers=1)

    assert np.allclose(
        first.metrics["final_equity"], second.metrics["final_equity"], rtol=1e-9, atol=0
    )


def test_worker_processes_give_the_same_bits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = a_plan(from_file(tmp_path), MARKET, fast="2:11:1", slow="15:29:1")
    alone = run_sweep(plan, MARKET, tmp_path / "alone", workers=1)
    monkeypatch.setattr(module, "_INLINE_WORK", 0)
    seen: list[tuple[int, int]] = []
    together = run_sweep(
        plan, MARKET, tmp_path / "two", workers=2, progress=lambda *at: seen.append(at)
    )

    assert same(alone, together)
    assert seen == [(0, 150), (50, 150), (100, 150), (150, 150)]


def test_promise_21_a_killed_worker_leaves_the_finished_parts_and_the_next_start_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    killer = TREND_SOURCE.replace(
        "    def features(self, bars):",
        "    def features(self, bars):\n"
        f"        import os, pathlib\n"
        f"        flag = pathlib.Path({str(tmp_path)!r}) / 'armed'\n"
        "        if self.slow == 29 and flag.exists():\n"
        "            os._exit(9)\n",
        1,
    )
    plan = a_plan(from_file(tmp_path, source=killer), MARKET, fast="2:11:1", slow="15:29:1")
    plan = replace(plan, sets=tuple(sorted(plan.sets, key=lambda one: one["slow"])))
    whole = run_sweep(plan, MARKET, tmp_path / "whole", workers=1)
    (tmp_path / "armed").write_text("")
    monkeypatch.setattr(module, "_INLINE_WORK", 0)

    with pytest.raises(RunError, match="a worker process was killed") as told:
        run_sweep(plan, MARKET, tmp_path / "sweep", workers=1 + 1)
    assert told.value.exit_code == 3
    (tmp_path / "armed").unlink()

    assert same(run_sweep(plan, MARKET, tmp_path / "sweep", workers=1), whole)


def test_a_lost_or_damaged_part_is_evaluated_again(tmp_path: Path) -> None:
    plan = a_plan(from_file(tmp_path), MARKET, fast="2:11:1", slow="15:29:1")
    whole = run_sweep(plan, MARKET, tmp_path, workers=1)
    parts = sorted((tmp_path / "parts").glob("*.npz"))
    assert [part.name for part in parts] == ["000000.npz", "000050.npz", "000100.npz"]
    kept = parts[2].stat().st_mtime_ns
    parts[0].unlink()
    os.truncate(parts[1], 200)

    assert same(run_sweep(plan, MARKET, tmp_path, workers=1), whole)
    assert parts[2].stat().st_mtime_ns == kept


def of_a_helper(folder: Path, slow: int) -> LoadedStrategy:
    """A strategy whose file reads a number elsewhere, which its own text does not tell."""
    (folder / "offset.txt").write_text(str(slow))
    reads = f"OFFSET = int(open({str(folder / 'offset.txt')!r}).read())\n\n\nclass Cross"
    source = TREND_SOURCE.replace("class Cross", reads, 1)
    return from_file(folder, source=source.replace("self.slow)", "self.slow + OFFSET)"))


@pytest.mark.parametrize("finished", [3, 2])
def test_kept_parts_are_not_believed_once_what_the_strategy_imports_has_changed(
    tmp_path: Path, finished: int
) -> None:
    ranges = {"fast": "2:11:1", "slow": "15:29:1"}
    before = a_plan(of_a_helper(tmp_path, 0), MARKET, start=int(MARKET.bars.ts[60]), **ranges)
    old = run_sweep(before, MARKET, tmp_path / "sweep", workers=1)
    for part in sorted((tmp_path / "sweep" / "parts").glob("*.npz"))[finished:]:
        part.unlink()  # it was interrupted
    after = a_plan(of_a_helper(tmp_path, 20), MARKET, start=int(MARKET.bars.ts[60]), **ranges)
    new = run_sweep(after, MARKET, tmp_path / "new", workers=1)

    assert after.sweep == before.sweep
    assert not same(old, new)
    assert same(run_sweep(after, MARKET, tmp_path / "sweep", workers=1), new)


def test_the_id_names_every_input(tmp_path: Path) -> None:
    loaded = from_file(tmp_path)
    other_source = from_file(tmp_path, source=TREND_SOURCE + "\n")
    plans = [
        a_plan(loaded, MARKET),
        a_plan(loaded, MARKET, fast="2,4"),
        a_plan(other_source, MARKET),
        a_plan(loaded, a_market(random_bars(900, seed=2))),
        a_plan(loaded, a_market(random_bars(900), fee="0.002")),  # the venue's costs
    ]

    assert len({plan.sweep for plan in plans}) == len(plans)
    assert a_plan(loaded, MARKET).sweep == plans[0].sweep


class Fragile(Strategy):
    """Cannot be run above 2, and never trades at 0."""

    size: int = param(1, low=0, high=4, step=1)

    def targets(self, bars: Bars, f: Features) -> Targets:
        if self.size > 2:
            raise ArithmeticError(f"no size {self.size}")
        return np.where(np.arange(len(bars)) % 40 < 20, self.size / 2, 0.0)


def test_a_set_that_fails_is_a_row_with_its_reason(tmp_path: Path) -> None:
    result = run_sweep(a_plan(from_class(Fragile), MARKET), MARKET, tmp_path)

    assert result.succeeded.tolist() == [True, True, True, False, False]
    assert "raised ArithmeticError: no size 3" in str(result.results[3].failure)
    assert np.isnan(result.metrics["sharpe"][3:]).all()
    assert result.best in (1, 2)
    frame = results_frame(result)
    assert frame["size"].to_list() == [0, 1, 2, 3, 4]
    assert frame["failure"].null_count() == 3
    again = run_sweep(a_plan(from_class(Fragile), MARKET), MARKET, tmp_path)  # read from its parts
    assert same(result, again)


def test_a_sweep_in_which_nothing_trades_has_no_best_set(tmp_path: Path) -> None:
    plan = replace(a_plan(from_class(Hold), MARKET), sets=({"weight": 0.0},))

    result = run_sweep(plan, MARKET, tmp_path)

    assert result.best is None


def test_warm_ups_that_do_not_fit_before_the_start_are_refused(tmp_path: Path) -> None:
    loaded = from_file(tmp_path)

    with pytest.raises(StrategyError, match=r"needs 39 bars before --start, there are 30: 9 miss"):
        a_plan(loaded, MARKET, start=int(MARKET.bars.ts[30]))
    assert a_plan(loaded, MARKET, start=int(MARKET.bars.ts[39])).first == 39
    assert a_plan(loaded, MARKET).first == 39


def test_a_grid_beyond_reason_is_refused() -> None:
    class Wide(Hold):
        a: int = param(1, low=1, high=1_000, step=1)
        b: int = param(1, low=1, high=1_000, step=1)

    with pytest.raises(UsageError, match="the grid has 3,000,000 sets"):
        a_plan(from_class(Wide), MARKET)
