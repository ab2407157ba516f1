"""Faults of data and strategies as a backtest meets them, each named after its entry."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from tests.builders.markets import START_MS, random_bars
from tests.builders.research import TREND_SOURCE, Hold, a_market

from algotrader.backtest.loading import DataRequest, frame_market, load_market
from algotrader.backtest.remarks import warnings_of
from algotrader.backtest.run import run_backtest
from algotrader.backtest.settings import BacktestSettings
from algotrader.cli.main import main
from algotrader.core.bars import Bars
from algotrader.core.calendars import load_calendar
from algotrader.core.errors import DataError
from algotrader.core.timeframes import Timeframe
from algotrader.data.lake import Lake
from algotrader.execution.simulation import FillReason
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


SPLIT = 150


def _shares(folder: Path, *, factor: bool) -> DataRequest:
    """Daily bars of a share with a split of 2 for 1 at row SPLIT, as a file of raw prices."""
    days = load_calendar("XNYS").grid(
        Timeframe.parse("1d"), START_MS - 400 * 24 * HOUR, START_MS
    )[:250]  # fmt: skip
    bars = random_bars(250, timeframe="1d", symbol="US:AAPL")
    before = np.where(np.arange(250) < SPLIT, 2.0, 1.0)
    columns = {name: getattr(bars, name) * before for name in ("open", "high", "low", "close")}
    columns |= {"ts": days, "volume": np.full(250, 1e6) / before}
    if factor:
        columns["adj_close"] = bars.close
    path = folder / "shares.parquet"
    pl.DataFrame(columns).write_parquet(path)
    return DataRequest(symbols=("US:AAPL",), data=str(path))


class Stopped(Hold):
    stop_loss = 0.4


@pytest.mark.parametrize("adjusted", [True, False])
def test_f46_a_split_stops_out_nobody_unless_its_factor_is_missing_and_then_it_is_said(
    tmp_path: Path, adjusted: bool
) -> None:
    market = load_market(_shares(tmp_path, factor=adjusted), tmp_path)

    result = run_backtest(Stopped(), market, BacktestSettings())

    stopped = FillReason.STOP_LOSS in result.simulation.fills.reason.tolist()
    said = [one for one in warnings_of(result) if one.code == "unexplained_split"]
    assert (stopped, len(said)) == ((False, 0) if adjusted else (True, 1))
    if said:
        day = np.datetime64(int(market.bars.ts[SPLIT]), "ms").astype("datetime64[D]")
        assert said[0].en.startswith(f"Bars that look wrong: 1, first US:AAPL {day}: ")


def test_f46_raw_prices_across_a_split_that_is_explained_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="by what its adjustment explains"):
        load_market(replace(_shares(tmp_path, factor=True), adjust="none"), tmp_path)


def test_f42_a_run_says_how_many_bars_look_wrong(tmp_path: Path) -> None:
    names = ("open", "high", "low", "close")
    bars = random_bars(400)
    wild = {name: getattr(bars, name).copy() for name in names}
    for name in names:
        wild[name][[120, 300]] *= 10.0
    Lake(tmp_path).write_bars(replace(bars, **wild))

    market = load_market(DataRequest(symbols=("OKX:BTC/USDT",)), tmp_path)
    said = {
        one.code: one.en for one in warnings_of(run_backtest(Hold(), market, BacktestSettings()))
    }

    assert said["bad_print"].startswith(
        "Bars that look wrong: 2, first OKX:BTC/USDT 2024-01-06: a price is far from those around it"
    )


@pytest.mark.parametrize("columns", [1, 2])
def test_volume_in_two_units_limits_no_order(columns: int) -> None:
    """R20: a frame has no manifest; that its volume changes its unit is seen all the same."""
    bars = random_bars(400)
    volume = np.random.default_rng(1).uniform(900.0, 1_100.0, 400)
    frame = {name: getattr(bars, name) for name in ("ts", "open", "high", "low", "close")}
    mixed = pl.DataFrame(frame | {"volume": np.where(np.arange(400) < 200, volume, 5e4 * volume)})
    plain = pl.DataFrame(frame | {"volume": volume})
    if columns == 2:
        mixed = pl.concat(
            [mixed.with_columns(symbol=pl.lit("OKX:A/USDT")),
             plain.with_columns(symbol=pl.lit("OKX:B/USDT"))]
        )  # fmt: skip

    market = frame_market(mixed, DataRequest(timeframe="1h"))

    unknown = np.isnan(market.bars.volume)
    assert [(s.rule, s.bars) for s in market.suspects] == [("volume_unit", 1)]
    assert unknown[..., 0].all() if columns == 2 else unknown.all()
    assert columns == 1 or not unknown[..., 1].any()


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
