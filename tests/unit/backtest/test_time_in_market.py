"""Time in market counts positions, not what a fee in the coin leaves of them."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import numpy as np
import pytest
from tests.builders.markets import random_bars
from tests.builders.research import a_market

from algotrader.backtest.run import run_backtest
from algotrader.backtest.settings import BacktestSettings
from algotrader.core.bars import Bars
from algotrader.core.instruments import FeeCurrency
from algotrader.strategy.base import Features, Strategy, Targets


class TenthBars(Strategy):
    """Holds from row 1 to row 11 of 100 (R1: decided one bar earlier)."""

    def targets(self, bars: Bars, f: Features) -> Targets:
        return np.where(np.arange(len(bars)) < 10, 0.5, 0.0)


@pytest.mark.parametrize("in_coin", [False, True])
def test_dust_of_a_fee_in_the_coin_is_no_time_in_the_market(in_coin: bool) -> None:
    market = a_market(random_bars(100))
    instrument = market.instruments[0]
    paid = FeeCurrency.RECEIVED if in_coin else FeeCurrency.QUOTE
    fees = replace(instrument.fees, fee_in=paid)
    market = replace(market, instruments=(replace(instrument, fees=fees, lot=Decimal("0.001")),))

    result = run_backtest(TenthBars(), market, BacktestSettings(cash=10_000.0))

    assert bool(result.simulation.position[-1, 0] > 0.0) is in_coin  # the dust
    assert result.summary["exposure"] == pytest.approx(0.10)
