"""P16: random bars, strategies, costs and funding through both drivers give equal orders, fills, books."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.builders.both_drivers import (
    HOUR,
    Both,
    RandomWords,
    assert_same_fills,
    random_market,
    run_both,
    spot,
    swap,
)

from algotrader.backtest.market import FundingSeries, Market
from algotrader.backtest.settings import BacktestSettings
from algotrader.core.bars import Bars
from algotrader.core.events import OrderFilled, OrderSubmitted
from algotrader.core.instants import utc_ms
from algotrader.core.instruments import Instrument
from algotrader.core.orders import Purpose
from algotrader.strategy.base import Features, Strategy, Targets
from algotrader.strategy.rebalance import every_bar, on_change, schedule

ROWS = 160
MARKETS: tuple[tuple[Instrument, ...], ...] = (
    (spot("AAA"), spot("BBB", in_coin=True), spot("CCC")),
    (swap("AAA"), swap("BBB"), swap("CCC")),
    (spot("AAA"), swap("BBB"), swap("CCC")),
)
COSTS = st.builds(
    BacktestSettings,
    fees=st.sampled_from(("venue", "0", "10bps", "maker=-1bps,taker=5bps")),
    slippage_bps=st.sampled_from((None, 0.0, 7.0)),
    participation=st.sampled_from((None, 0.0, 0.03)),
    cash_buffer=st.sampled_from((0.0, 0.05)),
    path=st.sampled_from(("worst", "best", "near-far")),
    execution=st.sampled_from(("market", "capped")),
)
LIMITS = st.fixed_dictionaries(
    {
        "max_leverage": st.sampled_from((1.0, 2.0)),
        "max_weight": st.sampled_from((None, 0.3)),
        "max_notional": st.sampled_from((None, 2_500.0)),
    }
)


def with_funding(market: Market, seed: int) -> Market:
    """Every perpetual settles every eight hours, at a random rate."""
    rng = np.random.default_rng(seed)
    stamps = market.bars.ts[::8]
    funding = {
        one.symbol: FundingSeries(ts=stamps, rate=np.round(rng.normal(0, 2e-4, len(stamps)), 8))
        for one in market.instruments
        if not one.is_spot_like
    }
    return replace(market, funding=funding)


def assert_same_books(both: Both) -> None:
    """Equity after every bar, and what is held at the end."""
    whole = next(iter(both.full.engine.state.books.values())).whole
    fast = both.fast.simulation
    equity = np.array([float(value) for value in both.full.equity])
    held = [float(whole.position(symbol).quantity) for symbol in both.fast.market.bars.symbols]
    np.testing.assert_allclose(equity, fast.equity, rtol=1e-9)
    np.testing.assert_allclose(float(whole.cash()), fast.cash[-1], rtol=1e-9)
    np.testing.assert_allclose(held, fast.position[-1], rtol=1e-9, atol=1e-9)


def random_weights(seed: int, rule: Any, guards: dict[str, float | None]) -> Strategy:
    class Jumps(Strategy):
        panel = True
        rebalance = rule
        stop_loss = guards["stop_loss"]
        take_profit = guards["take_profit"]

        def targets(self, bars: Bars, f: Features) -> Targets:
            rng = np.random.default_rng(seed)
            weights = rng.choice(
                [np.nan, 0.0, 0.4, 0.9, -0.5], size=bars.close.shape, p=[0.55, 0.15, 0.1, 0.1, 0.1]
            )
            return np.asarray(weights / 2)

    return Jumps()


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    market=st.sampled_from(MARKETS),
    thin=st.booleans(),
    missing=st.sampled_from((0.0, 0.1)),
    rule=st.sampled_from((on_change(), every_bar(), schedule("daily"))),
    guards=st.fixed_dictionaries(
        {
            "stop_loss": st.sampled_from((None, 0.03)),
            "take_profit": st.sampled_from((None, 0.04)),
        }
    ),
    costs=COSTS,
    limits=LIMITS,
)
def test_targets_on_three_instruments_keep_the_same_books_at_any_cost(
    seed: int,
    market: tuple[Instrument, ...],
    thin: bool,
    missing: float,
    rule: Any,
    guards: dict[str, float | None],
    costs: BacktestSettings,
    limits: dict[str, Any],
) -> None:
    data = with_funding(random_market(market, ROWS, seed, thin=thin, missing=missing), seed)

    both = run_both(random_weights(seed, rule, guards), data, replace(costs, **limits))

    assert_same_fills(both)
    assert_same_books(both)


@settings(max_examples=20, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    market=st.sampled_from(MARKETS),
    thin=st.booleans(),
    costs=COSTS,
    protects=st.booleans(),
)
def test_orders_of_an_on_bar_strategy_keep_the_same_books_at_any_cost(
    seed: int, market: tuple[Instrument, ...], thin: bool, costs: BacktestSettings, protects: bool
) -> None:
    class Words(RandomWords):
        short = not market[0].is_spot_like

    strategy = Words()
    strategy.seed, strategy.protects = seed, protects
    strategy.words = ("market", "limit", "stop", "stop_limit", "trail", "cancel", "amend")
    data = with_funding(random_market(market, ROWS, seed, thin=thin, missing=0.05), seed)

    both = run_both(strategy, data, costs)

    assert_same_fills(both)
    assert_same_books(both)


def test_every_order_of_the_engine_is_one_that_the_kernel_made_at_the_same_bar() -> None:
    market = random_market(MARKETS[1], ROWS, 11)
    guards: dict[str, float | None] = {"stop_loss": None, "take_profit": None}
    costs = BacktestSettings(execution="market")
    both = run_both(random_weights(11, every_bar(), guards), market, costs)

    sent = [e.order for e in both.full.events if isinstance(e, OrderSubmitted)]
    ours = Counter(
        (utc_ms(order.intent.decided_at), str(order.instrument), order.side.value)
        for order in sent
        if order.intent.purpose is Purpose.TARGET
    )
    symbols = [str(symbol) for symbol in market.bars.symbols]
    theirs = Counter(
        (ts, symbols[column], "buy" if quantity > 0 else "sell")
        for ts, column, quantity, _, _ in both.fast_fills
    )
    # An order decided at a bar's close fills at the open of the next, which has the same stamp.
    assert set(theirs) == set(ours)
    assert len(theirs) > 100
    filled = {e.fill.order_id for e in both.full.events if isinstance(e, OrderFilled)}
    assert {order.order_id for order in sent} == filled
    assert market.bars.ts[1] - market.bars.ts[0] == HOUR
