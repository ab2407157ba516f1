"""Months of known settlements, as the report's strip shows them."""

from __future__ import annotations

import numpy as np
import pytest
from tests.builders.markets import random_bars
from tests.builders.research import a_market

from algotrader.backtest.derivatives import funding_months
from algotrader.backtest.market import FundingSeries
from algotrader.core.symbols import Symbol

PERPETUAL = "OKX:BTC/USDT:USDT"
EIGHT_HOURS = 8 * 3_600_000


def test_each_month_says_which_part_of_it_is_known() -> None:
    market = a_market(random_bars(24 * 90, symbol=PERPETUAL))
    bars = market.bars
    first, last = int(bars.ts[0]), int(bars.ts[-1])
    every = np.arange(first - first % EIGHT_HOURS, last + 1, EIGHT_HOURS, dtype=np.int64)
    months = np.unique(bars.ts.astype("datetime64[ms]").astype("datetime64[M]"))
    end = int((months[0] + 1).astype("datetime64[ms]").astype(np.int64))
    known = every[every < end]  # of the first month alone

    def of(ts: np.ndarray) -> dict[str, float]:
        series = FundingSeries(ts=ts, rate=np.zeros(len(ts)))
        return dict(funding_months(market.instruments, {Symbol.parse(PERPETUAL): series}, bars))

    assert of(every) == {str(month): 1.0 for month in months}
    part = of(known)
    assert part[str(months[0])] == pytest.approx(1.0)
    assert {part[str(month)] for month in months[1:]} == {0.0}


def test_a_market_without_perpetuals_has_no_months_of_funding() -> None:
    market = a_market(random_bars(24 * 40))

    assert funding_months(market.instruments, {}, market.bars) == ()
