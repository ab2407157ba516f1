"""`algotrader demo --online` with the real client, against a look-alike of OKX on loopback."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from tests.builders import okx_look_alike as okx

from algotrader.cli.main import main
from algotrader.core.symbols import Symbol
from algotrader.core.timeframes import DAY_MS, HOUR_MS
from algotrader.data.instruments import load_instrument
from algotrader.data.lake import Lake

pytest.importorskip("ccxt", reason="not run: ccxt is not installed")


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """The client's own pause between requests; how it is kept is tested with the downloads."""
    from ccxt.base.exchange import Exchange

    monkeypatch.setattr(Exchange, "throttle", lambda self, cost=None: None)
    monkeypatch.setattr("algotrader.cli.demo.time.sleep", lambda _: None)
    monkeypatch.setattr("algotrader.cli.demo_trading.SLICES", 24)  # a day: weeks are its own test


def test_the_demo_online_runs_on_downloaded_bars_and_again_without_asking(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = int(time.time() * 1000) // HOUR_MS * HOUR_MS + HOUR_MS // 2
    venue = okx.Venue(now_ms=now, first_ms=now - now % DAY_MS - 400 * DAY_MS)
    with okx.serving(venue) as base:
        arguments = ["demo", "--online", "--base-url", base, "--folder", str(tmp_path)]
        assert main(arguments) == 0
        said = capsys.readouterr().out
        venue.asked.clear()
        monkeypatch.setattr("algotrader.cli.demo.rehearse", lambda *_: None)  # it asks another
        assert main(arguments) == 0

    assert "downloaded OKX:BTC/USDT 1h: 8,759 new rows" in said
    assert "TrendFollow  OKX:BTC/USDT  1h" in said
    assert "FundingCarry  OKX:BTC/USDT, OKX:BTC/USDT:USDT  1h" in said
    assert "generated" not in said
    assert said.splitlines()[-1].endswith("parity.html")
    assert not [path for path in venue.asked if "candles" in path]
    rules = load_instrument(tmp_path / "lake", Symbol.parse("OKX:BTC/USDT:USDT"))
    assert rules is not None
    assert len(rules.margin.tiers) == 3
    assert not [key for key in Lake(tmp_path / "lake").series() if key.symbol.venue == "SIM"]


def test_the_demo_online_says_offline_that_it_needs_no_network_without(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    nobody = "http://127.0.0.1:9"
    code = main(["demo", "--online", "--base-url", nobody, "--folder", str(tmp_path)])

    said = capsys.readouterr().err
    assert code == 3
    assert said.startswith("error: okx did not answer 5 times")
    assert "without --online the demo needs no network" in said
