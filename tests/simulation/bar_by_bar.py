"""Histories of a bar-by-bar strategy: what it is told, remembers and asks for, whatever goes wrong.

The world is that of `history.py`. Its strategy keeps a ledger of its own in `ctx.state`, from the
fills and ends that it was told alone (R35, R36): it must say the same as its positions, at every
question, across every crash. Some of its orders carry stops and targets: what they opened has stops
of its size whenever nothing is in doubt (R19).
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Final

import msgspec
import pytest
from tests.simulation import history as histories
from tests.simulation.guards_of_orders import Bareness, unguarded
from tests.simulation.history import FRAME, MAIN, RANDOM, SYMBOLS, History, HistoryPlan, simulate
from tests.simulation.properties import (
    broken_against_memory_now_and_then,
    broken_when_settled,
    broken_while_running,
)
from tests.simulation.resting_stops import RestingStops

from algotrader.core.events import (
    Asked,
    AskedAmend,
    AskedCancel,
    AskedOrder,
    AskedTarget,
    DecisionOutcome,
    StrategyAnswered,
    TargetWanted,
)
from algotrader.core.events.questions import HeardFill, StrategyQuestion
from algotrader.core.ids import RunId
from algotrader.core.orders import Side
from algotrader.engine.asking import question_of
from algotrader.engine.commands import AskStrategy
from algotrader.engine.settings import EngineSettings

ORDERED, TARGETED = SYMBOLS  # what it buys by orders, and what by targets
CRASH: Final = 0.03  # of every other history, so that questions go unanswered
SHARE: Final = 0.3  # of equity that its orders may hold and buy together
GUARDS: Final[tuple[dict[str, float], ...]] = (
    {}, {"stop_loss": 0.05}, {"stop_loss": 0.05, "take_profit": 0.1},
)  # fmt: skip
WITHIN_MS: Final = 10_000  # without a stop, of what is held by an order that has one
NEARLY: Final = 1e-9  # quantities are told as floats


class Memory(msgspec.Struct):
    """`ctx.state`: what the strategy believes of itself."""

    held: dict[str, float] = msgspec.field(default_factory=dict)
    open: dict[str, float] = msgspec.field(default_factory=dict)  # value of its orders, by number

    def hear(self, question: StrategyQuestion) -> Iterator[str]:
        """Take in what was told; what cannot be."""
        for heard in question.heard:
            symbol = str(heard.instrument)
            if isinstance(heard, HeardFill):
                self.held[symbol] = self.held.get(symbol, 0.0) + heard.quantity
            elif self.open.pop(str(heard.number), None) is None:
                yield f"R36: the end of order {heard.number}, which is not open, was told"
        positions = {one.instrument: one.quantity for one in question.positions}
        for one in SYMBOLS:
            ours, theirs = self.held.get(str(one), 0.0), positions.get(one, 0.0)
            if abs(ours - theirs) > NEARLY:
                yield f"R36: fills of {one} told come to {ours:.12g}, {theirs:.12g} is held"
        if unknown := {one.number for one in question.working} - set(map(int, self.open)):
            yield f"R36: {sorted(unknown)} are working, their end was told or they were never asked"


class BarByBar(histories.Targets):
    """The decider: asks at random for orders, changes, withdrawals and positions."""

    broken: list[str]  # of the history that is being made

    async def decide(self, question: AskStrategy) -> StrategyAnswered:
        chance = random.Random(f"{self._seed} {question.decision_ts}")
        # Long enough for news, and for a crash, between its question and its answer.
        await asyncio.sleep(chance.random() * chance.choice((0.2, 2.0, 15.0)))
        now_ms = self._venue.now_ms()
        told = question.question
        if told is None:
            self.broken.append("R24: it was asked without a question")
            raise AssertionError(self.broken[-1])
        memory = msgspec.convert(told.state, Memory)
        self.broken += memory.hear(told)
        asked, weight = self._drawn(told, memory, chance)
        wanted = tuple(
            TargetWanted(
                instrument=symbol, target=weight if symbol == TARGETED else None, features={}
            )
            for symbol in SYMBOLS
        )
        return StrategyAnswered(
            ts_event=now_ms, ts_known=now_ms, account=MAIN, strategy=question.strategy,
            decision_ts=question.decision_ts, outcome=DecisionOutcome.DECIDED, wanted=wanted,
            asked=asked, state=msgspec.to_builtins(memory),
        )  # fmt: skip

    def _drawn(
        self, told: StrategyQuestion, memory: Memory, chance: random.Random
    ) -> tuple[tuple[Asked, ...], float | None]:
        working = [one.number for one in told.working]
        if self.is_quiet:
            return tuple(AskedCancel(number=number) for number in working), None
        asked: list[Asked] = []
        price = float(self._venue.prices[ORDERED])
        for number in working:
            match chance.choice(("cancel", "amend", "leave", "leave")):
                case "cancel":
                    asked.append(AskedCancel(number=number))
                case "amend":
                    value = memory.open[str(number)] * 0.8
                    limit = price * chance.choice((0.995, 1.0))
                    asked.append(AskedAmend(number=number, quantity=value / price, limit=limit))
                case _:
                    pass
        held = memory.held.get(str(ORDERED), 0.0)
        number = told.next_number
        room = SHARE * told.equity - held * price - sum(memory.open.values())
        for _ in range(chance.randrange(3)):
            value = 0.1 * told.equity
            capped = chance.choice((None, price * 0.998, price))
            if chance.random() < 0.6 and room > value:
                room -= value
                memory.open[str(number)] = value
                asked.append(
                    AskedOrder(
                        number=number, instrument=ORDERED, side=Side.BUY, value=value,
                        limit=capped, **chance.choice(GUARDS),
                    )
                )  # fmt: skip
                number += 1
            elif held > 0:
                memory.open[str(number)] = 0.0
                asked.append(
                    AskedOrder(
                        number=number, instrument=ORDERED, side=Side.SELL, quantity=held / 2,
                        limit=capped, reduce_only=chance.random() < 0.5,
                    )
                )  # fmt: skip
                number += 1
        if chance.random() < 0.3:
            quantity = chance.choice((0.0, 0.1)) * told.equity / float(self._venue.prices[TARGETED])
            asked.append(AskedTarget(instrument=TARGETED, quantity=quantity))
            return tuple(asked), None
        return tuple(asked), chance.choice((None, 0.0, 0.1, 0.25, 0.45))


def by_bar(run_id: RunId, script: Any = None) -> EngineSettings:
    """The settings of all histories, with a strategy that is asked bar by bar."""
    plain = _SETTINGS(run_id, script)
    instances = tuple(replace(one, by_bar=True) for one in plain.strategies)
    return replace(plain, strategies=instances, guard_within_ms=WITHIN_MS)


_SETTINGS = histories.settings


def plan_of(seed: int) -> HistoryPlan:
    plan = HistoryPlan.of(seed)
    return replace(plan, faults=replace(plan.faults, crash=CRASH)) if seed % 2 else plan


def broken(plan: HistoryPlan, patch: pytest.MonkeyPatch) -> tuple[list[str], History]:
    """What does not hold in a history; `patch` sets attributes for its length."""
    found: list[str] = []
    patch.setattr(histories, "settings", by_bar)
    patch.setattr(histories, "ModelVenue", RestingStops)
    patch.setattr(histories, "Targets", type("Listening", (BarByBar,), {"broken": found}))

    def watch(history: History) -> None:
        if not found:
            found.extend(broken_while_running(history))
            found.extend(broken_against_memory_now_and_then(history))
            found.extend(bareness.look(history, ORDERED))

    bareness = Bareness(WITHIN_MS)
    history = simulate(plan, watch)
    if not found:
        found.extend(broken_when_settled(history))
        found.extend(untold(history))
        found.extend(unguarded(history, ORDERED))
    return found, history


def untold(history: History) -> Iterator[str]:
    """At the end all that happened was told, or is told with the next question."""
    state = history.folded().state
    (instance,) = state.settings.strategies
    newest = state.slices.get(FRAME)
    if newest is None:
        return
    question = question_of(state, instance, newest.decision_ts)
    memory = memory_of(history)
    yield from memory.hear(question)
    working = {one.number for one in question.working}
    if left := set(map(int, memory.open)) - working:
        yield f"R36: the end of {sorted(left)} was never told"


def memory_of(history: History) -> Memory:
    """What its last answer left."""
    return msgspec.convert(history.folded().state.strategy_states.get(RANDOM, {}), Memory)


def first_broken(count: int) -> str | None:
    """The first of so many seeds that breaks a property, and which."""
    with pytest.MonkeyPatch.context() as patch:
        for seed in range(count):
            found, _ = broken(plan_of(seed), patch)
            if found:
                return f"seed {seed} of a bar-by-bar strategy: {found[0]}"
    return None
