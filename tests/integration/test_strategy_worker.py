"""Strategies in a process of their own: what it may do, and what becomes of one that misbehaves."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

import pytest
from tests.builders.markets import random_bars

from algotrader.core.errors import StrategyError
from algotrader.core.events import DecisionOutcome, StrategyAnswered
from algotrader.core.ids import AccountId, StrategyId
from algotrader.core.ports import ManualClock
from algotrader.engine.commands import AskStrategy
from algotrader.live.workers import LiveStrategy, WorkerDecider
from algotrader.simulator.okx.listings import usual_instrument
from algotrader.strategy.decide import all_targets, prepare_all
from algotrader.strategy.history import BarHistory
from algotrader.strategy.library.trend import TrendFollow

T = TypeVar("T")
MAIN = AccountId("main")
BARS = random_bars(300, seed=5)


def live(name: str, use: str, rows: int = 200) -> LiveStrategy:
    return LiveStrategy(
        strategy=StrategyId(name), account=MAIN, use=use, parameters={},
        instruments=(usual_instrument(BARS.symbol),),
        history=BarHistory(BARS.rows(0, rows)),
    )  # fmt: skip


def written(folder: Path, name: str, decide: str, more: str = "") -> str:
    path = folder / f"{name}.py"
    path.write_text(
        f"import numpy as np\nfrom algotrader import Strategy\n{more}\n"
        f"class {name.title()}(Strategy):\n    def targets(self, bars, f):\n{decide}"
    )
    return str(path)


def asked(name: str) -> AskStrategy:
    return AskStrategy(account=MAIN, strategy=StrategyId(name), decision_ts=1)


def with_worker(
    strategies: list[LiveStrategy],
    work: Callable[[WorkerDecider], Awaitable[T]],
    budget_s: float = 20.0,
) -> T:
    async def run() -> T:
        clock = ManualClock(datetime(2024, 1, 1, tzinfo=UTC))
        decider = WorkerDecider(strategies, clock, budget_s=budget_s)
        try:
            await decider.load()
            return await work(decider)
        finally:
            await decider.close()

    return asyncio.run(run())


def grown(one: LiveStrategy, row: int) -> None:
    panel = BARS.as_panel()
    one.history.append(
        int(panel.ts[row]), int(panel.known_at[row]),
        None if panel.session is None else int(panel.session[row]),
        {name: getattr(panel, name)[row] for name in ("open", "high", "low", "close", "volume")},
    )  # fmt: skip


def test_a_worker_wants_bar_by_bar_what_a_backtest_wants_at_once() -> None:
    one = live("trend", "TrendFollow")
    strategy = TrendFollow()
    wanted = all_targets(strategy, BARS, prepare_all(strategy, BARS))[:, 0]

    async def work(decider: WorkerDecider) -> list[float | None]:
        told = []
        for row in range(200, 260):
            grown(one, row)
            told.append((await decider.decide(asked("trend"))).wanted[0].target)
        return told

    assert with_worker([one], work) == wanted[200:260].tolist()


def test_f58_one_that_overruns_is_stopped_alone(tmp_path: Path) -> None:
    slow = written(tmp_path, "slow", "        time.sleep(60)\n", "import time")
    strategies = [live("slow", slow), live("trend", "TrendFollow")]

    async def work(decider: WorkerDecider) -> list[StrategyAnswered]:
        names = ["trend", "slow", "trend", "slow"]
        return [await decider.decide(asked(name)) for name in names]

    answers = with_worker(strategies, work, budget_s=3.0)
    assert [one.outcome for one in answers] == [
        DecisionOutcome.DECIDED, DecisionOutcome.TIMED_OUT, DecisionOutcome.DECIDED,
        DecisionOutcome.RAISED,
    ]  # fmt: skip
    assert answers[1].error == answers[3].error == "no answer within 3 s"


def test_f58_of_those_asked_together_only_the_one_that_overruns_is_stopped(tmp_path: Path) -> None:
    slow = written(tmp_path, "slow", "        time.sleep(60)\n", "import time")
    dying = written(tmp_path, "dying", "        os._exit(1)\n", "import os")
    names = ["first", "slow", "second", "dying", "third"]
    uses = {"slow": slow, "dying": dying}
    strategies = [live(name, uses.get(name, "TrendFollow")) for name in names]

    async def work(decider: WorkerDecider) -> list[list[StrategyAnswered]]:
        twice = []
        for _ in range(2):
            questions = [decider.decide(asked(name)) for name in names]
            twice.append(await asyncio.gather(*questions))
        return twice

    first, again = with_worker(strategies, work, budget_s=3.0)
    fine = DecisionOutcome.DECIDED
    assert [one.strategy for one in first] == names
    assert [one.outcome for one in first] == [
        fine, DecisionOutcome.TIMED_OUT, fine, DecisionOutcome.RAISED, fine
    ]  # fmt: skip
    assert [one.outcome for one in again] == [
        fine, DecisionOutcome.RAISED, fine, DecisionOutcome.RAISED, fine
    ]  # fmt: skip
    wanted = [one.wanted for one in (*first, *again) if one.outcome is fine]
    assert all(one == wanted[0] for one in wanted)


def test_one_that_ends_the_process_is_stopped_alone(tmp_path: Path) -> None:
    dying = written(tmp_path, "dying", "        os._exit(1)\n", "import os")
    strategies = [live("dying", dying), live("trend", "TrendFollow")]

    async def work(decider: WorkerDecider) -> list[DecisionOutcome]:
        return [(await decider.decide(asked(name))).outcome for name in ("dying", "trend")]

    assert with_worker(strategies, work) == [DecisionOutcome.RAISED, DecisionOutcome.DECIDED]


@pytest.mark.parametrize(
    ("decide", "more", "words"),
    [
        ("        raise ValueError('seven')\n", "", "ValueError: seven"),
        ("        return np.zeros(3)\n", "", "shape (3,)"),
        ("        raise SystemExit(4)\n", "", "SystemExit"),
        ("        socket.create_connection(('127.0.0.1', 9))\n", "import socket",
         "a strategy may not do this: socket.connect"),
        ("        subprocess.run(['true'])\n", "import subprocess",
         "a strategy may not do this: subprocess.Popen"),
        ("        np.ones(1 << 40)\n", "", "MemoryError"),
    ],
)  # fmt: skip
def test_what_a_strategy_may_not_do_is_what_it_raised(
    tmp_path: Path, decide: str, more: str, words: str
) -> None:
    one = live("bad", written(tmp_path, "bad", decide, more))
    answer = with_worker([one], lambda decider: decider.decide(asked("bad")))

    assert answer.outcome is DecisionOutcome.RAISED
    assert words in (answer.error or "")


def test_keys_of_the_environment_do_not_reach_a_strategy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OKX_SECRET", "hidden")
    text = "        raise ValueError(f'{sorted(os.environ)} {os.environ.get(\"OKX_SECRET\")}')\n"
    one = live("peek", written(tmp_path, "peek", text, "import os"))
    answer = with_worker([one], lambda decider: decider.decide(asked("peek")))

    assert "OKX_SECRET" not in (answer.error or "")
    assert "None" in (answer.error or "")


def test_what_a_strategy_prints_is_no_answer(tmp_path: Path) -> None:
    loud = written(
        tmp_path, "loud", "        print('0' * 100_000)\n        return np.zeros(len(bars))\n"
    )
    answer = with_worker([live("loud", loud)], lambda decider: decider.decide(asked("loud")))

    assert answer.outcome is DecisionOutcome.DECIDED


def test_one_that_cannot_be_loaded_stops_the_start(tmp_path: Path) -> None:
    broken = tmp_path / "broken.py"
    broken.write_text("class Broken(:\n")
    with pytest.raises(StrategyError, match=r"strategy broken: .*broken\.py:1"):
        with_worker([live("broken", str(broken))], lambda decider: decider.decide(asked("broken")))
