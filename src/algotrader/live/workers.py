"""Strategies in a process apart from the trader: asked, waited for, ended when they overrun.

One worker holds all strategies. One that overruns its budget ends the worker, is stopped alone,
and the others go on in a new one with the same history and the same code: the texts that were
accepted at the start or at a load, whatever the files say by then (F63). Whatever happens there is an
answer.
"""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from collections import Counter, deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import msgspec

from algotrader.core.bars import Bars
from algotrader.core.errors import StrategyError
from algotrader.core.events import CaughtUp, DecisionOutcome, Event, StrategyAnswered
from algotrader.core.ids import AccountId, StrategyId
from algotrader.core.instants import utc_ms
from algotrader.core.instruments import Instrument
from algotrader.core.ports import Clock
from algotrader.engine.commands import AskStrategy
from algotrader.live.worker_messages import (
    LENGTH_BYTES,
    LONGEST,
    Answer,
    Ask,
    FromWorker,
    Load,
    Loaded,
    ToWorker,
    framed,
    from_worker,
    sent,
)
from algotrader.strategy.history import BarHistory

log = logging.getLogger(__name__)

BUDGET_S: Final = 2.0
UNLOADED: Final = "it was unloaded"
MEMORY_BYTES: Final = 2 << 30
"""Of address space, which numerical libraries reserve far more of than they use."""
LOAD_S: Final = 60.0
"""What takes longer to be loaded hangs."""
_LOADS: Final = 2  # tries, where the worker dies of it or of something else
_KEPT_ENVIRONMENT: Final = ("PATH", "LANG", "LC_ALL", "TZ", "HOME", "PYTHONPATH", "VIRTUAL_ENV")


_Waiting = tuple[AskStrategy, asyncio.Future[StrategyAnswered]]


class WorkerGoneError(Exception):
    """The worker ended or speaks nonsense; start a new one."""


@dataclass(slots=True, kw_only=True)
class LiveStrategy:
    """One configured strategy and the bars it has seen. `history` grows with the feed."""

    strategy: StrategyId
    account: AccountId
    use: str
    parameters: Mapping[str, Any]
    instruments: tuple[Instrument, ...]  # of the history's columns
    history: BarHistory
    has_decided: bool = False
    told_rows: int = field(default=0, init=False)  # rows that the worker has
    stopped: str | None = None  # why it is asked no more
    source: str | None = None  # the text that was accepted; None: what the first worker finds


class WorkerProcess:
    """The child and its two pipes. It answers in the order in which it was asked."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    @classmethod
    async def start(cls, memory_bytes: int = MEMORY_BYTES) -> WorkerProcess:
        environment = {name: os.environ[name] for name in _KEPT_ENVIRONMENT if name in os.environ}
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "algotrader.live.worker", str(memory_bytes), str(os.getpid()),
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, env=environment,
        )  # fmt: skip
        return cls(process)

    def send(self, messages: Iterable[ToWorker]) -> None:
        """Each is answered in its turn: `receive` as often. Waits for nobody."""
        if self._process.stdin is None:
            raise WorkerGoneError("the worker has no pipes")
        # Not drained: a worker that waits for us to read would never read on itself.
        self._process.stdin.write(b"".join(framed(message) for message in messages))

    async def receive(self) -> FromWorker:
        """The next answer. WorkerGoneError if there will be none."""
        if (stdout := self._process.stdout) is None:
            raise WorkerGoneError("the worker has no pipes")
        try:
            length = int.from_bytes(await stdout.readexactly(LENGTH_BYTES), "big")
            if length > LONGEST:
                raise WorkerGoneError(f"an answer of {length} bytes is none")
            return from_worker(await stdout.readexactly(length))
        except (OSError, asyncio.IncompleteReadError, msgspec.DecodeError) as error:
            raise WorkerGoneError(f"the worker is gone: {error}") from error

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def is_gone(self) -> bool:
        """Whether it has ended: by nobody's question, if none was sent since."""
        stdout = self._process.stdout
        return self._process.returncode is not None or stdout is None or stdout.at_eof()

    async def end(self) -> None:
        if self._process.returncode is None:
            self._process.kill()
        await self._process.wait()


class WorkerDecider:
    """The Decider port over a worker. `grow` and `load` first, then `decide` for each question."""

    def __init__(
        self, strategies: Iterable[LiveStrategy], clock: Clock, *, budget_s: float = BUDGET_S
    ) -> None:
        self._strategies = {one.strategy: one for one in strategies}
        self._clock = clock
        self._budget_s = budget_s
        self._worker: WorkerProcess | None = None
        self._turn = asyncio.Lock()  # of those who change what the worker holds
        self._is_changing = False
        self._asked: deque[_Waiting] = deque()  # and not yet handed over
        self._sent: deque[_Waiting] = deque()  # in the order in which the worker answers
        self._serving: asyncio.Task[None] | None = None
        self._modules: dict[str, str] = {}  # texts of what strategies import, by path
        self.tell: Callable[[Event], None] = lambda _: None
        """Hears what is to be known beside the answers: `Trader.tell`."""

    async def load(self) -> None:
        """Start the worker and hand it every strategy. StrategyError if one cannot be loaded."""
        worker = await WorkerProcess.start()
        try:
            for one in self._strategies.values():
                if one.stopped is None:
                    await self._load(worker, one)
        except WorkerGoneError as error:
            await worker.end()
            raise _unloadable(error) from error
        except BaseException:
            await worker.end()
            raise
        self._worker = worker

    async def _load_again(self) -> None:
        """A new worker for those that decide. What cannot be loaded is stopped alone."""
        tries: Counter[StrategyId] = Counter()
        while self._worker is None:
            worker = await WorkerProcess.start()
            try:
                if await self._hand_all(worker, tries):
                    self._worker = worker
            finally:
                if self._worker is not worker:
                    await worker.end()

    async def _hand_all(self, worker: WorkerProcess, tries: Counter[StrategyId]) -> bool:
        """Whether the worker lived through it."""
        for one in self._strategies.values():
            if one.stopped is not None:
                continue
            try:
                await self._load(worker, one)
            except StrategyError as error:
                one.stopped = error.message
            except WorkerGoneError as error:
                tries[one.strategy] += 1
                if tries[one.strategy] == _LOADS:
                    one.stopped = str(error)
                return False
            finally:
                if one.stopped is not None:
                    log.error("strategy %s is stopped: %s", one.strategy, one.stopped)
        return True

    async def replace(
        self,
        strategy: StrategyId,
        parameters: Mapping[str, Any],
        source: str | None = None,
    ) -> None:
        """Let a strategy decide with these parameters; with `source` too, if it is given.

        StrategyError if it cannot be loaded: the one that runs goes on.
        """
        one = self._strategies[strategy]
        before = one.parameters, one.source
        async with self._alone():
            if self._worker is not None and self._worker.is_gone:
                await self._end_worker()
            if self._worker is None:
                await self._load_again()
            assert self._worker is not None
            one.parameters, one.source = parameters, source or one.source
            try:
                await self._load(self._worker, one)
            except (StrategyError, WorkerGoneError) as error:
                one.parameters, one.source = before
                if isinstance(error, StrategyError):
                    raise
                await self._end_worker()
                raise _unloadable(error) from error
            one.stopped = None

    def changed_modules(self) -> list[str]:
        """Files that strategies import and that are others by now: they decide with the old texts."""
        return [path for path, text in self._modules.items() if _text(path) != text]

    async def forget(self, strategy: StrategyId) -> None:
        """Let go of a strategy that is asked no more; the others go on in a new worker."""
        async with self._alone():
            self._strategies[strategy].stopped = UNLOADED
            await self._end_worker()

    def decide(self, question: AskStrategy) -> Awaitable[StrategyAnswered]:
        """Ask at once; there is an answer, whatever happens. The worker may have many to answer."""
        told = asyncio.get_running_loop().create_future()
        self._asked.append((question, told))
        self._hand_over()
        self._serve()
        return told

    def _hand_over(self) -> None:
        """Send what is asked, of each strategy once: what it is asked next depends on its answer."""
        if self._worker is None or self._is_changing or (self._worker.is_gone and not self._sent):
            return
        busy = {question.strategy for question, _ in self._sent}
        later: deque[_Waiting] = deque()
        for question, told in self._asked:
            if question.strategy in busy:
                later.append((question, told))
            elif not told.done():  # else nobody waits for it any more
                busy.add(question.strategy)
                if self._strategies[question.strategy].stopped is None:
                    self._worker.send((self._ask(question),))
                self._sent.append((question, told))
        self._asked = later

    def _serve(self) -> None:
        """Have somebody wait for the answers."""
        if self._serving is None or self._serving.done():
            self._serving = asyncio.ensure_future(self._answer())

    async def _answer(self) -> None:
        """Until nothing is asked. Each within its budget, counted from the answer before."""
        while (self._sent or self._asked) and not (self._is_changing and not self._sent):
            try:
                if self._worker is not None and self._worker.is_gone and not self._sent:
                    await self._end_worker()  # killed between two questions: nobody's fault
                if self._worker is None:
                    await self._load_again()
                self._hand_over()
                if self._sent:
                    await self._answer_next()
            except Exception as error:  # noqa: BLE001  it is those who asked that it concerns
                for _, told in (*self._sent, *self._asked):
                    if not told.done():
                        told.set_exception(error)
                self._sent.clear()
                self._asked.clear()

    async def _answer_next(self) -> None:
        worker = self._worker
        assert worker is not None
        question, told = self._sent[0]
        answer = await self._answered(worker, question)
        self._sent.popleft()
        if self._worker is not worker:  # a new one is asked what this one left
            self._asked.extendleft(reversed(self._sent))
            self._sent.clear()
        if not told.done():
            told.set_result(answer)

    @asynccontextmanager
    async def _alone(self) -> AsyncIterator[None]:
        """Between two answers, with nothing asked of the worker meanwhile."""
        async with self._turn:
            self._is_changing = True
            try:
                if self._serving is not None:
                    await asyncio.wait({self._serving})
                yield
            finally:
                self._is_changing = False
                if self._asked:
                    self._serve()

    async def _answered(self, worker: WorkerProcess, question: AskStrategy) -> StrategyAnswered:
        one = self._strategies[question.strategy]
        if one.stopped is not None:
            return self._told(question, DecisionOutcome.RAISED, one.stopped)
        try:
            async with asyncio.timeout(self._budget_s):
                answer = await worker.receive()
            return self._read(one, question, answer)
        except TimeoutError:
            why = f"no answer within {self._budget_s:g} s"
            return await self._stop(one, question, DecisionOutcome.TIMED_OUT, why)
        except WorkerGoneError as error:
            return await self._stop(one, question, DecisionOutcome.RAISED, str(error))

    @property
    def worker_pid(self) -> int | None:
        """Of the process, None while there is none."""
        return None if self._worker is None else self._worker.pid

    async def renew(self) -> None:
        """End the worker between two decisions; the next one finds a new one."""
        async with self._alone():
            await self._end_worker()

    async def close(self) -> None:
        """Nothing is answered any more."""
        if self._serving is not None:
            self._serving.cancel()
            await asyncio.gather(self._serving, return_exceptions=True)
        await self._end_worker()

    async def _end_worker(self) -> None:
        if self._worker is not None:
            await self._worker.end()
            self._worker = None

    def _ask(self, question: AskStrategy) -> Ask:
        """The question with the bars that the worker has not yet."""
        one = self._strategies[question.strategy]
        bars = one.history.bars
        rows = sent(bars.rows(one.told_rows, len(bars))) if one.told_rows < len(bars) else None
        one.told_rows = len(bars)
        return Ask(
            name=one.strategy, decision_ts=question.decision_ts, rows=rows,
            question=question.question,
        )  # fmt: skip

    def _read(
        self, one: LiveStrategy, question: AskStrategy, answer: FromWorker
    ) -> StrategyAnswered:
        """WorkerGoneError for what is no answer to the question."""
        if not isinstance(answer, Answer) or answer.name != one.strategy:
            raise WorkerGoneError("the worker answered something else")
        self._modules |= answer.modules
        if answer.caught_up:
            self.tell(self._caught_up(one, answer.caught_up))
        if answer.outcome is not DecisionOutcome.DECIDED:
            one.stopped = answer.error or "it raised"
        one.has_decided = True
        now_ms = utc_ms(self._clock.now())
        return StrategyAnswered(
            ts_event=now_ms,
            ts_known=now_ms,
            account=one.account,
            strategy=one.strategy,
            decision_ts=question.decision_ts,
            outcome=answer.outcome,
            wanted=answer.wanted,
            is_scheduled=answer.is_scheduled,
            state=answer.state,
            error=answer.error,
            asked=answer.asked,
            lines=answer.lines,
        )

    def _caught_up(self, one: LiveStrategy, opens: tuple[int, ...]) -> CaughtUp:
        now_ms = utc_ms(self._clock.now())
        return CaughtUp(
            ts_event=now_ms, ts_known=now_ms, account=one.account, strategy=one.strategy,
            first_ts=opens[0], last_ts=opens[-1], bars=len(opens),
        )  # fmt: skip

    async def _stop(
        self, one: LiveStrategy, question: AskStrategy, outcome: DecisionOutcome, why: str
    ) -> StrategyAnswered:
        """End the worker and this strategy; the others are loaded anew at their next question."""
        log.error("strategy %s is stopped: %s", one.strategy, why)
        one.stopped = why
        await self._end_worker()
        return self._told(question, outcome, why)

    def _told(self, question: AskStrategy, outcome: DecisionOutcome, why: str) -> StrategyAnswered:
        now_ms = utc_ms(self._clock.now())
        return StrategyAnswered(
            ts_event=now_ms,
            ts_known=now_ms,
            account=question.account,
            strategy=question.strategy,
            decision_ts=question.decision_ts,
            outcome=outcome,
            error=why,
        )

    async def _load(self, worker: WorkerProcess, one: LiveStrategy) -> None:
        """StrategyError says why it cannot be; WorkerGoneError if the worker is good for nothing."""
        bars: Bars = one.history.bars
        load = Load(
            name=one.strategy, use=one.use, parameters=one.parameters,
            instruments=one.instruments, history=sent(bars), has_decided=one.has_decided,
            source=one.source, modules=self._modules,
        )  # fmt: skip
        worker.send((load,))
        try:
            async with asyncio.timeout(LOAD_S):
                answer = await worker.receive()
        except TimeoutError as error:
            await worker.end()
            raise WorkerGoneError(f"{one.strategy} was not loaded in {LOAD_S:g} s") from error
        except WorkerGoneError as error:
            await worker.end()
            raise WorkerGoneError(f"{one.strategy}: {error}") from error
        if not isinstance(answer, Loaded) or answer.error is not None:
            raise StrategyError(
                "strategy.not_loaded",
                f"strategy {one.strategy}: {getattr(answer, 'error', 'the worker is confused')}",
                hint=f"algotrader check {one.use} says more",
            )
        self._modules |= answer.modules
        one.source = answer.source
        one.told_rows = len(bars)


def _unloadable(error: WorkerGoneError) -> StrategyError:
    return StrategyError("strategy.worker", str(error))


def _text(path: str) -> str | None:
    """None for what is there no more, or is no text."""
    try:
        return Path(path).read_bytes().decode()
    except (OSError, UnicodeDecodeError):
        return None
