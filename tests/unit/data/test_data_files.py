"""Bare files become bars, or say in one sentence why not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from algotrader.core.errors import DataError
from algotrader.data.files import read_bars

HEADER = "Date,Open,High,Low,Close,Volume\n"
DAYS = ("2024-01-02", "2024-01-03", "2024-01-04", "2024-01-05")


def a_csv(folder: Path, *rows: str, header: str = HEADER, name: str = "spot.csv") -> Path:
    path = folder / name
    path.write_text(header + "".join(row + "\n" for row in rows), encoding="utf-8")
    return path


def rows_of(stamps: tuple[str, ...], prices: str = "10,12,9,11,100") -> list[str]:
    return [f"{stamp},{prices}" for stamp in stamps]


def test_a_daily_csv_becomes_bars_of_a_file_instrument(tmp_path: Path) -> None:
    bars = read_bars(a_csv(tmp_path, *rows_of(DAYS)))

    assert str(bars.symbol) == "FILE:spot"
    assert str(bars.timeframe) == "1d"
    assert bars.ts[0] == 1704153600000  # 2024-01-02T00:00:00Z
    assert (bars.open[0], bars.high[0], bars.low[0], bars.close[0]) == (10, 12, 9, 11)
    assert bars.volume[0] == 100


@pytest.mark.parametrize(
    ("stamps", "first"),
    [
        (("1704067200", "1704070800", "1704074400"), 1704067200000),
        (("1704067200000", "1704070800000", "1704074400000"), 1704067200000),
        (("1704067200000000", "1704070800000000", "1704074400000000"), 1704067200000),
        (("2024-01-01T00:00:00Z", "2024-01-01T01:00:00Z", "2024-01-01T02:00:00Z"), 1704067200000),
        (
            ("2024-01-01 08:00:00+08:00", "2024-01-01 09:00:00+08:00", "2024-01-01 10:00:00+08:00"),
            1704067200000,
        ),
        (("2024-01-01 00:00", "2024-01-01 01:00", "2024-01-01 02:00"), 1704067200000),
        (("20240101", "20240102", "20240103"), 1704067200000),
        (("01/13/2024", "01/14/2024", "01/15/2024"), 1705104000000),
        (("13/01/2024", "14/01/2024", "15/01/2024"), 1705104000000),
        (("01/02/2024", "01/03/2024", "01/04/2024"), None),  # January days or Februaries' months
        (("2024-03-08 00:00:00-05:00", "2024-03-11 00:00:00-04:00"), 1709856000000),
    ],
)
def test_stamps_of_every_usual_form_are_read(
    tmp_path: Path, stamps: tuple[str, ...], first: int | None
) -> None:
    path = a_csv(tmp_path, *rows_of(stamps))
    if first is None:
        with pytest.raises(DataError, match="month first or day first"):
            read_bars(path)
        return
    assert read_bars(path).ts[0] == first


@pytest.mark.parametrize(
    ("rows", "code", "words"),
    [
        ([f"{d},10,12,9,11,1" for d in (DAYS[0], DAYS[2], DAYS[1])], "data.unsorted", "row 3"),
        ([f"{d},10,12,9,11,1" for d in (DAYS[0], DAYS[1], DAYS[1])], "data.duplicate", "row 3"),
        ([f"{DAYS[0]},10,12,9,11,1", f"{DAYS[1]},,12,9,11,1"], "data.nan", "row 2"),
        ([f"{DAYS[0]},10,12,9,11,1", f"{DAYS[1]},0,12,0,11,1"], "data.price_not_positive", "open 0"),
        ([f"{DAYS[0]},10,12,9,11,1", f"{DAYS[1]},-1,12,-1,11,1"], "data.price_not_positive", "-1"),
        ([f"{DAYS[0]},10,9,12,11,1", f"{DAYS[1]},10,12,9,11,1"], "data.high_below_low", "high 9"),
        ([f"{DAYS[0]},13,12,9,11,1", f"{DAYS[1]},10,12,9,11,1"], "data.outside_range", "open 13"),
        ([f"{DAYS[0]},10,12,9,x,1", f"{DAYS[1]},10,12,9,11,1"], "data.not_a_number", "'x'"),
        ([f"{DAYS[0]},10,12,9,11,-3", f"{DAYS[1]},10,12,9,11,1"], "data.volume_negative", "-3"),
        (
            [f"{DAYS[0]} 00:00:00Z,10,12,9,11,1", f"{DAYS[1]} 00:00:00,10,12,9,11,1"],
            "data.time_zones_mixed",
            "row 2",
        ),
        (
            ["2024-01-02 01:00:00+00:00,1,1,1,1,1", "2024-01-02 10:00:00+08:00,1,1,1,1,1"],
            "data.time_zones_mixed",
            "+08:00",
        ),
        ([f"{DAYS[0]},10,12,9,11,1", "soon,10,12,9,11,1"], "data.stamp_format", "'soon'"),
        ([f"{DAYS[0]},10,12,9,11,1"], "data.timeframe_unclear", "one bar"),
        ([], "data.empty", "no rows"),
    ],
)  # fmt: skip
def test_a_wrong_row_is_refused_by_number_and_value(
    tmp_path: Path, rows: list[str], code: str, words: str
) -> None:
    with pytest.raises(DataError) as refused:
        read_bars(a_csv(tmp_path, *rows))

    assert refused.value.code == code
    assert words in refused.value.message
    assert refused.value.hint


def test_a_missing_column_is_named_with_the_columns_there_are(tmp_path: Path) -> None:
    path = a_csv(tmp_path, "2024-01-02,1,1,1", header="Date,Open,High,Low\n")

    with pytest.raises(DataError, match=r"no column 'close'; it has Date, Open, High, Low"):
        read_bars(path)


def test_a_mapping_says_which_column_is_which(tmp_path: Path) -> None:
    path = a_csv(tmp_path, "2024-01-02,5", "2024-01-03,6", header="day,nav\n")

    bars = read_bars(path, mapping={"ts": "day", "close": "nav"})

    assert bars.close_only
    assert bars.close.tolist() == [5, 6]


def test_missing_and_damaged_files_are_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="there is no file"):
        read_bars(tmp_path / "nothing.csv")
    damaged = tmp_path / "bars.parquet"
    pl.DataFrame({"ts": [1], "close": [1.0]}).write_parquet(damaged)
    damaged.write_bytes(damaged.read_bytes()[:-20])
    with pytest.raises(DataError) as refused:
        read_bars(damaged)
    assert refused.value.code == "data.file_damaged"
    assert "\n" not in refused.value.message


def test_quarantine_keeps_the_good_rows_in_order(tmp_path: Path) -> None:
    path = a_csv(
        tmp_path,
        "2024-01-04,10,12,9,11,1",
        "2024-01-02,10,12,9,11,1",
        "2024-01-03,10,9,12,11,1",  # crossed
        "2024-01-05,10,12,9,11,1",
        "2024-01-05,10,12,9,11,1",  # the same again
        "2024-01-06,10,12,9,11,1",
        "2024-01-06,10,12,9,10,1",  # contradicts
        "2024-01-07,10,12,9,11,1",
        "2024-01-08,10,12,9,11,1",
    )

    bars = read_bars(path, on_error="quarantine")

    days = [str(np.datetime64(int(ts), "ms"))[:10] for ts in bars.ts]
    assert days == ["2024-01-02", "2024-01-04", "2024-01-05", "2024-01-07", "2024-01-08"]


def test_raw_prices_are_adjusted_on_read_and_notional_is_kept(tmp_path: Path) -> None:
    path = a_csv(
        tmp_path,
        "2024-01-02,100,102,98,100,10,50",  # a 2:1 split follows
        "2024-01-03,50,51,49,50,20,50",
        header="Date,Open,High,Low,Close,Volume,Adj Close\n",
    )

    bars = read_bars(path)
    raw = read_bars(path, adjust="none")

    assert bars.close.tolist() == [50, 50]
    assert bars.high.tolist() == [51, 51]
    assert bars.volume.tolist() == [20, 20]
    assert raw.close.tolist() == [100, 50]


def test_a_panel_of_closes_has_a_column_an_instrument(tmp_path: Path) -> None:
    path = a_csv(tmp_path, "2024-01-02,1,2", "2024-01-03,1.5,", "2024-01-04,1,3",
                 header="date,BBB,AAA\n")  # fmt: skip

    bars = read_bars(path)

    assert [str(symbol) for symbol in bars.symbols] == ["FILE:AAA", "FILE:BBB"]
    assert bars.close_only
    assert np.isnan(bars.close[1, 0])
    assert read_bars(path, symbol="BBB").close.tolist() == [1, 1.5, 1]
    with pytest.raises(DataError, match="no instrument CCC"):
        read_bars(path, symbol="CCC")


def test_a_tidy_file_with_a_symbol_column_is_a_panel(tmp_path: Path) -> None:
    path = a_csv(tmp_path, "2024-01-02,US:A,1,1,1,1,5", "2024-01-03,US:A,1,1,1,1,5",
                 "2024-01-02,US:B,2,2,2,2,5", "2024-01-03,US:B,2,2,2,2,5",
                 header="date,symbol,open,high,low,close,volume\n")  # fmt: skip

    bars = read_bars(path)

    assert [str(symbol) for symbol in bars.symbols] == ["US:A", "US:B"]
    assert bars.close.tolist() == [[1, 2], [1, 2]]
