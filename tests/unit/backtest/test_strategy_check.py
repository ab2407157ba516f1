"""`check` on strategies that decide bar by bar: what leaks, what differs, what a restart loses."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pandas as pd
import pytest
from tests.builders.leaks import HONEST_BY_BAR, LEAKS_BY_BAR, Calendar, ModuleArray
from tests.builders.markets import random_bars, random_panel
from tests.builders.research import a_market

from algotrader.backtest.lookahead import Level
from algotrader.backtest.settings import BacktestSettings
from algotrader.backtest.strategy_check import check_strategy
from algotrader.core.bars import Bars
from algotrader.strategy.base import Features, Strategy, Targets

MARKET = a_market(random_bars(300))
PANEL = a_market(random_panel(150, 3))


def codes(strategy: Strategy, market: Any = MARKET) -> list[str]:
    found = check_strategy(strategy, market, BacktestSettings(), cuts=8)
    return [finding.code for finding in found if finding.level is Level.ERROR]


class Honest(Strategy):
    def features(self, bars: Bars) -> Features:
        before = np.concatenate([[np.nan], bars.close[:-1]])
        return {"up": np.where(np.isnan(before), np.nan, (bars.close > before) * 1.0)}

    def on_bar(self, ctx: Any) -> None:
        ctx.state["seen"] = ctx.state.get("seen", 0) + 1
        ctx.target(ctx["up"])


class Remembering(Honest):
    """Keeps its count on itself."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    def on_bar(self, ctx: Any) -> None:
        self.count += 1
        ctx.target(float(self.count % 9 < 4))


class Peeking(Honest):
    """Decides by how much data there is."""

    def features(self, bars: Bars) -> Features:
        self.rows = len(bars)
        return super().features(bars)

    def on_bar(self, ctx: Any) -> None:
        ctx.target(1.0 if self.rows > 299 else ctx["up"])


TOSSES = itertools.count()


class Tossing(Honest):
    def on_bar(self, ctx: Any) -> None:
        ctx.target(float(next(TOSSES) % 7 < 3))


class HiddenInTargets(Strategy):
    def targets(self, bars: Bars, f: Features) -> Targets:
        self.last = len(bars)
        return np.ones(bars.close.shape)


@pytest.mark.parametrize(
    ("strategy", "expected"),
    [
        (Honest(), []),
        (Remembering(), ["check.hidden_state"]),
        (Peeking(), ["check.look_ahead"]),
        (Tossing(), ["check.not_repeatable"]),
        (HiddenInTargets(), ["check.hidden_state"]),
    ],
)
def test_what_is_wrong_with_a_strategy_is_found(strategy: Strategy, expected: list[str]) -> None:
    assert codes(strategy) == expected


def test_what_differs_is_named_with_its_bar_and_attribute() -> None:
    found = check_strategy(Peeking(), MARKET, BacktestSettings(), cuts=4)
    assert found[0].column == "decisions"
    assert found[0].bar_at is not None
    assert "changes when later bars are known" in found[0].message

    hidden = check_strategy(Remembering(), MARKET, BacktestSettings(), cuts=4)
    assert "attribute self.count changes" in hidden[0].message


def test_several_instruments_and_panels_are_checked() -> None:
    class Panel(Strategy):
        panel = True

        def on_bars(self, ctx: Any) -> None:
            for symbol in ctx.symbols:
                ctx.of(symbol).target(0.2 * (ctx.index % 3))

    assert codes(Honest(), PANEL) == []
    assert codes(Remembering(), PANEL) == ["check.hidden_state"]
    assert codes(Panel(), PANEL) == []
    assert codes(HiddenInTargets(), PANEL) == ["check.hidden_state"]


@pytest.mark.parametrize("leak", LEAKS_BY_BAR, ids=lambda leak: leak.__name__)
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_f64_a_decision_that_looks_ahead_is_found_with_its_bar(
    leak: type[Strategy], seed: int
) -> None:
    market = a_market(random_bars(400))

    found = check_strategy(leak(), market, BacktestSettings(seed=seed), cuts=4)

    errors = [one for one in found if one.level is Level.ERROR]
    assert LEAKS_BY_BAR[leak] in {one.column for one in errors}
    assert all(one.bar_at in market.bars.ts for one in errors)


@pytest.mark.parametrize("honest", HONEST_BY_BAR, ids=lambda honest: honest.__name__)
@pytest.mark.parametrize("seed", [0, 1])
def test_an_honest_decision_raises_no_error(honest: type[Strategy], seed: int) -> None:
    market = a_market(random_bars(400, seed=seed))
    found = check_strategy(honest(), market, BacktestSettings(seed=seed), cuts=4)

    assert [one.message for one in found if one.level is Level.ERROR] == []


def test_f64_numbers_brought_along_are_named_and_cut_with_the_bars() -> None:
    found = check_strategy(ModuleArray(), a_market(random_bars(400)), BacktestSettings(), cuts=4)
    said = {one.code: one.message for one in found}

    assert said["check.outside_data"] == (
        "CLOSES holds a value for each of the 400 bars before the first one, 2024-01-01 00:00 UTC, "
        "is decided: compute it in `features`"
    )
    assert "changes when later bars are known" in said["check.look_ahead"]

    (noted,) = check_strategy(Calendar(), a_market(random_bars(400)), BacktestSettings(), cuts=4)
    assert noted.level is Level.NOTE
    assert noted.message.startswith("self.quiet holds 143 values that do not come from the bars")


SHORT_TABLE = pd.Series(range(10))
WEEK = pd.Timedelta(days=7)  # of pandas too, and no table


class WithSmallThings(Strategy):
    """A strategy may bring along what is too small to be a history."""

    lengths = (5, 10, 20)

    def on_bar(self, ctx: Any) -> None:
        ctx.target(float(ctx.index % len(SHORT_TABLE) < WEEK.days and 5 in self.lengths))


def test_small_tables_and_single_values_are_no_numbers_brought_along() -> None:
    assert check_strategy(WithSmallThings(), MARKET, BacktestSettings(), cuts=2) == []


class Ahead(Strategy):
    """Reads two bars ahead, as far as there are any."""

    def features(self, bars: Bars) -> Features:
        self.closes = bars.close
        return {}

    def on_bar(self, ctx: Any) -> None:
        if ctx.index < 298:
            ctx.target(1.0 if self.closes[ctx.index + 2] > ctx.bar.close else 0.0)


def test_a_decision_that_fails_without_later_bars_is_look_ahead() -> None:
    (found,) = check_strategy(Ahead(), MARKET, BacktestSettings(), cuts=4)

    assert found.code == "check.look_ahead"
    assert "cannot be decided before later bars are known" in found.message
    assert "IndexError" in found.message


SEEN: list[float] = []


class InTheModule(Strategy):
    """Forgets what a fresh module does not know."""

    def on_bar(self, ctx: Any) -> None:
        if ctx.index == 0:
            SEEN.clear()
        SEEN.append(ctx.bar.close)
        ctx.target(1.0 if ctx.bar.close > sum(SEEN) / len(SEEN) else 0.0)


def in_a_fresh_module() -> Strategy:
    SEEN.clear()
    return InTheModule()


class ChangedByJson(Strategy):
    """Notices that what it kept comes back as another kind."""

    def on_bar(self, ctx: Any) -> None:
        if ctx.index == 0:
            ctx.state["held"] = (1.0, 2.0)
        ctx.target(1.0 if isinstance(ctx.state["held"], tuple) and ctx.index % 9 < 4 else 0.0)


class Odd(Strategy):
    """Keeps for a while what cannot be kept."""

    def on_bar(self, ctx: Any) -> None:
        ctx.state["since"] = ctx.now if ctx.index < 290 else None
        ctx.target(float(ctx.index % 9 < 4))


@pytest.mark.parametrize(
    ("strategy", "words"),
    [
        (InTheModule(), "it asks for other orders at bar 2024-01-"),
        (ChangedByJson(), "it asks for other orders at bar 2024-01-"),
        (Odd(), "ctx.state['since'] is a datetime, which is no JSON value"),
    ],
)
def test_r35_a_restart_with_the_state_alone_must_go_on_as_before(
    strategy: Strategy, words: str
) -> None:
    remake = in_a_fresh_module if isinstance(strategy, InTheModule) else None
    found = check_strategy(strategy, MARKET, BacktestSettings(), cuts=4, remake=remake)

    assert [one.code for one in found] == ["check.restart"]
    assert words in found[0].message
    assert found[0].bar_at in MARKET.bars.ts


def test_r35_the_attribute_that_a_restart_loses_is_named_with_the_bar() -> None:
    (found,) = check_strategy(Remembering(), MARKET, BacktestSettings(), cuts=4)

    assert found.column == "count"
    assert "; restarted at bar 2024-01-" in found.message
    assert found.bar_at in MARKET.bars.ts


def test_r35_hooks_and_on_start_take_part_in_a_restart() -> None:
    class Laddered(Strategy):
        def on_start(self) -> None:
            self.step = 7

        def on_bar(self, ctx: Any) -> None:
            if ctx.index % self.step == 0:
                ctx.state["order"] = ctx.buy(weight=0.1, limit=0.99 * ctx.bar.close).number
            elif ctx.orders and ctx.index % self.step == 5:
                ctx.amend(ctx.orders[0], limit=ctx.bar.close)
            elif ctx.index % self.step == 6:
                for order in ctx.orders:
                    ctx.cancel(order)

        def on_fill(self, ctx: Any, fill: Any) -> None:
            if fill.quantity > 0:
                ctx.sell(quantity=fill.quantity)

        def on_order(self, ctx: Any, order: Any) -> None:
            ctx.state["ended"] = ctx.state.get("ended", 0) + 1

    assert codes(Laddered()) == []

    class Kept(Laddered):
        def on_fill(self, ctx: Any, fill: Any) -> None:
            self.fills = getattr(self, "fills", 0) + 1
            if self.fills % 3 == 0:
                ctx.close()

    assert codes(Kept()) == ["check.hidden_state"]
