"""Walk-forward (R30): one account, chosen on the past alone, state rebuilt at each boundary."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
from tests.builders.markets import random_bars, random_panel
from tests.builders.research import Hold, a_market, a_plan, from_class, from_file

from algotrader.backtest.complete_walkforward import hindsight, longest_warmup_days
from algotrader.backtest.market import Market
from algotrader.backtest.run import run_backtest
from algotrader.backtest.sweep import SweepResult, run_sweep
from algotrader.backtest.walkforward import WalkForward, Windows, split, walk_forward
from algotrader.core.bars import Bars
from algotrader.core.errors import StrategyError, StrategyRaisedError, UsageError
from algotrader.strategy.base import Features, Strategy, Targets
from algotrader.strategy.parameters import param
from algotrader.strategy.rebalance import schedule

HOURLY = a_market(random_bars(24 * 130))
DAILY = a_market(random_bars(400, timeframe="1d"))
WINDOWS = Windows(train_days=30, test_days=10)


def swept(kind: type[Strategy], market: Market, folder: Path, **ranges: str) -> SweepResult:
    return run_sweep(a_plan(from_class(kind), market, **ranges), market, folder)


def walked(kind: type[Strategy], market: Market, folder: Path, **ranges: str) -> WalkForward:
    return walk_forward(swept(kind, market, folder, **ranges), WINDOWS)


@pytest.mark.parametrize(
    ("windows", "spans"),
    [
        (
            Windows(train_days=20, test_days=5),
            [((0, 20), (20, 25)), ((5, 25), (25, 30)), ((10, 30), (30, 32))],
        ),
        (
            Windows(train_days=20, test_days=5, anchored=True),
            [((0, 20), (20, 25)), ((0, 25), (25, 30)), ((0, 30), (30, 32))],
        ),
        (
            Windows(train_days=20, test_days=10, embargo_days=3),
            [((0, 20), (23, 32))],
        ),
        (
            Windows(train_days=20, test_days=6, embargo_days=3, anchored=True),
            [((0, 20), (23, 29)), ((0, 26), (29, 32))],
        ),
    ],
)
def test_windows_roll_or_stay_anchored_and_leave_the_embargo_out(
    windows: Windows, spans: list[tuple[tuple[int, int], tuple[int, int]]]
) -> None:
    found = split(32, windows)

    assert [((a.start, a.stop), (b.start, b.stop)) for a, b in found] == spans


@pytest.mark.parametrize(("train", "test", "embargo"), [(19, 5, 0), (20, 0, 0), (20, 5, -1)])
def test_windows_that_cannot_be_walked_are_refused(train: int, test: int, embargo: int) -> None:
    with pytest.raises(UsageError, match=r"cannot be walked|must be 0 or more"):
        Windows(train_days=train, test_days=test, embargo_days=embargo)


def test_too_little_data_for_one_fold_is_refused() -> None:
    with pytest.raises(UsageError, match="leave none of 25 days"):
        split(25, Windows(train_days=20, test_days=5, embargo_days=5))


def test_the_choice_does_not_change_when_the_future_does(tmp_path: Path) -> None:
    loaded = from_file(tmp_path)
    windows = Windows(train_days=30, test_days=10, embargo_days=5)
    before = run_sweep(a_plan(loaded, HOURLY), HOURLY, tmp_path / "a", workers=1)
    fold = 3
    boundary = split(len(before.days), windows)[fold][0].stop  # end of training, before the embargo
    bars = HOURLY.bars
    later = bars.ts > before.days[boundary - 1]
    changed = {
        name: np.where(later, 300.0 - 0.5 * getattr(bars, name), getattr(bars, name))
        for name in ("open", "close")
    }
    changed["high"] = np.maximum(changed["open"], changed["close"])
    changed["low"] = np.minimum(changed["open"], changed["close"])
    other = a_market(replace(bars, **changed))
    after = run_sweep(a_plan(loaded, other), other, tmp_path / "b", workers=1)

    first, second = walk_forward(before, windows), walk_forward(after, windows)
    chosen = [one.chosen for one in first.folds], [one.chosen for one in second.folds]
    assert chosen[0][: fold + 1] == chosen[1][: fold + 1]
    assert chosen[0] != chosen[1]  # and the change was large enough to matter later


def test_the_chosen_set_is_the_best_of_its_training_days(tmp_path: Path) -> None:
    sweep = run_sweep(a_plan(from_file(tmp_path), HOURLY), HOURLY, tmp_path, workers=1)

    for fold in walk_forward(sweep, WINDOWS).folds:
        inside = sweep.returns[:, fold.train.start : fold.train.stop]
        ratios = [r.mean() / r.std(ddof=1) if r.std() > 0 else -np.inf for r in inside]
        assert ratios[fold.chosen] == max(ratios)
        assert max(fold.train) < min(fold.test)


def test_positions_and_cash_carry_over_a_boundary(tmp_path: Path) -> None:
    """Two sets that want the same: one purchase at the first decision, none at a boundary."""

    class Same(Hold):
        weight: float = 0.9
        name: int = param(1, low=1, high=2, step=1)

    run = walked(Same, DAILY, tmp_path).run

    fills = run.simulation.fills
    assert fills.row.tolist() == [run.first + 1]
    alone = run_backtest(Same(), DAILY, run.settings, start=int(DAILY.bars.ts[run.first]))
    assert np.array_equal(run.simulation.equity[run.first :], alone.simulation.equity[run.first :])


def test_the_joined_account_is_the_account_of_one_run_whose_parameters_change(
    tmp_path: Path,
) -> None:
    loaded = from_file(tmp_path)
    sweep = run_sweep(a_plan(loaded, HOURLY), HOURLY, tmp_path, workers=1)
    result = walk_forward(sweep, WINDOWS)
    bounds = [sweep.days[fold.test.start] for fold in result.folds]
    chosen = [dict(sweep.plan.sets[fold.chosen]) for fold in result.folds]
    assert len({str(one) for one in chosen}) > 1

    class Switching(Strategy):
        """The whole walk-forward as one strategy: the oracle."""

        def targets(self, bars: Bars, f: Features) -> Targets:
            made = [loaded.kind(**one) for one in chosen]
            parts = [one.targets(bars, one.features(bars)) for one in made]
            turn = np.searchsorted(np.array(bounds) // 86_400_000, bars.ts // 86_400_000, "right")
            return np.choose(np.maximum(turn - 1, 0), parts).astype(np.float64)

    start = int(HOURLY.bars.ts[result.run.first])
    oracle = run_backtest(Switching(), HOURLY, sweep.plan.settings, start=start)
    assert np.array_equal(result.run.curve.equity, oracle.curve.equity)


class Counting(Strategy):
    """Writes down, at each decision, how many it has seen and what it holds."""

    name: int = param(1, low=1, high=2, step=1)

    def features(self, bars: Bars) -> Features:
        return {"close": np.array(bars.close)}

    def on_bar(self, ctx: Any) -> None:
        ctx.state["seen"] = ctx.state.get("seen", 0) + 1
        ctx.state.setdefault("since", ctx.index)
        if ctx["close"] != ctx.bar.close or ctx.feature["close"] != ctx.bar.close:
            raise AssertionError("the features are not this turn's")
        if list(ctx.feature) != ["close"] or len(ctx.feature) != 1:
            raise AssertionError("names of another turn show")
        if ctx.params["name"] not in (1, 2):
            raise AssertionError("no parameters")
        NOTED.append((ctx.index, ctx.state["since"], ctx.state["seen"], ctx.position.quantity))
        ctx.target(1.0 if ctx.index % 7 < 3 else 0.5)


NOTED: list[tuple[int, int, int, float]] = []


@pytest.mark.parametrize("anchored", [False, True])
def test_state_is_rebuilt_over_the_training_window_with_orders_suppressed(
    tmp_path: Path, anchored: bool
) -> None:
    sweep = swept(Counting, DAILY, tmp_path)
    NOTED.clear()
    result = walk_forward(sweep, replace(WINDOWS, anchored=anchored))

    starts = [fold.test.start for fold in result.folds]
    trains = [fold.train.start for fold in result.folds]
    rebuilding = NOTED[: NOTED.index(next(note for note in NOTED if note[3] != 0.0))]
    assert {note[3] for note in rebuilding} == {0.0}  # no order of the rebuilding filled
    joined = {note[0]: note for note in NOTED[-(len(DAILY.bars) - starts[0]) :]}
    for start, train in zip(starts, trains, strict=True):
        index, since, seen, held = joined[start]
        assert (index, since, seen) == (start, train, start - train + 1)
        assert (held > 0) == (start > starts[0])  # positions carry over, but the first begins flat


class Listening(Strategy):
    """Buys once a day and sells what filled in `on_fill`."""

    name: int = param(1, low=1, high=2, step=1)

    def on_bar(self, ctx: Any) -> None:
        if ctx.index % 24 == 0:
            ctx.buy(weight=0.5)

    def on_fill(self, ctx: Any, fill: Any) -> None:
        if fill.quantity > 0:
            ctx.close()

    def on_order(self, ctx: Any, order: Any) -> None:
        ctx.state["ended"] = ctx.state.get("ended", 0) + 1


def test_hooks_are_called_in_a_walk_forward_as_in_a_run(tmp_path: Path) -> None:
    result = walked(Listening, HOURLY, tmp_path).run

    start = int(HOURLY.bars.ts[result.first])
    alone = run_backtest(Listening(), HOURLY, result.settings, start=start)
    assert len(alone.simulation.fills.row) > 100
    assert np.array_equal(result.curve.equity, alone.curve.equity)


class Logging(Strategy):
    """Writes a line a week, and keeps what is asked for."""

    name: int = param(1, low=1, high=2, step=1)
    kept: ClassVar[dict[str, object]] = {}

    def on_bar(self, ctx: Any) -> None:
        ctx.target(float(ctx.index % 5 < 2 + self.name))
        if ctx.index % 7 == 0:
            ctx.log.info("week", index=ctx.index)
        if ctx.index == len(DAILY.bars) - 1:
            ctx.state.update(self.kept)


STOPPED: list[int] = []


class Stopping(Logging):
    """Writes down that it was stopped."""

    def on_stop(self) -> None:
        STOPPED.append(self.name)


def test_r36_each_set_of_a_sweep_and_each_turn_of_a_walk_forward_is_stopped(
    tmp_path: Path,
) -> None:
    STOPPED.clear()
    sweep = swept(Stopping, DAILY, tmp_path)
    assert sorted(STOPPED) == [1, 2]

    STOPPED.clear()
    result = walk_forward(sweep, WINDOWS)
    assert [1 + fold.chosen for fold in result.folds] == STOPPED


def test_what_is_logged_in_the_test_windows_is_kept_in_order(tmp_path: Path) -> None:
    result = walked(Logging, DAILY, tmp_path).run

    expected = [row for row in range(len(DAILY.bars)) if row % 7 == 0 and row >= result.first]
    assert [line.fields["index"] for line in result.log] == expected


def test_r35_state_that_cannot_be_kept_is_refused_in_a_walk_forward(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sweep = swept(Logging, DAILY, tmp_path)
    monkeypatch.setitem(Logging.kept, "last", {1, 2})
    with pytest.raises(StrategyError, match=r"Logging: ctx\.state\['last'\] is a set, which is no"):
        walk_forward(sweep, WINDOWS)


def test_an_error_of_a_hook_in_a_walk_forward_names_the_hook(tmp_path: Path) -> None:
    armed = {"on": False}

    class Hooked(Logging):
        def on_fill(self, ctx: Any, fill: Any) -> None:
            if armed["on"]:
                raise LookupError("in the hook")

    sweep = swept(Hooked, DAILY, tmp_path)
    armed["on"] = True
    with pytest.raises(StrategyRaisedError, match="on_fill of Hooked raised LookupError"):
        walk_forward(sweep, WINDOWS)


def test_a_schedule_looks_at_the_targets_at_each_boundary(tmp_path: Path) -> None:
    class Monthly(Hold):
        weight: float = param(0.5, low=0.5, high=1.0, step=0.5)
        rebalance = schedule("quarterly")

    result = walked(Monthly, DAILY, tmp_path)

    assert result.run.simulation.fills.row[0] == result.run.first + 1
    changes = [
        fold.test.start + 1
        for before, fold in zip(result.folds, result.folds[1:], strict=False)
        if before.chosen != fold.chosen
    ]
    assert set(changes) <= set(result.run.simulation.fills.row.tolist())


class Whole(Strategy):
    """A panel decided bar by bar."""

    panel = True
    top: int = param(1, low=1, high=2, step=1)

    def on_bars(self, ctx: Any) -> None:
        for place, symbol in enumerate(ctx.symbols):
            ctx.of(symbol).target(0.4 if (ctx.index + place) % 5 < self.top else 0.0)


def test_a_panel_is_walked_too(tmp_path: Path) -> None:
    market = a_market(random_panel(200, 3))
    result = walked(Whole, market, tmp_path)

    assert len(result.folds) == 17
    assert len(result.run.simulation.fills.row) > 50


def test_what_raises_after_a_boundary_names_its_bar(tmp_path: Path) -> None:
    fails_at = {"row": -1}

    class Late(Strategy):
        name: int = param(1, low=1, high=2, step=1)

        def on_bar(self, ctx: Any) -> None:
            if ctx.index == fails_at["row"]:
                ctx.no_such_verb()
            ctx.target(float(ctx.index % 2))

    sweep = swept(Late, DAILY, tmp_path)
    fails_at["row"] = 399
    with pytest.raises(StrategyRaisedError, match=r"on_bar of Late raised .* at bar 2025-02-03"):
        walk_forward(sweep, WINDOWS)


def test_protection_that_differs_between_sets_is_refused(tmp_path: Path) -> None:
    class Stopped(Hold):
        weight: float = 1.0
        stop_loss: float = param(0.9, low=0.8, high=0.9, step=0.1)

    with pytest.raises(StrategyError, match="stop_loss differs between the sets"):
        walked(Stopped, DAILY, tmp_path)


def test_training_windows_without_a_trade_are_refused(tmp_path: Path) -> None:
    class Idle(Hold):
        weight: float = 0.0
        name: int = param(1, low=1, high=2, step=1)

    with pytest.raises(UsageError, match="no set traded"):
        walked(Idle, DAILY, tmp_path)


def test_r30_the_embargo_is_the_longest_warm_up_however_the_sets_were_chosen(
    tmp_path: Path,
) -> None:
    kind = from_file(tmp_path).kind
    listed = swept(kind, HOURLY, tmp_path / "listed", slow="15,40,20", fast="2,4")
    drawn = replace(listed, plan=replace(listed.plan, sets=listed.plan.sets[:3]))

    # 39 rows of hours begin on two days, 19 on one.
    assert [one["slow"] for one in drawn.plan.sets] == [15, 40, 20]
    assert [longest_warmup_days(one.plan, one.market.bars) for one in (listed, drawn)] == [2, 2]
    assert listed.plan.first == 39


def test_efficiency_is_the_mean_out_of_sample_over_the_mean_in_sample(tmp_path: Path) -> None:
    rising = a_market(random_bars(400, timeframe="1d", drift=0.003, seed=3))
    result = walked(Hold, rising, tmp_path)

    def yearly(total: float, days: int) -> float:
        return float((1 + total) ** (365 / days) - 1)

    inside = np.mean([yearly(fold.train_return, 30) for fold in result.folds])
    days = sum(len(fold.test) for fold in result.folds)
    grown = float(np.prod([1 + fold.test_return for fold in result.folds]))
    assert result.efficiency == pytest.approx(yearly(grown - 1, days) / inside)
    assert grown == pytest.approx(result.run.curve.equity[-1] / result.run.settings.cash)


def test_hindsight_is_the_account_of_the_set_that_all_the_data_would_choose(
    tmp_path: Path,
) -> None:
    done = walked(Hold, DAILY, tmp_path, weight="0.2:1.0:0.2")
    line = hindsight(done.sweep, done.run.curve)
    assert line is not None

    first = done.folds[0].test.start
    own = done.sweep.returns[done.sweep.best, first:]
    assert len(line) == len(done.run.curve.ts)
    assert line[0] == pytest.approx(done.run.curve.initial * (1 + own[0]))
    assert line[-1] == pytest.approx(done.run.curve.initial * np.prod(1 + own))


def test_hindsight_of_hours_moves_at_the_last_bar_of_a_day(tmp_path: Path) -> None:
    done = walked(Hold, HOURLY, tmp_path, weight="0.2:1.0:0.4")
    line = hindsight(done.sweep, done.run.curve)
    assert line is not None

    moves = np.flatnonzero(np.diff(line)) + 1
    assert line[0] == done.run.curve.initial
    assert set(done.run.curve.ts[moves] // 3_600_000 % 24) == {23}
