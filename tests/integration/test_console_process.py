"""The console beside a trader: there while it trades, without its keys, and gone with it."""

from __future__ import annotations

import os
import socket
import time
import urllib.request
from pathlib import Path

import pytest
from tests.builders.loopback import free_port

from algotrader.api.serve import listening
from algotrader.core.errors import ConfigurationError
from algotrader.ops.api_settings import ApiSettings
from algotrader.ops.config import Configuration, load
from algotrader.ops.console_process import console_beside


def configured(folder: Path, **api: object) -> Configuration:
    (folder / "algotrader.yaml").write_text("{}\n")
    overrides = {f"api.{name}": value for name, value in api.items()}
    return load(folder / "algotrader.yaml", environment={}, overrides=overrides)


def answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/v1/health", timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def test_it_is_there_with_the_trader_without_its_keys_and_ends_with_it(tmp_path: Path) -> None:
    port = free_port()
    (tmp_path / "algotrader.yaml").write_text(f"api: {{port: {port}}}\n")
    configuration = load(tmp_path / "algotrader.yaml", environment={})
    environment = {**os.environ, "ALGOTRADER_OKX_SECRET": "hush-hush", "EXCHANGE_API_KEY": "hush"}
    with console_beside(configuration, environment, quiet=True):
        while not answers(port):
            time.sleep(0.1)
        held = [
            (folder / "environ").read_bytes()
            for folder in Path("/proc").glob("[0-9]*")
            if is_of(folder, tmp_path)
        ]

    assert len(held) == 1
    assert b"hush" not in held[0]
    assert not answers(port)


def is_of(process: Path, workspace: Path) -> bool:
    try:
        return str(workspace).encode() in (process / "cmdline").read_bytes()
    except OSError:
        return False


def test_where_it_is_not_wanted_none_is_started(tmp_path: Path) -> None:
    port = free_port()
    with console_beside(configured(tmp_path, beside=False, port=port), os.environ):
        assert not answers(port)


def test_answers_are_sent_at_once() -> None:
    """Without a protocol of its own a socket waits 40 ms for the client between head and body."""
    with listening(ApiSettings(port=free_port())) as listener:
        assert listener.proto == socket.IPPROTO_TCP


def test_a_port_that_is_taken_is_said_with_what_helps() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        with pytest.raises(ConfigurationError) as refused:
            listening(ApiSettings(port=other.getsockname()[1]))

    assert refused.value.code == "api.port"
    assert refused.value.hint is not None


def test_after_a_kill_the_next_console_waits_for_the_port_of_the_last(tmp_path: Path) -> None:
    port = free_port()
    with socket.socket() as killed:
        killed.bind(("127.0.0.1", port))
        killed.listen()
        configuration = configured(tmp_path, port=port)
        (tmp_path / "algotrader.yaml").write_text(f"api: {{port: {port}}}\n")
        with console_beside(configuration, os.environ, quiet=True):
            time.sleep(3)  # it has come as far as the port by then, or it comes later
            killed.close()
            while not answers(port):
                time.sleep(0.1)
