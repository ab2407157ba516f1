"""A long backtest or sweep tells that it is done, and no other does; apprise reaches any address."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from algotrader.cli.main import main
from algotrader.ops.notification import service

pytest.importorskip("apprise", reason="not run: apprise is not installed")

SETTINGS = """
notification:
  finished_after_s: {after}
  channels:
    office: {{kind: apprise, least: info}}
"""


class Service:
    """Something that takes JSON by POST, as many messengers do."""

    def __init__(self) -> None:
        self.taken: list[dict[str, Any]] = []
        self.status = 200


@contextmanager
def a_service() -> Iterator[tuple[Service, str]]:
    held = Service()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if held.status == 200:
                held.taken.append(json.loads(body))
            self.send_response(held.status)
            self.end_headers()

        def log_message(self, format: str, *arguments: Any) -> None:  # noqa: A002
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield held, f"json://canary-user:canary-7f3a@127.0.0.1:{server.server_port}/canary-path"
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(service, "_LAST_WORDS_S", 60.0)  # a busy machine is no fault
    return tmp_path


RUN = ("TrendFollow", "--symbol", "US:AAPL", "--start", "2010-01-04", "--quiet")


@pytest.mark.parametrize(
    ("words", "title"),
    [
        (("backtest", *RUN), "Backtest of TrendFollow is done"),
        (("sweep", *RUN, "--sets", "4"), "Sweep of TrendFollow is done"),
    ],
    ids=["backtest", "sweep"],
)
def test_long_work_tells_its_three_figures_and_where_its_report_is(
    here: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], title: str
) -> None:
    with a_service() as (office, address):
        (here / "algotrader.yaml").write_text(SETTINGS.format(after=0))
        monkeypatch.setenv("ALGOTRADER_APPRISE_URL", address)
        assert main(list(words)) == 0

    (taken,) = office.taken
    assert taken["title"] == title
    for word in ("total return", "Sharpe", "maximum drawdown", "report.html"):
        assert word in taken["message"]


def test_short_work_tells_nothing_and_a_missing_secret_spoils_no_work(
    here: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (here / "algotrader.yaml").write_text(SETTINGS.format(after=3600))
    assert main(["backtest", *RUN]) == 0
    (here / "algotrader.yaml").write_text(SETTINGS.format(after=0))
    assert main(["backtest", *RUN[:-1]]) == 0

    assert "nobody was told" in capfd.readouterr().err


def test_f69_a_refusing_service_is_told_of_without_its_address(
    here: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    caplog.set_level(logging.DEBUG)
    with a_service() as (office, address):
        (here / "algotrader.yaml").write_text(SETTINGS.format(after=0))
        monkeypatch.setenv("ALGOTRADER_APPRISE_URL", address)
        assert main(["notify", "test"]) == 0
        office.status = 500
        assert main(["notify", "test", "--json"]) == 3
    said = capfd.readouterr()

    assert office.taken[0]["title"] == "A test"
    assert "canary" not in said.out + said.err + caplog.text


def test_an_address_of_no_known_kind_is_refused_without_being_shown(
    here: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    (here / "algotrader.yaml").write_text(SETTINGS.format(after=0))
    monkeypatch.setenv("ALGOTRADER_APPRISE_URL", "nowhere://canary-7f3a")
    assert main(["notify", "test", "--json"]) == 2
    error = json.loads(capfd.readouterr().out)["error"]

    assert error["code"] == "notification.address"
    assert "canary" not in json.dumps(error)
