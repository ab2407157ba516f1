"""The full driver: the live engine with the paper venue on a virtual clock (DESIGN, one rule book).

It feeds the bars of a market one slice after the other, as the live runtime does, and lets the
engine decide, gate, send and book. Slower than the kernel alone by two orders of magnitude and
meant for what the kernel lacks: risk rules, several strategies on one account, audits of parity.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from algotrader.backtest.driving import Answering, BarAnswers, Driver, TargetAnswers, Watch
from algotrader.backtest.instances import strategy_instance
from algotrader.backtest.kernel_input import traded
from algotrader.backtest.market import Market
from algotrader.backtest.paper_account import paper_venue
from algotrader.backtest.run import refuse_unknown
from algotrader.backtest.settings import WORKED, BacktestSettings
from algotrader.core.accounts import Account, MarginMode
from algotrader.core.bars import Bars
from algotrader.core.errors import ConfigurationError
from algotrader.core.events import (
    CashMoved,
    Event,
    ModeChanged,
    TradingMode,
)
from algotrader.core.ids import AccountId, RunId, StrategyId
from algotrader.core.money import Currency
from algotrader.engine.engine import Engine
from algotrader.engine.settings import Algorithm, AlgorithmKind, EngineSettings
from algotrader.engine.slices import slices_of
from algotrader.execution.paper import PaperVenue
from algotrader.risk.settings import RiskSettings
from algotrader.strategy.asking import BarByBar
from algotrader.strategy.base import Strategy, Style
from algotrader.strategy.decide import Prepared, all_targets, end, first_decision, prepare_all
from algotrader.strategy.rebalance import decisions

Floats = NDArray[np.float64]
ACCOUNT: Final = AccountId("backtest")


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


def run_full(
    strategy: Strategy,
    market: Market,
    settings: BacktestSettings,
    *,
    start: int | None = None,
    risk: RiskSettings | None = None,
    watch: Watch | None = None,
    algorithm: Algorithm | None = None,
) -> FullRun:
    """Run one strategy through the engine. Arguments as in `run_backtest`.

    `algorithm` works what targets add over time, under capped execution; default: as the settings
    say.
    With `watch` events are told to it and not kept, and the venue's books are recorded instead.
    """
    refuse_settings(settings)
    refuse_unknown(strategy, market)
    prepared = prepare_all(strategy, market.bars)
    first = first_decision(strategy, market.bars, prepared, start)
    by_bar = strategy.style is not Style.TARGETS
    answers: Answering = (
        BarAnswers(BarByBar(strategy, market.bars, market.instruments, prepared), first)
        if by_bar
        else _answers(strategy, market, prepared, first)
    )
    name = StrategyId(type(strategy).__name__)
    engine = Engine(
        _engine_settings(
            strategy,
            name,
            market,
            settings,
            risk or RiskSettings(),
            algorithm or _algorithm_of(settings),
        )
    )
    venue = paper_venue(ACCOUNT, market, settings)
    driver = _OneMarket(engine=engine, venue=venue, answers=answers, watch=watch)
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


def _answers(strategy: Strategy, market: Market, prepared: Prepared, first: int) -> TargetAnswers:
    targets = all_targets(strategy, market.bars, prepared)
    targets[:first] = math.nan
    schedule = decisions(strategy.rebalance, market.bars)
    if schedule is not None:
        schedule[first] = True
    return TargetAnswers(
        symbols=tuple(market.bars.symbols),
        targets=targets,
        prepared=prepared,
        schedule=schedule,
    )


class _OneMarket:
    """Drives one account through the rows of its market, and keeps what each left behind."""

    def __init__(
        self, *, engine: Engine, venue: PaperVenue, answers: Answering, watch: Watch | None
    ) -> None:
        self._engine = engine
        self._venue = venue
        self._row = 0
        self._run = FullRun(engine=engine)
        self._records = watch is not None
        self._driver = Driver(
            engine=engine,
            venues={ACCOUNT: venue},
            answers={engine.state.settings.strategies[0].strategy: answers},
            row_of=lambda _: self._row,
            watch=self._run.events.extend if watch is None else watch,
        )

    def run(self, bars: Bars, cash: float, currency: Currency) -> FullRun:
        start = int(bars.ts[0])
        if self._records:
            self._run.told = Recording.of(len(bars), len(bars.symbols))
        self._driver.tell(_deposit(cash, currency, start))
        self._driver.tell(armed(ACCOUNT, start))
        for row, slice_ in enumerate(slices_of(bars)):
            self._row = row
            self._driver.take(slice_)
            if self._run.told is not None:
                self._run.told.keep(row, self._venue)
                continue
            book = self._engine.state.books[ACCOUNT].whole
            self._run.equity.append(book.equity(self._engine.state.marks()))
        if self._run.told is not None:
            self._run.told.simulated = self._venue.simulated()
        return self._run


def _engine_settings(
    strategy: Strategy,
    name: StrategyId,
    market: Market,
    settings: BacktestSettings,
    risk: RiskSettings,
    algorithm: Algorithm | None,
) -> EngineSettings:
    symbols = tuple(market.bars.symbols)
    instance = strategy_instance(
        strategy, name, ACCOUNT, market.bars, settings, algorithm=algorithm
    )
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


def _algorithm_of(settings: BacktestSettings) -> Algorithm | None:
    """The algorithm that the engine is told; None where orders go out at once."""
    if settings.execution not in WORKED:
        return None
    return Algorithm(
        kind=AlgorithmKind(settings.execution), over_ms=settings.work_for,
        slices=settings.slices,
    )  # fmt: skip


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


def armed(account: AccountId, at_ms: int) -> ModeChanged:
    """An account may trade from here on."""
    return ModeChanged(
        ts_event=at_ms,
        ts_known=at_ms,
        account=account,
        mode=TradingMode.TRADING,
        reason="a replay needs no reconciliation",
        by="recovery",
    )
