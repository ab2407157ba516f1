"""The same range as a backtest: today's bars, the full driver, simulated fills."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from algotrader.backtest.driving import Answering, BarAnswers, Driver, TargetAnswers
from algotrader.backtest.full import armed
from algotrader.backtest.market import Market
from algotrader.backtest.paper_account import paper_venue
from algotrader.backtest.settings import BacktestSettings
from algotrader.core.bars import Bars
from algotrader.core.events import CashMoved
from algotrader.core.ids import AccountId, StrategyId
from algotrader.core.instruments import Instrument
from algotrader.engine.commands import AskStrategy
from algotrader.engine.engine import Engine
from algotrader.engine.inforce import InForce
from algotrader.engine.settings import EngineSettings
from algotrader.engine.slices import slices_of
from algotrader.live.replay import at_once, in_order
from algotrader.parity.record import Record
from algotrader.strategy.asking import BarByBar
from algotrader.strategy.base import Strategy, Style
from algotrader.strategy.decide import all_targets, end, prepare_all
from algotrader.strategy.rebalance import decisions

_NEVER: Final = 1 << 62


@dataclass(frozen=True, slots=True, kw_only=True)
class TradedStrategy:
    """One strategy as it is configured today, with today's bars of its instruments."""

    name: StrategyId
    account: AccountId
    strategy: Strategy
    bars: Bars  # (T, N)
    instruments: tuple[Instrument, ...]  # of its columns


@dataclass(frozen=True, slots=True, kw_only=True)
class TradedAccount:
    """One account with the market that its strategies trade on."""

    name: AccountId
    market: Market  # of its shortest bars, which fill orders on all its instruments
    costs: BacktestSettings
    strategies: tuple[TradedStrategy, ...]
    longer: tuple[Market, ...] = ()  # of longer bars

    @property
    def markets(self) -> tuple[Market, ...]:
        return (self.market, *self.longer)


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """Something that was otherwise when a decision was made."""

    key: str  # of a setting; `strategies.NAME` for its code, `algotrader` for the version
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """What traded, as it is configured today."""

    settings: EngineSettings  # of the journal's run
    simulated: EngineSettings  # of the same run on a paper venue, which loses and quotes nothing
    accounts: tuple[TradedAccount, ...]
    changes: Callable[[InForce], Sequence[Change]]  # since some code and settings, until today


@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    """What is run: decisions from the first to the last of the journal, both included, UTC ms."""

    first_ms: int
    last_ms: int


def run_today(
    desk: Desk, span: Range, deposits: Sequence[CashMoved], added: Sequence[CashMoved] = ()
) -> Record:
    """Every decision of the range on today's bars.

    `deposits` are what the accounts began with, `added` what those did that came later.
    """
    settings = desk.simulated
    record = Record(settings)
    begins = begun_later(added)
    answers: dict[StrategyId, Answering] = {}
    rows: dict[StrategyId, Mapping[int, int]] = {}
    for account in desk.accounts:
        for one in account.strategies:
            rows[one.name] = {int(at): row for row, at in enumerate(one.bars.known_at)}
            answers[one.name] = _answering(one, begins.get(account.name, span.first_ms))
    later = sorted(added, key=lambda one: one.ts_event)
    driver = Driver(
        engine=Engine(settings),
        venues={
            one.name: paper_venue(one.name, one.market, one.costs, first=_first(one.market, span))
            for one in desk.accounts
        },
        answers=answers,
        row_of=lambda asked: _row(rows, asked),
        watch=record.hear,
    )
    for movement in deposits:
        driver.tell(movement)
    for account in desk.accounts:
        driver.tell(armed(account.name, span.first_ms))
    sources = [
        slices_of(market.bars, first=_first(market, span))
        for one in desk.accounts
        for market in one.markets
    ]
    for together in at_once(in_order(sources)):
        if together[0].closed.decision_ts > span.last_ms:
            break
        while later and later[0].ts_event <= together[0].closed.decision_ts:
            driver.tell(later.pop(0))
        driver.take(*together)
    for account in desk.accounts:
        for one in account.strategies:
            end(one.strategy)
    return record


def begun_later(added: Sequence[CashMoved]) -> dict[AccountId, int]:
    """When accounts began that were added after the first decision, UTC ms.

    The journal's order says which those are: money may be told by another clock than bars are.
    """
    return {one.account: one.ts_event for one in added}


def _row(rows: Mapping[StrategyId, Mapping[int, int]], asked: AskStrategy) -> int:
    """The newest row that the strategy has at its decision."""
    known = rows[asked.strategy]
    row = known.get(asked.decision_ts)
    return row if row is not None else max(r for at, r in known.items() if at <= asked.decision_ts)


def _first(market: Market, span: Range) -> int:
    return int(np.searchsorted(market.bars.known_at, span.first_ms))


def _answering(one: TradedStrategy, begin_ms: int) -> Answering:
    """As the strategy's worker answers: no opinion before it traded, nor in its warm-up (R5)."""
    strategy, bars = one.strategy, one.bars
    rows = bars if strategy.panel or len(bars.symbols) > 1 else bars.column(0)
    prepared = prepare_all(strategy, rows)
    first = int(np.searchsorted(bars.known_at, begin_ms))
    silent = max(prepared.warmup_rows, first)
    if strategy.style is not Style.TARGETS:
        return BarAnswers(BarByBar(strategy, rows, one.instruments, prepared), silent)
    targets = all_targets(strategy, rows, prepared)
    targets[:silent] = math.nan
    schedule = decisions(strategy.rebalance, rows)
    if schedule is not None:
        schedule[min(first, len(schedule) - 1)] = True
    return TargetAnswers(
        symbols=tuple(bars.symbols), targets=targets, prepared=prepared, schedule=schedule
    )
