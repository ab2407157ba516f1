"""Imports: everything checked first, written whole, and nothing twice."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from algotrader.core.errors import DataError
from algotrader.core.ports import ManualClock
from algotrader.core.symbols import Symbol
from algotrader.core.timeframes import DAY_MS, HOUR_MS, Timeframe
from algotrader.data.adapters import freqtrade
from algotrader.data.funding import clean_funding, covered_share, funding_coverage, interval_changes
from algotrader.data.importing import Wanted, import_file, resample_series
from algotrader.data.lake import Lake
from algotrader.data.layout import Layer, SeriesKey
from algotrader.data.tables import BarTable

CLOCK = ManualClock(datetime(2024, 6, 1, tzinfo=UTC))
FIRST = 1704067200000


def ohlcv(n: int, step: int = HOUR_MS) -> dict[str, np.ndarray]:
    close = 100 + np.sin(np.arange(n) / 5) * 3
    return {
        "ts": FIRST + step * np.arange(n), "open": close, "high": close + 1, "low": close - 1,
        "close": close + 0.5, "volume": 5 + np.arange(n) % 7,
    }  # fmt: skip


def a_file(folder: Path, columns: dict[str, np.ndarray], name: str = "bars.parquet") -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    pl.DataFrame(columns).write_parquet(path)
    return path


def test_an_import_writes_bars_raw_rows_and_a_manifest(tmp_path: Path) -> None:
    lake = Lake(tmp_path / "lake")
    path = a_file(tmp_path, ohlcv(48))

    [done] = import_file(lake, path, CLOCK, Wanted(symbol=Symbol.parse("OKX:BTC/USDT")))

    assert done.written.added == 48
    made = done.manifest
    assert (made.symbol, made.name, made.calendar) == ("OKX:BTC/USDT", "1h", "24/7")
    assert (made.rows, made.expected, made.coverage, made.grade) == (48, 48, 1.0, "A")
    assert (made.volume, made.close_only, made.generated) == ("quantity", False, False)
    assert made.sources[0].name == "bars.parquet"
    assert len(lake.files(done.key, Layer.RAW)) == 1


def test_a_second_import_adds_nothing_and_changes_no_byte(tmp_path: Path) -> None:
    lake = Lake(tmp_path / "lake")
    path = a_file(tmp_path, ohlcv(48))
    import_file(lake, path, CLOCK)
    before = {
        p: (p.stat().st_mtime_ns, p.read_bytes()) for p in lake.root.rglob("*.*") if p.is_file()
    }

    [again] = import_file(lake, path, CLOCK)

    assert (again.written.added, again.written.revised, again.written.unchanged) == (0, 0, 48)
    after = {
        p: (p.stat().st_mtime_ns, p.read_bytes()) for p in lake.root.rglob("*.*") if p.is_file()
    }
    assert after == before


def test_a_wrong_row_leaves_the_lake_as_it_was(tmp_path: Path) -> None:
    columns = ohlcv(48)
    columns["low"][17] = -1
    with pytest.raises(DataError, match="row 18"):
        import_file(Lake(tmp_path / "lake"), a_file(tmp_path, columns), CLOCK)
    assert not (tmp_path / "lake").exists()


def test_f42_wrong_rows_are_set_aside_with_reasons_when_asked(tmp_path: Path) -> None:
    columns = ohlcv(48)
    columns["low"][17] = -1
    columns["close"][20] = np.nan
    lake = Lake(tmp_path / "lake")

    [done] = import_file(lake, a_file(tmp_path, columns), CLOCK, Wanted(on_error="quarantine"))

    assert done.quarantined == {"nan": 1, "price_not_positive": 1}
    assert done.manifest.quarantined == {"nan": 1, "price_not_positive": 1}
    assert [(gap.bars, gap.reason) for gap in done.manifest.missing] == [
        (1, "not_downloaded"), (1, "not_downloaded"),
    ]  # fmt: skip
    [aside] = lake.files(done.key, Layer.QUARANTINE)
    kept = pl.read_parquet(aside, hive_partitioning=False)
    assert kept["reason"].to_list() == ["price_not_positive", "nan"]


def test_funding_beside_bars_becomes_a_series_of_its_own(tmp_path: Path) -> None:
    columns = ohlcv(30, 8 * HOUR_MS) | {"funding_rate": np.full(30, 0.0001)}
    lake, symbol = Lake(tmp_path / "lake"), Symbol.parse("OKX:BTC/USDT:USDT")

    import_file(lake, a_file(tmp_path, columns), CLOCK, Wanted(symbol=symbol))

    assert [key.name for key in lake.series()] == ["funding", "8h"]
    assert lake.timeframes(symbol) == [Timeframe.parse("8h")]
    ts, rate = lake.read_funding(symbol)
    assert (len(ts), rate[0]) == (30, 0.0001)


def test_jitter_of_funding_stamps_is_rounded_and_interval_changes_are_kept(tmp_path: Path) -> None:
    hours = np.array([0, 8, 16, 20, 24, 25, 26])
    table = BarTable(
        ts=FIRST + hours * HOUR_MS + np.array([3, 0, 12, 1, 0, -7, 0]),
        columns={"funding_rate": np.full(7, 0.0001)}, source="funding",
    )  # fmt: skip

    clean = clean_funding(table)

    assert ((clean.ts - FIRST) // HOUR_MS).tolist() == hours.tolist()
    assert [step for _, step in interval_changes(clean.ts)] == [8, 4, 1]
    assert funding_coverage(clean.ts).share == 1


@pytest.mark.parametrize(
    ("hours", "rates", "words"),
    [
        ([0, 8.5], [0.0, 0.0], "not at a full hour"),
        ([0, 8], [0.0, 0.5], "no plausible rate"),
        ([0, 8], [0.0, np.nan], "no plausible rate"),
        ([0, 8, 8], [0.0, 0.1e-3, 0.2e-3], "second rate"),
    ],
)
def test_wrong_funding_is_refused(hours: list[float], rates: list[float], words: str) -> None:
    ts = (FIRST + np.array(hours) * HOUR_MS).astype(np.int64)
    with pytest.raises(DataError, match=words):
        clean_funding(BarTable(ts=ts, columns={"funding_rate": np.array(rates)}, source="f"))


@pytest.mark.parametrize(
    ("hours", "start", "end", "share"),
    [
        ([0, 8, 16, 24], 0, 24, 1.0),
        ([8, 16, 24], 0, 24, 1.0),
        ([16, 24], 0, 24, 1 / 3 * 2),  # the settlement of hour 8 is not known
        ([0, 8, 40, 48], 0, 48, 0.5),  # 24 of 48 hours are beyond 8 h of a settlement
        ([], 0, 24, 0.0),
    ],
)
def test_funding_coverage_is_the_share_of_time_with_known_settlements(
    hours: list[int], start: int, end: int, share: float
) -> None:
    ts = FIRST + np.array(hours, dtype=np.int64) * HOUR_MS

    got = covered_share(ts, FIRST + start * HOUR_MS, FIRST + end * HOUR_MS)

    assert got == pytest.approx(share)


@pytest.mark.parametrize(
    ("path", "symbol", "series"),
    [
        ("okx/BTC_USDT-1h.feather", "OKX:BTC/USDT", "1h"),
        ("binance/futures/BTC_USDT_USDT-15m-futures.feather", "BINANCE:BTC/USDT:USDT", "15m"),
        ("binance/futures/BTC_USDT_USDT-1h-mark.feather", "BINANCE:BTC/USDT:USDT", "mark-1h"),
        ("okx/futures/ETH_USDT_USDT-8h-funding_rate.feather", "OKX:ETH/USDT:USDT", "funding"),
    ],
)
def test_names_of_freqtrade_files_say_what_they_hold(path: str, symbol: str, series: str) -> None:
    named = freqtrade.parse_name(Path(path))
    assert named is not None

    key = freqtrade.key_of(Path(path), named, None)

    assert (str(key.symbol), key.name) == (symbol, series)


def test_a_freqtrade_folder_is_imported(tmp_path: Path) -> None:
    lake = Lake(tmp_path / "lake")
    columns = ohlcv(48)
    stamps = pl.Series("date", columns.pop("ts")).cast(pl.Datetime("ms", "UTC"))
    futures = tmp_path / "okx" / "futures"
    futures.mkdir(parents=True)
    bars = pl.DataFrame({"date": stamps, **columns})
    bars.write_ipc(futures / "BTC_USDT_USDT-1h-futures.feather", compression="lz4")
    rates = pl.DataFrame({"date": stamps[::8], "open": np.full(6, 0.0002), "high": np.zeros(6),
                          "low": np.zeros(6), "close": np.zeros(6), "volume": np.zeros(6)})  # fmt: skip
    rates.write_ipc(futures / "BTC_USDT_USDT-8h-funding_rate.feather", compression="lz4")

    for path in sorted(futures.iterdir()):
        import_file(lake, path, CLOCK)

    symbol = Symbol.parse("OKX:BTC/USDT:USDT")
    assert len(lake.read_bars(symbol, "1h")) == 48
    assert lake.read_funding(symbol)[1].tolist() == [0.0002] * 6


def test_a_vnpy_database_is_imported_from_its_local_time(tmp_path: Path) -> None:
    path = tmp_path / "database.db"
    with sqlite3.connect(path) as database:
        database.execute(
            "create table dbbardata (id integer primary key, symbol text, exchange text, "
            "datetime text, interval text, volume real, turnover real, open_interest real, "
            "open_price real, high_price real, low_price real, close_price real)"
        )
        for minute in range(30):
            database.execute(
                "insert into dbbardata values (null, 'rb2405', 'SHFE', ?, '1m', 5, 0, 0, 10, 12, 9, 11)",
                (f"2024-01-02 09:{minute:02d}:00",),
            )
        for day in (2, 3, 4):
            database.execute(
                "insert into dbbardata values (null, '600519', 'SSE', ?, 'd', 5, 0, 0, 10, 12, 9, 11)",
                (f"2024-01-0{day} 00:00:00",),
            )
    lake = Lake(tmp_path / "lake")

    import_file(lake, path, CLOCK)

    minutes = lake.read_bars("SHFE:rb2405", "1m")
    assert minutes.ts[0] == 1704157200000  # 09:00 in Shanghai is 01:00 UTC
    assert lake.read_bars("SSE:600519", "1d").ts[0] == 1704153600000  # the date


def test_a_tradingview_export_is_recognised(tmp_path: Path) -> None:
    path = tmp_path / "BINANCE_BTCUSDT, 60.csv"
    lines = [f"{FIRST // 1000 + 3600 * n},100,101,99,100.5,12" for n in range(5)]
    path.write_text("time,open,high,low,close,Volume\n" + "\n".join(lines))
    lake = Lake(tmp_path / "lake")

    [done] = import_file(lake, path, CLOCK, Wanted(symbol=Symbol.parse("BINANCE:BTC/USDT")))

    assert (done.written.added, done.key.name) == (5, "1h")


def test_a_file_that_is_no_database_is_named(tmp_path: Path) -> None:
    path = tmp_path / "database.db"
    path.write_bytes(b"not a database at all" * 100)
    with pytest.raises(DataError, match="no vnpy database"):
        import_file(Lake(tmp_path / "lake"), path, CLOCK)


def test_f46_an_unadjusted_split_is_a_finding_and_lowers_the_grade(tmp_path: Path) -> None:
    days = np.array([d for d in range(200) if (d + 0) % 7 < 5])
    close = np.where(days < 100, 200.0, 100.0) + np.sin(days)
    columns = {
        "ts": FIRST + DAY_MS * days, "open": close, "high": close + 1, "low": close - 1,
        "close": close, "volume": np.where(days < 100, 10.0, 20.0) + days % 3,
    }  # fmt: skip
    lake = Lake(tmp_path / "lake")
    wanted = Wanted(symbol=Symbol.parse("US:A"), calendar="24/5")

    [raw] = import_file(lake, a_file(tmp_path, columns), CLOCK, wanted)
    assert raw.manifest.findings["unexplained_split"] == 1
    assert raw.manifest.grade in ("C", "D")

    columns["adj_close"] = np.where(days < 100, close / 2, close)
    other = Wanted(symbol=Symbol.parse("US:B"), calendar="24/5")
    [explained] = import_file(lake, a_file(tmp_path, columns), CLOCK, other)
    assert "unexplained_split" not in explained.manifest.findings
    assert explained.manifest.adjustment == ("adj_close",)


def test_longer_bars_of_a_series_become_a_series(tmp_path: Path) -> None:
    lake, symbol = Lake(tmp_path / "lake"), Symbol.parse("OKX:BTC/USDT")
    import_file(lake, a_file(tmp_path, ohlcv(50)), CLOCK, Wanted(symbol=symbol))

    made = resample_series(
        lake, SeriesKey.bars(symbol, Timeframe.parse("1h")), Timeframe.parse("4h"), CLOCK
    )

    assert made.written.added == 12
    assert len(lake.read_bars(symbol, "4h")) == 12
