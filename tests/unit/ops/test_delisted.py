"""F32 on paper: an instrument that is gone is frozen, and takes nothing from the others."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from tests.builders.engines import BTC, Desk

from algotrader.core.errors import DataError
from algotrader.core.ports import Notice, SystemClock
from algotrader.core.symbols import Symbol
from algotrader.core.timeframes import HOUR_MS, Timeframe
from algotrader.data.lake import Lake
from algotrader.data.layout import SeriesKey
from algotrader.data.tables import BarTable
from algotrader.ops import paper_process
from algotrader.ops.beside import Beside
from algotrader.ops.collecting import CollectRole
from algotrader.ops.config import load
from algotrader.ops.delisted import GONE, listed_anew
from algotrader.ops.desk import build_desk
from algotrader.ops.paper_process import PaperProcess

AAA, BTC_USDT = Symbol.parse("OKX:AAA/USDT"), Symbol.parse("OKX:BTC/USDT")
DESK = """
trading: {mode: paper, data: live}
strategies:
  trend: {use: TrendFollow, symbols: [OKX:AAA/USDT, OKX:BTC/USDT], timeframe: 1h}
  slow: {use: TrendFollow, symbols: [OKX:AAA/USDT], timeframe: 1h}
accounts: {main: {currency: USDT}}
collect: {url: "http://127.0.0.1:1"}
"""


class Quiet:
    async def notify(self, notice: Notice) -> None:
        pass


def caught_up(folder: Path, monkeypatch: pytest.MonkeyPatch, code: str) -> Beside:
    """What runs beside a trader of two, one of which fails to be fetched."""
    file = folder / "algotrader.yaml"
    file.write_text(DESK)

    async def fetched(_: CollectRole, key: SeriesKey, _since: int | None) -> Any:
        if key.symbol == AAA:
            raise DataError(code, "okx does not trade AAA/USDT", hint="it trades AAB/USDT")
        return SimpleNamespace(
            written=SimpleNamespace(added=3), manifest=SimpleNamespace(coverage=1.0, last_ts=0)
        )

    monkeypatch.setattr(CollectRole, "_fetched", fetched)
    beside = Beside(load(file, environment={}), SystemClock(), Quiet())
    asyncio.run(beside.catch_up())
    return beside


def a_past(folder: Path, symbol: Symbol = AAA, bars: int = 300) -> None:
    """Bars in the lake, of the one that is gone from before."""
    ts = np.arange(bars, dtype=np.int64) * HOUR_MS + 1_704_067_200_000
    columns = {
        name: 10.0 + np.sin(np.arange(bars) / 9) for name in ("open", "high", "low", "close")
    }
    table = BarTable(ts=ts, columns={**columns, "volume": np.ones(bars)}, source="test")
    key = SeriesKey.bars(symbol, Timeframe(HOUR_MS))
    Lake(folder / "lake").write_table(key, table, ts + HOUR_MS)


def test_f32_a_trader_starts_without_what_its_venue_no_longer_lists(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    a_past(tmp_path)

    assert caught_up(tmp_path, monkeypatch, "data.symbol_unknown").delisted == {AAA}


def test_f32_no_slice_waits_for_bars_of_what_is_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    a_past(tmp_path)
    a_past(tmp_path, BTC_USDT, 400)
    beside = caught_up(tmp_path, monkeypatch, "data.symbol_unknown")
    asked: list[Sequence[Symbol]] = []

    def feed(*given: Any, **_: Any) -> None:
        asked.append(given[3])

    monkeypatch.setattr(paper_process, "okx_feed", feed)
    configuration = load(tmp_path / "algotrader.yaml", environment={})
    process = PaperProcess(configuration, SystemClock(), Quiet())
    process._beside = beside

    process._feed(build_desk(configuration), Timeframe(HOUR_MS))

    assert asked == [[BTC_USDT]]


def test_f32_what_is_traded_and_was_never_had_is_refused_with_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(DataError) as refused:
        caught_up(tmp_path, monkeypatch, "data.symbol_unknown")

    assert refused.value.code == "trading.instrument_gone"
    assert refused.value.message == (
        "OKX:AAA/USDT is traded by strategy slow and trend, and there is not one bar of it: okx "
        "does not trade AAA/USDT; nothing is traded"
    )
    assert refused.value.hint == (
        "mend its name, or take it out of strategies.slow.symbols, strategies.trend.symbols"
    )


def test_f32_what_is_traded_and_cannot_be_read_lets_nothing_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    a_past(tmp_path)

    with pytest.raises(DataError) as refused:
        caught_up(tmp_path, monkeypatch, "data.instrument_damaged")
    assert refused.value.code == "data.instrument_damaged"


def test_f32_what_is_gone_is_frozen_until_it_is_listed_again() -> None:
    state = Desk().engine.state

    (gone,) = listed_anew(state, {BTC.symbol}, 1_000)
    state.apply(gone)
    assert state.frozen == {BTC.symbol: GONE}
    assert list(listed_anew(state, {BTC.symbol}, 2_000)) == []
    assert list(listed_anew(state, None, 2_000)) == []

    (again,) = listed_anew(state, set(), 3_000)
    state.apply(again)
    assert state.frozen == {}


def test_f32_what_is_frozen_for_another_reason_stays_so() -> None:
    state = Desk().engine.state
    state.frozen[BTC.symbol] = "one contract is 2 now, it was 1"

    assert list(listed_anew(state, set(), 1_000)) == []
    assert list(listed_anew(state, {BTC.symbol}, 1_000)) == []
