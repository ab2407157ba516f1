"""Streams of others in the lake: whole files, every row once, gaps told."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from algotrader.core.errors import DataError, RunError
from algotrader.core.orders import Side
from algotrader.core.symbols import Symbol
from algotrader.data import recording
from algotrader.data.quotes import BookView, PublicTrade, Quote
from algotrader.data.recording import Recorded, Recorder, read_recorded, write

BTC = Symbol.parse("OKX:BTC/USDT")
DAY, NOON = 86_400_000, 1_704_110_400_000  # 2024-01-01 12:00


def trade(number: int, ts: int = NOON) -> PublicTrade:
    return PublicTrade(
        instrument=BTC, trade_id=str(number), side=Side.BUY, price=Decimal("42000.1"),
        quantity=Decimal("0.25"), ts=ts, known_ms=ts + 5,
    )  # fmt: skip


def kept(lake: Path, *records: recording.Record) -> int:
    recorder = Recorder()
    for one in records:
        recorder.take(one)
    return write(lake, recorder.drain())


def test_what_was_heard_is_read_again_by_time(tmp_path: Path) -> None:
    quote = Quote(
        instrument=BTC, bid=Decimal("41999.9"), bid_quantity=Decimal(2), ask=Decimal("42000.1"),
        ask_quantity=Decimal(3), ts=NOON, known_ms=NOON + 3,
    )  # fmt: skip
    book = BookView(
        instrument=BTC, bids=((Decimal(2), Decimal(1)), (Decimal(1), Decimal(4))),
        asks=((Decimal(3), Decimal(5)),), ts=NOON, known_ms=NOON,
    )  # fmt: skip

    assert kept(tmp_path, trade(2, NOON + 9), quote, trade(1), book) == 4

    assert read_recorded(tmp_path, BTC, Recorded.TRADES)["trade_id"].to_list() == ["1", "2"]
    assert read_recorded(tmp_path, BTC, Recorded.QUOTES).rows() == [
        (NOON, NOON + 3, 41999.9, 2.0, 42000.1, 3.0)
    ]
    assert read_recorded(tmp_path, BTC, Recorded.BOOKS).rows() == [
        (NOON, NOON, [2.0, 1.0], [1.0, 4.0], [3.0], [5.0])
    ]


def test_a_trade_that_was_heard_again_after_a_restart_is_there_once(tmp_path: Path) -> None:
    kept(tmp_path, trade(1), trade(2))
    kept(tmp_path, trade(1), trade(2))
    kept(tmp_path, trade(2), trade(3))

    assert read_recorded(tmp_path, BTC, Recorded.TRADES)["trade_id"].to_list() == ["1", "2", "3"]


def test_days_out_of_the_range_are_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for day in range(10):
        kept(tmp_path, trade(day, NOON + day * DAY))
    read: list[Path] = []
    real = pl.read_parquet

    def noted(file: Path, *, hive_partitioning: bool) -> pl.DataFrame:
        read.append(file)
        return real(file, hive_partitioning=hive_partitioning)

    monkeypatch.setattr(pl, "read_parquet", noted)

    found = read_recorded(tmp_path, BTC, Recorded.TRADES, NOON + 5 * DAY, NOON + 6 * DAY)

    assert found["trade_id"].to_list() == ["5"]
    assert len(read) == 4  # of ten: a record may be heard in the day after, or before


def test_a_gap_is_kept_as_one(tmp_path: Path) -> None:
    recorder = Recorder()
    recorder.interrupted(BTC, Recorded.QUOTES, NOON, "the socket closed")
    write(tmp_path, recorder.drain())

    assert read_recorded(tmp_path, BTC, Recorded.GAPS).rows() == [
        (NOON, NOON, "quotes", "the socket closed")
    ]
    with pytest.raises(DataError, match="no quotes of OKX:BTC/USDT"):
        read_recorded(tmp_path, BTC, Recorded.QUOTES)


def test_what_the_disk_refused_is_written_later_in_its_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorder = Recorder()
    recorder.take(trade(1))
    batch = recorder.drain()
    (tmp_path / "layer=recorded").write_text("no folder can be made here")
    with pytest.raises(RunError, match="nothing was written"):
        write(tmp_path, batch)
    recorder.put_back(batch)
    recorder.take(trade(2))
    (tmp_path / "layer=recorded").unlink()

    assert write(tmp_path, recorder.drain()) == 2
    assert read_recorded(tmp_path, BTC, Recorded.TRADES)["trade_id"].to_list() == ["1", "2"]


def test_a_disk_that_refuses_for_long_costs_rows_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recording, "FILE_ROWS", 3)
    monkeypatch.setattr(recording, "_MOST_ROWS", 5)
    asked: list[None] = []
    recorder = Recorder(lambda: asked.append(None))
    for number in range(6):
        recorder.take(trade(number))
    write(tmp_path, recorder.drain())

    assert len(asked) == 3
    assert read_recorded(tmp_path, BTC, Recorded.TRADES)["trade_id"].to_list() == ["5"]
    assert read_recorded(tmp_path, BTC, Recorded.GAPS)["reason"].to_list() == [
        "5 rows were not written"
    ]
