"""Runs on disk: named by their inputs, whole or not there, the same bits when run again."""

from __future__ import annotations

import io
import json
import re
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.console import Console
from tests.builders.markets import random_bars, random_panel
from tests.builders.research import TREND_SOURCE, Hold, a_market, from_file

import algotrader as at
from algotrader.backtest.comparing import compare_report
from algotrader.backtest.complete import complete_run, quick_check, trades_csv
from algotrader.backtest.complete_sweep import complete_sweep
from algotrader.backtest.complete_walkforward import complete_walkforward, walkforward_report
from algotrader.backtest.judge import judge
from algotrader.backtest.judgement import BOOTSTRAP_SEED
from algotrader.backtest.loading import DataRequest
from algotrader.backtest.reporting import overfitting_of
from algotrader.backtest.settings import BacktestSettings
from algotrader.backtest.space import space_of
from algotrader.backtest.store import RunStore, as_json, write_file
from algotrader.backtest.verdict import Outcome
from algotrader.backtest.workspace import Workspace
from algotrader.cli.run_tables import headline, print_run
from algotrader.core.errors import RunError, UsageError
from algotrader.data.lake import Lake
from algotrader.strategy.loader import load

MARKET = a_market(random_bars(24 * 60))
ASKED = DataRequest()
HOLD_SOURCE = """
import numpy as np

from algotrader import Strategy


class Hold(Strategy):
    def targets(self, bars, f):
        return np.ones(bars.close.shape)
"""


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(lake=tmp_path / "lake", runs=tmp_path / "runs")


def test_the_same_run_again_lands_in_the_same_folder_bit_for_bit(
    tmp_path: Path, workspace: Workspace
) -> None:
    loaded = from_file(tmp_path)
    settings = BacktestSettings()

    def completed() -> dict[str, bytes]:
        done = complete_run(loaded, loaded.kind(), ASKED, settings, workspace, market=MARKET)
        return {path.name: path.read_bytes() for path in done.folder.iterdir()}

    first, second = completed(), completed()
    assert first["run.json"] == second["run.json"]
    assert first["trades.csv"] == second["trades.csv"]
    assert first["strategy.py"] == TREND_SOURCE.encode()
    assert len(RunStore(workspace.runs).list()) == 1


def test_equal_runs_that_end_at_once_take_their_place_one_after_the_other(
    tmp_path: Path, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded = from_file(tmp_path)
    store, rename = RunStore(workspace.runs), Path.rename
    done = complete_run(loaded, loaded.kind(), ASKED, BacktestSettings(), workspace, market=MARKET)
    others = [b"second", b"third"]

    def late(one: Path, to: Path) -> Path:
        """Twice another run takes the place just before this one would."""
        if to == done.folder and others and not one.name.endswith(".before"):
            store.save(done.record, {"log.jsonl": others.pop()})
        return rename(one, to)

    monkeypatch.setattr(Path, "rename", late)
    folder = store.save(done.record, {"log.jsonl": b"first"})

    assert folder == done.folder
    assert sorted(path.name for path in folder.iterdir()) == ["log.jsonl", "run.json"]
    assert (folder / "log.jsonl").read_bytes() == b"first"
    assert [path.name for path in workspace.runs.glob("*") if path.is_dir()] == [folder.name]


def test_a_run_on_other_terms_of_the_venue_is_another_and_replaces_none(
    tmp_path: Path, workspace: Workspace
) -> None:
    loaded = from_file(tmp_path)
    dearer = a_market(random_bars(24 * 60), fee="0.002")
    folders = [
        complete_run(
            loaded, loaded.kind(), ASKED, BacktestSettings(), workspace, market=market
        ).folder
        for market in (MARKET, dearer)
    ]

    assert len(set(folders)) == 2
    assert all((folder / "report.html").exists() for folder in folders)


def test_a_run_that_cannot_take_its_place_leaves_the_one_that_stands_there(
    tmp_path: Path, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded = from_file(tmp_path)
    settings = BacktestSettings()
    done = complete_run(loaded, loaded.kind(), ASKED, settings, workspace, market=MARKET)
    kept = {path.name: path.read_bytes() for path in done.folder.iterdir()}
    rename = Path.rename

    def fails(one: Path, to: Path) -> Path:
        if to == done.folder and not one.name.endswith(".before"):
            raise OSError(5, "Input/output error")
        return rename(one, to)

    monkeypatch.setattr(Path, "rename", fails)
    with pytest.raises(RunError, match="cannot be written"):
        complete_run(loaded, loaded.kind(), ASKED, settings, workspace, market=MARKET)

    assert {path.name: path.read_bytes() for path in done.folder.iterdir()} == kept
    assert [path.name for path in workspace.runs.glob("*") if path.is_dir()] == [done.folder.name]


def test_promise_28_a_run_keeps_every_setting_that_was_in_force(
    tmp_path: Path, workspace: Workspace
) -> None:
    loaded = from_file(tmp_path)
    settings = BacktestSettings(cash=5_000.0, participation=0.2)  # the rest by default

    done = complete_run(loaded, loaded.kind(fast=6), ASKED, settings, workspace, market=MARKET)
    kept = json.loads((done.folder / "run.json").read_bytes())

    assert kept["settings"] == json.loads(json.dumps(asdict(settings), default=str))
    assert kept["parameters"] == dict(loaded.kind(fast=6).values)


@pytest.mark.parametrize(
    "change",
    [{"parameters": {"fast": 6}}, {"settings": {"cash": 5_000.0}}, {"settings": {"seed": 1}}],
)
def test_another_input_is_another_run(
    tmp_path: Path, workspace: Workspace, change: dict[str, dict[str, float]]
) -> None:
    loaded = from_file(tmp_path)
    runs = [
        complete_run(
            loaded,
            loaded.kind(**one.get("parameters", {})),
            ASKED,
            BacktestSettings(**one.get("settings", {})),  # type: ignore[arg-type]
            workspace,
            market=MARKET,
        ).record.run
        for one in ({}, change)
    ]
    assert runs[0] != runs[1]


def test_a_run_is_found_by_the_beginning_of_its_id(tmp_path: Path, workspace: Workspace) -> None:
    loaded = from_file(tmp_path)
    done = complete_run(loaded, loaded.kind(), ASKED, BacktestSettings(), workspace, market=MARKET)
    store = RunStore(workspace.runs)

    assert store.load(done.record.run[:4]) == done.record
    assert as_json(done.record)["run"] == done.record.run
    with pytest.raises(UsageError, match="no run is called zzz"):
        store.load("zzz")
    with pytest.raises(UsageError, match="is no run id"):
        store.load("../etc")
    (workspace.runs / (done.record.run[:4] + "ffff")).mkdir()
    (workspace.runs / (done.record.run[:4] + "ffff") / "run.json").write_text("{}")
    with pytest.raises(UsageError, match="2 runs begin with"):
        store.load(done.record.run[:4])
    with pytest.raises(UsageError, match="cannot be read"):
        store.load(done.record.run[:4] + "ffff")


def test_what_a_strategy_logs_is_kept_beside_its_run(tmp_path: Path, workspace: Workspace) -> None:
    logging = TREND_SOURCE + ("            ctx.log.warning('turned', wanted=wanted, bar=ctx.now)\n")
    loaded = from_file(tmp_path, "CrossByBar", source=logging)
    done = complete_run(loaded, loaded.kind(), ASKED, BacktestSettings(), workspace, market=MARKET)

    lines = (done.folder / "log.jsonl").read_text().splitlines()
    assert len(lines) == len(done.result.log) > 10
    first = json.loads(lines[0])
    assert (first["level"], first["event"]) == ("warning", "turned")
    assert first["wanted"] in (0.0, 1.0)
    assert first["bar"].startswith("2024-01-")

    quiet = from_file(tmp_path, "Cross")
    done = complete_run(quiet, quiet.kind(), ASKED, BacktestSettings(), workspace, market=MARKET)
    assert not (done.folder / "log.jsonl").exists()


def test_what_a_killed_run_left_is_no_run(tmp_path: Path, workspace: Workspace) -> None:
    left = workspace.runs / ".12345678-abc"
    left.mkdir(parents=True)
    (left / "run.json").write_text("{}")

    assert RunStore(workspace.runs).list() == []


def test_a_folder_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "runs").write_text("a file where the folder should be")
    workspace = Workspace(lake=tmp_path / "lake", runs=tmp_path / "runs")
    loaded = from_file(tmp_path)
    with pytest.raises(RunError, match="cannot be"):
        complete_run(loaded, loaded.kind(), ASKED, BacktestSettings(), workspace, market=MARKET)
    with pytest.raises(RunError, match="cannot be written"):
        write_file(tmp_path / "runs" / "below.html", b"")
    assert (tmp_path / "runs").read_text() == "a file where the folder should be"


def test_the_trade_list_is_a_table_of_raw_values(tmp_path: Path) -> None:
    result = at.backtest(load(f"{_file(tmp_path)}:Cross").kind(), data=_frame()).result
    lines = trades_csv(result.trades).splitlines()

    assert lines[0].startswith("symbol,side,entry_utc,exit_utc,quantity,entry_price")
    assert len(lines) == 1 + len(result.trades)
    assert lines[1].split(",")[1] == "long"


def _file(folder: Path) -> Path:
    path = folder / "strategies.py"
    path.write_text(TREND_SOURCE)
    return path


def _frame(rows: int = 600) -> object:
    import polars as pl

    bars = random_bars(rows)
    names = ("open", "high", "low", "close", "volume")
    return pl.DataFrame(
        {"time": bars.ts} | {name: getattr(bars, name) for name in names}
    ).with_columns(pl.col("time").cast(pl.Datetime("ms", "UTC")))


def test_the_library_takes_frames_of_polars_and_pandas_alike(tmp_path: Path) -> None:
    kind = load(f"{_file(tmp_path)}:Cross").kind
    frame = _frame()
    one = at.backtest(kind(), data=frame)
    two = at.backtest(kind(), data=frame.to_pandas())  # type: ignore[attr-defined]

    assert one.equity["equity"].equals(two.equity["equity"])
    assert one.record.result_hash == two.record.result_hash
    assert one.metrics["trades"] == len(one.trades.closed())
    assert one.report(tmp_path / "out.html").stat().st_size > 10_000
    with pytest.raises(UsageError, match="data is a list"):
        at.backtest(kind(), data=[1, 2, 3])
    with pytest.raises(UsageError, match="--cash -5"):
        at.backtest(kind(), data=frame, cash=-5)


def test_a_frame_may_stand_where_the_symbol_does(tmp_path: Path) -> None:
    kind = load(f"{_file(tmp_path)}:Cross").kind
    frame = _frame()

    named = at.backtest(kind(), data=frame).record
    assert at.backtest(kind(), frame).record.result_hash == named.result_hash
    indexed = frame.to_pandas().set_index("time")  # type: ignore[attr-defined]
    assert at.backtest(kind(), indexed).record.result_hash == named.result_hash


def test_a_result_shows_itself_in_a_line_and_its_trades_as_a_table(tmp_path: Path) -> None:
    done = at.backtest(load(f"{_file(tmp_path)}:Cross").kind(), _frame())
    trades, frame = done.trades, done.trades.frame()

    assert re.fullmatch(
        r"<Backtest Cross on FILE:frame 1h: total_return .*, trades \d+>", repr(done)
    )
    assert repr(trades) == f"<TradeTable: {len(trades)} trades, {int(trades.is_open.sum())} open>"
    assert frame["profit"].sum() == pytest.approx(trades.profit.sum())
    assert frame["entry_time"].dt.epoch("ms").to_list() == trades.entry_ts.tolist()
    assert set(frame["side"]) == {"long"}
    assert trades[-1] == trades.row(len(trades) - 1)
    assert trades.where(trades.profit > 1e18).frame().is_empty()
    with pytest.raises(IndexError):
        trades[len(trades)]


@pytest.mark.parametrize(
    ("given", "settings", "message", "hint"),
    [
        ("kind", {}, "Cross is a class", "Cross()"),
        ("text", {}, "a str is no strategy", "inherits from algotrader.Strategy"),
        ("one", {"fee": "10bps"}, "no setting 'fee'", "did you mean fees?"),
        ("one", {"data": "x.csv"}, "was given beside data", "as text"),
    ],
)
def test_slips_of_library_use_are_sentences(
    tmp_path: Path, given: str, settings: dict[str, object], message: str, hint: str
) -> None:
    kind = load(f"{_file(tmp_path)}:Cross").kind
    strategy: Any = {"kind": kind, "text": "cross.py", "one": kind()}[given]

    with pytest.raises(UsageError, match=message) as caught:
        at.backtest(strategy, _frame(), **settings)  # type: ignore[arg-type]
    assert hint in str(caught.value.hint)


def test_a_class_without_a_file_can_be_run() -> None:
    space: dict[str, object] = {}
    exec("from tests.builders.research import Hold\nclass Mine(Hold):\n    pass\n", space)
    done = at.backtest(space["Mine"](), data=_frame())  # type: ignore[operator]

    assert done.record.strategy == "Mine"


def test_a_sweep_and_a_walk_forward_are_stored_with_their_reports(
    tmp_path: Path, workspace: Workspace
) -> None:
    loaded = from_file(tmp_path)
    names = ("open", "high", "low", "close", "volume")
    lines = ["time," + ",".join(names)]
    bars = MARKET.bars
    lines += [
        f"{np.datetime64(int(bars.ts[row]), 'ms')},"
        + ",".join(str(getattr(bars, name)[row]) for name in names)
        for row in range(len(bars))
    ]
    (tmp_path / "bars.csv").write_text("\n".join(lines))
    request = DataRequest(data=str(tmp_path / "bars.csv"))
    space = space_of(loaded.kind, {}, {"fast": "2:6:2", "slow": "20,30"})

    swept = complete_sweep(loaded, space, request, BacktestSettings(), workspace, workers=1)
    assert swept.judged.trials.n_trials == 6
    assert swept.chosen.judged.trials.n_trials == 6  # its own report knows of the search
    assert swept.report.stat().st_size > 10_000
    assert swept.table.exists()
    assert (swept.folder / "sweep.json").exists()

    for anchored in (False, True):
        walked = complete_walkforward(
            loaded, space, request, BacktestSettings(), workspace,
            train_days=20, test_days=10, anchored=anchored, workers=1,
        )  # fmt: skip
        assert walked.report.stat().st_size > 10_000
        assert walked.walked.windows.embargo_days == 2  # 30 hours of warm-up touch two days
        assert walked.judged.trials.n_trials == 6  # the same sets again are no new trials (R31)

    two = [
        complete_run(loaded, loaded.kind(fast=fast), request, BacktestSettings(), workspace)
        for fast in (2, 4)
    ]
    assert len(compare_report(two).runs) == 2


def test_a_walk_forwards_report_is_of_its_account_and_not_of_a_set_chosen_in_hindsight(
    tmp_path: Path, workspace: Workspace
) -> None:
    Lake(workspace.lake).write_bars(random_bars(24 * 60))
    request = DataRequest(symbols=("OKX:BTC/USDT",), timeframe="1h", allow_gaps=True)
    loaded = from_file(tmp_path)
    space = space_of(loaded.kind, {}, {"fast": "2:6:2", "slow": "20,30"})
    done = complete_walkforward(
        loaded, space, request, BacktestSettings(), workspace,
        train_days=20, test_days=10, workers=1,
    )  # fmt: skip
    data = walkforward_report(done)
    own = judge(done.walked.run.daily.returns[None, :], periods_per_year=365.0,
                rng=np.random.default_rng(BOOTSTRAP_SEED)).interval  # fmt: skip

    assert own is not None
    assert data.sharpe_interval == (own.low, own.high)
    assert data.sharpe_interval != data.overfitting.sharpe_interval
    assert data.identity.run == done.name
    assert not {"fast", "slow"} & set(data.identity.parameters)
    assert "algotrader rerun" not in done.report.read_text()


@pytest.mark.parametrize(("timeframe", "is_long"), [("1w", True), ("1d", False), ("4h", False)])
def test_a_report_calls_a_day_only_what_is_one(
    tmp_path: Path, workspace: Workspace, timeframe: str, is_long: bool
) -> None:
    market = a_market(random_bars(120, timeframe=timeframe))
    loaded = from_file(tmp_path)
    done = complete_run(loaded, loaded.kind(), ASKED, BacktestSettings(), workspace, market=market)
    page = done.report.read_text()

    for day, bar in (("Best day", "Best bar"), ("Daily value-at-risk", "Value-at-risk of a bar")):
        assert (f'<span lang="en">{day}' in page, f'<span lang="en">{bar}' in page) == (
            not is_long,
            is_long,
        )
    assert (">Bars win<" in page, ">Days win<" in page) == (is_long, not is_long)
    judged = replace(done.judged, min_track_record_days=100.0)
    shown = overfitting_of(judged, market).min_track_record_days
    assert shown == (700.0 if is_long else 100.0)  # a hundred weeks are not a hundred days


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (BacktestSettings(fees="0"), "with no fees charged"),
        (BacktestSettings(slippage_bps=0.0), "with no slippage charged"),
        (BacktestSettings(fees="0", slippage_bps=0.0), "with no costs charged"),
        (BacktestSettings(), "after costs"),
    ],
)
def test_terminal_and_report_begin_with_the_same_costs(
    tmp_path: Path, workspace: Workspace, settings: BacktestSettings, said: str
) -> None:
    loaded = from_file(tmp_path)
    done = complete_run(loaded, loaded.kind(), ASKED, settings, workspace, market=MARKET)

    assert said in headline(done)
    assert said in done.report.read_text()


def test_a_run_of_one_bar_says_how_long_that_bar_is(tmp_path: Path, workspace: Workspace) -> None:
    loaded = from_file(tmp_path, "Hold", HOLD_SOURCE)
    market = a_market(random_bars(1, timeframe="1w"))
    done = complete_run(loaded, loaded.kind(), ASKED, BacktestSettings(), workspace, market=market)

    assert "7 days" in headline(done)
    assert "in 7 days" in done.report.read_text()


@pytest.mark.parametrize(("train", "test_days"), [(57, 2), (59, 1)])
def test_windows_that_the_warm_up_leaves_no_room_for_are_refused_before_any_set_is_run(
    tmp_path: Path, workspace: Workspace, train: int, test_days: int
) -> None:
    Lake(workspace.lake).write_bars(random_bars(24 * 60))  # of 60 days 30 hours are warm-up
    request = DataRequest(symbols=("OKX:BTC/USDT",), timeframe="1h", allow_gaps=True)
    loaded = from_file(tmp_path)
    space = space_of(loaded.kind, {}, {"fast": "2:6:2", "slow": "20,30"})

    with pytest.raises(UsageError, match="leave none of 59 days to test on"):
        complete_walkforward(
            loaded, space, request, BacktestSettings(), workspace,
            train_days=train, test_days=test_days, workers=1,
        )  # fmt: skip
    assert not workspace.sweeps.exists()


def test_the_quick_check_leaves_out_what_it_cannot_judge() -> None:
    settings = BacktestSettings()
    panel = a_market(random_panel(60, 2))
    from algotrader.backtest.run import run_backtest

    assert quick_check(run_backtest(Hold(), panel, settings)) is None
    checked = quick_check(run_backtest(Hold(), MARKET, settings))
    assert checked is not None
    assert checked.findings == ()


LEAKS = TREND_SOURCE.replace(
    'return {"fast": ema(bars.close, self.fast), ',
    'return {"fast": np.append(bars.close[1:], bars.close[-1]), ',
)


@pytest.mark.parametrize("name", ["Cross", "CrossByBar"])
def test_a_run_that_knew_the_future_says_so_before_any_figure(
    tmp_path: Path, workspace: Workspace, name: str
) -> None:
    loaded = from_file(tmp_path, name, LEAKS)
    done = complete_run(loaded, loaded.kind(), ASKED, BacktestSettings(), workspace, market=MARKET)
    honest = from_file(tmp_path, name)
    plain = complete_run(
        honest, honest.kind(), ASKED, BacktestSettings(), workspace, market=MARKET
    ).plain()
    screen = io.StringIO()
    print_run(Console(file=screen, width=160), done, done.report)
    kept = json.loads((done.folder / "result.json").read_text())

    assert done.judged.sharpe is not None
    assert done.judged.sharpe > 3.0
    assert done.judged.verdict.outcome is Outcome.NO_EVIDENCE_YET
    assert done.judged.verdict.reasons[0].key == "look_ahead"
    assert done.plain()["warnings"][0]["code"] == kept["warnings"][0]["code"] == "look_ahead"
    assert "△ Look-ahead: what it decides by changes" in screen.getvalue()
    assert "look_ahead" not in {one["code"] for one in plain["warnings"]}
