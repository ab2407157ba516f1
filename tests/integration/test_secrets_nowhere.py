"""Secrets are nowhere in what a trader leaves or says, whatever goes wrong (F69, P18)."""

from __future__ import annotations

import os
import subprocess
import sys
import urllib.request
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from tests.builders.loopback import free_port
from tests.builders.okx_venue import served, simulator

from algotrader.core.ports import SystemClock
from algotrader.simulator.okx.desk import Credentials

pytest.importorskip("ccxt", reason="not run: ccxt is not installed")
pytest.importorskip("telegram", reason="not run: python-telegram-bot is not installed")

COMMAND = "import sys; from algotrader.cli.main import main; raise SystemExit(main(sys.argv[1:]))"
CANARIES = {
    "ALGOTRADER_OKX_KEY": "canary-key-5f1e9a",
    "ALGOTRADER_OKX_SECRET": "canary-secret-77ab/+=",
    "ALGOTRADER_OKX_PASSPHRASE": 'canary "pass" phrase',
    "ALGOTRADER_TELEGRAM_TOKEN": "123456789:AAcanary-token_0123456789abcdefghijk",
}
FLIP = """
import numpy as np
from algotrader import Strategy


class Flip(Strategy):
    def targets(self, bars, f):
        return np.where((bars.ts // 60_000) % 4 < 2, 0.5, 0.0)
"""
SETTINGS = """
trading: {{mode: sandbox, url: "http://127.0.0.1:{venue}"}}
accounts:
  main: {{currency: USDT}}
strategies:
  flip: {{use: flip.py, symbols: [OKX:BTC/USDT], timeframe: 1m}}
logging: {{level: debug, terminal: debug}}
metrics: {{port: {figures}, every_s: 0.2}}
notification:
  channels:
    phone: {{kind: telegram, chats: [1], url: "http://127.0.0.1:{nobody}"}}
"""


def started(folder: Path, *arguments: str, **changed: str) -> subprocess.Popen[bytes]:
    """Its keys stand in `.env`, but for those that are changed; what it says goes to `said`."""
    kept = {name: value for name, value in os.environ.items() if name not in CANARIES}
    with (folder / "said").open("ab") as file:
        return subprocess.Popen(
            [sys.executable, "-c", COMMAND, *arguments], cwd=folder, env=kept | changed,
            stdout=file, stderr=file,
        )  # fmt: skip


def run(folder: Path, *arguments: str, **changed: str) -> None:
    started(folder, *arguments, **changed).wait(60)


def leaks(text: str) -> list[str]:
    """The lines that give a canary away."""
    return [line[:300] for line in text.splitlines() if "canary" in line.lower()]


def test_f69_p18_no_secret_is_in_any_file_figure_or_line_of_a_trader(tmp_path: Path) -> None:
    quoted = {name: f"'{value}'" for name, value in CANARIES.items()}
    (tmp_path / ".env").write_text("".join(f"{n}={v}\n" for n, v in quoted.items()))
    (tmp_path / ".env").chmod(0o600)
    (tmp_path / "flip.py").write_text(FLIP)
    names = ("ALGOTRADER_OKX_KEY", "ALGOTRADER_OKX_SECRET", "ALGOTRADER_OKX_PASSPHRASE")
    keys = [CANARIES[name] for name in names]
    venue = simulator(
        SystemClock(), balances={"USDT": Decimal(10_000)}, bars=10_000, speed=60.0, limits=False,
        credentials=Credentials(**dict(zip(("key", "secret", "passphrase"), keys, strict=True))),
    )  # fmt: skip
    figures = free_port()
    with served(venue) as port:
        (tmp_path / "algotrader.yaml").write_text(
            SETTINGS.format(venue=port, figures=figures, nobody=free_port())
        )
        since = SystemClock().now() - timedelta(hours=4)
        run(
            tmp_path, "data", "download", "OKX:BTC/USDT", "--timeframe", "1m",
            "--start", f"{since:%Y-%m-%dT%H:%M}", "--base-url", f"http://127.0.0.1:{port}",
        )  # fmt: skip
        trader = started(tmp_path, "trade", "--for", "8", "-vv")
        pages = told_by(figures, trader)
        trader.wait(60)
        run(tmp_path, "trade", "--for", "5", "-vv", **{names[1]: "canary-wrong-0b3d"})
    # The venue is gone: nothing answers.
    run(tmp_path, "trade", "--for", "2", "-vv")
    run(tmp_path, "journal", "show", "--last", "0", "--json")
    run(tmp_path, "config", "show", "--json")
    held = {
        str(path.relative_to(tmp_path)): path.read_bytes().decode("utf-8", "replace")
        for path in tmp_path.rglob("*")
        if path.is_file() and path.name != ".env"
    }

    assert len(venue.api.desk.exchange.venue.records.fills) > 0
    assert "order.filled" in held["logs/algotrader.jsonl"]
    assert held["said"].count("starting anew") == 0
    assert "error: " in held["said"]
    assert "algotrader_orders_total" in pages
    assert leaks(pages) == []
    assert {name: found for name, text in held.items() if (found := leaks(text))} == {}


def told_by(port: int, trader: subprocess.Popen[bytes]) -> str:
    """What the three pages say, once orders were sent."""
    pages = ""
    while "algotrader_orders_total" not in pages and trader.poll() is None:
        try:
            pages = "".join(asked(port, page) for page in ("metrics", "health", "ready"))
        except OSError:
            continue
    return pages


def asked(port: int, page: str) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/{page}", timeout=5) as answer:
        text: str = answer.read().decode()
        return text
