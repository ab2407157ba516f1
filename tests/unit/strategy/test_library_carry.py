"""The carry of the library where a purchase of spot pays its fee in the coin."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import algotrader as at
from algotrader.core.instruments import FeeCurrency
from algotrader.core.ports import SystemClock
from algotrader.data import generator
from algotrader.data.instruments import save_instrument
from algotrader.data.lake import Lake
from algotrader.strategy.library.carry import FundingCarry


def test_the_carry_enters_again_over_the_crumb_that_a_fee_in_the_coin_leaves(
    tmp_path: Path,
) -> None:
    generator.write_generated(Lake(tmp_path), generator.generate(2000, 7), SystemClock())
    spot, _ = generator.instruments()
    fees = replace(spot.fees, fee_in=FeeCurrency.RECEIVED)
    save_instrument(tmp_path, replace(spot, fees=fees))

    run = at.backtest(
        FundingCarry(window=24, enter=0.00002, leave=0.0001),
        [str(generator.SPOT), str(generator.PERPETUAL)],
        timeframe="1h",
        lake=tmp_path,
    )

    assert len(run.trades) > 4
