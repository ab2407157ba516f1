"""`algotrader sim okx` as a person starts it."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.builders.okx_venue import client_settings

from algotrader.cli.main import main

ccxt = pytest.importorskip("ccxt", reason="not run: ccxt is not installed")


@contextmanager
def started(*options: str) -> Iterator[tuple[subprocess.Popen[str], dict[str, Any]]]:
    """The command on a free port, and what it printed."""
    command = "from algotrader.cli.main import main; raise SystemExit(main())"
    arguments = ["sim", "okx", "--port", "0", "--json", *options]
    with subprocess.Popen(
        [sys.executable, "-c", command, *arguments], stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            yield process, _printed(process)
        finally:
            process.kill()


def _printed(process: subprocess.Popen[str]) -> dict[str, Any]:
    assert process.stdout is not None
    text = ""
    for line in process.stdout:
        text += line
        if line.startswith("}"):
            break
    shown: dict[str, Any] = json.loads(text)
    return shown


def test_the_command_prints_where_it_is_and_ends_with_an_interrupt(tmp_path: Path) -> None:
    bars = tmp_path / "bars.csv"
    rows = [f"2024-01-01T00:{m:02d}:00Z,50000,50010,49990,50000,5" for m in range(60)]
    bars.write_text("ts,open,high,low,close,volume\n" + "\n".join(rows) + "\n")
    faults = tmp_path / "faults.yaml"
    faults.write_text("- {kind: refuse, where: POST trade/batch-orders, code: 51008, times: 1}\n")
    options = ("--data", str(bars), "--symbol", "OKX:BTC/USDT", "--balance", "USDT=7000",
               "--key", "k", "--secret", "s", "--passphrase", "p", "--faults", str(faults))  # fmt: skip
    with started(*options) as (process, shown):
        assert shown["instruments"] == ["BTC-USDT"]
        assert len(shown["token"]) > 20
        port = int(shown["rest"].rsplit(":", 1)[1])
        keys = {"apiKey": "k", "secret": "s", "password": "p"}
        client = ccxt.okx(client_settings(port) | keys)
        assert client.fetch_balance()["USDT"]["total"] == 7000
        with pytest.raises(ccxt.InsufficientFunds):
            client.create_order("BTC/USDT", "limit", "buy", 0.001, 49_900)
        order = client.create_order("BTC/USDT", "limit", "buy", 0.001, 49_900)
        assert client.fetch_order(order["id"], "BTC/USDT")["status"] == "open"
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=60) == 130
        assert process.stdout is not None
        assert process.stdout.read() == ""  # nothing after the one JSON value


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--host", "0.0.0.0"], "does not listen on 0.0.0.0"),
        (["--balance", "much"], "COIN=AMOUNT"),
        (["--balance", "USDT=-1"], "COIN=AMOUNT"),
        (["--balance", "USDT"], "COIN=AMOUNT"),
        (["--balance", "USDT=nan"], "COIN=AMOUNT"),
        (["--port", "99999"], "65535"),
        (["--path", "best"], "no order of extremes"),
        (["--faults", "nowhere.yaml"], "nowhere.yaml"),
        (["--data", "nowhere.csv"], "nowhere.csv"),
    ],
)
def test_wrong_use_is_refused_before_a_port_is_opened(
    options: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["sim", "okx", "--port", "0", "--for", "0", *options]) in (2, 3)
    assert told in capsys.readouterr().err


def test_it_ends_by_itself_when_asked_to(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sim", "okx", "--port", "0", "--for", "0"]) == 0
    assert "BTC-USDT-SWAP" in capsys.readouterr().out


def test_a_port_in_use_is_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert main(["sim", "okx", "--port", str(port), "--for", "0"]) == 2

    said = capsys.readouterr().err
    assert said.startswith(f"error: port {port} of 127.0.0.1 cannot be used: address already in")
    assert "--port 0" in said
