"""The engine on a virtual clock: commands are executed at once, timers when their time comes.

The runtime of every run of the live engine over recorded bars in one process: one strategy of a
backtest, or a whole desk with several accounts that is compared with what it traded.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

import msgspec
import numpy as np
from numpy.typing import NDArray

from algotrader.core.events import (
    DecisionOutcome,
    Event,
    StrategyAnswered,
    TargetWanted,
    TimerFired,
)
from algotrader.core.ids import AccountId, StrategyId
from algotrader.core.symbols import Symbol
from algotrader.engine.commands import (
    Amend,
    AskStrategy,
    Cancel,
    FetchTrades,
    LookUp,
    SetTimer,
    Submit,
)
from algotrader.engine.engine import Engine
from algotrader.engine.slices import Slice
from algotrader.engine.step import Outcome
from algotrader.execution.paper import PaperVenue
from algotrader.strategy.asking import BarByBar
from algotrader.strategy.decide import Prepared
from algotrader.strategy.newest import number

Floats = NDArray[np.float64]
Watch = Callable[[list[Event]], None]


class Answering(Protocol):
    """Where a strategy runs. `row` is that of its own bars."""

    def at(self, row: int, asked: AskStrategy, now_ms: int) -> StrategyAnswered: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetAnswers:
    """Every answer of a strategy whose targets are a function of history alone."""

    symbols: tuple[Symbol, ...]
    targets: Floats  # (T, N), NaN before the first decision
    prepared: Prepared
    schedule: NDArray[np.bool_] | None

    def at(self, row: int, asked: AskStrategy, now_ms: int) -> StrategyAnswered:
        return StrategyAnswered(
            ts_event=now_ms,
            ts_known=now_ms,
            account=asked.account,
            strategy=asked.strategy,
            decision_ts=asked.decision_ts,
            outcome=DecisionOutcome.DECIDED,
            wanted=tuple(
                TargetWanted(
                    instrument=symbol,
                    target=number(self.targets[row, column]),
                    features=self._features(row, column),
                )
                for column, symbol in enumerate(self.symbols)
            ),
            is_scheduled=self.schedule is None or bool(self.schedule[row]),
        )

    def _features(self, row: int, column: int) -> dict[str, float | None]:
        return {
            name: number(values[row] if values.ndim == 1 else values[row, column])
            for name, values in self.prepared.features.items()
        }


@dataclass(frozen=True, slots=True)
class BarAnswers:
    """A bar-by-bar strategy, asked in this process. Before its first row it is not."""

    strategy: BarByBar
    first: int

    def at(self, row: int, asked: AskStrategy, now_ms: int) -> StrategyAnswered:
        if asked.question is None:
            raise ValueError(f"{asked.strategy} decides bar by bar and was asked for targets")
        empty = _empty(asked, now_ms)
        if row < self.first:
            return empty
        answer = self.strategy.answer(asked.question, row)
        return msgspec.structs.replace(
            empty,
            wanted=answer.wanted,
            asked=answer.asked,
            state=answer.state,
            lines=answer.lines,
        )


def _empty(asked: AskStrategy, now_ms: int) -> StrategyAnswered:
    return StrategyAnswered(
        ts_event=now_ms,
        ts_known=now_ms,
        account=asked.account,
        strategy=asked.strategy,
        decision_ts=asked.decision_ts,
        outcome=DecisionOutcome.DECIDED,
    )


class Driver:
    """Feeds an engine one slice after the other, and does what it asks for.

    `row_of` finds the row of a strategy's own bars for a question.
    """

    def __init__(
        self,
        *,
        engine: Engine,
        venues: Mapping[AccountId, PaperVenue],
        answers: Mapping[StrategyId, Answering],
        row_of: Callable[[AskStrategy], int],
        watch: Watch,
    ) -> None:
        self._engine = engine
        self._venues = venues
        self._accounts = sorted(venues)
        self._answers = answers
        self._row_of = row_of
        self._watch = watch
        self._timers: list[tuple[int, str]] = []

    def take(self, *together: Slice) -> None:
        """Slices of one moment: timers until then, what the venues filled, bars, decisions (R1)."""
        now_ms = together[0].closed.ts_known
        self._wake(now_ms)
        for account in self._accounts:
            venue = self._venues[account]
            own = [bar for one in together for bar in one.bars if venue.takes(bar)]
            for event in venue.advance(own, now_ms) if own else ():
                self.tell(event)
        for slice_ in together:
            for bar in slice_.bars:
                self.tell(bar)
        # All that decide now are asked before the first is answered.
        asked = [self._engine.handle(slice_.closed) for slice_ in together]
        for outcome in asked:
            self._do(outcome)

    def tell(self, event: Event) -> None:
        self._do(self._engine.handle(event))

    def _do(self, outcome: Outcome) -> None:
        self._watch(outcome.events)
        now_ms = outcome.events[-1].ts_known if outcome.events else 0
        for command in outcome.commands:
            match command:
                case AskStrategy():
                    answers = self._answers[command.strategy]
                    self.tell(answers.at(self._row_of(command), command, now_ms))
                case Submit():
                    order = command.approved.order
                    self.tell(self._venues[order.account].submit(order, now_ms))
                case Cancel():
                    venue = self._venues[command.account]
                    self.tell(venue.cancel(command.order_id, command.instrument, now_ms))
                case Amend():
                    self.tell(
                        self._venues[command.account].amend(
                            command.order_id, command.instrument, now_ms,
                            quantity=command.quantity, limit=command.limit, stop=command.stop,
                        )
                    )  # fmt: skip
                case LookUp():
                    venue = self._venues[command.account]
                    self.tell(venue.find(command.order_id, command.instrument, now_ms))
                case SetTimer():
                    heapq.heappush(self._timers, (command.at_ms, command.name))
                case FetchTrades():
                    pass  # every fill is told by itself
                case _:
                    pass

    def _wake(self, now_ms: int) -> None:
        while self._timers and self._timers[0][0] < now_ms:
            at, name = heapq.heappop(self._timers)
            self.tell(TimerFired(ts_event=at, ts_known=at, name=name))
