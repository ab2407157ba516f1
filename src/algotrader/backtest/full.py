"""The full driver: the live engine with the paper venue on a virtual clock (DESIGN, one rule book).

It feeds the bars of a market one slice after the other, as the live runtime does, and lets the
engine decide, gate, send and book. Slower than the kernel alone by two orders of magnitude and
meant for what the kernel lacks: risk rules, several strategies on one account, audits of parity.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final, Protocol

import msgspec
import numpy as np
from numpy.typing import NDArray

from algotrader.backtest.instances import strategy_instance
from algotrader.backtest.kernel_input import traded
from algotrader.backtest.market import Market
from algotrader.backtest.paper_account import paper_venue
from algotrader.backtest.run import refuse_unknown
from algotrader.backtest.settings import BacktestSettings
from algotrader.core.accounts import Account, MarginMode
from algotrader.core.bars import Bars
from algotrader.core.errors import ConfigurationError
from algotrader.core.events import (
    CashMoved,
    DecisionOutcome,
    Event,
    ModeChanged,
    StrategyAnswered,
    TargetWanted,
    TimerFired,
    TradingMode,
)
from algotrader.core.ids import AccountId, RunId, StrategyId
from algotrader.core.money import Currency
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
from algotrader.engine.settings import EngineSettings
from algotrader.engine.slices import slices_of
from algotrader.engine.step import Outcome
from algotrader.execution.paper import PaperVenue
from algotrader.risk.settings import RiskSettings
from algotrader.strategy.asking import BarByBar
from algotrader.strategy.base import Strategy, Style
from algotrader.strategy.decide import Prepared, all_targets, end, first_decision, prepare_all
from algotrader.strategy.newest import number
from algotrader.strategy.rebalance import decisions

Floats = NDArray[np.float64]
ACCOUNT: Final = AccountId("backtest")
Watch = Callable[[list[Event]], None]


@dataclass(slots=True)
class Recording:
    """A run as the paper venue's simulator saw it, a row after each bar."""

    equity: Floats  # (T,)
    cash: Floats  # (T,)
    position: Floats  # (T, N)
    funding: Floats  # (T, N)
    simulated: dict[str, Any] = field(default_factory=dict)  # fills, counters, at the end

    @classmethod
    def of(cls, rows: int, columns: int) -> Recording:
        shape = (rows, columns)
        return cls(np.zeros(rows), np.zeros(rows), np.zeros(shape), np.zeros(shape))

    def keep(self, row: int, venue: PaperVenue) -> None:
        self.equity[row], self.cash[row] = venue.equity, venue.cash
        venue.record(self.position[row], self.funding[row])


@dataclass(slots=True, kw_only=True)
class FullRun:
    """What a run by the full driver left behind."""

    engine: Engine
    events: list[Event] = field(default_factory=list)
    equity: list[Decimal] = field(default_factory=list)  # after each bar
    told: Recording | None = None  # what the venue's own books said, in place of the above


@dataclass(frozen=True, slots=True, kw_only=True)
class _Answers:
    """Every answer of a strategy whose targets are a function of history alone."""

    symbols: tuple[Symbol, ...]
    targets: Floats  # (T, N), NaN before the first decision
    prepared: Prepared
    schedule: NDArray[np.bool_] | None

    def at(self, row: int, asked: AskStrategy, now_ms: int) -> StrategyAnswered:
        return StrategyAnswered(
            ts_event=now_ms,
            ts_known=now_ms,
            account=ACCOUNT,
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


class _Answering(Protocol):
    """Where the strategy runs."""

    def at(self, row: int, asked: AskStrategy, now_ms: int) -> StrategyAnswered: ...


@dataclass(frozen=True, slots=True)
class _BarAnswers:
    """A bar-by-bar strategy, asked in this process. Before its first row it is not."""

    strategy: BarByBar
    first: int

    def at(self, row: int, asked: AskStrategy, now_ms: int) -> StrategyAnswered:
        if asked.question is None:
            raise ValueError(f"{asked.strategy} decides bar by bar and was asked for targets")
        empty = StrategyAnswered(
            ts_event=now_ms,
            ts_known=now_ms,
            account=ACCOUNT,
            strategy=asked.strategy,
            decision_ts=asked.decision_ts,
            outcome=DecisionOutcome.DECIDED,
        )
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


def run_full(
    strategy: Strategy,
    market: Market,
    settings: BacktestSettings,
    *,
    start: int | None = None,
    risk: RiskSettings | None = None,
    watch: Watch | None = None,
) -> FullRun:
    """Run one strategy through the engine. Arguments as in `run_backtest`.

    With `watch` events are told to it and not kept, and the venue's books are recorded instead.
    """
    refuse_settings(settings)
    refuse_unknown(strategy, market)
    prepared = prepare_all(strategy, market.bars)
    first = first_decision(strategy, market.bars, prepared, start)
    by_bar = strategy.style is not Style.TARGETS
    answers: _Answering = (
        _BarAnswers(BarByBar(strategy, market.bars, market.instruments, prepared), first)
        if by_bar
        else _answers(strategy, market, prepared, first)
    )
    name = StrategyId(type(strategy).__name__)
    engine = Engine(_engine_settings(strategy, name, market, settings, risk or RiskSettings()))
    venue = paper_venue(ACCOUNT, market, settings)
    driver = _Driver(engine=engine, venue=venue, answers=answers, watch=watch)
    run = driver.run(market.bars, settings.cash, Currency(market.instruments[0].settle))
    end(strategy)
    return run


def refuse_settings(settings: BacktestSettings) -> None:
    """ConfigurationError for what only the fast driver does: comparisons, and finer bars."""
    if settings.size_at == "fill" or settings.path == "finer":
        what = "--size-at fill" if settings.size_at == "fill" else "--path finer"
        raise ConfigurationError(
            "engine.fast_only",
            f"{what} is for the fast driver: no venue fills like that while one trades",
            hint="use --engine fast, or leave it out",
        )


def _answers(strategy: Strategy, market: Market, prepared: Prepared, first: int) -> _Answers:
    targets = all_targets(strategy, market.bars, prepared)
    targets[:first] = math.nan
    schedule = decisions(strategy.rebalance, market.bars)
    if schedule is not None:
        schedule[first] = True
    return _Answers(
        symbols=tuple(market.bars.symbols),
        targets=targets,
        prepared=prepared,
        schedule=schedule,
    )


class _Driver:
    """The runtime of a virtual clock: commands are executed at once, timers when their time comes."""

    def __init__(
        self, *, engine: Engine, venue: PaperVenue, answers: _Answering, watch: Watch | None
    ) -> None:
        self._engine = engine
        self._venue = venue
        self._answers = answers
        self._timers: list[tuple[int, str]] = []
        self._row = 0
        self._run = FullRun(engine=engine)
        self._watch = self._run.events.extend if watch is None else watch
        self._records = watch is not None

    def run(self, bars: Bars, cash: float, currency: Currency) -> FullRun:
        start = int(bars.ts[0])
        if self._records:
            self._run.told = Recording.of(len(bars), len(bars.symbols))
        self._tell(_deposit(cash, currency, start))
        self._tell(_armed(start))
        for row, slice_ in enumerate(slices_of(bars)):
            self._row = row
            now_ms = slice_.closed.ts_known
            self._wake(now_ms)
            for event in self._venue.advance(slice_.bars, now_ms):
                self._tell(event)
            for closed in slice_.events:
                self._tell(closed)
            if self._run.told is not None:
                self._run.told.keep(row, self._venue)
                continue
            book = self._engine.state.books[ACCOUNT].whole
            self._run.equity.append(book.equity(self._engine.state.marks()))
        if self._run.told is not None:
            self._run.told.simulated = self._venue.simulated()
        return self._run

    def _tell(self, event: Event) -> None:
        self._do(self._engine.handle(event))

    def _do(self, outcome: Outcome) -> None:
        self._watch(outcome.events)
        now_ms = outcome.events[-1].ts_known if outcome.events else 0
        for command in outcome.commands:
            match command:
                case AskStrategy():
                    self._tell(self._answers.at(self._row, command, now_ms))
                case Submit():
                    self._tell(self._venue.submit(command.approved.order, now_ms))
                case Cancel():
                    self._tell(self._venue.cancel(command.order_id, command.instrument, now_ms))
                case Amend():
                    self._tell(
                        self._venue.amend(
                            command.order_id, command.instrument, now_ms,
                            quantity=command.quantity, limit=command.limit, stop=command.stop,
                        )
                    )  # fmt: skip
                case LookUp():
                    self._tell(self._venue.find(command.order_id, command.instrument, now_ms))
                case SetTimer():
                    heapq.heappush(self._timers, (command.at_ms, command.name))
                case FetchTrades():
                    pass  # every fill is told by itself
                case _:
                    pass

    def _wake(self, now_ms: int) -> None:
        while self._timers and self._timers[0][0] < now_ms:
            at, name = heapq.heappop(self._timers)
            self._tell(TimerFired(ts_event=at, ts_known=at, name=name))


def _engine_settings(
    strategy: Strategy,
    name: StrategyId,
    market: Market,
    settings: BacktestSettings,
    risk: RiskSettings,
) -> EngineSettings:
    symbols = tuple(market.bars.symbols)
    instance = strategy_instance(strategy, name, ACCOUNT, market.bars, settings)
    account = Account(
        account_id=ACCOUNT,
        venue=symbols[0].venue,
        currency=Currency(market.instruments[0].settle),
        margin_mode=MarginMode.CASH,
        instruments=symbols,
        strategies=(name,),
    )
    return EngineSettings(
        run_id=RunId("backtest"),
        configuration_hash="",
        accounts=(account,),
        instruments={one.symbol: traded(one, settings) for one in market.instruments},
        strategies=(instance,),
        risk=risk,
        watch_every_ms=None,
    )


def _deposit(cash: float, currency: Currency, at_ms: int) -> CashMoved:
    return CashMoved(
        ts_event=at_ms,
        ts_known=at_ms,
        account=ACCOUNT,
        movement_id="start",
        reason="deposit",
        amount=Decimal(repr(cash)),
        currency=currency,
    )


def _armed(at_ms: int) -> ModeChanged:
    return ModeChanged(
        ts_event=at_ms,
        ts_known=at_ms,
        account=ACCOUNT,
        mode=TradingMode.TRADING,
        reason="a replay needs no reconciliation",
        by="recovery",
    )
