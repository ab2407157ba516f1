"""The research commands from the command line to files, on the bundled sample."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from algotrader.cli.main import main

TREND = ("TrendFollow", "--symbol", "US:IBM", "--set", "risk=0.015", "--set", "most=1")
SMALL = ("--range", "fast=12:36:12", "--range", "slow=96,144")


@pytest.fixture(autouse=True)
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def ran(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> Any:
    """What a command prints with --json."""
    assert main([*arguments, "--json"]) == code
    return json.loads(capsys.readouterr().out)


def test_promise_20_a_backtest_is_stored_and_runs_again_bit_for_bit(
    capsys: pytest.CaptureFixture[str], workspace: Path
) -> None:
    done = ran(capsys, "backtest", *TREND, "--audit")

    assert done["metrics"]["trades"] == len([t for t in done["trades"] if not t["open"]])
    assert done["audit"]["agrees"]
    assert done["overfitting"]["trials"] == 1
    assert Path(done["report"]).read_text().startswith("<!doctype html>")
    figures = Path(done["report"]).with_name("result.json")
    kept = json.loads(figures.read_text())
    figures.unlink()  # an older version kept none
    assert ran(capsys, "rerun", done["run"][:4])["equal"]
    assert json.loads(figures.read_text())["metrics"] == kept["metrics"]
    assert ran(capsys, "backtest", *TREND)["run"] == done["run"]
    assert ran(capsys, "backtest", *TREND)["overfitting"]["trials"] == 1


def test_a_changed_source_of_a_stored_run_is_a_finding(
    capsys: pytest.CaptureFixture[str], workspace: Path
) -> None:
    done = ran(capsys, "backtest", *TREND)
    source = Path(done["report"]).with_name("strategy.py")
    source.write_text(source.read_text().replace('f["fast"] > f["slow"]', 'f["fast"] < f["slow"]'))

    for _ in range(2):
        found = ran(capsys, "rerun", done["run"], code=1)
        assert not found["equal"]
        assert found["source_changed"]


def test_a_run_that_comes_out_otherwise_stays_as_it_was_stored_and_is_told_each_time(
    capsys: pytest.CaptureFixture[str], workspace: Path
) -> None:
    done = ran(capsys, "backtest", *TREND)
    other = ran(capsys, "backtest", *TREND, "--cash", "20000")
    file = workspace / "runs" / done["run"] / "run.json"
    file.write_text(file.read_text().replace('"result_hash": "', '"result_hash": "0'))
    kept = {path.name: path.read_bytes() for path in file.parent.iterdir()}

    assert main(["trades", done["run"]]) == 0
    assert "comes out otherwise today" in capsys.readouterr().err
    both = ran(capsys, "compare", done["run"], other["run"])
    assert [one["as_stored"] for one in both["runs"]] == [False, True]
    assert not ran(capsys, "rerun", done["run"], code=1)["equal"]
    assert not ran(capsys, "rerun", done["run"], code=1)["equal"]
    assert {path.name: path.read_bytes() for path in file.parent.iterdir()} == kept
    assert len(list(workspace.glob("runs/*/run.json"))) == 2


def test_runs_are_compared_and_their_trades_exported(
    capsys: pytest.CaptureFixture[str], workspace: Path
) -> None:
    first = ran(capsys, "backtest", *TREND)
    second = ran(capsys, "backtest", "MeanReversion", "--symbol", "US:MSFT", "--fees", "0")

    both = ran(capsys, "compare", first["run"], second["run"], "--report", "both.html")
    shown = ran(capsys, "trades", first["run"], "--csv", "trades.csv", "--last", "3")
    lots = ran(capsys, "trades", first["run"], "--fifo", "--last", "0")
    copied = ran(capsys, "report", first["run"], "--to", "copy.html")

    assert "Fees" in both["differ_in"]
    assert "Driver" not in both["differ_in"]
    assert [one["run"] for one in both["runs"]] == [first["run"], second["run"]]
    assert len(shown) == 3
    assert len(lots) >= len(first["trades"])
    assert pl.read_csv("trades.csv").height == len(first["trades"])
    assert Path(copied["report"]).exists()
    assert "zero_fees" in [warning["code"] for warning in second["warnings"]]


def test_without_a_run_the_report_command_lists_the_runs_the_newest_last(
    capsys: pytest.CaptureFixture[str], workspace: Path
) -> None:
    assert main(["report"]) == 0
    assert capsys.readouterr().out.startswith("no run yet")
    done = ran(capsys, "backtest", *TREND)

    [row] = ran(capsys, "report")
    assert (row["run"], row["strategy"], row["symbols"]) == (done["run"], "TrendFollow", ["US:IBM"])
    assert row["metrics"]["sharpe"] == done["metrics"]["sharpe"]
    assert main(["report"]) == 0
    assert f"report of one: algotrader report {done['run']}" in capsys.readouterr().out
    refused = ran(capsys, "report", "--to", "copy.html", code=2)
    assert refused["error"]["code"] == "usage.run"


def test_a_copy_of_a_report_opens_in_the_language_asked_for(
    capsys: pytest.CaptureFixture[str], workspace: Path
) -> None:
    done = ran(capsys, "backtest", *TREND)

    ran(capsys, "report", done["run"], "--to", "zh.html", "--lang", "zh")
    no_copy = ran(capsys, "report", done["run"], "--lang", "zh", code=2)
    unknown = ran(capsys, "report", done["run"], "--to", "x.html", "--lang", "fr", code=2)

    assert '<html lang="zh" data-lang="zh"' in Path("zh.html").read_text()
    assert 'data-lang="' not in Path(done["report"]).read_text()
    assert no_copy["error"]["hint"].startswith("add --to FILE.html")
    assert unknown["error"]["hint"] == "en or zh"
    assert not Path("x.html").exists()


def test_a_sweep_counts_every_set_and_is_found_finished_the_second_time(
    capsys: pytest.CaptureFixture[str], workspace: Path
) -> None:
    done = ran(capsys, "sweep", *TREND, *SMALL)
    again = ran(capsys, "sweep", *TREND, *SMALL)
    drawn = ran(capsys, "sweep", *TREND, *SMALL, "--sets", "3")

    assert len(done["sets"]) == 6
    assert done["overfitting"]["trials"] == 6
    assert again == done
    assert drawn["overfitting"]["trials"] == 6
    assert pl.read_parquet(done["table"])["sharpe"].max() == pytest.approx(
        done["sets"][done["best"]]["metrics"]["sharpe"]
    )


@pytest.mark.parametrize("window", ["--anchored", "--rolling"])
@pytest.mark.parametrize(
    "strategy",
    [
        (*TREND, *SMALL),
        ("MeanReversion", "--symbol", "US:IBM", "--set", "trend=100", "--set", "stop=0.1",
         "--range", "window=10,20", "--range", "entry=1,1.5"),
    ],
    ids=["targets", "on_bar"],
)  # fmt: skip
def test_a_walk_forward_trades_one_account_over_its_folds(
    capsys: pytest.CaptureFixture[str], strategy: tuple[str, ...], window: str
) -> None:
    done = ran(capsys, "walkforward", *strategy, window, "--test-days", "400")

    grown = 1.0
    for fold in done["folds"]:
        grown *= 1.0 + fold["test_return"]
    assert grown - 1.0 == pytest.approx(done["metrics"]["total_return"], abs=1e-9)
    assert Path(done["report"]).exists()


@pytest.mark.parametrize("style", ["targets", "on_bar", "panel"])
def test_a_new_strategy_passes_its_check_and_runs_as_it_is(
    capsys: pytest.CaptureFixture[str], style: str
) -> None:
    made = ran(capsys, "strategy", "new", "MyIdea", "--style", style)
    data = ("--data", "sample:20names") if style == "panel" else ("--symbol", "US:GOOG")

    findings = ran(capsys, "check", made["file"], *data, "--cuts", "4")["findings"]

    assert [finding for finding in findings if finding["level"] == "error"] == []
    assert ran(capsys, "backtest", made["file"], *data)["metrics"]["trades"] > 0


def test_people_get_the_same_in_words(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["backtest", *TREND]) == 0
    assert main(["sweep", *TREND, *SMALL]) == 0
    assert main(["walkforward", *TREND, *SMALL]) == 0
    assert main(["check", *TREND, "--cuts", "4"]) == 0
    assert main(["strategy", "ls"]) == 0

    said = capsys.readouterr().out
    assert "after costs" in said
    assert "6 sets; best" in said
    assert "Out of sample" in said
    assert "no look-ahead" in said
    assert "FundingCarry" in said


def test_promise_29_the_demo_ends_with_the_paths_of_its_reports(
    capsys: pytest.CaptureFixture[str], workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("algotrader.cli.demo_trading.SLICES", 24)  # a day: weeks are its own test
    assert main(["demo"]) == 0

    lines = capsys.readouterr().out.rstrip().splitlines()
    reports = lines[-8:]
    assert all((workspace / line).is_file() for line in reports)
    assert sum("GENERATED DATA" in line for line in lines) == 2


def test_limits_of_the_workspace_are_held_or_the_run_is_refused(
    capsys: pytest.CaptureFixture[str], workspace: Path
) -> None:
    settings = workspace / "algotrader.yaml"
    settings.write_text("risk:\n  instrument: {max_weight: 30%}\n")
    held = ran(capsys, "backtest", *TREND)
    settings.write_text("risk:\n  account: {max_daily_loss: 3%}\n")
    refused = ran(capsys, "backtest", *TREND, "--engine", "fast", code=2)
    swept = ran(capsys, "sweep", *TREND, "--range", "fast=5:10:5", code=2)

    assert held["metrics"]["max_leverage"] < 0.45  # it grows with the price between rebalances
    assert refused["error"]["code"] == swept["error"]["code"] == "engine.full_needed"
    assert "risk.account.max_daily_loss" in refused["error"]["message"]


def test_a_search_may_leave_limits_out_and_its_best_run_says_which(
    capsys: pytest.CaptureFixture[str], workspace: Path
) -> None:
    (workspace / "algotrader.yaml").write_text("risk:\n  account: {max_daily_loss: 3%}\n")
    search = [*TREND, "--range", "fast=6:12:6", "--without-limits"]
    swept = ran(capsys, "sweep", *search)
    assert main(["sweep", *search]) == 0
    assert "Without limits of the settings" in capsys.readouterr().out
    (kept,) = workspace.glob("runs/sweeps/*/sweep.json")
    chosen = json.loads(kept.read_text())["chosen"]
    again = ran(capsys, "rerun", chosen)
    result = json.loads((workspace / "runs" / chosen / "result.json").read_text())

    assert [one["code"] for one in swept["warnings"]][:1] == ["limits_off"]
    assert "risk.account.max_daily_loss" in result["warnings"][0]["message"]
    assert again["equal"] is True


def test_the_full_driver_gives_the_same_run_and_is_chosen_where_a_rule_needs_it(
    capsys: pytest.CaptureFixture[str], workspace: Path
) -> None:
    fast = ran(capsys, "backtest", *TREND)
    full = ran(capsys, "backtest", *TREND, "--engine", "full")
    (workspace / "algotrader.yaml").write_text("risk:\n  account: {max_daily_loss: 0.5%}\n")
    chosen = ran(capsys, "backtest", *TREND)
    again = ran(capsys, "rerun", chosen["run"])

    assert full["metrics"].keys() == fast["metrics"].keys()
    for name, value in fast["metrics"].items():
        known = value is not None
        assert full["metrics"][name] == (pytest.approx(value, rel=1e-9) if known else None)
    assert [t["profit"] for t in full["trades"]] == pytest.approx(
        [t["profit"] for t in fast["trades"]], rel=1e-9
    )
    assert (fast["driver"], full["driver"], chosen["driver"]) == ("fast", "full", "full")
    assert len({fast["run"], full["run"], chosen["run"]}) == 3
    ended = [one["message"] for one in chosen["warnings"] if one["code"] == "trading_ended"]
    assert ended[0].startswith("Trading ended on 2000-08-30 by account.max_daily_loss: the loss of")
    assert "trading_ended" not in {one["code"] for one in full["warnings"]}
    assert chosen["metrics"]["exposure"] < fast["metrics"]["exposure"]  # losses end its trading
    assert again["equal"] is True


def test_what_only_the_fast_driver_does_is_refused_by_the_full_one(
    capsys: pytest.CaptureFixture[str], workspace: Path
) -> None:
    sized = ran(capsys, "backtest", *TREND, "--engine", "full", "--size-at", "fill", code=2)
    unknown = ran(capsys, "backtest", *TREND, "--engine", "quick", code=2)

    assert sized["error"]["code"] == "engine.fast_only"
    assert unknown["error"]["code"] == "usage.choice"
