"""A run without a trade says why, in one sentence that is true."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from tests.builders.markets import random_bars, random_panel
from tests.builders.research import a_market

from algotrader.backtest.market import Market
from algotrader.backtest.remarks import warnings_of
from algotrader.backtest.run import run_backtest
from algotrader.backtest.settings import BacktestSettings
from algotrader.core.bars import Bars
from algotrader.strategy.base import Features, Strategy, Targets

MARKET = a_market(random_bars(200))


class Daily(Strategy):
    """Asks once a day; how, is what its subclasses say."""

    def ask(self, ctx: Any) -> None:
        raise NotImplementedError

    def on_bar(self, ctx: Any) -> None:
        if ctx.index % 24 == 0:
            self.ask(ctx)


class FarBelow(Daily):
    def ask(self, ctx: Any) -> None:
        ctx.buy(weight=0.5, limit=1.0, tif="day")


class Crossing(Daily):
    def ask(self, ctx: Any) -> None:
        ctx.buy(weight=0.5, limit=1e6, post_only=True)


class Selling(Daily):
    def ask(self, ctx: Any) -> None:
        ctx.sell(quantity=0.5)


class Buying(Daily):
    def ask(self, ctx: Any) -> None:
        ctx.buy(weight=0.5)


class BuyingOrWaiting(Daily):
    def ask(self, ctx: Any) -> None:
        if ctx.index % 48:
            ctx.buy(weight=0.5)
        else:
            ctx.buy(value=1_000, limit=1.0)


class Short(Strategy):
    def targets(self, bars: Bars, f: Features) -> Targets:
        return np.full(bars.close.shape, -0.5)


class Nothing(Daily):
    def ask(self, ctx: Any) -> None:
        pass


def with_minimum(market: Market, *notionals: int) -> Market:
    instruments = tuple(
        replace(one, min_notional=Decimal(least))
        for one, least in zip(market.instruments, notionals, strict=True)
    )
    return replace(market, instruments=instruments)


def said(strategy: Strategy, market: Market, cash: float) -> str:
    result = run_backtest(strategy, market, BacktestSettings(cash=cash))
    assert len(result.simulation.fills.row) == 0
    (why,) = (one.en for one in warnings_of(result) if one.code == "no_trades")
    return why


@pytest.mark.parametrize(
    ("strategy", "cash", "why"),
    [
        # Orders of rows 0, 24, ... 192: nine; the last has no day left to expire in.
        (FarBelow(), 1e4, "none of 9 orders was filled: 1 still waiting at the end, 8 expired."),
        (Crossing(), 1e4, "none of 9 orders was filled: 9 rejected as the venue would."),
        (Selling(), 1e4, "none of 9 orders was filled: 9 cancelled."),
        (Buying(), 4.0, "every order was below the venue's minimum notional of 5 USDT."),
        (Short(), 1e4, "no target that the strategy gave can be held."),
        (Nothing(), 1e4, "the strategy never asked for a position."),
    ],
)
def test_why_there_was_no_trade(strategy: Strategy, cash: float, why: str) -> None:
    assert said(strategy, with_minimum(MARKET, 5), cash) == f"0 trades: {why}"


def test_not_every_order_was_below_the_minimum_if_some_merely_waited() -> None:
    why = said(BuyingOrWaiting(), with_minimum(MARKET, 5), 4.0)

    assert why.startswith("0 trades: none of 9 orders was filled: 5 ")
    assert "4 denied" in why


def test_minimums_that_differ_are_not_told_as_one() -> None:
    panel = a_market(random_panel(200, 2))
    assert said(Buying(), with_minimum(panel, 5, 5), 4.0).endswith("minimum notional of 5 USD.")
    assert said(Buying(), with_minimum(panel, 5, 50), 4.0).endswith("minimum of its instrument.")
