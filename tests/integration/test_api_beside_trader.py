"""The API beside a running trader: what it did is seen at once, and it does as it is asked."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from starlette.testclient import TestClient
from tests.builders.api_desk import SETTINGS, an_api, signed_in

Told = Callable[[], Any]


@contextmanager
def trading(folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A trader that takes its time: four recorded days a second."""
    process = subprocess.Popen(
        [sys.executable, "-m", "algotrader", "trade", "--quiet", "--speed", "4"],
        cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        yield process
    finally:
        process.terminate()
        process.wait()


def until(told: Told, is_right: Callable[[Any], bool]) -> Any:
    """Ask again and again; the test's own end is the bound."""
    while not is_right(found := told()):
        time.sleep(0.05)
    return found


def test_a_person_sees_stops_changes_and_starts_what_trades(tmp_path: Path) -> None:
    (tmp_path / "algotrader.yaml").write_text(SETTINGS)
    with an_api(tmp_path) as (client, serving), trading(tmp_path):
        csrf = signed_in(client, serving)
        accounts = getting(client, "accounts")
        until(accounts, lambda rows: rows and rows[0]["mode"] == "trading")
        first = accounts()[0]["last_decision"] or 0
        until(accounts, lambda rows: (rows[0]["last_decision"] or 0) > first)

        asked = client.post("/api/v1/halt", json={"reason": "news"}, headers=csrf).json()
        assert asked["running"] is True
        until(accounts, lambda rows: rows[0]["mode"] == "halted")
        assert client.get("/api/v1/system").json()["halted"] is True
        trips = getting(client, "risk/trips")
        told = until(trips, lambda page: any(one["by"] == "owner" for one in page["items"]))
        assert any(one["text"] == "news" for one in told["items"])

        client.post("/api/v1/resume", json={}, headers=csrf)
        until(accounts, lambda rows: rows[0]["mode"] == "trading")

        stop = client.post("/api/v1/strategies/trend/stop", json={}, headers=csrf).json()
        assert stop["in_force"] is True
        until(getting(client, "strategies"), lambda rows: rows[0]["status"] == "stopped")
        start = client.post("/api/v1/strategies/trend/start", json={}, headers=csrf).json()
        assert start["in_force"] is True

        key = "account.max_drawdown"
        lower = {"value": "30%", "reason": "a bad week"}
        changed = client.put(f"/api/v1/risk/limits/{key}", json=lower, headers=csrf).json()
        assert (changed["before"], changed["after"], changed["in_force"]) == ("0.60", "0.30", True)
        raised = {"value": "50%"}
        refused = client.put(f"/api/v1/risk/limits/{key}", json=raised, headers=csrf)
        assert refused.json()["error"]["code"] == "risk.unconfirmed"
        confirmed = client.put(
            f"/api/v1/risk/limits/{key}", json=raised | {"confirm": key}, headers=csrf
        )
        assert confirmed.json()["in_force"] is True

        done = {row["action"] for row in serving.access.audit(None, 50)}
        assert {"halt", "resume", "stop", "start", "change a limit"} <= done


def getting(client: TestClient, path: str) -> Told:
    return lambda: client.get(f"/api/v1/{path}").json()
