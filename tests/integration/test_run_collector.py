"""`algotrader run collector` against a look-alike exchange: the real client, real files, signals."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.builders.okx_venue import served

from algotrader.core.instants import utc_ms
from algotrader.core.ports import SystemClock
from algotrader.core.symbols import Symbol
from algotrader.core.timeframes import MINUTE_MS, Timeframe
from algotrader.data.lake import Lake
from algotrader.data.layout import SeriesKey
from algotrader.data.live_store import LiveStore
from algotrader.data.recording import Recorded, read_recorded
from algotrader.simulator.okx.build import SimulatorSettings, build, generated

pytest.importorskip("ccxt", reason="not run: ccxt is not installed")

COMMAND = "import sys; from algotrader.cli.main import main; raise SystemExit(main(sys.argv[1:]))"
BTC, SWAP = Symbol.parse("OKX:BTC/USDT"), Symbol.parse("OKX:BTC/USDT:USDT")
MINUTE = Timeframe(MINUTE_MS)
SETTINGS = """
collect:
  url: "http://127.0.0.1:{port}"
  history_days: 1
  series:
    - {{symbols: [OKX:BTC/USDT, "OKX:BTC/USDT:USDT"], timeframe: 1m}}
"""


@contextmanager
def an_exchange(speed: float = 60.0) -> Iterator[int]:
    """A look-alike in a thread of its own, as long as the block lasts; 60: a minute a second."""
    listed = generated(["BTC-USDT", "BTC-USDT-SWAP"], bars=4_000)
    settings = SimulatorSettings(
        balances={"USDT": Decimal(10_000)}, speed=speed, limits=False, history_bars=600
    )
    now_ms = utc_ms(SystemClock().now()) // MINUTE_MS * MINUTE_MS
    with served(build(listed, settings, now_ms)) as port:
        yield port


def a_workspace(folder: Path, port: int) -> Path:
    (folder / "algotrader.yaml").write_text(SETTINGS.format(port=port))
    return folder


def begin(folder: Path, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", COMMAND, "run", "collector", *arguments], cwd=folder, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=dict(os.environ),
    )  # fmt: skip


def bars_in(folder: Path, symbol: Symbol = BTC) -> np.ndarray[Any, np.dtype[np.int64]]:
    lake = Lake(folder / "lake")
    key = SeriesKey.bars(symbol, MINUTE)
    return lake.read_table(key)[0].ts if lake.files(key) else np.zeros(0, dtype=np.int64)


def wait_for(folder: Path, count: int) -> None:
    """Until so many bars of both instruments are in the lake."""
    until = time.monotonic() + 90
    while min(len(bars_in(folder, each)) for each in (BTC, SWAP)) < count:
        assert time.monotonic() < until, f"only {len(bars_in(folder))} bars came"
        time.sleep(0.2)


def wait_for_funding(folder: Path) -> None:
    until = time.monotonic() + 30
    while not Lake(folder / "lake").files(SeriesKey.funding(SWAP)):
        assert time.monotonic() < until, "no funding came"
        time.sleep(0.2)


def is_whole(stamps: np.ndarray[Any, np.dtype[np.int64]]) -> bool:
    return bool(np.all(np.diff(stamps) == MINUTE_MS))


def test_closed_bars_come_into_the_lake_as_the_venue_closes_them(tmp_path: Path) -> None:
    with an_exchange(20.0) as port:
        folder = a_workspace(tmp_path, port)
        process = begin(folder, "--json")
        wait_for(folder, 603)
        wait_for(folder, len(bars_in(folder)) + 3)  # of these at least two closed while it ran
        wait_for_funding(folder)
        process.send_signal(signal.SIGTERM)
        told, said = process.communicate(timeout=30)
        lake = Lake(folder / "lake")
        bars = lake.read_bars(BTC, MINUTE)
        funding = lake.read_funding(SWAP)[0]
        again = json.loads(
            subprocess.run(
                [sys.executable, "-c", COMMAND, "data", "download", str(BTC), "--timeframe", "1m",
                 "--base-url", f"http://127.0.0.1:{port}", "--json"],
                cwd=folder, capture_output=True, text=True, check=True, timeout=60,
            ).stdout
        )  # fmt: skip

    assert process.returncode == 0, said
    done = json.loads(told)
    assert done["slices"] >= 1, said
    assert done["revised"] == done["quarantined"] == done["gaps"] == 0
    assert is_whole(bars.ts)
    assert len(bars) > 600
    assert np.all(bars.known_at == bars.ts + MINUTE_MS)
    assert is_whole(bars_in(folder, SWAP))
    assert len(funding)
    newest = LiveStore(folder / "live").bars(BTC, "1m", 3)
    assert [bar.ts for bar in newest] == bars.ts[-3:].tolist()
    assert "revised" not in json.dumps(again) or '"revised": 0' in json.dumps(again)


@pytest.mark.parametrize(
    "number",
    [
        pytest.param(signal.SIGTERM, id="F07"),
        pytest.param(signal.SIGKILL, id="kill", marks=pytest.mark.slow),
    ],
)
def test_F07_a_collector_that_ends_goes_on_where_it_was(
    tmp_path: Path, number: signal.Signals
) -> None:
    with an_exchange() as port:
        folder = a_workspace(tmp_path, port)
        first = begin(folder, "--quiet")
        wait_for(folder, 603)
        first.send_signal(number)
        first.communicate(timeout=60)  # it cuts itself off after eight seconds
        before = bars_in(folder)
        time.sleep(3)  # minutes of the venue that nobody hears
        second = begin(folder, "--json")
        wait_for(folder, len(before) + 4)
        second.send_signal(signal.SIGTERM)
        told, said = second.communicate(timeout=30)

    assert len(before) >= 603
    assert is_whole(before)
    if number is signal.SIGTERM:
        assert first.returncode == 0
    assert second.returncode == 0, said
    after = bars_in(folder)
    assert is_whole(after)
    assert len(after) >= len(before) + 3
    assert json.loads(told)["revised"] == 0


def test_a_collector_records_the_venues_streams_when_asked(tmp_path: Path) -> None:
    with an_exchange(speed=20.0) as port:
        folder = a_workspace(tmp_path, port)
        record = "  record: {trades: true, quotes: true, books_every_s: 0.5, write_s: 1}\n"
        with (folder / "algotrader.yaml").open("a") as file:
            file.write(record)
        process = begin(folder, "--quiet")
        wait_for(folder, 601)
        until = time.monotonic() + 60
        while len(list((folder / "lake").rglob("kind=*"))) < 6 and time.monotonic() < until:
            time.sleep(0.1)
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=30)

    assert process.returncode == 0
    for symbol in (BTC, SWAP):
        trades = read_recorded(folder / "lake", symbol, Recorded.TRADES)
        quotes = read_recorded(folder / "lake", symbol, Recorded.QUOTES)
        books = read_recorded(folder / "lake", symbol, Recorded.BOOKS)
        assert trades["trade_id"].is_unique().all()
        assert (quotes["bid"] < quotes["ask"]).all()
        assert (books["bids"].list.len() > 0).all()
        assert (books["known_at"].diff().drop_nulls() >= 500).all()
