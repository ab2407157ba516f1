"""A small desk that has traded, and an API over it that is asked without a socket."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from starlette.testclient import TestClient

from algotrader.api.access import Role
from algotrader.api.app import build_app, serving_of
from algotrader.api.serving import Serving
from algotrader.cli.main import main
from algotrader.ops.config import load

SETTINGS = """
accounts:
  main: {currency: USD, cash: 10_000}
strategies:
  trend: {use: TrendFollow, symbols: [US:AAPL], timeframe: 1d, parameters: {fast: 6, slow: 48}}
risk:
  account: {max_drawdown: 60%, max_leverage: 1}
trading: {start: 2011-01-03, end: 2011-07-01}
api: {beside: false, uploads: true}
"""
ADDRESS = "http://127.0.0.1:8000"


def traded_desk(folder: Path) -> Path:
    """A workspace whose strategy has traded half a year of days."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "algotrader.yaml").write_text(SETTINGS)
    code = main(["trade", "--journal-sync", "normal", "--quiet", "--json",
                 "--config", str(folder / "algotrader.yaml")])  # fmt: skip
    assert code == 0
    return folder


def copied(desk: Path, to: Path) -> Path:
    shutil.copytree(desk, to, dirs_exist_ok=True)
    return to


@contextmanager
def an_api(folder: Path, **overrides: Any) -> Iterator[tuple[TestClient, Serving]]:
    """A client nobody has signed in with, and the parts behind it."""
    configuration = load(folder / "algotrader.yaml", environment={}, overrides=overrides)
    serving = serving_of(configuration)
    with TestClient(build_app(serving), base_url=ADDRESS, client=("127.0.0.1", 5)) as client:
        yield client, serving


def token_for(serving: Serving, role: Role) -> dict[str, str]:
    """The header of a program that may do what a role may."""
    _, secret = serving.access.make_token(f"test-{role}", role, "test", None)
    return {"Authorization": f"Bearer {secret}"}


def signed_in(client: TestClient, serving: Serving) -> dict[str, str]:
    """Sign the owner in by a one-time link; the header that changes need."""
    answer = client.post("/api/v1/session/link", json={"link": serving.links.make()})
    assert answer.status_code == 200, answer.text
    return {"X-CSRF-Token": answer.json()["csrf"]}


@contextmanager
def trading(folder: Path) -> Iterator[None]:
    """A trader of four recorded days a second, killed when the block ends."""
    process = subprocess.Popen(
        [sys.executable, "-m", "algotrader", "trade", "--quiet", "--speed", "4"],
        cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        yield
    finally:
        process.kill()  # by which everything may end
        process.wait()


def until(told: Callable[[], Any], is_right: Callable[[Any], bool]) -> Any:
    """Ask again and again; the test's own end is the bound."""
    while not is_right(found := told()):
        time.sleep(0.05)
    return found


def getting(client: TestClient, path: str) -> Callable[[], Any]:
    """What the API answers to a path, each time it is asked."""
    return lambda: client.get(f"/api/v1/{path}").json()
