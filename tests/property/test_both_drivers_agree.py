"""P16: the live engine with the paper venue fills as the kernel alone, whatever the market does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.builders.both_drivers import (
    RandomPairs,
    RandomWords,
    assert_same_fills,
    random_market,
    run_both,
    spot,
    swap,
)

from algotrader.backtest.settings import BacktestSettings
from algotrader.core.bars import Bars
from algotrader.core.events import OrderFilled, OrderSubmitted, StopTriggered
from algotrader.core.orders import PROTECTIVE, Purpose
from algotrader.strategy.base import Features, Strategy, Targets
from algotrader.strategy.rebalance import Rebalance, band, every_bar, on_change, schedule

MARKETS = (
    (spot("AAA"),),
    (spot("AAA", in_coin=True),),
    (swap("AAA"),),
    (spot("AAA"), spot("BBB")),
    (swap("AAA"), swap("BBB")),
    (spot("AAA"), swap("BBB")),
)


@dataclass(frozen=True, kw_only=True)
class Case:
    """One random market and what is traded on it."""

    seed: int
    market: int
    gap: float
    thin: bool
    missing: float
    rebalance: Rebalance
    execution: Any
    stop_loss: float | None
    take_profit: float | None
    trailing: float | None
    reenter_after: int | None


CASES = st.builds(
    Case,
    seed=st.integers(0, 10**6),
    market=st.integers(0, len(MARKETS) - 1),
    gap=st.sampled_from((0.001, 0.006)),
    thin=st.booleans(),
    missing=st.sampled_from((0.0, 0.1)),
    rebalance=st.sampled_from((on_change(), every_bar(), band(0.1), schedule("daily"))),
    execution=st.sampled_from((None, "market", "capped")),
    stop_loss=st.sampled_from((None, 0.02)),
    take_profit=st.sampled_from((None, 0.03)),
    trailing=st.sampled_from((None, 0.025)),
    reenter_after=st.sampled_from((None, 0, 1, 3)),
)


def random_targets(case: Case) -> Strategy:
    """Weights that jump at random, with gaps in which nothing is said."""

    class Jumps(Strategy):
        panel = True
        rebalance = case.rebalance
        stop_loss = case.stop_loss
        take_profit = case.take_profit
        trailing = case.trailing
        reenter_after = case.reenter_after

        def targets(self, bars: Bars, f: Features) -> Targets:
            rng = np.random.default_rng(case.seed)
            weights = rng.choice(
                [np.nan, 0.0, 0.3, 0.6, -0.4, 1.0],
                size=bars.close.shape,
                p=[0.5, 0.15, 0.1, 0.1, 0.1, 0.05],
            )
            return np.asarray(weights / bars.close.shape[1])

    return Jumps()


@settings(max_examples=25, deadline=None)
@given(CASES)
def test_targets_fill_alike_whatever_the_bars_the_costs_and_the_protection(case: Case) -> None:
    market = random_market(
        MARKETS[case.market], 160, case.seed, gap=case.gap, thin=case.thin, missing=case.missing
    )
    both = run_both(random_targets(case), market, BacktestSettings(execution=case.execution))

    assert_same_fills(both)
    np.testing.assert_allclose(
        float(both.full.engine.state.books[next(iter(both.full.engine.state.books))].whole.cash()),
        both.fast.simulation.cash[-1],
        rtol=1e-9,
    )


def test_protective_exits_are_filled_under_live_reduce_only_orders_of_the_engine() -> None:
    case = Case(
        seed=4, market=2, gap=0.003, thin=True, missing=0.0, rebalance=every_bar(),
        execution=None, stop_loss=0.02, take_profit=0.03, trailing=0.025, reenter_after=1,
    )  # fmt: skip
    market = random_market(MARKETS[case.market], 300, case.seed, thin=True)

    run = run_both(random_targets(case), market).full

    sent = {e.order.order_id: e.order for e in run.events if isinstance(e, OrderSubmitted)}
    exits = [
        sent[e.fill.order_id]
        for e in run.events
        if isinstance(e, OrderFilled) and e.fill.order_id in sent
        and sent[e.fill.order_id].intent.purpose in PROTECTIVE
    ]  # fmt: skip
    reached = {e.order_id for e in run.events if isinstance(e, StopTriggered)}
    assert len(exits) > 20
    assert all(order.terms.reduce_only for order in exits)
    assert {order.intent.purpose for order in exits} == PROTECTIVE - {Purpose.BRACKET}
    assert {o.order_id for o in exits if o.intent.purpose != "take_profit"} <= reached
    state = run.engine.state
    held = {
        symbol: book.position(symbol).quantity
        for book in (state.books[next(iter(state.books))].whole,)
        for symbol in book.contracts
    }
    for live in state.orders.open():
        if live.order.intent.purpose in PROTECTIVE:  # no stop outlives its position
            assert live.order.side.sign * held[live.order.instrument] < 0
            assert live.open_quantity == abs(held[live.order.instrument])


EXPLICIT = (
    "market", "limit", "dated", "stop", "stop_limit", "trail", "cancel", "amend",
)  # fmt: skip
POSITIONS = ("weight", "quantity", "close")
ON_BAR_MARKETS = MARKETS[:5]


def told_by(lines: list[tuple[int, str, dict[str, Any]]]) -> list[str]:
    """What the hooks were told of orders that were asked for, in any order inside a bar."""
    return sorted(
        # An order amended to less than has filled counts as filled in one, as cancelled in the other.
        repr(
            (
                at_ms,
                event,
                {name: x for name, x in fields.items() if name not in ("fills", "state")},
            )
        )
        for at_ms, event, fields in lines
        if fields.get("order", 0) >= 0
    )


def random_words(seed: int, words: tuple[str, ...], protects: bool, shorts: bool) -> Strategy:
    class Words(RandomWords):
        short = shorts

    strategy = Words()
    strategy.seed, strategy.words, strategy.protects = seed, words, protects
    return strategy


@settings(max_examples=20, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    market=st.integers(0, len(ON_BAR_MARKETS) - 1),
    gap=st.sampled_from((0.001, 0.006)),
    thin=st.booleans(),
    missing=st.sampled_from((0.0, 0.1)),
    kind=st.sampled_from(
        # A capped target's rest is a new order at each try, younger than what was sent meanwhile,
        # where the kernel keeps its place in the queue: together they agree at the market only.
        (("capped", EXPLICIT), ("capped", POSITIONS), ("market", EXPLICIT + POSITIONS))
    ),
    protects=st.booleans(),
)
def test_a_bar_by_bar_strategy_fills_alike_in_both_drivers(
    seed: int,
    market: int,
    gap: float,
    thin: bool,
    missing: float,
    kind: tuple[Any, tuple[str, ...]],
    protects: bool,
) -> None:
    execution, words = kind
    instruments = ON_BAR_MARKETS[market]
    data = random_market(instruments, 160, seed, gap=gap, thin=thin, missing=missing)
    strategy = random_words(seed, words, protects, not instruments[0].is_spot_like)

    both = run_both(strategy, data, BacktestSettings(execution=execution))

    assert_same_fills(both)
    assert told_by(both.full_lines) == told_by(both.fast_lines)


@settings(max_examples=12, deadline=None)
@given(seed=st.integers(0, 10**6), market=st.sampled_from((3, 4)), thin=st.booleans())
def test_legs_of_a_group_end_alike_in_both_drivers(seed: int, market: int, thin: bool) -> None:
    instruments = MARKETS[market]

    class Pairs(RandomPairs):
        short = not instruments[0].is_spot_like

    strategy = Pairs()
    strategy.seed = seed

    both = run_both(strategy, random_market(instruments, 160, seed, thin=thin, missing=0.05))

    assert_same_fills(both)


def test_what_is_given_back_of_a_group_is_an_order_of_its_own_and_is_told() -> None:
    strategy = RandomPairs()
    strategy.seed = 3
    run = run_both(strategy, random_market(MARKETS[4], 300, 3, thin=True)).full

    sent = [e.order for e in run.events if isinstance(e, OrderSubmitted)]
    back = [order for order in sent if order.intent.purpose is Purpose.GROUP]
    assert back
    assert all(order.terms.reduce_only and order.intent.parent for order in back)
