from __future__ import annotations

import itertools

import numpy as np
import pytest
from tests.builders.leaks import HONEST, LEAKS
from tests.builders.markets import START_MS, random_bars, random_panel

from algotrader.backtest.lookahead import Level, check_columns
from algotrader.core.bars import Bars
from algotrader.strategy.base import Features, Strategy, Targets
from algotrader.strategy.rebalance import band


@pytest.mark.parametrize("leak", LEAKS, ids=lambda leak: leak.__name__)
def test_promise_3_f64_a_planted_leak_is_found_with_its_column_and_bar(
    leak: type[Strategy],
) -> None:
    bars = random_panel(400) if leak.panel else random_bars(400)

    errors = [f for f in check_columns(leak(), bars) if f.code == "check.look_ahead"]

    assert LEAKS[leak] in {finding.column for finding in errors}
    assert all(finding.bar_at in bars.ts for finding in errors)
    assert all(finding.level is Level.ERROR for finding in errors)


@pytest.mark.parametrize("honest", HONEST, ids=lambda honest: honest.__name__)
@pytest.mark.parametrize("seed", [1, 2])
def test_promise_3_an_honest_strategy_raises_no_error(honest: type[Strategy], seed: int) -> None:
    findings = check_columns(honest(), random_bars(700, seed=seed), seed=seed)

    assert [f.message for f in findings if f.level is Level.ERROR] == []


def test_a_partial_window_is_a_warm_up_that_is_too_short() -> None:
    class PartialWindow(Strategy):
        def features(self, bars: Bars) -> Features:
            sums = np.cumsum(bars.close)
            width = np.minimum(np.arange(len(bars)) + 1, 50)
            sums[50:] -= np.cumsum(bars.close)[:-50]
            return {"average": sums / width}

        def targets(self, bars: Bars, f: Features) -> Targets:
            return np.where(bars.close > f["average"], 1.0, 0.0)

    findings = check_columns(PartialWindow(), random_bars(600))

    assert [(f.code, f.column) for f in findings] == [("check.warmup_short", "average")]


def test_a_random_feature_is_not_repeatable() -> None:
    class Dice(Strategy):
        def features(self, bars: Bars) -> Features:
            return {"dice": np.random.default_rng().normal(size=len(bars))}

        def targets(self, bars: Bars, f: Features) -> Targets:
            return np.where(f["dice"] > 0, 1.0, 0.0)

    assert next(f.code for f in check_columns(Dice(), random_bars(200))) == "check.not_repeatable"


def test_f64_a_feature_that_is_there_with_later_bars_alone_is_found() -> None:
    class Later(Strategy):
        def features(self, bars: Bars) -> Features:
            more = {"late": bars.close} if len(bars) >= 300 else {}
            return {"close": bars.close, **more}

        def targets(self, bars: Bars, f: Features) -> Targets:
            return np.where(f["close"] > 100.0, 1.0, 0.0)

    errors = [f for f in check_columns(Later(), random_bars(300)) if f.level is Level.ERROR]

    assert {(f.code, f.column) for f in errors} == {("check.look_ahead", "late")}


def test_f64_features_that_fail_without_later_bars_look_ahead() -> None:
    class Impatient(Strategy):
        def features(self, bars: Bars) -> Features:
            return {"x": bars.close - bars.close[299]}

        def targets(self, bars: Bars, f: Features) -> Targets:
            return np.where(f["x"] > 0.0, 1.0, 0.0)

    bars = random_bars(300)
    found = check_columns(Impatient(), bars)
    errors = [f for f in found if f.level is Level.ERROR]

    assert {(f.code, f.column) for f in errors} == {("check.look_ahead", "features")}
    assert "check.start_failed" not in {f.code for f in found}  # said once
    assert "IndexError" in errors[0].message
    assert errors[0].bar_at in bars.ts


def test_features_that_fail_on_a_later_start_are_noted() -> None:
    bars = random_bars(300)

    class Anchored(Strategy):
        def features(self, bars: Bars) -> Features:
            anchor = {START_MS: 0}[int(bars.ts[0])]
            return {"since": bars.close / bars.close[anchor]}

        def targets(self, bars: Bars, f: Features) -> Targets:
            return np.where(f["since"] > 1.0, 1.0, 0.0)

    (found,) = check_columns(Anchored(), bars)

    assert (found.code, found.level) == ("check.start_failed", Level.NOTE)
    assert "KeyError" in found.message


def test_features_of_other_names_each_time_are_not_repeatable() -> None:
    names = itertools.count()

    class Renamed(Strategy):
        def features(self, bars: Bars) -> Features:
            return {f"x{next(names)}": bars.close}

        def targets(self, bars: Bars, f: Features) -> Targets:
            return np.ones(len(bars))

    codes = {f.code for f in check_columns(Renamed(), random_bars(200)) if f.level is Level.ERROR}

    assert "check.not_repeatable" in codes


def test_continuous_weights_without_a_band_are_noted() -> None:
    class Continuous(Strategy):
        def features(self, bars: Bars) -> Features:
            return {"close": bars.close}

        def targets(self, bars: Bars, f: Features) -> Targets:
            return 50.0 / f["close"]

    class Banded(Continuous):
        rebalance = band(0.1)

    bars = random_bars(300)
    assert [f.code for f in check_columns(Continuous(), bars)] == ["check.no_band"]
    assert check_columns(Banded(), bars) == []
