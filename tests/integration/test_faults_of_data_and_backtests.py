"""Faults of data and strategies as a backtest meets them, each named after its entry."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.builders.markets import START_MS, random_bars
from tests.builders.research import TREND_SOURCE, Hold, a_market

from algotrader.backtest.loading import DataRequest, load_market
from algotrader.backtest.remarks import warnings_of
from algotrader.backtest.run import run_backtest
from algotrader.backtest.settings import BacktestSettings
from algotrader.cli.main import main
from algotrader.core.bars import Bars
from algotrader.core.calendars import load_calendar
from algotrader.core.errors import DataError
from algotrader.core.timeframes import Timeframe
from algotrader.data.lake import Lake
from algotrader.strategy.base import Features, Strategy, Targets

HOUR = 3_600_000


def test_f40_nothing_fills_in_a_gap_and_a_run_with_one_must_be_asked_for(tmp_path: Path) -> None:
    keep = np.ones(200, dtype=np.bool_)
    keep[50:60] = False
    Lake(tmp_path).write_bars(random_bars(200).take(keep))
    with pytest.raises(DataError, match=r"has 95\.00% of the bars its calendar expects"):
        load_market(DataRequest(symbols=("OKX:BTC/USDT",)), tmp_path)

    market = load_market(DataRequest(symbols=("OKX:BTC/USDT",), allow_gaps=True), tmp_path)
    result = run_backtest(Hold(), market, BacktestSettings())
    filled = set(market.bars.ts[result.simulation.fills.row].tolist())
    assert not filled & {START_MS + HOUR * row for row in range(50, 60)}
    assert "coverage" in {one.code for one in warnings_of(result)}


def _bars_every_hour(rows: int, symbol: str, *, shift_ms: int = 0) -> Bars:
    """Bars around the clock, whatever the symbol's market does; `shift_ms` moves their stamps."""
    bars = random_bars(rows, symbol=symbol)
    return replace(bars, ts=bars.ts + shift_ms, known_at=bars.known_at + shift_ms, session=None)


@pytest.mark.parametrize(
    ("symbol", "shift_ms", "share"),
    [
        # 13 sessions from 2 to 19 January 2024, 7 bars in each: 500 - 91 of 500 are outside
        ("US:AAPL", 0, "81.8%"),
        ("OKX:BTC/USDT", HOUR // 2, "100.0%"),  # half an hour off: every bar lies between bars
    ],
)
@pytest.mark.parametrize("allow_gaps", [False, True])
def test_f44_bars_where_the_market_is_closed_are_refused(
    tmp_path: Path, symbol: str, shift_ms: int, share: str, allow_gaps: bool
) -> None:
    Lake(tmp_path).write_bars(_bars_every_hour(500, symbol, shift_ms=shift_ms))
    request = DataRequest(symbols=(symbol,), timeframe="1h", allow_gaps=allow_gaps)

    with pytest.raises(DataError, match=f"{share}.* of the bars of {symbol} lie where") as caught:
        load_market(request, tmp_path)
    assert caught.value.code == "data.outside_sessions"


def test_f44_a_few_foreign_bars_are_warned_of(tmp_path: Path) -> None:
    around_the_clock = _bars_every_hour(24 * 400, "US:AAPL")
    sessions = load_calendar("XNYS").grid(
        Timeframe.parse("1h"), START_MS, int(around_the_clock.ts[-1])
    )
    inside = np.isin(around_the_clock.ts, sessions - sessions % HOUR)
    inside[np.flatnonzero(~inside)[5:8]] = True  # three bars at night
    Lake(tmp_path).write_bars(around_the_clock.take(inside))

    market = load_market(DataRequest(symbols=("US:AAPL",), allow_gaps=True), tmp_path)

    assert market.coverage.outside == 3
    said = {
        one.code: one.en for one in warnings_of(run_backtest(Hold(), market, BacktestSettings()))
    }
    assert said["outside_sessions"].startswith("3 bars lie where the calendar has none")


def test_f45_a_restated_bar_makes_another_run_and_the_old_one_is_still_told_apart(
    tmp_path: Path,
) -> None:
    lake = Lake(tmp_path)
    lake.write_bars(random_bars(200))
    request = DataRequest(symbols=("OKX:BTC/USDT",))
    before = load_market(request, tmp_path).provenance.data_hash
    assert load_market(request, tmp_path).provenance.data_hash == before

    bars = random_bars(200)
    row = np.arange(200) == 100
    changed = bars.take(row)
    lake.write_bars(
        Bars(
            ts=changed.ts, open=changed.open, high=changed.high * 1.01, low=changed.low,
            close=changed.close, volume=changed.volume, known_at=changed.known_at + 10 * HOUR,
            timeframe=changed.timeframe, symbols=changed.symbols,
        )
    )  # fmt: skip
    assert load_market(request, tmp_path).provenance.data_hash != before


@pytest.mark.parametrize("absurd", [np.inf, -np.inf, 11.0, -10.5])
def test_f59_absurd_weights_are_refused_the_last_one_stands_and_it_is_said(absurd: float) -> None:
    class Absurd(Strategy):
        def targets(self, bars: Bars, f: Features) -> Targets:
            wanted = np.full(len(bars), 0.5)
            wanted[20:40] = absurd
            return wanted

    result = run_backtest(Absurd(), a_market(random_bars(100)), BacktestSettings())

    assert result.simulation.fills.row.tolist() == [1]
    said = {one.code: one.en for one in warnings_of(result)}
    assert said["refused_targets"] == "Targets refused because they were infinite or above 10: 20."


def test_f59_nan_weights_keep_the_position_and_negative_ones_sell_a_spot_to_nothing() -> None:
    class Odd(Strategy):
        def targets(self, bars: Bars, f: Features) -> Targets:
            wanted = np.full(len(bars), 0.5)
            wanted[20:40] = np.nan
            wanted[60:] = -0.5
            return wanted

    result = run_backtest(Odd(), a_market(random_bars(100)), BacktestSettings())

    assert result.simulation.fills.row.tolist() == [1, 61]
    assert result.simulation.position[-1, 0] == 0.0
    assert "negative_spot_targets" in {one.code for one in warnings_of(result)}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("backtest:\n  cahs: 5\n", "cahs"),
        ("backtest:\n  cash: lots\n", "cash"),
        ("backtest: [1, 2\n", "algotrader.yaml"),
    ],
)
def test_f62_a_backtest_does_not_start_with_a_bad_configuration(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
    text: str, words: str,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    (tmp_path / "algotrader.yaml").write_text(text)

    assert main(["backtest", "TrendFollow", "--symbol", "US:AAPL"]) == 2
    said = capsys.readouterr().err
    assert words in said
    assert said.count("error: ") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["algotrader.yaml"]


def test_f64_a_strategy_that_reads_tomorrow_fails_the_check_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    leaking = TREND_SOURCE.replace("ema(bars.close, self.fast)", "np.roll(bars.close, -1)")
    (tmp_path / "leak.py").write_text(leaking)
    (tmp_path / "clean.py").write_text(TREND_SOURCE)

    assert main(["check", "leak.py:Cross", "--symbol", "US:AAPL"]) == 1
    assert "fast" in capsys.readouterr().out
    assert main(["check", "clean.py:Cross", "--symbol", "US:AAPL"]) == 0
