"""R5: when decisions begin. R6: longer bars, completed ones only."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from tests.builders.markets import START_MS
from tests.builders.research import FREE, a_market

from algotrader.backtest.market import Market
from algotrader.backtest.run import RunResult, run_backtest
from algotrader.core.bars import Bars
from algotrader.core.errors import StrategyError
from algotrader.core.symbols import Symbol
from algotrader.core.timeframes import Timeframe
from algotrader.features import sma
from algotrader.strategy.base import Features, Strategy, Targets

HOUR = 3_600_000


def hourly(closes: list[float], *, missing: frozenset[int] = frozenset()) -> Market:
    """Bars that open at the close before; highs 1 above and lows 1 below both."""
    close = np.array(closes, dtype=np.float64)
    opening = np.concatenate([close[:1], close[:-1]])
    ts = START_MS + HOUR * np.arange(len(closes), dtype=np.int64)
    bars = Bars(
        ts=ts,
        open=opening,
        high=np.maximum(opening, close) + 1.0,
        low=np.minimum(opening, close) - 1.0,
        close=close,
        volume=np.full(len(closes), 1e9),
        known_at=ts + HOUR,
        timeframe=Timeframe.parse("1h"),
        symbols=(Symbol.parse("OKX:BTC/USDT"),),
    )
    there = np.array([row not in missing for row in range(len(closes))])
    return a_market(bars.take(there))


class AboveAverage(Strategy):
    """All in while the close is above its mean of three bars."""

    def features(self, bars: Bars) -> Features:
        return {"mean": sma(bars.close, 3)}

    def targets(self, bars: Bars, f: Features) -> Targets:
        return np.where(bars.close > f["mean"], 1.0, 0.0)


class Declaring(AboveAverage):
    warmup_bars = 4


RISING = [100.0, 101.0, 102.0, 103.0, 104.0, 105.0, 106.0, 107.0]


@pytest.mark.parametrize(
    ("strategy", "start", "first", "bought"),
    [
        # R5: the mean of three is finite from row 2 on, (100 + 101 + 102) / 3 = 101: decided
        # there at 102, bought at the open of row 3: 10,000 / 102 = 98.039216
        (AboveAverage(), None, 2, 10_000 / 102),
        # declared 4 is larger than measured 2: decided at 104, 10,000 / 104 = 96.153846
        (Declaring(), None, 4, 10_000 / 104),
        # --start at row 5 is the first decision; its mean (103 + 104 + 105) / 3 = 104 needs rows
        # 3 and 4, which lie before it: 10,000 / 105 = 95.238095
        (AboveAverage(), 5, 5, 10_000 / 105),
        # --start where the warm-up just ends is early enough
        (AboveAverage(), 2, 2, 10_000 / 102),
    ],
)
def test_r5_trading_begins_after_the_warm_up_or_at_the_start(
    strategy: Strategy, start: int | None, first: int, bought: float
) -> None:
    at = None if start is None else START_MS + start * HOUR
    result = run_backtest(strategy, hourly(RISING), FREE, start=at)

    fills = result.simulation.fills
    assert result.first == first
    assert int(fills.row[0]) == first + 1
    assert float(fills.quantity[0]) == pytest.approx(bought, abs=1e-7)


@pytest.mark.parametrize(
    ("strategy", "start", "missing"),
    [
        (AboveAverage(), 0, 2),  # R5: 2 rows are needed before the first decision, there are 0
        (AboveAverage(), 1, 1),
        (Declaring(), 3, 1),  # 4 are needed, there are 3
    ],
)
def test_r5_a_start_with_too_few_rows_before_it_is_refused_with_their_number(
    strategy: Strategy, start: int, missing: int
) -> None:
    at = START_MS + start * HOUR
    with pytest.raises(StrategyError, match=rf": {missing} missing"):
        run_backtest(strategy, hourly(RISING), FREE, start=at)


class Noting(Strategy):
    """Writes down what four-hour bars it sees at each decision."""

    def __init__(self, seen: list[tuple[int, list[tuple[float, ...]]]]) -> None:
        super().__init__()
        self._seen = seen

    def on_bar(self, ctx: Any) -> None:
        four = ctx.bars("4h")
        shown = zip(four.open, four.high, four.low, four.close, strict=True)
        self._seen.append((ctx.now.hour, [tuple(map(float, bar)) for bar in shown]))


class Tolerant(Noting):
    allow_incomplete = True


def noted(kind: type[Noting], market: Market) -> dict[int, list[tuple[float, ...]]]:
    seen: list[tuple[int, list[tuple[float, ...]]]] = []
    result: RunResult = run_backtest(kind(seen), market, FREE)
    assert len(seen) == len(result.market.bars)
    return dict(seen)


def test_r6_a_longer_bar_is_seen_in_the_step_that_completes_it_and_not_before() -> None:
    # R6: hours 0 to 3 open at 100 and close at 100, 101, 102, 103: (100, 103 + 1, 100 - 1, 103),
    # known at 04:00 with the bar of 03:00; hours 4 to 7: (103, 107 + 1, 103 - 1, 107) at 08:00
    seen = noted(Noting, hourly(RISING))

    first, second = (100.0, 104.0, 99.0, 103.0), (103.0, 108.0, 102.0, 107.0)
    assert [seen[hour] for hour in (1, 2, 3)] == [[], [], []]
    assert [seen[hour] for hour in (4, 5, 6, 7)] == [[first]] * 4
    assert seen[8] == [first, second]


def test_r6_one_missing_base_bar_makes_the_longer_bar_incomplete() -> None:
    # R6: the bar of 02:00 is missing, so the four hours from 00:00 have a coverage of 3 / 4 and
    # are left out. A strategy that allows it sees (100, 103 + 1, 100 - 1, 103) of what there was;
    # the bar of 03:00 opens at 102.
    market = hourly(RISING, missing=frozenset({2}))
    second = (103.0, 108.0, 102.0, 107.0)

    strict, tolerant = noted(Noting, market), noted(Tolerant, market)
    assert (strict[4], strict[8]) == ([], [second])
    assert (tolerant[4], tolerant[8]) == (
        [(100.0, 104.0, 99.0, 103.0)],
        [(100.0, 104.0, 99.0, 103.0), second],
    )
