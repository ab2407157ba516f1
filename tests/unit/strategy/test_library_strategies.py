"""The strategies of the library as such: what each asks for, by numbers worked out by hand.

Also at the edges: the first bar, a missing bar, a listing and a delisting.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np
import pytest
from tests.builders.markets import START_MS
from tests.builders.research import a_market

from algotrader.backtest.market import FundingSeries, Market
from algotrader.backtest.run import RunResult, run_backtest
from algotrader.backtest.settings import BacktestSettings
from algotrader.core.bars import Bars
from algotrader.core.errors import StrategyError
from algotrader.core.instants import utc_at
from algotrader.core.symbols import Symbol
from algotrader.core.timeframes import DAY_MS, Timeframe
from algotrader.features import ema
from algotrader.strategy.base import Strategy
from algotrader.strategy.decide import all_targets, prepare_all
from algotrader.strategy.library.by_hand import ByHand
from algotrader.strategy.library.carry import FundingCarry
from algotrader.strategy.library.mean_reversion import MeanReversion
from algotrader.strategy.library.momentum import CrossSectionalMomentum
from algotrader.strategy.library.multi_factor import MultiFactor
from algotrader.strategy.library.pair import Pair
from algotrader.strategy.library.trend import TrendFollow

FREE = BacktestSettings(fees="0", slippage_bps=0, participation=0, execution="market")


def daily(closes: Any, *symbols: str) -> Bars:
    """Daily bars that open and close at `closes` (T,) or (T, N); NaN where there is none."""
    close = np.asarray(closes, dtype=np.float64)
    ts = START_MS + DAY_MS * np.arange(len(close), dtype=np.int64)
    return Bars(
        ts=ts, open=close.copy(), high=close.copy(), low=close.copy(), close=close,
        volume=np.where(np.isfinite(close), 1e9, 0.0), known_at=ts + DAY_MS,
        timeframe=Timeframe.parse("1d"),
        symbols=tuple(map(Symbol.parse, symbols or ("OKX:BTC/USDT",))), panel=close.ndim == 2, session=ts // DAY_MS,
    )  # fmt: skip


def targets(strategy: Strategy, bars: Bars) -> np.ndarray[Any, np.dtype[np.float64]]:
    return all_targets(strategy, bars, prepare_all(strategy, bars))


def run(strategy: Strategy, market: Market | Bars) -> RunResult:
    return run_backtest(strategy, market if isinstance(market, Market) else a_market(market), FREE)


def fills_of(result: RunResult) -> list[tuple[int, int, float]]:
    """Row, column and quantity of each fill."""
    fills = result.simulation.fills
    return [
        (int(row), int(column), round(float(quantity), 6))
        for row, column, quantity in zip(fills.row, fills.instrument, fills.quantity, strict=True)
    ]


# By hand


def test_by_hand_wants_nothing_of_any_instrument() -> None:
    assert np.isnan(targets(ByHand(), daily([100.0, 101.0, 50.0]))).all()
    assert fills_of(run(ByHand(), daily([100.0, 101.0, 50.0]))) == []


# Trend following


def test_trend_holds_risk_over_volatility_while_the_fast_average_is_above() -> None:
    alternating = np.where(np.arange(80) % 2 == 0, 1.01, 1 / 1.01)
    rising = 100.0 * np.cumprod(np.where(np.arange(80) < 40, alternating, alternating * 1.02))
    strategy = TrendFollow(fast=6, slow=48, risk=0.004, most=3.0)
    close = np.concatenate([rising, rising[-1] * 0.97 ** np.arange(1, 60)])

    weights = targets(strategy, daily(close))[:, 0]

    fast, slow = ema(close, 6), ema(close, 48)
    change = close[1:] / close[:-1] - 1.0
    for row in (50, 79, 100, 138):
        volatility = change[row - 48 : row].std(ddof=1)  # the 48 returns up to this row
        expected = min(3.0, 0.004 / volatility) if fast[row] > slow[row] else 0.0
        assert weights[row] == pytest.approx(expected, rel=1e-9)
    assert weights[79] > 0.0
    assert weights[138] == 0.0


def test_trend_has_no_opinion_in_its_warm_up_and_caps_a_calm_market() -> None:
    steady = 100.0 * 1.001 ** np.arange(80)
    wobble = steady * (1 + 1e-6 * (np.arange(80) % 2))

    weights = targets(TrendFollow(fast=6, slow=48, most=0.7), daily(wobble))[:, 0]

    assert np.isnan(weights[:48]).all()  # 48 returns need 49 closes
    assert (weights[48:] == 0.7).all()


def test_trend_waits_over_a_missing_bar_and_trades_at_the_next() -> None:
    steady = 100.0 * 1.001 ** np.arange(80) * (1 + 1e-6 * (np.arange(80) % 2))
    panel = np.column_stack([steady, steady])
    panel[49, 0] = np.nan  # the first decision is at row 48, its fill would be here

    result = run(TrendFollow(fast=6, slow=48), daily(panel, "OKX:BTC/USDT", "OKX:ETH/USDT"))

    first = {column: row for row, column, _ in reversed(fills_of(result))}
    assert first == {0: 50, 1: 49}


# Mean reversion


def dipping(dip: float) -> np.ndarray[Any, np.dtype[np.float64]]:
    """A rise with small steps, a dip at rows 60 and 61, and back."""
    close = 100.0 + 0.5 * np.arange(80) + 0.3 * (np.arange(80) % 2)
    close[60] -= dip
    close[61] = close[60]
    return close


def test_mean_reversion_buys_a_dip_above_the_long_average_and_sells_at_the_short_one() -> None:
    close = dipping(8.0)
    strategy = MeanReversion(window=10, trend=50, entry=1.5)

    result = run(strategy, daily(close))

    window = close[51:61]
    z = (close[60] - window.mean()) / window.std(ddof=0)
    assert z < -1.5
    assert close[60] > close[11:61].mean()
    quantity = round(0.98 * 10_000 / float(close[60]), 6)
    # Decided at row 60, bought at the open of 61; z is above 0 at 62, so sold at the open of 63.
    assert fills_of(result) == [(61, 0, quantity), (63, 0, -quantity)]


@pytest.mark.parametrize(
    ("dip", "entry", "why"),
    [
        (0.5, 1.5, "too small a dip"),
        (40.0, 1.5, "below the long average"),
        (8.0, 3.0, "a high bar"),
    ],
)
def test_mean_reversion_leaves_other_dips_alone(dip: float, entry: float, why: str) -> None:
    result = run(MeanReversion(window=10, trend=50, entry=entry), daily(dipping(dip)))
    assert [fill for fill in fills_of(result) if fill[0] == 61] == [], why


def test_mean_reversion_carries_a_stop_under_its_purchase() -> None:
    bars = daily(dipping(8.0))
    close = bars.close
    low = bars.low.copy()
    bought_at = close[61]
    low[61] = 0.5 * bought_at  # after the open of the purchase
    result = run(MeanReversion(window=10, trend=50, stop=0.08), replace(bars, low=low))

    (bought, sold) = result.simulation.fills.price[:2]
    assert bought == bought_at
    assert sold == pytest.approx(0.92 * bought_at)


# Cross-sectional momentum


def growing(rates: list[float], rows: int = 140) -> np.ndarray[Any, np.dtype[np.float64]]:
    return np.asarray(100.0 * np.exp(np.arange(rows)[:, None] * np.array(rates)[None, :]))


NAMES = ("US:A", "US:B", "US:C", "US:D")


def test_momentum_holds_the_top_quarter_in_equal_parts() -> None:
    strategy = CrossSectionalMomentum(lookback=63, skip=21, top=0.5)
    weights = targets(strategy, daily(growing([0.001, 0.004, -0.002, 0.003]), *NAMES))

    assert np.isnan(weights[:63]).all()
    assert weights[63:].tolist() == [[0.0, 0.5, 0.0, 0.5]] * (140 - 63)


def test_momentum_leaves_the_last_month_out() -> None:
    closes = growing([0.002, 0.001])
    closes[-21:, 1] *= 3.0  # a jump in the month that does not count
    weights = targets(
        CrossSectionalMomentum(lookback=63, skip=21, top=0.5), daily(closes, *NAMES[:2])
    )
    assert weights[-1].tolist() == [1.0, 0.0]

    with_it = targets(
        CrossSectionalMomentum(lookback=63, skip=0, top=0.5), daily(closes, *NAMES[:2])
    )
    assert with_it[-1].tolist() == [0.0, 1.0]


@pytest.mark.parametrize("listed", [17, 100])
def test_promise_19_momentum_ranks_what_is_listed_and_has_no_opinion_of_the_rest(
    listed: int,
) -> None:
    closes = growing([0.001, 0.004, -0.002, 0.003])
    closes[:listed, 1] = np.nan  # B, the fastest, is known 63 bars after it is listed

    weights = targets(CrossSectionalMomentum(lookback=63, skip=21, top=0.3), daily(closes, *NAMES))

    known = listed + 63
    assert np.isnan(weights[:63]).all()
    assert np.isnan(weights[63:known, 1]).all()
    others = weights[63:known][:, [0, 2, 3]]
    assert others.tolist() == [[0.0, 0.0, 1.0]] * len(others)  # D, without waiting for B
    assert weights[known:].tolist() == [[0.0, 0.5, 0.0, 0.5]] * len(weights[known:])  # of four two


def test_momentum_trades_once_a_month() -> None:
    result = run(
        CrossSectionalMomentum(lookback=63, skip=21, top=0.25),
        daily(growing([0.001, 0.004, -0.002, 0.003]), *NAMES),
    )
    days = {utc_at(int(result.market.bars.ts[row])) for row, _, _ in fills_of(result)}
    first = utc_at(START_MS + 64 * DAY_MS)
    assert {day.date() for day in days} <= {
        first.date(), *(date(2024, month, 2) for month in range(3, 6)),
    }  # fmt: skip


def test_promise_19_momentum_is_paid_out_when_its_share_is_delisted() -> None:
    market = a_market(daily(growing([0.001, 0.004], 140), *NAMES[:2]))
    gone = utc_at(START_MS + 100 * DAY_MS)
    closes = market.bars.close.copy()
    closes[100:, 1] = np.nan
    bars = daily(closes, *NAMES[:2])
    instruments = (market.instruments[0], replace(market.instruments[1], delisted_at=gone))

    result = run(
        CrossSectionalMomentum(lookback=63, skip=21, top=0.5),
        replace(market, bars=bars, instruments=instruments),
    )

    assert result.simulation.position[99, 1] > 0
    assert result.simulation.position[100, 1] == 0.0  # R29: closed at the last close
    # Half of what rose is all of it: 1 of 2. From row 64 to the last close of row 99.
    assert result.simulation.equity[100] == pytest.approx(10_000 * np.exp(0.004 * 35), rel=1e-3)


# Several factors


def test_multi_factor_holds_what_is_best_on_all_four() -> None:
    # Two that rise alike, of which one is calm, and two that fall.
    rows = 200
    wobble = 1 + 0.03 * np.where(np.arange(rows) % 2 == 0, 1.0, -1.0)
    closes = growing([0.002, 0.002, -0.001, -0.002], rows)
    closes[:, 1] *= wobble
    strategy = MultiFactor(year=126, month=10, top=0.25)

    weights = targets(strategy, daily(closes, *NAMES))

    assert np.isnan(weights[:126]).all()
    # Calm, rising, and at its high: only short reversal speaks against A.
    assert weights[150].tolist() == [1.0, 0.0, 0.0, 0.0]
    assert np.nansum(weights[126:], axis=1) == pytest.approx(np.ones(rows - 126))


def test_multi_factor_has_no_opinion_of_what_lacks_a_year() -> None:
    closes = growing([0.002, 0.001, -0.001, -0.002], 200)
    closes[:150, 0] = np.nan
    weights = targets(MultiFactor(year=126, month=10, top=0.34), daily(closes, *NAMES))

    assert np.isnan(weights[:, 0]).all()
    assert np.nan_to_num(weights[199, 1:]).sum() == pytest.approx(1.0)


# A pair


PERPETUALS = ("OKX:A/USDT:USDT", "OKX:B/USDT:USDT")


def parted(rows: int = 80, at: int = 60, factor: float = 1.2) -> Bars:
    """Two that move together; the first strays by a factor at one row, and comes back after five."""
    base = 100.0 + np.sin(np.arange(rows))
    first = base * (1 + 0.001 * (np.arange(rows) % 2))
    first[at : at + 5] *= factor
    return daily(np.column_stack([first, base]), *PERPETUALS)


@pytest.mark.parametrize(("factor", "side"), [(1.2, -1), (1 / 1.2, 1)])
def test_a_pair_sells_the_dear_one_and_buys_the_cheap_one_in_equal_value(
    factor: float, side: int
) -> None:
    bars = parted(factor=factor)
    result = run(Pair(window=40, enter=2.0, leave=0.5, size=0.4), bars)

    position = result.simulation.position
    assert (position[:61] == 0).all()
    value = position[61] * bars.close[60]
    assert value == pytest.approx([side * 4_000, -side * 4_000], rel=1e-6)
    assert (position[66] == 0).all()  # decided at row 65, when the ratio was back


@pytest.mark.parametrize(("factor", "side"), [(1.2, -1), (1 / 1.2, 1)])
@pytest.mark.parametrize(("leave", "jumps"), [(0.0, False), (0.5, True)])
def test_a_pair_leaves_when_the_ratio_is_back_or_has_jumped_beyond(
    factor: float, side: int, leave: float, jumps: bool
) -> None:
    """With `leave` 0 there is no band to be met in, and a jump to the other side meets none."""
    closes = parted(factor=factor).close.copy()
    if jumps:
        closes[65, 0] /= factor
    result = run(Pair(window=40, enter=2.0, leave=leave, size=0.4), daily(closes, *PERPETUALS))

    position = result.simulation.position
    assert np.sign(position[61]).tolist() == [side, -side]
    assert (position[66] == 0).all()


def test_a_pair_needs_two_legs_that_can_be_sold_short() -> None:
    with pytest.raises(StrategyError, match="Pair trades two instruments, 1 were given"):
        run(Pair(), a_market(daily(np.ones(200), PERPETUALS[0])))
    with pytest.raises(StrategyError, match="nothing it trades can be sold short"):
        run(Pair(), daily(np.ones((200, 2)), "OKX:A/USDT", "OKX:B/USDT"))


def test_a_pair_does_not_enter_while_a_leg_has_no_bar() -> None:
    bars = parted()
    closes = bars.close.copy()
    closes[60:65, 1] = np.nan
    result = run(Pair(window=40), daily(closes, *PERPETUALS))

    assert (result.simulation.position[:66] == 0).all()


# The carry


def carry_market(rates: list[float]) -> Market:
    """Spot and perpetual at one price that never moves; a rate settles at each day's close."""
    rows = len(rates)
    bars = daily(np.full((rows, 2), 100.0), "OKX:BTC/USDT", "OKX:BTC/USDT:USDT")
    perpetual = bars.symbols[1]
    rate = np.array(rates)
    settled = np.column_stack([np.full(rows, np.nan), rate])
    market = a_market(replace(bars, funding=settled))
    series = FundingSeries(ts=bars.ts, rate=np.concatenate([[0.0], rate[:-1]]))
    return replace(market, funding={perpetual: series})


def test_the_carry_holds_both_legs_while_shorts_are_paid() -> None:
    rates = [0.0001] * 60 + [-0.0002] * 40
    result = run(FundingCarry(window=24, enter=0.00008, leave=0.0, size=0.45), carry_market(rates))

    position = result.simulation.position
    assert result.first == 23  # 24 rates
    assert position[24].tolist() == pytest.approx([45.0, -45.0])  # 0.45 x 10,000 / 100
    # The mean of 24 falls below 0 with the 9th rate of -0.0002: 15 x 1 - 9 x 2 < 0, at row 68.
    assert position[68].tolist() == pytest.approx([45.0, -45.0])
    assert position[69].tolist() == pytest.approx([0.0, 0.0], abs=1e-9)
    # Paid at the opens of rows 25 to 60: 36 x 4,500 x 0.0001; lost at 61 to 69: 9 x 4,500 x 0.0002.
    assert result.simulation.funding.sum() == pytest.approx(36 * 0.45 - 9 * 0.9)


def test_the_carry_needs_a_pair_and_its_rates() -> None:
    market = carry_market([0.0001] * 60)
    with pytest.raises(StrategyError, match="needs a spot pair and its perpetual"):
        run(FundingCarry(window=24), replace(market, bars=replace(market.bars, funding=None)))
    with pytest.raises(StrategyError, match="needs a spot pair and its perpetual"):
        run(FundingCarry(window=24), daily(np.ones(200), "OKX:BTC/USDT:USDT"))


def test_the_carry_stays_out_of_poor_rates() -> None:
    result = run(FundingCarry(window=24), carry_market([0.00005] * 60))
    assert fills_of(result) == []
