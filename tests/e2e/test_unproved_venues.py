"""`algotrader trade` sends nothing to a venue whose adapter is not proved there."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from tests.builders.unified_venues import Binance, Book, Bybit, served

from algotrader.cli.main import main
from algotrader.core.instants import utc_at
from algotrader.core.timeframes import HOUR_MS

pytest.importorskip("ccxt", reason="not run: ccxt is not installed")

SYMBOLS = {"BINANCE:BTC/USDT": Binance, "BYBIT:BTC/USDT": Bybit}
HALF = """
import numpy as np
from algotrader import Strategy


class Half(Strategy):
    def targets(self, bars, f):
        return np.full(len(bars), 0.5)
"""
SETTINGS = """
trading: {{mode: {mode}}}
accounts:
  main: {{currency: USDT}}
strategies:
  half: {{use: half.py, symbols: ["{symbol}"], timeframe: 1h}}
"""
DOTENV = "ALGOTRADER_OKX_KEY=k\nALGOTRADER_OKX_SECRET=s\nALGOTRADER_OKX_PASSPHRASE=p\n"


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three days of bars of both venues."""
    folder = tmp_path_factory.mktemp("lake")

    async def download(symbol: str) -> None:
        venue = SYMBOLS[symbol](Book("spot"))
        start = utc_at(venue.book.now_ms() - 72 * HOUR_MS)
        async with served(venue) as base:
            assert await asyncio.to_thread(main, [
                "data", "download", symbol, "-t", "1h", "--start", f"{start:%Y-%m-%dT%H:%M}",
                "--base-url", base, "--lake", str(folder), "--quiet",
            ]) == 0  # fmt: skip

    for symbol in SYMBOLS:
        asyncio.run(download(symbol))
    return folder


@pytest.fixture
def desk(tmp_path: Path, lake: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Writes a workspace of a mode and a symbol."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "lake").symlink_to(lake)
    (tmp_path / "half.py").write_text(HALF)
    (tmp_path / ".env").write_text(DOTENV)

    def written(mode: str, symbol: str) -> Path:
        (tmp_path / "algotrader.yaml").write_text(SETTINGS.format(mode=mode, symbol=symbol))
        return tmp_path

    return written


@pytest.mark.parametrize("symbol", SYMBOLS)
@pytest.mark.parametrize("mode", ["live", "sandbox"])
def test_an_unproved_venue_is_refused_before_anything_is_opened(
    desk: Any, capfd: pytest.CaptureFixture[str], mode: str, symbol: str
) -> None:
    folder = desk(mode, symbol)
    confirmed = ["--confirm-live", "main"] if mode == "live" else []
    code = main(["trade", *confirmed, "--json"])
    error = json.loads(capfd.readouterr().out)["error"]

    assert code == 2
    assert error["code"] == "trading.venue"
    assert f"account main trades on {symbol.partition(':')[0]}" in error["message"]
    assert "OKX alone" in error["message"]
    assert "mode: paper" in error["hint"]
    assert not (folder / "journal").exists()


@pytest.mark.parametrize("symbol", SYMBOLS)
def test_on_paper_its_bars_are_traded(
    desk: Any, capfd: pytest.CaptureFixture[str], symbol: str
) -> None:
    desk("paper", symbol)
    code = main(["trade", "--json"])
    told = json.loads(capfd.readouterr().out)

    assert code == 0
    assert told["slices"] > 60
    assert told["accounts"][0]["mode"] == "trading"
