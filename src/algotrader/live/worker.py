"""The strategy worker: a process that holds strategies and answers questions about them.

It has no keys, no network and a bounded memory. It is started by `workers.WorkerProcess` with its
questions on standard input; what a strategy prints goes to standard error.
"""

from __future__ import annotations

import os
import resource
import signal
import sys
import threading
import time
from dataclasses import dataclass
from typing import BinaryIO, Final

import msgspec
import numpy as np

from algotrader.core.bars import Bars
from algotrader.core.errors import AlgotraderError
from algotrader.core.events import DecisionOutcome
from algotrader.core.events.questions import StrategyQuestion
from algotrader.core.instruments import Instrument
from algotrader.live.worker_messages import (
    LENGTH_BYTES,
    Answer,
    Ask,
    FromWorker,
    Load,
    Loaded,
    PanelSent,
    framed,
    received,
    to_worker,
    wide,
)
from algotrader.live.worker_modules import OwnModules
from algotrader.strategy.asking import BarByBar
from algotrader.strategy.base import Strategy
from algotrader.strategy.decide import prepare_all
from algotrader.strategy.history import BarHistory
from algotrader.strategy.loader import load
from algotrader.strategy.newest import decide_newest

_REFUSED: Final = frozenset({"socket.connect", "socket.bind", "socket.sendto", "subprocess.Popen",
                             "os.system", "os.exec", "os.posix_spawn"})  # fmt: skip

_LOOK_S: Final = 1.0


@dataclass(slots=True)
class Held:
    """One strategy with its bars."""

    strategy: Strategy
    instruments: tuple[Instrument, ...]
    history: BarHistory
    has_decided: bool
    by_bar: BarByBar | None = None  # made with the first question


class Worker:
    """Answers one message after the other."""

    def __init__(self, modules: OwnModules | None = None) -> None:
        """`modules`: who finds what strategies import; None where the interpreter does."""
        self._held: dict[str, Held] = {}
        self._modules = OwnModules() if modules is None else modules

    def hear(self, message: Load | Ask) -> FromWorker:
        answer = self._load(message) if isinstance(message, Load) else self._ask(message)
        read = self._modules.newly_read()
        return msgspec.structs.replace(answer, modules=read) if read else answer

    def _load(self, message: Load) -> Loaded:
        self._modules.keep(message.modules)
        try:
            loaded = load(message.use, message.source)
            strategy = loaded.kind(**message.parameters)
        except AlgotraderError as error:
            return Loaded(name=message.name, error=error.message)
        history = BarHistory(received(message.history))
        self._held[message.name] = Held(
            strategy=strategy,
            instruments=message.instruments,
            history=history,
            has_decided=message.has_decided,
        )
        return Loaded(name=message.name, source=loaded.source)

    def _ask(self, message: Ask) -> Answer:
        held = self._held[message.name]
        if message.rows is not None:
            append_rows(held.history, message.rows)
        try:
            if message.question is not None:
                return _answered_by_bar(held, message, message.question)
            newest = decide_newest(held.strategy, held.history.bars)
        except AlgotraderError as error:
            return Answer(
                name=message.name,
                decision_ts=message.decision_ts,
                outcome=DecisionOutcome.RAISED,
                error=error.message,
            )
        is_first, held.has_decided = not held.has_decided, True
        return Answer(
            name=message.name,
            decision_ts=message.decision_ts,
            outcome=DecisionOutcome.DECIDED,
            wanted=newest.wanted,
            is_scheduled=newest.is_scheduled or is_first,
        )


def _answered_by_bar(held: Held, message: Ask, question: StrategyQuestion) -> Answer:
    """What a bar-by-bar strategy asks for; it decides nothing before its warm-up is over (R5).

    One that decided before may warm up again: parameters were set that take more rows. Its state
    stays, and what it is to hear it hears at once, since an answer says that it was heard: the hooks
    are called, on features that may be NaN, and what they ask for is asked (a stop of what was
    filled).
    """
    bars = held.history.bars
    rows = bars if held.strategy.panel or len(bars.symbols) > 1 else bars.column(0)
    prepared = prepare_all(held.strategy, rows)
    if held.by_bar is None:
        held.by_bar = BarByBar(held.strategy, rows, held.instruments, prepared)
    else:
        held.by_bar.grow(rows, prepared)
    answer = Answer(
        name=message.name, decision_ts=message.decision_ts, outcome=DecisionOutcome.DECIDED
    )
    last = len(bars) - 1
    is_warm = last >= prepared.warmup_rows
    if not (is_warm or question.heard):
        return msgspec.structs.replace(answer, state=question.state)
    question, caught_up = _caught_up(held.by_bar, question, bars, prepared.warmup_rows)
    said = held.by_bar.answer(question, last, decides=is_warm)
    return msgspec.structs.replace(
        answer, wanted=said.wanted, asked=said.asked, state=said.state, lines=said.lines,
        caught_up=caught_up,
    )  # fmt: skip


def _caught_up(
    by_bar: BarByBar, question: StrategyQuestion, bars: Bars, first: int
) -> tuple[StrategyQuestion, tuple[int, ...]]:
    """The question with the state that the missed bars lead to; what they ask for is dropped (R24)."""
    if question.missed_after is None:
        return question, ()
    begin = max(int(np.searchsorted(bars.ts, question.missed_after)), first)
    close = bars.as_panel().close
    state = question.state
    for row in range(begin, len(bars) - 1):
        there = tuple(s for k, s in enumerate(bars.symbols) if np.isfinite(close[row, k]))
        missed = msgspec.structs.replace(
            question, decision_ts=int(bars.ts[row]) + bars.timeframe.ms, instruments=there,
            heard=(), state=state,
        )  # fmt: skip
        state = by_bar.answer(missed, row).state
    fed = tuple(int(ts) for ts in bars.ts[begin : len(bars) - 1])
    return msgspec.structs.replace(question, state=state), fed


def append_rows(history: BarHistory, rows: PanelSent) -> None:
    """A late or corrected bar comes with all rows after it (R25)."""
    ts, known_at = np.frombuffer(rows.ts, np.int64), np.frombuffer(rows.known_at, np.int64)
    session = None if rows.session is None else np.frombuffer(rows.session, np.int64)
    values = {name: wide(data, len(rows.symbols)) for name, data in rows.values.items()}
    funding = None if rows.funding is None else wide(rows.funding, len(rows.symbols))
    if len(ts):
        history.cut(int(ts[0]))
    for row in range(len(ts)):
        history.append(
            int(ts[row]),
            int(known_at[row]),
            None if session is None else int(session[row]),
            {name: one[row] for name, one in values.items()},
            None if funding is None else funding[row],
        )


def serve(questions: BinaryIO, answers: BinaryIO) -> None:
    """Until the questions end."""
    modules = OwnModules()
    sys.meta_path.insert(0, modules)
    worker = Worker(modules)
    while header := _exactly(questions, LENGTH_BYTES):
        body = _exactly(questions, int.from_bytes(header, "big"))
        if body is None:
            return
        answers.write(framed(worker.hear(to_worker(body))))
        answers.flush()


def _exactly(stream: BinaryIO, count: int) -> bytes | None:
    data = stream.read(count)
    return data if len(data) == count else None


def _refuse(event: str, _arguments: tuple[object, ...]) -> None:
    if event in _REFUSED:
        raise PermissionError(f"a strategy may not do this: {event}")


def _end_with(trader: int) -> None:
    """A strategy in an endless loop reads no question, so it never sees that they have ended."""

    def watch() -> None:
        while os.getppid() == trader:
            time.sleep(_LOOK_S)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def main() -> None:
    """usage: python -m algotrader.live.worker MEMORY_BYTES TRADER_PID"""
    for number in (signal.SIGINT, signal.SIGTERM):  # of a terminal or a service: the trader ends it
        signal.signal(number, signal.SIG_IGN)
    limit = int(sys.argv[1])
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a strategy prints is no answer
    _end_with(int(sys.argv[2]))
    sys.addaudithook(_refuse)
    serve(sys.stdin.buffer, answers)


if __name__ == "__main__":
    main()
