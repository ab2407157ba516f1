"""A sweep from request to report: what it counts, keeps, and says when sets fail."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from tests.builders.markets import random_bars
from tests.builders.research import from_file

from algotrader.backtest.complete_sweep import CompletedSweep, complete_sweep, sweep_report
from algotrader.backtest.cscv import probability_of_overfitting
from algotrader.backtest.loading import DataRequest
from algotrader.backtest.settings import BacktestSettings
from algotrader.backtest.space import space_of
from algotrader.backtest.trials import TrialLedger
from algotrader.backtest.workspace import Workspace
from algotrader.core.errors import RunError
from algotrader.data.lake import Lake

SOURCE = '''
import numpy as np

from algotrader import Strategy, param
from algotrader.features import ema, sma


class Choosing(Strategy):
    """Crosses of one of two kinds of average; one window fails."""

    kind: str = param("ema", choices=("sma", "ema"))
    fast: int = param(4, low=2, high=12, step=2)

    def features(self, bars):
        average = {"ema": ema, "sma": sma}[self.kind]
        if self.fast == FAILING:
            raise ValueError("this window is not liked")
        return {"fast": average(bars.close, self.fast), "slow": average(bars.close, 30)}

    def targets(self, bars, f):
        return np.where(f["fast"] > f["slow"], 1.0, 0.0)
'''
REQUEST = DataRequest(symbols=("OKX:BTC/USDT",), timeframe="1h", allow_gaps=True)


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    workspace = Workspace(lake=tmp_path / "lake", runs=tmp_path / "runs")
    Lake(workspace.lake).write_bars(random_bars(24 * 60))
    return workspace


def swept(folder: Path, workspace: Workspace, *, failing: str = "6") -> CompletedSweep:
    loaded = from_file(folder, "Choosing", SOURCE.replace("FAILING", failing))
    space = space_of(loaded.kind, {}, {"kind": "sma,ema", "fast": "4:8:2"})
    return complete_sweep(loaded, space, REQUEST, BacktestSettings(), workspace, workers=1)


def test_the_table_has_every_set_and_says_why_one_failed(
    tmp_path: Path, workspace: Workspace
) -> None:
    done = swept(tmp_path, workspace)
    table = pl.read_parquet(done.table)

    assert table.select("kind", "fast").rows() == [
        (kind, fast) for kind in ("sma", "ema") for fast in (4, 6, 8)
    ]
    failed = table.filter(pl.col("failure").is_not_null())
    assert failed["fast"].to_list() == [6, 6]
    assert all("ValueError: this window is not liked" in text for text in failed["failure"])
    assert failed["sharpe"].is_nan().all()
    assert table.filter(pl.col("failure").is_null())["sharpe"].is_not_nan().all()


def test_failed_sets_count_among_the_trials_and_in_the_judgement(
    tmp_path: Path, workspace: Workspace
) -> None:
    done = swept(tmp_path, workspace)

    assert done.judged.trials.n_trials == 6
    assert done.chosen.judged.trials.n_trials == 6
    known = TrialLedger(workspace.trials).comparable("Choosing", ("OKX:BTC/USDT", "1h"), 0, 2**60)
    assert sorted(one.parameters["fast"] for one in known if one.returns is None) == [6, 6]


def test_a_set_that_failed_has_no_rank_among_those_that_ran(
    tmp_path: Path, workspace: Workspace
) -> None:
    done = swept(tmp_path, workspace)
    ran = done.result.succeeded
    alone = probability_of_overfitting(done.result.returns[ran])

    assert ran.sum() == 4
    assert done.judged.cscv is not None
    assert done.judged.cscv.logits.tolist() == alone.logits.tolist()


def test_the_report_places_texts_by_their_order_and_names_failures(
    tmp_path: Path, workspace: Workspace
) -> None:
    done = swept(tmp_path, workspace)
    data = sweep_report(done)

    assert data.parameters["kind"].tolist() == [0.0, 0.0, 0.0, 1.0, 1.0, 1.0]
    assert data.parameters["fast"].tolist() == [4.0, 6.0, 8.0] * 2
    assert set(data.failures) == {1, 4}
    assert data.chosen == done.result.best
    assert done.report.read_bytes().startswith(b"<!doctype html>")


def test_what_a_sweep_was_is_kept_beside_it_and_is_the_same_again(
    tmp_path: Path, workspace: Workspace
) -> None:
    first = swept(tmp_path, workspace)
    kept = (first.folder / "sweep.json").read_bytes()
    second = swept(tmp_path, workspace)

    assert (second.folder / "sweep.json").read_bytes() == kept
    said = json.loads(kept)
    assert (said["strategy"], said["sets"]) == ("Choosing", 6)
    assert said["chosen"] == first.chosen.record.run
    assert said["data"]["symbols"] == ["OKX:BTC/USDT"]
    assert second.judged.deflated_sharpe == first.judged.deflated_sharpe
    assert second.judged.trials.n_trials == 6


def test_if_all_fail_the_first_reason_is_said_and_all_are_counted(
    tmp_path: Path, workspace: Workspace
) -> None:
    with pytest.raises(RunError, match=r"none of 6 sets has a Sharpe ratio; .* is not liked"):
        swept(tmp_path, workspace, failing="self.fast")

    known = TrialLedger(workspace.trials).comparable("Choosing", ("OKX:BTC/USDT", "1h"), 0, 2**60)
    assert [one.returns for one in known] == [None] * 6
    assert not list(workspace.sweeps.rglob("*.html"))


def test_a_sweep_of_a_few_days_has_no_figure_of_a_year(
    tmp_path: Path, workspace: Workspace
) -> None:
    done = swept(tmp_path, workspace)  # 60 days

    assert np.isnan(done.result.metrics["annual_return"]).all()
    assert np.isnan(done.result.metrics["calmar"]).all()
    assert "annual_return" not in sweep_report(done).metrics
    page = (done.chosen.folder / "report.html").read_text()
    assert "below 90 days no annual return" in page
    assert '<dd class=sub><span lang="en">too short for a year\'s figure</span>' in page


LONG_IN_THE_MIDDLE = '''
import numpy as np

from algotrader import Strategy, param
from algotrader.features import sma


class Choosing(Strategy):
    """The longest warm-up is of neither end of its choices, and of one pair of values alone."""

    kind: str = param("a", choices=("a", "long", "b"))
    fast: int = param(4, low=2, high=12, step=2)

    def features(self, bars):
        window = {"a": 20, "long": 300, "b": 20}[self.kind] + 40 * (self.fast == 6)
        return {"slow": sma(bars.close, window), "fast": sma(bars.close, self.fast)}

    def targets(self, bars, f):
        flat = self.kind != "long" or self.fast != PICKED
        return np.where(flat, 0.0, np.where(f["fast"] > f["slow"], 1.0, 0.0))
'''


@pytest.mark.parametrize("picked", [4, 6])
def test_the_best_set_may_be_the_one_of_the_longest_warm_up(
    tmp_path: Path, workspace: Workspace, picked: int
) -> None:
    source = LONG_IN_THE_MIDDLE.replace("PICKED", str(picked))
    loaded = from_file(tmp_path, "Choosing", source)
    space = space_of(loaded.kind, {}, {"fast": "4:8:2"})
    done = complete_sweep(loaded, space, REQUEST, BacktestSettings(), workspace, workers=1)

    assert done.chosen.result.strategy.values == {"kind": "long", "fast": picked}
    assert done.result.plan.first == 299  # of the choice in the middle
    assert done.chosen.result.first == (299 if picked == 4 else 339)
    final = done.result.results[done.result.best or 0].final_equity
    assert done.chosen.result.curve.equity[-1] == final


def test_luck_is_measured_by_what_the_sets_make_now(tmp_path: Path, workspace: Workspace) -> None:
    """A first search that could not trade has left trials without variance, which luck is made of."""
    fresh = Workspace(lake=workspace.lake, runs=tmp_path / "fresh")
    loaded = from_file(tmp_path, "Choosing", SOURCE.replace("FAILING", "99"))
    space = space_of(loaded.kind, {}, {"kind": "sma,ema", "fast": "4:8:2"})
    idle = BacktestSettings(lot=1e9)
    with pytest.raises(RunError, match="never traded"):
        complete_sweep(loaded, space, REQUEST, idle, workspace, workers=1)

    after, alone = (
        complete_sweep(loaded, space, REQUEST, BacktestSettings(), where, workers=1).judged
        for where in (workspace, fresh)
    )
    assert alone.luck_sharpe
    assert after.luck_sharpe == alone.luck_sharpe
    assert after.deflated_sharpe == alone.deflated_sharpe
