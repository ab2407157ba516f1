"""Downloads from Binance's perpetuals and from Bybit: ccxt's real client on documented answers."""

from __future__ import annotations

import asyncio
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from tests.builders.unified_venues import Binance, Book, Bybit, LookAlike, served

from algotrader.cli.main import main
from algotrader.core.instants import utc_at
from algotrader.core.instruments import FeeCurrency
from algotrader.core.symbols import Symbol
from algotrader.core.timeframes import HOUR_MS
from algotrader.data.instruments import load_instrument
from algotrader.data.lake import Lake

pytest.importorskip("ccxt", reason="not run: ccxt is not installed")

BARS = 30


def downloaded(
    made: type[LookAlike], symbol: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> tuple[LookAlike, list[dict[str, Any]]]:
    """`data download` of the last bars, run beside the venue; what it says as JSON."""
    venue = made(Book("spot" if symbol.endswith("/USDT") else "perpetual"))
    now_ms = venue.book.now_ms() // HOUR_MS * HOUR_MS
    start = utc_at(now_ms - BARS * HOUR_MS)

    async def run() -> int:
        async with served(venue) as base:
            return await asyncio.to_thread(main, [
                "data", "download", symbol, "-t", "1h", "--start", f"{start:%Y-%m-%dT%H:%M}", "--base-url", base,
                "--lake", str(folder), "--json",
            ])  # fmt: skip

    code = asyncio.run(run())
    out, err = capsys.readouterr()
    assert code == 0, out + err
    return venue, json.loads(out)


@pytest.mark.parametrize(
    ("made", "symbol"),
    [
        (Binance, "BINANCE:BTC/USDT"),
        (Binance, "BINANCE:BTC/USDT:USDT"),
        (Bybit, "BYBIT:BTC/USDT"),
        (Bybit, "BYBIT:BTC/USDT:USDT"),
    ],
)
def test_closed_bars_and_rules_are_downloaded(
    made: type[LookAlike], symbol: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _, rows = downloaded(made, symbol, tmp_path, capsys)

    assert rows[0]["added"] == BARS  # and not the one that still forms
    lake = Lake(tmp_path)
    bars = lake.read_bars(Symbol.parse(symbol), "1h")
    assert len(bars) == BARS
    assert set(bars.close.tolist()) == {30_000.0}
    rules = load_instrument(lake.root, Symbol.parse(symbol))
    assert rules is not None
    assert rules.tick == Decimal("0.1")
    assert rules.lot in (Decimal("0.00001"), Decimal("0.000001"), Decimal("0.001"))
    assert rules.settle == "USDT"
    assert rules.multiplier == 1


def test_where_fees_are_taken_is_the_venues_way(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for made, symbol in ((Binance, "BINANCE:BTC/USDT"), (Bybit, "BYBIT:BTC/USDT")):
        downloaded(made, symbol, tmp_path, capsys)
        rules = load_instrument(Lake(tmp_path).root, Symbol.parse(symbol))
        assert rules is not None
        assert rules.fees.fee_in is FeeCurrency.RECEIVED
        assert rules.fees.taker == Decimal("0.001")


def test_the_tiers_of_bybits_perpetuals_come_along(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    downloaded(Bybit, "BYBIT:BTC/USDT:USDT", tmp_path, capsys)
    rules = load_instrument(Lake(tmp_path).root, Symbol.parse("BYBIT:BTC/USDT:USDT"))

    assert rules is not None
    assert [(tier.upper_notional, tier.maintenance_rate) for tier in rules.margin.tiers] == [
        (2_000_000, Decimal("0.005")), (10_000_000, Decimal("0.01")),
    ]  # fmt: skip
