"""`check` on strategies that decide bar by bar: what leaks, what differs, what a restart loses."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
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
