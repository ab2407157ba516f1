"""The trial ledger (R31): what counts as a trial, what does not, and a ledger that is damaged."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import pytest
from tests.builders.markets import random_bars
from tests.builders.research import a_market, a_plan, from_file

from algotrader.backtest.complete import complete_run
from algotrader.backtest.complete_sweep import count_trials
from algotrader.backtest.judgement import judge_run, statistics_of
from algotrader.backtest.loading import DataRequest
from algotrader.backtest.run import run_backtest
from algotrader.backtest.settings import BacktestSettings
from algotrader.backtest.sweep import run_sweep
from algotrader.backtest.trials import SCHEMA_VERSION, Trial, TrialLedger
from algotrader.backtest.workspace import Workspace
from algotrader.core.errors import RunError, StrategyRaisedError, VersionError

ONE = Trial(
    family="Trend",
    source_hash="abc",
    parameters={"fast": 5, "slow": 20},
    instruments=("OKX:BTC/USDT", "1h"),
    start_ms=1_000,
    end_ms=2_000,
    sharpe=0.1,
    days=np.array([0, 1, 2]),
    returns=np.array([0.01, -0.02, 0.03]),
)


def known(ledger: TrialLedger, one: Trial = ONE) -> int:
    return len(ledger.comparable(one.family, one.instruments, one.start_ms, one.end_ms))


def test_a_trial_comes_back_as_it_was_written(tmp_path: Path) -> None:
    ledger = TrialLedger(tmp_path / "deep" / "trials.sqlite")
    assert known(ledger) == 0
    ledger.record([ONE])

    (back,) = ledger.comparable("Trend", ONE.instruments, 0, 5_000)
    assert back.returns is not None
    assert back.days is not None
    assert ONE.returns is not None
    assert back.returns.tobytes() == ONE.returns.tobytes()
    assert back.days.tolist() == [0, 1, 2]
    assert replace(back, returns=None, days=None) == replace(ONE, returns=None, days=None)


@pytest.mark.parametrize(
    ("changes", "count"),
    [
        ({}, 1),  # the same again
        ({"sharpe": 9.0}, 1),  # what came out does not make it another
        ({"parameters": {"slow": 20, "fast": 5}}, 1),  # nor does their order
        ({"parameters": {"fast": 6, "slow": 20}}, 2),
        ({"source_hash": "def"}, 2),
        ({"end_ms": 3_000}, 1),  # overlapping time of the same set
        ({"start_ms": 1_999, "end_ms": 9_000}, 1),
        ({"start_ms": 2_000, "end_ms": 3_000}, 1),  # other time: not comparable with the first
        ({"instruments": ("OKX:ETH/USDT", "1h")}, 1),
        ({"instruments": ("OKX:BTC/USDT", "OKX:ETH/USDT", "1h")}, 1),
        ({"instruments": ("OKX:BTC/USDT", "4h")}, 2),  # another look at the same prices
        ({"instruments": ("OKX:BTC/USDT", "1w")}, 1),  # a return a week, none a day
        ({"family": "Other"}, 1),
        ({"parameters": {"fast": 6}, "sharpe": None, "returns": None, "days": None}, 2),  # failed
    ],
)
def test_which_evaluations_are_trials(
    tmp_path: Path, changes: dict[str, object], count: int
) -> None:
    ledger = TrialLedger(tmp_path / "trials.sqlite")
    ledger.record([ONE])
    ledger.record([replace(ONE, **changes)])  # type: ignore[arg-type]

    assert known(ledger) == count


def test_a_longer_evaluation_that_never_traded_hides_no_other(tmp_path: Path) -> None:
    ledger = TrialLedger(tmp_path / "trials.sqlite")
    ledger.record([replace(ONE, start_ms=0, sharpe=None), ONE])

    (found,) = ledger.comparable("Trend", ONE.instruments, 0, 9_000)
    assert found.sharpe == ONE.sharpe


def test_of_overlapping_evaluations_of_a_set_the_longest_counts(tmp_path: Path) -> None:
    ledger = TrialLedger(tmp_path / "trials.sqlite")
    ledger.record([replace(ONE, end_ms=4_000, sharpe=0.4), ONE, replace(ONE, start_ms=1_500)])

    (found,) = ledger.comparable("Trend", ONE.instruments, 0, 9_000)
    assert found.sharpe == 0.4


def test_failed_trials_count_and_trials_may_cover_other_days() -> None:
    failed = replace(ONE, parameters={"fast": 1}, sharpe=None, returns=None, days=None)
    later = replace(ONE, parameters={"fast": 2}, days=np.array([5, 6, 7]))

    assert statistics_of([ONE, failed, later]).n_trials == 3
    assert statistics_of([failed]).n_trials == 1


def test_the_same_run_twice_is_one_trial_and_another_set_is_two(tmp_path: Path) -> None:
    market = a_market(random_bars(600))
    loaded = from_file(tmp_path)
    ledger = TrialLedger(tmp_path / "trials.sqlite")

    def judged(**parameters: int) -> int:
        result = run_backtest(loaded.kind(**parameters), market, BacktestSettings())
        return judge_run(loaded, result, ledger).trials.n_trials

    assert judged(fast=4) == 1
    assert judged(fast=4) == 1
    assert judged(fast=6) == 2
    assert judged(fast=4) == 2


def test_a_run_that_never_trades_is_a_trial(tmp_path: Path) -> None:
    market = a_market(random_bars(600))
    quiet = from_file(tmp_path, source=QUIET)
    workspace = Workspace(lake=tmp_path / "lake", runs=tmp_path / "runs")
    done = complete_run(
        quiet, quiet.kind(), DataRequest(), BacktestSettings(), workspace, market=market
    )

    assert done.judged.trials.n_trials == 1
    assert np.isnan(done.judged.trials.sharpes).all()


QUIET = """
import numpy as np
from algotrader import Strategy

class Cross(Strategy):
    def targets(self, bars, f):
        return np.zeros(len(bars))
"""


RAISING = """
from algotrader import Strategy, param

class Cross(Strategy):
    limit: int = param(50, low=1, high=1000, step=1)

    def on_bar(self, ctx):
        if ctx.index >= self.limit:
            raise LookupError("no more")
        ctx.target(float(ctx.index % 9 < 4))
"""


def test_a_run_whose_strategy_raises_is_a_failed_trial(tmp_path: Path) -> None:
    market = a_market(random_bars(600))
    raising = from_file(tmp_path, source=RAISING)
    workspace = Workspace(lake=tmp_path / "lake", runs=tmp_path / "runs")
    for _ in range(2):
        with pytest.raises(StrategyRaisedError, match="raised LookupError: no more"):
            complete_run(
                raising, raising.kind(), DataRequest(), BacktestSettings(), workspace, market=market
            )

    symbols = ("OKX:BTC/USDT", "1h")
    (counted,) = TrialLedger(workspace.trials).comparable("Cross", symbols, 0, 2**60)
    assert counted.returns is None
    assert counted.sharpe is None
    assert [path.name for path in workspace.runs.iterdir()] == ["trials.sqlite"]


def test_failed_sets_of_a_sweep_are_trials_without_returns(tmp_path: Path) -> None:
    market = a_market(random_bars(600))
    raising = from_file(tmp_path, source=RAISING)
    workspace = Workspace(lake=tmp_path / "lake", runs=tmp_path / "runs")
    plan = a_plan(raising, market, limit="500:700:100")
    result = run_sweep(plan, market, workspace.sweeps / plan.sweep)
    assert result.succeeded.tolist() == [False, True, True]

    count_trials(raising, result, workspace)

    known = TrialLedger(workspace.trials).comparable("Cross", ("OKX:BTC/USDT", "1h"), 0, 2**60)
    assert {one.parameters["limit"]: one.returns is None for one in known} == {
        500: True, 600: False, 700: False,
    }  # fmt: skip


def test_a_ledger_of_schema_1_is_brought_up_to_date_and_keeps_its_counts(tmp_path: Path) -> None:
    path = tmp_path / "trials.sqlite"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(
            "CREATE TABLE trials (family TEXT NOT NULL, source_hash TEXT NOT NULL, parameters TEXT"
            " NOT NULL, instruments TEXT NOT NULL, start_ms INTEGER NOT NULL, end_ms INTEGER NOT"
            " NULL, sharpe REAL, returns BLOB, PRIMARY KEY (family, source_hash, parameters,"
            " instruments, start_ms, end_ms)) STRICT, WITHOUT ROWID"
        )
        connection.execute(
            "INSERT INTO trials VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            ("Trend", "abc", '{"fast":1}', '["OKX:BTC/USDT","1h"]', 1_000, 2_000, 0.1, b"\0" * 8),
        )
        connection.execute("PRAGMA user_version = 1")

    ledger = TrialLedger(path)
    ledger.record([ONE])

    old, new = sorted(
        ledger.comparable("Trend", ONE.instruments, 0, 5_000), key=lambda one: one.days is not None
    )
    assert (old.sharpe, old.days, old.returns) == (0.1, None, None)
    assert new.returns is not None
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (SCHEMA_VERSION,)


def test_a_newer_ledger_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "trials.sqlite"
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 99")
    connection.close()

    with pytest.raises(VersionError, match="written by a newer version"):
        TrialLedger(path).record([ONE])


def test_a_damaged_ledger_is_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "trials.sqlite"
    path.write_bytes(b"this is no database at all, and long enough to be looked at" * 20)
    with pytest.raises(RunError, match=r"the trial ledger .* cannot be used"):
        TrialLedger(path).record([ONE])

    with pytest.raises(RunError, match="cannot be used"):
        TrialLedger(path / "below" / "trials.sqlite").record([ONE])


def test_a_ledger_knows_since_when_it_counts(tmp_path: Path) -> None:
    ledger = TrialLedger(tmp_path / "trials.sqlite")
    assert ledger.since() is None

    ledger.record([ONE])
    since = ledger.since()
    assert since is not None
    assert date.fromisoformat(since) <= datetime.now(UTC).date()
    with closing(sqlite3.connect(tmp_path / "trials.sqlite")) as connection:
        connection.execute("UPDATE begun SET day = '2026-01-02'")
        connection.commit()
    ledger.record([replace(ONE, family="Another")])
    assert ledger.since() == "2026-01-02"  # later trials do not move it


def test_a_ledger_from_before_the_day_was_noted_names_none(tmp_path: Path) -> None:
    ledger = TrialLedger(tmp_path / "trials.sqlite")
    ledger.record([ONE])
    with closing(sqlite3.connect(tmp_path / "trials.sqlite")) as connection:
        connection.execute("DROP TABLE begun")
        connection.commit()

    ledger.record([ONE])
    assert ledger.since() is None
