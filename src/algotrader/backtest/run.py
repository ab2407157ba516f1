"""One backtest: a strategy, a market, settings, and what came of them.

Read `run_backtest` first. It prepares features and targets, hands them to the kernel, and gathers
equity, trades and figures; everything in a `RunResult` follows from its inputs alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from algotrader.backtest.contexts import decide_by_bar
from algotrader.backtest.kernel_input import (
    instruments_of,
    panel_of,
    settings_of,
    traded,
)
from algotrader.backtest.market import Market
from algotrader.backtest.returns import DailyReturns, EquityCurve, daily_returns
from algotrader.backtest.settings import BacktestSettings, refuse_worked
from algotrader.backtest.summary import Activity, Summary, buy_and_hold, summary
from algotrader.backtest.trade_list import trades_of
from algotrader.backtest.trades import TradeTable
from algotrader.backtest.waterfall import Costs
from algotrader.core.bars import Bars
from algotrader.core.errors import StrategyError
from algotrader.core.instruments import Instrument
from algotrader.execution.simulated import simulate
from algotrader.execution.simulation import (
    Panel,
    SimulatedInstrument,
    SimulationResult,
    SimulationSettings,
)
from algotrader.portfolio.sizing import LOT_SLACK
from algotrader.strategy.base import Strategy, Style
from algotrader.strategy.decide import Prepared, all_targets, end, first_decision, prepare_all
from algotrader.strategy.session import LogLine

if TYPE_CHECKING:
    from algotrader.backtest.lookahead import Finding
    from algotrader.core.events import RiskTripped
    from algotrader.risk.settings import RiskSettings

Floats = NDArray[np.float64]

QUICK_CUTS = 8  # random prefixes of the check that each backtest does by the way


@dataclass(frozen=True, slots=True, kw_only=True)
class KernelInput:
    """A market ready for the kernel; made once and used for every parameter set of a sweep."""

    panel: Panel
    instruments: list[SimulatedInstrument]
    settings: SimulationSettings


@dataclass(frozen=True, kw_only=True)
class RunResult:
    """What happened, from the row of the first decision on."""

    strategy: Strategy
    market: Market
    settings: BacktestSettings
    first: int  # row of the first decision
    prepared: Prepared | None  # features, where the run kept them
    instruments: tuple[Instrument, ...]  # with the costs of this run
    given: KernelInput
    simulation: SimulationResult
    log: tuple[LogLine, ...] = ()  # what the strategy wrote
    risk: RiskSettings | None = None  # that the full driver held; None: a run by the fast one
    trips: tuple[RiskTripped, ...] = ()  # rules of it that acted, in order

    @property
    def driver(self) -> str:
        """`fast` or `full`: who decided, gated and matched."""
        return "fast" if self.risk is None else "full"

    @property
    def bars(self) -> Bars:
        """The bars of the run without its warm-up."""
        return self.market.bars.rows(self.first, len(self.market.bars))

    @cached_property
    def curve(self) -> EquityCurve:
        """Equity after each bar from the first decision on."""
        bars = self.bars
        return EquityCurve(
            ts=bars.ts,
            equity=self.simulation.equity[self.first :],
            initial=self.settings.cash,
            timeframe_ms=bars.timeframe.ms,
            session=bars.session,
        )

    @cached_property
    def daily(self) -> DailyReturns:
        return daily_returns(self.curve)

    @cached_property
    def benchmark(self) -> EquityCurve:
        """Buying all instruments in equal parts at the first decision and holding them."""
        inverse = [instrument.is_inverse for instrument in self.instruments]
        return buy_and_hold(self.curve, self.bars.as_panel().close, inverse=inverse)

    @cached_property
    def exposure(self) -> Floats:
        """Signed value of all positions after each bar, shape (T,), account currency."""
        return np.asarray(self._values.sum(axis=1))

    @cached_property
    def _values(self) -> Floats:
        multiplier = np.array([float(instrument.multiplier) for instrument in self.instruments])
        inverse = np.array([instrument.is_inverse for instrument in self.instruments])
        close = _last_known(self.market.bars.as_panel().close)
        with np.errstate(divide="ignore", invalid="ignore"):
            unit = np.where(inverse, 1.0 / close, close)
        held = self.simulation.position * multiplier
        values = np.where(held != 0.0, held * unit, 0.0)
        return np.ascontiguousarray(values[self.first :])

    @cached_property
    def trades(self) -> TradeTable:
        given = self.given
        return trades_of(given.panel, given.instruments, given.settings, self.simulation)

    @cached_property
    def costs(self) -> Costs:
        fills = self.simulation.fills
        return Costs(
            fees=float(fills.fee.sum()),
            slippage=float(fills.slippage.sum()),
            funding=float(self.simulation.funding.sum()),
        )

    @cached_property
    def summary(self) -> Summary:
        """Every figure by its name; undefined ones are `None` with their reason."""
        return summary(
            self.curve,
            self.trades,
            periods_per_year=self.market.periods_per_year,
            costs=self.costs,
            activity=Activity(
                gross=np.abs(self._values).sum(axis=1),
                held=self._held,
                traded_notional=self._traded_notional,
            ),
            benchmark=self.benchmark,
        )

    @cached_property
    def checked(self) -> tuple[Finding, ...] | None:
        """What a look-ahead check on a few prefixes found; `algotrader check` does it thoroughly.

        None where it cannot say that there is none: decisions bar by bar, of which only the
        features are computed at once, and a strategy that runs once for each of many instruments.
        """
        from algotrader.backtest.lookahead import check_columns  # only who reads warnings pays

        if len(self.market.bars) < 3:
            return None
        bars = self.market.bars.as_panel() if self.strategy.panel else self.market.bars
        is_whole = self.strategy.style is Style.TARGETS and not (
            bars.panel and not self.strategy.panel
        )
        own = bars if is_whole or not bars.panel or self.strategy.panel else bars.column(0)
        found = tuple(check_columns(self.strategy, own, cuts=QUICK_CUTS))
        return found if is_whole or any(looks_ahead(one) for one in found) else None

    @cached_property
    def _held(self) -> NDArray[np.bool_]:
        """(T,): what a fee in the coin leaves of a closed position, dust, is not held (R9)."""
        lot = np.array([float(instrument.lot) for instrument in self.instruments])
        position = np.abs(self.simulation.position[self.first :])
        return np.asarray((position >= lot * (1.0 - LOT_SLACK)).any(axis=1))

    @cached_property
    def _traded_notional(self) -> float:
        fills = self.simulation.fills
        multiplier = np.array([float(instrument.multiplier) for instrument in self.instruments])
        inverse = np.array([instrument.is_inverse for instrument in self.instruments])
        contracts = np.abs(fills.quantity) * multiplier[fills.instrument]
        price = np.where(inverse[fills.instrument], 1.0 / fills.price, fills.price)
        return float((contracts * price).sum())


def kernel_input(
    strategy: Strategy, market: Market, settings: BacktestSettings, first: int
) -> KernelInput:
    """Everything of a simulation but what the strategy decides."""
    share = 1.0 if strategy.panel else 1.0 / len(market.instruments)  # R2
    return KernelInput(
        panel=panel_of(market, strategy, first),
        instruments=instruments_of(market, settings, share),
        settings=settings_of(strategy, settings, close_only=market.bars.close_only),
    )


def run_backtest(
    strategy: Strategy,
    market: Market,
    settings: BacktestSettings,
    *,
    start: int | None = None,
) -> RunResult:
    """Run one strategy over one market.

    `start` (UTC ms) is the first decision; rows before it are the warm-up (R5). StrategyError
    for what the strategy or its configuration does not allow, StrategyRaisedError with file, line
    and bar if its code raises.
    """
    refuse_worked(settings)
    style = strategy.style
    lines: tuple[LogLine, ...] = ()
    refuse_unknown(strategy, market)
    prepared = prepare_all(strategy, market.bars)
    first = first_decision(strategy, market.bars, prepared, start)
    given = kernel_input(strategy, market, settings, first)
    if style is Style.TARGETS:
        targets = all_targets(strategy, market.bars, prepared)
        targets[:first] = np.nan
        simulation = simulate(given.panel, given.instruments, given.settings, targets=targets)
    else:
        simulation, session = decide_by_bar(
            strategy,
            market,
            prepared,
            given.panel,
            given.instruments,
            given.settings,
            first=first,
        )
        end(strategy)
        lines = tuple(session.lines)
    return RunResult(
        strategy=strategy,
        market=market,
        settings=settings,
        first=first,
        prepared=prepared,
        instruments=tuple(traded(instrument, settings) for instrument in market.instruments),
        given=given,
        simulation=simulation,
        log=lines,
    )


def refuse_unknown(strategy: Strategy, market: Market) -> None:
    """StrategyError for what the market does not have: shorts on spot, stops on closes."""
    name = type(strategy).__name__
    if strategy.short and all(instrument.is_spot_like for instrument in market.instruments):
        raise StrategyError(
            "strategy.short_on_spot",
            f"{name} declares short = True, and nothing it trades can be sold short",
            hint="use a perpetual (OKX:BTC/USDT:USDT), or remove short = True",
        )
    protected = (strategy.stop_loss, strategy.take_profit, strategy.trailing)
    if market.bars.close_only and any(part is not None for part in protected):
        raise StrategyError(
            "strategy.stop_on_closes",
            f"{name} declares a stop or target inside the bar, the data has closes alone",
            hint="give data with open, high and low, or remove stop_loss, take_profit, trailing",
        )


def looks_ahead(finding: Finding) -> bool:
    """Whether a value changes when the future is known, and not something else was found."""
    return finding.code == "check.look_ahead"


def _last_known(close: Floats) -> Floats:
    rows = np.where(np.isfinite(close), np.arange(close.shape[0])[:, None], 0)
    known = np.maximum.accumulate(rows, axis=0)
    return np.take_along_axis(close, known, axis=0)
