"""Sweeps, walk-forwards and parity as the API tells them: what the commands found, no more."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.builders.api_desk import an_api, copied, token_for

from algotrader.api.access import Role
from algotrader.cli.main import main
from algotrader.ops.works import Works

SEARCH = ["TrendFollow", "--symbol", "US:AAPL", "--start", "2005-01-01", "--end", "2009-01-01",
          "--set", "risk=0.004", "--set", "most=1", "--range", "fast=6,12,24",
          "--range", "slow=48,96,144", "--workers", "1", "--without-limits", "--json"]  # fmt: skip


@pytest.fixture(scope="module")
def searched(traded: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A desk on which a sweep, a walk-forward and a comparison were made."""
    folder = copied(traded, tmp_path_factory.mktemp("searched") / "desk")
    config = ["--config", str(folder / "algotrader.yaml")]
    assert main(["sweep", *SEARCH, *config]) == 0
    assert main(["walkforward", *SEARCH, "--train-days", "252", *config]) == 0
    return folder


@pytest.fixture
def asked(searched: Path) -> Iterator[Any]:
    with an_api(searched) as (client, serving):
        headers = token_for(serving, Role.VIEWER)
        yield lambda path: client.get(f"/api/v1/{path}", headers=headers)


def test_a_sweep_says_its_verdict_in_both_languages_with_what_it_rests_on(asked: Any) -> None:
    (row,) = asked("sweeps").json()
    sweep = asked(f"sweeps/{row['sweep']}").json()
    judged = sweep["judgement"]

    assert row["verdict"] == judged["verdict"]
    assert (row["sets"], row["swept"]) == (9, ["fast", "slow"])
    assert sweep["parameters"] == ["risk", "most", "fast", "slow"]
    assert judged["trials"] == 9
    assert judged["sentence"]["en"] != judged["sentence"]["zh"]
    assert {type(why["holds"]) for why in judged["why"]} == {bool}
    assert judged["sharpe_interval"][0] < judged["sharpe"] < judged["sharpe_interval"][1]


def test_the_best_set_is_the_one_with_the_highest_sharpe_and_has_its_neighbours(asked: Any) -> None:
    (row,) = asked("sweeps").json()
    sweep = asked(f"sweeps/{row['sweep']}").json()
    columns, best = sweep["columns"], sweep["best"]
    beside = sweep["judgement"]["neighbours"]["sets"]

    assert columns["sharpe"][best] == max(columns["sharpe"])
    assert asked(f"runs/{sweep['chosen']}").json()["parameters"]["fast"] == columns["fast"][best]
    assert 2 <= len(beside) <= 4
    for other in beside:
        changed = [name for name in ("fast", "slow") if columns[name][other] != columns[name][best]]
        assert len(changed) == 1


def test_limits_that_were_left_out_are_said_by_the_sweep_its_run_and_its_report(asked: Any) -> None:
    (row,) = asked("sweeps").json()
    sweep = asked(f"sweeps/{row['sweep']}").json()
    run = asked(f"runs/{sweep['chosen']}").json()

    assert [one["code"] for one in sweep["warnings"]] == ["limits_off"]
    assert "risk.account.max_drawdown" in str(run["warnings"])
    assert run["settings"]["limits_off"] == ["risk.account.max_drawdown"]
    assert "risk.account.max_drawdown" in asked(f"sweeps/{row['sweep']}/report").text
    assert asked("research/defaults").json()["beyond_fast"] == ["risk.account.max_drawdown"]


def test_a_walk_forward_tells_each_fold_and_one_account(asked: Any) -> None:
    (row,) = asked("walkforwards").json()
    walked = asked(f"walkforwards/{row['walkforward']}").json()
    folds, equity = walked["folds"], walked["equity"]

    assert row["folds"] == len(folds) > 3
    assert row["won"] == sum(one["test_return"] > 0 for one in folds)
    assert walked["windows"]["train_days"] == 252
    assert walked["windows"]["embargo_days"] > 0
    assert walked["swept"] == ["fast", "slow"]
    assert all(one["train"][1] < one["test"][0] <= one["test"][1] for one in folds)
    assert len(equity["ts"]) == len(equity["equity"]) == len(equity["in_sample"])
    grown = equity["equity"][-1] / walked["metrics"]["initial_equity"] - 1
    assert grown == pytest.approx(walked["metrics"]["total_return"], abs=1e-9)
    assert walked["judgement"]["verdict"] == row["verdict"]
    assert "html" in asked(f"walkforwards/{row['walkforward']}/report").headers["content-type"]


@pytest.mark.parametrize("name", ["..", "nobody", "a/b", ".hidden", "%2e%2e"])
def test_there_is_no_walk_forward_outside_its_folder(asked: Any, name: str) -> None:
    assert asked(f"walkforwards/{name}").status_code == 404
    assert asked(f"sweeps/{name}").status_code == 404


def test_what_older_versions_kept_is_shown_as_far_as_it_goes(
    searched: Path, tmp_path: Path
) -> None:
    desk = copied(searched, tmp_path / "desk")
    (sweep_file,) = desk.glob("runs/sweeps/*/sweep.json")
    new = ("overfitting", "swept", "best", "parameters", "symbols", "timeframe", "warnings")
    kept = {k: v for k, v in json.loads(sweep_file.read_text()).items() if k not in new}
    sweep_file.write_text(json.dumps(kept))
    (walked_file,) = desk.glob("runs/walkforwards/*/walkforward.json")
    walked_file.unlink()
    with an_api(desk) as (client, serving):
        headers = token_for(serving, Role.VIEWER)
        sweep = client.get(f"/api/v1/sweeps/{kept['sweep']}", headers=headers).json()
        (desk / "runs" / kept["chosen"] / "result.json").unlink()
        (run,) = client.get("/api/v1/runs", headers=headers).json()["items"]
        (walked,) = client.get("/api/v1/walkforwards", headers=headers).json()
        refused = client.get(f"/api/v1/runs/{kept['chosen']}", headers=headers)
        report = client.get(f"/api/v1/runs/{kept['chosen']}/report", headers=headers)

    assert sweep["columns"]["sharpe"][sweep["best"]] == max(sweep["columns"]["sharpe"])
    assert sweep["swept"] == ["fast", "slow"]
    assert sweep["judgement"]["verdict"]
    assert (run["kept"], run["verdict"], run["metrics"]) == (False, None, {})
    assert (walked["strategy"], walked["folds"]) == (None, None)
    assert (refused.status_code, refused.json()["error"]["code"]) == (404, "run.no_figures")
    assert report.status_code == 200


def test_a_comparison_counts_equal_decisions_and_tells_the_others(
    traded: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    desk = copied(traded, tmp_path / "desk")
    capfd.readouterr()
    assert main(["parity", "--json", "--config", str(desk / "algotrader.yaml")]) == 0
    _leave_work(desk, capfd.readouterr().out)
    with an_api(desk) as (client, serving):
        headers = token_for(serving, Role.VIEWER)
        (row,) = client.get("/api/v1/parity", headers=headers).json()
        told = client.get(f"/api/v1/parity/{row['work']}", headers=headers).json()
        assert client.get("/api/v1/parity/none", headers=headers).status_code == 404

    assert row["clean"]
    assert row["replay_equal"]
    assert row["equal"] == row["decisions"] > 100
    assert (told["differences"], told["more"], told["causes"]) == ([], 0, {})
    assert told["equity"]["journal"] == told["equity"]["backtest"]
    assert told["equity"]["gap"] is None


def _leave_work(desk: Path, result: str) -> None:
    folder = desk / "live" / "works" / "ab12"
    folder.mkdir(parents=True)
    (folder / "out.json").write_text(result)
    work = {"id": "ab12", "kind": "parity", "command": ["parity"], "by": "owner", "asked_ms": 1,
            "state": "done", "ended_ms": 2}  # fmt: skip
    (folder / "work.json").write_text(json.dumps(work))


@pytest.mark.parametrize(
    ("route", "wish", "words"),
    [
        ("backtests", {"execution": "twap", "work_for": "4h", "slices": 5},
         ["--work-for=4h", "--slices=5", "--execution=twap"]),
        ("sweeps", {"ranges": {"fast": "6:12:6"}, "without_limits": True},
         ["--range=fast=6:12:6", "--without-limits"]),
        ("walkforwards", {"embargo_days": 5, "anchored": True},
         ["--embargo-days=5", "--anchored", "--train-days=504"]),
    ],
    ids=["backtest", "sweep", "walk-forward"],
)  # fmt: skip
def test_what_a_form_asks_is_what_the_command_is_told(
    searched: Path, monkeypatch: pytest.MonkeyPatch, route: str, wish: dict[str, Any],
    words: list[str],
) -> None:  # fmt: skip
    monkeypatch.setattr(Works, "_do", _nothing)
    with an_api(searched) as (client, serving):
        body = {"strategy": "TrendFollow", "symbols": ["US:AAPL"]} | wish
        headers = token_for(serving, Role.TRADER)
        answer = client.post(f"/api/v1/{route}", json=body, headers=headers)

    assert answer.status_code == 202, answer.text
    for word in words:
        assert word in answer.json()["command"]


async def _nothing(*_: Any) -> None:
    return None


def test_a_search_takes_no_execution_that_only_the_full_driver_has(searched: Path) -> None:
    with an_api(searched) as (client, serving):
        headers = token_for(serving, Role.TRADER)
        body = {"strategy": "TrendFollow", "symbols": ["US:AAPL"], "execution": "twap"}
        answers = [client.post(f"/api/v1/{route}", json=body, headers=headers).status_code
                   for route in ("sweeps", "walkforwards")]  # fmt: skip

    assert answers == [422, 422]
