"""Strategies in a process of their own: what it may do, and what becomes of one that misbehaves."""

from __future__ import annotations

import asyncio
import os
import select
import signal
import subprocess
import sys
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
from algotrader.live import workers
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


HALF = "        return np.full(len(bars), 0.5)\n"
WHOLE = "        return np.ones(len(bars))\n"
IMPORTS = "import sys\nsys.path.insert(0, {folder!r})\nimport own_sizes_{name}"


async def target_of(decider: WorkerDecider, name: str) -> float | None:
    return (await decider.decide(asked(name))).wanted[0].target


def test_f63_a_new_worker_decides_with_the_code_that_was_accepted(tmp_path: Path) -> None:
    use = written(tmp_path, "mine", HALF)

    async def work(decider: WorkerDecider) -> list[float | None]:
        written(tmp_path, "mine", WHOLE)  # edited, and not loaded
        await decider.renew()
        told = [await target_of(decider, "mine")]
        await decider.replace(StrategyId("mine"), {}, Path(use).read_text())
        told.append(await target_of(decider, "mine"))
        written(tmp_path, "mine", HALF)
        await decider.renew()
        await decider.replace(StrategyId("mine"), {})  # other parameters, the same code
        told.append(await target_of(decider, "mine"))
        return told

    assert with_worker([live("mine", use)], work) == [0.5, 1.0, 1.0]


def test_f63_a_worker_runs_the_text_that_the_trader_read(tmp_path: Path) -> None:
    use = written(tmp_path, "mine", HALF)
    one = live("mine", use)
    one.source = Path(use).read_text()
    written(tmp_path, "mine", WHOLE)  # between the reading and the first worker

    assert with_worker([one], lambda decider: target_of(decider, "mine")) == 0.5


@pytest.mark.parametrize("is_lazy", [False, True])
def test_f63_modules_that_a_strategy_imports_stay_what_they_were(
    tmp_path: Path, *, is_lazy: bool
) -> None:
    sizes = tmp_path / f"own_sizes_{is_lazy}.py"
    sizes.write_text("SIZE = 0.5\n")
    more = IMPORTS.format(folder=str(tmp_path), name=is_lazy)
    first, _, last = more.rpartition("\n")
    decide = f"        return np.full(len(bars), own_sizes_{is_lazy}.SIZE)\n"
    if is_lazy:
        decide, more = f"        {last}\n{decide}", first
    use = written(tmp_path, "mine", decide, more)

    async def work(decider: WorkerDecider) -> list[float | None]:
        told = [await target_of(decider, "mine")]
        assert decider.changed_modules() == []
        sizes.write_text("SIZE = 1.0\n")
        assert decider.changed_modules() == [str(sizes)]
        await decider.renew()
        return [*told, await target_of(decider, "mine")]

    assert with_worker([live("mine", use)], work) == [0.5, 0.5]
    assert not (tmp_path / "__pycache__").exists()


def test_f63_a_file_that_is_being_edited_stops_no_strategy(tmp_path: Path) -> None:
    slow = written(tmp_path, "slow", "        time.sleep(60)\n", "import time")
    mine = written(tmp_path, "mine", HALF)

    async def work(decider: WorkerDecider) -> list[DecisionOutcome]:
        Path(mine).write_text("class Mine(  # half written\n")
        return [(await decider.decide(asked(name))).outcome for name in ("slow", "mine", "trend")]

    strategies = [live("slow", slow), live("mine", mine), live("trend", "TrendFollow")]
    assert with_worker(strategies, work, budget_s=2.0) == [
        DecisionOutcome.TIMED_OUT, DecisionOutcome.DECIDED, DecisionOutcome.DECIDED,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ("open({path!r}).close()", "FileNotFoundError"),
        ("import os\nif not os.path.exists({path!r}): os._exit(1)", "the worker is gone"),
        (
            "import os, time\nif not os.path.exists({path!r}): time.sleep(60)",
            "mine was not loaded in 4 s",
        ),
    ],
)
def test_one_that_a_new_worker_cannot_load_is_stopped_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, more: str, words: str
) -> None:
    monkeypatch.setattr(workers, "LOAD_S", 4.0)
    needed = tmp_path / "needed"
    needed.touch()
    mine = written(tmp_path, "mine", HALF, more.format(path=str(needed)))
    strategies = [live("first", "TrendFollow"), live("mine", mine), live("last", "TrendFollow")]

    async def work(decider: WorkerDecider) -> list[StrategyAnswered]:
        needed.unlink()
        await decider.renew()
        return [await decider.decide(asked(name)) for name in ("first", "mine", "last", "mine")]

    answers = with_worker(strategies, work)
    fine, raised = DecisionOutcome.DECIDED, DecisionOutcome.RAISED
    assert [one.outcome for one in answers] == [fine, raised, fine, raised]
    assert words in (answers[1].error or "")
    assert answers[3].error == answers[1].error


def test_a_load_that_fails_leaves_the_one_that_runs(tmp_path: Path) -> None:
    use = written(tmp_path, "mine", HALF)
    dies = "import os\nos._exit(1)\n"

    async def work(decider: WorkerDecider) -> list[float | None]:
        told = []
        for text in ("class Mine(  # half written\n", dies):
            with pytest.raises(StrategyError):
                await decider.replace(StrategyId("mine"), {}, text)
            told.append(await target_of(decider, "mine"))
            assert (await decider.decide(asked("trend"))).outcome is DecisionOutcome.DECIDED
        return told

    strategies = [live("mine", use), live("trend", "TrendFollow")]
    assert with_worker(strategies, work) == [0.5, 0.5]


def test_a_load_finds_a_new_worker_where_the_old_one_was_killed(tmp_path: Path) -> None:
    use = written(tmp_path, "mine", HALF)

    async def work(decider: WorkerDecider) -> float | None:
        await killed(decider)
        await decider.replace(
            StrategyId("mine"), {}, Path(written(tmp_path, "mine", WHOLE)).read_text()
        )
        return await target_of(decider, "mine")

    assert with_worker([live("mine", use)], work) == 1.0


async def killed(decider: WorkerDecider) -> None:
    """As the system does that has no memory left, and the trader has noticed."""
    assert decider.worker_pid is not None
    os.kill(decider.worker_pid, signal.SIGKILL)
    await asyncio.sleep(0.3)


def test_a_worker_that_was_killed_between_decisions_stops_nobody() -> None:
    async def work(decider: WorkerDecider) -> list[DecisionOutcome]:
        outcomes = [(await decider.decide(asked("trend"))).outcome]
        await killed(decider)
        questions = [decider.decide(asked(name)) for name in ("trend", "other")]
        outcomes += [one.outcome for one in await asyncio.gather(*questions)]
        return outcomes

    strategies = [live("trend", "TrendFollow"), live("other", "TrendFollow")]
    assert with_worker(strategies, work) == [DecisionOutcome.DECIDED] * 3


def test_a_worker_that_was_killed_has_the_bars_of_between() -> None:
    one = live("trend", "TrendFollow")
    strategy = TrendFollow()
    wanted = all_targets(strategy, BARS, prepare_all(strategy, BARS))[:, 0]

    async def work(decider: WorkerDecider) -> list[float | None]:
        told = []
        for row in range(200, 204):
            grown(one, row)
            told.append(await target_of(decider, "trend"))
            await killed(decider)
        return told

    assert with_worker([one], work) == wanted[200:204].tolist()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_to_the_whole_group_leaves_the_worker_alone(number: signal.Signals) -> None:
    """Ctrl-C in a terminal, or the stop of a service, reaches the worker too."""

    async def work(decider: WorkerDecider) -> tuple[DecisionOutcome, bool]:
        pid = decider.worker_pid
        assert pid is not None
        os.kill(pid, number)
        await asyncio.sleep(0.3)
        outcome = (await decider.decide(asked("trend"))).outcome
        return outcome, decider.worker_pid == pid

    assert with_worker([live("trend", "TrendFollow")], work) == (DecisionOutcome.DECIDED, True)


def test_a_worker_does_not_outlive_a_trader_that_was_killed() -> None:
    """Its questions never end here, as for a strategy in a loop, which does not look at them."""
    questions, trader_has = os.pipe()
    command = f"{sys.executable} -m algotrader.live.worker {2**31} $$ <&0 & echo started; wait"
    try:
        with subprocess.Popen(
            ["bash", "-c", command], stdin=questions, stdout=subprocess.PIPE
        ) as trader:
            assert trader.stdout is not None
            assert trader.stdout.readline() == b"started\n"
            lives, _, _ = select.select([trader.stdout], [], [], 3)
            trader.kill()
            ended, _, _ = select.select([trader.stdout], [], [], 30)  # nobody can write any more
            assert not lives
            assert ended
            assert trader.stdout.read() == b""
    finally:
        os.close(questions)
        os.close(trader_has)
