"""Funding and marks as a backtest reads them from the lake (R7, R8, promise 17)."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.builders.books import INVERSE, SPOT, SWAP
from tests.builders.markets import START_MS, random_bars
from tests.builders.research import Hold

from algotrader.backtest.derivatives import funding_coverage, funding_of, marks_of, settled_rates
from algotrader.backtest.loading import DataRequest, load_market
from algotrader.backtest.market import FundingSeries
from algotrader.backtest.remarks import warnings_of
from algotrader.backtest.run import RunResult, run_backtest
from algotrader.backtest.settings import BacktestSettings
from algotrader.core.bars import Bars
from algotrader.core.symbols import Symbol
from algotrader.data.instruments import save_instrument
from algotrader.data.lake import Lake
from algotrader.data.layout import SeriesKey
from algotrader.data.tables import BarTable
from algotrader.strategy.base import Features, Strategy, Targets

HOUR = 3_600_000
SYMBOL = SWAP.symbol
BARS = random_bars(48, symbol=str(SYMBOL))


def still_bars(rows: int = 48, price: float = 100.0, symbol: Symbol = SYMBOL) -> Bars:
    flat = np.full(rows, price)
    bars = random_bars(rows, symbol=str(symbol))
    return replace(bars, open=flat, high=flat, low=flat, close=flat, volume=np.full(rows, 1e9))


def put_funding(
    lake: Lake, hours: list[float], rates: list[float], symbol: Symbol = SYMBOL
) -> None:
    ts = START_MS + (np.array(hours) * HOUR).astype(np.int64)
    columns = {"funding_rate": np.array(rates)}
    lake.write_table(SeriesKey.funding(symbol), BarTable(ts=ts, columns=columns, source="t"), ts)


def put_marks(lake: Lake, bars: Bars) -> None:
    columns = {name: getattr(bars, name) for name in ("open", "high", "low", "close")}
    table = BarTable(ts=bars.ts, columns=columns, source="t")
    lake.write_table(SeriesKey.mark(bars.symbol, bars.timeframe), table, bars.known_at)


def test_settlements_of_the_run_are_read_and_none_is_made_up(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    assert funding_of(lake, SWAP, BARS) is None
    put_funding(lake, [-8, 0, 8, 47.0, 48], [0.5, 0.1, 0.2, 0.3, 0.6])

    series = funding_of(lake, SWAP, BARS)
    assert series is not None
    # A stamp equal to the end of the data is not in the run (R7); earlier ones are not either.
    assert ((series.ts - START_MS) // HOUR).tolist() == [0, 8, 47]
    assert series.rate.tolist() == [0.1, 0.2, 0.3]
    assert funding_of(lake, SPOT, BARS) is None


@pytest.mark.parametrize(
    ("hours", "share"),
    [
        ([0, 8, 16, 24, 32, 40], 1.0),
        ([0, 8, 16, 40], 1 - 16 / 47),  # 24 h without one: 16 h beyond the longest interval
        ([], 0.0),
        ([24], 1 - (16 + 15) / 47),  # 24 h before and 23 h after it
    ],
)
def test_promise_17_how_much_of_the_funding_is_known(hours: list[int], share: float) -> None:
    ts = START_MS + np.array(hours, dtype=np.int64) * HOUR
    series = {SYMBOL: FundingSeries(ts=ts, rate=np.zeros(len(hours)))}

    assert funding_coverage((SWAP,), series, BARS) == pytest.approx(share)


def test_the_worst_known_perpetual_decides_and_spot_has_no_funding() -> None:
    whole = FundingSeries(ts=BARS.ts[::8], rate=np.zeros(6))
    assert funding_coverage((SPOT,), {}, BARS) is None
    assert funding_coverage((SPOT, SWAP), {SYMBOL: whole}, BARS) == 1.0
    assert funding_coverage((SWAP, INVERSE), {SYMBOL: whole}, BARS) == 0.0


def test_marks_lie_on_the_rows_of_the_prices(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    assert marks_of(lake, SWAP, BARS) is None
    there = np.ones(48, dtype=bool)
    there[[3, 47]] = False
    put_marks(lake, BARS.take(there))

    marks = marks_of(lake, SWAP, BARS)
    assert marks is not None
    for name in ("open", "high", "low", "close"):
        values = getattr(marks, name)
        assert np.isnan(values[[3, 47]]).all()
        assert np.array_equal(values[there], getattr(BARS, name)[there])
    assert marks_of(lake, SPOT, BARS) is None


def test_the_rate_last_settled_is_known_at_a_close_and_forgotten_after_a_day() -> None:
    series = FundingSeries(ts=START_MS + np.array([2, 10]) * HOUR, rate=np.array([0.01, 0.02]))

    rates = settled_rates(BARS, {SYMBOL: series})

    assert rates is not None
    # The bar of 01:00 closes at 02:00, when the first is settled; the one of 09:00 at 10:00.
    assert np.isnan(rates[0])
    assert rates[1:9].tolist() == [0.01] * 8
    assert rates[9 : 9 + 25].tolist() == [0.02] * 25  # closes 10:00 to 10:00 of the next day
    assert np.isnan(rates[34:]).all()


def test_of_a_panel_only_what_has_funding_has_a_rate() -> None:
    other = random_bars(48, symbol="OKX:ETH/USDT:USDT")
    panel = Bars.stack([BARS, other])
    series = FundingSeries(ts=BARS.ts[:1], rate=np.array([0.01]))

    rates = settled_rates(panel, {other.symbol: series})

    assert rates is not None
    assert rates.shape == panel.close.shape
    own = panel.symbols.index(other.symbol)
    assert (rates[:24, own] == 0.01).all()
    assert np.isnan(rates[:, 1 - own]).all()
    empty = FundingSeries(ts=BARS.ts[:0], rate=np.zeros(0))
    none_settled = settled_rates(BARS, {SYMBOL: empty})
    assert none_settled is not None
    assert np.isnan(none_settled).all()
    assert settled_rates(BARS, {}) is None


class Whole(Strategy):
    """All of the equity, long."""

    def features(self, bars: Bars) -> Features:
        return {}

    def targets(self, bars: Bars, f: Features) -> Targets:
        return np.ones(bars.close.shape)


def run_from(folder: Path, strategy: Strategy | None = None) -> RunResult:
    market = load_market(DataRequest(symbols=(str(SYMBOL),)), folder)
    settings = BacktestSettings(fees="0", slippage_bps=0, participation=0)
    return run_backtest(strategy or Whole(), market, settings)


def test_funding_of_the_lake_is_paid_on_the_mark_of_the_lake(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    lake.write_bars(still_bars())
    save_instrument(tmp_path, SWAP)
    put_marks(lake, still_bars(price=110.0))
    put_funding(lake, [0, 8, 16, 24, 32, 40], [0.9, 0.001, -0.002, 0.0, 0.0, 0.0])

    result = run_from(tmp_path)

    # 10,000 buy 10,000 contracts of 0.01 at 100 at 01:00, after the stamp of 00:00. At 08:00 the
    # notional at the mark is 10,000 x 0.01 x 110 = 11,000: 11 are paid, at 16:00 22 are received.
    assert result.simulation.funding[8, 0] == pytest.approx(-11.0)
    assert result.simulation.funding[16, 0] == pytest.approx(22.0)
    assert result.simulation.funding.sum() == pytest.approx(11.0)
    assert result.simulation.counters["funding_without_mark"] == 0
    assert result.market.coverage.funding == 1.0
    assert "funding_coverage" not in {one.code for one in warnings_of(result)}


def test_without_marks_the_open_stands_in_and_it_is_counted(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    lake.write_bars(still_bars())
    save_instrument(tmp_path, SWAP)
    put_funding(lake, [0, 8], [0.9, 0.001])

    result = run_from(tmp_path)

    assert result.simulation.funding.sum() == pytest.approx(-10.0)  # 10,000 x 0.01 x 100 x 0.001
    assert result.simulation.counters["funding_without_mark"] > 0
    said = {one.code: one.en for one in warnings_of(result)}
    # Of the 47 h to the last bar's open 39 follow the last stamp, all but 8 of them unknown: 16 / 47.
    assert said["funding_coverage"].startswith("Funding rates are known for 34.0\u202f% of settle")


def test_bars_carry_the_rates_to_the_strategy(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    lake.write_bars(still_bars())
    put_funding(lake, [0, 8, 16, 24, 32, 40], [0.1, 0.2, 0.3, 0.4, 0.5, 0.6])
    seen: dict[str, object] = {}

    class Reading(Hold):
        def features(self, bars: Bars) -> Features:
            seen["rates"] = None if bars.funding is None else bars.funding[[0, 7, 8, 47]].tolist()
            return {}

    market = load_market(DataRequest(symbols=(str(SYMBOL),)), tmp_path)
    run_backtest(Reading(), market, BacktestSettings())

    assert seen["rates"] == [0.1, 0.2, 0.2, 0.6]  # the bar of 07:00 closes with the stamp of 08:00
