"""One parameter set after another over one market: what sweeps and walk-forwards are made of."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from algotrader.backtest.contexts import decide_by_bar
from algotrader.backtest.kernel_input import settings_of
from algotrader.backtest.market import Market
from algotrader.backtest.run import KernelInput, kernel_input
from algotrader.backtest.settings import BacktestSettings
from algotrader.backtest.space import ParameterSet
from algotrader.backtest.trade_list import trades_of
from algotrader.core.errors import AlgotraderError
from algotrader.core.timeframes import DAY_MS
from algotrader.execution.batch import Batch
from algotrader.strategy.base import Strategy, Style
from algotrader.strategy.decide import all_targets, end, first_decision, prepare_all

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class SetResult:
    """What one parameter set made. A set that failed has no returns and says why."""

    parameters: ParameterSet
    returns: Floats | None  # daily, shape (days,), the same days for every set
    final_equity: float = 0.0
    trades: int = 0
    fees: float = 0.0
    failure: str | None = None


class Evaluator:
    """Evaluates sets of one strategy over one market from a common first row.

    Every set is judged on the same days: it may trade from `first` on, or from the end of its
    own warm-up if that is later.
    """

    def __init__(
        self, kind: type[Strategy], market: Market, settings: BacktestSettings, first: int
    ) -> None:
        self._kind = kind
        self._market = market
        self._settings = settings
        self._first = first
        bars = market.bars
        day = bars.ts // DAY_MS if bars.session is None else bars.session
        ends = np.append(np.flatnonzero(np.diff(day)), len(bars) - 1)
        self._first_day = int(np.searchsorted(ends, first))
        self._ends = ends[self._first_day :]
        self._given: KernelInput | None = None
        self._batches: dict[object, Batch] = {}
        self._every_day: Floats = np.empty(ends.size)  # returns of a run, before `first` too

    @property
    def days(self) -> NDArray[np.int64]:
        """Open of each day's last bar, UTC ms, shape (days,)."""
        return np.asarray(self._market.bars.ts[self._ends])

    def evaluate(self, parameters: ParameterSet, returns: Floats | None = None) -> SetResult:
        """Run one set. What the strategy refuses or raises is its failure, not ours.

        Its daily returns are written to `returns`, shape (days,), where that is given: many sets
        fill the rows of one array. The row of a set that failed is 0.
        """
        row = np.empty(self._ends.size) if returns is None else returns
        try:
            strategy = self._kind(**parameters)
            if strategy.style is Style.TARGETS:
                return self._by_targets(parameters, strategy, row)
            return self._by_bar(parameters, strategy, row)
        except AlgotraderError as error:
            row[:] = 0.0
            return SetResult(parameters=parameters, returns=None, failure=error.message)

    def _by_targets(
        self, parameters: ParameterSet, strategy: Strategy, returns: Floats
    ) -> SetResult:
        batch = self._batch_for(strategy)
        totals = batch.run(self.targets(strategy), self._every_day)
        returns[:] = self._every_day[self._first_day :]
        return SetResult(
            parameters=parameters,
            returns=returns,
            final_equity=totals.final_equity,
            trades=totals.trades,
            fees=totals.fees,
        )

    def _batch_for(self, strategy: Strategy) -> Batch:
        """One batch for all strategies that are simulated by the same settings."""
        rules = (
            strategy.rebalance,
            strategy.stop_loss,
            strategy.take_profit,
            strategy.trailing,
            strategy.reenter_after,
        )
        batch = self._batches.get(rules)
        if batch is None:
            given = self.input_for(strategy)
            batch = Batch(given.panel, given.instruments, given.settings)
            self._batches[rules] = batch
        return batch

    def _by_bar(self, parameters: ParameterSet, strategy: Strategy, returns: Floats) -> SetResult:
        given = self.input_for(strategy)
        prepared = prepare_all(strategy, self._market.bars)
        result, _ = decide_by_bar(
            strategy,
            self._market,
            prepared,
            given.panel,
            given.instruments,
            given.settings,
            first=max(self._first, prepared.warmup_rows),
        )
        end(strategy)
        trades = trades_of(given.panel, given.instruments, given.settings, result)
        returns[:] = self._daily(result.equity)
        return SetResult(
            parameters=parameters,
            returns=returns,
            final_equity=float(result.equity[-1]),
            trades=len(trades.closed()),
            fees=float(result.fills.fee.sum()),
        )

    def targets(self, strategy: Strategy) -> Floats:
        """Targets `(T, N)` of one set, NaN before its first decision."""
        bars = self._market.bars
        prepared = prepare_all(strategy, bars)
        targets = all_targets(strategy, bars, prepared)
        targets[: max(self._first, prepared.warmup_rows)] = np.nan
        return targets

    def input_for(self, strategy: Strategy) -> KernelInput:
        """The market as the kernel reads it, made once; settings follow the strategy."""
        if self._given is None:
            self._given = kernel_input(strategy, self._market, self._settings, self._first)
        close_only = self._market.bars.close_only
        settings = settings_of(strategy, self._settings, close_only=close_only)
        return replace(self._given, settings=settings)

    def _daily(self, equity: Floats) -> Floats:
        """Return of each day; after ruin nothing can be earned (R8)."""
        value = equity[self._ends]
        base = np.concatenate(([self._settings.cash], value[:-1]))
        ruined = np.maximum.accumulate(value <= 0.0)
        before = np.concatenate(([False], ruined[:-1]))
        with np.errstate(divide="ignore", invalid="ignore"):
            returns = value / base - 1.0
        return np.where(before, 0.0, returns)


def common_first(
    kind: type[Strategy], market: Market, corners: list[ParameterSet], start: int | None
) -> int:
    """The row from which sets are judged: `start` (UTC ms), or the longest warm-up of `corners`.

    StrategyError if a corner's warm-up does not fit before `start`: it names the number missing
    (R5), before any set is run.
    """
    longest = 0
    for corner in corners:
        try:
            strategy = kind(**corner)
            prepared = prepare_all(strategy, market.bars)
        except AlgotraderError:
            continue  # the sweep itself will say why this set fails
        longest = max(longest, prepared.warmup_rows)
        if start is not None:
            first_decision(strategy, market.bars, prepared, start)
    if start is not None:
        return int(np.searchsorted(market.bars.ts, start))
    return min(longest, len(market.bars) - 1)
