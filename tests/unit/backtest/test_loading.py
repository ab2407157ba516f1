"""From what was asked to a market: lake, sample, files; funding and marks of perpetuals."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from tests.builders.markets import START_MS, random_bars
from tests.builders.research import Hold, a_market

from algotrader.backtest.derivatives import settled_rates
from algotrader.backtest.loading import DataRequest, frame_market, load_market, parse_instant
from algotrader.backtest.market import FundingSeries, Market
from algotrader.backtest.remarks import warnings_of
from algotrader.backtest.run import run_backtest
from algotrader.backtest.settings import BacktestSettings
from algotrader.core.bars import Bars
from algotrader.core.errors import DataError, StrategyError, UsageError
from algotrader.core.instants import utc_at
from algotrader.core.symbols import Symbol
from algotrader.core.timeframes import DAY_MS, Timeframe
from algotrader.data.lake import Lake
from algotrader.data.layout import SeriesKey
from algotrader.data.tables import BarTable
from algotrader.strategy.base import Features, Strategy, Targets
from algotrader.strategy.decide import first_decision, prepare_all

HOUR = 3_600_000


def lake_of(folder: Path, *bars: Bars) -> Path:
    for one in bars:
        Lake(folder).write_bars(one)
    return folder


def asked(folder: Path, *symbols: str, **rest: object) -> Market:
    return load_market(DataRequest(symbols=symbols, **rest), folder)  # type: ignore[arg-type]


def test_the_only_time_frame_of_the_lake_needs_no_name(tmp_path: Path) -> None:
    lake = lake_of(tmp_path, random_bars(100))
    market = asked(lake, "OKX:BTC/USDT")

    assert len(market.bars) == 100
    assert market.currency == "USDT"
    assert market.never_closes
    assert market.coverage.bars == 1.0
    assert market.periods_per_year == 365.0


@pytest.mark.parametrize(
    ("timeframe", "a_year"), [("1d", 365.0), ("3d", 365.0 / 3.0), ("1w", 365.0 / 7.0)]
)
def test_returns_of_bars_longer_than_a_day_are_annualised_by_their_own_number(
    timeframe: str, a_year: float
) -> None:
    step = Timeframe.parse(timeframe).ms
    first = 1_704_067_200_000 - (
        DAY_MS if timeframe == "3d" else 0
    )  # a Monday; days count from 1970
    close = 100.0 * np.cumprod(1.0 + np.random.default_rng(1).normal(0.002, 0.03, 200))
    frame = pl.DataFrame(
        {
            "time": pl.Series(first + step * np.arange(200)).cast(pl.Datetime("ms", "UTC")),
            **dict.fromkeys(("open", "high", "low", "close"), close),
            "volume": np.full(200, 1e9),
        }
    )
    market = frame_market(frame, DataRequest(timeframe=timeframe))
    result = run_backtest(Hold(), market, BacktestSettings())
    returns = result.curve.equity / np.append(10_000.0, result.curve.equity[:-1]) - 1.0

    assert market.periods_per_year == pytest.approx(a_year)
    for name, value in (
        ("volatility", returns.std(ddof=1) * math.sqrt(a_year)),
        ("sharpe", returns.mean() / returns.std(ddof=1) * math.sqrt(a_year)),
    ):
        assert result.summary[name] == pytest.approx(value)
    is_long = timeframe != "1d"
    assert ("long_bars" in {remark.code for remark in warnings_of(result)}) is is_long


def test_of_several_time_frames_one_must_be_chosen(tmp_path: Path) -> None:
    lake = lake_of(tmp_path, random_bars(100), random_bars(100, timeframe="4h"))

    with pytest.raises(DataError, match="with several time frames: 1h 4h"):
        asked(lake, "OKX:BTC/USDT")
    assert len(asked(lake, "OKX:BTC/USDT", timeframe="4h").bars) == 100
    with pytest.raises(DataError, match=r"no 1d bars of OKX:BTC/USDT here, only 1h 4h"):
        asked(lake, "OKX:BTC/USDT", timeframe="1d")


def test_several_instruments_share_time_frame_calendar_and_currency(tmp_path: Path) -> None:
    lake = lake_of(
        tmp_path,
        random_bars(100),
        random_bars(100, symbol="OKX:ETH/USDT", timeframe="4h"),
        random_bars(100, symbol="OKX:SOL/USDC"),
        random_bars(100, symbol="OKX:XRP/USDT", seed=3),
    )

    with pytest.raises(UsageError, match="share one time frame"):
        asked(lake, "OKX:BTC/USDT", "OKX:ETH/USDT")
    with pytest.raises(UsageError, match="one settlement currency, these have USDC, USDT"):
        asked(lake, "OKX:BTC/USDT", "OKX:SOL/USDC")
    with pytest.raises(UsageError, match="different calendars"):
        asked(lake_of(tmp_path, random_bars(100, symbol="US:XYZ")), "OKX:BTC/USDT", "US:XYZ")
    two = asked(lake, "OKX:XRP/USDT", "OKX:BTC/USDT")
    assert [str(symbol) for symbol in two.bars.symbols] == ["OKX:BTC/USDT", "OKX:XRP/USDT"]


def test_promise_29_the_sample_is_there_without_a_lake(tmp_path: Path) -> None:
    one = asked(tmp_path, "US:AAPL")
    assert one.provenance.source == "bundled sample"
    assert one.provenance.adjusted
    panel = load_market(DataRequest(data="sample:20names"), tmp_path)
    assert len(panel.instruments) == 20
    two = load_market(DataRequest(data="sample:20names", symbols=("AAPL", "US:MSFT")), tmp_path)
    assert [symbol.code for symbol in two.bars.symbols] == ["AAPL", "MSFT"]
    alone = load_market(DataRequest(data="sample:20names", symbols=("AAPL",)), tmp_path)
    assert not alone.bars.panel


def test_f46_a_backtest_on_raw_prices_across_a_split_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"the raw price jumps at 2000-06-21 .*\(a split\)"):
        asked(tmp_path, "US:AAPL", adjust="none")


@pytest.mark.parametrize(
    ("text", "ms"),
    [
        ("2024-01-01", START_MS),
        ("2024-01-01T08:00", START_MS + 8 * HOUR),
        ("2024-01-01T08:00+08:00", START_MS),
        (None, None),
    ],
)
def test_an_instant_without_a_zone_is_utc(text: str | None, ms: int | None) -> None:
    assert parse_instant(text, "--start") == ms


class Lagging(Strategy):
    """Known from the third row on."""

    def features(self, bars: Bars) -> Features:
        lag = np.full(bars.close.shape, np.nan)
        lag[2:] = bars.close[:-2]
        return {"lag": lag}

    def targets(self, bars: Bars, f: Features) -> Targets:
        return np.ones(bars.close.shape)


class Declaring(Lagging):
    warmup_bars = 10


class Hopeless(Lagging):
    warmup_bars = 500


class OneBarShort(Lagging):
    warmup_bars = 100


@pytest.mark.parametrize(
    ("strategy", "start", "row"),
    [
        (Lagging(), None, 2),
        (Lagging(), 2, 2),
        (Lagging(), 50, 50),
        (Declaring(), None, 10),
        (Declaring(), 10, 10),
        (Hold(), None, 0),
        (Hold(), 0, 0),
    ],
)
def test_the_first_decision_is_the_end_of_the_warm_up_or_the_start(
    strategy: Strategy, start: int | None, row: int
) -> None:
    bars = random_bars(100)
    prepared = prepare_all(strategy, bars)
    asked_for = None if start is None else START_MS + start * HOUR

    assert first_decision(strategy, bars, prepared, asked_for) == row


@pytest.mark.parametrize(
    ("strategy", "start", "words"),
    [
        (Lagging(), 1, "needs 2 bars before --start, there are 1: 1 missing"),
        (Declaring(), 3, "needs 10 bars before --start, there are 3: 7 missing"),
        (Hopeless(), None, "needs 501 bars to decide once, the data has 100"),
        (OneBarShort(), None, "needs 101 bars to decide once, the data has 100"),
    ],
)
def test_too_little_warm_up_is_refused_with_the_number_missing(
    strategy: Strategy, start: int | None, words: str
) -> None:
    bars = random_bars(100)
    asked_for = None if start is None else START_MS + start * HOUR

    with pytest.raises(StrategyError, match=words):
        first_decision(strategy, bars, prepare_all(strategy, bars), asked_for)


def test_the_start_is_the_first_decision_and_earlier_rows_are_read() -> None:
    market = a_market(random_bars(100))
    result = run_backtest(Lagging(), market, BacktestSettings(), start=START_MS + 30 * HOUR)

    assert result.first == 30
    assert result.simulation.fills.row[0] == 31
    assert len(result.curve.equity) == 70


def test_what_a_market_cannot_do_is_refused() -> None:
    class Short(Hold):
        short = True

    class Stopped(Hold):
        stop_loss = 0.1

    spot = a_market(random_bars(100))
    with pytest.raises(StrategyError, match="declares short = True"):
        run_backtest(Short(), spot, BacktestSettings())
    closes = replace(spot, bars=replace(spot.bars, close_only=True))
    with pytest.raises(StrategyError, match="the data has closes alone"):
        run_backtest(Stopped(), closes, BacktestSettings())


PERPETUAL = random_bars(96, symbol="OKX:BTC/USDT:USDT")


def test_a_perpetual_without_funding_says_so(tmp_path: Path) -> None:
    market = asked(lake_of(tmp_path, PERPETUAL), "OKX:BTC/USDT:USDT")

    assert market.funding == {}
    assert market.coverage.funding == 0.0
    assert {share for _, share in market.coverage.funding_months} == {0.0}


def test_a_whole_warm_up_hides_no_hole_in_what_was_traded(tmp_path: Path) -> None:
    whole = random_bars(9_000)
    there = np.ones(9_000, dtype=np.bool_)
    there[8_800:8_840] = False  # where the run begins: 40 of 200 bars
    lake = lake_of(tmp_path, whole.take(there))
    start = f"{utc_at(int(whole.ts[8_800])):%Y-%m-%dT%H:%M}"

    assert asked(lake, "OKX:BTC/USDT").coverage.least > 0.995
    with pytest.raises(DataError, match="a backtest needs"):
        asked(lake, "OKX:BTC/USDT", start=start)
    coverage = asked(lake, "OKX:BTC/USDT", start=start, allow_gaps=True).coverage
    assert (coverage.expected, coverage.present) == (201, 161)
    assert coverage.least == pytest.approx(161 / 201)


def test_funding_is_measured_where_it_is_settled(tmp_path: Path) -> None:
    """Exchanges keep months of it and years of bars: a run of those months has all of it."""
    folder = lake_of(tmp_path, PERPETUAL)
    stamps = START_MS + HOUR * np.arange(48, 97, 8)
    rates = BarTable(ts=stamps, columns={"funding_rate": np.full(len(stamps), 1e-4)}, source="t")
    Lake(folder).write_table(SeriesKey.funding(PERPETUAL.symbol), rates, stamps)

    whole = asked(folder, "OKX:BTC/USDT:USDT")
    late = asked(folder, "OKX:BTC/USDT:USDT", start="2024-01-03")

    assert whole.coverage.funding is not None
    assert whole.coverage.funding < 0.6
    assert late.coverage.funding == 1.0


def test_a_settled_rate_is_forgotten_after_a_day() -> None:
    symbol = Symbol.parse("OKX:BTC/USDT:USDT")
    series = FundingSeries(ts=np.array([START_MS + 8 * HOUR]), rate=np.array([1e-4]))
    rates = settled_rates(PERPETUAL, {symbol: series})

    assert rates is not None
    known = np.flatnonzero(np.isfinite(rates))
    assert (known[0], known[-1]) == (7, 31)  # known at the close of hour 8, for 24 hours more
    assert settled_rates(PERPETUAL, {}) is None
    nothing = FundingSeries(ts=np.zeros(0, dtype=np.int64), rate=np.zeros(0))
    empty = settled_rates(PERPETUAL, {symbol: nothing})
    assert empty is not None
    assert np.isnan(empty).all()
