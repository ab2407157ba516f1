"""Instruments, settings and panels as the kernel reads them (R2, R12, R13, R20, R23, R29)."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from tests.builders.books import INVERSE, SHARE, SPOT, SWAP
from tests.builders.markets import random_bars, random_panel
from tests.builders.research import Hold, a_market

from algotrader.backtest.kernel_input import instruments_of, panel_of, settings_of, traded
from algotrader.backtest.market import FundingSeries, Market, MarkSeries
from algotrader.backtest.settings import BacktestSettings
from algotrader.core.bars import Bars
from algotrader.core.instruments import (
    FeeCurrency,
    FeeSchedule,
    Instrument,
    MarginSchedule,
    MarginTier,
    SlippageModel,
)
from algotrader.execution.simulation import (
    ExecutionRule,
    GapFill,
    InstrumentKind,
    MarginMode,
    PathRule,
    RebalanceRule,
    SimulatedInstrument,
    SizeAt,
)
from algotrader.portfolio.sizing import KernelTerms
from algotrader.strategy.rebalance import band, schedule

TIERED = replace(
    INVERSE,
    min_quantity=Decimal(2),
    min_notional=Decimal(50),
    fees=FeeSchedule(
        maker=Decimal("-0.0001"), taker=Decimal("0.0005"), minimum=Decimal("0.01"),
        fee_in=FeeCurrency.RECEIVED,
    ),
    slippage=SlippageModel(bps=Decimal(2), half_spread_bps=Decimal("0.5"), impact=Decimal("0.3")),
    margin=MarginSchedule(
        leverage=Decimal(5),
        tiers=(
            MarginTier(upper_notional=Decimal(10_000), maintenance_rate=Decimal("0.004")),
            MarginTier(upper_notional=Decimal(50_000), maintenance_rate=Decimal("0.01")),
        ),
        liquidation_fee=Decimal("0.0075"),
    ),
    listed_at=datetime(2024, 1, 2, tzinfo=UTC),
    delisted_at=datetime(2024, 1, 3, 8, tzinfo=UTC),
)  # fmt: skip


def market_of(instrument: Instrument) -> Market:
    market = a_market(random_bars(50, symbol=str(instrument.symbol)))
    return replace(market, instruments=(instrument,))


def one(instrument: Instrument, share: float = 1.0, **settings: Any) -> SimulatedInstrument:
    (made,) = instruments_of(market_of(instrument), BacktestSettings(**settings), share)
    return made


def test_every_number_of_an_instrument_reaches_the_kernel() -> None:
    assert one(TIERED, share=0.25) == SimulatedInstrument(
        symbol="OKX:BTC/USD:BTC",
        kind=InstrumentKind.INVERSE,
        tick=0.1,
        lot=1.0,
        min_quantity=2.0,
        min_notional=50.0,
        multiplier=100.0,
        maker_fee=-0.0001,
        taker_fee=0.0005,
        min_fee=0.01,
        fee_in_received=True,
        slippage_bps=2.0,
        half_spread_bps=0.5,
        impact=0.3,
        participation=0.1,
        never_closes=True,
        leverage=5.0,
        tiers=((10_000.0, 0.004), (50_000.0, 0.01)),
        liquidation_fee=0.0075,
        size_share=0.25,
        listed_at=1_704_153_600_000,  # 2024-01-02 00:00
        delisted_at=1_704_268_800_000,  # 2024-01-03 08:00
    )


def test_sizing_of_the_books_and_the_simulator_read_the_same_terms() -> None:
    """One conversion serves both; only the symbol is the simulator's own."""
    terms = {name: getattr(KernelTerms.of(TIERED), name) for name in KernelTerms.__slots__}
    made = one(TIERED)

    assert {field.name for field in fields(SimulatedInstrument)} == {"symbol", *terms}
    run_decides = {"participation", "size_share"}
    assert {n: v for n, v in terms.items() if n not in run_decides} == {
        name: getattr(made, name) for name in terms if name not in run_decides
    }


@pytest.mark.parametrize(
    ("instrument", "kind", "never_closes"),
    [
        (SPOT, InstrumentKind.SPOT, True),
        (SHARE, InstrumentKind.SPOT, False),
        (SWAP, InstrumentKind.LINEAR, True),
        (INVERSE, InstrumentKind.INVERSE, True),
    ],
)
def test_the_kind_of_an_instrument(
    instrument: Instrument, kind: InstrumentKind, never_closes: bool
) -> None:
    made = one(instrument)
    assert (made.kind, made.never_closes) == (kind, never_closes)


def test_settings_of_a_run_go_before_the_instrument() -> None:
    made = one(TIERED, leverage=3.0, participation=0.05, fees="10bps", slippage_bps=7.0, lot=0.5)

    assert (made.leverage, made.participation, made.lot) == (3.0, 0.05, 0.5)
    assert (made.maker_fee, made.taker_fee) == (0.001, 0.001)
    assert (made.slippage_bps, made.half_spread_bps, made.impact) == (7.0, 0.0, 0.0)
    assert traded(TIERED, BacktestSettings()).lot == Decimal(1)


def test_r20_without_volume_there_is_no_participation() -> None:
    market = market_of(SPOT)
    market = replace(market, provenance=replace(market.provenance, volume_known=False))

    (made,) = instruments_of(market, BacktestSettings(participation=0.2), 1.0)
    assert made.participation == 0.0
    assert np.isnan(panel_of(market, Hold(), 0).volume).all()


def test_settings_by_name_become_the_kernels_rules() -> None:
    class Banded(Hold):
        rebalance = band(0.2)
        stop_loss = 0.05
        take_profit = 0.1
        trailing = 0.03
        reenter_after = 4

    asked = BacktestSettings(
        cash=500.0, margin_mode="isolated", cash_buffer=0.1, max_leverage=3.0, max_weight=0.4,
        max_notional=900.0, execution="capped", path="near-far", gap_fill="open", size_at="fill",
    )  # fmt: skip
    made = settings_of(Banded(), asked, close_only=True)

    assert (made.cash, made.cash_buffer, made.max_leverage) == (500.0, 0.1, 3.0)
    assert (made.max_weight, made.max_notional) == (0.4, 900.0)
    assert (made.margin_mode, made.execution) == (MarginMode.ISOLATED, ExecutionRule.CAPPED)
    assert (made.path, made.gap_fill, made.size_at) == (
        PathRule.NEAR_FAR, GapFill.OPEN, SizeAt.FILL,
    )  # fmt: skip
    assert (made.rebalance, made.band, made.close_only) == (RebalanceRule.BAND, 0.2, True)
    assert (made.stop_loss, made.take_profit, made.trailing, made.reenter_after) == (
        0.05, 0.1, 0.03, 4,
    )  # fmt: skip

    plain = settings_of(Hold(), BacktestSettings(), close_only=False)
    assert (plain.max_weight, plain.max_notional, plain.execution) == (np.inf, np.inf, None)
    assert (plain.path, plain.rebalance) == (PathRule.WORST, RebalanceRule.ON_CHANGE)


def test_a_schedule_includes_the_first_decision() -> None:
    class Monthly(Hold):
        rebalance = schedule("monthly")

    panel = panel_of(a_market(random_bars(24 * 40)), Monthly(), 7)
    assert panel.schedule is not None
    assert np.flatnonzero(panel.schedule).tolist() == [0, 7, 31 * 24]  # months begin, and row 7
    assert panel_of(a_market(random_bars(10)), Hold(), 0).schedule is None


def a_perpetual_panel() -> Market:
    """Three instruments; the second has marks, the first and the third have funding."""
    bars = random_panel(5, 3)
    market = a_market(bars)
    first, second, third = bars.symbols
    ts = bars.ts
    return replace(
        market,
        funding={
            third: FundingSeries(ts=ts[[0, 2]], rate=np.array([0.3, 0.4])),
            first: FundingSeries(ts=ts[[0, 1]], rate=np.array([0.1, 0.2])),
        },
        marks={
            second: MarkSeries(
                open=np.arange(5.0), high=np.arange(5.0) + 2, low=np.arange(5.0) - 1,
                close=np.arange(5.0) + 1,
            )
        },
    )  # fmt: skip


def test_r07_settlements_are_in_order_of_time_then_instrument() -> None:
    market = a_perpetual_panel()
    panel = panel_of(market, Hold(), 0)

    ts = market.bars.ts
    assert panel.funding_ts is not None
    assert panel.funding_ts.tolist() == [ts[0], ts[0], ts[1], ts[2]]
    assert panel.funding_instrument is not None
    assert panel.funding_instrument.tolist() == [0, 2, 0, 2]
    assert panel.funding_rate is not None
    assert panel.funding_rate.tolist() == [0.1, 0.3, 0.2, 0.4]


def test_an_instrument_without_marks_has_none_beside_one_that_has() -> None:
    panel = panel_of(a_perpetual_panel(), Hold(), 0)

    for name, first in (("open", 0.0), ("high", 2.0), ("low", -1.0), ("close", 1.0)):
        marks = getattr(panel, f"mark_{name}")
        assert marks.shape == (5, 3)
        assert marks.flags.c_contiguous
        assert marks[:, 1].tolist() == [first + row for row in range(5)]
        assert np.isnan(marks[:, [0, 2]]).all()
    plain = panel_of(a_market(random_bars(5)), Hold(), 0)
    assert plain.mark_open is None
    assert plain.funding_ts is None


def test_finer_bars_are_handed_over_as_one_array() -> None:
    minutes: Bars = random_bars(120, timeframe="1m")
    market = replace(a_market(random_bars(2)), finer=minutes)

    panel = panel_of(market, Hold(), 0)

    assert panel.finer_ts is not None
    assert panel.finer_ts.tolist() == minutes.ts.tolist()
    assert panel.finer_ohlc is not None
    assert panel.finer_ohlc.shape == (120, 4, 1)
    assert panel.finer_ohlc[7, :, 0].tolist() == [
        minutes.open[7], minutes.high[7], minutes.low[7], minutes.close[7],
    ]  # fmt: skip
