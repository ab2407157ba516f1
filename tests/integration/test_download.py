"""The real ccxt client against a look-alike of OKX on loopback."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest
from tests.builders import okx_look_alike as okx

from algotrader import Features, Strategy, Targets
from algotrader.backtest.assumptions import assumptions_of
from algotrader.backtest.loading import DataRequest, load_market
from algotrader.backtest.remarks import warnings_of
from algotrader.backtest.run import run_backtest
from algotrader.backtest.settings import BacktestSettings
from algotrader.core.bars import Bars
from algotrader.core.errors import DataError, RunError, UsageError
from algotrader.core.instruments import MarginSchedule
from algotrader.core.ports import ManualClock
from algotrader.core.symbols import Symbol
from algotrader.core.timeframes import DAY_MS, HOUR_MS, Timeframe
from algotrader.data.adapters.ccxt_source import CcxtSource
from algotrader.data.downloading import fill, repair
from algotrader.data.instruments import load_instrument
from algotrader.data.lake import Lake
from algotrader.data.layout import Layer, SeriesKey

pytest.importorskip("ccxt", reason="not run: ccxt is not installed")


FIRST = 1704067200000  # 2024-01-01
NOW = FIRST + 40 * DAY_MS + 30 * 60_000  # half past: one hourly bar is forming
SPOT, SWAP = Symbol.parse("OKX:BTC/USDT"), Symbol.parse("OKX:BTC/USDT:USDT")
INVERSE = Symbol.parse("OKX:BTC/USD:BTC")
HOUR = Timeframe(HOUR_MS)
CLOCK = ManualClock(datetime(2024, 2, 10, 0, 30, tzinfo=UTC))
KEY = SeriesKey.bars(SPOT, HOUR)


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """The client's own pause between requests; that it is kept, `test_download_binance` shows."""
    from ccxt.base.exchange import Exchange

    monkeypatch.setattr(Exchange, "throttle", lambda self, cost=None: None)


def source(base: str) -> CcxtSource:
    return CcxtSource("OKX", base, pause=lambda _: None)


def test_f43_a_download_pages_through_history_and_keeps_closed_bars_only(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    with okx.serving(okx.Venue(now_ms=NOW, first_ms=FIRST)) as base:
        done = fill(lake, source(base), KEY, FIRST, NOW, CLOCK)

    bars = lake.read_bars(SPOT, HOUR)
    assert done.written.added == len(bars) == 40 * 24
    assert bars.ts[-1] == FIRST + (40 * 24 - 1) * HOUR_MS  # F43: not the one that forms
    assert done.manifest.coverage == 1
    assert done.manifest.grade == "A"


def test_a_second_download_adds_nothing_and_asks_for_nothing(tmp_path: Path) -> None:
    lake, venue = Lake(tmp_path), okx.Venue(now_ms=NOW, first_ms=FIRST)
    with okx.serving(venue) as base:
        fill(lake, source(base), KEY, FIRST, NOW, CLOCK)
        venue.asked.clear()
        again = fill(lake, source(base), KEY, FIRST, NOW, CLOCK)

    assert again.written.added == 0
    assert not [path for path in venue.asked if "candles" in path]


def test_an_interrupted_download_goes_on_where_it_stopped(tmp_path: Path) -> None:
    lake, venue = Lake(tmp_path), okx.Venue(now_ms=NOW, first_ms=FIRST)
    pages = 0

    def interrupt(*_: object) -> None:
        nonlocal pages
        pages += 1
        if pages == 2:
            raise KeyboardInterrupt

    with okx.serving(venue) as base:
        with pytest.raises(KeyboardInterrupt):
            fill(lake, source(base), KEY, FIRST, NOW, CLOCK, interrupt)
        assert len(lake.read_bars(SPOT, HOUR)) == 600
        rest = fill(lake, source(base), KEY, FIRST, NOW, CLOCK)

    assert rest.written.added == 360
    assert len(lake.read_bars(SPOT, HOUR)) == 960


def test_promise_16_f40_a_hole_is_refilled_alone_and_what_the_venue_lacks_is_marked(
    tmp_path: Path,
) -> None:
    lake = Lake(tmp_path)
    lost = {FIRST + row * HOUR_MS for row in range(100, 110)}
    never = {FIRST + row * HOUR_MS for row in (300, 301, 302)}
    with okx.serving(okx.Venue(now_ms=NOW, first_ms=FIRST, absent=lost | never)) as base:
        first = fill(lake, source(base), KEY, FIRST, NOW, CLOCK)
    assert first.manifest.no_trades == 13  # asked for, not there

    # The venue published the ten late; a person deletes the marks by asking again.
    lake.forget_absent(KEY)
    venue = okx.Venue(now_ms=NOW, first_ms=FIRST, absent=never)
    with okx.serving(venue) as base:
        mended = repair(lake, source(base), KEY, CLOCK)

    assert mended.written.added == 10
    assert [(b - a) // HOUR_MS for a, b in mended.asked] == [10, 3]
    assert [(m.bars, m.reason) for m in mended.manifest.missing] == [(3, "no_trades")]
    assert mended.manifest.coverage == 1


def test_f42_a_row_that_is_no_bar_is_set_aside_with_its_reason(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    venue = okx.Venue(now_ms=NOW, first_ms=FIRST, bad_highs={FIRST + 5 * HOUR_MS})
    with okx.serving(venue) as base:
        done = fill(lake, source(base), KEY, FIRST, NOW, CLOCK)

    assert done.quarantined == 1
    assert FIRST + 5 * HOUR_MS not in lake.read_bars(SPOT, HOUR).ts
    assert len(lake.files(KEY, Layer.QUARANTINE)) == 1


def test_f47_a_venue_that_fails_is_asked_again_and_then_named(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    with okx.serving(okx.Venue(now_ms=NOW, first_ms=FIRST, failures=3)) as base:
        assert fill(lake, source(base), KEY, FIRST, NOW, CLOCK).written.added == 960
    with (
        okx.serving(okx.Venue(now_ms=NOW, first_ms=FIRST, failures=10_000)) as base,
        pytest.raises(RunError, match="did not answer 5 times"),
    ):
        fill(lake, source(base), KEY, FIRST, NOW + DAY_MS, CLOCK)


def test_perpetuals_come_with_marks_funding_and_the_rules_of_the_venue(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    with okx.serving(okx.Venue(now_ms=NOW, first_ms=FIRST)) as base:
        exchange = source(base)
        for key in (
            SeriesKey.bars(SWAP, HOUR), SeriesKey.mark(SWAP, HOUR), SeriesKey.funding(SWAP),
        ):  # fmt: skip
            fill(lake, exchange, key, FIRST, NOW, CLOCK)

    bars = lake.read_bars(SWAP, HOUR)
    assert bars.volume[0] == pytest.approx(0.5 / 0.01)  # base coins → contracts (R20)
    assert len(lake.read_mark(SWAP, HOUR)) == 960
    ts, rate = lake.read_funding(SWAP)
    assert len(ts) == 121
    assert bool(np.all(ts % (8 * HOUR_MS) == 0))  # jitter is gone
    assert set(rate.tolist()) == {0.0001}
    rules = load_instrument(lake.root, SWAP)
    assert rules is not None
    assert (rules.multiplier, rules.lot, rules.tick) == (
        Decimal("0.01"),
        Decimal(1),
        Decimal("0.1"),
    )
    assert rules.fees.taker == Decimal("0.0005")


def test_volume_of_contracts_is_in_contracts_linear_and_inverse(tmp_path: Path) -> None:
    """R20: the look-alike trades half a coin a bar; the client tells coins, orders are contracts."""
    lake = Lake(tmp_path)
    with okx.serving(okx.Venue(now_ms=NOW, first_ms=FIRST)) as base:
        exchange = source(base)
        for symbol in (SPOT, SWAP, INVERSE):
            fill(lake, exchange, SeriesKey.bars(symbol, HOUR), FIRST, NOW, CLOCK)

    spot, linear, inverse = (lake.read_bars(symbol, HOUR) for symbol in (SPOT, SWAP, INVERSE))
    assert set(spot.volume.tolist()) == {0.5}
    assert linear.volume == pytest.approx(np.full(960, 50.0))  # 0.5 BTC / 0.01 BTC
    # As the venue counts them, in whole contracts: 0.5 BTC × price / 100 USD at the prices traded.
    assert inverse.volume.tolist() == (0.5 * inverse.close // 100).tolist()
    rules = load_instrument(lake.root, INVERSE)
    assert rules is not None
    assert (rules.is_inverse, rules.settle, rules.multiplier) == (True, "BTC", Decimal(100))


def test_perpetuals_come_with_the_margin_tiers_of_the_venue(tmp_path: Path) -> None:
    """R23: 500 contracts of 0.01 BTC at 40,000 are 200,000 USDT; of 100 USD they are 1.25 BTC."""
    lake = Lake(tmp_path)
    with okx.serving(okx.Venue(now_ms=NOW, first_ms=FIRST)) as base:
        exchange = source(base)
        for symbol in (SPOT, SWAP, INVERSE):
            fill(lake, exchange, SeriesKey.bars(symbol, HOUR), FIRST, NOW, CLOCK)

    spot, linear, inverse = (load_instrument(lake.root, s) for s in (SPOT, SWAP, INVERSE))
    assert spot is not None
    assert spot.margin == MarginSchedule()
    assert linear is not None
    assert [(str(t.upper_notional), str(t.maintenance_rate)) for t in linear.margin.tiers] == [
        ("200000", "0.004"),
        ("800000", "0.0075"),
        ("2400000", "0.02"),
    ]
    assert linear.margin.liquidation_fee == linear.fees.taker
    assert linear.margin.source == "okx"
    assert inverse is not None
    assert [str(t.upper_notional) for t in inverse.margin.tiers] == ["1.25", "5.00", "15.0"]


def test_a_venue_that_hides_its_tiers_gives_none_and_leaves_those_known(tmp_path: Path) -> None:
    lake, venue = Lake(tmp_path), okx.Venue(now_ms=NOW, first_ms=FIRST, hides_tiers=True)
    key = SeriesKey.bars(SWAP, HOUR)
    with okx.serving(venue) as base:
        exchange = source(base)
        fill(lake, exchange, key, FIRST, NOW, CLOCK)
        rules = load_instrument(lake.root, SWAP)
        assert rules is not None
        assert rules.margin.tiers == ()
        for hides in (False, True):
            venue.hides_tiers = hides
            fill(lake, exchange, key, FIRST, NOW, CLOCK)

    kept = load_instrument(lake.root, SWAP)
    assert kept is not None
    assert len(kept.margin.tiers) == 3


class AllIn(Strategy):
    """Long with all it has, always."""

    def targets(self, bars: Bars, f: Features) -> Targets:
        return np.full(len(bars), 3.0)


@pytest.mark.parametrize(
    ("hidden", "times", "warned"), [(False, 1, "liquidations"), (True, 0, "no_margin_tiers")]
)
def test_a_backtest_of_a_download_liquidates_or_says_that_it_cannot(
    tmp_path: Path, hidden: bool, times: int, warned: str
) -> None:
    """Three times long at 40,050 with 9,750 left at the fall to 26,945: 30,000 × 0.327 are lost.

    Nothing is left to keep 0.4 % of 20,200; but something is left, so without tiers it goes on.
    """
    crash = FIRST + 600 * HOUR_MS
    low = {crash + row * HOUR_MS: 26_950.0 for row in range(100)}
    venue = okx.Venue(now_ms=NOW, first_ms=FIRST, prices=low, hides_tiers=hidden)
    lake = Lake(tmp_path / "lake")
    with okx.serving(venue) as base:
        exchange = source(base)
        for key in (SeriesKey.bars(SWAP, HOUR), SeriesKey.funding(SWAP)):
            fill(lake, exchange, key, FIRST, NOW, CLOCK)
    market = load_market(DataRequest(symbols=(str(SWAP),), timeframe="1h"), lake.root)
    result = run_backtest(
        AllIn(), market, BacktestSettings(cash=10_000, max_leverage=3, leverage=4)
    )

    assert result.simulation.counters["liquidations"] == times
    codes = [remark.code for remark in warnings_of(result)]
    assert warned in codes
    assert ("margin" in [remark.code for remark in assumptions_of(result)]) is not hidden


def test_unknown_symbols_time_frames_and_exchanges_are_refused(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    with okx.serving(okx.Venue(now_ms=NOW, first_ms=FIRST)) as base:
        with pytest.raises(DataError, match="does not trade ETH/USDT"):
            fill(
                lake,
                source(base),
                SeriesKey.bars(Symbol.parse("OKX:ETH/USDT"), HOUR),
                FIRST,
                NOW,
                CLOCK,
            )
        key = SeriesKey.bars(SPOT, Timeframe(7 * HOUR_MS))
        with pytest.raises(DataError, match="has no 7h bars"):
            fill(lake, source(base), key, FIRST, NOW, CLOCK)
    with pytest.raises(UsageError, match="ccxt knows no exchange"):
        CcxtSource("NOWHERE", pause=lambda _: None)
    assert not list(tmp_path.rglob("*.parquet"))
