"""The API beside a running trader: what it did is seen at once, and it does as it is asked."""

from __future__ import annotations

from pathlib import Path

from tests.builders.api_desk import SETTINGS, an_api, getting, signed_in, trading, until


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

        file = tmp_path / "algotrader.yaml"
        file.write_text(
            SETTINGS.replace("max_leverage: 1", "max_leverage: 1, max_daily_loss: 7%").replace(
                "cash: 10_000", "cash: 20_000"
            )
        )
        read = client.post("/api/v1/settings/reload", json={"reason": "new"}, headers=csrf).json()
        assert read["answered"] is True
        said = {one["key"]: one for one in read["changes"]}
        assert said["risk.account.max_daily_loss"]["refused"] is None
        assert "needs a restart" in said["accounts.main.cash"]["refused"]
        holds = {row["key"]: row for row in getting(client, "settings")()}
        assert float(holds["risk.account.max_daily_loss"]["value"]) == 0.07
        assert float(holds["accounts.main.cash"]["value"]) == 10_000
        assert holds["risk.account.max_daily_loss"]["restart"] is None
        assert "books began with it" in holds["accounts.main.cash"]["restart"]
        file.write_text("accounts: [")
        wrong = client.post("/api/v1/settings/reload", json={}, headers=csrf)
        assert wrong.json()["error"]["code"] == "config.reload_refused"

        done = {row["action"] for row in serving.access.audit(None, 50)}
        assert {"halt", "resume", "stop", "start", "change a limit", "reload settings"} <= done
