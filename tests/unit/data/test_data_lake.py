"""The lake keeps every version of a bar, adds nothing twice, and answers as of any time."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import numpy as np
import polars as pl
import pytest

from algotrader.core.bars import Bars
from algotrader.core.errors import DataError
from algotrader.core.symbols import Symbol
from algotrader.core.timeframes import HOUR_MS, Timeframe
from algotrader.data.lake import Lake, Written
from algotrader.data.layout import Layer, SeriesKey, may_hold, periods
from algotrader.data.sample import sample_bars, sample_panel, sample_table

BTC = Symbol.parse("OKX:BTC/USDT")
HOUR = Timeframe.parse("1h")
JANUARY_2024 = 1704067200000


def hourly(
    n: int, *, first: int = JANUARY_2024, close: float = 100.0, symbol: Symbol = BTC
) -> Bars:
    ts = first + HOUR_MS * np.arange(n)
    price = close + np.arange(n, dtype=np.float64)
    return Bars(
        ts=ts, open=price, high=price + 1, low=price - 1, close=price, volume=np.ones(n),
        known_at=ts + HOUR_MS, timeframe=HOUR, symbols=(symbol,),
    )  # fmt: skip


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    bars = hourly(48)

    assert lake.write_bars(bars) == Written(added=48, revised=0, unchanged=0)

    again = lake.read_bars("OKX:BTC/USDT", "1h")
    for name in ("ts", "open", "high", "low", "close", "volume", "known_at"):
        assert np.array_equal(getattr(again, name), getattr(bars, name)), name


def test_periods_with_and_without_a_volume_are_read_as_one_series(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    known, unknown = hourly(48), hourly(48, first=JANUARY_2024 + 366 * 24 * HOUR_MS, close=200.0)
    lake.write_bars(replace(unknown, volume=np.full(48, np.nan)))
    lake.write_bars(known)

    key = SeriesKey.bars(BTC, HOUR)
    table, known_at = lake.read_table(key)

    assert len(lake.files(key)) == 2
    assert np.array_equal(known_at, np.concatenate((known.known_at, unknown.known_at)))
    assert np.array_equal(table.columns["close"], np.concatenate((known.close, unknown.close)))
    volume = np.concatenate((known.volume, np.full(48, np.nan)))
    assert np.array_equal(table.columns["volume"], volume, equal_nan=True)


def test_writing_the_same_again_adds_nothing_and_touches_no_file(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    lake.write_bars(hourly(48))
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.parquet")}

    assert lake.write_bars(hourly(48)) == Written(added=0, revised=0, unchanged=48)
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.parquet")} == before


def test_f41_rows_in_any_order_and_repeated_give_the_same_curated_bytes(tmp_path: Path) -> None:
    bars = hourly(100)
    one, many = Lake(tmp_path / "one"), Lake(tmp_path / "many")
    one.write_bars(bars)

    for start, stop in ((60, 100), (0, 30), (20, 70), (0, 100)):
        many.write_bars(bars.rows(start, stop))

    key = SeriesKey.bars(BTC, HOUR)
    contents = [[path.read_bytes() for path in lake.files(key)] for lake in (one, many)]
    assert contents[0] == contents[1]


def test_f45_a_restated_bar_is_a_new_version_and_the_past_stays_as_it_was(tmp_path: Path) -> None:
    # R25: the closes are 100, 101, ...: the one of 04:00 is 104, and 104.5 as known from March on
    lake = Lake(tmp_path)
    lake.write_bars(hourly(10))
    restated = hourly(10, close=100.5).rows(4, 5)

    assert lake.write_bars(restated, received_at=at("2024-03-01")).revised == 1

    assert lake.read_bars(BTC, HOUR).close[4] == 104.5
    assert lake.read_bars(BTC, HOUR, as_of=at("2024-02-29")).close[4] == 104
    assert lake.read_bars(BTC, HOUR, as_of=at("2024-03-01")).close[4] == 104.5
    assert len(lake.read_bars(BTC, HOUR)) == 10
    # What was not yet closed was not yet known: at 05:30 the bars of 00:00 to 04:00 are.
    assert len(lake.read_bars(BTC, HOUR, as_of=at("2024-01-01T05:30"))) == 5


def test_a_range_is_half_open(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    lake.write_bars(hourly(48))

    bars = lake.read_bars(BTC, HOUR, start=at("2024-01-01T02:00"), end=at("2024-01-01T05:00"))

    assert bars.close.tolist() == [102, 103, 104]


@pytest.mark.parametrize(
    ("symbol", "timeframe", "start", "code", "words"),
    [
        ("OKX:ETH/USDT", "1h", None, "data.symbol_missing", "algotrader data download OKX:ETH/USDT"),
        ("OKX:BTC/USDT", "4h", None, "data.timeframe_missing", "--timeframe 4h"),
        ("OKX:BTC/USDT", "1h", at("2025-01-01"), "data.range_empty", "data show"),
    ],
)  # fmt: skip
def test_promise_29_what_is_not_there_is_an_error_with_the_command_that_fetches_it(
    tmp_path: Path, symbol: str, timeframe: str, start: datetime | None, code: str, words: str
) -> None:
    lake = Lake(tmp_path)
    lake.write_bars(hourly(5))

    with pytest.raises(DataError) as missing:
        lake.read_bars(symbol, timeframe, start=start)

    assert missing.value.code == code
    assert words in str(missing.value.hint)


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    lake.write_bars(hourly(24 * 400))
    victim = lake.files(SeriesKey.bars(BTC, HOUR))[1]
    victim.write_bytes(victim.read_bytes()[:100])

    with pytest.raises(DataError, match=r"2025\.parquet cannot be read"):
        lake.read_bars(BTC, HOUR)


def test_duckdb_and_polars_read_the_lake_in_one_scan(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    lake.write_bars(hourly(24 * 400))
    lake.write_bars(hourly(5, symbol=Symbol.parse("OKX:ETH/USDT:USDT")))
    pattern = f"{tmp_path}/layer=curated/**/*.parquet"

    by_duckdb = duckdb.sql(
        "select symbol, timeframe, count(*) from read_parquet(?, hive_partitioning=true) "
        "group by all order by 1",
        params=[pattern],
    ).fetchall()
    by_polars = pl.scan_parquet(pattern, hive_partitioning=True).select(pl.len()).collect().item()

    assert by_duckdb == [("BTC/USDT", "1h", 9600), ("ETH/USDT:USDT", "1h", 5)]
    assert by_polars == 9605


@pytest.mark.parametrize(
    ("timeframe", "expected"),
    [
        ("1m", ["2023-12", "2024-01"]), ("15m", ["2023-12", "2024-01"]),
        ("30m", ["2023", "2024"]), ("1h", ["2023", "2024"]), ("1d", ["all"]), ("1w", ["all"]),
    ],
)  # fmt: skip
def test_files_are_months_up_to_15m_years_up_to_a_day_and_one_from_there(
    timeframe: str, expected: list[str]
) -> None:
    ts = np.array([JANUARY_2024 - 1, JANUARY_2024])

    assert [name for name, _ in periods(ts, Timeframe.parse(timeframe))] == expected


@pytest.mark.parametrize(
    ("period", "start", "end", "expected"),
    [
        ("2024-01", JANUARY_2024, None, True),
        ("2023-12", JANUARY_2024, None, False),
        ("2023-12", None, JANUARY_2024, True),
        ("2024", None, JANUARY_2024, False),
        ("2023", JANUARY_2024 - 1, None, True),
        ("all", JANUARY_2024, JANUARY_2024 + 1, True),
    ],
)
def test_files_outside_the_range_are_not_opened(
    period: str, start: int | None, end: int | None, expected: bool
) -> None:
    assert may_hold(period, start, end) is expected


def test_raw_rows_are_kept_as_received_and_compacted(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    key = SeriesKey.bars(Symbol.parse("US:AAPL"), Timeframe.parse("1d"))
    table = sample_table(key.symbol)

    assert lake.append_raw(key, table.take(np.arange(100, 0, -1)))
    assert not lake.append_raw(key, table.take(np.arange(100, 0, -1)))
    assert lake.append_raw(key, table.take(np.arange(50, 150)))
    assert len(lake.files(key, Layer.RAW)) == 2

    assert lake.compact(key) == 2
    [whole] = lake.files(key, Layer.RAW)
    assert pl.read_parquet(whole, hive_partitioning=False).height == 149


def test_the_bundled_sample_is_reachable_by_symbol() -> None:
    apple = sample_bars("US:AAPL")
    raw = sample_bars("US:AAPL", adjust="none")

    assert (len(apple), str(apple.timeframe)) == (3270, "1d")
    assert raw.close[0] == 130.31
    assert apple.close[0] == pytest.approx(4.186662803811)
    assert len(sample_bars("US:SPX")) == 5031
    panel = sample_panel()
    assert panel.close.shape == (2516, 20)
    assert panel.close_only
    assert str(panel.symbols[0]) == "US:AAPL"
    with pytest.raises(DataError, match="not in the bundled sample"):
        sample_bars("US:TSLA")
