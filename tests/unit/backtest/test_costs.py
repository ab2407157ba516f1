"""Costs where nobody has said, and costs by hand: never zero unless zero is asked for."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import numpy as np
import pytest
from tests.builders.markets import random_bars, random_panel
from tests.builders.research import Hold, a_market, an_instrument

from algotrader.backtest.assumptions import assumptions_of
from algotrader.backtest.costs import venue_costs, with_costs
from algotrader.backtest.remarks import warnings_of
from algotrader.backtest.run import RunResult, run_backtest
from algotrader.backtest.settings import BacktestSettings
from algotrader.core.bars import Bars
from algotrader.core.errors import UsageError
from algotrader.core.instruments import FeeCurrency, FeeSchedule, Instrument, SlippageModel
from algotrader.core.symbols import InstrumentKind, Symbol
from algotrader.strategy.base import Strategy
from algotrader.strategy.rebalance import Rebalance

SPOT = replace(an_instrument(Symbol.parse("OKX:BTC/USDT")), fees=FeeSchedule())


@pytest.mark.parametrize("venue", ["OKX", "BINANCE", "US", "FILE", "NOWHERE"])
@pytest.mark.parametrize("kind", list(InstrumentKind))
def test_no_venue_trades_for_nothing(venue: str, kind: InstrumentKind) -> None:
    costs = venue_costs(venue, kind)

    assert costs.fees.taker > 0
    assert costs.fees.maker > 0
    assert costs.slippage.half_spread_bps > 0
    assert costs.fees.source


def test_okx_spot_takes_its_fee_in_the_coin() -> None:
    traded = with_costs(SPOT, "venue", None)

    assert traded.fees.taker == Decimal("0.001")
    assert traded.fees.maker == Decimal("0.0008")
    assert traded.fees.fee_in is FeeCurrency.RECEIVED
    assert traded.slippage.half_spread_bps == 1


@pytest.mark.parametrize(
    ("text", "maker", "taker"),
    [
        ("10bps", "0.001", "0.001"),
        ("0.1%", "0.001", "0.001"),
        ("0", "0", "0"),
        ("maker=2bps,taker=5bps", "0.0002", "0.0005"),
        ("taker=5bps, maker=-1bps", "-0.0001", "0.0005"),
    ],
)
def test_fees_by_hand(text: str, maker: str, taker: str) -> None:
    fees = with_costs(SPOT, text, None).fees

    assert (fees.maker, fees.taker) == (Decimal(maker), Decimal(taker))
    assert fees.fee_in is FeeCurrency.QUOTE
    assert fees.source == f"by hand: {text}"


@pytest.mark.parametrize(
    "text",
    ["", "much", "maker=2bps", "maker=2bps,taker=5bps,10bps", "2bps,5bps", "maker=1,maker=2",
     "maker=x,taker=1bps", "nan", "inf", "-5000bps", "200%"],
)  # fmt: skip
def test_fees_that_cannot_be_meant_are_refused(text: str) -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        with_costs(SPOT, text, None)


def test_an_instrument_s_own_costs_come_before_the_venue_s() -> None:
    own = replace(
        SPOT, fees=FeeSchedule(taker=Decimal("0.002")), slippage=SlippageModel(bps=Decimal(3))
    )

    assert with_costs(own, "venue", None).fees.taker == Decimal("0.002")
    assert with_costs(own, "venue", None).slippage.bps == 3
    assert with_costs(own, "venue", 7.0).slippage == SlippageModel(bps=Decimal("7.0"))


def ran(strategy: Strategy | None = None, **settings: object) -> RunResult:
    market = a_market(random_bars(300))
    chosen = BacktestSettings(**settings)  # type: ignore[arg-type]
    return run_backtest(strategy or Hold(), market, chosen)


def codes(result: RunResult) -> set[str]:
    return {one.code for one in warnings_of(result)}


def test_zero_costs_are_said() -> None:
    assert {"zero_fees", "zero_slippage"} <= codes(ran(fees="0", slippage_bps=0.0))
    assert not {"zero_fees", "zero_slippage"} & codes(ran())


def test_what_was_counted_is_said() -> None:
    assert codes(ran(Hold(weight=0.0))) >= {"no_trades"}
    market = a_market(random_bars(300))
    tiny = replace(
        market,
        instruments=(replace(market.instruments[0], min_quantity=Decimal(1000)),),
    )
    said = {one.code: one.en for one in warnings_of(run_backtest(Hold(), tiny, BacktestSettings()))}
    assert said["no_trades"] == (
        "0 trades: every order was below the venue's minimum quantity of 1,000."
    )
    assert "below_minimum" not in said  # the same, said twice


def test_what_is_known_of_the_data_is_said() -> None:
    market = a_market(random_bars(300))
    doubtful = replace(
        market,
        provenance=replace(market.provenance, generated=True, volume_known=False),
        coverage=replace(market.coverage, expected=310, least=300 / 310, funding=0.5),
    )
    result = run_backtest(Hold(), doubtful, BacktestSettings())

    assert codes(result) >= {"generated", "coverage", "funding_coverage", "volume_unknown"}
    closes = replace(market, bars=replace(market.bars, close_only=True))
    closed = run_backtest(Hold(), closes, BacktestSettings())
    assert "close_only" in codes(closed)
    assumed = {one.code: one.en for one in assumptions_of(closed)}
    assert assumed["participation"] == "not limited: no volume is known"
    assert assumed["fill"] == "at the next close: the data has closes alone"


def test_a_position_whose_bars_end_before_the_run_is_named() -> None:
    both = (random_bars(300), random_bars(200, seed=2, symbol="OKX:ETH/USDT"))
    market = a_market(Bars.stack(list(both)))
    said = {one.code: one for one in warnings_of(run_backtest(Hold(), market, BacktestSettings()))}
    flat = run_backtest(Hold(weight=0.0), market, BacktestSettings())
    whole = a_market(Bars.stack([one.rows(0, 200) for one in both]))

    assert "OKX:ETH/USDT 2024-01-09" in said["stale_marks"].en
    assert "OKX:BTC/USDT" not in said["stale_marks"].en
    assert "stale_marks" not in codes(flat)
    assert "stale_marks" not in codes(run_backtest(Hold(), whole, BacktestSettings()))


def test_volume_that_is_not_known_of_one_instrument_is_said() -> None:
    whole = Bars.stack([random_bars(300), random_bars(300, seed=2, symbol="OKX:ETH/USDT")])
    volume = np.array(whole.volume)
    volume[:, 1] = np.nan
    market = a_market(replace(whole, volume=volume))
    said = {one.code: one for one in warnings_of(run_backtest(Hold(), market, BacktestSettings()))}

    assert "OKX:ETH/USDT (300)" in said["volume_unknown"].en
    assert "OKX:BTC/USDT" not in said["volume_unknown"].en
    known = run_backtest(Hold(), a_market(whole), BacktestSettings())
    assert "volume_unknown" not in codes(known)


def test_orders_that_nothing_limits_are_said_to_be_so() -> None:
    result = run_backtest(Hold(), a_market(random_bars(300)), BacktestSettings(participation=0.0))
    assumed = {one.code: one.en for one in assumptions_of(result)}

    assert assumed["participation"] == "not limited, as was asked"
    assert "no_participation" in codes(result)


@pytest.mark.parametrize(
    ("settings", "code", "text"),
    [
        ({}, "fill", "next open, within 50 bps of the decision's close"),
        ({"execution": "market"}, "fill", "market orders at the next bar's open"),
        ({"path": "best"}, "path", "best inside a bar"),
        ({"fees": "maker=2bps,taker=5bps"}, "fees", "maker 2.0 bps, taker 5.0 bps"),
        ({"slippage_bps": 3.0}, "slippage", "3.0 bps a side"),
        ({"participation": 0.25}, "participation", "at most 25.0\u202f% of a bar's volume"),
        ({"max_leverage": 2.0}, "leverage", "Σ|weight| at most 2.00"),
        ({}, "rebalance", "when the target changes"),
    ],
)
def test_assumptions_say_how_it_was_simulated(
    settings: dict[str, object], code: str, text: str
) -> None:
    said = {one.code: one.en for one in assumptions_of(ran(**settings))}
    assert text in said[code]


def test_fees_that_differ_are_said_of_each_instrument() -> None:
    market = a_market(random_panel(300, 3))
    spot, other, perpetual = market.instruments
    cheap = replace(perpetual.fees, maker=Decimal("0.0002"), taker=Decimal("0.0005"))
    legs = replace(market, instruments=(spot, other, replace(perpetual, fees=cheap)))

    result = run_backtest(Hold(), legs, BacktestSettings())
    fees, slippage = assumptions_of(result)[:2]

    assert fees.en.startswith(f"{spot.symbol} and 1 more: maker 10.0 bps, taker 10.0 bps")
    assert f"; {perpetual.symbol}: maker 2.0 bps, taker 5.0 bps" in fees.en
    assert fees.zh.startswith(f"{spot.symbol} 等 2 个：挂单 10.0 bps")
    assert ";" not in slippage.en  # the same of all: said once


@pytest.mark.parametrize(
    ("rebalance", "en", "zh"),
    [
        ("on_change", "when the target changes", "目标改变时"),
        ("every_bar", "at every bar", "每根 K 线"),
        ("band(0.1)", "when what is held strays by 10.0\u202f%", "持仓偏离目标 10.0% 时"),
        ("daily", "at the first bar of a day", "每天第一根 K 线"),
        ("weekly", "at the first bar of a week", "每周第一根 K 线"),
        ("monthly", "at the first bar of a month", "每月第一根 K 线"),
        ("quarterly", "at the first bar of a quarter", "每季第一根 K 线"),
    ],
)
def test_when_targets_are_acted_on_is_said_in_words(rebalance: str, en: str, zh: str) -> None:
    kind = type("Paced", (Hold,), {"rebalance": Rebalance.parse(rebalance)})
    said = {one.code: one for one in assumptions_of(ran(kind()))}

    assert (said["rebalance"].en, said["rebalance"].zh) == (en, zh)


def test_an_exchange_whose_limits_are_not_known_is_named() -> None:
    market = a_market(random_bars(300))
    named = an_instrument(Symbol.parse("OKX:BTC/USDT"))
    bare = replace(named, tick=Decimal(0), min_quantity=Decimal(0), min_notional=Decimal(0))
    bars = replace(market.bars, symbols=(bare.symbol,))

    def said(instrument: Instrument) -> set[str]:
        traded = replace(market, bars=bars, instruments=(instrument,))
        return codes(run_backtest(Hold(), traded, BacktestSettings()))

    assert "venue_rules_unknown" in said(bare)
    assert "venue_rules_unknown" not in said(replace(bare, min_notional=Decimal(5)))
