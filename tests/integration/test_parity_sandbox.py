"""`algotrader parity` on what was traded against the look-alike exchange, restarted in the middle."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from tests.integration.test_trade_sandbox import an_exchange, desk, run

from algotrader.core.ports import SystemClock

pytest.importorskip("ccxt", reason="not run: ccxt is not installed")

EXPLAINED = {"cash or equity path", "restart", "bar late", "bar missed", "partial fill", "denied"}


def test_promise_1_what_an_exchange_was_sent_is_what_the_backtest_decides(tmp_path: Path) -> None:
    with an_exchange() as (_, port):
        desk(tmp_path, port)
        settings = (tmp_path / "algotrader.yaml").read_text()
        patient = settings.replace("mode: sandbox", "mode: sandbox, budget_s: 30")
        (tmp_path / "algotrader.yaml").write_text(patient)
        before = run(tmp_path, "parity")
        run(tmp_path, "trade", "--for", "6")
        behind = run(tmp_path, "parity")
        run(tmp_path, "trade", "--for", "6")
        since = SystemClock().now() - timedelta(hours=4)
        run(
            tmp_path, "data", "download", "OKX:BTC/USDT", "--timeframe", "1m",
            "--start", f"{since:%Y-%m-%dT%H:%M}", "--base-url", f"http://127.0.0.1:{port}",
        )  # fmt: skip
        found = run(tmp_path, "parity")

    assert before["error"]["code"] == "journal.missing"
    assert behind["error"]["code"] == "parity.no_data"
    backtest = found["backtest"]
    assert found["clean"]
    assert found["replay"]["equal"]
    assert found["replay"]["commands"] >= 3
    assert len(found["replay"]["starts"]) == 2
    assert backtest["equal"] + backtest["equal_in_weight"] > 4
    assert set(backtest["causes"]) <= EXPLAINED
    gaps = [one["equity_gap"] for one in backtest["differences"] if one["equity_gap"]]
    assert gaps
    assert all(abs(Decimal(gap["rest"])) < Decimal("1e-9") for gap in gaps)
