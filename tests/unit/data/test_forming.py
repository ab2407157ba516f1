"""The bar that is still open is kept for who looks, whole or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from algotrader.core.symbols import Symbol
from algotrader.core.timeframes import Timeframe
from algotrader.data.adapters.okx.bars import read_candle
from algotrader.data.forming import FILE, FormingBars, read_forming, write_forming
from algotrader.data.live_bars import RawBar

BTC = Symbol.parse("OKX:BTC/USDT")
ROW = ["60000", "1", "3", "0.5", "2", "7", "0", "0"]


def test_an_open_bar_is_read_only_when_asked_for() -> None:
    assert read_candle([*ROW, "0"], BTC) is None
    assert read_candle([*ROW, "1"], BTC, confirmed="0") is None
    found = read_candle([*ROW, "0"], BTC, confirmed="0")

    assert found == RawBar(instrument=BTC, ts=60_000, values=(1.0, 3.0, 0.5, 2.0, 7.0))


def test_the_newest_of_each_series_is_written_and_read_back(tmp_path: Path) -> None:
    kept = FormingBars(tmp_path)
    for close in (2.0, 2.5):
        kept.take(
            RawBar(instrument=BTC, ts=60_000, values=(1.0, 3.0, 0.5, close, 7.0)),
            Timeframe.parse("1m"), 61_000,
        )  # fmt: skip
    write_forming(tmp_path, list(kept._bars.values()))
    (found,) = read_forming(tmp_path)

    assert (found.symbol, found.timeframe, found.close) == ("OKX:BTC/USDT", "1m", 2.5)
    assert [file.name for file in tmp_path.iterdir()] == [FILE]


@pytest.mark.parametrize("content", [None, b"", b"[{}]", b"not json"])
def test_what_cannot_be_read_is_nothing(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / FILE).write_bytes(content)

    assert read_forming(tmp_path) == []
